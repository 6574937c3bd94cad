//! The UNet against diffusers' numbers.
//!
//! `tests/golden/unet.py` made the numbers; PyTorch is not needed to run these.

mod common;

use candle_core::{Device, Tensor};
use common::{Golden, assert_close, by_pixel, network, root, sources};
use likeness_engine::networks::Source;
use likeness_engine::networks::unet::{Call, Config, Told, Unet};
use likeness_engine::weights::{Checkpoint, Compute};

const EXACT: f32 = 1e-4;

fn check(name: &str) {
    let golden = Golden::read(&root("tests/golden/unet.safetensors"));
    let get = |what: &str| golden.get(&format!("{name}.{what}"));
    let (config, checkpoint) = network::<Config>(&format!("unet-{name}"));
    let (shape, _) = get("latents");
    let (height, width) = (shape[2], shape[3]);
    let latents = by_pixel(get("latents"));
    let tokens = |(shape, numbers): &(Vec<usize>, Vec<f32>)| {
        let rows = (shape[shape.len() - 2], shape[shape.len() - 1]);
        Tensor::from_slice(numbers, rows, &Device::Cpu).unwrap()
    };
    let text = tokens(get("text"));
    let pooled = config.is_told_sizes().then(|| tokens(get("text_embeds")));
    let told = pooled
        .as_ref()
        .map(|pooled| Told { pooled, sizes: get("time_ids").1.clone().try_into().unwrap() });
    for (source, tolerance) in sources(&checkpoint, EXACT) {
        let unet = Unet::new(config.clone(), &source).unwrap();
        let text = unet.read(&text).unwrap();
        // Twice over: memory of the first evaluation is used again by the second.
        for step in ["999", "249", "999"] {
            let timestep = step.parse().unwrap();
            let call = Call { latents: &latents, height, width, timestep, text: &text, told };
            let found = unet.forward(&call).unwrap();
            let what = format!("{name} at {step}, {:?}", source.compute);
            let wanted = by_pixel(get(step)).flatten_all().unwrap().to_vec1().unwrap();
            let found: Vec<f32> = found.flatten_all().unwrap().to_vec1().unwrap();
            assert_close(&what, &found, &wanted, tolerance);
        }
        let odd =
            Call { latents: &latents, height: 1, width: 128, timestep: 1.0, text: &text, told };
        assert!(unet.forward(&odd).is_err(), "one row cannot be halved");
        let untold = Call { told: None, height, width, ..odd };
        assert_eq!(unet.forward(&untold).is_err(), told.is_some(), "sizes are missing");
    }
}

#[test]
fn a_network_like_sd15_agrees_with_diffusers() {
    check("sd15");
}

#[test]
fn a_network_like_sdxl_agrees_with_diffusers() {
    check("sdxl");
}

#[test]
fn a_network_of_another_shape_is_refused_by_name() {
    let (mut config, checkpoint) = network::<Config>("unet-sd15");
    config.cross_attention_dim = 24;
    let source = Source { checkpoint: &checkpoint, compute: Compute::F32, device: &Device::Cpu };
    let Err(error) = Unet::new(config, &source) else { panic!("the text's width is wrong") };
    assert!(error.to_string().contains("attn2.to_k.weight"), "{error}");
}

#[test]
fn invented_weights_make_a_network_of_any_size() {
    let (config, _) = network::<Config>("unet-sdxl");
    let checkpoint = Checkpoint::invented(1, None);
    let source = Source { checkpoint: &checkpoint, compute: Compute::F32, device: &Device::Cpu };
    let unet = Unet::new(config, &source).unwrap();
    let zeros = |rows: usize, columns: usize| {
        Tensor::zeros((rows, columns), candle_core::DType::F32, &Device::Cpu).unwrap()
    };
    let (latents, pooled) = (zeros(16, 4), zeros(1, 10));
    let told = Some(Told { pooled: &pooled, sizes: [1.0; 6] });
    let text = unet.read(&zeros(3, 12)).unwrap();
    let call = Call { latents: &latents, height: 4, width: 4, timestep: 9.0, text: &text, told };
    let found: Vec<f32> = unet.forward(&call).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    assert!(found.iter().all(|x| x.is_finite()));
}
