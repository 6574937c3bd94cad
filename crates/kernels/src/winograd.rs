//! Convolution of 3 by 3 pixels with fewer products than it has: Winograd's minimal filtering, after
//! Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), F(4×4, 3×3) and F(2×2, 3×3).
//!
//! A tile of 6 by 6 pixels makes 4 by 4 results. Pixels and taps are the coefficients of polynomials, so
//! that what they make together is known from the products of their values at six [`points`] in each
//! direction: Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, for a tile d, taps g and results Y. Those are 36 products
//! in place of 144, for each input and output. Summed over inputs they are 36 matrix products, of tiles
//! by inputs with inputs by outputs, whose right sides are made once. Tiles of 4 by 4 pixels make 2 by 2
//! results with 16 products in place of 36, and fewer weights.
//!
//! The picture goes by in bands of tiles, few enough that their values stay in the caches. What is not a
//! number reaches all results of the tiles that see it, and not only those beside it.

use std::cell::RefCell;
use std::ops::Range;

use crate::aligned::Aligned;
use crate::conv::{Border, FLOATS, Over};
use crate::cpu::Isa;
use crate::finish::{self, Destination, Finish, block};
use crate::gemm::{self, Left, Segment};
use crate::group_norm::Moments;
use crate::matrix::{Format, PANEL};
use crate::pool::{self, Shared};
use crate::simd::{Math, per_isa};
use crate::tasks::Place;

mod points;

use points::{MOST, from_points, kernel, to_points};

/// Most tiles of a task: enough that each weight that is fetched is used often, and few enough that their
/// products stay in a core's own cache.
const TASK_TILES: usize = 64;
/// Bytes of a band's values.
const BAND: usize = 8 << 20;
/// Depth that is multiplied at a time: half of the nearest cache.
const DEPTH: usize = 192;
/// Channels that are transformed together.
const LANES: usize = 32;
/// Tiles of a line that are turned into results together.
const RUN: usize = 8;

/// Which tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tile {
    /// 4 by 4 pixels, which make 2 by 2 results.
    Two,
    /// 6 by 6 pixels, which make 4 by 4 results.
    Four,
}

impl Tile {
    /// The tiles with which a convolution of so many channels is fastest, if it is faster with any; every
    /// set of instructions has the same answer. Where channels are many, pictures are small: four times
    /// the weights then take longer to fetch than larger tiles spare.
    pub(crate) fn of(outputs: usize, inputs: usize, format: Format) -> Option<Self> {
        if format != Format::F32 || inputs < FEWEST {
            return None;
        }
        Some(if inputs * outputs <= MANY { Self::Four } else { Self::Two })
    }

    /// Rows and columns of what a tile makes.
    fn made(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// Points in both directions.
    pub(crate) fn points(self) -> usize {
        (self.made() + 2) * (self.made() + 2)
    }
}

/// Inputs below which making values of them costs more than it spares.
const FEWEST: usize = 32;
/// Weights of each tap that are many.
const MANY: usize = 5 << 18;

/// The weights at all points.
#[derive(Debug, Clone)]
pub(crate) struct Winograd {
    tile: Tile,
    /// [panel of outputs][point][input][32]
    weights: Aligned<f32>,
    outputs: usize,
    inputs: usize,
}

impl Winograd {
    /// Of weights [outputs, inputs, 3, 3].
    pub(crate) fn pack(tile: Tile, weights: &[f32], outputs: usize, inputs: usize) -> Self {
        let size = tile.points() * inputs * PANEL;
        let mut packed = Aligned::new(outputs.div_ceil(PANEL) * size);
        let shared = Shared::new(&mut packed);
        pool::for_each(outputs.div_ceil(PANEL), |p| {
            // SAFETY: each panel is written by one task.
            let panel = unsafe { shared.part(p * size, size) };
            let mut values = [0f32; MOST];
            for c in 0..inputs {
                for (column, o) in (p * PANEL..outputs.min((p + 1) * PANEL)).enumerate() {
                    let values = &mut values[..tile.points()];
                    kernel(&weights[(o * inputs + c) * 9..][..9], values);
                    for (point, value) in values.iter().enumerate() {
                        panel[(point * inputs + c) * PANEL + column] = *value;
                    }
                }
            }
        });
        Self { tile, weights: packed, outputs, inputs }
    }

