//! The record of what is computed: for each kind of operation how often, how long, how much.
//!
//! Every operation of [`ops`](crate::ops) passes through [`timed`], always: that costs two looks at the
//! clock, some fifty nanoseconds beside operations of microseconds to milliseconds. A record is a
//! thread's own, since a picture is led through its networks by one thread. Work on other devices, which
//! goes on after the call that asked for it, is not counted.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use likeness_kernels::{Arithmetic, Convolution, Gated, Heads, Isa, Matrix, Walk};
use likeness_recipe::{Numbers, Work, WorkKind};

/// What an operation has to do at least.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Of which kind it is.
    pub kind: WorkKind,
    /// What it multiplies.
    pub numbers: Numbers,
    /// Additions and multiplications.
    pub flop: f64,
    /// Bytes from and to memory, each number once.
    pub bytes: f64,
}

/// Bytes of numbers.
const FLOAT: f64 = 4.0;

impl Cost {
    /// x [m, inputs] · Wᵀ; with a residual as large as the result.
    pub fn product(m: usize, weights: &Matrix, residual: bool) -> Self {
        let (m, k, n) = (m as f64, weights.inputs() as f64, weights.outputs() as f64);
        let results = if residual { 2.0 } else { 1.0 };
        Self {
            kind: WorkKind::Product,
            numbers: numbers(weights.arithmetic(Isa::get())),
            flop: 2.0 * m * k * n,
            bytes: FLOAT * (m * k + results * m * n) + weights.bytes() as f64,
        }
    }

    /// The same with two halves, of which one gates the other.
    pub fn gated_product(m: usize, weights: &Gated) -> Self {
        let matrix = weights.matrix();
        let (m, k, n) = (m as f64, matrix.inputs() as f64, weights.outputs() as f64);
        Self {
            kind: WorkKind::Product,
            numbers: numbers(matrix.arithmetic(Isa::get())),
            flop: 4.0 * m * k * n,
            bytes: FLOAT * (m * k + m * n) + weights.bytes() as f64,
        }
    }

    /// A convolution, by the products that are computed and not by those that it stands for; with a
    /// residual as large as the result.
    pub fn convolution(weights: &Convolution, walk: &Walk, residual: bool) -> Self {
        let (height, width) = walk.out(weights.side());
        let inputs = weights.inputs() as f64;
        let result = (height * width) as f64 * weights.outputs() as f64;
        let results = if residual { 2.0 } else { 1.0 };
        let picture = (walk.height * walk.width) as f64 * inputs;
        Self {
            kind: WorkKind::Convolution,
            numbers: numbers(weights.arithmetic(Isa::get())),
            flop: 2.0 * result * inputs * weights.products(),
            bytes: FLOAT * (picture + results * result) + weights.bytes() as f64,
        }
    }

    /// Attention of `n` tokens over `keys`.
    pub fn attention(n: usize, keys: usize, heads: Heads) -> Self {
        let (n, keys, width) = (n as f64, keys as f64, (heads.count * heads.size) as f64);
        Self {
            kind: WorkKind::Attention,
            numbers: numbers(heads.arithmetic(Isa::get())),
            flop: 4.0 * n * keys * width,
            bytes: FLOAT * 2.0 * (n + keys) * width,
        }
    }

    /// A layer norm of so many numbers: mean, variance, and what becomes of each.
    pub fn layer_norm(count: usize) -> Self {
        Self::walk(WorkKind::Norm, count, count, 8.0)
    }

    /// The same by root mean square, without a mean.
    pub fn rms_norm(count: usize) -> Self {
        Self::walk(WorkKind::Norm, count, count, 4.0)
    }

    /// The same of heads, which are turned besides.
    pub fn shape_heads(count: usize) -> Self {
        Self::walk(WorkKind::Norm, count, count, 7.0)
    }

    /// The sums of a group norm; what becomes of each number happens on the way into a convolution.
    pub fn moments(count: usize) -> Self {
        Self::walk(WorkKind::Norm, count, 0, 3.0)
    }

    /// One half of numbers gated by the other, `count` results.
    pub fn gated(count: usize) -> Self {
        Self::walk(WorkKind::Elementwise, 2 * count, count, 6.0)
    }

    /// Rows that become shares of 1.
    pub fn softmax(count: usize) -> Self {
        Self::walk(WorkKind::Elementwise, count, count, 4.0)
    }

    /// One pass over floats, with `each` operations for every number that comes out, or else goes in.
    fn walk(kind: WorkKind, read: usize, written: usize, each: f64) -> Self {
        let count = if written > 0 { written } else { read };
        Self {
            kind,
            numbers: Numbers::F32,
            flop: each * count as f64,
            bytes: FLOAT * (read + written) as f64,
        }
    }
}

fn numbers(arithmetic: Arithmetic) -> Numbers {
    match arithmetic {
        Arithmetic::F32 => Numbers::F32,
        Arithmetic::Bf16 => Numbers::Bf16,
        Arithmetic::Int8 => Numbers::Int8,
    }
}

/// Runs an operation and puts it on this thread's record.
pub fn timed<T>(cost: Cost, run: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let out = run();
    let took = started.elapsed();
    RECORD.with_borrow_mut(|record| record.add(&cost, took));
    out
}

/// Does two things on two threads, and puts both on this thread's record, with the time in which they
/// ran side by side shared out among their operations.
pub fn both<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    let started = Instant::now();
    let ((first, one), (second, other)) =
        likeness_kernels::pool::both(|| recorded(first), || recorded(second));
    let share = started.elapsed().as_secs_f64() / (one.took + other.took).as_secs_f64().max(1e-9);
    RECORD.with_borrow_mut(|record| {
        record.take_over(&one.record, share.min(1.0));
        record.take_over(&other.record, share.min(1.0));
    });
    (first, second)
}

