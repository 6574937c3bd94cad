//! Blocks in plain Rust: for machines without a set of their own, and what the others are held against.

use super::{Left, Segment};
use crate::matrix::PANEL;

/// # Safety
/// See [`super::f32_block`].
pub(super) unsafe fn f32_block(
    left: Left<f32>,
    rows: usize,
    segments: &[Segment],
    b: *const f32,
    acc: *mut f32,
    fresh: bool,
) {
    for r in 0..rows {
        let mut b = b;
        // SAFETY: rows and columns within the caller's promise.
        unsafe {
            let acc: *mut [f32; PANEL] = acc.add(r * PANEL).cast();
            // A copy, which the compiler keeps in registers.
            let mut sums = if fresh { [0.0; PANEL] } else { *acc };
            for segment in segments {
                let row = left.start.add(r * left.stride + segment.offset);
                for k in 0..segment.len {
                    let (a, weights) = (*row.add(k), &*b.cast::<[f32; PANEL]>());
                    for c in 0..PANEL {
                        sums[c] += a * weights[c];
                    }
                    b = b.add(PANEL);
                }
            }
            *acc = sums;
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
            let acc: *mut [i32; PANEL] = acc.add(r * PANEL).cast();
            let mut sums = if fresh { [0; PANEL] } else { *acc };
            for segment in segments {
                let row = left.start.add(r * left.stride + segment.offset);
                for k in (0..segment.len).step_by(4) {
                    let a: [i32; 4] = std::array::from_fn(|i| i32::from(*row.add(k + i)));
                    let weights = &*b.cast::<[[u8; 4]; PANEL]>();
                    for c in 0..PANEL {
                        // Four bytes in a word, of which each in turn is moved to the top and back: what the
                        // compiler makes vectors of.
                        let four = u32::from_le_bytes(weights[c]);
                        for i in 0..4 {
                            sums[c] += a[i] * ((four << (24 - 8 * i)).cast_signed() >> 24);
                        }
                    }
                    b = b.add(4 * PANEL);
                }
            }
            *acc = sums;
        }
    }
}
