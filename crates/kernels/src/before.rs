//! The left side of a product: rows on their way into the form in which they are multiplied.

use std::cell::RefCell;
use std::ops::Range;

use crate::Error;
use crate::aligned::Aligned;
use crate::convert::{to_bf16, to_int8};
use crate::cpu::Isa;
use crate::gemm::{Compute, Left, OVERHANG, Segment};
use crate::matrix::{Data, Matrix, check_len};
use crate::norm::LayerNorm;
use crate::pool::{self, Shared, grow};

/// The left side of a product, and what is done to it on the way.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// Matrices of rows without gaps, whose rows stand one after the other in those of the left side.
    pub x: &'a [&'a [f32]],
    /// Rows.
    pub m: usize,
    /// A norm of each row.
    pub norm: Option<LayerNorm<'a>>,
}

impl Before<'_> {
    pub(crate) fn check(&self, w: &Matrix) -> Result<(), Error> {
        let found = self.x.iter().map(|part| part.len()).sum();
        check_len("x", found, &[self.m, w.k])?;
        for part in self.x {
            if self.m > 0 && !part.len().is_multiple_of(self.m) {
                let shape = vec![self.m];
                return Err(Error::Shape { what: "part of x", shape, found: part.len() });
            }
        }
        self.norm.map_or(Ok(()), |norm| norm.check(w.k))
    }

    /// Runs with some rows in the form in which they are multiplied with `w`, and their depth.
    pub(crate) fn with_rows(
        &self,
        isa: Isa,
        w: &Matrix,
        some: Range<usize>,
        run: impl FnOnce(&Rows, &[Segment]),
    ) {
        let (k, depth, first) = (w.k, w.depth, some.start);
        let padded = [Segment { offset: 0, len: depth }];
        // Depth past `k` has no weights: the one segment of floats ends where the row does.
        let whole = [Segment { offset: 0, len: k }];
        match (compute(isa, w), self.norm, self.x) {
            (Compute::F32, None, [x]) => {
                run(&Rows { first: 0, stride: k, numbers: Numbers::F32(x) }, &whole);
            }
            (Compute::F32, norm, _) => FLOATS.with_borrow_mut(|floats| {
                floats.grow(some.len() * k);
                self.each_row(some, floats, k, k, |_, x, row| match norm {
                    Some(norm) => norm.row(isa, x, row),
                    None => row.copy_from_slice(x),
                });
                run(&Rows { first, stride: k, numbers: Numbers::F32(floats) }, &whole);
            }),
            (Compute::Bf16, norm, _) => HALVES.with_borrow_mut(|halves| {
                let stride = apart(depth, 2);
                halves.grow((some.len() + OVERHANG) * stride);
                self.each_row(some, halves, stride, depth, |_, x, row| {
                    normed(isa, norm, x, |x| to_bf16(isa, x, row));
                    row[k..].fill(0);
                });
                run(&Rows { first, stride, numbers: Numbers::Bf16(halves) }, &padded);
            }),
            (Compute::Int8, norm, _) => BYTES.with_borrow_mut(|(bytes, scales)| {
                let stride = apart(depth, 1);
                bytes.grow((some.len() + OVERHANG) * stride);
                grow(scales, some.len());
                let shared = Shared::new(scales);
                self.each_row(some, bytes, stride, depth, |r, x, row| {
                    // SAFETY: each row is one task's.
                    let scale = unsafe { shared.part(r, 1) };
                    normed(isa, norm, x, |x| scale[0] = to_int8(isa, x, row));
                    row[k..].fill(0);
                });
                run(&Rows { first, stride, numbers: Numbers::Int8(bytes, scales) }, &padded);
            }),
        }
    }

    /// Fills rows of `depth` that lie `stride` apart from some of x; `fill` is told the how manieth it is.
    fn each_row<T: Send>(
        &self,
        some: Range<usize>,
        to: &mut [T],
        stride: usize,
        depth: usize,
        fill: impl Fn(usize, &[f32], &mut [T]) + Sync + Send,
    ) {
        const ROWS: usize = 64;
        let shared = Shared::new(to);
        pool::for_each(some.len().div_ceil(ROWS), |task| {
            let rows = task * ROWS..(task * ROWS + ROWS).min(some.len());
            JOINED.with_borrow_mut(|joined| {
                for r in rows {
                    let x = self.row(some.start + r, joined);
                    // SAFETY: a task alone writes its rows.
                    fill(r, x, unsafe { shared.part(r * stride, depth) });
                }
            });
        });
    }

    /// A row where it stands, or its parts one after the other.
    fn row<'b>(&'b self, r: usize, joined: &'b mut Vec<f32>) -> &'b [f32] {
        let of = |part: &'b [f32]| {
            let width = part.len() / self.m;
            &part[r * width..(r + 1) * width]
        };
        if let [x] = self.x {
            return of(x);
        }
        joined.clear();
        self.x.iter().for_each(|part| joined.extend_from_slice(of(part)));
        joined
    }
}

