//! What tensors are called: telling a family by its names, and one network's names from another's.
//!
//! Networks ask by the names of diffusers. A layout that spells them otherwise has a function here
//! that says where such a tensor lies.
//!
//! Adding a layout: a row in [`SIGNS`] of tensors that only it has together, a variant of [`Naming`], and
//! its function.

/// A kind of network, told by tensor names and never by a file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// FLUX.2, klein and the starter.
    Flux2,
    /// FLUX.1.
    Flux1,
    /// Stable Diffusion 1 and its relatives.
    Sd1,
    /// Stable Diffusion XL.
    Sdxl,
    /// Stable Diffusion 3.
    Sd3,
    /// Z-Image.
    ZImage,
}

impl Family {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flux2 => "flux2",
            Self::Flux1 => "flux1",
            Self::Sd1 => "sd1",
            Self::Sdxl => "sdxl",
            Self::Sd3 => "sd3",
            Self::ZImage => "zimage",
        }
    }
}

/// Whose names a file uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// The names that networks ask by.
    Diffusers,
    /// The original authors', also used by ComfyUI and in GGUF files.
    Original,
}

/// Tensors that only this family has together, in this naming. Relatives share many names, so most rows
/// have a second one that tells them apart (from diffusers' and ComfyUI's definitions of the networks).
const SIGNS: &[(&[&str], Family, Naming)] = &[
    (&["single_stream_modulation.lin.weight"], Family::Flux2, Naming::Original),
    (&["single_stream_modulation.linear.weight"], Family::Flux2, Naming::Diffusers),
    (
        &["conditioner.embedders.1.model.transformer.resblocks.9.mlp.c_proj.bias"],
        Family::Sdxl,
        Naming::Original,
    ),
    // Chroma is FLUX.1 without the vector of the whole prompt.
    (
        &["double_blocks.0.img_attn.norm.key_norm.scale", "vector_in.in_layer.weight"],
        Family::Flux1,
        Naming::Original,
    ),
    // SD3 has no single blocks; HunyuanVideo has, and makes its tokens by a convolution.
    (
        &[
            "transformer_blocks.0.norm1_context.linear.weight",
            "single_transformer_blocks.0.norm.linear.weight",
            "x_embedder.weight",
        ],
        Family::Flux1,
        Naming::Diffusers,
    ),
    (&["output_blocks.11.0.skip_connection.weight"], Family::Sd1, Naming::Original),
    (&["joint_blocks.0.context_block.adaLN_modulation.1.weight"], Family::Sd3, Naming::Original),
    (
        &["transformer_blocks.0.norm1_context.linear.weight", "pos_embed.proj.weight"],
        Family::Sd3,
        Naming::Diffusers,
    ),
    // Lumina 2 puts a SiLU before the modulation's layer, so that its number is 1.
    (
        &["cap_embedder.0.weight", "layers.0.adaLN_modulation.0.weight", "x_embedder.weight"],
        Family::ZImage,
        Naming::Original,
    ),
    (
        &[
            "cap_embedder.0.weight",
            "layers.0.adaLN_modulation.0.weight",
            "all_x_embedder.2-1.weight",
        ],
        Family::ZImage,
        Naming::Diffusers,
    ),
];

/// What some tools put before every name of a denoiser.
const PREFIXES: &[&str] = &["", "model.diffusion_model."];

/// Family, naming and prefix of a file, from a test for the presence of a name.
pub fn recognise(has: impl Fn(&str) -> bool) -> Option<(Family, Naming, &'static str)> {
    SIGNS.iter().find_map(|&(signs, family, naming)| {
        let all = |prefix: &&&str| signs.iter().all(|sign| has(&format!("{prefix}{sign}")));
        let prefix = PREFIXES.iter().find(all)?;
        Some((family, naming, *prefix))
    })
}

/// Where a tensor lies: in which stored one, and which of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The stored tensor's name.
    pub name: String,
    /// The part of it.
    pub rows: Rows,
}

/// Which rows of a stored tensor make the one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// All of them.
    All,
    /// One of three equal parts: query, key and value stand in one tensor.
    Third(usize),
    /// All, with the second half first.
    Swapped,
}

