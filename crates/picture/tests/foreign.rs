//! The settings of other programs: what they write, and what nobody should.

use std::time::{Duration, Instant};

use likeness_picture::foreign::{Field, ForeignSettings, Reason, read_settings};
use likeness_picture::{Format, PictureMetadata};
use proptest::prelude::*;

const A1111: &str = "a red fox, (snow:1.2) <lora:paper:0.8>\nNegative prompt: blurry, dog\n\
    Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 965400086, Size: 512x768, \
    Model hash: 45dee52b, Model: sd_v15, Denoising strength: 0.4, Clip skip: 2, Version: v1.10.1";

const COMFYUI: &str = r#"{
    "3": {"class_type": "KSampler", "inputs": {"seed": 8566257, "steps": 20, "cfg": 8,
        "sampler_name": "euler_ancestral", "scheduler": "karras", "denoise": 1,
        "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "folder/sdxl.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 640, "height": 512, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["8", 0]}},
    "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "paper.safetensors",
        "strength_model": 0.8, "strength_clip": 1, "model": ["4", 0], "clip": ["4", 1]}},
    "11": {"class_type": "FaceDetailer", "inputs": {"image": ["8", 0]}}
}"#;

/// A second pass over an enlarged picture, with a control in between and texts from other nodes.
const COMFYUI_TWO_PASSES: &str = r#"{
    "1": {"class_type": "KSampler", "inputs": {"seed": ["20", 0], "steps": 30, "cfg": 5,
        "sampler_name": "dpmpp_2m", "scheduler": "normal", "denoise": 1.0, "model": ["4", 0],
        "positive": ["30", 0], "negative": ["30", 1], "latent_image": ["5", 0]}},
    "2": {"class_type": "KSampler", "inputs": {"seed": 2, "steps": 10, "cfg": 5,
        "sampler_name": "euler", "scheduler": "normal", "denoise": 0.5, "model": ["4", 0],
        "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["12", 0]}},
    "4": {"class_type": "UNETLoader", "inputs": {"unet_name": "model.gguf"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["21", 0]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "ugly"}},
    "12": {"class_type": "LatentUpscale", "inputs": {"samples": ["1", 0], "width": 1024, "height": 1024}},
    "13": {"class_type": "VAEDecode", "inputs": {"samples": ["2", 0]}},
    "14": {"class_type": "PreviewImage", "inputs": {"images": ["13", 0]}},
    "20": {"class_type": "Seed (rgthree)", "inputs": {"seed": 41}},
    "21": {"class_type": "PrimitiveString", "inputs": {"value": "a lighthouse"}},
    "30": {"class_type": "ControlNetApplyAdvanced", "inputs": {"strength": 0.5,
        "positive": ["6", 0], "negative": ["7", 0]}}
}"#;

/// SDXL as most of its pictures were made: a second model takes over before the first has finished.
const COMFYUI_REFINED: &str = r#"{
    "10": {"class_type": "KSamplerAdvanced", "inputs": {"add_noise": "enable", "noise_seed": 7, "steps": 25,
        "cfg": 8, "sampler_name": "euler", "scheduler": "normal", "start_at_step": 0, "end_at_step": ["45", 0],
        "return_with_leftover_noise": "enable", "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0],
        "latent_image": ["5", 0]}},
    "11": {"class_type": "KSamplerAdvanced", "inputs": {"add_noise": "disable", "noise_seed": 0, "steps": 25,
        "cfg": 8, "sampler_name": "euler", "scheduler": "normal", "start_at_step": 20, "end_at_step": 10000,
        "return_with_leftover_noise": "disable", "model": ["12", 0], "positive": ["6", 0], "negative": ["7", 0],
        "latent_image": ["10", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 1024, "height": 1024, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
    "12": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_refiner_1.0.safetensors"}},
    "17": {"class_type": "VAEDecode", "inputs": {"samples": ["11", 0], "vae": ["12", 2]}},
    "19": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["17", 0]}},
    "45": {"class_type": "PrimitiveInt", "inputs": {"value": 20}}
}"#;

/// The same node with nothing special about it, in a graph as it was drawn.
const COMFYUI_ADVANCED_DRAWN: &str = r#"{"nodes": [
        {"id": 3, "type": "KSamplerAdvanced", "widgets_values": ["enable", 77, "fixed", 12, 6.5, "uni_pc",
            "sgm_uniform", 0, 10000, "disable"], "inputs": [{"name": "latent_image", "link": 2}]},
        {"id": 5, "type": "EmptyLatentImage", "widgets_values": [384, 640, 1]}],
    "links": [[2, 5, 0, 3, 3, "LATENT"]]}"#;

