//! The operations that networks are written in, and the one place that knows where they are computed:
//! by our own kernels on the CPU, by candle on other devices.
//!
//! Activations are rows of tokens, `[tokens, numbers]`, in f32, or pictures of channels ([`Map`]).

#[cfg(test)]
mod agreement;
mod conv;
mod layers;
mod map;

use std::sync::Arc;

use candle_core::quantized::QMatMul;
use candle_core::{CpuStorage, Module, Result, Storage, Tensor};
use candle_nn::rotary_emb::rope_i;
use likeness_kernels as kernels;
pub use likeness_kernels::{Activation, Gate, Walks};
use likeness_kernels::{Finish, HeadNorm, Heads, KeyValues};

use crate::profile::{Cost, timed};

pub use conv::{Conv, GroupNorm, Kernel, Pass};
pub use layers::{Columns, GatedLayer, Layer, LayerNorm, attend};
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

/// How the heads of queries or keys are brought into shape.
pub struct Shaping<'a> {
    /// Heads.
    pub heads: usize,
    /// RMS norm of every head [size].
    pub weight: &'a Tensor,
    /// Of the norm.
    pub eps: f32,
    /// Cosines and sines [tokens, size / 2].
    pub turns: (&'a Tensor, &'a Tensor),
}

/// Heads that begin at number `at` of each row of x, normed and turned → [tokens, heads · size]
pub fn shape_heads(x: &Tensor, at: usize, how: &Shaping) -> Result<Tensor> {
    let (tokens, size, heads) = (x.dim(0)?, how.weight.dim(0)?, how.heads);
    let (cos, sin) = how.turns;
    if !x.device().is_cpu() {
        let x = x.narrow(1, at, heads * size)?.reshape((tokens, heads, size))?;
        let x = candle_nn::ops::rms_norm(&x.contiguous()?, how.weight, how.eps)?;
        let x = rope_i(&x.transpose(0, 1)?.contiguous()?.unsqueeze(0)?, cos, sin)?.squeeze(0)?;
        return x.transpose(0, 1)?.reshape((tokens, heads * size));
    }
    let (x, stride) = (x.contiguous()?, x.dim(1)?);
    let mut out = vec![0f32; tokens * heads * size];
    with_slices([Some(&x), Some(how.weight), Some(cos), Some(sin)], |[x, weight, cos, sin]| {
        let x = x.and_then(|x| x.get(at..)).unwrap_or_default();
        let turns = Some((cos.unwrap_or_default(), sin.unwrap_or_default()));
        let weight = weight.unwrap_or_default();
        let how = HeadNorm { heads, size, weight, eps: how.eps, turns };
        timed(Cost::shape_heads(out.len()), || {
            kernels::norm_heads(x, stride, tokens, how, &mut out).map_err(refused)
        })
    })?;
    Tensor::from_vec(out, (tokens, heads * size), x.device())
}

/// Keys and values of some tokens, each [tokens, heads · size].
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// Keys.
    pub keys: &'a Tensor,
    /// Values.
    pub values: &'a Tensor,
}

/// Attention of q [n, heads · size] over all that is seen → [n, heads · size]. `exact` computes in f32
/// where the processor could do with less.
pub fn attention(q: &Tensor, seen: &[Seen], heads: usize, exact: bool) -> Result<Tensor> {
    let (n, width) = q.dims2()?;
    if !q.device().is_cpu() {
        return attention_elsewhere(q, seen, heads);
    }
    let q = q.contiguous()?;
    let mut out = vec![0f32; n * width];
    let guards: Vec<_> = seen
        .iter()
        .flat_map(|one| [one.keys, one.values])
        .map(|t| t.contiguous())
        .collect::<Result<_>>()?;
    let held: Vec<_> = guards.iter().map(|t| t.storage_and_layout()).collect();
    let slices = held.iter().map(|(s, l)| slice(s, l)).collect::<Result<Vec<_>>>()?;
    let parts: Vec<KeyValues> = slices
        .chunks_exact(2)
        .map(|pair| KeyValues {
            keys: pair[0],
            keys_stride: width,
            values: pair[1],
            values_stride: width,
            count: pair[0].len() / width,
        })
        .collect();
    with_slices([Some(&q)], |[q]| {
        let heads = Heads { count: heads, size: width / heads, bf16: !exact };
        let keys = parts.iter().map(|part| part.count).sum();
        timed(Cost::attention(n, keys, heads), || {
            kernels::attention(q.unwrap_or_default(), width, n, &parts, heads, &mut out)
                .map_err(refused)
        })
    })?;
    Tensor::from_vec(out, (n, width), q.device())
}

fn attention_elsewhere(q: &Tensor, seen: &[Seen], heads: usize) -> Result<Tensor> {
    let (n, width) = q.dims2()?;
    let split =
        |x: &Tensor| x.reshape((x.dim(0)?, heads, width / heads))?.transpose(0, 1)?.contiguous();
    let keys: Vec<&Tensor> = seen.iter().map(|one| one.keys).collect();
    let values: Vec<&Tensor> = seen.iter().map(|one| one.values).collect();
    let (q, k, v) = (split(q)?, split(&Tensor::cat(&keys, 0)?)?, split(&Tensor::cat(&values, 0)?)?);
    let scores = (q.matmul(&k.t()?)? * (heads as f64 / width as f64).sqrt())?;
    let out = candle_nn::ops::softmax_last_dim(&scores)?.matmul(&v)?;
    out.transpose(0, 1)?.reshape((n, width))
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
