//! Blocks of three rows by 32 columns in twelve 256-bit sums.

use std::arch::x86_64::*;

use super::{Left, Segment};
use crate::matrix::PANEL;

const ROWS: usize = 3;

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
    let mut r = 0;
    // SAFETY: every call stays within `rows`.
    unsafe {
        while r + ROWS <= rows {
            some::<ROWS>(left, r, segments, b, acc, fresh);
            r += ROWS;
        }
        match rows - r {
            1 => some::<1>(left, r, segments, b, acc, fresh),
            2 => some::<2>(left, r, segments, b, acc, fresh),
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
) {
    // SAFETY: rows r..r+N are within the caller's promise.
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
            for k in 0..segment.len {
                let weights: [__m256; 4] = std::array::from_fn(|j| _mm256_loadu_ps(b.add(8 * j)));
                for i in 0..N {
                    let a = _mm256_broadcast_ss(&*row.add(i * left.stride + k));
                    for j in 0..4 {
                        sums[i][j] = _mm256_fmadd_ps(a, weights[j], sums[i][j]);
                    }
                }
                b = b.add(PANEL);
            }
        }
        for i in 0..N {
            for j in 0..4 {
                _mm256_storeu_ps(at(i, j), sums[i][j]);
            }
        }
    }
}