/// Runs with a row as it is, or normed into a buffer of this thread.
fn normed(isa: Isa, norm: Option<LayerNorm>, x: &[f32], run: impl FnOnce(&[f32])) {
    match norm {
        None => run(x),
        Some(norm) => ROW.with_borrow_mut(|row| {
            grow(row, x.len());
            norm.row(isa, x, &mut row[..x.len()]);
            run(&row[..x.len()]);
        }),
    }
}

/// What rows are turned into for these weights on this machine.
pub(crate) fn compute(isa: Isa, w: &Matrix) -> Compute {
    match &w.data {
        Data::Int8 { .. } => Compute::Int8,
        Data::F32(_) | Data::F16(_) => Compute::F32,
        Data::Bf16(_) | Data::Blocks { .. } if isa >= Isa::Avx512 => Compute::Bf16,
        Data::Bf16(_) | Data::Blocks { .. } => Compute::F32,
    }
}

/// Rows as a product reads them; there are [`OVERHANG`] rows more in memory than are asked for, but
/// with floats.
pub(crate) struct Rows<'a> {
    /// Which row begins the numbers.
    pub first: usize,
    /// From one row's numbers to the next one's.
    pub stride: usize,
    pub numbers: Numbers<'a>,
}

pub(crate) enum Numbers<'a> {
    F32(&'a [f32]),
    Bf16(&'a [u16]),
    /// And a scale for each row.
    Int8(&'a [i8], &'a [f32]),
}

impl Rows<'_> {
    pub(crate) fn compute(&self) -> Compute {
        match self.numbers {
            Numbers::F32(_) => Compute::F32,
            Numbers::Bf16(_) => Compute::Bf16,
            Numbers::Int8(..) => Compute::Int8,
        }
    }

    /// `row` and those after it, in numbers of one kind.
    pub(crate) fn left<T>(&self, numbers: &[T], row: usize) -> Left<T> {
        let start = numbers[(row - self.first) * self.stride..].as_ptr();
        Left { start, stride: self.stride }
    }
}

thread_local! {
    static FLOATS: RefCell<Aligned<f32>> = RefCell::default();
    static ROW: RefCell<Vec<f32>> = RefCell::default();
    static JOINED: RefCell<Vec<f32>> = RefCell::default();
    static HALVES: RefCell<Aligned<u16>> = RefCell::default();
    static BYTES: RefCell<(Aligned<i8>, Vec<f32>)> = RefCell::default();
}

/// The stride of rows of `bytes` bytes: rows a multiple of 1 KiB apart would all fall into the same few
/// places of the nearest cache.
pub(crate) fn apart(elements: usize, bytes: usize) -> usize {
    if (elements * bytes).is_multiple_of(1024) { elements + 64 / bytes } else { elements }
}
