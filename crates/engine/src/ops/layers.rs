//! Layers over the pixels or tokens of a [`Map`], each in one pass: a norm on the way in, a bias and a
//! residual on the way out.

use std::ops::Range;
use std::sync::Arc;

use candle_core::{Result, Tensor};
use likeness_kernels::{self as kernels, Before, Finish, Gate, Isa};

use super::{Linear, Map, Then, layer_norm, refused, with_slices};
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
        let all = LayerRows { layer: self, rows: 0..x.pixels(), norm, gate: None };
        Self::over(&[x], &[all], residual)
    }

    /// Each stretch through its layer, of maps whose channels stand one after the other → [all rows,
    /// outputs], plus `residual`, which is as large. The layers have the same sizes.
    pub fn over(x: &[&Map], stretches: &[LayerRows<Self>], residual: Option<&Map>) -> Result<Map> {
        let packed: Option<Vec<_>> = stretches
            .iter()
            .map(|stretch| match &stretch.layer.weight {
                Linear::Packed(weights) => Some(&**weights),
                _ => None,
            })
            .collect();
        let Some(packed) = packed else {
            return elsewhere(x, stretches, |stretch, x, from| {
                let residual = residual.map(|all| all.tensor()?.narrow(0, from, x.dim(0)?));
                let residual = residual.transpose()?;
                let then =
                    Then { gate: stretch.gate, residual: residual.as_ref(), ..Then::default() };
                stretch.layer.vector(x, then)
            });
        };
        Map::lend_maybe(residual, |residual| {
            each(x, stretches, packed[0].outputs(), |i, before, from, out| {
                let (weights, LayerRows { layer, gate, .. }) = (packed[i], &stretches[i]);
                with_slices([layer.bias.as_ref(), *gate], |[bias, gate]| {
                    let residual = match residual {
                        Some(all) => Some(part_of(all, from * weights.outputs(), out.len())?),
                        None => None,
                    };
                    let finish = Finish { bias, gate, residual, ..Finish::default() };
                    timed(Cost::product(before.m, weights, residual.is_some()), || {
                        kernels::matmul_after(Isa::get(), before, weights, &finish, out)
                            .map_err(refused)
                    })
                })
            })
        })
    }

    /// Of a tensor [rows, inputs], with what follows the bias.
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
        let all = LayerRows { layer: self, rows: 0..x.pixels(), norm: Some(norm), gate: None };
        Self::over(&[x], &[all])
    }

    /// As [`Layer::over`].
    pub fn over(x: &[&Map], stretches: &[LayerRows<Self>]) -> Result<Map> {
        let packed: Option<Vec<_>> = stretches
            .iter()
            .map(|stretch| match &stretch.layer {
                Self::Packed(weights) => Some(&**weights),
                Self::Wide(..) => None,
            })
            .collect();
        let Some(packed) = packed else {
            return elsewhere(x, stretches, |stretch, x, _| match &stretch.layer {
                Self::Packed(_) => candle_core::bail!("layers for several devices at once"),
                Self::Wide(layer, gate) => {
                    let wide = layer.vector(x, Then::default())?;
                    super::gated(&wide, 0, wide.dim(1)? / 2, *gate)
                }
            });
        };
        each(x, stretches, packed[0].outputs(), |i, before, _, out| {
            timed(Cost::gated_product(before.m, packed[i]), || {
                packed[i].forward(before, out).map_err(refused)
            })
        })
    }
}

/// A layer for a stretch of rows of a map.
pub struct LayerRows<'a, L> {
    /// The layer.
    pub layer: &'a L,
    /// Which pixels.
    pub rows: Range<usize>,
    /// A norm on the way in.
    pub norm: Option<&'a LayerNorm>,
    /// A factor for each output [outputs].
    pub gate: Option<&'a Tensor>,
}

/// Runs each stretch into its rows of a map of `outputs` channels, on the CPU. `run` is told which
/// stretch, what goes in, the first row that comes out, and where to.
fn each<L>(
    x: &[&Map],
    stretches: &[LayerRows<L>],
    outputs: usize,
    run: impl Fn(usize, Before, usize, &mut [f32]) -> Result<()>,
) -> Result<Map> {
    let Some(first) = x.first() else { candle_core::bail!("a layer over nothing") };
    let rows = stretches.iter().map(|stretch| stretch.rows.len()).sum();
    let sizes = if rows == first.pixels() { (first.height, first.width) } else { (rows, 1) };
    first.filled((sizes.0, sizes.1, outputs), |out| {
        Map::lend_all(x, |slices| {
            let (mut from, mut rest) = (0, out);
            for (i, stretch) in stretches.iter().enumerate() {
                let m = stretch.rows.len();
                let (now, later) = rest.split_at_mut(m * outputs);
                let parts = slices.iter().zip(x).map(|(slice, map)| {
                    part_of(slice, stretch.rows.start * map.channels, m * map.channels)
                });
                let parts = parts.collect::<Result<Vec<_>>>()?;
                LayerNorm::lend(stretch.norm, |norm| {
                    run(i, Before { x: &parts, m, norm }, from, now)
                })?;
                (from, rest) = (from + m, later);
            }
            Ok(None)
        })
    })
}

fn part_of(all: &[f32], from: usize, len: usize) -> Result<&[f32]> {
    all.get(from..)
        .and_then(|rest| rest.get(..len))
        .ok_or_else(|| candle_core::Error::Msg(format!("{len} numbers from {from} on")).bt())
}

/// The same with tensors on another device.
fn elsewhere<L>(
    x: &[&Map],
    stretches: &[LayerRows<L>],
    run: impl Fn(&LayerRows<L>, &Tensor, usize) -> Result<Tensor>,
) -> Result<Map> {
    let Some(first) = x.first() else { candle_core::bail!("a layer over nothing") };
    let parts = x.iter().map(|map| map.tensor()).collect::<Result<Vec<_>>>()?;
    let joined = if parts.len() == 1 { parts[0].clone() } else { Tensor::cat(&parts, 1)? };
    let mut from = 0;
    let outs = stretches.iter().map(|stretch| {
        let some = joined.narrow(0, stretch.rows.start, stretch.rows.len())?.contiguous()?;
        let out = run(stretch, &LayerNorm::elsewhere(stretch.norm, &some)?, from)?;
        from += stretch.rows.len();
        Ok(out)
    });
    let out = Tensor::cat(&outs.collect::<Result<Vec<_>>>()?, 0)?;
    match out.dim(0)? == first.pixels() {
        true => first.like(out, first.height, first.width),
        false => {
            let rows = out.dim(0)?;
            first.like(out, rows, 1)
        }
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
