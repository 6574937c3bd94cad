//! Scores of attention to shares of a running softmax: exactly for floats, and in powers of two to as
//! much as bf16 can hold.

use crate::cpu::Isa;
use crate::matrix::PANEL;
use crate::simd::{Math, exp, per_isa};

/// What a query has seen so far.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Seen {
    /// All shares together, in sixteen sums.
    totals: [f32; 16],
    /// Shares are powers of scores less this: the greatest score, or nearly.
    about: f32,
}

impl Default for Seen {
    fn default() -> Self {
        Self { about: f32::NEG_INFINITY, totals: [0.0; 16] }
    }
}

impl Seen {
    /// All shares together.
    pub(crate) fn total(&self) -> f32 {
        self.totals.iter().sum()
    }

    /// Goes over to a greater score; the factor that earlier sums must take.
    #[inline(always)]
    fn rise(&mut self, most: f32, power: impl Fn(f32) -> f32) -> f32 {
        let before = std::mem::replace(&mut self.about, most);
        // Where nothing was seen, sums are 0 and may stay so.
        if before == most || before == f32::NEG_INFINITY {
            return 1.0;
        }
        let factor = power(before - most);
        self.totals.iter_mut().for_each(|total| *total *= factor);
        factor
    }
}

/// Scores of one query, 32 of them every `stride`, to shares e^(scale · score - most) of as many keys as
/// `shares` is long, 0 from `count` on; the factor that its earlier sums must take.
pub(crate) fn shares_exact(
    isa: Isa,
    scores: &[f32],
    stride: usize,
    scale: f32,
    count: usize,
    shares: &mut [f32],
    seen: &mut Seen,
) -> f32 {
    for (panel, line) in shares.chunks_exact_mut(PANEL).enumerate() {
        let scores = &scores[panel * stride..][..PANEL];
        line.iter_mut().zip(scores).for_each(|(to, score)| *to = score * scale);
    }
    shares[count..].fill(f32::NEG_INFINITY);
    let factor = exponents(isa, shares, seen);
    // Past the last key there is no share; e of the clamped exponent would leave a trace.
    shares[count..].fill(0.0);
    factor
}

#[inline(always)]
fn exponents_body<M: Math>(line: &mut [f32], seen: &mut Seen) -> f32 {
    let mut most = [seen.about; 16];
    for chunk in line.chunks_exact(16) {
        for i in 0..16 {
            most[i] = most[i].max(chunk[i]);
        }
    }
    let most = most.iter().fold(seen.about, |a, &b| a.max(b));
    let factor = seen.rise(most, exp::<M>);
    // All scores are minus infinity, or one is not a number: shares are then not a number either.
    let sums = &mut seen.totals;
    for chunk in line.chunks_exact_mut(16) {
        for i in 0..16 {
            let x = if chunk[i] == f32::NEG_INFINITY { 0.0 } else { exp::<M>(chunk[i] - most) };
            sums[i] += x;
            chunk[i] = x;
        }
    }
    factor
}

per_isa! {
    /// See [`shares_exact`]; the length is a multiple of 16.
    fn exponents(line: &mut [f32], seen: &mut Seen) -> f32 = exponents_body
}

