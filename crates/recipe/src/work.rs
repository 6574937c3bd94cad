//! What was computed, how long it took, and how long it need have taken at least.

use serde::{Deserialize, Serialize};

use crate::names::named;

named! {
    /// A kind of operation.
    WorkKind {
        /// Weights times activations, with what is done on the way out.
        Product = "product",
        /// A product over the neighbours of each pixel, with the norm on the way in.
        Convolution = "convolution",
        /// Everything sees everything: two products with a softmax between them.
        Attention = "attention",
        /// Numbers brought to a common size, also those of heads with their rotation.
        Norm = "norm",
        /// What is done to numbers one by one.
        Elementwise = "elementwise",
        /// All else: samplers, copies, noise, pixels.
        Other = "other",
    }
}

named! {
    /// The format of the numbers that are multiplied. Sums are wider.
    Numbers {
        /// 32-bit floats.
        F32 = "f32",
        /// The upper half of these.
        Bf16 = "bf16",
        /// Whole numbers of 8 bits.
        Int8 = "int8",
    }
}

/// All operations of a kind over numbers of a format.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Of which kind.
    pub kind: WorkKind,
    /// Over which numbers.
    pub numbers: Numbers,
    /// How many.
    pub calls: u32,
    /// How long they took, by the clock.
    pub seconds: f64,
    /// Additions and multiplications; a function such as an exponential counts as one. 0 where they were
    /// not counted.
    pub flop: f64,
    /// Bytes that must have come from memory or gone there if each was moved once. 0 where they were not
    /// counted.
    pub bytes: f64,
}

/// The fastest that a machine computes, as measured with its own kernels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Peak {
    /// Operations a second over 32-bit floats that lie in the nearest cache.
    pub f32: f64,
    /// The same over bf16.
    pub bf16: f64,
    /// The same over whole numbers of 8 bits.
    pub int8: f64,
    /// Bytes a second from and to memory, beyond all caches.
    pub bandwidth: f64,
}

/// What holds an operation back where nothing else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Arithmetic.
    Compute,
    /// Memory.
    Memory,
}

impl Peak {
    /// Operations a second over such numbers.
    pub fn of(&self, numbers: Numbers) -> f64 {
        match numbers {
            Numbers::F32 => self.f32,
            Numbers::Bf16 => self.bf16,
            Numbers::Int8 => self.int8,
        }
    }
}

impl Work {
    /// Seconds that it takes at least on a machine like that, and what holds it there; nothing for work
    /// that was not counted.
    pub fn least(&self, peak: &Peak) -> Option<(f64, Bound)> {
        let (compute, memory) = (self.flop / peak.of(self.numbers), self.bytes / peak.bandwidth);
        let least =
            if compute >= memory { (compute, Bound::Compute) } else { (memory, Bound::Memory) };
        (least.0.is_finite() && least.0 > 0.0).then_some(least)
    }
}

/// A row of a roofline: what a kind of operation took, what it reached, and what it could.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RooflineRow {
    /// Of which kind.
    pub kind: WorkKind,
    /// Over which numbers.
    pub numbers: Numbers,
    /// How many operations.
    pub calls: u32,
    /// How long they took.
    pub seconds: f64,
    /// Of all seconds, from 0 to 1.
    pub share: f64,
    /// Billions of operations a second; none where they were not counted.
    pub gflops: Option<f64>,
    /// Billions of bytes a second; none where they were not counted.
    pub gigabytes: Option<f64>,
    /// Billions of operations a second that the machine could have done: the peak of the format, or
    /// what memory feeds, whichever is less.
    pub limit_gflops: Option<f64>,
    /// What was reached of that. More than 1 where numbers stayed in a cache, which is faster than the
    /// memory that the limit knows.
    pub share_of_limit: Option<f64>,
    /// Which of the two the limit is.
    pub bound: Option<Bound>,
}

/// The rows of some work, the longest first; without limits where the machine has not been measured.
pub fn roofline(work: &[Work], peak: Option<&Peak>) -> Vec<RooflineRow> {
    let total: f64 = work.iter().map(|one| one.seconds).sum();
    let mut rows: Vec<RooflineRow> = work.iter().map(|one| row(one, total, peak)).collect();
    rows.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    rows
}

fn row(work: &Work, total: f64, peak: Option<&Peak>) -> RooflineRow {
    let rate =
        |amount: f64| (amount > 0.0 && work.seconds > 0.0).then(|| amount / work.seconds / 1e9);
    let least = peak.and_then(|peak| work.least(peak));
    RooflineRow {
        kind: work.kind,
        numbers: work.numbers,
        calls: work.calls,
        seconds: work.seconds,
        share: if total > 0.0 { work.seconds / total } else { 0.0 },
        gflops: rate(work.flop),
        gigabytes: rate(work.bytes),
        limit_gflops: least
            .filter(|_| work.flop > 0.0)
            .map(|(seconds, _)| work.flop / seconds / 1e9),
        share_of_limit: least
            .filter(|_| work.seconds > 0.0)
            .map(|(seconds, _)| seconds / work.seconds),
        bound: least.map(|(_, bound)| bound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEAK: Peak = Peak { f32: 100e9, bf16: 1000e9, int8: 2000e9, bandwidth: 10e9 };

    fn work(kind: WorkKind, seconds: f64, flop: f64, bytes: f64) -> Work {
        Work { kind, numbers: Numbers::Bf16, calls: 1, seconds, flop, bytes }
    }

    #[test]
    fn the_limit_is_the_lower_of_arithmetic_and_memory() {
        let all = [
            work(WorkKind::Norm, 1.0, 1e9, 5e9),
            work(WorkKind::Product, 3.0, 1500e9, 1e9),
            work(WorkKind::Other, 0.5, 0.0, 0.0),
        ];
        let rows = roofline(&all, Some(&PEAK));
        let kinds: Vec<_> = rows.iter().map(|row| row.kind).collect();
        assert_eq!(kinds, [WorkKind::Product, WorkKind::Norm, WorkKind::Other], "longest first");
        assert_eq!(rows[0].gflops, Some(500.0));
        assert_eq!((rows[0].limit_gflops, rows[0].share_of_limit), (Some(1000.0), Some(0.5)));
        assert_eq!(rows[0].bound, Some(Bound::Compute));
        assert_eq!((rows[1].limit_gflops, rows[1].share_of_limit), (Some(2.0), Some(0.5)));
        assert_eq!((rows[1].bound, rows[1].gigabytes), (Some(Bound::Memory), Some(5.0)));
        assert_eq!((rows[2].gflops, rows[2].limit_gflops, rows[2].bound), (None, None, None));
        assert!((rows.iter().map(|row| row.share).sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn without_a_measure_of_the_machine_there_is_no_limit() {
        let [row] = roofline(&[work(WorkKind::Product, 0.0, 1.0, 1.0)], None)[..] else { panic!() };
        assert_eq!((row.gflops, row.limit_gflops, row.share), (None, None, 0.0));
    }
}
