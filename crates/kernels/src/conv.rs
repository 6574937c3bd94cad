//! Convolution of pictures with channels innermost, as a product without unfolding.
//!
//! The picture is copied once, rounded to what is computed in, with a border of zeros. A pixel's
//! neighbours then lie at fixed distances from it, so that each tap of the kernel is a segment of a
//! row's depth and the padded picture itself is the left side of the product. Places in the border are
//! computed too and thrown away.
//!
//! Weights that are packed for one kind of [`Walks`] alone need fewer products than that. Where each
//! pixel is doubled first, an output sees only two rows and two columns of what there was before, which
//! two depends on whether its own are even: four convolutions of 2 by 2 pixels, whose taps are sums of
//! the kernel's, make the four quarters of the result.

use std::cell::RefCell;
use std::ops::Range;

use crate::Error;
use crate::aligned::Aligned;
use crate::before::{Numbers, Rows};
use crate::cpu::Isa;
use crate::finish::Finish;
use crate::gemm::{OVERHANG, Segment};
use crate::group_norm::{Channelwise, Moments};
use crate::matmul::{self, Finished};
use crate::matrix::{DEPTH, Format, Matrix, check_len, sizes};
use crate::number::Number;
use crate::peak::Arithmetic;
use crate::pool::{self, Shared};
use crate::tasks::{Place, Tasks};
use crate::winograd::{Tile, Winograd};

/// A convolution's weights and shape.
#[derive(Debug, Clone)]
pub struct Convolution {
    form: Form,
    walks: Walks,
    outputs: usize,
    inputs: usize,
    side: usize,
}

/// Weights as they are computed with.
#[derive(Debug, Clone)]
enum Form {
    /// [outputs, taps · depth]
    Taps(Matrix),
    /// [outputs, 4 · depth] for even and odd columns of even lines, then of odd ones.
    Quarters(Box<[Matrix; 4]>),
    /// Values at points, for pictures that keep their size and are computed in floats.
    Points(Winograd),
}

/// Which form.
enum Kind {
    Taps,
    Quarters,
    Points(Tile),
}

/// What walks a convolution is packed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walks {
    /// Any.
    Any,
    /// Those that keep a picture's size.
    Same,
    /// Those that double each pixel of a picture, and keep the doubled size.
    Doubled,
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

impl Walks {
    /// Numbers, as large as `format` has them, that are kept for each output and input of a kernel of
    /// `side` by `side` pixels.
    pub fn taps(self, outputs: usize, inputs: usize, side: usize, format: Format) -> usize {
        match self.kind(outputs, inputs, side, format) {
            Kind::Taps => side.saturating_mul(side),
            // Two for each of 16 floats.
            Kind::Quarters if format == Format::F16 => 32,
            Kind::Quarters => 16,
            Kind::Points(tile) => tile.points(),
        }
    }

    /// The form that weights are fastest in. Quarters need no more products than small tiles.
    fn kind(self, outputs: usize, inputs: usize, side: usize, format: Format) -> Kind {
        if side != 3 || self == Self::Any {
            return Kind::Taps;
        }
        match (self, Tile::of(outputs, inputs, format)) {
            (Self::Doubled, None | Some(Tile::Two)) => Kind::Quarters,
            (_, None) => Kind::Taps,
            (_, Some(tile)) => Kind::Points(tile),
        }
    }

    /// Whether a walk with a kernel of `side` pixels is one of them.
    fn include(self, walk: Walk, side: usize) -> bool {
        let same = Walk::same(walk.height, walk.width, side);
        match self {
            Self::Any => true,
            Self::Same => walk == same,
            Self::Doubled => walk == Walk { doubled: true, ..same },
        }
    }
}

impl Convolution {
    /// Packs weights [outputs, inputs, side, side] for any walk; `side` is 1 or 3.
    pub fn pack(
        weights: &[f32],
        outputs: usize,
        inputs: usize,
        side: usize,
        format: Format,
    ) -> Result<Self, Error> {
        Self::pack_for(Walks::Any, weights, outputs, inputs, side, format)
    }

