//! The network that makes pictures larger, number for number that of `models/starter/training/upscaler.py`:
//! one trunk of convolutions without any norm, and a head for each scale.
//!
//! It sees pictures [height · width, 4] of premultiplied numbers in [0, 1], and gives what is to be added
//! to a bicubic enlargement.

use candle_core::{Result, Tensor};
use serde::Deserialize;

use super::{ConfigError, Source, check_sizes};
use crate::ops::{Activation, Buffers, Conv, Map, Pass};
use crate::weights::WeightError;

/// Red, green, blue and alpha.
const COLOURS: usize = 4;

/// Its sizes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Config {
    /// How many times as large it makes pictures: a head for each.
    pub scales: Vec<u32>,
    /// Numbers of a pixel on the way.
    pub channels: usize,
    /// Residual blocks.
    pub blocks: usize,
}

impl Config {
    /// How far from a pixel of the picture, in each direction, lies what its enlargement depends on:
    /// one pixel further with each convolution.
    pub fn reach(&self) -> usize {
        2 * self.blocks + 3
    }

    /// Refuses what [`Network`] does not compute.
    pub fn check(&self) -> std::result::Result<(), ConfigError> {
        check_sizes(&[("channels", self.channels), ("blocks", self.blocks)])?;
        if self.blocks > 64 {
            return Err(ConfigError(format!("{} blocks, and at most 64 are run", self.blocks)));
        }
        if self.scales.is_empty() {
            return Err(ConfigError("scales: there is none".into()));
        }
        // A head is built for each, so that one that is listed a million times would be so often.
        let mut before =
            self.scales.iter().enumerate().map(|(i, scale)| (scale, &self.scales[..i]));
        match before.find(|(scale, before)| !(2..=8).contains(*scale) || before.contains(scale)) {
            Some((scale, before)) if before.contains(scale) => {
                Err(ConfigError(format!("scales: {scale} is listed twice")))
            }
            Some((scale, _)) => Err(ConfigError(format!("scales: {scale} is not one of 2 to 8"))),
            None => Ok(()),
        }
    }
}

/// The network.
pub struct Network {
    conv_in: Conv,
    blocks: Vec<[Conv; 2]>,
    conv_out: Conv,
    heads: Vec<(u32, Conv)>,
    buffers: Buffers,
}

impl Network {
    /// Builds the network; the checkpoint's tensors must have exactly the configured shapes.
    pub fn new(config: &Config, source: &Source) -> std::result::Result<Self, WeightError> {
        source.checked(config.check())?;
        let c = config.channels;
        let block = |i: usize| -> std::result::Result<[Conv; 2], WeightError> {
            let conv = |which: &str| source.conv(&format!("blocks.{i}.{which}"), c, c);
            Ok([conv("conv1")?, conv("conv2")?])
        };
        let head = |&by: &u32| -> std::result::Result<(u32, Conv), WeightError> {
            let outputs = COLOURS * (by * by) as usize;
            Ok((by, source.conv(&format!("heads.{by}"), outputs, c)?))
        };
        Ok(Self {
            conv_in: source.conv("conv_in", c, COLOURS)?,
            blocks: (0..config.blocks).map(block).collect::<std::result::Result<_, _>>()?,
            conv_out: source.conv("conv_out", c, c)?,
            heads: config.scales.iter().map(head).collect::<std::result::Result<_, _>>()?,
            buffers: Buffers::default(),
        })
    }

    /// A picture [height · width, 4] → [height · width, 4 · by · by]: for each pixel and colour, what is to
    /// be added to the `by` rows of `by` pixels that it becomes.
    pub fn forward(
        &self,
        picture: &Tensor,
        height: usize,
        width: usize,
        by: u32,
    ) -> Result<Tensor> {
        let Some((_, head)) = self.heads.iter().find(|(scale, _)| *scale == by) else {
            candle_core::bail!("there is no head for {by} times as large");
        };
        let plain = Pass::default();
        let silu = Pass { activation: Activation::Silu, ..plain };
        let picture = Map::new(picture, height, width, &self.buffers)?;
        let first = self.conv_in.forward(&[&picture], plain)?; // [pixels, channels]
        let mut last: Option<Map> = None;
        for [one, two] in &self.blocks {
            let x = last.as_ref().unwrap_or(&first);
            let inner = one.forward(&[x], silu)?;
            last = Some(two.forward(&[&inner], Pass { residual: Some(x), ..plain })?);
        }
        let x = last.as_ref().unwrap_or(&first);
        let x = self.conv_out.forward(&[x], Pass { residual: Some(&first), ..plain })?;
        head.forward(&[&x], plain)?.tensor()
    }
}