/// What something put on the record of the thread that it ran on, and how long it took.
struct Recorded {
    record: Record,
    took: Duration,
}

/// Runs with an empty record, and leaves this thread's as it was.
fn recorded<T>(run: impl FnOnce() -> T) -> (T, Recorded) {
    let before = RECORD.take();
    let started = Instant::now();
    let out = run();
    let took = started.elapsed();
    (out, Recorded { record: RECORD.replace(before), took })
}

thread_local! {
    static RECORD: RefCell<Record> = RefCell::default();
}

/// Sums since the thread began, by kind and numbers.
#[derive(Clone, Default)]
struct Record([[Tally; Numbers::ALL.len()]; WorkKind::ALL.len()]);

#[derive(Clone, Copy, Default)]
struct Tally {
    calls: u32,
    time: Duration,
    flop: f64,
    bytes: f64,
}

impl Record {
    fn add(&mut self, cost: &Cost, took: Duration) {
        let tally = &mut self.0[cost.kind as usize][cost.numbers as usize];
        tally.calls = tally.calls.wrapping_add(1);
        tally.time += took;
        tally.flop += cost.flop;
        tally.bytes += cost.bytes;
    }

    /// Adds another record, with `share` of its time.
    fn take_over(&mut self, other: &Self, share: f64) {
        for (mine, theirs) in self.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            mine.calls = mine.calls.wrapping_add(theirs.calls);
            mine.time += theirs.time.mul_f64(share);
            mine.flop += theirs.flop;
            mine.bytes += theirs.bytes;
        }
    }
}

/// A stretch of this thread's time, from [`Stretch::begin`] to [`Stretch::end`].
pub struct Stretch {
    started: Instant,
    before: Record,
}

impl Stretch {
    /// Begins now.
    pub fn begin() -> Self {
        Self { started: Instant::now(), before: RECORD.with_borrow(Record::clone) }
    }

    /// What was computed since, on this thread, and last a row for all else: together the whole time.
    pub fn end(self) -> Vec<Work> {
        let mut rest = self.started.elapsed();
        let mut work = Vec::new();
        RECORD.with_borrow(|now| {
            for (&kind, (then, now)) in WorkKind::ALL.iter().zip(self.before.0.iter().zip(&now.0)) {
                for (&numbers, (then, now)) in Numbers::ALL.iter().zip(then.iter().zip(now)) {
                    let calls = now.calls.wrapping_sub(then.calls);
                    if calls == 0 {
                        continue;
                    }
                    let time = now.time - then.time;
                    rest = rest.saturating_sub(time);
                    work.push(Work {
                        kind,
                        numbers,
                        calls,
                        seconds: time.as_secs_f64(),
                        flop: now.flop - then.flop,
                        bytes: now.bytes - then.bytes,
                    });
                }
            }
        });
        let (kind, numbers) = (WorkKind::Other, Numbers::F32);
        let seconds = rest.as_secs_f64();
        work.push(Work { kind, numbers, calls: 1, seconds, flop: 0.0, bytes: 0.0 });
        work
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_holds_what_was_done_in_it_and_adds_up() {
        timed(Cost::gated(10), || ());
        let whole = Instant::now();
        let stretch = Stretch::begin();
        for _ in 0..3 {
            timed(Cost::layer_norm(100), || std::thread::sleep(Duration::from_millis(2)));
        }
        std::thread::sleep(Duration::from_millis(2));
        let work = stretch.end();
        let whole = whole.elapsed().as_secs_f64();
        let kinds: Vec<_> = work.iter().map(|one| (one.kind, one.calls)).collect();
        assert_eq!(kinds, [(WorkKind::Norm, 3), (WorkKind::Other, 1)]);
        assert_eq!((work[0].flop, work[0].bytes), (2400.0, 2400.0));
        let sum: f64 = work.iter().map(|one| one.seconds).sum();
        assert!(work[0].seconds >= 0.006 && work[1].seconds >= 0.002 && sum <= whole, "{work:?}");
    }

    #[test]
    fn what_ran_on_two_threads_is_on_the_record_of_the_one_that_asked() {
        let stretch = Stretch::begin();
        let work = || timed(Cost::layer_norm(100), || std::thread::sleep(Duration::from_millis(4)));
        let (one, other) = both(|| (work(), 1).1, || (work(), 2).1);
        assert_eq!((one, other), (1, 2));
        let work = stretch.end();
        assert_eq!((work[0].kind, work[0].calls, work[0].flop), (WorkKind::Norm, 2, 1600.0));
        assert!(work[0].seconds >= 0.0039, "{work:?}");
    }

    #[test]
    fn costs_are_those_of_the_definition() {
        let weights = Matrix::pack(64, 32, likeness_kernels::Format::F32, |_, _| 1.0).unwrap();
        let cost = Cost::product(10, &weights, true);
        assert_eq!(cost.flop, (2 * 10 * 32 * 64) as f64);
        assert_eq!(cost.bytes, (4 * (10 * 32 + 2 * 10 * 64) + weights.bytes()) as f64);
        let conv =
            Convolution::pack(&[0.0; 2 * 3 * 9], 2, 3, 3, likeness_kernels::Format::F32).unwrap();
        let walk = Walk { stride: 2, ..Walk::same(8, 8, 3) };
        assert_eq!(Cost::convolution(&conv, &walk, false).flop, (2 * 16 * 2 * 27) as f64);
        let heads = Heads { count: 2, size: 8, bf16: false };
        let cost = Cost::attention(4, 6, heads);
        assert_eq!((cost.flop, cost.bytes), ((4 * 4 * 6 * 16) as f64, (4 * 2 * 10 * 16) as f64));
    }
}
