//! out [m, n] = x [m, k] · Wᵀ, finished.

use std::cell::RefCell;
use std::ops::Range;

use crate::Error;
use crate::aligned::Aligned;
use crate::before::{Before, Numbers, Rows};
use crate::cpu::Isa;
use crate::finish::{self, Destination, Finish, block};
use crate::gemm::{self, Compute, OVERHANG, Segment};
use crate::matrix::{Data, Matrix, PANEL, check_len};
use crate::pool::{self, Shared};
use crate::simd::{Math, per_isa};
use crate::tasks::{Place, Tasks};

/// Bytes of weights that stay in a core's own cache beside the rows of a task.
const NEAR: usize = 3 << 18;

/// Bytes of weights that stay in the nearest cache beside the rows that go by.
const NEAREST: usize = 20 << 10;

/// out [m, n] = finish(x [m, k] · Wᵀ), with the best instructions of this machine.
///
/// `x` and `out` are rows without gaps. bf16 weights are multiplied with `x` rounded to bf16 where the
/// processor has such products, int8 weights with `x` rounded to a byte a number and a scale a row;
/// sums are in f32 (int8: in whole numbers). Errors where a length does not fit the shapes.
pub fn matmul(
    x: &[f32],
    m: usize,
    w: &Matrix,
    finish: &Finish,
    out: &mut [f32],
) -> Result<(), Error> {
    matmul_with(Isa::get(), x, m, w, finish, out)
}

/// [`matmul`] with a set of instructions that this machine has.
pub fn matmul_with(
    isa: Isa,
    x: &[f32],
    m: usize,
    w: &Matrix,
    finish: &Finish,
    out: &mut [f32],
) -> Result<(), Error> {
    matmul_after(isa, Before { x: &[x], m, norm: None }, w, finish, out)
}

/// [`matmul_with`] with something done to `x` on the way.
pub fn matmul_after(
    isa: Isa,
    before: Before,
    w: &Matrix,
    finish: &Finish,
    out: &mut [f32],
) -> Result<(), Error> {
    let m = before.m;
    isa.check()?;
    before.check(w)?;
    check_len("out", out.len(), &[m, w.n])?;
    finish.check(m, w.n)?;
    if m == 0 {
        return Ok(());
    }
    let tasks = Tasks::of(m, w, 1);
    let place = Place::rows(m);
    let emit = Finished::new(finish, &place, w.n, out, None);
    product_after(isa, &before, &tasks, w, &emit);
    Ok(())
}

impl Compute {
    /// How much of a depth is multiplied at a time: 32 columns of it fill half of the nearest cache, and
    /// the rows that go by have the rest.
    fn block(self, depth: usize) -> usize {
        let (most, even) = match self {
            Self::F32 => (192, 32),
            Self::Bf16 => (256, 32),
            Self::Int8 => (512, 64),
        };
        depth.div_ceil(depth.div_ceil(most).max(1)).next_multiple_of(even)
    }

    /// Panels whose weights share the nearest cache, so that rows come near once for all of them.
    fn abreast(self) -> usize {
        if self == Self::F32 { 1 } else { 2 }
    }

    /// Panels whose sums stay in a core's own cache.
    fn slab(self) -> usize {
        if self == Self::F32 { 1 } else { 8 }
    }
}

/// What becomes of sums.
pub(crate) trait Emit: Sync {
    /// Panels that are wanted together, 1 or 2.
    const TOGETHER: usize;

    /// That some rows of a panel come next: what they are added to may be fetched.
    fn soon(&self, rows: Range<usize>, panel: usize);

    /// Takes the sums of some rows, each [rows][32] for one of the panels that begin with `panel`.
    fn emit(&self, isa: Isa, rows: Range<usize>, panel: usize, sums: [&[f32]; 2]);
}

/// The product of all rows and all panels, cut into tasks of some rows and some panels.
pub(crate) fn product<E: Emit>(
    isa: Isa,
    rows: &Rows,
    tasks: &Tasks,
    segments: &[Segment],
    w: &Matrix,
    emit: &E,
) {
    pool::for_each(tasks.count(), |i| task(isa, rows, tasks.task(i), segments, w, emit));
}

