//! Autoencoders between pictures and latents: [`Autoencoder`], number for number what diffusers calls
//! `AutoencoderKL`, with a decoder in [`Tiles`], and the [`TinyAutoencoder`].
//!
//! Pictures are tensors [height · width, channels] of numbers in [-1, 1], as latents are.

use candle_core::{Result, Tensor};

use super::Source;
use super::unet::resnet::{Resnet, Sizes};
use crate::ops::{Buffers, Columns, Conv, GroupNorm, Map, Pass, Seen, attend};
use crate::weights::WeightError;

mod config;
mod tiles;
mod tiny;

pub use config::{Config, TinyConfig};
pub use tiles::Tiles;
pub use tiny::TinyAutoencoder;

const EPS: f32 = 1e-6;

/// Encoder and decoder.
pub struct Autoencoder {
    config: Config,
    buffers: Buffers,
    encoder: Half,
    quant: Option<Conv>,
    post_quant: Option<Conv>,
    decoder: Half,
}

/// What the encoder makes of a picture: for each latent a distribution.
pub struct Encoded {
    /// Its means [height · width, latent_channels].
    pub mean: Tensor,
    /// The logarithms of its variances.
    pub log_variance: Tensor,
    /// Rows of latents.
    pub height: usize,
    /// Latents of a row.
    pub width: usize,
}

impl Autoencoder {
    /// Builds the network; the checkpoint's tensors must have exactly the configured shapes.
    pub fn new(config: Config, source: &Source) -> std::result::Result<Self, WeightError> {
        source.checked(config.check())?;
        let z = config.latent_channels;
        let mix = |name: &str, wanted: bool, c: usize| match wanted {
            true => source.mix(&[name], c, c, false).map(Some),
            false => Ok(None),
        };
        Ok(Self {
            encoder: Half::encoder(&config, source)?,
            quant: mix("quant_conv", config.use_quant_conv, 2 * z)?,
            post_quant: mix("post_quant_conv", config.use_post_quant_conv, z)?,
            decoder: Half::decoder(&config, source)?,
            buffers: Buffers::default(),
            config,
        })
    }

    /// Its sizes.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What a picture [height · width, in_channels] becomes. Sides are multiples of the scale.
    pub fn encode(&self, picture: &Tensor, height: usize, width: usize) -> Result<Encoded> {
        let scale = self.config.scale();
        if !height.is_multiple_of(scale) || !width.is_multiple_of(scale) {
            candle_core::bail!("{height} by {width} pixels are not multiples of {scale}");
        }
        let picture = Map::new(picture, height, width, &self.buffers)?;
        let x = after(&self.quant, self.encoder.forward(&picture)?)?;
        let (z, both) = (self.config.latent_channels, x.tensor()?);
        Ok(Encoded {
            mean: both.narrow(1, 0, z)?.contiguous()?,
            log_variance: both.narrow(1, z, z)?.contiguous()?,
            height: x.height,
            width: x.width,
        })
    }

    /// Latents [height · width, latent_channels] → a picture [pixels, out_channels]
    pub fn decode(&self, latents: &Tensor, height: usize, width: usize) -> Result<Tensor> {
        let latents = Map::new(latents, height, width, &self.buffers)?;
        self.decoder.forward(&after(&self.post_quant, latents)?)?.tensor()
    }
}

fn after(conv: &Option<Conv>, x: Map) -> Result<Map> {
    match conv {
        Some(conv) => conv.forward(&[&x], Pass::default()),
        None => Ok(x),
    }
}

/// Encoder or decoder: the finer end's convolution, levels, and the middle, in one order or the other.
struct Half {
    conv_in: Conv,
    before: Option<Mid>,
    levels: Vec<Level>,
    after: Option<Mid>,
    norm_out: GroupNorm,
    conv_out: Conv,
}

/// Residual blocks, and what halves or doubles the picture after them.
struct Level {
    resnets: Vec<Resnet>,
    rescale: Option<Conv>,
}

impl Half {
    fn encoder(config: &Config, source: &Source) -> std::result::Result<Self, WeightError> {
        let c = &config.block_out_channels;
        let (finest, coarsest) = (c[0], c[c.len() - 1]);
        let level = |i: usize| {
            let name = format!("encoder.down_blocks.{i}");
            let inputs = c[i.saturating_sub(1)];
            let rescale = match i + 1 == c.len() {
                true => None,
                false => {
                    let conv =
                        source.halving(&format!("{name}.downsamplers.0.conv"), c[i], true)?;
                    // Zeros behind the picture only.
                    Some(Conv { before: 0, ..conv })
                }
            };
            Level::new(&name, inputs, c[i], config.layers_per_block, rescale, config, source)
        };
        Ok(Self {
            conv_in: source.conv("encoder.conv_in", finest, config.in_channels)?,
            before: None,
            levels: (0..c.len()).map(level).collect::<std::result::Result<_, _>>()?,
            after: Some(Mid::new("encoder.mid_block", coarsest, config, source)?),
            norm_out: source.group_norm(
                "encoder.conv_norm_out",
                coarsest,
                config.norm_num_groups,
                EPS,
                true,
            )?,
            conv_out: source.conv("encoder.conv_out", 2 * config.latent_channels, coarsest)?,
        })
    }

