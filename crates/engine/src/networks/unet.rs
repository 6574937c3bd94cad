//! The UNet of Stable Diffusion 1, 2 and XL, number for number what diffusers calls
//! `UNet2DConditionModel`.
//!
//! A picture of latents goes down through [`blocks`] of ever coarser levels, through a middle, and up
//! again, where each level sees what the way down kept. In each residual block the noise level moves the
//! channels; in each transformer the pixels attend to one another and to the text. What attention needs
//! of the text is the same at every step: a [`Text`].

use candle_core::{Device, Result, Tensor};
use candle_nn::ops::silu;

use super::Source;
use crate::ops::{Buffers, Conv, GroupNorm, Layer, Map, Pass, Then};
use crate::weights::WeightError;

mod blocks;
mod config;
pub(in crate::networks) mod resnet;
mod transformer;

use blocks::{Common, Down, Mid, Up, last};
pub use config::{Config, Each};

/// The network.
pub struct Unet {
    config: Config,
    device: Device,
    buffers: Buffers,
    time: Embedder,
    sizes: Option<Embedder>,
    conv_in: Conv,
    down: Vec<Down>,
    mid: Mid,
    up: Vec<Up>,
    norm_out: GroupNorm,
    conv_out: Conv,
}

/// What one evaluation is about.
pub struct Call<'a> {
    /// Noisy latents [height · width, in_channels].
    pub latents: &'a Tensor,
    /// Rows of latents.
    pub height: usize,
    /// Latents of a row.
    pub width: usize,
    /// The time step, from 0 to 1000.
    pub timestep: f32,
    /// What is asked for.
    pub text: &'a Text,
    /// For networks that are told sizes and the pooled text.
    pub told: Option<Told<'a>>,
}

/// What SDXL is told besides.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// The pooled text [1, n].
    pub pooled: &'a Tensor,
    /// Original height and width, top and left of the crop, target height and width.
    pub sizes: [f32; 6],
}

/// Keys and values of a text in every layer: exact, and the same at every step.
pub struct Text {
    layers: Vec<Map>,
}

impl Unet {
    /// Builds the network; the checkpoint's tensors must have exactly the configured shapes.
    pub fn new(config: Config, source: &Source) -> std::result::Result<Self, WeightError> {
        source.checked(config.check())?;
        let levels = config.levels();
        let (count, t) = (levels.len(), config.time_width());
        let (finest, coarsest) = (&levels[0], &levels[count - 1]);
        let common = Common { config: &config, source };
        let sizes = match (config.addition_time_embed_dim, config.is_told_sizes()) {
            (Some(each), true) => {
                let all = config.projection_class_embeddings_input_dim.unwrap_or(0);
                Some(Embedder::new("add_embedding", each, all, t, source)?)
            }
            _ => None,
        };
        let down = |i: usize| {
            let inputs = levels[i.saturating_sub(1)].channels;
            Down::new(i, inputs, &levels[i], i + 1 == count, common)
        };
        let up = |i: usize| {
            let at = count - 1 - i;
            let from = levels[(at + 1).min(count - 1)].channels;
            let beside = levels[at.saturating_sub(1)].channels;
            Up::new(i, from, beside, &levels[at], i + 1 == count, common)
        };
        Ok(Self {
            time: Embedder::new("time_embedding", finest.channels, finest.channels, t, source)?,
            sizes,
            conv_in: source.conv("conv_in", finest.channels, config.in_channels)?,
            down: (0..count).map(down).collect::<std::result::Result<_, _>>()?,
            mid: Mid::new(coarsest, common)?,
            up: (0..count).map(up).collect::<std::result::Result<_, _>>()?,
            norm_out: source.group_norm(
                "conv_norm_out",
                finest.channels,
                config.norm_num_groups,
                config.norm_eps,
                true,
            )?,
            conv_out: source.conv("conv_out", config.out_channels, finest.channels)?,
            device: source.device.clone(),
            buffers: Buffers::default(),
            config,
        })
    }

