//! The autoencoders against diffusers' numbers.
//!
//! `tests/golden/vae.py` made the numbers; PyTorch is not needed to run these.

mod common;

use candle_core::Tensor;
use common::{Golden, assert_close, by_pixel, network, root, sources};
use likeness_engine::networks::vae::{Autoencoder, Config, Tiles, TinyAutoencoder, TinyConfig};

const EXACT: f32 = 1e-4;

/// Compares pictures with those of a golden file, which are called `name`.`what`.
struct Check {
    golden: Golden,
    name: &'static str,
}

impl Check {
    fn new(name: &'static str) -> Self {
        Self { golden: Golden::read(&root("tests/golden/vae.safetensors")), name }
    }

    /// A picture, its height and width.
    fn get(&self, what: &str) -> (Tensor, usize, usize) {
        let stored = self.golden.get(&format!("{}.{what}", self.name));
        (by_pixel(stored), stored.0[2], stored.0[3])
    }

    fn close(&self, what: &str, found: &Tensor, tolerance: f32) {
        let numbers = |x: &Tensor| -> Vec<f32> { x.flatten_all().unwrap().to_vec1().unwrap() };
        let what_ = format!("{} {what}", self.name);
        assert_close(&what_, &numbers(found), &numbers(&self.get(what).0), tolerance);
    }
}

fn check(name: &'static str) {
    let check = Check::new(name);
    let (config, checkpoint) = network::<Config>(&format!("vae-{name}"));
    for (source, tolerance) in sources(&checkpoint, EXACT) {
        let vae = Autoencoder::new(config.clone(), &source).unwrap();
        let (picture, height, width) = check.get("picture");
        let encoded = vae.encode(&picture, height, width).unwrap();
        let scale = config.scale();
        assert_eq!((encoded.height, encoded.width), (height / scale, width / scale));
        check.close("encoded", &encoded.mean, tolerance);
        check.close("log_variance", &encoded.log_variance, tolerance);
        assert!(vae.encode(&picture, 1, height * width).is_err(), "one row cannot be halved");
        let (latents, height, width) = check.get("latents");
        check.close("decoded", &vae.decode(&latents, height, width).unwrap(), tolerance);
        if check.golden.has(&format!("{name}.tiled")) {
            let tiled = Tiles::of(&vae).decode(&vae, &latents, height, width).unwrap();
            check.close("tiled", &tiled, tolerance);
        }
    }
}

#[test]
fn an_autoencoder_with_quant_convolutions_agrees_with_diffusers() {
    check("kl");
}

#[test]
fn an_autoencoder_without_quant_convolutions_agrees_with_diffusers() {
    check("bare");
}

#[test]
fn a_tiny_autoencoder_agrees_with_diffusers() {
    let check = Check::new("tiny");
    let (config, checkpoint) = network::<TinyConfig>("vae-tiny");
    for (source, tolerance) in sources(&checkpoint, EXACT) {
        let vae = TinyAutoencoder::new(&config, &source).unwrap();
        let (picture, height, width) = check.get("picture");
        let encoded = vae.encode(&picture, height, width).unwrap();
        check.close("encoded", &encoded.tensor().unwrap(), tolerance);
        let (latents, height, width) = check.get("latents");
        check.close("decoded", &vae.decode(&latents, height, width).unwrap(), tolerance);
    }
}
