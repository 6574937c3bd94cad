//! Blocks of three rows by 32 columns in twelve 256-bit sums, of floats and of bytes.

use std::arch::x86_64::*;

use super::{Left, Segment};
use crate::matrix::PANEL;

const ROWS: usize = 3;

/// Depth between two times that memory is asked for: a line of floats.
const STRETCH: usize = 16;
/// Lines of a panel's weights in so much depth.
const LINES: usize = STRETCH * PANEL / 16;

/// What comes next is asked for meanwhile: the rows after these, and, spread over all rows, the weights
/// behind these, since blocks of a panel, and panels, follow one another.
///
/// # Safety
/// See [`super::f32_block`].
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn f32_block(
    left: Left<f32>,
    rows: usize,
    segments: &[Segment],
    b: *const f32,
    acc: *mut f32,
    fresh: bool,
) {
    let depth: usize = segments.iter().map(|segment| segment.len).sum();
    let lines = LINES.div_ceil((rows / ROWS).max(1));
    let share = depth.div_ceil(STRETCH) * lines * STRETCH;
    let ahead = |r: usize| (b.wrapping_add(depth * PANEL + r / ROWS * share), lines);
    let mut r = 0;
    // SAFETY: every call stays within `rows`.
    unsafe {
        while r + ROWS <= rows {
            some::<ROWS>(left, r, segments, b, acc, fresh, ahead(r));
            r += ROWS;
        }
        match rows - r {
            1 => some::<1>(left, r, segments, b, acc, fresh, ahead(r)),
            2 => some::<2>(left, r, segments, b, acc, fresh, ahead(r)),
            _ => {}
        }
    }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn some<const N: usize>(
    left: Left<f32>,
    r: usize,
    segments: &[Segment],
    mut b: *const f32,
    acc: *mut f32,
    fresh: bool,
    (mut ahead, lines): (*const f32, usize),
) {
    // SAFETY: rows r..r+N are within the caller's promise; what is only asked for may lie anywhere.
    unsafe {
        let at = |i: usize, j: usize| acc.add((r + i) * PANEL + 8 * j);
        let mut sums = [[_mm256_setzero_ps(); 4]; N];
        if !fresh {
            for i in 0..N {
                for j in 0..4 {
                    sums[i][j] = _mm256_loadu_ps(at(i, j));
                }
            }
        }
        for segment in segments {
            let row = left.start.add(r * left.stride + segment.offset);
            for start in (0..segment.len).step_by(STRETCH) {
                for i in N..2 * N {
                    let next = row.wrapping_add(i * left.stride + start);
                    _mm_prefetch::<_MM_HINT_T0>(next.cast());
                }
                for _ in 0..lines {
                    _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
                    ahead = ahead.wrapping_add(16);
                }
                for k in start..segment.len.min(start + STRETCH) {
                    // Twelve sums, three rows and one vector of weights are all the registers there are.
                    let mut a = [_mm256_setzero_ps(); N];
                    for i in 0..N {
                        a[i] = _mm256_broadcast_ss(&*row.add(i * left.stride + k));
                    }
                    for j in 0..4 {
                        let weights = _mm256_loadu_ps(b.add(8 * j));
                        for i in 0..N {
                            sums[i][j] = _mm256_fmadd_ps(a[i], weights, sums[i][j]);
                        }
                    }
                    b = b.add(PANEL);
                }
            }
        }
        for i in 0..N {
            for j in 0..4 {
                _mm256_storeu_ps(at(i, j), sums[i][j]);
            }
        }
    }
}

/// # Safety
/// See [`super::f32_half_block`].
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn f32_half_block(
    left: Left<f32>,
    rows: usize,
    depth: usize,
    b: *const f32,
    acc: *mut f32,
) {
    const ROWS: usize = 6;
    let mut r = 0;
    // SAFETY: every call stays within `rows`.
    unsafe {
        while r + ROWS <= rows {
            half::<ROWS>(left, r, depth, b, acc);
            r += ROWS;
        }
        for r in r..rows {
            half::<1>(left, r, depth, b, acc);
        }
    }
}

/// Twelve sums again, of more rows: one row and two vectors of weights are all the registers there are.
#[target_feature(enable = "avx2,fma")]
unsafe fn half<const N: usize>(
    left: Left<f32>,
    r: usize,
    depth: usize,
    b: *const f32,
    acc: *mut f32,
) {
    // SAFETY: rows r..r+N are within the caller's promise.
    unsafe {
        let at = |i: usize, j: usize| acc.add((r + i) * PANEL + 8 * j);
        let mut sums = [[_mm256_setzero_ps(); 2]; N];
        for i in 0..N {
            for j in 0..2 {
                sums[i][j] = _mm256_loadu_ps(at(i, j));
            }
        }
        let row = left.start.add(r * left.stride);
        for k in 0..depth {
            let b = b.add(k * PANEL);
            let weights = [_mm256_loadu_ps(b), _mm256_loadu_ps(b.add(8))];
            for i in 0..N {
                let a = _mm256_broadcast_ss(&*row.add(i * left.stride + k));
                for j in 0..2 {
                    sums[i][j] = _mm256_fmadd_ps(a, weights[j], sums[i][j]);
                }
            }
        }
        for i in 0..N {
            for j in 0..2 {
                _mm256_storeu_ps(at(i, j), sums[i][j]);
            }
        }
    }
}

/// # Safety
/// See [`super::int8_block`]. Weights are not -128, which no packed weight is.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn int8_block(
    left: Left<i8>,
    rows: usize,
    segments: &[Segment],
    b: *const i8,
    acc: *mut i32,
    fresh: bool,
) {
    let mut r = 0;
    // SAFETY: every call stays within `rows`.
    unsafe {
        while r + ROWS <= rows {
            some_bytes::<ROWS>(left, r, segments, b, acc, fresh);
            r += ROWS;
        }
        match rows - r {
            1 => some_bytes::<1>(left, r, segments, b, acc, fresh),
            2 => some_bytes::<2>(left, r, segments, b, acc, fresh),
            _ => {}
        }
    }
}