const COMFYUI_IN_PARTS: &str = r#"{
    "13": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["25", 0], "guider": ["22", 0],
        "sampler": ["16", 0], "sigmas": ["17", 0], "latent_image": ["27", 0]}},
    "25": {"class_type": "RandomNoise", "inputs": {"noise_seed": 18446744073709551615}},
    "22": {"class_type": "BasicGuider", "inputs": {"model": ["12", 0], "conditioning": ["26", 0]}},
    "26": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["6", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a mug", "clip": ["11", 0]}},
    "12": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux\\flux1-dev.sft"}},
    "16": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
    "17": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 28,
        "denoise": 0.75, "model": ["12", 0]}},
    "27": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 768}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["13", 0]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}
}"#;

const COMFYUI_DRAWN: &str = r#"{"last_node_id": 9, "version": 0.4, "extra": {"scale": NaN},
    "nodes": [
        {"id": 3, "type": "KSampler", "widgets_values": [77, "randomize", 12, 6.5, "uni_pc", "sgm_uniform", 1],
         "inputs": [{"name": "model", "link": 1}, {"name": "positive", "link": 4},
                    {"name": "negative", "link": 6}, {"name": "latent_image", "link": 2}]},
        {"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["dream.ckpt"]},
        {"id": 5, "type": "EmptyLatentImage", "widgets_values": [384, 640, 1]},
        {"id": 6, "type": "CLIPTextEncode", "widgets_values": ["a NaN \"bread\""]},
        {"id": 7, "type": "CLIPTextEncode", "widgets_values": ["text"]},
        {"id": 9, "type": "SaveImage", "widgets_values": ["x"], "inputs": [{"name": "images", "link": 9}]},
        {"id": 8, "type": "VAEDecode", "inputs": [{"name": "samples", "link": 7}]}],
    "links": [[1, 4, 0, 3, 0, "MODEL"], [2, 5, 0, 3, 3, "LATENT"], [4, 6, 0, 3, 1, "CONDITIONING"],
              [6, 7, 0, 3, 2, "CONDITIONING"], [7, 3, 0, 8, 0, "LATENT"], [9, 8, 0, 9, 0, "IMAGE"]]}"#;

const INVOKEAI: &str = r#"{"generation_mode": "txt2img", "positive_prompt": "a fox", "negative_prompt": "",
    "width": 1024, "height": 768, "seed": 123456, "rand_device": "cpu", "cfg_scale": 5.5, "steps": 30,
    "scheduler": "dpmpp_2m_sde_k", "clip_skip": 0, "model": {"key": "f", "name": "Juggernaut XL", "base": "sdxl"},
    "loras": [{"model": {"name": "paper"}, "weight": 0.7}], "app_version": "5.0.0"}"#;

const INVOKEAI_OLD: &str = r#"{"model_weights": "stable-diffusion-1.5", "image": {"prompt":
    [{"prompt": "a fox [blurry] in snow [dog]", "weight": 1.0}], "steps": 50, "cfg_scale": 7.5, "seed": 42,
    "width": 512, "height": 512, "sampler": "k_euler_a", "type": "txt2img", "threshold": 0.5}}"#;

const SWARMUI: &str = r#"{"sui_image_params": {"prompt": "a fox", "negativeprompt": "blurry",
    "model": "OfficialStableDiffusion/sd_xl_base_1.0", "seed": 77, "steps": 20, "cfgscale": 7.0,
    "width": 1024, "height": 1024, "sampler": "dpmpp_2m", "scheduler": "karras", "aspectratio": "1:1",
    "swarm_version": "0.9.3", "vae": "auto"}, "sui_models": []}"#;

const FOOOCUS: &str = r#"{"adm_guidance": "(1.5, 0.8, 0.3)", "base_model": "juggernautXL_v8", "base_model_hash":
    "aeb7e9e689", "guidance_scale": 4, "negative_prompt": "", "performance": "Speed", "prompt": "a fox",
    "full_prompt": ["a fox, cinematic"], "resolution": "(1152, 896)", "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras", "seed": "2118756", "steps": 30, "version": "Fooocus v2.5.0"}"#;

