//! Layers over the pixels or tokens of a [`Map`], each in one pass: a norm on the way in, a bias and a
//! residual on the way out.

use std::sync::Arc;

use candle_core::{Result, Tensor};
use likeness_kernels::{self as kernels, Before, Finish, Gate, Heads, Isa, KeyValues};

use super::{Linear, Map, Then, attention_elsewhere, layer_norm, refused, with_slices};
use crate::profile::{Cost, timed};

/// A linear layer with a bias.
pub struct Layer {
    /// Weights [outputs, inputs].
    pub weight: Linear,
    /// One for each output.
    pub bias: Option<Tensor>,
}

impl Layer {
    /// Of each pixel, normed first if it should be → [pixels, outputs], plus `residual`
    pub fn forward(
        &self,
        x: &Map,
        norm: Option<&LayerNorm>,
        residual: Option<&Map>,
    ) -> Result<Map> {
        let Linear::Packed(weights) = &self.weight else {
            let residual = residual.map(Map::tensor).transpose()?;
            let then = Then { residual: residual.as_ref(), ..Then::default() };
            let out = self.vector(&LayerNorm::elsewhere(norm, &x.tensor()?)?, then)?;
            return x.like(out, x.height, x.width);
        };
        let sizes = (x.height, x.width, weights.outputs());
        x.filled(sizes, |out| {
            LayerNorm::lend(norm, |norm| {
                with_slices([self.bias.as_ref()], |[bias]| {
                    Map::lend_maybe(residual, |residual| {
                        x.lend(|numbers| {
                            let before = Before { x: numbers, m: x.pixels(), norm };
                            let finish = Finish { bias, residual, ..Finish::default() };
                            timed(Cost::product(before.m, weights, residual.is_some()), || {
                                kernels::matmul_after(Isa::get(), before, weights, &finish, out)
                                    .map_err(refused)
                            })?;
                            Ok(None)
                        })
                    })
                })
            })
        })
    }

    /// The same of a tensor [rows, inputs], with what follows the bias.
    pub fn vector(&self, x: &Tensor, then: Then) -> Result<Tensor> {
        self.weight.then(x, Then { bias: self.bias.as_ref(), ..then })
    }
}

/// A linear layer of which one half of the outputs gates the other.
pub enum GatedLayer {
    /// Packed for our kernels.
    Packed(Arc<kernels::Gated>),
    /// For candle: outputs of both halves, and the gate.
    Wide(Layer, Gate),
}

impl GatedLayer {
    /// Of each pixel, normed first → [pixels, half of the outputs]
    pub fn forward(&self, x: &Map, norm: &LayerNorm) -> Result<Map> {
        let weights = match self {
            Self::Packed(weights) => weights,
            Self::Wide(layer, gate) => {
                let normed = LayerNorm::elsewhere(Some(norm), &x.tensor()?)?;
                let wide = layer.vector(&normed, Then::default())?;
                let n = wide.dim(1)? / 2;
                return x.like(super::gated(&wide, 0, n, *gate)?, x.height, x.width);
            }
        };
        x.filled((x.height, x.width, weights.outputs()), |out| {
            LayerNorm::lend(Some(norm), |norm| {
                x.lend(|numbers| {
                    let before = Before { x: numbers, m: x.pixels(), norm };
                    timed(Cost::gated_product(before.m, weights), || {
                        weights.forward(before, out).map_err(refused)
                    })?;
                    Ok(None)
                })
            })
        })
    }
}

/// A norm of each row, applied by the layer that follows it.
pub struct LayerNorm {
    /// A factor for each number.
    pub weight: Tensor,
    /// Added after it.
    pub bias: Tensor,
    /// Keeps the root from zero.
    pub eps: f32,
}

impl LayerNorm {
    fn lend<T>(
        norm: Option<&Self>,
        run: impl FnOnce(Option<kernels::LayerNorm>) -> Result<T>,
    ) -> Result<T> {
        with_slices(
            [norm.map(|norm| &norm.weight), norm.map(|norm| &norm.bias)],
            |[weight, bias]| {
                run(norm.map(|norm| kernels::LayerNorm { weight, bias, eps: norm.eps }))
            },
        )
    }

    fn elsewhere(norm: Option<&Self>, x: &Tensor) -> Result<Tensor> {
        match norm {
            Some(norm) => layer_norm(x, &norm.weight, &norm.bias, norm.eps),
            None => Ok(x.clone()),
        }
    }
}

/// Some channels of a picture: queries, keys or values among others.
#[derive(Clone, Copy)]
pub struct Columns<'a> {
    /// The picture.
    pub of: &'a Map,
    /// The first channel.
    pub at: usize,
}

/// Attention of queries over keys and values, `width` channels of each → [pixels of q, width]. `exact`
/// computes in f32 where the processor could do with less.
pub fn attend(
    q: Columns,
    keys: Columns,
    values: Columns,
    width: usize,
    heads: usize,
    exact: bool,
) -> Result<Map> {
    let own = q.of;
    if !own.is_on_cpu() {
        let narrow = |columns: Columns| columns.of.tensor()?.narrow(1, columns.at, width);
        let (keys, values) = (narrow(keys)?, narrow(values)?);
        let seen = [super::Seen { keys: &keys, values: &values }];
        let out = attention_elsewhere(&narrow(q)?, &seen, heads)?;
        return own.like(out, own.height, own.width);
    }
    own.filled((own.height, own.width, width), |out| {
        Map::lend_all(&[q.of, keys.of, values.of], |slices| {
            let from = |i: usize, at: usize| slices[i].get(at..).unwrap_or_default();
            let part = KeyValues {
                keys: from(1, keys.at),
                keys_stride: keys.of.channels,
                values: from(2, values.at),
                values_stride: values.of.channels,
                count: keys.of.pixels(),
            };
            let heads = Heads { count: heads, size: width / heads.max(1), bf16: !exact };
            timed(Cost::attention(own.pixels(), part.count, heads), || {
                kernels::attention(from(0, q.at), own.channels, own.pixels(), &[part], heads, out)
                    .map_err(refused)
            })?;
            Ok(None)
        })
    })
}
