//! Convolution of pictures with channels innermost, as a product without unfolding.
//!
//! The picture is copied once, rounded to what is computed in, with a border of zeros. A pixel's
//! neighbours then lie at fixed distances from it, so that each tap of the kernel is a segment of a
//! row's depth and the padded picture itself is the left side of the product. Places in the border are
//! computed too and thrown away.

use std::cell::RefCell;

use crate::Error;
use crate::aligned::Aligned;
use crate::cpu::Isa;
use crate::finish::Finish;
use crate::gemm::{Compute, OVERHANG, Segment};
use crate::group_norm::{Channelwise, Moments, channelwise};
use crate::matmul::{Finished, Place, Rows, Tasks, apart, compute, product};
use crate::matrix::{DEPTH, Format, Matrix, check_len, sizes};
use crate::number::Number;
use crate::pool::{self, Shared};

/// A convolution's weights and shape.
#[derive(Debug, Clone)]
pub struct Convolution {
    weights: Matrix,
    inputs: usize,
    side: usize,
}

/// How a convolution walks over its picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    /// Rows of the picture.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// 1 or 2: how far from one output to the next.
    pub stride: usize,
    /// Rows and columns of zeros before the picture; there are as many behind as the last output needs.
    pub before: usize,
    /// Whether each pixel is doubled in both directions first.
    pub doubled: bool,
}

impl Walk {
    /// A walk that keeps the size for a kernel of `side` pixels.
    pub fn same(height: usize, width: usize, side: usize) -> Self {
        Self { height, width, stride: 1, before: side / 2, doubled: false }
    }

    /// Rows and columns of the result: as many as fit when as much is added behind as before, or, with
    /// nothing before and stride 2, one row and column behind (which is how autoencoders halve).
    pub fn out(&self, side: usize) -> (usize, usize) {
        let factor = if self.doubled { 2 } else { 1 };
        let behind = if self.before == 0 && self.stride == 2 { 1 } else { self.before };
        let one = |length: usize| {
            let padded = length.saturating_mul(factor).saturating_add(self.before);
            (padded.saturating_add(behind).saturating_sub(side) / self.stride.max(1))
                .saturating_add(1)
        };
        (one(self.height), one(self.width))
    }
}

impl Convolution {
    /// Packs weights [outputs, inputs, side, side]; `side` is 1 or 3.
    pub fn pack(
        weights: &[f32],
        outputs: usize,
        inputs: usize,
        side: usize,
        format: Format,
    ) -> Result<Self, Error> {
        if side != 1 && side != 3 {
            return Err(Error::Size { what: "kernel", size: side });
        }
        if format == Format::Int8 {
            // A scale for each row of activations has no meaning where a row is nine pixels.
            return Err(Error::Format(format));
        }
        sizes(outputs, inputs)?;
        check_len("weights", weights.len(), &[outputs, inputs, side, side])?;
        let taps = side * side;
        let depth = inputs.next_multiple_of(DEPTH);
        let at = |o: usize, k: usize| {
            let (tap, c) = (k / depth, k % depth);
            if c < inputs { weights[(o * inputs + c) * taps + tap] } else { 0.0 }
        };
        Ok(Self { weights: Matrix::pack(outputs, taps * depth, format, at)?, inputs, side })
    }

    /// Channels of the result.
    pub fn outputs(&self) -> usize {
        self.weights.outputs()
    }

    /// Channels of the picture.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Rows and columns of the kernel.
    pub fn side(&self) -> usize {
        self.side
    }

    /// The weights as a product has them: a row for each output, the taps one after the other.
    pub fn matrix(&self) -> &Matrix {
        &self.weights
    }

    /// Bytes of memory that the weights take.
    pub fn bytes(&self) -> usize {
        self.weights.bytes()
    }

    /// out [height', width', outputs] of x [height, width, inputs], which goes through `first` on the way.
    /// The residual of `finish` is as large as `out`.
    pub fn forward(
        &self,
        x: &[f32],
        walk: Walk,
        first: Option<&Channelwise>,
        finish: &Finish,
        out: &mut [f32],
    ) -> Result<(), Error> {
        self.forward_with(Isa::get(), x, walk, first, finish, out)
    }

    /// [`Convolution::forward`] with a set of instructions that this machine has.
    pub fn forward_with(
        &self,
        isa: Isa,
        x: &[f32],
        walk: Walk,
        first: Option<&Channelwise>,
        finish: &Finish,
        out: &mut [f32],
    ) -> Result<(), Error> {
        self.forward_over(isa, Over { parts: &[x], walk, first }, finish, out, None)
    }

