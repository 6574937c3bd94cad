//! The residual block that UNets and autoencoders are made of.

use candle_core::{Result, Tensor};

use crate::networks::Source;
use crate::ops::{Conv, GroupNorm, Layer, Map, Pass, Then};
use crate::weights::WeightError;

/// Two convolutions, each after a norm and SiLU, beside the picture itself.
pub(in crate::networks) struct Resnet {
    norm1: GroupNorm,
    conv1: Conv,
    time: Option<Layer>,
    norm2: GroupNorm,
    conv2: Conv,
    shortcut: Option<Conv>,
}

/// Sizes of a residual block.
#[derive(Clone, Copy)]
pub(in crate::networks) struct Sizes {
    pub inputs: usize,
    pub outputs: usize,
    pub groups: usize,
    pub eps: f32,
    /// Numbers of the noise level, for networks that are told one.
    pub time: Option<usize>,
}

impl Resnet {
    pub fn new(
        name: &str,
        sizes: Sizes,
        source: &Source,
    ) -> std::result::Result<Self, WeightError> {
        let Sizes { inputs, outputs, groups, eps, time } = sizes;
        let part = |inner: &str| format!("{name}.{inner}");
        let conv1 = source.conv(&part("conv1"), outputs, inputs)?;
        let time = match time {
            Some(width) => {
                let mut layer = source.layer(&part("time_emb_proj"), outputs, width)?;
                // The noise level moves every channel, as the convolution's bias does: one of the two is
                // enough.
                if let (Some(bias), Some(own)) = (&layer.bias, &conv1.bias) {
                    layer.bias = Some(source.checkpoint.made(name, bias + own)?);
                }
                Some(layer)
            }
            None => None,
        };
        Ok(Self {
            norm1: source.group_norm(&part("norm1"), inputs, groups, eps, true)?,
            conv1,
            time,
            norm2: source.group_norm(&part("norm2"), outputs, groups, eps, true)?,
            conv2: source.conv(&part("conv2"), outputs, outputs)?,
            shortcut: match inputs == outputs {
                true => None,
                false => Some(source.mix(&[&part("conv_shortcut")], outputs, inputs, false)?),
            },
        })
    }

    /// Pictures whose channels stand one after the other → [pixels, outputs]. `level` is the noise level
    /// after SiLU [1, time].
    pub fn forward(&self, x: &[&Map], level: Option<&Tensor>) -> Result<Map> {
        let moved = match (&self.time, level) {
            (Some(time), Some(level)) => Some(time.vector(level, Then::default())?.flatten_all()?),
            _ => None,
        };
        let enter = Pass { norm: Some(&self.norm1), bias: moved.as_ref(), ..Pass::default() };
        let h = self.conv1.forward(x, enter)?;
        let beside = match &self.shortcut {
            Some(shortcut) => Some(shortcut.forward(x, Pass::default())?),
            None => None,
        };
        let residual = beside.as_ref().or(x.first().copied());
        self.conv2.forward(&[&h], Pass { norm: Some(&self.norm2), residual, ..Pass::default() })
    }
}
