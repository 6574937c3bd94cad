//! Blocks in plain Rust: for machines without a set of their own, and what the others are held against.

use super::{Left, Segment};
use crate::matrix::PANEL;

const ROWS: usize = 4;
const COLUMNS: usize = 8;

/// # Safety
/// See [`super::f32_block`].
pub(super) unsafe fn f32_block<const FUSED: bool>(
    left: Left<f32>,
    rows: usize,
    segments: &[Segment],
    b: *const f32,
    acc: *mut f32,
    fresh: bool,
) {
    for r in (0..rows).step_by(ROWS) {
        for c in (0..PANEL).step_by(COLUMNS) {
            let some = ROWS.min(rows - r);
            let mut sums = [[0f32; COLUMNS]; ROWS];
            let mut b = b;
            // SAFETY: rows and columns within the caller's promise.
            unsafe {
                if !fresh {
                    for i in 0..some {
                        sums[i] = *acc.add((r + i) * PANEL + c).cast();
                    }
                }
                for segment in segments {
                    // Rows past the last one repeat it; their sums are thrown away.
                    let row: [*const f32; ROWS] = std::array::from_fn(|i| {
                        left.start.add((r + i.min(some - 1)) * left.stride + segment.offset)
                    });
                    for k in 0..segment.len {
                        let weights: &[f32; COLUMNS] = &*b.add(c).cast();
                        for i in 0..ROWS {
                            let a = *row[i].add(k);
                            for j in 0..COLUMNS {
                                sums[i][j] = if FUSED {
                                    a.mul_add(weights[j], sums[i][j])
                                } else {
                                    sums[i][j] + a * weights[j]
                                };
                            }
                        }
                        b = b.add(PANEL);
                    }
                }
                for i in 0..some {
                    *acc.add((r + i) * PANEL + c).cast() = sums[i];
                }
            }
        }
    }
}

/// # Safety
/// See [`super::bf16_block`].
pub(super) unsafe fn bf16_block(
    left: Left<u16>,
    rows: usize,
    segments: &[Segment],
    b: *const u16,
    acc: *mut f32,
    fresh: bool,
) {
    let float = |bits: u16| f32::from_bits(u32::from(bits) << 16);
    for r in 0..rows {
        let mut b = b;
        // SAFETY: rows and columns within the caller's promise.
        unsafe {
            let sums: &mut [f32; PANEL] = &mut *acc.add(r * PANEL).cast();
            if fresh {
                *sums = [0.0; PANEL];
            }
            for segment in segments {
                let row = left.start.add(r * left.stride + segment.offset);
                for k in (0..segment.len).step_by(2) {
                    let (even, odd) = (float(*row.add(k)), float(*row.add(k + 1)));
                    for (c, sum) in sums.iter_mut().enumerate() {
                        *sum += even * float(*b.add(2 * c)) + odd * float(*b.add(2 * c + 1));
                    }
                    b = b.add(2 * PANEL);
                }
            }
        }
    }
}

/// # Safety
/// See [`super::int8_block`].
pub(super) unsafe fn int8_block(
    left: Left<i8>,
    rows: usize,
    segments: &[Segment],
    b: *const i8,
    acc: *mut i32,
    fresh: bool,
) {
    for r in 0..rows {
        let mut b = b;
        // SAFETY: rows and columns within the caller's promise.
        unsafe {
            let sums: &mut [i32; PANEL] = &mut *acc.add(r * PANEL).cast();
            if fresh {
                *sums = [0; PANEL];
            }
            for segment in segments {
                let row = left.start.add(r * left.stride + segment.offset);
                for k in (0..segment.len).step_by(4) {
                    for (c, sum) in sums.iter_mut().enumerate() {
                        for i in 0..4 {
                            *sum += i32::from(*row.add(k + i)) * i32::from(*b.add(4 * c + i));
                        }
                    }
                    b = b.add(4 * PANEL);
                }
            }
        }
    }
}