/// A picture's texts as they would be read from a PNG.
fn texts(texts: &[(&str, &str)]) -> PictureMetadata {
    let texts: Vec<_> = texts.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let parameters = texts.iter().find(|(key, _)| key == "parameters").map(|(_, v)| v.clone());
    PictureMetadata { parameters, texts, ..PictureMetadata::none(Format::Png) }
}

/// Every example, by the key that it stands under.
const EXAMPLES: &[(&str, &str)] = &[
    ("parameters", A1111),
    ("prompt", COMFYUI),
    ("prompt", COMFYUI_TWO_PASSES),
    ("prompt", COMFYUI_REFINED),
    ("workflow", COMFYUI_ADVANCED_DRAWN),
    ("prompt", COMFYUI_IN_PARTS),
    ("workflow", COMFYUI_DRAWN),
    ("invokeai_metadata", INVOKEAI),
    ("sd-metadata", INVOKEAI_OLD),
    ("parameters", SWARMUI),
    ("parameters", FOOOCUS),
];

fn check(given: &[(&str, &str)], program: &str, expected: &[(Field, &str)], unmatched: &[&str]) {
    let read = read_settings(&texts(given)).unwrap_or_else(|| panic!("nothing in {given:?}"));
    assert_eq!(read.program.name(), program);
    let values: Vec<_> =
        read.values.iter().map(|(field, value)| (*field, value.as_str())).collect();
    assert_eq!(values, expected, "{program}");
    let names: Vec<_> = read.unmatched.iter().map(|unmatched| unmatched.name.as_str()).collect();
    assert_eq!(names, unmatched, "{program}");
}

#[test]
fn a1111() {
    use Field::*;
    let expected = [
        (Prompt, "a red fox, (snow:1.2)"),
        (Negative, "blurry, dog"),
        (Model, "sd_v15"),
        (Seed, "965400086"),
        (Steps, "20"),
        (Guidance, "7.5"),
        (Width, "512"),
        (Height, "768"),
        (Sampler, "dpmpp_2m"),
        (Schedule, "karras"),
        (Strength, "0.4"),
    ];
    // The noise is the graphics card's unless the file says otherwise, and that is said.
    check(&[("parameters", A1111)], "a1111", &expected, &["LoRA", "Clip skip", "RNG"]);
    let named =
        "a fox\nSteps: 4, Sampler: Restart, Seed: 1, Size: 64x64, RNG: CPU, Schedule type: Beta";
    let expected = [
        (Prompt, "a fox"),
        (Seed, "1"),
        (NoiseSource, "torch"),
        (Steps, "4"),
        (Width, "64"),
        (Height, "64"),
        (Schedule, "beta"),
    ];
    check(&[("parameters", named)], "a1111", &expected, &["Sampler"]);
    let read = read_settings(&texts(&[("parameters", named)])).unwrap();
    assert_eq!(read.unmatched[0].reason, Reason::UnknownValue);
    assert_eq!(read_settings(&texts(&[("parameters", "only a text")])), None);
}

#[test]
fn comfyui() {
    use Field::*;
    let expected = [
        (Prompt, "a red fox"),
        (Negative, "blurry"),
        (Model, "sdxl"),
        (Seed, "8566257"),
        (NoiseSource, "torch"),
        (Steps, "20"),
        (Guidance, "8"),
        (Width, "640"),
        (Height, "512"),
        (Sampler, "euler_a"),
        (Schedule, "karras"),
    ];
    check(&[("prompt", COMFYUI)], "comfyui", &expected, &["LoRA", "FaceDetailer"]);
    let expected = [
        (Prompt, "a lighthouse"),
        (Negative, "ugly"),
        (Model, "model"),
        (Seed, "41"),
        (NoiseSource, "torch"),
        (Steps, "30"),
        (Guidance, "5"),
        (Width, "512"),
        (Height, "512"),
        (Sampler, "dpmpp_2m"),
        (Schedule, "default"),
    ];
    let unmatched = ["LatentUpscale", "KSampler", "Seed (rgthree)", "ControlNetApplyAdvanced"];
    check(&[("prompt", COMFYUI_TWO_PASSES)], "comfyui", &expected, &unmatched);
    let expected = [
        (Prompt, "a mug"),
        (Model, "flux1-dev"),
        (Seed, "18446744073709551615"),
        (NoiseSource, "torch"),
        (Steps, "28"),
        (Guidance, "3.5"),
        (Width, "1024"),
        (Height, "768"),
        (Sampler, "euler"),
        (Schedule, "simple"),
        (Strength, "0.75"),
    ];
    check(&[("prompt", COMFYUI_IN_PARTS)], "comfyui", &expected, &[]);
    let expected = [
        (Prompt, "a NaN \"bread\""),
        (Negative, "text"),
        (Model, "dream"),
        (Seed, "77"),
        (NoiseSource, "torch"),
        (Steps, "12"),
        (Guidance, "6.5"),
        (Width, "384"),
        (Height, "640"),
        (Sampler, "unipc"),
        (Schedule, "sgm_uniform"),
    ];
    check(&[("workflow", COMFYUI_DRAWN)], "comfyui", &expected, &[]);
}