    /// Products for each input of each result.
    pub(crate) fn products(&self) -> f64 {
        let made = self.tile.made();
        self.tile.points() as f64 / (made * made) as f64
    }

    pub(crate) fn bytes(&self) -> usize {
        self.weights.len() * 4
    }

    /// A walk that keeps the picture's size, or that of the doubled picture; all was checked.
    pub(crate) fn forward(
        &self,
        isa: Isa,
        over: Over,
        finish: &Finish,
        out: &mut [f32],
        moments: Option<&mut Moments>,
    ) {
        let (height, width) = over.walk.out(3);
        let (made, points) = (self.tile.made(), self.tile.points());
        let (down, across) = (height.div_ceil(made), width.div_ceil(made));
        let n = self.outputs;
        let pixel = self.inputs.next_multiple_of(LANES);
        let border = Border { across: across * made + 2, pixel };
        let tasks = Tasks::of(down * across, n.div_ceil(PANEL), points * pixel * 4);
        let mut parts = vec![0f32; if moments.is_some() { tasks.blocks() * 2 * n } else { 0 }];
        let watched = moments.is_some().then(|| Shared::new(&mut parts));
        FLOATS.with_borrow_mut(|picture| {
            let mut there = 0..0;
            let place = Place { line: across * made, width, above: 0, parity: None };
            let out = Shared::new(out);
            let to = Destination::of(&place, n, &out);
            VALUES.with_borrow_mut(|values| {
                let apart = tasks.band.min(down * across) * pixel + SPREAD;
                values.grow(points * apart);
                for band in 0..tasks.bands() {
                    let tiles = tasks.tiles(band);
                    let wanted =
                        tiles.start / across * made..((tiles.end - 1) / across + 1) * made + 2;
                    picture.grow_keeping(wanted.len() * border.line());
                    let doubled = over.walk.doubled;
                    border.slide(isa, over, self.inputs, doubled, wanted, &mut there, picture);
                    let lines = Lines { numbers: picture, border, across, first: there.start };
                    let shared = Shared::new(values);
                    let into = Values { shared: &shared, first: tiles.start, apart };
                    pool::for_each(tiles.len().div_ceil(RUN), |task| {
                        let from = tiles.start + task * RUN;
                        transform(isa, self.tile, &lines, from..tiles.end.min(from + RUN), &into);
                    });
                    pool::for_each(tasks.count(band), |task| {
                        let (block, some, panels) = tasks.task(band, task);
                        let from = &values[(some.start - tiles.start) * pixel..];
                        let tile = self.tile;
                        let task = Task { isa, tile, some, across, height, from, apart, pixel };
                        self.multiply(
                            task,
                            panels,
                            finish,
                            &to,
                            watched.as_ref().map(|parts| (parts, block)),
                        );
                        finish::settle();
                    });
                }
            });
        });
        if let Some(moments) = moments {
            *moments = Moments::from_parts(&parts, height * width, n);
        }
    }