/// The instruction multiplies unsigned by signed bytes and adds two products in 16 bits. An activation's
/// sign goes to the weights, and what is left of it is at most 128: 2 · 128 · 127 fits.
#[target_feature(enable = "avx2")]
unsafe fn some_bytes<const N: usize>(
    left: Left<i8>,
    r: usize,
    segments: &[Segment],
    mut b: *const i8,
    acc: *mut i32,
    fresh: bool,
) {
    // SAFETY: rows r..r+N are within the caller's promise; fours need no alignment.
    unsafe {
        let at = |i: usize, j: usize| acc.add((r + i) * PANEL + 8 * j).cast::<__m256i>();
        let ones = _mm256_set1_epi16(1);
        let mut sums = [[_mm256_setzero_si256(); 4]; N];
        if !fresh {
            for i in 0..N {
                for j in 0..4 {
                    sums[i][j] = _mm256_loadu_si256(at(i, j));
                }
            }
        }
        for segment in segments {
            let row = left.start.add(r * left.stride + segment.offset);
            for k in (0..segment.len).step_by(4) {
                for i in 0..N {
                    let four = row.add(i * left.stride + k).cast::<i32>().read_unaligned();
                    let a = _mm256_set1_epi32(four);
                    let size = _mm256_abs_epi8(a);
                    for j in 0..4 {
                        let weights = _mm256_loadu_si256(b.add(32 * j).cast());
                        let pairs = _mm256_maddubs_epi16(size, _mm256_sign_epi8(weights, a));
                        let fours = _mm256_madd_epi16(pairs, ones);
                        sums[i][j] = _mm256_add_epi32(sums[i][j], fours);
                    }
                }
                b = b.add(4 * PANEL);
            }
        }
        for i in 0..N {
            for j in 0..4 {
                _mm256_storeu_si256(at(i, j), sums[i][j]);
            }
        }
    }
}
