//! Whole networks of random weights: speed does not depend on what weights say.

use candle_core::{DType, Device, Tensor};
use likeness_kernels::Blocks;
use likeness_recipe::{Exercise, RenderError, Size, WeightFormat, Workload};

use super::{FORMATS, check_memory, exercise, noise, weights_of};
use crate::networks::Source;
use crate::networks::flux2::{self, Flux2, Position, Rotations};
use crate::networks::unet::{self, Told, Unet};
use crate::networks::vae::{self, Autoencoder, TinyAutoencoder, TinyConfig};
use crate::pipelines::flux2::request;
use crate::planner::{self, Lengths};
use crate::weights::{Checkpoint, Compute, Weight, WeightError};

/// A network that can be exercised. Adding one: a row in [`NETWORKS`], and a kind where it is a new one.
pub(super) struct Network {
    pub name: &'static str,
    pub about: &'static str,
    kind: Kind,
    /// What both sides of its picture are multiples of.
    multiple: u32,
}

#[derive(Clone, Copy)]
enum Kind {
    Sd15Unet,
    SdxlUnet,
    Decoder,
    Encoder,
    TinyDecoder,
    KleinStack,
}

pub(super) const NETWORKS: &[Network] = &[
    Network {
        name: "sd15-unet",
        about: "a step of the UNet of Stable Diffusion 1.5, 77 text tokens, without guidance",
        kind: Kind::Sd15Unet,
        multiple: 64,
    },
    Network {
        name: "sd15-vae",
        about: "the decoder of its autoencoder",
        kind: Kind::Decoder,
        multiple: 8,
    },
    Network {
        name: "sd15-vae-encode",
        about: "the encoder of its autoencoder",
        kind: Kind::Encoder,
        multiple: 8,
    },
    Network {
        name: "sdxl-unet",
        about: "a step of the UNet of Stable Diffusion XL, 77 text tokens, without guidance",
        kind: Kind::SdxlUnet,
        multiple: 32,
    },
    Network {
        name: "taesd",
        about: "the decoder of the tiny autoencoder",
        kind: Kind::TinyDecoder,
        multiple: 8,
    },
    Network {
        name: "klein-stack",
        about: "a step of FLUX.2 klein 4B cut to 1 of 5 double and 4 of 20 single blocks, 512 text tokens",
        kind: Kind::KleinStack,
        multiple: 16,
    },
];

/// Pixels of a side of the largest picture.
const LARGEST: u32 = 8192;
const USUAL: Size = Size { width: 512, height: 512 };
/// What the weights of every one begin with.
const SEED: u64 = 1;
/// Text tokens of the UNets, and of the stack.
const WORDS: usize = 77;
const KLEIN_WORDS: usize = 512;

/// A network without its inputs.
enum Built {
    Unet(Unet),
    Decoder(Autoencoder),
    Encoder(Autoencoder),
    Tiny(TinyAutoencoder),
    Klein(Flux2),
}

type Run = Box<dyn FnMut() -> candle_core::Result<Tensor>>;

pub(super) fn ready(name: &str, workload: &Workload) -> Result<Exercise, RenderError> {
    let network = find(name)?;
    let size = workload.size.unwrap_or(USUAL);
    let fits = |side: u32| (1..=LARGEST).contains(&side) && side.is_multiple_of(network.multiple);
    if !fits(size.width) || !fits(size.height) {
        let accepted = format!("multiples of {} up to {LARGEST}", network.multiple);
        return Err(request("size", format!("{name} has no pictures of {size}"), accepted));
    }
    let weights = weights_of(workload, name, FORMATS)?;
    let weight = weigh(name, weights)?;
    let needed = u128::from(weight.loading()) + u128::from(network.kind.activations(size));
    check_memory("net", &format!("{name} of {size} in {weights}"), needed)?;

    let checkpoint = Checkpoint::invented(SEED, blocks(weights));
    let built = network.kind.build(&checkpoint, compute(weights)).map_err(unmade)?;
    let mut run = built.run(size).map_err(failed)?;
    let sized = Workload { size: Some(size), ..workload.clone() };
    Ok(exercise(&sized, weights, move || run().map(drop).map_err(failed)))
}

/// What a network's weights take, without making any.
pub(super) fn weigh(name: &str, weights: WeightFormat) -> Result<Weight, RenderError> {
    let checkpoint = Checkpoint::invented(SEED, blocks(weights)).weighed(false);
    find(name)?.kind.build(&checkpoint, compute(weights)).map_err(unmade)?;
    Ok(checkpoint.weight())
}

fn find(name: &str) -> Result<&'static Network, RenderError> {
    NETWORKS.iter().find(|one| one.name == name).ok_or_else(|| {
        let names: Vec<_> = NETWORKS.iter().map(|one| one.name).collect();
        request("net", format!("there is no {name:?}"), names.join(", "))
    })
}

/// The format that its linear layers are stored in, where that is one of blocks.
fn blocks(weights: WeightFormat) -> Option<Blocks> {
    match weights {
        WeightFormat::Q8_0 => Some(Blocks::Q8_0),
        WeightFormat::Q4K => Some(Blocks::Q4K),
        _ => None,
    }
}

