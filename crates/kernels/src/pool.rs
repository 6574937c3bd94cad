//! The one pool of threads: as many as there are cores, since a second thread on a core only takes
//! the first one's vector unit.

use std::sync::OnceLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

static THREADS: OnceLock<usize> = OnceLock::new();

/// Sets the number of threads before the first kernel runs; later it has no effect and gives false.
pub fn set_threads(threads: usize) -> bool {
    THREADS.set(threads.max(1)).is_ok()
}

/// How many threads there are.
pub fn threads() -> usize {
    *THREADS.get_or_init(|| num_cpus::get_physical().max(1))
}

fn pool() -> Option<&'static ThreadPool> {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    POOL.get_or_init(|| {
        let builder = ThreadPoolBuilder::new().num_threads(threads());
        builder.thread_name(|i| format!("kernel {i}")).build().ok()
    })
    .as_ref()
}

/// Runs `work` for each number below `tasks`, on all threads. Which thread runs which task has no
/// bearing on what it computes.
pub fn for_each(tasks: usize, work: impl Fn(usize) + Sync + Send) {
    use rayon::prelude::*;
    let one = tasks <= 1 || threads() == 1;
    match pool() {
        Some(pool) if !one => {
            pool.install(|| (0..tasks).into_par_iter().with_max_len(1).for_each(work))
        }
        _ => (0..tasks).for_each(work),
    }
}

/// A slice that tasks write disjoint parts of.
pub(crate) struct Shared<T> {
    start: *mut T,
    len: usize,
}

// SAFETY: every use goes through `part`, whose callers promise disjoint ranges.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(crate) fn new(slice: &mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len() }
    }

    /// That two lines' worth of numbers from `start` will be written: it may be fetched meanwhile.
    pub(crate) fn soon(&self, start: usize) {
        for at in [start, start + 64 / size_of::<T>()] {
            if at < self.len {
                touch::<true, T>(self.start.wrapping_add(at));
            }
        }
    }

    /// `len` elements from `start`.
    ///
    /// # Safety
    /// No two parts that are alive at once may overlap, and none may outlive the slice.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn part(&self, start: usize, len: usize) -> &mut [T] {
        assert!(start <= self.len && len <= self.len - start, "a part beyond the slice");
        // SAFETY: inside the slice by the check above, and disjoint by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }
}

/// That two lines' worth of numbers from `start` will be read.
pub(crate) fn soon<T>(slice: &[T], start: usize) {
    for at in [start, start + 64 / size_of::<T>()] {
        if at < slice.len() {
            touch::<false, T>(slice.as_ptr().wrapping_add(at));
        }
    }
}

/// Asks for a line of memory, to read or to write.
fn touch<const WRITE: bool, T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_ET0, _MM_HINT_T0, _mm_prefetch};
        // SAFETY: asking for memory has no effect that a program could see, wherever it points.
        unsafe {
            match WRITE {
                true => _mm_prefetch::<_MM_HINT_ET0>(at.cast()),
                false => _mm_prefetch::<_MM_HINT_T0>(at.cast()),
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Makes a thread's buffer at least `len` long. What is in it stays: nobody reads what nobody wrote.
pub(crate) fn grow<T: Copy + Default>(buffer: &mut Vec<T>, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
}
