//! Activations on their way into a product: to bf16, or to bytes with a scale for each row.

use crate::cpu::Isa;
use crate::simd::{Math, per_isa};

#[inline(always)]
pub(crate) fn bf16_bits(x: f32) -> u16 {
    let bits = x.to_bits();
    // To the nearest, ties to even. What is not a number stays so.
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    let kept = if x.is_nan() { bits | 0x0040_0000 } else { rounded };
    (kept >> 16) as u16
}

#[inline(always)]
fn to_bf16_body<M: Math>(from: &[f32], to: &mut [u16]) {
    for (t, &f) in to.iter_mut().zip(from) {
        *t = bf16_bits(f);
    }
}

per_isa! { fn to_bf16_plain(from: &[f32], to: &mut [u16]) = to_bf16_body }

/// Rounds to bf16, to the nearest, ties to even. Numbers below 2⁻¹²⁶ become 0 on some sets.
pub(crate) fn to_bf16(isa: Isa, from: &[f32], to: &mut [u16]) {
    #[cfg(target_arch = "x86_64")]
    if isa >= Isa::Avx512 {
        // SAFETY: the set was found on this machine.
        return unsafe { to_bf16_avx512(from, to) };
    }
    to_bf16_plain(isa, from, to);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
fn to_bf16_avx512(from: &[f32], to: &mut [u16]) {
    use std::arch::x86_64::{__m512i, _mm512_cvtne2ps_pbh, _mm512_loadu_ps, _mm512_storeu_si512};
    let whole = from.len().min(to.len()) / 32 * 32;
    for (from, to) in from[..whole].chunks_exact(32).zip(to.chunks_exact_mut(32)) {
        // SAFETY: 32 floats are read and 32 halves written; two vectors of 512 bits are alike.
        unsafe {
            let low = _mm512_loadu_ps(from.as_ptr());
            let high = _mm512_loadu_ps(from.as_ptr().add(16));
            let both: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(high, low));
            _mm512_storeu_si512(to.as_mut_ptr().cast(), both);
        }
    }
    for (to, &from) in to[whole..].iter_mut().zip(&from[whole..]) {
        *to = bf16_bits(from);
    }
}

#[inline(always)]
fn to_int8_body<M: Math>(from: &[f32], to: &mut [i8]) -> f32 {
    // Without their sign, floats are in the order of their bits, and what is not a number above all.
    let size = |x: f32| x.to_bits() & 0x7fff_ffff;
    let mut lanes = [0u32; 16];
    let chunks = from.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..16 {
            lanes[i] = lanes[i].max(size(chunk[i]));
        }
    }
    let most = rest.iter().map(|&x| size(x)).chain(lanes).fold(0, u32::max);
    let most = f32::from_bits(most);
    let scale = most / 127.0;
    let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
    // Adding and taking off 1.5·2²³ rounds to the nearest whole number, ties to even.
    const ROUND: f32 = 12_582_912.0;
    for (t, &f) in to.iter_mut().zip(from) {
        *t = ((f * inverse + ROUND).to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32) as i8;
    }
    scale
}

per_isa! {
    /// Rounds a row to bytes between -127 and 127; its scale. That of a row with something infinite or
    /// not a number is so too, and its bytes do not matter.
    pub(crate) fn to_int8(from: &[f32], to: &mut [i8]) -> f32 = to_int8_body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_that_of_half() {
        let mut bits = 1u32;
        for _ in 0..100_000 {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let x = f32::from_bits(bits);
            let mut out = [0; 32];
            for &isa in crate::cpu::available() {
                to_bf16(isa, &[x; 32], &mut out);
                let wanted = half::bf16::from_f32(x);
                assert!(
                    x.is_subnormal()
                        || out[0] == wanted.to_bits()
                        || x.is_nan() && half::bf16::from_bits(out[0]).is_nan(),
                    "{x}"
                );
            }
        }
    }

    #[test]
    fn bytes_and_scale_give_the_row_back() {
        let row: Vec<f32> = (0..77).map(|i| (i as f32 * 0.7).sin() * 3.0).collect();
        for &isa in crate::cpu::available() {
            let mut out = vec![0; 77];
            let scale = to_int8(isa, &row, &mut out);
            for (x, q) in row.iter().zip(&out) {
                assert!((x - f32::from(*q) * scale).abs() <= scale * 0.501);
            }
            assert_eq!(to_int8(isa, &[0.0; 5], &mut out[..5]), 0.0);
            assert_eq!(out[..5], [0; 5]);
        }
    }
}
