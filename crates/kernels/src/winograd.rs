//! Convolution of 3 by 3 pixels with fewer products than it has: Winograd's minimal filtering, after
//! Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), F(4×4, 3×3).
//!
//! A tile of 6 by 6 pixels makes 4 by 4 results. Pixels and taps are the coefficients of polynomials, so
//! that what they make together is known from the products of their values at six [`points`] in each
//! direction: Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, for a tile d, taps g and results Y. Those are 36 products
//! in place of 144, for each input and output. Summed over inputs they are 36 matrix products, of tiles
//! by inputs with inputs by outputs, whose right sides are made once.
//!
//! The picture goes by in bands of tiles, few enough that their values stay in the caches. What is not a
//! number reaches all 4 by 4 results of the tiles that see it, and not only those beside it.

use std::cell::RefCell;
use std::ops::Range;

use crate::aligned::Aligned;
use crate::conv::{Border, FLOATS, Over};
use crate::cpu::Isa;
use crate::finish::{Destination, Finish, block};
use crate::gemm::{self, Left, Segment};
use crate::group_norm::Moments;
use crate::matmul::Place;
use crate::matrix::{Format, PANEL};
use crate::pool::{self, Shared};
use crate::simd::per_isa;

mod points;

use points::{from_points, kernel, to_points};

pub(crate) use points::POINTS;

/// Rows and columns of what a tile makes.
const MADE: usize = 4;
/// Rows and columns of a tile; the next one begins [`MADE`] further.
const TILE: usize = 6;
const _: () = assert!(POINTS == TILE * TILE);

/// Tiles of a task: enough that each weight that is fetched is used often, and few enough that their
/// products stay in a core's own cache. Blocks of rows come out even with it.
const TASK_TILES: usize = 60;
/// Bytes of a band's values.
const BAND: usize = 8 << 20;
/// Depth that is multiplied at a time: half of the nearest cache.
const DEPTH: usize = 192;
/// Channels that are transformed together.
const LANES: usize = 32;
/// Tiles of a line that are turned into results together.
const RUN: usize = 8;

/// Whether a convolution of so many channels, of floats, is faster this way.
pub(crate) fn wins(_isa: Isa, outputs: usize, inputs: usize, format: Format) -> bool {
    format == Format::F32 && inputs >= 32 && outputs >= 32
}

/// The weights at all points.
#[derive(Debug, Clone)]
pub(crate) struct Winograd {
    /// [panel of outputs][point][input][32]
    weights: Aligned<f32>,
    outputs: usize,
    inputs: usize,
}