    /// The same for some walks only, in the form that is fastest for them.
    pub fn pack_for(
        walks: Walks,
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
        let depth = inputs.next_multiple_of(DEPTH);
        let kernel = |o: usize, c: usize| &weights[(o * inputs + c) * side * side..][..side * side];
        let form = match walks.kind(outputs, inputs, side, format) {
            Kind::Points(tile) => Form::Points(Winograd::pack(tile, weights, outputs, inputs)),
            Kind::Quarters => {
                // Weights that are stored as halves lose nothing by them; their sums would.
                let format = if format == Format::F16 { Format::F32 } else { format };
                let quarter = |[below, right]: [usize; 2]| {
                    Matrix::pack(outputs, 4 * depth, format, |o, k| {
                        let (tap, c) = (k / depth, k % depth);
                        if c >= inputs {
                            return 0.0;
                        }
                        let kernel = kernel(o, c);
                        let columns = halved(right, tap % 2);
                        halved(below, tap / 2)
                            .map(|y| kernel[y * 3..][columns.clone()].iter().sum::<f32>())
                            .sum()
                    })
                };
                let [a, b, c, d] = QUARTERS.map(quarter);
                Form::Quarters(Box::new([a?, b?, c?, d?]))
            }
            Kind::Taps => {
                Form::Taps(Matrix::pack(outputs, side * side * depth, format, |o, k| {
                    let (tap, c) = (k / depth, k % depth);
                    if c < inputs { kernel(o, c)[tap] } else { 0.0 }
                })?)
            }
        };
        Ok(Self { form, inputs, outputs, side, walks })
    }

    /// Channels of the result.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Channels of the picture.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Rows and columns of the kernel.
    pub fn side(&self) -> usize {
        self.side
    }

    /// In which numbers it is computed by this set of instructions.
    pub fn arithmetic(&self, isa: Isa) -> Arithmetic {
        match &self.form {
            Form::Taps(taps) => taps.arithmetic(isa),
            Form::Quarters(quarters) => quarters[0].arithmetic(isa),
            Form::Points(_) => Arithmetic::F32,
        }
    }

    /// Products that are computed for each input of each result: the taps, or fewer.
    pub fn products(&self) -> f64 {
        match &self.form {
            Form::Taps(_) => (self.side * self.side) as f64,
            Form::Quarters(_) => 4.0,
            Form::Points(points) => points.products(),
        }
    }

