//! How long networks of the real shape take on this machine, with random weights:
//!
//!     cargo run --release -p likeness-engine --example networks -- sd15-unet bf16 512 5
//!
//! Networks: sd15-unet, sdxl-unet, sd-vae (decode), sd-vae-encode, taesd (decode). Then the precision
//! (f32, bf16, int8), the picture's side in pixels, and the count of runs.

use std::time::Instant;

use candle_core::{DType, Device, Result, Tensor};
use likeness_engine::networks::Source;
use likeness_engine::networks::unet::{self, Call, Told, Unet};
use likeness_engine::networks::vae::{self, Autoencoder, TinyAutoencoder, TinyConfig};
use likeness_engine::weights::{Checkpoint, Compute};

type Run = Box<dyn FnMut() -> Result<Tensor>>;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |i: usize, usual: &str| arguments.get(i).cloned().unwrap_or(usual.to_owned());
    let (net, precision) = (argument(0, "sd15-unet"), argument(1, "bf16"));
    let (side, runs) = (argument(2, "512").parse::<usize>()?, argument(3, "5").parse::<usize>()?);
    let compute = match precision.as_str() {
        "f32" => Compute::F32,
        "bf16" => Compute::Bf16,
        "int8" => Compute::Int8,
        other => return Err(format!("no precision {other}").into()),
    };
    let building = Instant::now();
    let mut run = network(&net, compute, side)?;
    println!("{net} {precision} {side}: built in {:.1} s", building.elapsed().as_secs_f64());
    let first = Instant::now();
    run()?;
    let first = first.elapsed().as_secs_f64();
    let mut seconds = Vec::new();
    let before = processor_seconds();
    for _ in 0..runs {
        let started = Instant::now();
        run()?;
        seconds.push(started.elapsed().as_secs_f64());
    }
    let busy = (processor_seconds() - before) / runs as f64;
    seconds.sort_by(f64::total_cmp);
    let list: Vec<String> = seconds.iter().map(|s| format!("{s:.3}")).collect();
    println!(
        "{net} {precision} {side} on {}: median {:.3} s of {}; first {first:.3}; processors busy {busy:.3}",
        likeness_engine::instruction_set(),
        seconds[seconds.len() / 2],
        list.join(" ")
    );
    Ok(())
}

/// Seconds that all processors together spent on this process: on a machine with others on it, what
/// says more than the clock. 0 where the system does not tell.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = text.rsplit(')').next().into_iter().flat_map(str::split_whitespace);
    ticks.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn network(
    net: &str,
    compute: Compute,
    side: usize,
) -> std::result::Result<Run, Box<dyn std::error::Error>> {
    let (checkpoint, device) = (Checkpoint::invented(1), Device::Cpu);
    let source = Source { checkpoint: &checkpoint, compute, device: &device };
    let (noise, latent) =
        (|rows, columns| Tensor::randn(0f32, 1.0, (rows, columns), &Device::Cpu), side / 8);
    let latents = noise(latent * latent, 4)?;
    Ok(match net {
        "sd15-unet" | "sdxl-unet" => {
            let config =
                if net == "sdxl-unet" { unet::Config::sdxl() } else { unet::Config::default() };
            let unet = Unet::new(config, &source)?;
            let text = unet.read(&noise(77, unet.config().cross_attention_dim)?)?;
            let pooled = Tensor::zeros((1, 1280), DType::F32, &device)?;
            let is_told = unet.config().is_told_sizes();
            Box::new(move || {
                let told = is_told.then_some(Told { pooled: &pooled, sizes: [512.0; 6] });
                let (height, width, timestep) = (latent, latent, 500.0);
                unet.forward(&Call {
                    latents: &latents,
                    height,
                    width,
                    timestep,
                    text: &text,
                    told,
                })
            })
        }
        "sd-vae" => {
            let vae = Autoencoder::new(vae::Config::default(), &source)?;
            Box::new(move || vae.decode(&latents, latent, latent))
        }
        "sd-vae-encode" => {
            let vae = Autoencoder::new(vae::Config::default(), &source)?;
            let picture = noise(side * side, 3)?;
            Box::new(move || Ok(vae.encode(&picture, side, side)?.mean))
        }
        "taesd" => {
            let vae = TinyAutoencoder::new(&TinyConfig::default(), &source)?;
            Box::new(move || vae.decode(&latents, latent, latent))
        }
        other => return Err(format!("no network {other}").into()),
    })
}
