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
const UPSCALER: &str = concat!(
    r#"{"schema":1,"kind":"upscaler","name":"tiny","scales":[2,4],"channels":8,"blocks":1,"#,
    r#""files":[{"path":"model.safetensors","bytes":8,"sha256":"00"}]}"#
);
const ENCODER: &str = concat!(
    r#"{"model_type":"likeness_text","vocab_size":300,"hidden_size":32,"num_layers":2,"#,
    r#""num_heads":2,"intermediate_size":48,"max_positions":16,"norm_eps":1e-6}"#
);

const TOKENIZER: &str = concat!(
    r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"#,
    r#""normalizer":{"type":"Lowercase"},"#,
    r#""pre_tokenizer":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},"#,
    r#""post_processor":null,"decoder":null,"#,
    r#""model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"#,
    r#""end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":false,"#,
    r#""vocab":{"a":0,"f":1,"o":2,"x":3,"fo":4,"fox":5},"merges":[["f","o"],["fo","x"]]}}"#
);

const LOWERCASE: &str = r#"{"type":"Lowercase"}"#;
const PRECOMPILED: &str = r#"{"type":"Precompiled","precompiled_charsmap":"AAAA"}"#;
const BYTES: &str =
    r#"{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}"#;
const BACKTRACKING: &str =
    r#"{"type":"Split","pattern":{"Regex":"(a|a)*b"},"behavior":"Isolated","invert":false}"#;
const QWEN: &str = concat!(
    r#"{"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"#,
    r#"\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"#,
    r#""behavior":"Isolated","invert":false}"#
);
const ADDED: &str = concat!(
    r#""added_tokens":[{"id":900,"content":"<new>","single_word":false,"lstrip":false,"#,
    r#""rstrip":false,"normalized":false,"special":true}]"#
);

fn sequence(of: &str) -> String {
    format!(r#"{{"type":"Sequence","normalizers":[{of}]}}"#)
}

/// Tokenizers: what the library that reads them believes of merges, and is not true.
pub(super) fn tokenizers() -> Vec<Seed> {
    let with = |from: &str, to: &str| TOKENIZER.replace(from, to).into_bytes();
    let prefix = "\"continuing_subword_prefix\":null";
    let replace = r#"{"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaaaaaaaaa"}"#;
    let replaces = sequence(&[replace; 12].join(","));
    let nested = (0..60).fold(LOWERCASE.to_owned(), |inner, _| sequence(&inner));
    named(vec![
        ("empty", Vec::new()),
        ("whole", TOKENIZER.into()),
        ("merges-in-one-text", with(r#"[["f","o"],["fo","x"]]"#, r#"["f o","fo x"]"#)),
        ("long-tokens-lost", with(r#","fo":4,"fox":5"#, "")),
        ("merge-of-nothing", with(r#"["f","o"]"#, r#"["",""]"#)),
        ("prefix-longer-than-parts", with(prefix, "\"continuing_subword_prefix\":\"######\"")),
        ("prefix-of-one-byte", with(prefix, "\"continuing_subword_prefix\":\"#\"")),
        ("token-beyond", with("\"fox\":5", "\"fox\":4000000000")),
        ("two-tokens-one-number", with("\"fox\":5", "\"fox\":0")),
        ("dropout", with("\"dropout\":null", "\"dropout\":0.5")),
        ("normalizer-precompiled", with(LOWERCASE, PRECOMPILED)),
        ("normalizer-replaces", with(LOWERCASE, &replaces)),
        ("normalizers-nested", with(LOWERCASE, &nested)),
        ("words-of-no-length", with("\"ByteLevel\",", "\"FixedLength\",\"length\":0,")),
        ("words-by-backtracking", with(BYTES, BACKTRACKING)),
        ("words-of-qwen", with(BYTES, QWEN)),
        ("added-elsewhere", with("\"added_tokens\":[]", ADDED)),
        ("part-twice", with("\"decoder\":null", "\"decoder\":null,\"decoder\":null")),
        ("unigram-by-chance", with("\"BPE\"", "\"Unigram\",\"alpha\":0.5,\"nbest_size\":9")),
        ("vocabulary-list", with(r#"{"a":0,"f":1,"o":2,"x":3,"fo":4,"fox":5}"#, "[]")),
    ])
}

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
        ("manifest-name-long", manifest("\"name\":", &format!("\"{}\"", "n".repeat(1500)))),
        ("manifest-name-commands", manifest("\"name\":", r#""\u001b]0;a\u0007""#)),
        (
            "manifest-files-twice",
            MANIFEST
                .replace(
                    r#""sha256":"00"}"#,
                    r#""sha256":"00"},{"path":"model.safetensors","bytes":8,"sha256":"00"}"#,
                )
                .into(),
        ),
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
        ("upscaler-whole", UPSCALER.into()),
        ("upscaler-scales-again", UPSCALER.replace("[2,4]", "[2,4,2,2,2,2,2,2]").into()),
        ("encoder-whole", ENCODER.into()),
        ("encoder-no-heads", encoder("\"num_heads\":", "0")),
        ("encoder-words-endless", encoder("\"vocab_size\":", "18446744073709551615")),
    ])
}