/// Where FLUX.2's original files keep the tensor that diffusers calls `name`.
pub fn flux2_original(name: &str) -> Piece {
    let whole = |name: String| Piece { name, rows: Rows::All };
    let block = |prefix: &str, table: &[(&str, &'static str, Rows)]| {
        let (number, inner) = name.strip_prefix(prefix)?.split_once('.')?;
        let (_, stored, rows) = table.iter().find(|row| row.0 == inner)?;
        Some((number.to_owned(), *stored, *rows))
    };
    if let Some((number, stored, rows)) = block("transformer_blocks.", FLUX2_DOUBLE) {
        return Piece { name: format!("double_blocks.{number}.{stored}"), rows };
    }
    if let Some((number, stored, rows)) = block("single_transformer_blocks.", FLUX2_SINGLE) {
        return Piece { name: format!("single_blocks.{number}.{stored}"), rows };
    }
    match FLUX2_OUTER.iter().find(|row| row.0 == name) {
        Some(&(_, stored, rows)) => Piece { name: stored.to_owned(), rows },
        None => whole(name.to_owned()),
    }
}

const FLUX2_OUTER: &[(&str, &str, Rows)] = &[
    ("x_embedder.weight", "img_in.weight", Rows::All),
    ("context_embedder.weight", "txt_in.weight", Rows::All),
    ("time_guidance_embed.timestep_embedder.linear_1.weight", "time_in.in_layer.weight", Rows::All),
    (
        "time_guidance_embed.timestep_embedder.linear_2.weight",
        "time_in.out_layer.weight",
        Rows::All,
    ),
    (
        "time_guidance_embed.guidance_embedder.linear_1.weight",
        "guidance_in.in_layer.weight",
        Rows::All,
    ),
    (
        "time_guidance_embed.guidance_embedder.linear_2.weight",
        "guidance_in.out_layer.weight",
        Rows::All,
    ),
    (
        "double_stream_modulation_img.linear.weight",
        "double_stream_modulation_img.lin.weight",
        Rows::All,
    ),
    (
        "double_stream_modulation_txt.linear.weight",
        "double_stream_modulation_txt.lin.weight",
        Rows::All,
    ),
    ("single_stream_modulation.linear.weight", "single_stream_modulation.lin.weight", Rows::All),
    // The original gives shift before scale, diffusers scale before shift.
    ("norm_out.linear.weight", "final_layer.adaLN_modulation.1.weight", Rows::Swapped),
    ("proj_out.weight", "final_layer.linear.weight", Rows::All),
];

const FLUX2_DOUBLE: &[(&str, &str, Rows)] = &[
    ("attn.to_q.weight", "img_attn.qkv.weight", Rows::Third(0)),
    ("attn.to_k.weight", "img_attn.qkv.weight", Rows::Third(1)),
    ("attn.to_v.weight", "img_attn.qkv.weight", Rows::Third(2)),
    ("attn.add_q_proj.weight", "txt_attn.qkv.weight", Rows::Third(0)),
    ("attn.add_k_proj.weight", "txt_attn.qkv.weight", Rows::Third(1)),
    ("attn.add_v_proj.weight", "txt_attn.qkv.weight", Rows::Third(2)),
    ("attn.to_out.0.weight", "img_attn.proj.weight", Rows::All),
    ("attn.to_add_out.weight", "txt_attn.proj.weight", Rows::All),
    ("attn.norm_q.weight", "img_attn.norm.query_norm.scale", Rows::All),
    ("attn.norm_k.weight", "img_attn.norm.key_norm.scale", Rows::All),
    ("attn.norm_added_q.weight", "txt_attn.norm.query_norm.scale", Rows::All),
    ("attn.norm_added_k.weight", "txt_attn.norm.key_norm.scale", Rows::All),
    ("ff.linear_in.weight", "img_mlp.0.weight", Rows::All),
    ("ff.linear_out.weight", "img_mlp.2.weight", Rows::All),
    ("ff_context.linear_in.weight", "txt_mlp.0.weight", Rows::All),
    ("ff_context.linear_out.weight", "txt_mlp.2.weight", Rows::All),
];

const FLUX2_SINGLE: &[(&str, &str, Rows)] = &[
    ("attn.to_qkv_mlp_proj.weight", "linear1.weight", Rows::All),
    ("attn.to_out.weight", "linear2.weight", Rows::All),
    ("attn.norm_q.weight", "norm.query_norm.scale", Rows::All),
    ("attn.norm_k.weight", "norm.key_norm.scale", Rows::All),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_told_by_their_names() {
        for prefix in PREFIXES {
            for &(signs, family, naming) in SIGNS {
                let names: Vec<String> =
                    signs.iter().map(|sign| format!("{prefix}{sign}")).collect();
                let has = |asked: &str| names.iter().any(|name| name == asked);
                assert_eq!(recognise(has), Some((family, naming, *prefix)), "{names:?}");
            }
        }
        assert_eq!(recognise(|_| false), None);
    }

    #[test]
    fn a_relative_is_not_taken_for_the_family() {
        let block = "transformer_blocks.0.norm1_context.linear.weight";
        let single = "single_transformer_blocks.0.norm.linear.weight";
        let cases: [(&str, &[&str], Option<Family>); 7] = [
            ("FLUX.1", &[block, single, "x_embedder.weight"], Some(Family::Flux1)),
            (
                "SD3",
                &[block, "pos_embed.proj.weight", "context_embedder.weight"],
                Some(Family::Sd3),
            ),
            ("HunyuanVideo", &[block, single, "x_embedder.proj.weight"], None),
            ("Chroma", &["double_blocks.0.img_attn.norm.key_norm.scale", "img_in.weight"], None),
            (
                "Lumina 2",
                &[
                    "cap_embedder.0.weight",
                    "layers.0.adaLN_modulation.1.weight",
                    "x_embedder.weight",
                ],
                None,
            ),
            (
                "Z-Image",
                &[
                    "cap_embedder.0.weight",
                    "layers.0.adaLN_modulation.0.weight",
                    "x_embedder.weight",
                ],
                Some(Family::ZImage),
            ),
            (
                "FLUX.2",
                &[
                    "double_blocks.0.img_attn.norm.key_norm.scale",
                    "single_stream_modulation.lin.weight",
                ],
                Some(Family::Flux2),
            ),
        ];
        for (name, tensors, family) in cases {
            let found = recognise(|asked| tensors.contains(&asked)).map(|(family, ..)| family);
            assert_eq!(found, family, "{name}");
        }
    }

    #[test]
    fn flux2_names_lead_to_the_original_ones() {
        let cases = [
            ("x_embedder.weight", "img_in.weight", Rows::All),
            (
                "transformer_blocks.3.attn.to_v.weight",
                "double_blocks.3.img_attn.qkv.weight",
                Rows::Third(2),
            ),
            (
                "single_transformer_blocks.19.attn.norm_k.weight",
                "single_blocks.19.norm.key_norm.scale",
                Rows::All,
            ),
            ("norm_out.linear.weight", "final_layer.adaLN_modulation.1.weight", Rows::Swapped),
            ("something.else", "something.else", Rows::All),
        ];
        for (name, stored, rows) in cases {
            assert_eq!(flux2_original(name), Piece { name: stored.into(), rows });
        }
    }
}