    fn decoder(config: &Config, source: &Source) -> std::result::Result<Self, WeightError> {
        let c: Vec<usize> = config.block_out_channels.iter().rev().copied().collect();
        let (coarsest, finest) = (c[0], c[c.len() - 1]);
        let level = |i: usize| {
            let name = format!("decoder.up_blocks.{i}");
            let inputs = c[i.saturating_sub(1)];
            let rescale = match i + 1 == c.len() {
                true => None,
                false => Some(source.doubling(&format!("{name}.upsamplers.0.conv"), c[i], true)?),
            };
            Level::new(&name, inputs, c[i], config.layers_per_block + 1, rescale, config, source)
        };
        Ok(Self {
            conv_in: source.conv("decoder.conv_in", coarsest, config.latent_channels)?,
            before: Some(Mid::new("decoder.mid_block", coarsest, config, source)?),
            levels: (0..c.len()).map(level).collect::<std::result::Result<_, _>>()?,
            after: None,
            norm_out: source.group_norm(
                "decoder.conv_norm_out",
                finest,
                config.norm_num_groups,
                EPS,
                true,
            )?,
            conv_out: source.conv("decoder.conv_out", config.out_channels, finest)?,
        })
    }

    fn forward(&self, x: &Map) -> Result<Map> {
        let mut x = self.conv_in.forward(&[x], Pass::default())?;
        if let Some(mid) = &self.before {
            x = mid.forward(&x)?;
        }
        for level in &self.levels {
            x = level.forward(x)?;
        }
        if let Some(mid) = &self.after {
            x = mid.forward(&x)?;
        }
        self.conv_out.forward(&[&x], Pass { norm: Some(&self.norm_out), ..Pass::default() })
    }
}

fn resnet(
    name: &str,
    inputs: usize,
    outputs: usize,
    config: &Config,
    source: &Source,
) -> std::result::Result<Resnet, WeightError> {
    let groups = config.norm_num_groups;
    Resnet::new(name, Sizes { inputs, outputs, groups, eps: EPS, time: None }, source)
}

impl Level {
    fn new(
        name: &str,
        inputs: usize,
        outputs: usize,
        layers: usize,
        rescale: Option<Conv>,
        config: &Config,
        source: &Source,
    ) -> std::result::Result<Self, WeightError> {
        let resnets = (0..layers).map(|j| {
            let inputs = if j == 0 { inputs } else { outputs };
            resnet(&format!("{name}.resnets.{j}"), inputs, outputs, config, source)
        });
        Ok(Self { resnets: resnets.collect::<std::result::Result<_, _>>()?, rescale })
    }

    fn forward(&self, mut x: Map) -> Result<Map> {
        for resnet in &self.resnets {
            x = resnet.forward(&[&x], None)?;
        }
        after(&self.rescale, x)
    }
}

/// The coarsest level's middle: attention of one head between two residual blocks.
struct Mid {
    first: Resnet,
    attention: Option<Attention>,
    second: Resnet,
}

impl Mid {
    fn new(
        name: &str,
        c: usize,
        config: &Config,
        source: &Source,
    ) -> std::result::Result<Self, WeightError> {
        Ok(Self {
            first: resnet(&format!("{name}.resnets.0"), c, c, config, source)?,
            attention: match config.mid_block_add_attention {
                true => Some(Attention::new(&format!("{name}.attentions.0"), c, config, source)?),
                false => None,
            },
            second: resnet(&format!("{name}.resnets.1"), c, c, config, source)?,
        })
    }

    fn forward(&self, x: &Map) -> Result<Map> {
        let x = self.first.forward(&[x], None)?;
        let x = match &self.attention {
            Some(attention) => attention.forward(&x)?,
            None => x,
        };
        self.second.forward(&[&x], None)
    }
}

struct Attention {
    norm: GroupNorm,
    qkv: Conv,
    out: Conv,
    c: usize,
    exact: bool,
}

impl Attention {
    fn new(
        name: &str,
        c: usize,
        config: &Config,
        source: &Source,
    ) -> std::result::Result<Self, WeightError> {
        let part = |inner: &str| format!("{name}.{inner}");
        // Files of older versions call them otherwise.
        let old = source.checkpoint.shape(&part("query.weight")).is_some();
        let names = match old {
            true => ["query", "key", "value", "proj_attn"],
            false => ["to_q", "to_k", "to_v", "to_out.0"],
        };
        let [q, k, v, out] = names.map(part);
        Ok(Self {
            norm: source.group_norm(&part("group_norm"), c, config.norm_num_groups, EPS, false)?,
            qkv: source.mix(&[&q, &k, &v], c, c, true)?,
            out: source.mix(&[&out], c, c, true)?,
            c,
            exact: source.exact(),
        })
    }

    /// [pixels, c] → the same
    fn forward(&self, x: &Map) -> Result<Map> {
        let enter = Pass { norm: Some(&self.norm), ..Pass::default() };
        let qkv = self.qkv.forward(&[x], enter)?; // [pixels, 3c]
        let (q, seen) = (Columns { of: &qkv, at: 0 }, [Seen::all(&qkv, self.c, 2 * self.c)]);
        let seen = attend(q, &seen, self.c, 1, self.exact)?;
        self.out.forward(&[&seen], Pass { residual: Some(x), ..Pass::default() })
    }
}