/// The same of rows to which something is done first: by each task to its own, which stay near, where a
/// task has all panels of its rows.
pub(crate) fn product_after<E: Emit>(
    isa: Isa,
    before: &Before,
    tasks: &Tasks,
    w: &Matrix,
    emit: &E,
) {
    if !tasks.have_all_panels() {
        return before.with_rows(isa, w, 0..before.m, |rows, segments| {
            product(isa, rows, tasks, segments, w, emit);
        });
    }
    pool::for_each(tasks.count(), |i| {
        let (from, to, panels) = tasks.task(i);
        before.with_rows(isa, w, from..to, |rows, segments| {
            task(isa, rows, (from, to, panels), segments, w, emit);
        });
    });
}

/// One task of a product: its first and last row, and its panels.
fn task<E: Emit>(
    isa: Isa,
    rows: &Rows,
    (from, to, panels): (usize, usize, Range<usize>),
    segments: &[Segment],
    w: &Matrix,
    emit: &E,
) {
    let depth = segments.iter().map(|s| s.len).sum();
    let _begun = gemm::begin(isa);
    SCRATCH.with_borrow_mut(|scratch| {
        let mut task = Task { isa, rows, from, to, segments, depth, w, scratch };
        if task.is_near(&panels) {
            return task.by_rows(panels, emit);
        }
        let slab = task.rows.compute().slab().next_multiple_of(E::TOGETHER);
        for first in panels.clone().step_by(slab) {
            task.slab(first..(first + slab).min(panels.end), emit);
        }
    });
    finish::settle();
}

/// Sums on their way into a result of rows.
pub(crate) struct Finished<'a> {
    finish: &'a Finish<'a>,
    place: &'a Place,
    n: usize,
    out: Shared<f32>,
    /// Partial sums for moments, and the rows of a task.
    moments: Option<(Shared<f32>, usize)>,
}

impl<'a> Finished<'a> {
    pub(crate) fn new(
        finish: &'a Finish,
        place: &'a Place,
        n: usize,
        out: &mut [f32],
        moments: Option<(&mut [f32], &Tasks)>,
    ) -> Self {
        let moments = moments.map(|(parts, tasks)| (Shared::new(parts), tasks.rows));
        Self { finish, place, n, out: Shared::new(out), moments }
    }

    fn to(&self) -> Destination<'_> {
        Destination::of(self.place, self.n, &self.out)
    }
}

impl Emit for Finished<'_> {
    const TOGETHER: usize = 1;

    fn soon(&self, rows: Range<usize>, panel: usize) {
        self.to().soon(rows, panel * PANEL, self.finish);
    }

    fn emit(&self, isa: Isa, rows: Range<usize>, panel: usize, [acc, _]: [&[f32]; 2]) {
        let columns = panel * PANEL;
        let width = PANEL.min(self.n - columns);
        let to = self.to();
        let Some((parts, each)) = &self.moments else {
            return block(isa, acc, rows, self.finish, columns, &to, None);
        };
        let part = rows.start / each * 2 * self.n + columns;
        // SAFETY: a task alone has these sums, and its blocks of rows come one after the other.
        let (sum, square) = unsafe { (parts.part(part, width), parts.part(part + self.n, width)) };
        let mut moments = [[0f32; PANEL]; 2];
        moments[0][..width].copy_from_slice(sum);
        moments[1][..width].copy_from_slice(square);
        block(isa, acc, rows, self.finish, columns, &to, Some(&mut moments));
        sum.copy_from_slice(&moments[0][..width]);
        square.copy_from_slice(&moments[1][..width]);
    }
}

#[derive(Default)]
pub(crate) struct Scratch {
    acc: Aligned<f32>,
    whole: Aligned<i32>,
    floats: Aligned<f32>,
    halves: Aligned<u16>,
    part: Vec<Segment>,
}

thread_local! {
    pub(crate) static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Some rows and what they are multiplied with.
struct Task<'a> {
    isa: Isa,
    rows: &'a Rows<'a>,
    from: usize,
    to: usize,
    segments: &'a [Segment],
    depth: usize,
    w: &'a Matrix,
    scratch: &'a mut Scratch,
}