    /// Some tiles' products with some panels, and what becomes of them.
    fn multiply(
        &self,
        task: Task,
        panels: Range<usize>,
        finish: &Finish,
        to: &Destination,
        moments: Option<(&Shared<f32>, usize)>,
    ) {
        let (count, made, points) = (task.some.len(), self.tile.made(), self.tile.points());
        let apart = TASK_TILES * PANEL + SPREAD;
        PRODUCTS.with_borrow_mut(|(products, results)| {
            products.grow(points * apart);
            results.grow(made * made * RUN * PANEL);
            for panel in panels {
                for point in 0..points {
                    // What the results are written to and added to comes meanwhile.
                    let some = count * point / points..count * (point + 1) / points;
                    task.soon(some, panel, finish, to);
                    let acc = &mut products[point * apart..][..count * PANEL];
                    let weights = &self.weights[(panel * points + point) * self.inputs * PANEL..];
                    let values = &task.from[point * task.apart..];
                    for start in (0..self.inputs).step_by(DEPTH) {
                        let len = DEPTH.min(self.inputs - start);
                        let weights = &weights[start * PANEL..][..len * PANEL];
                        assert!((count - 1) * task.pixel + start + len <= values.len());
                        let left = Left { start: values.as_ptr(), stride: task.pixel };
                        let segments = [Segment { offset: start, len }];
                        // SAFETY: `count` rows of so much depth lie in `values`, as much depth in
                        // `weights`, `acc` has that many rows of sums, and the set is this machine's.
                        unsafe {
                            let (weights, acc) = (weights.as_ptr(), acc.as_mut_ptr());
                            gemm::f32_block(
                                task.isa,
                                left,
                                count,
                                &segments,
                                weights,
                                acc,
                                start == 0,
                            );
                        }
                    }
                }
                let mut sums = moments.is_some().then_some([[0f32; PANEL]; 2]);
                task.finish(panel, products, apart, results, finish, to, sums.as_mut());
                if let (Some((parts, block)), Some([sum, square])) = (moments, sums) {
                    let width = PANEL.min(to.n - panel * PANEL);
                    let at = block * 2 * to.n + panel * PANEL;
                    // SAFETY: a task alone has this block of tiles and these outputs.
                    unsafe {
                        parts.part(at, width).copy_from_slice(&sum[..width]);
                        parts.part(at + to.n, width).copy_from_slice(&square[..width]);
                    }
                }
            }
        });
    }
}

/// Some tiles, and their values at all points.
struct Task<'a> {
    isa: Isa,
    tile: Tile,
    some: Range<usize>,
    /// Tiles of a line of them.
    across: usize,
    /// Rows of the result.
    height: usize,
    /// [point][tile][input], points `apart` and tiles a `pixel`.
    from: &'a [f32],
    apart: usize,
    pixel: usize,
}

impl Task<'_> {
    /// That the results of some of its tiles will be written, and what is added to them read.
    fn soon(&self, some: Range<usize>, panel: usize, finish: &Finish, to: &Destination) {
        let made = self.tile.made();
        for tile in self.some.start + some.start..self.some.start + some.end {
            let (down, right) = (tile / self.across, tile % self.across);
            for row in (down * made..(down + 1) * made).take_while(|row| *row < self.height) {
                let start = (row * self.across + right) * made;
                to.soon(start..start + made, panel * PANEL, finish);
            }
        }
    }

    /// Products [point][tile][32] to results, tiles of a line a few at a time.
    #[allow(clippy::too_many_arguments)]
    fn finish(
        &self,
        panel: usize,
        products: &[f32],
        apart: usize,
        results: &mut [f32],
        finish: &Finish,
        to: &Destination,
        mut moments: Option<&mut [[f32; PANEL]; 2]>,
    ) {
        let made = self.tile.made();
        let mut tile = self.some.start;
        while tile < self.some.end {
            let (down, right) = (tile / self.across, tile % self.across);
            let run = RUN.min(self.across - right).min(self.some.end - tile);
            let products = &products[(tile - self.some.start) * PANEL..];
            results_of(self.isa, self.tile, products, apart, run, results);
            for line in 0..made {
                let row = down * made + line;
                if row < self.height {
                    let start = (row * self.across + right) * made;
                    let sums = &results[line * RUN * made * PANEL..][..run * made * PANEL];
                    let rows = start..start + run * made;
                    block(self.isa, sums, rows, finish, panel * PANEL, to, moments.as_deref_mut());
                }
            }
            tile += run;
        }
    }
}

/// How tiles and panels are cut up. Tiles are cut by the shape alone, so that moments are the same with
/// any number of threads.
struct Tasks {
    tiles: usize,
    /// Tiles of a block, and of a band of blocks.
    each: usize,
    band: usize,
    panels: usize,
    /// Panels of a task.
    group: usize,
}

impl Tasks {
    /// Of tiles whose values have so many bytes each.
    fn of(tiles: usize, panels: usize, bytes: usize) -> Self {
        let each = tiles.div_ceil(tiles.div_ceil(TASK_TILES));
        let band = (BAND / bytes / each).max(1) * each;
        let blocks = band.min(tiles).div_ceil(each);
        let groups = (8 * pool::threads()).div_ceil(blocks).clamp(1, panels);
        Self { tiles, each, band, panels, group: panels.div_ceil(groups) }
    }