/// What is computed in. Blocks are unpacked to bf16, and what has no blocks is stored in it.
fn compute(weights: WeightFormat) -> Compute {
    match weights {
        WeightFormat::F32 => Compute::F32,
        WeightFormat::Int8 => Compute::Int8,
        _ => Compute::Bf16,
    }
}

impl Kind {
    fn build(self, checkpoint: &Checkpoint, compute: Compute) -> Result<Built, WeightError> {
        let source = Source { checkpoint, compute, device: &Device::Cpu };
        Ok(match self {
            Self::Sd15Unet => Built::Unet(Unet::new(unet::Config::default(), &source)?),
            Self::SdxlUnet => Built::Unet(Unet::new(unet::Config::sdxl(), &source)?),
            Self::Decoder => Built::Decoder(Autoencoder::new(vae::Config::default(), &source)?),
            Self::Encoder => Built::Encoder(Autoencoder::new(vae::Config::default(), &source)?),
            Self::TinyDecoder => {
                Built::Tiny(TinyAutoencoder::new(&TinyConfig::default(), &source)?)
            }
            Self::KleinStack => Built::Klein(Flux2::new(klein_stack(), &source)?),
        })
    }

    /// Bytes that a run takes beside the weights, as they were measured and a little more.
    fn activations(self, size: Size) -> u64 {
        let pixels = u64::from(size.width) * u64::from(size.height);
        match self {
            Self::Sd15Unet | Self::SdxlUnet => pixels / 64 * UNET_BYTES,
            Self::Decoder | Self::Encoder => pixels * VAE_BYTES,
            Self::TinyDecoder => pixels * TINY_BYTES,
            Self::KleinStack => {
                let picture = (pixels / 256) as usize;
                let lengths = Lengths { text: KLEIN_WORDS, picture, references: 0 };
                planner::flux2(&klein_stack(), lengths).activations
            }
        }
    }
}

/// Bytes for each latent of a UNet, and for each pixel of the autoencoders.
const UNET_BYTES: u64 = 64 << 10;
const VAE_BYTES: u64 = 5 << 10;
const TINY_BYTES: u64 = 2 << 10;

/// FLUX.2 klein 4B, a fifth of its blocks.
fn klein_stack() -> flux2::Config {
    flux2::Config {
        patch_size: 1,
        in_channels: 128,
        out_channels: None,
        num_layers: 1,
        num_single_layers: 4,
        attention_head_dim: 128,
        num_attention_heads: 24,
        joint_attention_dim: 7680,
        timestep_guidance_channels: 256,
        mlp_ratio: 3.0,
        axes_dims_rope: vec![32; 4],
        rope_theta: 2000.0,
        eps: 1e-6,
        guidance_embeds: false,
    }
}

impl Built {
    /// Everything that is computed again and again over pictures of a size.
    fn run(self, size: Size) -> candle_core::Result<Run> {
        let (width, height) = (size.width as usize, size.height as usize);
        let (across, down) = (width / 8, height / 8);
        let latents = || random(across * down, 4);
        Ok(match self {
            Self::Unet(unet) => {
                let latents = latents()?;
                let text = unet.read(&random(WORDS, unet.config().cross_attention_dim)?)?;
                let pooled = Tensor::zeros((1, 1280), DType::F32, &Device::Cpu)?;
                let sizes = [height, width, 0, 0, height, width].map(|side| side as f32);
                let is_told = unet.config().is_told_sizes();
                Box::new(move || {
                    unet.forward(&unet::Call {
                        latents: &latents,
                        height: down,
                        width: across,
                        timestep: 500.0,
                        text: &text,
                        told: is_told.then_some(Told { pooled: &pooled, sizes }),
                    })
                })
            }
            Self::Decoder(vae) => {
                let latents = latents()?;
                Box::new(move || vae.decode(&latents, down, across))
            }
            Self::Encoder(vae) => {
                let picture = random(width * height, 3)?;
                Box::new(move || Ok(vae.encode(&picture, height, width)?.mean))
            }
            Self::Tiny(vae) => {
                let latents = latents()?;
                Box::new(move || vae.decode(&latents, down, across))
            }
            Self::Klein(network) => klein(network, width / 16, height / 16)?,
        })
    }
}

fn klein(network: Flux2, across: usize, down: usize) -> candle_core::Result<Run> {
    let config = network.config();
    let latents = random(across * down, config.in_channels)?;
    let text = random(KLEIN_WORDS, config.joint_attention_dim)?;
    let mut positions: Vec<Position> =
        (0..KLEIN_WORDS).map(|l| [0.0, 0.0, 0.0, l as f32]).collect();
    positions
        .extend((0..across * down).map(|i| [0.0, (i / across) as f32, (i % across) as f32, 0.0]));
    let rotations = Rotations::new(config, &positions, &Device::Cpu)?;
    Ok(Box::new(move || {
        network.forward(&flux2::Call {
            latents: &latents,
            text: &text,
            sigma: 0.5,
            guidance: None,
            rotations: &rotations,
            card: None,
        })
    }))
}

fn random(rows: usize, columns: usize) -> candle_core::Result<Tensor> {
    Tensor::from_vec(noise(rows * columns), (rows, columns), &Device::Cpu)
}

fn unmade(error: WeightError) -> RenderError {
    RenderError::Internal(error.to_string())
}

fn failed(error: candle_core::Error) -> RenderError {
    RenderError::Internal(error.to_string())
}