    /// Its sizes.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What the network needs of a text [l, cross_attention_dim].
    pub fn read(&self, text: &Tensor) -> Result<Text> {
        let text = Map::new(text, text.dim(0)?, 1, &self.buffers)?;
        let mut layers = Vec::new();
        self.down.iter().try_for_each(|block| block.read(&text, &mut layers))?;
        self.mid.read(&text, &mut layers)?;
        self.up.iter().try_for_each(|block| block.read(&text, &mut layers))?;
        Ok(Text { layers })
    }

    /// What the network makes of noisy latents → [height · width, out_channels]. Sides are multiples of
    /// what the levels halve them by.
    pub fn forward(&self, call: &Call) -> Result<Tensor> {
        let halvings = 1 << (self.down.len() - 1);
        let (height, width) = (call.height, call.width);
        if !height.is_multiple_of(halvings) || !width.is_multiple_of(halvings) {
            candle_core::bail!("{height} by {width} latents are not multiples of {halvings}");
        }
        let level = silu(&self.noise_level(call)?)?; // [1, t]
        let mut texts = call.text.layers.iter();
        let latents = Map::new(call.latents, height, width, &self.buffers)?;
        let mut kept = vec![self.conv_in.forward(&[&latents], Pass::default())?];
        for block in &self.down {
            block.forward(&mut kept, &level, &mut texts)?;
        }
        let mut x = self.mid.forward(last(&kept)?, &level, &mut texts)?;
        for block in &self.up {
            x = block.forward(x, &mut kept, &level, &mut texts)?;
        }
        let leave = Pass { norm: Some(&self.norm_out), ..Pass::default() };
        self.conv_out.forward(&[&x], leave)?.tensor()
    }

    /// [1, t]
    fn noise_level(&self, call: &Call) -> Result<Tensor> {
        let spread = |values: &[f32], channels: usize| {
            let numbers: Vec<f32> =
                values.iter().flat_map(|&value| self.spread(value, channels)).collect();
            Tensor::from_vec(numbers, (1, values.len() * channels), &self.device)
        };
        let level = self.time.forward(&spread(&[call.timestep], self.time.channels)?)?;
        match (&self.sizes, call.told) {
            (Some(sizes), Some(told)) => {
                let spread = spread(&told.sizes, sizes.channels)?;
                level + sizes.forward(&Tensor::cat(&[told.pooled, &spread], 1)?)?
            }
            (None, None) => Ok(level),
            _ => candle_core::bail!("sizes are told to a network that is not told any, or missing"),
        }
    }

    /// A number spread over sines and cosines.
    fn spread(&self, value: f32, channels: usize) -> Vec<f32> {
        let half = channels / 2;
        let per = half as f32 - self.config.freq_shift as f32;
        let angle = |i: usize| value * libm::expf(-libm::logf(10000.0) * i as f32 / per);
        let sin = (0..half).map(|i| libm::sinf(angle(i)));
        let cos = (0..half).map(|i| libm::cosf(angle(i)));
        match self.config.flip_sin_to_cos {
            true => cos.chain(sin).collect(),
            false => sin.chain(cos).collect(),
        }
    }
}

/// Two layers over numbers that are spread over `channels` each.
struct Embedder {
    channels: usize,
    linear_1: Layer,
    linear_2: Layer,
}

impl Embedder {
    fn new(
        name: &str,
        channels: usize,
        inputs: usize,
        outputs: usize,
        source: &Source,
    ) -> std::result::Result<Self, WeightError> {
        Ok(Self {
            channels,
            linear_1: source.layer(&format!("{name}.linear_1"), outputs, inputs)?,
            linear_2: source.layer(&format!("{name}.linear_2"), outputs, outputs)?,
        })
    }

    /// [1, inputs] → [1, outputs]
    fn forward(&self, spread: &Tensor) -> Result<Tensor> {
        let active = Then { activation: crate::ops::Activation::Silu, ..Then::default() };
        self.linear_2.vector(&self.linear_1.vector(spread, active)?, Then::default())
    }
}
