//! The fastest that this machine computes: blocks of the kernels' own products over data in the nearest
//! cache, and a plain loop over more memory than any cache holds.
//!
//! What is reached of this is what packing, unpacking, norms and memory leave over.

use std::hint::black_box;
use std::time::Instant;

use crate::Error;
use crate::aligned::Aligned;
use crate::before::compute;
use crate::cpu::Isa;
use crate::gemm::{self, Compute, Left, OVERHANG, Segment};
use crate::matrix::{Matrix, PANEL};
use crate::pool::{self, Shared};
use crate::simd::{Math, per_isa};

/// In which numbers a product is computed; its sums are wider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// 32-bit floats.
    F32,
    /// The upper half of these.
    Bf16,
    /// Whole numbers of 8 bits.
    Int8,
}

impl Matrix {
    /// In which numbers products with these weights are computed by this set of instructions.
    pub fn arithmetic(&self, isa: Isa) -> Arithmetic {
        match compute(isa, self) {
            Compute::F32 => Arithmetic::F32,
            Compute::Bf16 => Arithmetic::Bf16,
            Compute::Int8 => Arithmetic::Int8,
        }
    }
}

/// Bytes of a row of either side: 32 rows of both lie in the smallest of nearest caches.
const DEPTH_BYTES: usize = 384;
/// Times that everything is measured; the best counts, since whatever disturbs makes it slower.
const ROUNDS: usize = 10;
/// Tasks for each thread in a round, so that no thread waits long for the last.
const TASKS: usize = 4;
/// Operations of a task on a machine that does one in a nanosecond, some 4 ms of work.
const TASK: f64 = 4e6;

/// Operations (additions and multiplications) a second of products in such numbers, by all threads. Refused
/// for a set of instructions that this machine does not have.
pub fn operations(isa: Isa, arithmetic: Arithmetic) -> Result<f64, Error> {
    isa.check()?;
    let each = 2.0 * (OVERHANG * PANEL) as f64;
    let best = match arithmetic {
        Arithmetic::F32 => {
            let depth = DEPTH_BYTES / 4;
            repeated(
                each * depth as f64,
                || {
                    let (a, b) = (filled(depth, 1f32), filled(depth, 1f32));
                    let mut acc = Aligned::<f32>::new(OVERHANG * PANEL);
                    move || {
                        let (left, segments) =
                            (Left { start: a.as_ptr(), stride: depth }, whole(depth));
                        // SAFETY: both sides are 32 rows of `depth`, the sums 32 of 32, and the set has
                        // been seen to be this machine's.
                        unsafe {
                            let (b, acc) = (b.as_ptr(), acc.as_mut_ptr());
                            gemm::f32_block(isa, left, OVERHANG, &segments, b, acc, true);
                        }
                        black_box(acc[0]);
                    }
                },
                isa,
            )
        }
        Arithmetic::Bf16 => {
            let depth = DEPTH_BYTES / 2;
            repeated(
                each * depth as f64,
                || {
                    let (a, b) = (filled(depth, 0x3f80u16), filled(depth, 0x3f80u16));
                    let mut acc = Aligned::<f32>::new(OVERHANG * PANEL);
                    move || {
                        let (left, segments) =
                            (Left { start: a.as_ptr(), stride: depth }, whole(depth));
                        // SAFETY: as above; `repeated` has set this thread up.
                        unsafe {
                            let (b, acc, none) = (b.as_ptr(), acc.as_mut_ptr(), std::ptr::null());
                            gemm::bf16_block(isa, left, OVERHANG, &segments, b, acc, true, none);
                        }
                        black_box(acc[0]);
                    }
                },
                isa,
            )
        }
        Arithmetic::Int8 => {
            let depth = DEPTH_BYTES;
            repeated(
                each * depth as f64,
                || {
                    let (a, b) = (filled(depth, 1i8), filled(depth, 1i8));
                    let mut acc = Aligned::<i32>::new(OVERHANG * PANEL);
                    move || {
                        let (left, segments) =
                            (Left { start: a.as_ptr(), stride: depth }, whole(depth));
                        // SAFETY: as above.
                        unsafe {
                            let (b, acc, none) = (b.as_ptr(), acc.as_mut_ptr(), std::ptr::null());
                            gemm::int8_block(isa, left, OVERHANG, &segments, b, acc, true, none);
                        }
                        black_box(acc[0]);
                    }
                },
                isa,
            )
        }
    };
    Ok(best)
}