/// As [`shares_exact`] for powers of two and shares in bf16: up to [`WHOLE`], a multiple of 32, and only
/// with instructions that multiply bf16.
pub(crate) fn shares_rough(
    isa: Isa,
    scores: &[f32],
    stride: usize,
    scale: f32,
    count: usize,
    shares: &mut [u16],
    seen: &mut Seen,
) -> f32 {
    let panels = shares.len() / PANEL;
    assert!(isa >= Isa::Avx512 && shares.len().is_multiple_of(PANEL));
    assert!(count <= shares.len() && panels <= MOST);
    assert!(panels > 0 && (panels - 1) * stride + PANEL <= scores.len(), "scores of fewer panels");
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the set was found on this machine; so many lines of scores and of shares are there.
    unsafe {
        let (scores, shares) = (scores.as_ptr(), shares.as_mut_ptr());
        match count {
            WHOLE => shares_wide::<true>(scores, stride, scale, count, MOST, shares, seen),
            _ => shares_wide::<false>(scores, stride, scale, count, panels, shares, seen),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("{scores:?} {stride} {scale} {count} {shares:?} {seen:?}")
}

/// Panels of a whole block of keys: as many as stay in half of the registers.
const MOST: usize = 8;
/// Keys of a whole block.
pub(crate) const WHOLE: usize = MOST * PANEL;

/// By how many powers of two a score may be above what shares are powers of: floats hold such shares as
/// well as those below 1, and what was summed up need not be touched whenever a greater score is found.
#[cfg(target_arch = "x86_64")]
const SLACK: f32 = 8.0;

/// [`shares_rough`]; where a block is whole, its scores stay in sixteen registers from their maximum to
/// their shares.
///
/// # Safety
/// `panels` lines of 32 scores, at most [`MOST`], lie `stride` apart, the first `count` of them scores,
/// and there is room for as many shares; `IS_WHOLE` is of [`WHOLE`] scores.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16")]
unsafe fn shares_wide<const IS_WHOLE: bool>(
    scores: *const f32,
    stride: usize,
    scale: f32,
    count: usize,
    panels: usize,
    shares: *mut u16,
    seen: &mut Seen,
) -> f32 {
    use std::arch::x86_64::*;
    let nothing = _mm512_set1_ps(f32::NEG_INFINITY);
    let panels = if IS_WHOLE { MOST } else { panels };
    // Past the last score there is minus infinity, whose share is 0.
    let half = |panel: usize, half: usize| {
        let from = scores.wrapping_add(panel * stride + half * 16);
        if IS_WHOLE {
            // SAFETY: all scores are there.
            return unsafe { _mm512_loadu_ps(from) };
        }
        let left = count.saturating_sub(panel * PANEL + half * 16).min(16);
        let mask = ((1u32 << left) - 1) as u16;
        // SAFETY: only scores that are there are read.
        unsafe { _mm512_mask_loadu_ps(nothing, mask, from) }
    };
    let mut tops = [nothing; 4];
    for panel in 0..panels {
        let at = panel % 2 * 2;
        tops[at] = _mm512_max_ps(tops[at], half(panel, 0));
        tops[at + 1] = _mm512_max_ps(tops[at + 1], half(panel, 1));
    }
    let top = _mm512_max_ps(_mm512_max_ps(tops[0], tops[1]), _mm512_max_ps(tops[2], tops[3]));
    let limit = _mm512_set1_ps((seen.about + SLACK) / scale);
    let mut factor = 1.0;
    // Seldom: whoever waits for one number out of sixteen waits long.
    if _mm512_cmp_ps_mask::<_CMP_GT_OQ>(top, limit) != 0 {
        let power = |x| _mm512_cvtss_f32(exp2_floor(_mm512_set1_ps(x)));
        factor = seen.rise(_mm512_reduce_max_ps(top) * scale, power);
    }
    let (scale, about) = (_mm512_set1_ps(scale), _mm512_set1_ps(seen.about));
    // SAFETY: vectors of the same size.
    let ones: __m512bh = unsafe { std::mem::transmute(_mm512_set1_epi16(0x3f80)) };
    // SAFETY: sixteen sums.
    let mut sums = [unsafe { _mm512_loadu_ps(seen.totals.as_ptr()) }, _mm512_setzero_ps()];
    for panel in 0..panels {
        let low = exp2_floor(_mm512_fmsub_ps(half(panel, 0), scale, about));
        let high = exp2_floor(_mm512_fmsub_ps(half(panel, 1), scale, about));
        let both = _mm512_cvtne2ps_pbh(high, low);
        // Sums are of the shares as they are rounded, so that these add up to one.
        sums[panel % 2] = _mm512_dpbf16_ps(sums[panel % 2], both, ones);
        // SAFETY: there is room for the shares of this panel; vectors are of the same size.
        unsafe {
            let both = std::mem::transmute::<__m512bh, __m512i>(both);
            _mm512_storeu_si512(shares.add(panel * PANEL).cast(), both);
        }
    }
    // SAFETY: sixteen sums.
    unsafe { _mm512_storeu_ps(seen.totals.as_mut_ptr(), _mm512_add_ps(sums[0], sums[1])) };
    factor
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
