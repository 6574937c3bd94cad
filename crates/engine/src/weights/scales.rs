//! What a network's weights take, before any of them is read.

use std::sync::atomic::{AtomicU64, Ordering};

use likeness_kernels::Format;

/// What the matrices of a network take that was built of stand-ins for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weight {
    /// Bytes of all of them in the form in which they are computed with.
    pub bytes: u64,
    /// Bytes of the largest as it is read, which lies beside its packed form while that is made.
    pub beside: u64,
}

impl Weight {
    /// What two networks take that are built one after the other.
    pub fn and(self, other: Self) -> Self {
        let bytes = self.bytes.saturating_add(other.bytes);
        Self { bytes, beside: self.beside.max(other.beside) }
    }

    /// Bytes while they are read.
    pub fn loading(&self) -> u64 {
        self.bytes.saturating_add(self.beside)
    }
}

/// Adds up what is put on it.
pub(super) struct Scales {
    /// Floats stay floats, as on a device other than the processor.
    dense: bool,
    bytes: AtomicU64,
    beside: AtomicU64,
}

/// How a matrix was stored, as far as that tells what reading it takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// As numbers.
    Numbers,
    /// In blocks.
    Blocks,
}

impl Scales {
    pub fn new(dense: bool) -> Self {
        Self { dense, bytes: AtomicU64::new(0), beside: AtomicU64::new(0) }
    }

    /// What has been put on so far.
    pub fn weight(&self) -> Weight {
        Weight {
            bytes: self.bytes.load(Ordering::Relaxed),
            beside: self.beside.load(Ordering::Relaxed),
        }
    }

    /// Puts a matrix of so many numbers on that is packed in `format`.
    pub fn put(&self, count: u64, format: Format, stored: Stored) {
        let times = |bytes: u64| count.saturating_mul(bytes);
        let (bytes, beside) = match (format, stored) {
            // Blocks stay as they are stored.
            (Format::Q8_0, _) => (count / 32 * 34, count / 32 * 34),
            (Format::Q4K, _) => (count / 256 * 144, count / 256 * 144),
            (format, stored) => {
                let packed = match format {
                    Format::Int8 => 1,
                    Format::Bf16 | Format::F16 if !self.dense => 2,
                    _ => 4,
                };
                // Blocks are unpacked by candle, whose numbers are copied twice.
                (times(packed), times(if stored == Stored::Blocks { 12 } else { 4 }))
            }
        };
        self.add(bytes, beside);
    }

    /// Puts a matrix on that stays as it is read.
    pub fn put_table(&self, count: u64, stored: Stored) {
        let unpacked = if stored == Stored::Blocks { 8 } else { 0 };
        self.add(count.saturating_mul(4), count.saturating_mul(unpacked));
    }

    fn add(&self, bytes: u64, beside: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.beside.fetch_max(beside, Ordering::Relaxed);
    }
}
