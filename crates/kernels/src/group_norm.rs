//! GroupNorm as what it does to each channel, so that whoever reads a picture next can do it on the way.
//!
//! Its statistics are sums over all pixels. A product that makes a picture can add them up as it writes
//! ([`Moments`]), which spares the picture a pass of its own.

use crate::Error;
use crate::convert::bf16_bits;
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

/// 2ˣ for x ≤ 0, to 4e-5 of it, which is a hundredth of what rounding to bf16 costs.
#[inline(always)]
fn exp2_rough<M: Math>(x: f32) -> f32 {
    // Adding and taking off 1.5·2²³ rounds to a whole number, and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // Not `max`, which would lose what is not a number.
    let x = if x < -126.0 { -126.0 } else { x };
    let shifted = x + ROUND;
    let r = x - (shifted - ROUND);
    let mut p = 0.009_618_13;
    p = M::fma(p, r, 0.055_504_11);
    p = M::fma(p, r, 0.240_226_5);
    p = M::fma(p, r, std::f32::consts::LN_2);
    p = M::fma(p, r, 1.0);
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

#[inline(always)]
fn channelwise_rough_body<M: Math>(x: &[f32], how: &Channelwise, out: &mut [u16]) {
    let n = x.len();
    let (out, scale, shift) = (&mut out[..n], &how.scale[..n], &how.shift[..n]);
    if !how.silu {
        for i in 0..n {
            out[i] = bf16_bits(M::fma(x[i], scale[i], shift[i]));
        }
        return;
    }
    for i in 0..n {
        let x = M::fma(x[i], scale[i], shift[i]);
        // e^-|x|, with which both sides of the sigmoid are quotients of numbers up to 1.
        let power = exp2_rough::<M>(-x.abs() * std::f32::consts::LOG2_E);
        let above = if x < 0.0 { x * power } else { x };
        out[i] = bf16_bits(above / (1.0 + power));
    }
}

per_isa! {
    /// The same, rounded to bf16, with exponentials to as much as that can hold.
    pub(crate) fn channelwise_rough(x: &[f32], how: &Channelwise, out: &mut [u16]) = channelwise_rough_body
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu;

    #[test]
    fn what_is_rounded_on_the_way_is_what_is_rounded_after_it() {
        let x: Vec<f32> = (-4000..4000).map(|i| i as f32 / 200.0).chain([-1e4, 1e4]).collect();
        for silu in [false, true] {
            let how = Channelwise { scale: vec![1.5; x.len()], shift: vec![0.1; x.len()], silu };
            let (mut wanted, mut found) = (vec![0.0; x.len()], vec![0; x.len()]);
            for &isa in cpu::available() {
                channelwise(isa, &x, &how, &mut wanted);
                channelwise_rough(isa, &x, &how, &mut found);
                for (&wanted, &found) in wanted.iter().zip(&found) {
                    let found = f32::from_bits(u32::from(found) << 16);
                    // Half a step of bf16, and a little where both are near the middle of one.
                    let bound = wanted.abs() * (1.0 / 256.0 + 1e-4) + 1e-9;
                    assert!((found - wanted).abs() <= bound, "{isa:?} {silu}: {found} {wanted}");
                }
            }
            for what in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                for &isa in cpu::available() {
                    channelwise_rough(isa, &[what; 40], &how, &mut found);
                    assert!(
                        found[..40].iter().all(|bits| bits & 0x7f80 == 0x7f80),
                        "{isa:?} {what}"
                    );
                }
            }
        }
    }
}