    fn bands(&self) -> usize {
        self.tiles.div_ceil(self.band)
    }

    /// Blocks of tiles of all bands.
    fn blocks(&self) -> usize {
        self.tiles.div_ceil(self.each)
    }

    fn tiles(&self, band: usize) -> Range<usize> {
        band * self.band..((band + 1) * self.band).min(self.tiles)
    }

    fn count(&self, band: usize) -> usize {
        self.tiles(band).len().div_ceil(self.each) * self.panels.div_ceil(self.group)
    }

    /// A block's number, its tiles, and the panels.
    fn task(&self, band: usize, index: usize) -> (usize, Range<usize>, Range<usize>) {
        let groups = self.panels.div_ceil(self.group);
        let (block, group) = (index / groups, index % groups);
        let tiles = self.tiles(band);
        let from = tiles.start + block * self.each;
        let panels = group * self.group..((group + 1) * self.group).min(self.panels);
        (from / self.each, from..(from + self.each).min(tiles.end), panels)
    }
}

/// Numbers between the values at one point and those at the next: 36 places that are a power of two apart
/// would all fall into the same few of the nearest cache.
const SPREAD: usize = 16;

/// Some lines of a picture with its border.
struct Lines<'a> {
    numbers: &'a [f32],
    border: Border,
    /// Tiles of a line of them.
    across: usize,
    /// The number of the first line.
    first: usize,
}

/// Where the values of a band's tiles go: [point][tile][input], points `apart`.
struct Values<'a> {
    shared: &'a Shared<f32>,
    /// The band's first tile.
    first: usize,
    apart: usize,
}

#[inline(always)]
fn transform_body<M: Math>(tile: Tile, lines: &Lines, tiles: Range<usize>, to: &Values) {
    for number in tiles {
        match tile {
            Tile::Two => transform_one::<M, 2, 4>(lines, number, to),
            Tile::Four => transform_one::<M, 4, 6>(lines, number, to),
        }
    }
}

/// Bᵀ d B of one tile.
#[inline(always)]
fn transform_one<M: Math, const MADE: usize, const TILE: usize>(
    lines: &Lines,
    number: usize,
    to: &Values,
) {
    let Lines { border, across, .. } = *lines;
    let (down, right) = (number / across * MADE - lines.first, number % across * MADE);
    let corner = down * border.across + right;
    let mut half = [[[0f32; LANES]; TILE]; TILE];
    for channel in (0..border.pixel).step_by(LANES) {
        for x in 0..TILE {
            let column: [&[f32; LANES]; TILE] = std::array::from_fn(|y| {
                let at = (corner + y * border.across + x) * border.pixel + channel;
                lines.numbers[at..].first_chunk().expect("a tile lies in its lines")
            });
            to_points::<M, LANES, TILE>(column, half.each_mut().map(|line| &mut line[x]));
        }
        for (y, line) in half.iter().enumerate() {
            let at = (number - to.first) * border.pixel + channel;
            let to = std::array::from_fn(|x| {
                // SAFETY: a task alone writes its tiles' values, each once.
                let part = unsafe { to.shared.part((y * TILE + x) * to.apart + at, LANES) };
                part.first_chunk_mut().expect("it is that long")
            });
            to_points::<M, LANES, TILE>(line.each_ref(), to);
        }
    }
}

per_isa! {
    /// The values of some tiles of these lines.
    fn transform(tile: Tile, lines: &Lines, tiles: Range<usize>, to: &Values) = transform_body
}

#[inline(always)]
fn results_body<M: Math>(tile: Tile, products: &[f32], apart: usize, run: usize, out: &mut [f32]) {
    for number in 0..run {
        let products = &products[number * PANEL..];
        match tile {
            Tile::Two => results_of_one::<M, 2, 4>(products, apart, number, out),
            Tile::Four => results_of_one::<M, 4, 6>(products, apart, number, out),
        }
    }
}

