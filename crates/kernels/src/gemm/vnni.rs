//! Blocks of three rows by 32 columns of bytes in twelve 256-bit sums, for processors that multiply
//! bytes but have no 512-bit vectors.

use std::arch::x86_64::*;

use super::{Left, Segment};
use crate::matrix::PANEL;

const ROWS: usize = 3;

/// The instruction multiplies unsigned by signed bytes: activations are raised by 128, and sums begin
/// at what that adds to each column, taken off.
///
/// # Safety
/// See [`super::int8_block`].
#[target_feature(enable = "avx2,avxvnni")]
pub(super) unsafe fn int8_block(
    left: Left<i8>,
    rows: usize,
    segments: &[Segment],
    b: *const i8,
    acc: *mut i32,
    fresh: bool,
) {
    let depth = segments.iter().map(|segment| segment.len).sum();
    let mut r = 0;
    // SAFETY: `b` is as deep as the segments together, and every call stays within `rows`.
    unsafe {
        let excess = excess(b, depth);
        while r + ROWS <= rows {
            some::<ROWS>(left, r, segments, b, acc, fresh, excess);
            r += ROWS;
        }
        match rows - r {
            1 => some::<1>(left, r, segments, b, acc, fresh, excess),
            2 => some::<2>(left, r, segments, b, acc, fresh, excess),
            _ => {}
        }
    }
}

/// 128 times the sum of each column's weights.
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn excess(b: *const i8, depth: usize) -> [__m256i; 4] {
    let raised = _mm256_set1_epi8(-128);
    let mut sums = [_mm256_setzero_si256(); 4];
    for k in (0..depth).step_by(4) {
        for j in 0..4 {
            // SAFETY: 32 bytes of the panel's depth `k`.
            let weights = unsafe { _mm256_loadu_si256(b.add(k * PANEL + 32 * j).cast()) };
            sums[j] = _mm256_dpbusd_avx_epi32(sums[j], raised, weights);
        }
    }
    sums
}

#[target_feature(enable = "avx2,avxvnni")]
unsafe fn some<const N: usize>(
    left: Left<i8>,
    r: usize,
    segments: &[Segment],
    mut b: *const i8,
    acc: *mut i32,
    fresh: bool,
    excess: [__m256i; 4],
) {
    // SAFETY: rows r..r+N are within the caller's promise; fours need no alignment.
    unsafe {
        let at = |i: usize, j: usize| acc.add((r + i) * PANEL + 8 * j).cast::<__m256i>();
        let raised = _mm256_set1_epi8(-128);
        let mut sums = [[_mm256_setzero_si256(); 4]; N];
        for i in 0..N {
            for j in 0..4 {
                let before =
                    if fresh { _mm256_setzero_si256() } else { _mm256_loadu_si256(at(i, j)) };
                sums[i][j] = _mm256_sub_epi32(before, excess[j]);
            }
        }
        for segment in segments {
            let row = left.start.add(r * left.stride + segment.offset);
            for k in (0..segment.len).step_by(4) {
                // Twelve sums, three rows and one vector of weights are all the registers there are.
                let mut a = [_mm256_setzero_si256(); N];
                for i in 0..N {
                    let four = row.add(i * left.stride + k).cast::<i32>().read_unaligned();
                    a[i] = _mm256_xor_si256(_mm256_set1_epi32(four), raised);
                }
                for j in 0..4 {
                    let weights = _mm256_loadu_si256(b.add(32 * j).cast());
                    for i in 0..N {
                        sums[i][j] = _mm256_dpbusd_avx_epi32(sums[i][j], a[i], weights);
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
