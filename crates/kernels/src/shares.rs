//! Scores of attention to shares of a running softmax: exactly for floats, and in powers of two to as
//! much as bf16 can hold.

use crate::cpu::Isa;
use crate::matrix::PANEL;
use crate::simd::{Math, exp, per_isa};

/// Scores of one query, 32 of them every `stride`, to shares e^(score - most) of as many keys as
/// `shares` is long, 0 from `count` on; the factor that its earlier sums must take.
pub(crate) fn shares_exact(
    isa: Isa,
    scores: &[f32],
    stride: usize,
    count: usize,
    shares: &mut [f32],
    state: &mut (f32, f32),
) -> f32 {
    for (panel, line) in shares.chunks_exact_mut(PANEL).enumerate() {
        line.copy_from_slice(&scores[panel * stride..][..PANEL]);
    }
    shares[count..].fill(f32::NEG_INFINITY);
    let factor = exponents(isa, shares, state);
    // Past the last key there is no share; e of the clamped exponent would leave a trace.
    shares[count..].fill(0.0);
    factor
}

/// Takes a block's maximum and sum into those so far; the factor that earlier sums must take.
#[inline(always)]
fn goes_on(state: &mut (f32, f32), most: f32, sum: f32, power: impl Fn(f32) -> f32) -> f32 {
    let factor = if state.0 == most {
        1.0
    } else if state.0 == f32::NEG_INFINITY {
        0.0
    } else {
        power(state.0 - most)
    };
    *state = (most, state.1 * factor + sum);
    factor
}

#[inline(always)]
fn exponents_body<M: Math>(line: &mut [f32], state: &mut (f32, f32)) -> f32 {
    let mut most = [state.0; 16];
    for chunk in line.chunks_exact(16) {
        for i in 0..16 {
            most[i] = most[i].max(chunk[i]);
        }
    }
    let most = most.iter().fold(state.0, |a, &b| a.max(b));
    // All scores are minus infinity, or one is not a number: shares are then not a number either.
    let mut sums = [0f32; 16];
    for chunk in line.chunks_exact_mut(16) {
        for i in 0..16 {
            let x = if chunk[i] == f32::NEG_INFINITY { 0.0 } else { exp::<M>(chunk[i] - most) };
            sums[i] += x;
            chunk[i] = x;
        }
    }
    goes_on(state, most, sums.iter().sum(), exp::<M>)
}

per_isa! {
    /// See [`shares_exact`]; the length is a multiple of 16.
    fn exponents(line: &mut [f32], state: &mut (f32, f32)) -> f32 = exponents_body
}

/// 2ˣ for x ≤ 0, to 4e-5 of it, which is a hundredth of what rounding to bf16 costs.
#[inline(always)]
pub(crate) fn exp2_rough<M: Math>(x: f32) -> f32 {
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
fn shares_rough_body<M: Math>(
    scores: &[f32],
    stride: usize,
    count: usize,
    shares: &mut [u16],
    state: &mut (f32, f32),
) -> f32 {
    let (whole, rest) = (count / PANEL, count % PANEL);
    let line = |panel: usize| -> &[f32] { &scores[panel * stride..][..PANEL] };
    let mut most = [state.0; PANEL];
    for panel in 0..whole {
        let line = line(panel);
        for i in 0..PANEL {
            most[i] = if line[i] > most[i] { line[i] } else { most[i] };
        }
    }
    for i in 0..rest {
        most[i] = most[i].max(line(whole)[i]);
    }
    let most = halved(most, |a, b| if b > a { b } else { a });
    let mut sums = [0f32; PANEL];
    // Sums are of the shares as they are rounded, so that these add up to one.
    let round = |x: f32| (x.to_bits() + 0x8000) >> 16;
    let (full, end) = shares.split_at_mut(whole * PANEL);
    for (panel, shares) in full.chunks_exact_mut(PANEL).enumerate() {
        let line = line(panel);
        for i in 0..PANEL {
            let bits = round(exp2_rough::<M>(line[i] - most));
            sums[i] += f32::from_bits(bits << 16);
            shares[i] = bits as u16;
        }
    }
    for i in 0..rest {
        let bits = round(exp2_rough::<M>(line(whole)[i] - most));
        sums[i] += f32::from_bits(bits << 16);
        end[i] = bits as u16;
    }
    end[rest..].fill(0);
    goes_on(state, most, halved(sums, |a, b| a + b), exp2_rough::<M>)
}

/// All numbers taken together, the two halves first, in vectors for as long as there are halves.
#[inline(always)]
fn halved(mut x: [f32; PANEL], both: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = PANEL / 2;
    while half > 0 {
        for i in 0..half {
            x[i] = both(x[i], x[i + half]);
        }
        half /= 2;
    }
    x[0]
}

per_isa! {
    fn shares_plain(
        scores: &[f32],
        stride: usize,
        count: usize,
        shares: &mut [u16],
        state: &mut (f32, f32),
    ) -> f32 = shares_rough_body
}

/// As [`shares_exact`] for scores in powers of two and shares in bf16.
pub(crate) fn shares_rough(
    isa: Isa,
    scores: &[f32],
    stride: usize,
    count: usize,
    shares: &mut [u16],
    state: &mut (f32, f32),
) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if isa >= Isa::Avx512 && count > 0 && count <= shares.len() {
        let panels = shares.len() / PANEL;
        if shares.len().is_multiple_of(PANEL) && (1..=8).contains(&panels) {
            assert!((panels - 1) * stride + PANEL <= scores.len(), "scores of fewer panels");
            let (scores, shares) = (scores.as_ptr(), shares.as_mut_ptr());
            // SAFETY: the set was found on this machine; so many lines of scores and of shares are there.
            return unsafe {
                match panels {
                    8 if count == 256 => {
                        shares_wide::<8, true>(scores, stride, count, panels, shares, state)
                    }
                    1..=2 => shares_wide::<2, false>(scores, stride, count, panels, shares, state),
                    3..=4 => shares_wide::<4, false>(scores, stride, count, panels, shares, state),
                    5..=6 => shares_wide::<6, false>(scores, stride, count, panels, shares, state),
                    _ => shares_wide::<8, false>(scores, stride, count, panels, shares, state),
                }
            };
        }
    }
    shares_plain(isa, scores, stride, count, shares, state)
}