/// Aᵀ m A of one tile.
#[inline(always)]
fn results_of_one<M: Math, const MADE: usize, const TILE: usize>(
    products: &[f32],
    apart: usize,
    number: usize,
    out: &mut [f32],
) {
    let mut half = [[[0f32; PANEL]; TILE]; MADE];
    for x in 0..TILE {
        let column: [&[f32; PANEL]; TILE] = std::array::from_fn(|y| {
            products[(y * TILE + x) * apart..].first_chunk().expect("products at each point")
        });
        from_points::<M, PANEL, MADE, TILE>(column, half.each_mut().map(|line| &mut line[x]));
    }
    for (y, line) in half.iter().enumerate() {
        let (results, _) = out[(y * RUN + number) * MADE * PANEL..].as_chunks_mut::<PANEL>();
        let results: &mut [_; MADE] = results.first_chunk_mut().expect("room for a run");
        from_points::<M, PANEL, MADE, TILE>(line.each_ref(), results.each_mut());
    }
}

per_isa! {
    /// Products [point][tile][32], points `apart`, of `run` tiles to results [line][8 · columns][32].
    fn results_of(tile: Tile, products: &[f32], apart: usize, run: usize, out: &mut [f32]) = results_body
}

thread_local! {
    static VALUES: RefCell<Aligned<f32>> = RefCell::default();
    static PRODUCTS: RefCell<(Aligned<f32>, Aligned<f32>)> = RefCell::default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Channelwise, Convolution, Walk, cpu};

    fn noise(n: usize, seed: u32) -> Vec<f32> {
        let mut bits = seed;
        let mut next = || {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (bits >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    /// Convolutions by both tiles against the one by its taps, which is held against the definition.
    #[test]
    fn tiles_of_both_sizes_make_what_taps_make() {
        for (height, width, inputs, outputs, doubled) in [
            (1, 1, 1, 1, false),
            (9, 30, 40, 33, false),
            (35, 34, 8, 70, false),
            (7, 5, 210, 32, true),
        ] {
            let (x, k) = (noise(height * width * inputs, 1), noise(outputs * inputs * 9, 2));
            let walk = Walk { doubled, ..Walk::same(height, width, 3) };
            let first =
                Channelwise { scale: noise(inputs, 3), shift: noise(inputs, 4), silu: true };
            let over = Over { parts: &[&x], walk, first: Some(&first) };
            let bias = noise(outputs, 5);
            let activation = Activation::Silu;
            let finish = Finish { bias: Some(&bias), activation, ..Finish::default() };
            let taps = Convolution::pack(&k, outputs, inputs, 3, Format::F32).unwrap();
            let (down, across) = walk.out(3);
            for (&isa, tile) in
                cpu::available().iter().flat_map(|isa| [(isa, Tile::Two), (isa, Tile::Four)])
            {
                let (mut wanted, mut found) = (
                    vec![f32::NAN; down * across * outputs],
                    vec![f32::NAN; down * across * outputs],
                );
                let (mut a, mut b) = (Moments::default(), Moments::default());
                taps.forward_over(isa, over, &finish, &mut wanted, Some(&mut a)).unwrap();
                let packed = Winograd::pack(tile, &k, outputs, inputs);
                assert_eq!(
                    packed.bytes(),
                    tile.points() * inputs * outputs.next_multiple_of(32) * 4
                );
                packed.forward(isa, over, &finish, &mut found, Some(&mut b));
                let bound = 5e-6 * (9.0 * inputs as f32).sqrt();
                for (a, b) in wanted.iter().zip(&found) {
                    assert!((a - b).abs() < bound, "{isa:?} {tile:?} {walk:?}: {a} {b}");
                }
                let norm = |of: &Moments| {
                    of.group_norm(1, &vec![1.0; outputs], &vec![0.0; outputs], 1e-5, false).unwrap()
                };
                let (a, b) = (norm(&a), norm(&b));
                assert!((a.scale[0] / b.scale[0] - 1.0).abs() < 1e-4, "{isa:?} {tile:?} {walk:?}");
                assert!((a.shift[0] - b.shift[0]).abs() < 1e-4, "{isa:?} {tile:?} {walk:?}");
            }
        }
    }
}
