//! Scores of attention to shares of a running softmax: exactly for floats, and in powers of two to as
//! much as bf16 can hold.

use crate::cpu::Isa;
use crate::gemm::OVERHANG;
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
    assert!(count > 0 && count.div_ceil(PANEL) == panels && panels <= MOST);
    assert!((panels - 1) * stride + PANEL <= scores.len(), "scores of fewer panels");
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the set was found on this machine; so many lines of scores and of shares are there.
    unsafe {
        let (scores, shares) = (scores.as_ptr(), shares.as_mut_ptr());
        let row = [row::<1>, row::<2>, row::<3>, row::<4>][panels - 1];
        row(scores, stride, scale, count, shares, seen)
    }
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("{scores:?} {stride} {scale} {count} {shares:?} {seen:?}")
}

/// The same for the scores of several queries, [`WHOLE`] of each in a row, into the first half of whose
/// memory go their shares; factors for all queries, or none where all are 1.
#[cfg(target_arch = "x86_64")]
pub(crate) fn shares_in_place(
    isa: Isa,
    scores: &mut [f32],
    scale: f32,
    count: usize,
    seen: &mut [Seen],
) -> Option<[f32; OVERHANG]> {
    assert!(isa >= Isa::Avx512 && (1..=WHOLE).contains(&count));
    assert!(seen.len() <= OVERHANG && seen.len() * WHOLE <= scores.len());
    // SAFETY: the set was found on this machine; the scores are there, and have room for shares.
    unsafe {
        let rows = [rows::<1>, rows::<2>, rows::<3>, rows::<4>][count.div_ceil(PANEL) - 1];
        rows(scores.as_mut_ptr(), scale, count, seen)
    }
}

/// Panels of a whole block of keys: as many as stay in registers, scores and shares.
const MOST: usize = 4;
/// Keys of a whole block.
pub(crate) const WHOLE: usize = MOST * PANEL;

/// How much the shares of a sixteenth of a block's keys may be together before what they are powers of
/// follows the greatest score: floats hold such shares as well as those below 1, and what was summed up
/// need not be touched whenever a greater score is found.
#[cfg(target_arch = "x86_64")]
const SLACK: f32 = 2048.0;

/// # Safety
/// See [`shares_in_place`]; `count` is in the last of so many panels.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16")]
unsafe fn rows<const PANELS: usize>(
    scores: *mut f32,
    scale: f32,
    count: usize,
    seen: &mut [Seen],
) -> Option<[f32; OVERHANG]> {
    let mut factors = None;
    for (r, seen) in seen.iter_mut().enumerate() {
        let scores = scores.wrapping_add(r * WHOLE);
        // SAFETY: the caller's promise is passed on; all scores of a row are read before its shares are
        // written.
        let factor = unsafe { row::<PANELS>(scores, PANEL, scale, count, scores.cast(), seen) };
        if factor != 1.0 {
            factors.get_or_insert([1.0; OVERHANG])[r] = factor;
        }
    }
    factors
}

/// [`shares_rough`]: first as if no score were much greater than those before.
///
/// # Safety
/// `count` scores lie in lines of 32 that are `stride` apart, the last in the last of so many lines; there
/// is room for as many shares, rounded up to lines.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16")]
unsafe fn row<const PANELS: usize>(
    scores: *const f32,
    stride: usize,
    scale: f32,
    count: usize,
    shares: *mut u16,
    seen: &mut Seen,
) -> f32 {
    use std::arch::x86_64::*;
    // SAFETY: the caller's promise is passed on.
    let (mut powers, mut sums) =
        unsafe { powers::<PANELS>(load(scores, stride, count), scale, seen.about) };
    let mut factor = 1.0;
    // Also where a sum is not a number, as it is while nothing was seen.
    if _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(sums, _mm512_set1_ps(SLACK)) != 0 {
        // SAFETY: as above.
        unsafe {
            factor = rise::<PANELS>(scores, stride, scale, count, seen);
            (powers, sums) = self::powers(load(scores, stride, count), scale, seen.about);
        }
    }
    for (panel, power) in powers.into_iter().enumerate() {
        // SAFETY: there is room for the shares of this panel.
        unsafe { _mm512_storeu_si512(shares.wrapping_add(panel * PANEL).cast(), power) };
    }
    // SAFETY: sixteen sums.
    unsafe {
        let totals = seen.totals.as_mut_ptr();
        _mm512_storeu_ps(totals, _mm512_add_ps(_mm512_loadu_ps(totals), sums));
    }
    factor
}

/// Scores, and minus infinity past the last one, whose share is 0.
///
/// # Safety
/// See [`row`].
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq")]
unsafe fn load<const PANELS: usize>(
    scores: *const f32,
    stride: usize,
    count: usize,
) -> [[std::arch::x86_64::__m512; 2]; PANELS] {
    use std::arch::x86_64::*;
    let last = (1u64 << (count + PANEL - PANELS * PANEL)) - 1;
    std::array::from_fn(|panel| {
        std::array::from_fn(|half| {
            let mask = if panel + 1 < PANELS { u16::MAX } else { (last >> (half * 16)) as u16 };
            let from = scores.wrapping_add(panel * stride + half * 16);
            // SAFETY: only scores that are there are read.
            unsafe { _mm512_mask_loadu_ps(_mm512_set1_ps(f32::NEG_INFINITY), mask, from) }
        })
    })
}

/// Goes over to the greatest of these scores; the factor that earlier sums must take.
///
/// # Safety
/// See [`row`].
#[cfg(target_arch = "x86_64")]
#[cold]
#[target_feature(enable = "avx512f,avx512bw,avx512dq")]
unsafe fn rise<const PANELS: usize>(
    scores: *const f32,
    stride: usize,
    scale: f32,
    count: usize,
    seen: &mut Seen,
) -> f32 {
    use std::arch::x86_64::*;
    // SAFETY: the caller's promise is passed on.
    let scores = unsafe { load::<PANELS>(scores, stride, count) };
    let nothing = _mm512_set1_ps(f32::NEG_INFINITY);
    let top = scores.as_flattened().iter().fold(nothing, |a, &b| _mm512_max_ps(a, b));
    let power = |x| _mm512_cvtss_f32(exp2_floor(_mm512_set1_ps(x)));
    seen.rise(_mm512_reduce_max_ps(top) * scale, power)
}

/// 2^(scale · score - about) in bf16, and their sums by sixteenths before they are rounded.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16")]
fn powers<const PANELS: usize>(
    scores: [[std::arch::x86_64::__m512; 2]; PANELS],
    scale: f32,
    about: f32,
) -> ([std::arch::x86_64::__m512i; PANELS], std::arch::x86_64::__m512) {
    use std::arch::x86_64::*;
    let (scale, about) = (_mm512_set1_ps(scale), _mm512_set1_ps(about));
    let mut sums = [_mm512_setzero_ps(); 2];
    let powers = scores.map(|halves| {
        let [low, high] = halves.map(|x| exp2_floor(_mm512_fmsub_ps(x, scale, about)));
        sums = [_mm512_add_ps(sums[0], low), _mm512_add_ps(sums[1], high)];
        // SAFETY: vectors of the same size.
        unsafe { std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low)) }
    });
    (powers, _mm512_add_ps(sums[0], sums[1]))
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
