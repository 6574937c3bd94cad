//! out [m, n] = x [m, k] · Wᵀ, finished.

use std::cell::RefCell;
use std::ops::Range;

use crate::Error;
use crate::aligned::Aligned;
use crate::convert::{to_bf16, to_int8};
use crate::cpu::Isa;
use crate::finish::{Destination, Finish, block};
use crate::gemm::{self, Compute, Left, OVERHANG, Segment};
use crate::matrix::{Data, Matrix, PANEL, check_len};
use crate::norm::LayerNorm;
use crate::pool::{self, Shared, grow};

/// Rows of a task: few enough that they stay in a core's own cache with all their depth.
const TASK_ROWS: usize = 256;
/// Depth of a block in bytes of a row: 32 columns of it fill most of the nearest cache.
const BLOCK_BYTES: usize = 4096;

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
    matmul_after(isa, Before { x, m, norm: None }, w, finish, out)
}

/// The left side of a product, and what is done to it on the way.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// Rows without gaps.
    pub x: &'a [f32],
    /// How many.
    pub m: usize,
    /// A norm of each row.
    pub norm: Option<LayerNorm<'a>>,
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
    before.check(w)?;
    check_len("out", out.len(), &[m, w.n])?;
    finish.check(m, w.n)?;
    if m == 0 {
        return Ok(());
    }
    let tasks = Tasks::of(m, w.panels(), 1);
    let place = Place::rows(m);
    let emit = Finished::new(finish, &place, w.n, out, None);
    before.with_rows(isa, w, |rows, segments| product(isa, rows, &tasks, segments, w, &emit));
    Ok(())
}

