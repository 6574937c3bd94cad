//! The tiny autoencoders (TAESD and its relatives), number for number what diffusers calls
//! `AutoencoderTiny`: convolutions and nothing else, 35 times fewer weights than the full one. An
//! approximation of it, for previews.

use candle_core::{Result, Tensor};

use super::TinyConfig;
use crate::networks::Source;
use crate::ops::{Activation, Buffers, Conv, Map, Pass};
use crate::weights::WeightError;

/// A pair of tiny encoder and decoder.
pub struct TinyAutoencoder {
    encoder: Vec<Layer>,
    decoder: Vec<Layer>,
}

/// A layer as diffusers counts them: activations and doublings are folded into their neighbours.
enum Layer {
    Conv(Conv, Activation),
    Block([Conv; 3]),
}

impl TinyAutoencoder {
    /// Builds the network; the checkpoint's tensors must have exactly the configured shapes.
    pub fn new(config: &TinyConfig, source: &Source) -> std::result::Result<Self, WeightError> {
        source.checked(config.check())?;
        Ok(Self { encoder: encoder(config, source)?, decoder: decoder(config, source)? })
    }

    /// A picture [height · width, in_channels] of numbers in [-1, 1] → latents, each for 8 by 8 pixels in
    /// the published ones
    pub fn encode(&self, picture: &Tensor, height: usize, width: usize) -> Result<Map> {
        let halved = (picture.affine(0.5, 0.5))?;
        run(&self.encoder, Map::new(&halved, height, width, &Buffers::default())?)
    }

    /// Latents [height · width, latent_channels] → a picture [pixels, out_channels] of numbers about
    /// [-1, 1]
    pub fn decode(&self, latents: &Tensor, height: usize, width: usize) -> Result<Tensor> {
        let bounded = ((latents / 3.0)?.tanh()? * 3.0)?;
        let picture = run(&self.decoder, Map::new(&bounded, height, width, &Buffers::default())?)?;
        picture.tensor()?.affine(2.0, -1.0)
    }
}

fn run(layers: &[Layer], x: Map) -> Result<Map> {
    layers.iter().try_fold(x, |x, layer| layer.forward(&x))
}

impl Layer {
    fn block(name: String, c: usize, source: &Source) -> std::result::Result<Self, WeightError> {
        let conv = |i: usize| source.conv(&format!("{name}.conv.{i}"), c, c);
        Ok(Self::Block([conv(0)?, conv(2)?, conv(4)?]))
    }

    fn forward(&self, x: &Map) -> Result<Map> {
        let relu = Pass { activation: Activation::Relu, ..Pass::default() };
        match self {
            Self::Conv(conv, activation) => {
                conv.forward(&[x], Pass { activation: *activation, ..Pass::default() })
            }
            Self::Block([first, second, third]) => {
                let h = first.forward(&[x], relu)?;
                let h = second.forward(&[&h], relu)?;
                let leave = Pass { residual: Some(x), relu: true, ..Pass::default() };
                third.forward(&[&h], leave)
            }
        }
    }
}

fn encoder(config: &TinyConfig, source: &Source) -> std::result::Result<Vec<Layer>, WeightError> {
    let c = config.encoder_block_out_channels[0];
    let name = |i: usize| format!("encoder.layers.{i}");
    let mut layers = Vec::new();
    for (level, &blocks) in config.num_encoder_blocks.iter().enumerate() {
        let at = name(layers.len());
        let conv = match level {
            0 => source.conv(&at, c, config.in_channels)?,
            _ => source.halving(&at, c, false)?,
        };
        layers.push(Layer::Conv(conv, Activation::None));
        for _ in 0..blocks {
            layers.push(Layer::block(name(layers.len()), c, source)?);
        }
    }
    let last = source.conv(&name(layers.len()), config.latent_channels, c)?;
    layers.push(Layer::Conv(last, Activation::None));
    Ok(layers)
}

fn decoder(config: &TinyConfig, source: &Source) -> std::result::Result<Vec<Layer>, WeightError> {
    let c = config.decoder_block_out_channels[0];
    let name = |i: usize| format!("decoder.layers.{i}");
    let first = source.conv(&name(0), c, config.latent_channels)?;
    let mut layers = vec![Layer::Conv(first, Activation::Relu)];
    // Layer 1 is the first one's activation.
    let mut i = 2;
    for (level, &blocks) in config.num_decoder_blocks.iter().enumerate() {
        for _ in 0..blocks {
            layers.push(Layer::block(name(i), c, source)?);
            i += 1;
        }
        let conv = if level + 1 == config.num_decoder_blocks.len() {
            source.conv(&name(i), config.out_channels, c)?
        } else {
            // A doubling is a layer of its own there.
            i += 1;
            source.doubling(&name(i), c, false)?
        };
        layers.push(Layer::Conv(conv, Activation::None));
        i += 1;
    }
    Ok(layers)
}
