//! Convolutions of pictures with all that can be done on the way in and out.

use std::sync::Arc;

use candle_core::{Result, Tensor};
use likeness_kernels::{Activation, Channelwise, Convolution, Finish, Isa, Moments, Over, Walk};

use super::{Map, activated, refused, with_slices};
use crate::profile::{Cost, timed};

/// A convolution's weights [outputs, inputs, side, side], in the form in which they are computed with.
#[derive(Clone)]
pub enum Kernel {
    /// Packed for our kernels.
    Packed(Arc<Convolution>),
    /// Floats for candle.
    Dense(Tensor),
}

/// A convolution with a border of zeros.
pub struct Conv {
    /// Weights.
    pub kernel: Kernel,
    /// One for each output.
    pub bias: Option<Tensor>,
    /// 1 or 2.
    pub stride: usize,
    /// Rows and columns of zeros before the picture; as many behind, or one where there is none before
    /// and the stride is 2.
    pub before: usize,
    /// Whether each pixel is doubled in both directions first.
    pub doubled: bool,
}

/// What is done on the way into a convolution and out of it.
#[derive(Clone, Copy, Default)]
pub struct Pass<'a> {
    /// A norm of what goes in.
    pub norm: Option<&'a GroupNorm>,
    /// In place of the convolution's own bias.
    pub bias: Option<&'a Tensor>,
    /// Applied to each number.
    pub activation: Activation,
    /// Added to the result.
    pub residual: Option<&'a Map>,
    /// Whether what is negative at the end becomes 0.
    pub relu: bool,
}

impl Conv {
    /// Pictures of the same size whose channels stand one after the other → one picture.
    pub fn forward(&self, x: &[&Map], pass: Pass) -> Result<Map> {
        let Some(first) = x.first().filter(|first| {
            x.iter().all(|one| (one.height, one.width) == (first.height, first.width))
        }) else {
            candle_core::bail!("a convolution over pictures of several sizes, or none");
        };
        let walk = Walk {
            height: first.height,
            width: first.width,
            stride: self.stride,
            before: self.before,
            doubled: self.doubled,
        };
        match &self.kernel {
            Kernel::Packed(kernel) => self.packed(kernel, x, walk, pass),
            Kernel::Dense(kernel) => self.elsewhere(kernel, x, walk, pass),
        }
    }

    fn packed(&self, kernel: &Convolution, x: &[&Map], walk: Walk, pass: Pass) -> Result<Map> {
        let first = pass.norm.map(|norm| norm.channelwise(x)).transpose()?;
        let (height, width) = walk.out(kernel.side());
        x[0].filled((height, width, kernel.outputs()), |out| {
            Map::lend_all(x, |parts| {
                let over = Over { parts, walk, first: first.as_ref() };
                with_slices([pass.bias.or(self.bias.as_ref())], |[bias]| {
                    Map::lend_maybe(pass.residual, |residual| {
                        let finish = Finish {
                            bias,
                            activation: pass.activation,
                            residual,
                            relu: pass.relu,
                            ..Finish::default()
                        };
                        let mut moments = Moments::default();
                        timed(Cost::convolution(kernel, &walk, residual.is_some()), || {
                            kernel
                                .forward_over(Isa::get(), over, &finish, out, Some(&mut moments))
                                .map_err(refused)
                        })?;
                        Ok(Some(moments))
                    })
                })
            })
        })
    }

    fn elsewhere(&self, kernel: &Tensor, x: &[&Map], walk: Walk, pass: Pass) -> Result<Map> {
        let parts = x.iter().map(|one| one.tensor()).collect::<Result<Vec<_>>>()?;
        let joined = Tensor::cat(&parts, 1)?;
        let joined = match pass.norm {
            Some(norm) => norm.elsewhere(&joined)?,
            None => joined,
        };
        let side = kernel.dim(3)?;
        let (height, width) = walk.out(side);
        let picture = joined.t()?.reshape((1, (), walk.height, walk.width))?;
        let picture = match self.doubled {
            true => picture.upsample_nearest2d(2 * walk.height, 2 * walk.width)?,
            false => picture,
        };
        let picture = match (self.stride, self.before) {
            (2, 0) => picture.pad_with_zeros(2, 0, 1)?.pad_with_zeros(3, 0, 1)?,
            _ => picture,
        };
        let out = picture.conv2d(kernel, self.before, self.stride, 1, 1)?;
        let out = out.flatten_from(2)?.squeeze(0)?.t()?.contiguous()?; // [height · width, outputs]
        let out = match pass.bias.or(self.bias.as_ref()) {
            Some(bias) => out.broadcast_add(&bias.flatten_all()?)?,
            None => out,
        };
        let out = activated(out, pass.activation)?;
        let out = match pass.residual {
            Some(residual) => (out + residual.tensor()?)?,
            None => out,
        };
        let out = if pass.relu { out.relu()? } else { out };
        x[0].like(out, height, width)
    }
}

/// A norm over groups of channels, applied by the convolution that follows it.
pub struct GroupNorm {
    /// Groups.
    pub groups: usize,
    /// A factor for each channel.
    pub weight: Tensor,
    /// Added after it.
    pub bias: Tensor,
    /// Keeps the root from zero.
    pub eps: f32,
    /// Whether SiLU follows.
    pub silu: bool,
}

impl GroupNorm {
    fn channelwise(&self, x: &[&Map]) -> Result<Channelwise> {
        let moments = x.iter().map(|one| one.moments()).collect::<Result<Vec<_>>>()?;
        with_slices([Some(&self.weight), Some(&self.bias)], |[weight, bias]| {
            let (weight, bias) = (weight.unwrap_or_default(), bias.unwrap_or_default());
            Moments::join(&moments)
                .group_norm(self.groups, weight, bias, self.eps, self.silu)
                .map_err(refused)
        })
    }

    /// x [pixels, channels] → the same
    fn elsewhere(&self, x: &Tensor) -> Result<Tensor> {
        let (pixels, channels) = x.dims2()?;
        let by_group = x.reshape((pixels, self.groups, channels / self.groups))?;
        let mean = by_group.mean_keepdim((0, 2))?;
        let centred = by_group.broadcast_sub(&mean)?;
        let variance = centred.sqr()?.mean_keepdim((0, 2))?;
        let normed = centred.broadcast_div(&(variance + f64::from(self.eps))?.sqrt()?)?;
        let normed = normed.reshape((pixels, channels))?;
        let normed = normed.broadcast_mul(&self.weight)?.broadcast_add(&self.bias)?;
        if self.silu { normed.silu() } else { Ok(normed) }
    }
}
