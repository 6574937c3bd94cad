//! Norms of rows, each in one pass over its rows after one for their statistics.

use crate::Error;
use crate::cpu::Isa;
use crate::matrix::check_len;
use crate::pool::{self, Shared};
use crate::simd::{Math, per_isa};

/// Rows of a task.
const ROWS: usize = 32;

/// out [m, n] = (x - mean) / √(variance + eps) · weight + bias, for each row; without `weight` 1,
/// without `bias` 0. A modulation by (scale, shift) is the weight 1 + scale and the bias shift.
pub fn layer_norm(
    x: &[f32],
    n: usize,
    weight: Option<&[f32]>,
    bias: Option<&[f32]>,
    eps: f32,
    out: &mut [f32],
) -> Result<(), Error> {
    rows(x, n, [("weight", weight), ("bias", bias)], out, |isa, x, out| {
        layer(isa, x, weight, bias, eps, out)
    })
}

/// out [m, n] = x / √(mean(x²) + eps) · weight, for each row.
pub fn rms_norm(
    x: &[f32],
    n: usize,
    weight: &[f32],
    eps: f32,
    out: &mut [f32],
) -> Result<(), Error> {
    rows(x, n, [("weight", Some(weight)), ("bias", None)], out, |isa, x, out| {
        rms(isa, x, weight, eps, out)
    })
}

/// A layer norm on the way into a product; see [`layer_norm`].
#[derive(Debug, Clone, Copy)]
pub struct LayerNorm<'a> {
    /// A factor for each number of a row.
    pub weight: Option<&'a [f32]>,
    /// Added after it.
    pub bias: Option<&'a [f32]>,
    /// Keeps the root from zero.
    pub eps: f32,
}

impl LayerNorm<'_> {
    pub(crate) fn check(&self, n: usize) -> Result<(), Error> {
        for (what, part) in [("weight", self.weight), ("bias", self.bias)] {
            if let Some(part) = part {
                check_len(what, part.len(), &[n])?;
            }
        }
        Ok(())
    }

    /// One row.
    pub(crate) fn row(&self, isa: Isa, x: &[f32], out: &mut [f32]) {
        layer(isa, x, self.weight, self.bias, self.eps, out);
    }
}

pub(crate) fn rows(
    x: &[f32],
    n: usize,
    parts: [(&'static str, Option<&[f32]>); 2],
    out: &mut [f32],
    run: impl Fn(Isa, &[f32], &mut [f32]) + Sync + Send,
) -> Result<(), Error> {
    if n == 0 || !x.len().is_multiple_of(n) {
        return Err(Error::Shape { what: "x", shape: vec![n], found: x.len() });
    }
    check_len("out", out.len(), &[x.len()])?;
    for (what, part) in parts {
        if let Some(part) = part {
            check_len(what, part.len(), &[n])?;
        }
    }
    let (m, isa) = (x.len() / n, Isa::get());
    let shared = Shared::new(out);
    pool::for_each(m.div_ceil(ROWS), |task| {
        for r in task * ROWS..(task * ROWS + ROWS).min(m) {
            // SAFETY: a task alone writes its rows.
            run(isa, &x[r * n..(r + 1) * n], unsafe { shared.part(r * n, n) });
        }
    });
    Ok(())
}

/// Sum and sum of squares about `about`, in sixteen lanes so that they are the same on every set of vectors.
#[inline(always)]
fn moments<M: Math>(x: &[f32], about: f32) -> (f32, f32) {
    let (mut sums, mut squares) = ([0f32; 16], [0f32; 16]);
    let chunks = x.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..16 {
            let y = chunk[i] - about;
            sums[i] += y;
            squares[i] = M::fma(y, y, squares[i]);
        }
    }
    for (i, x) in rest.iter().enumerate() {
        let y = x - about;
        sums[i] += y;
        squares[i] = M::fma(y, y, squares[i]);
    }
    (sums.iter().sum(), squares.iter().sum())
}

#[inline(always)]
fn layer_body<M: Math>(
    x: &[f32],
    weight: Option<&[f32]>,
    bias: Option<&[f32]>,
    eps: f32,
    out: &mut [f32],
) {
    let n = x.len() as f32;
    let mean = moments::<M>(x, 0.0).0 / n;
    let inverse = 1.0 / (moments::<M>(x, mean).1 / n + eps).sqrt();
    for (o, x) in out.iter_mut().zip(x) {
        *o = (x - mean) * inverse;
    }
    if let Some(weight) = weight {
        out.iter_mut().zip(weight).for_each(|(o, w)| *o *= w);
    }
    if let Some(bias) = bias {
        out.iter_mut().zip(bias).for_each(|(o, b)| *o += b);
    }
}

per_isa! { fn layer(x: &[f32], weight: Option<&[f32]>, bias: Option<&[f32]>, eps: f32, out: &mut [f32]) = layer_body }

#[inline(always)]
fn rms_body<M: Math>(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    let inverse = 1.0 / (moments::<M>(x, 0.0).1 / x.len() as f32 + eps).sqrt();
    for ((o, x), w) in out.iter_mut().zip(x).zip(weight) {
        *o = x * inverse * w;
    }
}

per_isa! { pub(crate) fn rms(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) = rms_body }