#[test]
fn a_comfyui_sampler_that_begins_or_ends_amid_its_steps() {
    use Field::*;
    let expected = [
        (Prompt, "a red fox"),
        (Negative, "blurry"),
        (Model, "sd_xl_base_1.0"),
        (Seed, "7"),
        (NoiseSource, "torch"),
        (Steps, "25"),
        (Guidance, "8"),
        (Width, "1024"),
        (Height, "1024"),
        (Sampler, "euler"),
        (Schedule, "default"),
    ];
    let unmatched = ["end_at_step", "return_with_leftover_noise", "KSamplerAdvanced"];
    check(&[("prompt", COMFYUI_REFINED)], "comfyui", &expected, &unmatched);
    let read = read_settings(&texts(&[("prompt", COMFYUI_REFINED)])).unwrap();
    let values: Vec<_> = read.unmatched.iter().map(|one| one.value.as_str()).collect();
    assert_eq!(values, ["20", "enable", "node 11"]);
    let expected = [
        (Seed, "77"),
        (NoiseSource, "torch"),
        (Steps, "12"),
        (Guidance, "6.5"),
        (Width, "384"),
        (Height, "640"),
        (Sampler, "unipc"),
        (Schedule, "sgm_uniform"),
    ];
    check(&[("workflow", COMFYUI_ADVANCED_DRAWN)], "comfyui", &expected, &[]);
    for (steps, name) in [("4, 10000", "start_at_step"), ("0, 8", "end_at_step")] {
        let part = COMFYUI_ADVANCED_DRAWN.replace("0, 10000", steps).replace("enable", "disable");
        check(&[("workflow", part.as_str())], "comfyui", &expected, &["add_noise", name]);
    }
}

#[test]
fn invokeai() {
    use Field::*;
    let expected = [
        (Prompt, "a fox"),
        (Model, "Juggernaut XL"),
        (Seed, "123456"),
        (NoiseSource, "torch"),
        (Steps, "30"),
        (Guidance, "5.5"),
        (Width, "1024"),
        (Height, "768"),
        (Sampler, "dpmpp_2m_sde"),
        (Schedule, "karras"),
    ];
    let given = [("invokeai_metadata", INVOKEAI), ("invokeai_graph", "{}")];
    check(&given, "invokeai", &expected, &["clip_skip", "loras"]);
    let expected = [
        (Prompt, "a fox in snow"),
        (Negative, "blurry, dog"),
        (Model, "stable-diffusion-1.5"),
        (Seed, "42"),
        (Steps, "50"),
        (Guidance, "7.5"),
        (Width, "512"),
        (Height, "512"),
        (Sampler, "euler_a"),
    ];
    let unmatched = ["threshold", "rand_device"];
    check(&[("sd-metadata", INVOKEAI_OLD)], "invokeai", &expected, &unmatched);
}

#[test]
fn forge_steers_flux_by_another_number() {
    let read = |cfg: &str| {
        let settings = format!(
            "a mug\nSteps: 20, Sampler: Euler, CFG scale: {cfg}, Distilled CFG Scale: 3.5, Seed: 1, Size: 64x64, RNG: CPU"
        );
        let read = read_settings(&texts(&[("parameters", &settings)])).unwrap();
        let names: Vec<_> = read.unmatched.iter().map(|one| one.name.clone()).collect();
        (read.value(Field::Guidance).map(str::to_owned), names)
    };
    for one in ["1", "1.0"] {
        assert_eq!(read(one), (Some("3.5".to_owned()), vec![]));
    }
    assert_eq!(read("2"), (Some("3.5".to_owned()), vec!["CFG scale".to_owned()]));
}

