//! What is done to numbers one by one.

use crate::Error;
use crate::cpu::Isa;
use crate::finish::{Activation, activate};
use crate::matrix::{check_len, check_rows};
use crate::pool::{self, Shared};
use crate::simd::{Math, per_isa};

const ROWS: usize = 32;

/// Which half of a row passes through the activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// silu(first half) · second half
    SwiGlu,
    /// first half · gelu(second half), exact
    GeGlu,
}

/// out [m, n] of the first 2n numbers of m rows that lie `stride` apart.
pub fn gated(
    x: &[f32],
    stride: usize,
    m: usize,
    n: usize,
    gate: Gate,
    out: &mut [f32],
) -> Result<(), Error> {
    let Some(width) = n.checked_mul(2) else {
        return Err(Error::Size { what: "outputs", size: n });
    };
    check_rows("x", x, stride, m, width)?;
    check_len("out", out.len(), &[m, n])?;
    let isa = Isa::get();
    let shared = Shared::new(out);
    pool::for_each(m.div_ceil(ROWS), |task| {
        for r in task * ROWS..(task * ROWS + ROWS).min(m) {
            let (first, second) = x[r * stride..][..2 * n].split_at(n);
            // SAFETY: a task alone writes its rows.
            let out = unsafe { shared.part(r * n, n) };
            match gate {
                Gate::SwiGlu => glu(isa, first, second, Activation::Silu, out),
                Gate::GeGlu => glu(isa, second, first, Activation::Gelu, out),
            }
        }
    });
    Ok(())
}

#[inline(always)]
fn glu_body<M: Math>(through: &[f32], plain: &[f32], activation: Activation, out: &mut [f32]) {
    macro_rules! each {
        ($which:ident) => {
            for ((o, a), b) in out.iter_mut().zip(through).zip(plain) {
                *o = activate::<M>(*a, Activation::$which) * b;
            }
        };
    }
    match activation {
        Activation::Silu => each!(Silu),
        _ => each!(Gelu),
    }
}

per_isa! { fn glu(through: &[f32], plain: &[f32], activation: Activation, out: &mut [f32]) = glu_body }

/// How heads are normed and turned before attention.
#[derive(Debug, Clone, Copy)]
pub struct HeadNorm<'a> {
    /// Heads.
    pub heads: usize,
    /// Numbers of a head, even.
    pub size: usize,
    /// A factor for each number of a head.
    pub weight: &'a [f32],
    /// Keeps the root from zero.
    pub eps: f32,
    /// Cosines and sines [tokens, size / 2] of the angles by which pairs of neighbours are turned.
    pub turns: Option<(&'a [f32], &'a [f32])>,
}

/// The RMS norm of each head of `tokens` rows of x that lie `stride` apart, turned, where it stands:
/// heads · size numbers of each row.
pub fn norm_heads(x: &mut [f32], stride: usize, tokens: usize, how: HeadNorm) -> Result<(), Error> {
    let HeadNorm { heads, size, weight, eps, turns } = how;
    let width = heads.checked_mul(size).unwrap_or(0);
    if width == 0 || !size.is_multiple_of(2) {
        return Err(Error::Size { what: "head", size });
    }
    check_rows("x", x, stride, tokens, width)?;
    check_len("weight", weight.len(), &[size])?;
    if let Some((cos, sin)) = turns {
        check_len("cosines", cos.len(), &[tokens, size / 2])?;
        check_len("sines", sin.len(), &[tokens, size / 2])?;
    }
    let isa = Isa::get();
    let shared = Shared::new(x);
    pool::for_each(tokens.div_ceil(ROWS), |task| {
        let mut normed = vec![0f32; size];
        for t in task * ROWS..(task * ROWS + ROWS).min(tokens) {
            // SAFETY: a task alone has its tokens, and rows do not overlap.
            let row = unsafe { shared.part(t * stride, width) };
            for head in row.chunks_exact_mut(size) {
                crate::norm::rms(isa, head, weight, eps, &mut normed);
                if let Some((cos, sin)) = turns {
                    let angles = t * size / 2..(t + 1) * size / 2;
                    turn(isa, &mut normed, &cos[angles.clone()], &sin[angles]);
                }
                head.copy_from_slice(&normed);
            }
        }
    });
    Ok(())
}

#[inline(always)]
fn turn_body<M: Math>(x: &mut [f32], cos: &[f32], sin: &[f32]) {
    for ((pair, c), s) in x.chunks_exact_mut(2).zip(cos).zip(sin) {
        let (a, b) = (pair[0], pair[1]);
        pair[0] = M::fma(a, *c, -(b * s));
        pair[1] = M::fma(a, *s, b * c);
    }
}

per_isa! { fn turn(x: &mut [f32], cos: &[f32], sin: &[f32]) = turn_body }

/// Softmax of each row of x [m, n], in place.
pub fn softmax(x: &mut [f32], n: usize) -> Result<(), Error> {
    if n == 0 || !x.len().is_multiple_of(n) {
        return Err(Error::Shape { what: "x", shape: vec![n], found: x.len() });
    }
    let (m, isa) = (x.len() / n, Isa::get());
    let shared = Shared::new(x);
    pool::for_each(m.div_ceil(ROWS), |task| {
        for r in task * ROWS..(task * ROWS + ROWS).min(m) {
            // SAFETY: a task alone writes its rows.
            soften(isa, unsafe { shared.part(r * n, n) });
        }
    });
    Ok(())
}

#[inline(always)]
fn soften_body<M: Math>(x: &mut [f32]) {
    let most = x.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
    for x in x.iter_mut() {
        *x = crate::simd::exp::<M>(*x - most);
    }
    let inverse = 1.0 / x.iter().sum::<f32>();
    x.iter_mut().for_each(|x| *x *= inverse);
}

per_isa! { fn soften(x: &mut [f32]) = soften_body }
