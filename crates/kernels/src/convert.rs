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

/// The same for `len` numbers of rows that lie so far apart, as many as there are in `to`.
pub(crate) fn rows_to_bf16(isa: Isa, from: (&[f32], usize), len: usize, to: (&mut [u16], usize)) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    fn wide(from: (&[f32], usize), len: usize, to: (&mut [u16], usize)) {
        for (to, from) in to.0.chunks_mut(to.1).zip(from.0.chunks(from.1)) {
            to_bf16_avx512(&from[..len], &mut to[..len]);
        }
    }
    #[cfg(target_arch = "x86_64")]
    if isa >= Isa::Avx512 {
        // SAFETY: the set was found on this machine.
        return unsafe { wide(from, len, to) };
    }
    for (to, from) in to.0.chunks_mut(to.1).zip(from.0.chunks(from.1)) {
        to_bf16_plain(isa, &from[..len], &mut to[..len]);
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
fn to_bf16_avx512(from: &[f32], to: &mut [u16]) {
    use std::arch::x86_64::*;
    let len = from.len().min(to.len());
    let (from, to) = (&from[..len], &mut to[..len]);
    let (wide, from_rest) = from.as_chunks::<32>();
    let (to_wide, to_rest) = to.as_chunks_mut::<32>();
    for (from, to) in wide.iter().zip(to_wide) {
        // SAFETY: 32 floats are read and 32 halves written; two vectors of 512 bits are alike.
        unsafe {
            let low = _mm512_loadu_ps(from.as_ptr());
            let high = _mm512_loadu_ps(from.as_ptr().add(16));
            let both: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(high, low));
            _mm512_storeu_si512(to.as_mut_ptr().cast(), both);
        }
    }
    let (eights, from_rest) = from_rest.as_chunks::<8>();
    let (to_eights, to_rest) = to_rest.as_chunks_mut::<8>();
    for (from, to) in eights.iter().zip(to_eights) {
        // SAFETY: as above, for eight.
        unsafe {
            let all: __m128i =
                std::mem::transmute(_mm256_cvtneps_pbh(_mm256_loadu_ps(from.as_ptr())));
            _mm_storeu_si128(to.as_mut_ptr().cast(), all);
        }
    }
    for (to, &from) in to_rest.iter_mut().zip(from_rest) {
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
    fn rows_of_any_length_are_rounded_to_their_end() {
        let row: Vec<f32> = (1..100).map(|i| i as f32).collect();
        for &isa in crate::cpu::available() {
            for len in 0..99 {
                let mut out = vec![7; 120];
                to_bf16(isa, &row[..len], &mut out);
                let wanted = |i: usize| if i < len { bf16_bits(row[i]) } else { 7 };
                assert!((0..120).all(|i| out[i] == wanted(i)), "{isa:?}: {len}");
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