#[test]
fn comfyui_inpainting_and_batches_are_not_passed_over() {
    let graph = r#"{
        "3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20, "cfg": 7, "sampler_name": "heun",
            "scheduler": "normal", "denoise": 1.0, "latent_image": ["5", 0], "positive": ["6", 0]}},
        "5": {"class_type": "VAEEncodeForInpaint", "inputs": {"pixels": ["10", 0], "mask": ["11", 0]}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a mug"}},
        "10": {"class_type": "LoadImage", "inputs": {"image": "mug.png"}},
        "11": {"class_type": "LoadImageMask", "inputs": {"image": "mask.png", "channel": "red"}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}}}"#;
    let read = |graph: &str| {
        let read = read_settings(&texts(&[("prompt", graph)])).unwrap();
        let left: Vec<_> = read.unmatched.iter().map(|one| one.name.clone()).collect();
        (read.value(Field::Sampler).map(str::to_owned), left.join(" "))
    };
    let painted = (Some("flow_heun".to_owned()), "LoadImageMask VAEEncodeForInpaint".to_owned());
    assert_eq!(read(graph), painted);
    let several = graph
        .replace("VAEEncodeForInpaint", "EmptyLatentImage")
        .replace(r#""pixels": ["10", 0]"#, r#""batch_size": 4"#);
    assert_eq!(read(&several).1, "LoadImageMask batch_size");
}

