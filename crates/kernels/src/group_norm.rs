//! GroupNorm as what it does to each channel, so that whoever reads a picture next can do it on the way.
//!
//! Its statistics are sums over all pixels. A product that makes a picture can add them up as it writes
//! ([`Moments`]), which spares the picture a pass of its own.

use crate::Error;
use crate::cpu::Isa;
use crate::finish::{self, Activation};
use crate::matrix::check_len;
use crate::norm::rows;
use crate::pool::{self, Shared};
use crate::simd::{Math, per_isa};

/// Pixels of a task.
const PIXELS: usize = 256;

/// Sums of each channel of a picture over its pixels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moments {
    pixels: usize,
    /// The sum, and the sum of squares, of each channel.
    sums: Vec<(f64, f64)>,
}

impl Moments {
    /// Those of x [pixels, channels].
    pub fn of(x: &[f32], channels: usize) -> Result<Self, Error> {
        if channels == 0 || x.is_empty() || !x.len().is_multiple_of(channels) {
            return Err(Error::Shape { what: "x", shape: vec![channels], found: x.len() });
        }
        let isa = Isa::get();
        let pixels = x.len() / channels;
        let tasks = pixels.div_ceil(PIXELS);
        let mut parts = vec![0f32; tasks * 2 * channels];
        let shared = Shared::new(&mut parts);
        pool::for_each(tasks, |task| {
            // SAFETY: each task has its own sums.
            let (sum, square) =
                unsafe { shared.part(task * 2 * channels, 2 * channels) }.split_at_mut(channels);
            let end = ((task + 1) * PIXELS).min(pixels);
            column_moments(isa, &x[task * PIXELS * channels..end * channels], sum, square);
        });
        Ok(Self::from_parts(&parts, pixels, channels))
    }

    /// From partial sums [parts, 2, channels]: in f64 from here on, in the order of the parts.
    pub(crate) fn from_parts(parts: &[f32], pixels: usize, channels: usize) -> Self {
        let mut sums = vec![(0f64, 0f64); channels];
        for part in parts.chunks_exact(2 * channels) {
            let (sum, square) = part.split_at(channels);
            for (total, (a, b)) in sums.iter_mut().zip(sum.iter().zip(square)) {
                total.0 += f64::from(*a);
                total.1 += f64::from(*b);
            }
        }
        Self { pixels, sums }
    }

    /// Those of pictures of the same size whose channels stand one after the other.
    pub fn join(pictures: &[&Self]) -> Self {
        let pixels = pictures.first().map_or(0, |first| first.pixels);
        Self { pixels, sums: pictures.iter().flat_map(|one| one.sums.iter().copied()).collect() }
    }

    /// Channels.
    pub fn channels(&self) -> usize {
        self.sums.len()
    }

    /// What GroupNorm in `groups` does to each channel of the picture.
    pub fn group_norm(
        &self,
        groups: usize,
        weight: &[f32],
        bias: &[f32],
        eps: f32,
        silu: bool,
    ) -> Result<Channelwise, Error> {
        let channels = self.channels();
        if channels == 0 || groups == 0 || !channels.is_multiple_of(groups) {
            return Err(Error::Size { what: "groups", size: groups });
        }
        check_len("weight", weight.len(), &[channels])?;
        check_len("bias", bias.len(), &[channels])?;
        let each = channels / groups;
        let count = (self.pixels * each) as f64;
        let mut out = Channelwise { scale: vec![0.0; channels], shift: vec![0.0; channels], silu };
        for group in 0..groups {
            let (mut sum, mut square) = (0f64, 0f64);
            for (a, b) in &self.sums[group * each..(group + 1) * each] {
                sum += a;
                square += b;
            }
            let mean = sum / count;
            let inverse = 1.0 / ((square / count - mean * mean).max(0.0) + f64::from(eps)).sqrt();
            for c in group * each..(group + 1) * each {
                let scale = inverse * f64::from(weight[c]);
                out.scale[c] = scale as f32;
                out.shift[c] = (f64::from(bias[c]) - mean * scale) as f32;
            }
        }
        Ok(out)
    }
}

/// GroupNorm of x [pixels, channels] in `groups`; see [`Moments::group_norm`].
pub fn group_norm(
    x: &[f32],
    channels: usize,
    groups: usize,
    weight: &[f32],
    bias: &[f32],
    eps: f32,
    silu: bool,
) -> Result<Channelwise, Error> {
    Moments::of(x, channels)?.group_norm(groups, weight, bias, eps, silu)
}

#[inline(always)]
fn column_moments_body<M: Math>(x: &[f32], sum: &mut [f32], square: &mut [f32]) {
    let n = sum.len();
    let square = &mut square[..n];
    for row in x.chunks_exact(n) {
        for i in 0..n {
            sum[i] += row[i];
            square[i] = M::fma(row[i], row[i], square[i]);
        }
    }
}

per_isa! {
    /// Adds rows as long as `sum` to both sums.
    fn column_moments(x: &[f32], sum: &mut [f32], square: &mut [f32]) = column_moments_body
}

/// What a norm does to each channel: x · scale + shift.
#[derive(Debug, Clone, PartialEq)]
pub struct Channelwise {
    /// A factor for each channel.
    pub scale: Vec<f32>,
    /// Added after it.
    pub shift: Vec<f32>,
    /// Whether SiLU follows.
    pub silu: bool,
}

#[inline(always)]
fn channelwise_body<M: Math>(x: &[f32], how: &Channelwise, out: &mut [f32]) {
    let n = x.len();
    let (out, scale, shift) = (&mut out[..n], &how.scale[..n], &how.shift[..n]);
    for i in 0..n {
        out[i] = M::fma(x[i], scale[i], shift[i]);
    }
    if how.silu {
        for x in out.iter_mut() {
            *x = finish::activate::<M>(*x, Activation::Silu);
        }
    }
}

per_isa! {
    /// Does to one pixel [channels] what `how` says.
    pub(crate) fn channelwise(x: &[f32], how: &Channelwise, out: &mut [f32]) = channelwise_body
}

impl Channelwise {
    /// Does it to all of x [pixels, channels].
    pub fn apply(&self, x: &[f32], out: &mut [f32]) -> Result<(), Error> {
        let shift = Some(&self.shift[..]);
        rows(x, self.scale.len(), [("scale", None), ("shift", shift)], out, |isa, x, out| {
            channelwise(isa, x, self, out)
        })
    }
}