impl Before<'_> {
    pub(crate) fn check(&self, w: &Matrix) -> Result<(), Error> {
        check_len("x", self.x.len(), &[self.m, w.k])?;
        self.norm.map_or(Ok(()), |norm| norm.check(w.k))
    }

    /// Runs with the rows in the form in which they are multiplied with `w`, and their depth.
    pub(crate) fn with_rows(&self, isa: Isa, w: &Matrix, run: impl FnOnce(&Rows, &[Segment])) {
        let (k, depth) = (w.k, w.depth);
        let padded = [Segment { offset: 0, len: depth }];
        // Depth past `k` has no weights: the one segment of floats ends where the row does.
        let whole = [Segment { offset: 0, len: k }];
        match (compute(isa, w), self.norm) {
            (Compute::F32, None) => run(&Rows::F32 { data: self.x, stride: k }, &whole),
            (Compute::F32, Some(norm)) => FLOATS.with_borrow_mut(|floats| {
                floats.grow(self.m * k);
                self.each_row(floats, k, k, |_, x, row| norm.row(isa, x, row));
                run(&Rows::F32 { data: floats, stride: k }, &whole);
            }),
            (Compute::Bf16, norm) => HALVES.with_borrow_mut(|halves| {
                let stride = apart(depth, 2);
                halves.grow((self.m + OVERHANG) * stride);
                self.each_row(halves, stride, depth, |_, x, row| {
                    normed(isa, norm, x, |x| to_bf16(isa, x, row));
                    row[k..].fill(0);
                });
                run(&Rows::Bf16 { data: halves, stride }, &padded);
            }),
            (Compute::Int8, norm) => BYTES.with_borrow_mut(|(bytes, scales)| {
                let stride = apart(depth, 1);
                bytes.grow((self.m + OVERHANG) * stride);
                grow(scales, self.m);
                let shared = Shared::new(scales);
                self.each_row(bytes, stride, depth, |r, x, row| {
                    // SAFETY: each row is one task's.
                    let scale = unsafe { shared.part(r, 1) };
                    normed(isa, norm, x, |x| scale[0] = to_int8(isa, x, row));
                    row[k..].fill(0);
                });
                run(&Rows::Int8 { data: bytes, stride, scales }, &padded);
            }),
        }
    }

    /// Fills rows of `depth` that lie `stride` apart from those of x.
    fn each_row<T: Send>(
        &self,
        to: &mut [T],
        stride: usize,
        depth: usize,
        fill: impl Fn(usize, &[f32], &mut [T]) + Sync + Send,
    ) {
        const ROWS: usize = 64;
        let shared = Shared::new(to);
        let k = self.x.len() / self.m;
        pool::for_each(self.m.div_ceil(ROWS), |task| {
            for r in task * ROWS..(task * ROWS + ROWS).min(self.m) {
                // SAFETY: a task alone writes its rows.
                fill(r, &self.x[r * k..(r + 1) * k], unsafe { shared.part(r * stride, depth) });
            }
        });
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
pub(crate) enum Rows<'a> {
    F32 { data: &'a [f32], stride: usize },
    Bf16 { data: &'a [u16], stride: usize },
    Int8 { data: &'a [i8], stride: usize, scales: &'a [f32] },
}

/// What becomes of sums.
pub(crate) trait Emit: Sync {
    /// Panels that are wanted together, 1 or 2.
    const TOGETHER: usize;

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
    pool::for_each(tasks.count(), |task| {
        let (from, to, panels) = tasks.task(task);
        let _begun = gemm::begin(isa);
        SCRATCH.with_borrow_mut(|scratch| {
            let size = (to - from).next_multiple_of(OVERHANG) * PANEL;
            scratch.acc.grow(E::TOGETHER * size);
            for panel in panels.step_by(E::TOGETHER) {
                for one in 0..E::TOGETHER {
                    sums(isa, rows, from, to, segments, w, panel + one, one * size, scratch);
                }
                let first = &scratch.acc[..size];
                let second = scratch.acc.get(size..2 * size).unwrap_or_default();
                emit.emit(isa, from..to, panel, [first, second]);
            }
        });
    });
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
}

impl Emit for Finished<'_> {
    const TOGETHER: usize = 1;

    fn emit(&self, isa: Isa, rows: Range<usize>, panel: usize, [acc, _]: [&[f32]; 2]) {
        let columns = panel * PANEL;
        let width = PANEL.min(self.n - columns);
        let mut moments = [[0f32; PANEL]; 2];
        let to = Destination { place: self.place, n: self.n, out: &self.out };
        let wanted = self.moments.is_some().then_some(&mut moments);
        block(isa, acc, rows.clone(), self.finish, columns, &to, wanted);
        if let Some((parts, each)) = &self.moments {
            let part = rows.start / each * 2 * self.n + columns;
            // SAFETY: as above.
            unsafe {
                parts.part(part, width).copy_from_slice(&moments[0][..width]);
                parts.part(part + self.n, width).copy_from_slice(&moments[1][..width]);
            }
        }
    }
}

/// Where rows of a product go: of every `line` of them the first `width` are kept.
pub(crate) struct Place {
    pub line: usize,
    pub width: usize,
}

impl Place {
    pub(crate) fn rows(m: usize) -> Self {
        Self { line: m, width: m }
    }

    pub(crate) fn of(&self, row: usize) -> Option<usize> {
        let (y, x) = (row / self.line, row % self.line);
        (x < self.width).then(|| y * self.width + x)
    }
}

/// How a product is cut up. It depends on the shape alone, and no cut goes through depth.
pub(crate) struct Tasks {
    m: usize,
    rows: usize,
    panels: usize,
    group: usize,
}

impl Tasks {
    /// Tasks of whole groups of panels that are wanted together.
    pub(crate) fn of(m: usize, panels: usize, together: usize) -> Self {
        let rows = if m <= TASK_ROWS {
            m.next_multiple_of(OVERHANG)
        } else {
            m.div_ceil(m.div_ceil(TASK_ROWS)).next_multiple_of(OVERHANG)
        };
        let blocks = m.div_ceil(rows);
        // Several tasks for each thread, so that one that is held up does not hold up all.
        let groups = (8 * pool::threads()).div_ceil(blocks).clamp(1, panels);
        Self { m, rows, panels, group: panels.div_ceil(groups).next_multiple_of(together) }
    }

    /// Blocks of rows.
    pub(crate) fn blocks(&self) -> usize {
        self.m.div_ceil(self.rows)
    }

    fn count(&self) -> usize {
        self.m.div_ceil(self.rows) * self.panels.div_ceil(self.group)
    }

    /// First and last row, and the panels. Tasks that follow one another share their rows.
    fn task(&self, index: usize) -> (usize, usize, Range<usize>) {
        let groups = self.panels.div_ceil(self.group);
        let (block, group) = (index / groups, index % groups);
        let from = block * self.rows;
        let panels = group * self.group..((group + 1) * self.group).min(self.panels);
        (from, (from + self.rows).min(self.m), panels)
    }
}

#[derive(Default)]
pub(crate) struct Scratch {
    acc: Aligned<f32>,
    whole: Aligned<i32>,
    floats: Aligned<f32>,
    halves: Aligned<u16>,
    segments: Vec<Segment>,
}

thread_local! {
    pub(crate) static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Rows `from..to` times one panel → [to - from][32], from number `at` of the sums
#[allow(clippy::too_many_arguments)]
fn sums(
    isa: Isa,
    rows: &Rows,
    from: usize,
    to: usize,
    segments: &[Segment],
    w: &Matrix,
    panel: usize,
    at: usize,
    scratch: &mut Scratch,
) {
    let count = to - from;
    let padded = count.next_multiple_of(OVERHANG) * PANEL;
    let base = panel * gemm::panel_elements(w.depth);
    let depth: usize = segments.iter().map(|s| s.len).sum();
    let each = |bytes: usize, run: &mut dyn FnMut(usize, usize, bool)| {
        let step = BLOCK_BYTES / bytes;
        for start in (0..depth).step_by(step) {
            run(start, (start + step).min(depth), start == 0);
        }
    };
    match rows {
        Rows::F32 { data, stride } => each(4, &mut |start, end, fresh| {
            gemm::part(segments, start, end, &mut scratch.segments);
            let b = match &w.data {
                Data::F32(v) => v[base + start * PANEL..].as_ptr(),
                _ => {
                    let padded = end.next_multiple_of(2).min(w.depth);
                    let size = (padded - start) * PANEL;
                    scratch.floats.grow(size);
                    w.unpack_f32(panel, start, padded, &mut scratch.floats[..size]);
                    scratch.floats.as_ptr()
                }
            };
            let left = Left { start: data[from * stride..].as_ptr(), stride: *stride };
            // SAFETY: rows, depth and room were made to fit above and by the callers of `product`.
            unsafe {
                gemm::f32_block(
                    isa,
                    left,
                    count,
                    &scratch.segments,
                    b,
                    scratch.acc[at..].as_mut_ptr(),
                    fresh,
                )
            }
        }),
        Rows::Bf16 { data, stride } => each(2, &mut |start, end, fresh| {
            gemm::part(segments, start, end, &mut scratch.segments);
            let b = match &w.data {
                Data::Bf16(v) => v[base + start * PANEL..].as_ptr(),
                _ => {
                    let size = (end - start) * PANEL;
                    scratch.halves.grow(size);
                    w.unpack_bf16(panel, start, end, &mut scratch.halves[..size]);
                    scratch.halves.as_ptr()
                }
            };
            let left = Left { start: data[from * stride..].as_ptr(), stride: *stride };
            // SAFETY: as above; the rows have their overhang.
            unsafe {
                gemm::bf16_block(
                    isa,
                    left,
                    count,
                    &scratch.segments,
                    b,
                    scratch.acc[at..].as_mut_ptr(),
                    fresh,
                )
            }
        }),
        Rows::Int8 { data, stride, scales } => {
            let Data::Int8 { values, scales: weights, .. } = &w.data else {
                unreachable!("bytes are multiplied with bytes")
            };
            scratch.whole.grow(padded);
            each(1, &mut |start, end, fresh| {
                gemm::part(segments, start, end, &mut scratch.segments);
                let left = Left { start: data[from * stride..].as_ptr(), stride: *stride };
                let b = values[base + start * PANEL..].as_ptr();
                // SAFETY: as above; the rows have their overhang.
                unsafe {
                    gemm::int8_block(
                        isa,
                        left,
                        count,
                        &scratch.segments,
                        b,
                        scratch.whole.as_mut_ptr(),
                        fresh,
                    )
                }
            });
            let first = panel * PANEL;
            let weights = &weights[first..(first + PANEL).min(w.n)];
            for r in 0..count {
                for (c, weight) in weights.iter().enumerate() {
                    scratch.acc[at + r * PANEL + c] =
                        scratch.whole[r * PANEL + c] as f32 * (scales[from + r] * weight);
                }
            }
        }
    }
}

thread_local! {
    static FLOATS: RefCell<Aligned<f32>> = RefCell::default();
    static ROW: RefCell<Vec<f32>> = RefCell::default();
    static HALVES: RefCell<Aligned<u16>> = RefCell::default();
    static BYTES: RefCell<(Aligned<i8>, Vec<f32>)> = RefCell::default();
}

/// The stride of rows of `bytes` bytes: rows a multiple of 1 KiB apart would all fall into the same few
/// places of the nearest cache.
pub(crate) fn apart(elements: usize, bytes: usize) -> usize {
    if (elements * bytes).is_multiple_of(1024) { elements + 64 / bytes } else { elements }
}