impl Task<'_> {
    /// All rows times a slab of panels. Depth goes a block at a time: the rows' part of it and the slab's
    /// sums stay in the core's own cache, the weights of the panels that stand abreast in the nearest
    /// one while the rows go by. In the last block, sums are used up while they are near.
    fn slab<E: Emit>(&mut self, slab: Range<usize>, emit: &E) {
        let count = self.to - self.from;
        let step = gemm::even_rows(self.isa, self.rows.compute());
        let all = (count + OVERHANG).next_multiple_of(OVERHANG) * PANEL;
        self.scratch.acc.grow(slab.len() * all);
        if self.rows.compute() == Compute::Int8 {
            self.scratch.whole.grow(slab.len() * all);
        }
        let block = self.rows.compute().block(self.depth);
        let abreast = self.rows.compute().abreast().max(E::TOGETHER);
        for start in (0..self.depth).step_by(block) {
            let end = (start + block).min(self.depth);
            let (fresh, is_last) = (start == 0, end == self.depth);
            gemm::part(self.segments, start, end, &mut self.scratch.part);
            for first in slab.clone().step_by(abreast) {
                let panels = first..(first + abreast).min(slab.end);
                for (i, panel) in panels.clone().enumerate() {
                    self.unpack(panel, i * block * PANEL, start, end);
                }
                // What is multiplied next: the same depth of the next panels, or what follows of the first.
                let next = if panels.end < slab.end { (abreast, start) } else { (0, end) };
                for r in (0..count).step_by(step) {
                    let rows = self.from + r..(self.from + r + step).min(self.to);
                    for (i, panel) in panels.clone().enumerate() {
                        if is_last && i % E::TOGETHER == 0 {
                            emit.soon(rows.clone(), panel);
                        }
                        let at = (panel - slab.start) * all + r * PANEL;
                        let ahead = match next {
                            (0, depth) => (slab.start + i, depth),
                            (further, depth) => (panel + further, depth),
                        };
                        let unpacked = i * block * PANEL;
                        self.block(panel, unpacked, start..end, rows.clone(), at, fresh, ahead);
                    }
                    if is_last {
                        for panel in panels.clone().step_by(E::TOGETHER) {
                            let (at, len) = ((panel - slab.start) * all, rows.len() * PANEL);
                            let acc = &self.scratch.acc;
                            let first = &acc[at + r * PANEL..][..len];
                            let second =
                                acc.get(at + all + r * PANEL..).and_then(|acc| acc.get(..len));
                            let sums = [first, second.unwrap_or_default()];
                            emit.emit(self.isa, rows.clone(), panel, sums);
                        }
                    }
                }
            }
        }
    }

    /// Whether a panel of weights stays in the nearest cache with all its depth, and all of these panels in
    /// the core's own.
    fn is_near(&self, panels: &Range<usize>) -> bool {
        let bytes = match (self.rows.compute(), &self.w.data) {
            (Compute::Bf16, Data::Bf16(_)) => 2,
            (Compute::Int8, _) => 1,
            _ => return false,
        };
        let panel = self.depth * PANEL * bytes;
        panel <= NEAREST && panels.len() * panel <= NEAR && self.isa == Isa::Amx
    }

    /// A block of rows times all panels and then the next one, so that whole rows of the result and of
    /// what is added to it come and go together.
    fn by_rows<E: Emit>(&mut self, panels: Range<usize>, emit: &E) {
        let (count, all) = (self.to - self.from, OVERHANG * PANEL);
        self.scratch.acc.grow(E::TOGETHER * all);
        self.scratch.whole.grow(E::TOGETHER * all);
        gemm::part(self.segments, 0, self.depth, &mut self.scratch.part);
        for r in (0..count).step_by(OVERHANG) {
            let rows = self.from + r..(self.from + r + OVERHANG).min(self.to);
            for panel in panels.clone().step_by(E::TOGETHER) {
                emit.soon(rows.clone(), panel);
                for one in 0..E::TOGETHER {
                    let at = one * all;
                    let ahead = (panel + E::TOGETHER + one, 0);
                    self.block(panel + one, 0, 0..self.depth, rows.clone(), at, true, ahead);
                }
                let len = rows.len() * PANEL;
                let first = &self.scratch.acc[..len];
                let second = self.scratch.acc.get(all..all + len).unwrap_or_default();
                emit.emit(self.isa, rows.clone(), panel, [first, second]);
            }
        }
    }

    /// Brings a block of weights into the form in which it is multiplied, where it is not.
    fn unpack(&mut self, panel: usize, at: usize, start: usize, end: usize) {
        let size = (end - start) * PANEL;
        match (self.rows.compute(), &self.w.data) {
            (Compute::F32, Data::F32(_)) | (Compute::Bf16, Data::Bf16(_)) => {}
            (Compute::F32, _) => {
                let padded = end.next_multiple_of(2).min(self.w.depth);
                let size = (padded - start) * PANEL;
                self.scratch.floats.grow_keeping(at + size);
                self.w.unpack_f32(
                    self.isa,
                    panel,
                    start,
                    padded,
                    &mut self.scratch.floats[at..at + size],
                );
            }
            (Compute::Bf16, _) => {
                self.scratch.halves.grow_keeping(at + size);
                self.w.unpack_bf16(
                    self.isa,
                    panel,
                    start,
                    end,
                    &mut self.scratch.halves[at..at + size],
                );
            }
            (Compute::Int8, _) => {}
        }
    }

    /// Some rows times a block of one panel, which lies from number `unpacked` where it was unpacked,
    /// into sums from number `at`.
    fn block(
        &mut self,
        panel: usize,
        unpacked: usize,
        depth: Range<usize>,
        rows: Range<usize>,
        at: usize,
        fresh: bool,
        ahead: (usize, usize),
    ) {
        let Self { isa, w, from, to, .. } = *self;
        let Scratch { acc, whole, floats, halves, part } = &mut *self.scratch;
        let place = |(panel, depth)| panel * gemm::panel_elements(w.depth) + depth * PANEL;
        let base = place((panel, depth.start));
        let count = rows.len();
        debug_assert!(from <= rows.start && rows.end <= to);
        let acc = &mut acc[at..at + count.next_multiple_of(OVERHANG) * PANEL];
        // Blocks of a panel, and panels, follow one another.
        let block = (depth.end - depth.start) * PANEL;
        let share = |bytes: usize| (rows.start - from) / OVERHANG * block * bytes / 8;
        match self.rows.numbers {
            Numbers::F32(data) => {
                let b = match &w.data {
                    Data::F32(v) => v[base..].as_ptr(),
                    _ => floats[unpacked..].as_ptr(),
                };
                let left = self.rows.left(data, rows.start);
                // SAFETY: rows, depth and room were made to fit above and by the callers of `product`.
                unsafe { gemm::f32_block(isa, left, count, part, b, acc.as_mut_ptr(), fresh) }
            }
            Numbers::Bf16(data) => {
                let b = match &w.data {
                    Data::Bf16(v) => v[base..].as_ptr(),
                    _ => halves[unpacked..].as_ptr(),
                };
                let ahead = b
                    .wrapping_sub(base)
                    .wrapping_add(place(ahead))
                    .cast::<u8>()
                    .wrapping_add(share(2));
                let left = self.rows.left(data, rows.start);
                // SAFETY: as above; the rows have their overhang.
                unsafe {
                    gemm::bf16_block(isa, left, count, part, b, acc.as_mut_ptr(), fresh, ahead)
                }
            }
            Numbers::Int8(data, scales) => {
                let Data::Int8 { values, scales: weights, .. } = &w.data else {
                    unreachable!("bytes are multiplied with bytes")
                };
                let whole = &mut whole[at..at + count.next_multiple_of(OVERHANG) * PANEL];
                let b = values[base..].as_ptr();
                let ahead = b
                    .wrapping_sub(base)
                    .wrapping_add(place(ahead))
                    .cast::<u8>()
                    .wrapping_add(share(1));
                let left = self.rows.left(data, rows.start);
                // SAFETY: as above; the rows have their overhang.
                unsafe {
                    gemm::int8_block(isa, left, count, part, b, whole.as_mut_ptr(), fresh, ahead)
                }
                if depth.end == self.depth {
                    let first = panel * PANEL;
                    let weights = &weights[first..(first + PANEL).min(w.n)];
                    let first = rows.start - self.rows.first;
                    scaled(isa, whole, &scales[first..first + count], weights, acc);
                }
            }
        }
    }
}

#[inline(always)]
fn scaled_body<M: Math>(whole: &[i32], scales: &[f32], weights: &[f32], out: &mut [f32]) {
    let mut all = [0f32; PANEL];
    all[..weights.len()].copy_from_slice(weights);
    let lines = whole.chunks_exact(PANEL).zip(out.chunks_exact_mut(PANEL));
    for ((whole, out), scale) in lines.zip(scales) {
        for i in 0..PANEL {
            out[i] = whole[i] as f32 * (scale * all[i]);
        }
    }
}

per_isa! {
    /// Whole sums [rows][32] to numbers: a scale for each row and one for each column.
    fn scaled(whole: &[i32], scales: &[f32], weights: &[f32], out: &mut [f32]) = scaled_body
}