fn whole(depth: usize) -> [Segment; 1] {
    [Segment { offset: 0, len: depth }]
}

fn filled<T: Copy + Default>(depth: usize, with: T) -> Aligned<T> {
    let mut side = Aligned::new(OVERHANG.max(PANEL) * depth);
    side.fill(with);
    side
}

/// Operations a second of blocks of `each` operations, on all threads; `block` makes one thread's.
fn repeated<F: FnMut()>(each: f64, block: impl Fn() -> F + Sync, isa: Isa) -> f64 {
    // Slow sets take fewer blocks, fast ones more: what the first round shows.
    let mut blocks = (TASK / each).max(1.0);
    let mut best = 0f64;
    for _ in 0..ROUNDS {
        let (count, tasks) = (blocks as usize, TASKS * pool::threads());
        let started = Instant::now();
        pool::for_each(tasks, |_| {
            let _begun = gemm::begin(isa);
            let mut block = block();
            (0..count).for_each(|_| block());
        });
        let seconds = started.elapsed().as_secs_f64().max(1e-9);
        best = best.max(each * (count * tasks) as f64 / seconds);
        blocks = (best / pool::threads() as f64 * 4e-3 / each).max(1.0);
    }
    best
}

/// Bytes a second from and to memory, by all threads: half of `bytes` is read and half written. What a
/// processor reads of a line before it writes it is not counted, as it is not in what operations move.
/// Refused like [`operations`].
pub fn bandwidth(isa: Isa, bytes: usize) -> Result<f64, Error> {
    isa.check()?;
    const CHUNK: usize = 1 << 16;
    let count = (bytes / 8).next_multiple_of(CHUNK);
    let (from, mut to) = (vec![1f32; count], vec![0f32; count]);
    let mut best = 0f64;
    for _ in 0..ROUNDS / 3 {
        let started = Instant::now();
        let shared = Shared::new(&mut to);
        pool::for_each(count / CHUNK, |task| {
            // SAFETY: each task writes its own chunk.
            let to = unsafe { shared.part(task * CHUNK, CHUNK) };
            scaled(isa, &from[task * CHUNK..][..CHUNK], to);
        });
        best = best.max((count * 8) as f64 / started.elapsed().as_secs_f64().max(1e-9));
    }
    black_box(&to);
    Ok(best)
}

#[inline(always)]
fn scaled_body<M: Math>(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = M::fma(*from, 1.5, 0.25);
    }
}

per_isa! { fn scaled(from: &[f32], to: &mut [f32]) = scaled_body }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::available;
    use crate::matrix::Format;

    #[test]
    fn every_set_has_a_peak_and_memory_is_slower_than_nothing() {
        for &isa in available() {
            for arithmetic in [Arithmetic::F32, Arithmetic::Bf16, Arithmetic::Int8] {
                let reached = operations(isa, arithmetic).unwrap();
                assert!(reached.is_finite() && reached > 1e6, "{isa:?} {arithmetic:?}: {reached}");
            }
            let reached = bandwidth(isa, 1 << 20).unwrap();
            assert!(reached.is_finite() && reached > 1e6, "{isa:?}: {reached}");
        }
    }

    #[test]
    fn a_set_that_is_not_there_is_refused_before_its_first_instruction() {
        let sets = [Isa::Neon, Isa::Avx2, Isa::AvxVnni, Isa::Avx512, Isa::Amx];
        for isa in sets.into_iter().filter(|isa| !isa.runs()) {
            let absent = Err(Error::Absent(isa.name()));
            for arithmetic in [Arithmetic::F32, Arithmetic::Bf16, Arithmetic::Int8] {
                assert_eq!(operations(isa, arithmetic), absent);
            }
            assert_eq!(bandwidth(isa, 1 << 20), absent);
        }
    }

    #[test]
    fn weights_tell_what_they_are_multiplied_in() {
        let of = |format, isa| Matrix::pack(1, 1, format, |_, _| 1.0).unwrap().arithmetic(isa);
        assert_eq!(of(Format::Bf16, Isa::Amx), Arithmetic::Bf16);
        assert_eq!(of(Format::Bf16, Isa::Portable), Arithmetic::F32, "no bf16 without the set");
        assert_eq!(of(Format::Int8, Isa::Portable), Arithmetic::Int8);
    }
}
