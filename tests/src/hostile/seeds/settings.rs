//! What other programs write into their pictures, in short, and what would trip a reader of it.

use super::{Seed, named};

pub(super) fn settings() -> Vec<Seed> {
    let text = |key: &str, text: &str| format!("{key}\n{text}").into_bytes();
    named(vec![
        ("empty", Vec::new()),
        ("a1111", text("parameters", A1111)),
        (
            "a1111-endless-number",
            text("parameters", &format!("a\nSteps: 1, Seed: {}, Size: 1x", "9".repeat(400))),
        ),
        ("a1111-unended-quote", text("parameters", "a\nSteps: 1, Seed: 2, A b: \"\\\"\\")),
        ("comfyui", text("prompt", COMFYUI)),
        (
            "comfyui-circle",
            text(
                "prompt",
                r#"{"1":{"class_type":"KSampler","inputs":{"seed":["1",0],"latent_image":["1",0],"positive":["1",0]}}}"#,
            ),
        ),
        (
            "comfyui-nowhere",
            text("prompt", r#"{"1":{"class_type":"SaveImage","inputs":{"images":["9",0]}}}"#),
        ),
        ("comfyui-nested", text("prompt", &"{\"a\":".repeat(300))),
        (
            "comfyui-drawn",
            text(
                "workflow",
                r#"{"nodes":[{"id":1,"type":"KSampler","widgets_values":[7,"fixed",4,1,"euler","simple",1],"inputs":[{"name":"latent_image","link":1}]},{"id":2,"type":"EmptyLatentImage","widgets_values":[64,64,NaN]}],"links":[[1,2,0,1,0,"LATENT"]]}"#,
            ),
        ),
        (
            "comfyui-drawn-not-numbers",
            text(
                "workflow",
                r#"{"nodes":[{"id":1e99,"type":"KSampler"},7],"links":[[],[1,-1],null]}"#,
            ),
        ),
        (
            "invokeai",
            text(
                "invokeai_metadata",
                r#"{"positive_prompt":"a fox","seed":1,"scheduler":"euler_a","model":{"name":"m"},"loras":[]}"#,
            ),
        ),
        (
            "invokeai-wrong-kinds",
            text(
                "invokeai_metadata",
                r#"{"positive_prompt":7,"seed":-1,"steps":1e99,"width":"wide"}"#,
            ),
        ),
        (
            "invokeai-old",
            text(
                "sd-metadata",
                r#"{"image":{"prompt":[{"prompt":"a [b] ]["}],"sampler":"k_lms"}}"#,
            ),
        ),
        (
            "swarmui",
            text(
                "parameters",
                r#"{"sui_image_params":{"prompt":"a","seed":1,"steps":2.0,"cfgscale":1}}"#,
            ),
        ),
        (
            "fooocus",
            text(
                "parameters",
                r#"{"base_model":"m","performance":"Speed","resolution":"(64, 64)","seed":"1"}"#,
            ),
        ),
        (
            "fooocus-resolution",
            text("parameters", r#"{"base_model":"m","performance":"","resolution":[[[]],1,2]}"#),
        ),
    ])
}

const A1111: &str = "a (red:1.2) fox <lora:paper:0.8>\nNegative prompt: blue\nSteps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 965400086, Size: 512x512, RNG: CPU, Model: m";

const COMFYUI: &str = r#"{"3":{"class_type":"KSampler","inputs":{"seed":1,"steps":4,"cfg":1.5,"sampler_name":"euler","scheduler":"simple","denoise":0.5,"model":["4",0],"positive":["6",0],"negative":["6",0],"latent_image":["5",0]}},"4":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"a/b.ckpt"}},"5":{"class_type":"EmptyLatentImage","inputs":{"width":64,"height":64}},"6":{"class_type":"CLIPTextEncode","inputs":{"text":"a fox"}},"9":{"class_type":"SaveImage","inputs":{"images":["3",0]}}}"#;
