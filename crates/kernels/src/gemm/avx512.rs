//! Blocks of up to ten rows by 32 columns in 512-bit sums, for floats, bf16 and bytes.

use std::arch::x86_64::*;

use super::{Left, Segment};
use crate::matrix::PANEL;

const ROWS: usize = 10;

/// Calls `$some::<N>` for each block of rows, the last of which may be shorter.
macro_rules! by_rows {
    ($some:ident, $left:expr, $rows:expr, $($rest:expr),*) => {{
        let mut r = 0;
        while r + ROWS <= $rows {
            $some::<ROWS>($left, r, $($rest),*);
            r += ROWS;
        }
        match $rows - r {
            1 => $some::<1>($left, r, $($rest),*),
            2 => $some::<2>($left, r, $($rest),*),
            3 => $some::<3>($left, r, $($rest),*),
            4 => $some::<4>($left, r, $($rest),*),
            5 => $some::<5>($left, r, $($rest),*),
            6 => $some::<6>($left, r, $($rest),*),
            7 => $some::<7>($left, r, $($rest),*),
            8 => $some::<8>($left, r, $($rest),*),
            9 => $some::<9>($left, r, $($rest),*),
            _ => {}
        }
    }};
}

/// Depth between two times that memory is asked for: a line of floats.
const STRETCH: usize = 16;
/// Lines of a panel's weights in so much depth.
const LINES: usize = STRETCH * PANEL / 16;

/// What comes next is asked for meanwhile, as on 256-bit vectors.
///
/// # Safety
/// See [`super::f32_block`].
#[target_feature(enable = "avx512f")]
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
    // SAFETY: every call stays within `rows`.
    unsafe {
        by_rows!(floats, left, rows, segments, b, acc, fresh, b.wrapping_add(depth * PANEL), lines)
    }
}

#[target_feature(enable = "avx512f")]
#[allow(clippy::too_many_arguments)]
unsafe fn floats<const N: usize>(
    left: Left<f32>,
    r: usize,
    segments: &[Segment],
    mut b: *const f32,
    acc: *mut f32,
    fresh: bool,
    end: *const f32,
    lines: usize,
) {
    // SAFETY: rows r..r+N are within the caller's promise; what is only asked for may lie anywhere.
    unsafe {
        let at = |i: usize, j: usize| acc.add((r + i) * PANEL + 16 * j);
        let mut sums = [[_mm512_setzero_ps(); 2]; N];
        if !fresh {
            for i in 0..N {
                for j in 0..2 {
                    sums[i][j] = _mm512_loadu_ps(at(i, j));
                }
            }
        }
        // Each block of rows asks for its share of the weights behind these.
        let depth = end.offset_from_unsigned(b) / PANEL;
        let mut ahead = end.wrapping_add(r / ROWS * depth.div_ceil(STRETCH) * lines * 16);
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
                    let weights = [_mm512_loadu_ps(b), _mm512_loadu_ps(b.add(16))];
                    for i in 0..N {
                        let a = _mm512_set1_ps(*row.add(i * left.stride + k));
                        for j in 0..2 {
                            sums[i][j] = _mm512_fmadd_ps(a, weights[j], sums[i][j]);
                        }
                    }
                    b = b.add(PANEL);
                }
            }
        }
        for i in 0..N {
            for j in 0..2 {
                _mm512_storeu_ps(at(i, j), sums[i][j]);
            }
        }
    }
}

/// # Safety
/// See [`super::f32_half_block`].
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn f32_half_block(
    left: Left<f32>,
    rows: usize,
    depth: usize,
    b: *const f32,
    acc: *mut f32,
) {
    // SAFETY: every call stays within `rows`.
    unsafe { by_rows!(half, left, rows, depth, b, acc) }
}

#[target_feature(enable = "avx512f")]
unsafe fn half<const N: usize>(
    left: Left<f32>,
    r: usize,
    depth: usize,
    b: *const f32,
    acc: *mut f32,
) {
    // SAFETY: rows r..r+N are within the caller's promise.
    unsafe {
        let at = |i: usize| acc.add((r + i) * PANEL);
        let mut sums = [_mm512_setzero_ps(); N];
        for i in 0..N {
            sums[i] = _mm512_loadu_ps(at(i));
        }
        let row = left.start.add(r * left.stride);
        for k in 0..depth {
            let weights = _mm512_loadu_ps(b.add(k * PANEL));
            for i in 0..N {
                let a = _mm512_set1_ps(*row.add(i * left.stride + k));
                sums[i] = _mm512_fmadd_ps(a, weights, sums[i]);
            }
        }
        for i in 0..N {
            _mm512_storeu_ps(at(i), sums[i]);
        }
    }
}

