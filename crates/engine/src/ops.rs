//! The operations that networks are written in, and the one place that knows where they are computed:
//! by our own kernels on the CPU, by candle on other devices.
//!
//! Activations are rows of tokens, `[tokens, numbers]`, in f32, or pictures of channels ([`Map`]).

#[cfg(test)]
mod agreement;
mod conv;
mod heads;
mod layers;
mod map;

use std::sync::Arc;

use candle_core::quantized::QMatMul;
use candle_core::{CpuStorage, Module, Result, Storage, Tensor};
use likeness_kernels as kernels;
use likeness_kernels::Finish;
pub use likeness_kernels::{Activation, Gate, Walks};

use crate::profile::{Cost, timed};

pub use conv::{Conv, GroupNorm, Kernel, Pass};
pub use heads::{Columns, Seen, Shaping, attend, columns, shape_heads};
pub use layers::{GatedLayer, Layer, LayerNorm, LayerRows};
pub use map::{Buffers, Map};

/// A layer's weights [outputs, inputs], in the form in which they are multiplied.
#[derive(Clone)]
pub enum Linear {
    /// Packed for our kernels.
    Packed(Arc<kernels::Matrix>),
    /// Floats for candle.
    Dense(Tensor),
    /// Blocks of small integers for candle.
    Blocks(Arc<QMatMul>),
}

/// What follows a product: `residual + gate · activation(product + bias)`.
#[derive(Clone, Copy, Default)]
pub struct Then<'a> {
    /// One for each output [outputs].
    pub bias: Option<&'a Tensor>,
    /// Applied to each number.
    pub activation: Activation,
    /// A factor for each output [outputs].
    pub gate: Option<&'a Tensor>,
    /// Added at the end, as large as the result.
    pub residual: Option<&'a Tensor>,
}

impl Linear {
    /// x [rows, inputs] · Wᵀ → [rows, outputs]
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.then(x, Then::default())
    }

    /// The same with what follows.
    pub fn then(&self, x: &Tensor, then: Then) -> Result<Tensor> {
        let product = match self {
            Self::Packed(weights) => return packed(weights, x, then),
            Self::Dense(weight) => x.matmul(&weight.t()?)?,
            Self::Blocks(blocks) => blocks.forward(&x.contiguous()?)?,
        };
        let product = match then.bias {
            Some(bias) => product.broadcast_add(bias)?,
            None => product,
        };
        let active = activated(product, then.activation)?;
        let gated = match then.gate {
            Some(gate) => active.broadcast_mul(gate)?,
            None => active,
        };
        match then.residual {
            Some(residual) => residual + gated,
            None => Ok(gated),
        }
    }
}

fn activated(x: Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::None => Ok(x),
        Activation::Silu => x.silu(),
        Activation::Gelu => x.gelu_erf(),
        Activation::GeluTanh => x.gelu(),
        Activation::QuickGelu => &x * candle_nn::ops::sigmoid(&(&x * 1.702)?)?,
        Activation::Relu => x.relu(),
    }
}

fn packed(weights: &kernels::Matrix, x: &Tensor, then: Then) -> Result<Tensor> {
    let (x, m) = (x.contiguous()?, x.dim(0)?);
    let mut out = vec![0f32; m * weights.outputs()];
    let each = [Some(&x), then.bias, then.gate, then.residual];
    with_slices(each, |[x, bias, gate, residual]| {
        let activation = then.activation;
        let finish = Finish { bias, activation, gate, residual, ..Finish::default() };
        timed(Cost::product(m, weights, residual.is_some()), || {
            kernels::matmul(x.unwrap_or_default(), m, weights, &finish, &mut out).map_err(refused)
        })
    })?;
    Tensor::from_vec(out, (m, weights.outputs()), x.device())
}

/// (x - mean) / deviation · weight + bias, for each row of x [rows, n].
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f32) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return candle_nn::ops::layer_norm(x, weight, bias, eps);
    }
    let n = x.dim(1)?;
    like(x, [Some(x), Some(weight), Some(bias)], |[x, weight, bias], out| {
        timed(Cost::layer_norm(out.len()), || {
            kernels::layer_norm(x.unwrap_or_default(), n, weight, bias, eps, out)
        })
    })
}

/// x / root mean square · weight, for each row of x [rows, n].
pub fn rms_norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return candle_nn::ops::rms_norm(x, weight, eps);
    }
    let n = x.dim(1)?;
    like(x, [Some(x), Some(weight)], |[x, weight], out| {
        timed(Cost::rms_norm(out.len()), || {
            kernels::rms_norm(x.unwrap_or_default(), n, weight.unwrap_or_default(), eps, out)
        })
    })
}

/// The numbers `at..at + 2n` of each row, halved by a gate → [rows, n]
pub fn gated(x: &Tensor, at: usize, n: usize, gate: Gate) -> Result<Tensor> {
    let m = x.dim(0)?;
    if !x.device().is_cpu() {
        let (first, second) = (x.narrow(1, at, n)?, x.narrow(1, at + n, n)?);
        return match gate {
            Gate::SwiGlu => first.silu()? * second,
            Gate::GeGlu => first * second.gelu_erf()?,
        };
    }
    let (x, stride) = (x.contiguous()?, x.dim(1)?);
    let mut out = vec![0f32; m * n];
    with_slices([Some(&x)], |[x]| {
        let x = x.and_then(|x| x.get(at..)).unwrap_or_default();
        timed(Cost::gated(m * n), || {
            kernels::gated(x, stride, m, n, gate, &mut out).map_err(refused)
        })
    })?;
    Tensor::from_vec(out, (m, n), x.device())
}

/// A tensor shaped like `x`, from slices of some tensors.
fn like<const N: usize>(
    x: &Tensor,
    tensors: [Option<&Tensor>; N],
    run: impl FnOnce([Option<&[f32]>; N], &mut [f32]) -> std::result::Result<(), kernels::Error>,
) -> Result<Tensor> {
    let contiguous = tensors.map(|t| t.map(Tensor::contiguous));
    let mut kept = [const { None }; N];
    for (to, from) in kept.iter_mut().zip(contiguous) {
        *to = from.transpose()?;
    }
    let mut out = vec![0f32; x.elem_count()];
    with_slices(kept.each_ref().map(Option::as_ref), |slices| {
        run(slices, &mut out).map_err(refused)
    })?;
    Tensor::from_vec(out, x.shape(), x.device())
}

/// Lends out the numbers of contiguous tensors on the CPU.
fn with_slices<const N: usize, T>(
    tensors: [Option<&Tensor>; N],
    run: impl FnOnce([Option<&[f32]>; N]) -> Result<T>,
) -> Result<T> {
    let held = tensors.map(|t| t.map(Tensor::storage_and_layout));
    let mut slices = [None; N];
    for (to, from) in slices.iter_mut().zip(&held) {
        *to = from.as_ref().map(|(storage, layout)| slice(storage, layout)).transpose()?;
    }
    run(slices)
}

fn slice<'a>(storage: &'a Storage, layout: &candle_core::Layout) -> Result<&'a [f32]> {
    let (Storage::Cpu(CpuStorage::F32(numbers)), Some((from, to))) =
        (storage, layout.contiguous_offsets())
    else {
        candle_core::bail!("the kernels take f32 numbers on the CPU without gaps");
    };
    Ok(&numbers[from..to])
}

fn refused(error: kernels::Error) -> candle_core::Error {
    candle_core::Error::Msg(error.to_string())
}
