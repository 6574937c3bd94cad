//! Memory that begins where a cache line does. A tile or a wide vector that straddles two lines costs
//! two loads: products of tiles run at a third of their speed from memory that is off by 16 bytes, and
//! that is where large vectors begin.
//!
//! What is large asks for large pages: the system then hands it out 2 MiB at a time and not 4 KiB, which
//! is several times as fast, and the processor finds it with fewer looks into its tables.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line.
const LINE: usize = 64;

/// Numbers that begin on a cache line.
#[derive(Debug)]
pub struct Aligned<T> {
    whole: Vec<T>,
    start: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// `len` zeros.
    pub fn new(len: usize) -> Self {
        let whole = vec![T::default(); len + LINE / size_of::<T>()];
        ask_for_large_pages(&whole);
        let start = whole.as_ptr().align_offset(LINE).min(LINE / size_of::<T>());
        let mut aligned = Self { whole, start };
        aligned.whole.truncate(start + len);
        aligned
    }

    /// Makes it at least `len` long; what is in it may be lost.
    pub(crate) fn grow(&mut self, len: usize) {
        if self.len() < len {
            // The old one goes first, so that there are never two.
            *self = Self::default();
            *self = Self::new(len);
        }
    }

    /// Makes it at least `len` long with what is in it.
    pub(crate) fn grow_keeping(&mut self, len: usize) {
        if self.len() < len {
            let mut longer = Self::new(len);
            longer[..self.len()].copy_from_slice(self);
            *self = longer;
        }
    }
}

/// Asks for large pages where whole ones lie in `memory`, which nobody has written to yet. Where there are
/// none it stays as it is.
fn ask_for_large_pages<T>(memory: &[T]) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 2 << 20;
        let bytes = memory.as_ptr_range();
        let start = bytes.start.addr().next_multiple_of(PAGE);
        let end = bytes.end.addr() / PAGE * PAGE;
        if start < end {
            // SAFETY: the pages lie in memory that is ours, and what they hold does not change.
            unsafe {
                let first = bytes.start.cast::<libc::c_void>().cast_mut();
                let first = first.byte_add(start - bytes.start.addr());
                libc::madvise(first, end - start, libc::MADV_HUGEPAGE);
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Self { whole: Vec::new(), start: 0 }
    }
}

impl<T: Copy + Default> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.len());
        copy.copy_from_slice(self);
        copy
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.whole[self.start..]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.whole[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_begins_on_a_line_and_stays_there() {
        for len in [0, 1, 33, 100_000] {
            let mut numbers = Aligned::<u16>::new(len);
            assert_eq!(numbers.len(), len);
            numbers.fill(7);
            let copy = numbers.clone();
            assert_eq!(*copy, *numbers);
            numbers.grow(len + 5);
            for one in [&numbers, &copy] {
                assert!(one.is_empty() || one.as_ptr().addr().is_multiple_of(LINE));
            }
        }
    }
}