/// # Safety
/// See [`super::bf16_block`].
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) unsafe fn bf16_block(
    left: Left<u16>,
    rows: usize,
    segments: &[Segment],
    b: *const u16,
    acc: *mut f32,
    fresh: bool,
) {
    // SAFETY: every call stays within `rows`.
    unsafe { by_rows!(halves, left, rows, segments, b, acc, fresh) }
}

#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn halves<const N: usize>(
    left: Left<u16>,
    r: usize,
    segments: &[Segment],
    mut b: *const u16,
    acc: *mut f32,
    fresh: bool,
) {
    // SAFETY: rows r..r+N are within the caller's promise; pairs need no alignment.
    unsafe {
        let at = |i: usize, j: usize| acc.add((r + i) * PANEL + 16 * j);
        let pair = |p: *const u16| -> __m512bh {
            std::mem::transmute(_mm512_set1_epi32(p.cast::<i32>().read_unaligned()))
        };
        let weight =
            |p: *const u16| -> __m512bh { std::mem::transmute(_mm512_loadu_si512(p.cast())) };
        let mut sums = [[_mm512_setzero_ps(); 2]; N];
        if !fresh {
            for i in 0..N {
                for j in 0..2 {
                    sums[i][j] = _mm512_loadu_ps(at(i, j));
                }
            }
        }
        for segment in segments {
            let row = left.start.add(r * left.stride + segment.offset);
            for k in (0..segment.len).step_by(2) {
                let weights = [weight(b), weight(b.add(PANEL))];
                for i in 0..N {
                    let a = pair(row.add(i * left.stride + k));
                    for j in 0..2 {
                        sums[i][j] = _mm512_dpbf16_ps(sums[i][j], a, weights[j]);
                    }
                }
                b = b.add(2 * PANEL);
            }
        }
        for i in 0..N {
            for j in 0..2 {
                _mm512_storeu_ps(at(i, j), sums[i][j]);
            }
        }
    }
}

/// # Safety
/// See [`super::int8_block`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn int8_block(
    left: Left<i8>,
    rows: usize,
    segments: &[Segment],
    b: *const i8,
    acc: *mut i32,
    fresh: bool,
) {
    // SAFETY: every call stays within `rows`.
    unsafe { by_rows!(bytes, left, rows, segments, b, acc, fresh) }
}

/// The instruction multiplies unsigned by signed bytes: activations are raised by 128, and 128 times
/// the weights' sum is taken off again, which the same instruction gives.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn bytes<const N: usize>(
    left: Left<i8>,
    r: usize,
    segments: &[Segment],
    mut b: *const i8,
    acc: *mut i32,
    fresh: bool,
) {
    // SAFETY: rows r..r+N are within the caller's promise; fours need no alignment.
    unsafe {
        let at = |i: usize, j: usize| acc.add((r + i) * PANEL + 16 * j).cast();
        let raised = _mm512_set1_epi8(-128);
        let mut sums = [[_mm512_setzero_si512(); 2]; N];
        let mut excess = [_mm512_setzero_si512(); 2];
        if !fresh {
            for i in 0..N {
                for j in 0..2 {
                    sums[i][j] = _mm512_loadu_si512(at(i, j) as *const __m512i);
                }
            }
        }
        for segment in segments {
            let row = left.start.add(r * left.stride + segment.offset);
            for k in (0..segment.len).step_by(4) {
                let weights =
                    [_mm512_loadu_si512(b.cast()), _mm512_loadu_si512(b.add(2 * PANEL).cast())];
                for j in 0..2 {
                    excess[j] = _mm512_dpbusd_epi32(excess[j], raised, weights[j]);
                }
                for i in 0..N {
                    let four = row.add(i * left.stride + k).cast::<i32>().read_unaligned();
                    let a = _mm512_xor_si512(_mm512_set1_epi32(four), raised);
                    for j in 0..2 {
                        sums[i][j] = _mm512_dpbusd_epi32(sums[i][j], a, weights[j]);
                    }
                }
                b = b.add(4 * PANEL);
            }
        }
        for i in 0..N {
            for j in 0..2 {
                _mm512_storeu_si512(at(i, j), _mm512_sub_epi32(sums[i][j], excess[j]));
            }
        }
    }
}