/// [`shares_rough`] of up to 32 · `PANELS` scores, which stay in registers from their maximum to their
/// shares: sixteen of the 32 for a whole block of keys.
///
/// # Safety
/// `panels` lines of 32 scores lie `stride` apart, the first `count` of them scores, and there is room for
/// as many shares; `panels` is `PANELS` or one less.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16")]
unsafe fn shares_wide<const PANELS: usize, const WHOLE: bool>(
    scores: *const f32,
    stride: usize,
    count: usize,
    panels: usize,
    shares: *mut u16,
    state: &mut (f32, f32),
) -> f32 {
    use std::arch::x86_64::*;
    let nothing = _mm512_set1_ps(f32::NEG_INFINITY);
    // Past the last score there is minus infinity, whose share is 0.
    let half = |panel: usize, half: usize| {
        let from = scores.wrapping_add(panel * stride + half * 16);
        if WHOLE {
            // SAFETY: all scores are there.
            return unsafe { _mm512_loadu_ps(from) };
        }
        let left = count.saturating_sub(panel * PANEL + half * 16).min(16);
        let mask = ((1u32 << left) - 1) as u16;
        // SAFETY: only scores that are there are read.
        unsafe { _mm512_mask_loadu_ps(nothing, mask, from) }
    };
    let line: [[__m512; 2]; PANELS] = std::array::from_fn(|i| [half(i, 0), half(i, 1)]);
    let mut tops = [nothing; 4];
    for (i, [low, high]) in line.iter().enumerate() {
        let at = i % 2 * 2;
        tops[at] = _mm512_max_ps(tops[at], *low);
        tops[at + 1] = _mm512_max_ps(tops[at + 1], *high);
    }
    let top = _mm512_max_ps(_mm512_max_ps(tops[0], tops[1]), _mm512_max_ps(tops[2], tops[3]));
    let found = _mm512_reduce_max_ps(top);
    let most = if found > state.0 { found } else { state.0 };
    let about = _mm512_set1_ps(most);
    // SAFETY: vectors of the same size.
    let ones: __m512bh = unsafe { std::mem::transmute(_mm512_set1_epi16(0x3f80)) };
    let mut sums = [_mm512_setzero_ps(); 2];
    for (i, [low, high]) in line.into_iter().enumerate() {
        let low = exp2_floor(_mm512_sub_ps(low, about));
        let high = exp2_floor(_mm512_sub_ps(high, about));
        let both = _mm512_cvtne2ps_pbh(high, low);
        // Sums are of the shares as they are rounded, so that these add up to one.
        sums[i % 2] = _mm512_dpbf16_ps(sums[i % 2], both, ones);
        if WHOLE || i < panels {
            // SAFETY: there is room for the shares of this panel; vectors are of the same size.
            unsafe {
                let both = std::mem::transmute::<__m512bh, __m512i>(both);
                _mm512_storeu_si512(shares.add(i * PANEL).cast(), both);
            }
        }
    }
    let sum = _mm512_reduce_add_ps(_mm512_add_ps(sums[0], sums[1]));
    goes_on(state, most, sum, |x| _mm512_cvtss_f32(exp2_floor(_mm512_set1_ps(x))))
}

/// 2ˣ to 1.1e-4 of it, a twentieth of what rounding to bf16 costs: 2 to the fraction above the next lower
/// whole number, and one instruction for the power of that. It is 0 for minus infinity.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn exp2_floor(x: std::arch::x86_64::__m512) -> std::arch::x86_64::__m512 {
    use std::arch::x86_64::*;
    // 1: down to whole numbers.
    let r = _mm512_reduce_ps::<1>(x);
    let p = _mm512_fmadd_ps(r, _mm512_set1_ps(0.078_145_57), _mm512_set1_ps(0.226_173_57));
    let p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.695_556_9));
    let p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0));
    _mm512_scalef_ps(p, x)
}
