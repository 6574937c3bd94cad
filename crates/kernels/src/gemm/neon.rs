//! Blocks of six rows by 16 columns in twenty-four of the processor's thirty-two vectors.

use std::arch::aarch64::*;
use std::arch::asm;

use super::{Left, Segment};
use crate::matrix::PANEL;

const ROWS: usize = 6;
/// Columns of a block, in four vectors.
const COLUMNS: usize = 16;

/// `$some::<N>` for all rows, six at a time and then as many as are left.
macro_rules! by_rows {
    ($some:ident, $rows:ident, $($argument:expr),*) => {
        for columns in (0..PANEL).step_by(COLUMNS) {
            let mut r = 0;
            while r + ROWS <= $rows {
                $some::<ROWS>(r, columns, $($argument),*);
                r += ROWS;
            }
            match $rows - r {
                1 => $some::<1>(r, columns, $($argument),*),
                2 => $some::<2>(r, columns, $($argument),*),
                3 => $some::<3>(r, columns, $($argument),*),
                4 => $some::<4>(r, columns, $($argument),*),
                5 => $some::<5>(r, columns, $($argument),*),
                _ => {}
            }
        }
    };
}

/// # Safety
/// See [`super::f32_block`].
#[target_feature(enable = "neon")]
pub(super) unsafe fn f32_block(
    left: Left<f32>,
    rows: usize,
    segments: &[Segment],
    b: *const f32,
    acc: *mut f32,
    fresh: bool,
) {
    // SAFETY: every call stays within `rows`.
    unsafe { by_rows!(floats, rows, left, segments, b, acc, fresh) }
}

#[target_feature(enable = "neon")]
unsafe fn floats<const N: usize>(
    r: usize,
    columns: usize,
    left: Left<f32>,
    segments: &[Segment],
    b: *const f32,
    acc: *mut f32,
    fresh: bool,
) {
    // SAFETY: rows r..r+N and sixteen columns are within the caller's promise.
    unsafe {
        let at = |i: usize, j: usize| acc.add((r + i) * PANEL + columns + 4 * j);
        let mut sums = [[vdupq_n_f32(0.0); 4]; N];
        if !fresh {
            for i in 0..N {
                for j in 0..4 {
                    sums[i][j] = vld1q_f32(at(i, j));
                }
            }
        }
        let mut b = b.add(columns);
        for segment in segments {
            let row = left.start.add(r * left.stride + segment.offset);
            for k in 0..segment.len {
                let mut weights = [vdupq_n_f32(0.0); 4];
                for j in 0..4 {
                    weights[j] = vld1q_f32(b.add(4 * j));
                }
                for i in 0..N {
                    let a = vld1q_dup_f32(row.add(i * left.stride + k));
                    for j in 0..4 {
                        sums[i][j] = vfmaq_f32(sums[i][j], a, weights[j]);
                    }
                }
                b = b.add(PANEL);
            }
        }
        for i in 0..N {
            for j in 0..4 {
                vst1q_f32(at(i, j), sums[i][j]);
            }
        }
    }
}

/// Whether this processor adds up products of four bytes, which not all with NEON do.
pub(super) fn has_products_of_bytes() -> bool {
    std::arch::is_aarch64_feature_detected!("dotprod")
}

/// # Safety
/// See [`super::int8_block`]; besides, [`has_products_of_bytes`] is true.
#[target_feature(enable = "neon,dotprod")]
pub(super) unsafe fn int8_block(
    left: Left<i8>,
    rows: usize,
    segments: &[Segment],
    b: *const i8,
    acc: *mut i32,
    fresh: bool,
) {
    // SAFETY: every call stays within `rows`.
    unsafe { by_rows!(bytes, rows, left, segments, b, acc, fresh) }
}

#[target_feature(enable = "neon,dotprod")]
unsafe fn bytes<const N: usize>(
    r: usize,
    columns: usize,
    left: Left<i8>,
    segments: &[Segment],
    b: *const i8,
    acc: *mut i32,
    fresh: bool,
) {
    // SAFETY: rows r..r+N and sixteen columns are within the caller's promise; fours need no alignment.
    unsafe {
        let at = |i: usize, j: usize| acc.add((r + i) * PANEL + columns + 4 * j);
        let mut sums = [[vdupq_n_s32(0); 4]; N];
        if !fresh {
            for i in 0..N {
                for j in 0..4 {
                    sums[i][j] = vld1q_s32(at(i, j));
                }
            }
        }
        let mut b = b.add(4 * columns);
        for segment in segments {
            let row = left.start.add(r * left.stride + segment.offset);
            for k in (0..segment.len).step_by(4) {
                let mut weights = [vdupq_n_s8(0); 4];
                for j in 0..4 {
                    weights[j] = vld1q_s8(b.add(16 * j));
                }
                for i in 0..N {
                    let four = row.add(i * left.stride + k).cast::<i32>().read_unaligned();
                    let a = vreinterpretq_s8_s32(vdupq_n_s32(four));
                    for j in 0..4 {
                        sums[i][j] = dot(sums[i][j], weights[j], a);
                    }
                }
                b = b.add(4 * PANEL);
            }
        }
        for i in 0..N {
            for j in 0..4 {
                vst1q_s32(at(i, j), sums[i][j]);
            }
        }
    }
}

/// Adds to each of four sums four products of bytes. The intrinsic is not stable.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot(mut sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: touches no memory, and the caller has the instruction.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {a:v}.16b, {b:v}.16b",
            sum = inout(vreg) sum, a = in(vreg) a, b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sum
}
