//! Manifests and configurations of models: whole ones, and sizes that nothing has.

use super::{Seed, named};

const MANIFEST: &str = concat!(
    r#"{"schema":1,"name":"tiny","version":"0.0.0","family":"flux2","licence":"Apache-2.0","#,
    r#""prediction_type":"sample","image":{"channels":4,"patch_size":4,"alpha":"premultiplied"},"#,
    r#""text":{"max_tokens":16,"pad_multiple":4,"pad_token_id":0},"#,
    r#""defaults":{"width":24,"height":16,"steps":4,"guidance":1.0,"#,
    r#""sampler":"flow_euler","schedule":"default"},"#,
    r#""limits":{"min_side":8,"max_side":64,"multiple":4,"max_references":2},"#,
    r#""files":[{"path":"model.safetensors","bytes":8,"sha256":"00"}]}"#
);
const NETWORK: &str = concat!(
    r#"{"patch_size":1,"in_channels":64,"out_channels":null,"num_layers":2,"num_single_layers":2,"#,
    r#""attention_head_dim":16,"num_attention_heads":2,"joint_attention_dim":32,"#,
    r#""timestep_guidance_channels":32,"mlp_ratio":3.0,"axes_dims_rope":[4,4,4,4],"#,
    r#""rope_theta":2000.0,"eps":1e-6,"guidance_embeds":false}"#
);
const ENCODER: &str = concat!(
    r#"{"model_type":"likeness_text","vocab_size":300,"hidden_size":32,"num_layers":2,"#,
    r#""num_heads":2,"intermediate_size":48,"max_positions":16,"norm_eps":1e-6}"#
);

/// The texts beside a model's weights.
pub(super) fn texts() -> Vec<Seed> {
    let with = |whole: &str, field: &str, value: &str| {
        let (before, after) = whole.split_once(field).expect("it is there");
        let end = after.find([',', '}', ']']).expect("it ends");
        format!("{before}{field}{value}{}", &after[end..]).into_bytes()
    };
    let manifest = |field, value| with(MANIFEST, field, value);
    let network = |field, value| with(NETWORK, field, value);
    let encoder = |field, value| with(ENCODER, field, value);
    named(vec![
        ("empty", Vec::new()),
        ("list", b"[]".to_vec()),
        ("manifest-whole", MANIFEST.into()),
        ("manifest-no-multiple-between", manifest("\"multiple\":", "128")),
        ("manifest-multiple-0", manifest("\"multiple\":", "0")),
        ("manifest-multiple-huge", manifest("\"multiple\":", "4294967292")),
        ("manifest-sides-backwards", manifest("\"min_side\":", "65")),
        ("network-whole", NETWORK.into()),
        // Together they are a head's 16, counted in 64 bits.
        (
            "network-axes-wrap",
            NETWORK.replace("[4,4,4,4]", "[9223372036854775808,9223372036854775808,8,8]").into(),
        ),
        ("network-axes-few", NETWORK.replace("[4,4,4,4]", "[16]").into()),
        ("network-heads-endless", network("\"num_attention_heads\":", "18446744073709551615")),
        ("network-head-endless", network("\"attention_head_dim\":", "9223372036854775808")),
        ("network-ratio-huge", network("\"mlp_ratio\":", "1e300")),
        ("network-layers-endless", network("\"num_layers\":", "18446744073709551615")),
        ("encoder-whole", ENCODER.into()),
        ("encoder-no-heads", encoder("\"num_heads\":", "0")),
        ("encoder-words-endless", encoder("\"vocab_size\":", "18446744073709551615")),
    ])
}