    /// Bytes of memory that the weights take.
    pub fn bytes(&self) -> usize {
        match &self.form {
            Form::Taps(taps) => taps.bytes(),
            Form::Quarters(quarters) => quarters.iter().map(Matrix::bytes).sum(),
            Form::Points(points) => points.bytes(),
        }
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
        let (n, walk) = (self.outputs, over.walk);
        over.check(self.inputs)?;
        if !self.walks.include(walk, self.side) {
            return Err(Error::Walk(walk));
        }
        let (height, width) = walk.out(self.side);
        check_len("out", out.len(), &[height, width, n])?;
        finish.check(height * width, n)?;
        let products: Vec<Product> = match &self.form {
            Form::Points(points) => {
                points.forward(isa, over, finish, out, moments);
                return Ok(());
            }
            Form::Taps(weights) => vec![Product { weights, side: self.side, parity: None }],
            Form::Quarters(quarters) => QUARTERS
                .into_iter()
                .zip(quarters.iter())
                .map(|(parity, weights)| Product { weights, side: 2, parity: Some(parity) })
                .collect(),
        };
        match self.arithmetic(isa) {
            Arithmetic::F32 => {
                self.run::<f32>(isa, over, &products, finish, out, moments, |data, stride| Rows {
                    first: 0,
                    stride,
                    numbers: Numbers::F32(data),
                })
            }
            _ => self.run::<u16>(isa, over, &products, finish, out, moments, |data, stride| Rows {
                first: 0,
                stride,
                numbers: Numbers::Bf16(data),
            }),
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn run<T: Number>(
        &self,
        isa: Isa,
        over: Over,
        products: &[Product],
        finish: &Finish,
        out: &mut [f32],
        moments: Option<&mut Moments>,
        rows: impl Fn(&[T], usize) -> Rows,
    ) {
        let (walk, n) = (over.walk, self.outputs);
        let depth = self.inputs.next_multiple_of(DEPTH);
        let (height, width) = walk.out(self.side);
        // Each of several products makes its quarter from the picture as it is.
        let doubled = walk.doubled && products.len() == 1;
        let each = Walk { doubled, ..walk };
        let (lines, columns) = each.out(self.side);
        let across = (columns - 1) * walk.stride + self.side;
        let border = Border { across, pixel: spread(depth, size_of::<T>()) };
        let Border { across, pixel } = border;
        // Row r of the product begins at pixel r · stride, so outputs of one line begin `across` rows after
        // those of the line before. With stride 2 half of them are thrown away; such layers are few.
        let bands = Bands::of(lines, border.line() * walk.stride * size_of::<T>());
        T::with_picture(|buffer| {
            // The last rows of a product may begin anywhere in the last line, and some follow them.
            let most = (bands.each - 1) * walk.stride + self.side;
            buffer.grow((most + 2) * border.line() + (OVERHANG + 2) * walk.stride * pixel);
            let (mut there, mut parts) = (0..0, Vec::new());
            for band in bands.iter() {
                let last = (band.end - 1) * walk.stride + self.side;
                let wanted = band.start * walk.stride..last;
                border.slide(isa, over, self.inputs, doubled, wanted, &mut there, buffer);
                let rows = rows(buffer, pixel * walk.stride);
                let places = (band.len() - 1) * across + columns;
                let tasks = Tasks::of(places, products[0].weights, 1);
                for product in products {
                    let (above, parity) = (band.start, product.parity);
                    let place = Place { line: across, width: columns, above, parity };
                    let start = parts.len();
                    let watched = moments.is_some().then(|| {
                        parts.resize(start + tasks.blocks() * 2 * n, 0f32);
                        (&mut parts[start..], &tasks)
                    });
                    let emit = Finished::new(finish, &place, n, out, watched);
                    let segments = product.segments(border, depth);
                    matmul::product(isa, &rows, &tasks, &segments, product.weights, &emit);
                }
            }
            if let Some(moments) = moments {
                *moments = Moments::from_parts(&parts, height * width, n);
            }
        });
    }
}

/// Numbers from one pixel to the next: a block reads 32 of them at a time, of which those that lie a multiple
/// of 256 bytes apart would fall into a few places of the nearest cache.
fn spread(depth: usize, bytes: usize) -> usize {
    if (depth * bytes).is_multiple_of(256) { depth + 64 / bytes } else { depth }
}

/// Bytes of a picture's copy: few enough for the caches, and many enough that threads seldom wait for the
/// last of them.
const BAND: usize = 8 << 20;

/// Lines of a result, cut into some that are computed one after the other, so that what they see of the
/// picture stays in the caches from where it is copied to where it is multiplied.
struct Bands {
    lines: usize,
    each: usize,
}

impl Bands {
    /// Of lines each of which sees so many bytes that the one before does not.
    fn of(lines: usize, bytes: usize) -> Self {
        let most = (BAND / bytes).max(1);
        Self { lines, each: lines.div_ceil(lines.div_ceil(most)) }
    }

    fn iter(&self) -> impl Iterator<Item = Range<usize>> {
        (0..self.lines).step_by(self.each).map(|from| from..self.lines.min(from + self.each))
    }
}

/// One of the products that a convolution is made of.
struct Product<'a> {
    weights: &'a Matrix,
    side: usize,
    /// Of a quarter, whether its lines and columns are odd.
    parity: Option<[usize; 2]>,
}

impl Product<'_> {
    /// The depth of a row: taps of a pixel each, one line after the other. Odd quarters see what is a line or
    /// a column further.
    fn segments(&self, border: Border, len: usize) -> Vec<Segment> {
        let [below, right] = self.parity.unwrap_or_default();
        let at = |tap: usize| (tap / self.side + below) * border.across + tap % self.side + right;
        let taps = 0..self.side * self.side;
        taps.map(|tap| Segment { offset: at(tap) * border.pixel, len }).collect()
    }
}