impl Winograd {
    /// Of weights [outputs, inputs, 3, 3].
    pub(crate) fn pack(weights: &[f32], outputs: usize, inputs: usize) -> Self {
        let size = POINTS * inputs * PANEL;
        let mut packed = Aligned::new(outputs.div_ceil(PANEL) * size);
        let shared = Shared::new(&mut packed);
        pool::for_each(outputs.div_ceil(PANEL), |p| {
            // SAFETY: each panel is written by one task.
            let panel = unsafe { shared.part(p * size, size) };
            for c in 0..inputs {
                for (column, o) in (p * PANEL..outputs.min((p + 1) * PANEL)).enumerate() {
                    let values = kernel(&weights[(o * inputs + c) * 9..][..9]);
                    for (point, value) in values.into_iter().enumerate() {
                        panel[(point * inputs + c) * PANEL + column] = value;
                    }
                }
            }
        });
        Self { weights: packed, outputs, inputs }
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
        let (down, across) = (height.div_ceil(MADE), width.div_ceil(MADE));
        let n = self.outputs;
        let pixel = self.inputs.next_multiple_of(LANES);
        let border = Border { down: down * MADE + 2, across: across * MADE + 2, pixel };
        let tasks = Tasks::of(down * across, n.div_ceil(PANEL), POINTS * pixel * 4);
        let mut parts = vec![0f32; if moments.is_some() { tasks.blocks() * 2 * n } else { 0 }];
        let watched = moments.is_some().then(|| Shared::new(&mut parts));
        FLOATS.with_borrow_mut(|picture| {
            picture.grow(border.len());
            border.fill(isa, over, self.inputs, over.walk.doubled, picture);
            let place = Place { line: across * MADE, width, parity: None };
            let out = Shared::new(out);
            let to = Destination { place: &place, n, out: &out };
            VALUES.with_borrow_mut(|values| {
                let apart = tasks.band.min(down * across) * pixel + SPREAD;
                values.grow(POINTS * apart);
                for band in 0..tasks.bands() {
                    let tiles = tasks.tiles(band);
                    let shared = Shared::new(values);
                    pool::for_each(tiles.len().div_ceil(RUN), |task| {
                        let some =
                            tiles.start + task * RUN..tiles.end.min(tiles.start + (task + 1) * RUN);
                        transform(isa, picture, border, across, some, tiles.start, &shared, apart);
                    });
                    pool::for_each(tasks.count(band), |task| {
                        let (block, some, panels) = tasks.task(band, task);
                        let from = &values[(some.start - tiles.start) * pixel..];
                        let task = Task { isa, some, across, height, from, apart, pixel };
                        self.multiply(
                            task,
                            panels,
                            finish,
                            &to,
                            watched.as_ref().map(|parts| (parts, block)),
                        );
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
        let count = task.some.len();
        let apart = TASK_TILES * PANEL + SPREAD;
        PRODUCTS.with_borrow_mut(|(products, results)| {
            products.grow(POINTS * apart);
            results.grow(MADE * MADE * RUN * PANEL);
            for panel in panels {
                for point in 0..POINTS {
                    let acc = &mut products[point * apart..][..count * PANEL];
                    let weights = &self.weights[(panel * POINTS + point) * self.inputs * PANEL..];
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
        let mut tile = self.some.start;
        while tile < self.some.end {
            let (down, right) = (tile / self.across, tile % self.across);
            let run = RUN.min(self.across - right).min(self.some.end - tile);
            made(self.isa, &products[(tile - self.some.start) * PANEL..], apart, run, results);
            for (line, sums) in results.chunks_exact(MADE * RUN * PANEL).enumerate() {
                let row = down * MADE + line;
                if row < self.height {
                    let start = (row * self.across + right) * MADE;
                    let sums = &sums[..run * MADE * PANEL];
                    let rows = start..start + run * MADE;
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
    /// Tiles of a band.
    band: usize,
    panels: usize,
    /// Panels of a task.
    group: usize,
}

impl Tasks {
    /// Of tiles whose values have so many bytes each.
    fn of(tiles: usize, panels: usize, bytes: usize) -> Self {
        let band = (BAND / bytes / TASK_TILES).max(1) * TASK_TILES;
        let blocks = band.min(tiles).div_ceil(TASK_TILES);
        let groups = (8 * pool::threads()).div_ceil(blocks).clamp(1, panels);
        Self { tiles, band, panels, group: panels.div_ceil(groups) }
    }

    fn bands(&self) -> usize {
        self.tiles.div_ceil(self.band)
    }

    /// Blocks of tiles of all bands.
    fn blocks(&self) -> usize {
        self.tiles.div_ceil(TASK_TILES)
    }

    fn tiles(&self, band: usize) -> Range<usize> {
        band * self.band..((band + 1) * self.band).min(self.tiles)
    }

    fn count(&self, band: usize) -> usize {
        self.tiles(band).len().div_ceil(TASK_TILES) * self.panels.div_ceil(self.group)
    }

    /// A block's number, its tiles, and the panels.
    fn task(&self, band: usize, index: usize) -> (usize, Range<usize>, Range<usize>) {
        let groups = self.panels.div_ceil(self.group);
        let (block, group) = (index / groups, index % groups);
        let tiles = self.tiles(band);
        let from = tiles.start + block * TASK_TILES;
        let panels = group * self.group..((group + 1) * self.group).min(self.panels);
        (from / TASK_TILES, from..(from + TASK_TILES).min(tiles.end), panels)
    }
}

/// Numbers between the values at one point and those at the next: 36 places that are a power of two apart
/// would all fall into the same few of the nearest cache.
const SPREAD: usize = 16;

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn transform_body<M: crate::simd::Math>(
    picture: &[f32],
    border: Border,
    across: usize,
    tiles: Range<usize>,
    first: usize,
    to: &Shared<f32>,
    apart: usize,
) {
    let mut half = [[[0f32; LANES]; TILE]; TILE];
    for tile in tiles {
        let corner = tile / across * MADE * border.across + tile % across * MADE;
        for c in (0..border.pixel).step_by(LANES) {
            for x in 0..TILE {
                let column: [&[f32; LANES]; TILE] = std::array::from_fn(|y| {
                    let at = (corner + y * border.across + x) * border.pixel + c;
                    picture[at..].first_chunk().expect("a tile lies in its picture")
                });
                let [a, b, c, d, e, f] = &mut half;
                let to = [&mut a[x], &mut b[x], &mut c[x], &mut d[x], &mut e[x], &mut f[x]];
                to_points::<M, LANES>(column, to);
            }
            for (y, line) in half.iter().enumerate() {
                let at = (tile - first) * border.pixel + c;
                let to = std::array::from_fn(|x| {
                    // SAFETY: a task alone writes its tiles' values, each once.
                    let part = unsafe { to.part((y * TILE + x) * apart + at, LANES) };
                    part.first_chunk_mut().expect("it is that long")
                });
                to_points::<M, LANES>(line.each_ref(), to);
            }
        }
    }
}

per_isa! {
    /// The values of some tiles of a padded picture, the first of which is number `first` of those whose
    /// values are wanted: [point][tile][input], points lie `apart`.
    fn transform(
        picture: &[f32],
        border: Border,
        across: usize,
        tiles: Range<usize>,
        first: usize,
        to: &Shared<f32>,
        apart: usize,
    ) = transform_body
}

#[inline(always)]
fn made_body<M: crate::simd::Math>(products: &[f32], apart: usize, run: usize, out: &mut [f32]) {
    let mut half = [[[0f32; PANEL]; TILE]; MADE];
    for tile in 0..run {
        for x in 0..TILE {
            let column: [&[f32; PANEL]; TILE] = std::array::from_fn(|y| {
                let at = (y * TILE + x) * apart + tile * PANEL;
                products[at..].first_chunk().expect("there are products at each point")
            });
            let [a, b, c, d] = &mut half;
            from_points::<M, PANEL>(column, [&mut a[x], &mut b[x], &mut c[x], &mut d[x]]);
        }
        for (y, line) in half.iter().enumerate() {
            let at = (y * RUN + tile) * MADE * PANEL;
            let (four, _) = out[at..].as_chunks_mut::<PANEL>();
            let [a, b, c, d, ..] = four else { unreachable!("there is room for a run") };
            from_points::<M, PANEL>(line.each_ref(), [a, b, c, d]);
        }
    }
}

per_isa! {
    /// Products [point][tile][32], points `apart`, of `run` tiles to results [4][8 · 4][32].
    fn made(products: &[f32], apart: usize, run: usize, out: &mut [f32]) = made_body
}

thread_local! {
    static VALUES: RefCell<Aligned<f32>> = RefCell::default();
    static PRODUCTS: RefCell<(Aligned<f32>, Aligned<f32>)> = RefCell::default();
}