#[test]
fn invokeai_draws_noise_on_the_processor_unless_it_says_otherwise() {
    let read = |rand_device: &str| {
        let text = INVOKEAI.replace(r#""rand_device": "cpu", "#, rand_device);
        let read = read_settings(&texts(&[("invokeai_metadata", &text)])).unwrap();
        let left = read.unmatched.iter().any(|one| one.name == "rand_device");
        (read.value(Field::NoiseSource).map(str::to_owned), left)
    };
    assert_eq!(read(""), (Some("torch".to_owned()), false));
    assert_eq!(read(r#""rand_device": null, "#), (Some("torch".to_owned()), false));
    assert_eq!(read(r#""rand_device": "cuda", "#), (None, true));
}

#[test]
fn json_in_parameters() {
    use Field::*;
    let expected = [
        (Prompt, "a fox"),
        (Negative, "blurry"),
        (Model, "sd_xl_base_1.0"),
        (Seed, "77"),
        (NoiseSource, "torch"),
        (Steps, "20"),
        (Guidance, "7"),
        (Width, "1024"),
        (Height, "1024"),
        (Sampler, "dpmpp_2m"),
        (Schedule, "karras"),
    ];
    check(&[("parameters", SWARMUI)], "swarmui", &expected, &["vae"]);
    let expected = [
        (Prompt, "a fox"),
        (Model, "juggernautXL_v8"),
        (Seed, "2118756"),
        (NoiseSource, "torch"),
        (Steps, "30"),
        (Guidance, "4"),
        (Width, "1152"),
        (Height, "896"),
        (Sampler, "dpmpp_2m_sde"),
        (Schedule, "karras"),
    ];
    let given = [("parameters", FOOOCUS), ("fooocus_scheme", "fooocus")];
    check(&given, "fooocus", &expected, &["adm_guidance", "performance"]);
    check(&given[..1], "fooocus", &expected, &["adm_guidance", "performance"]);
    let lines = [("parameters", A1111), ("fooocus_scheme", "a1111")];
    assert_eq!(read_settings(&texts(&lines)).unwrap().program.name(), "fooocus");
}

/// What a stranger's file may hold so that a reader falls over it.
fn hostile() -> Vec<(&'static str, String)> {
    let many = |count: usize, one: &dyn Fn(usize) -> String| {
        (0..count).map(one).collect::<Vec<_>>().join(",")
    };
    vec![
        ("prompt", r#"{"1": {"class_type": "KSampler", "inputs": {"seed": ["1", 0], "latent_image": ["1", 0],
            "positive": ["1", 0], "model": ["1", 0], "steps": ["1", 0]}}}"#.to_owned()),
        ("prompt", r#"{"1": {"class_type": "SaveImage", "inputs": {"images": ["nowhere", 0]}}}"#.to_owned()),
        ("prompt", r#"{"1": 5, "2": {"class_type": 5}, "3": {"class_type": "KSampler", "inputs": []}}"#.to_owned()),
        ("prompt", "[".repeat(100_000)),
        ("prompt", format!("{{\"a\":{}1{}}}", "[".repeat(5000), "]".repeat(5000))),
        // A circle of samplers, each of which saves and leads to the next.
        ("prompt", format!("{{{}}}", many(3000, &|at| format!(
            r#""{at}": {{"class_type": "KSamplerSave", "inputs": {{"seed": {at}, "latent_image": ["{}", 0]}}}}"#, (at + 1) % 3000
        )))),
        // Many lines, which all lead to the same node.
        ("prompt", format!("{{{}}}", many(500, &|at| format!(
            r#""{at}": {{"class_type": "Save", "inputs": {{{}}}}}"#, many(400, &|input| format!(r#""{input}": ["{}", 0]"#, (at + input) % 500))
        )))),
        ("workflow", r#"{"nodes": [{"id": 1e300, "type": "KSampler"}, {"id": -1, "type": "KSampler",
            "widgets_values": {"a": 1}, "inputs": [{"name": "latent_image", "link": 1}]}], "links": [[1], 5, [1, -1]]}"#.to_owned()),
        ("invokeai_metadata", r#"{"seed": -1, "steps": 1e99, "width": "wide", "cfg_scale": {"a": 1}, "positive_prompt": 7}"#.to_owned()),
        ("sd-metadata", r#"{"image": {"prompt": [[]], "seed": []}}"#.to_owned()),
        ("sd-metadata", format!(r#"{{"image": {{"prompt": "{}"}}}}"#, "[".repeat(50_000))),
        ("parameters", r#"{"sui_image_params": 7}"#.to_owned()),
        ("parameters", r#"{"sui_image_params": {"prompt": null, "seed": 1.5, "width": -5}}"#.to_owned()),
        ("parameters", format!("{{\"sui_image_params\": {{{}}}}}", many(20_000, &|at| format!("\"k{at}\": {at}")))),
        ("parameters", "Steps: 1, ".repeat(100_000)),
        ("parameters", format!("fox\nSteps: 20, Seed: 1, Size: {}x1, Model: \u{0}", "9".repeat(5000))),
        ("parameters", format!("a\n{}: \"{}", "Aa ".repeat(20_000), "\\\"".repeat(20_000))),
        ("fooocus_scheme", "fooocus".to_owned()),
    ]
}

/// Far more than any takes on a busy machine. Following every way through the graph above takes years.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn hostile_settings_are_read_soon_and_without_a_panic() {
    for (key, text) in hostile() {
        let start = Instant::now();
        let read = read_settings(&texts(&[(key, &text)]));
        let shown: String = text.chars().take(80).collect();
        assert!(start.elapsed() < SOON, "{shown} took {:?}", start.elapsed());
        if let Some(read) = read {
            sound(&read);
        }
    }
}

/// Whatever was read, it is bounded and spelled as a recipe spells it.
fn sound(read: &ForeignSettings) {
    let mut fields: Vec<_> = read.values.iter().map(|(field, _)| *field).collect();
    let before = fields.clone();
    fields.sort();
    fields.dedup();
    assert_eq!(fields, before, "each once, in order");
    assert!(read.unmatched.len() <= 200);
    assert!(read.unmatched.iter().all(|u| u.value.chars().count() <= 500));
    for (field, value) in &read.values {
        assert!(!value.is_empty() && value.len() <= 100_000, "{field:?}");
        match field {
            Field::Seed => drop(value.parse::<u64>().unwrap()),
            Field::Steps | Field::Width | Field::Height => {
                assert!(value.parse::<u32>().unwrap() > 0)
            }
            Field::Guidance | Field::Strength => assert!(value.parse::<f64>().unwrap().is_finite()),
            Field::Sampler => drop(likeness_recipe::Sampler::from_name(value).unwrap()),
            Field::Schedule => drop(likeness_recipe::Schedule::from_name(value).unwrap()),
            Field::NoiseSource => drop(likeness_recipe::NoiseSource::from_name(value).unwrap()),
            Field::Prompt | Field::Negative | Field::Model => {}
        }
    }
}

#[test]
fn what_is_cut_off_is_no_worse() {
    for (key, text) in EXAMPLES {
        for end in (0..text.len()).filter(|&end| text.is_char_boundary(end)) {
            if let Some(read) = read_settings(&texts(&[(key, &text[..end])])) {
                sound(&read);
            }
        }
    }
}

proptest! {
    #[test]
    fn one_changed_byte_is_no_worse(which in 0..EXAMPLES.len(), at in any::<prop::sample::Index>(), to in 32u8..127) {
        let (key, text) = EXAMPLES[which];
        let mut bytes = text.as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(text) = String::from_utf8(bytes)
            && let Some(read) = read_settings(&texts(&[(key, &text)]))
        {
            sound(&read);
        }
    }
}