/// Whether the lines of each quarter of a doubled result are odd, and its columns.
const QUARTERS: [[usize; 2]; 4] = [[0, 0], [0, 1], [1, 0], [1, 1]];

/// Which rows of a kernel fall on the `tap`-th of the two rows before doubling that an even line of the
/// result sees, or (`odd` is 1) an odd one: the line above and its own, or its own and the one below.
fn halved(odd: usize, tap: usize) -> Range<usize> {
    let cut = 1 + odd;
    if tap == 0 { 0..cut } else { cut..3 }
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

impl Over<'_> {
    fn check(&self, inputs: usize) -> Result<(), Error> {
        let walk = self.walk;
        let found: usize = self.parts.iter().map(|part| part.len()).sum();
        check_len("x", found, &[walk.height, walk.width, inputs])?;
        for (what, size) in [("height", walk.height), ("width", walk.width)] {
            if size == 0 || size > 1 << 16 {
                return Err(Error::Size { what, size });
            }
        }
        for part in self.parts {
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
        if let Some(first) = self.first {
            check_len("scale", first.scale.len(), &[inputs])?;
            check_len("shift", first.shift.len(), &[inputs])?;
        }
        Ok(())
    }
}

/// The sizes of a picture's copy with its border: lines of `across` pixels of `pixel` numbers.
#[derive(Clone, Copy)]
pub(crate) struct Border {
    pub across: usize,
    pub pixel: usize,
}

impl Border {
    /// Numbers of a line.
    pub(crate) fn line(&self) -> usize {
        self.across * self.pixel
    }

    /// Has the buffer begin with the `wanted` lines of what a convolution of `inputs` channels walks over,
    /// each pixel doubled if it says so. It begins with those that are `there`, which are not copied again.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn slide<T: Number>(
        self,
        isa: Isa,
        over: Over,
        inputs: usize,
        doubled: bool,
        wanted: Range<usize>,
        there: &mut Range<usize>,
        buffer: &mut [T],
    ) {
        let kept = wanted.start..there.end.max(wanted.start);
        if !kept.is_empty() {
            let from = (wanted.start - there.start) * self.line();
            buffer.copy_within(from..from + kept.len() * self.line(), 0);
        }
        let picture = Shared::new(buffer);
        pool::for_each(wanted.end - kept.end, |task| {
            let y = kept.end + task;
            // SAFETY: each task writes one line.
            let to = unsafe { picture.part((y - wanted.start) * self.line(), self.line()) };
            self.copy::<T>(isa, over, inputs, if doubled { 2 } else { 1 }, y, to);
        });
        *there = wanted;
    }

    /// One line, in which each pixel stands `factor` times.
    fn copy<T: Number>(
        self,
        isa: Isa,
        over: Over,
        c: usize,
        factor: usize,
        y: usize,
        to: &mut [T],
    ) {
        let walk = over.walk;
        let mut joined = vec![0f32; if over.parts.len() > 1 { c } else { 0 }];
        let pixels = walk.height * walk.width;
        for (column, pixel) in to.chunks_exact_mut(self.pixel).enumerate() {
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
                Some(how) => T::pass(isa, from, how, &mut pixel[..c]),
                None => T::convert(isa, from, &mut pixel[..c]),
            }
            pixel[c..].fill(T::default());
        }
    }
}

thread_local! {
    pub(crate) static FLOATS: RefCell<Aligned<f32>> = RefCell::default();
    pub(crate) static HALVES: RefCell<Aligned<u16>> = RefCell::default();
}