    /// The same over several pictures whose channels stand one after the other; `moments` become those
    /// of the result.
    pub fn forward_over(
        &self,
        isa: Isa,
        over: Over,
        finish: &Finish,
        out: &mut [f32],
        moments: Option<&mut Moments>,
    ) -> Result<(), Error> {
        isa.check()?;
        let (n, walk) = (self.outputs(), over.walk);
        let found: usize = over.parts.iter().map(|part| part.len()).sum();
        check_len("x", found, &[walk.height, walk.width, self.inputs])?;
        for (what, size) in [("height", walk.height), ("width", walk.width)] {
            if size == 0 || size > 1 << 16 {
                return Err(Error::Size { what, size });
            }
        }
        for part in over.parts {
            if !part.len().is_multiple_of(walk.height * walk.width) {
                let shape = vec![walk.height, walk.width];
                return Err(Error::Shape { what: "part of x", shape, found: part.len() });
            }
        }
        if !(1..=2).contains(&walk.stride) {
            return Err(Error::Size { what: "stride", size: walk.stride });
        }
        if walk.before > 1 {
            return Err(Error::Size { what: "border", size: walk.before });
        }
        if let Some(first) = over.first {
            check_len("scale", first.scale.len(), &[self.inputs])?;
            check_len("shift", first.shift.len(), &[self.inputs])?;
        }
        let (height, width) = walk.out(self.side);
        check_len("out", out.len(), &[height, width, n])?;
        finish.check(height * width, n)?;
        match compute(isa, &self.weights) {
            Compute::F32 => self.run::<f32>(isa, over, finish, out, moments, |data, stride| {
                Rows::F32 { data, stride }
            }),
            _ => self.run::<u16>(isa, over, finish, out, moments, |data, stride| Rows::Bf16 {
                data,
                stride,
            }),
        }
        Ok(())
    }

    fn run<T: Number>(
        &self,
        isa: Isa,
        over: Over,
        finish: &Finish,
        out: &mut [f32],
        moments: Option<&mut Moments>,
        rows: impl FnOnce(&[T], usize) -> Rows,
    ) {
        let (walk, n) = (over.walk, self.outputs());
        let depth = self.inputs.next_multiple_of(DEPTH);
        let pixel = apart(depth, size_of::<T>());
        let (height, width) = walk.out(self.side);
        // Row r of the product begins at pixel r · stride, so outputs of one line begin `across` rows after
        // those of the line before. With stride 2 half of them are thrown away; such layers are few.
        let across = (width - 1) * walk.stride + self.side;
        let down = (height - 1) * walk.stride + self.side;
        let places = (height - 1) * across + width;
        T::with_picture(|buffer| {
            let pixels = down * across + (OVERHANG + 2) * walk.stride + across * 2;
            buffer.grow(pixels * pixel);
            let picture = Shared::new(buffer);
            pool::for_each(down, |y| {
                // SAFETY: each task writes one line.
                let to = unsafe { picture.part(y * across * pixel, across * pixel) };
                self.line::<T>(isa, over, y, pixel, to);
            });
            let segments: Vec<Segment> = (0..self.side * self.side)
                .map(|tap| Segment {
                    offset: (tap / self.side * across + tap % self.side) * pixel,
                    len: depth,
                })
                .collect();
            let place = Place { line: across, width };
            let tasks = Tasks::of(places, &self.weights, 1);
            let rows = rows(buffer, pixel * walk.stride);
            let mut parts = match moments {
                Some(_) => vec![0f32; tasks.blocks() * 2 * n],
                None => Vec::new(),
            };
            let watched = moments.is_some().then_some((&mut parts[..], &tasks));
            let emit = Finished::new(finish, &place, n, out, watched);
            product(isa, &rows, &tasks, &segments, &self.weights, &emit);
            if let Some(moments) = moments {
                *moments = Moments::from_parts(&parts, height * width, n);
            }
        });
    }

    /// One line of the padded picture, whose pixels lie `apart`.
    fn line<T: Number>(&self, isa: Isa, over: Over, y: usize, apart: usize, to: &mut [T]) {
        let (c, walk) = (self.inputs, over.walk);
        let factor = if walk.doubled { 2 } else { 1 };
        let mut joined = vec![0f32; if over.parts.len() > 1 { c } else { 0 }];
        let mut passed = vec![0f32; if over.first.is_some() { c } else { 0 }];
        let pixels = walk.height * walk.width;
        for (column, pixel) in to.chunks_exact_mut(apart).enumerate() {
            let inside = y >= walk.before && column >= walk.before;
            let (row, column) =
                (y.wrapping_sub(walk.before) / factor, column.wrapping_sub(walk.before) / factor);
            if !inside || row >= walk.height || column >= walk.width {
                pixel.fill(T::default());
                continue;
            }
            let at = row * walk.width + column;
            let from = match over.parts {
                [one] => &one[at * c..][..c],
                several => {
                    let mut start = 0;
                    for part in several.iter() {
                        let each = part.len() / pixels;
                        joined[start..start + each].copy_from_slice(&part[at * each..][..each]);
                        start += each;
                    }
                    &joined
                }
            };
            match over.first {
                Some(how) => {
                    channelwise(isa, from, how, &mut passed);
                    T::convert(isa, &passed, &mut pixel[..c]);
                }
                None => T::convert(isa, from, &mut pixel[..c]),
            }
            pixel[c..].fill(T::default());
        }
    }
}

/// What a convolution walks over.
#[derive(Debug, Clone, Copy)]
pub struct Over<'a> {
    /// Pictures [height, width, some channels] whose channels stand one after the other.
    pub parts: &'a [&'a [f32]],
    /// How.
    pub walk: Walk,
    /// What all of them go through on the way.
    pub first: Option<&'a Channelwise>,
}

thread_local! {
    pub(crate) static FLOATS: RefCell<Aligned<f32>> = RefCell::default();
    pub(crate) static HALVES: RefCell<Aligned<u16>> = RefCell::default();
}
