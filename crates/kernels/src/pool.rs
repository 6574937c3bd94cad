//! The one pool of threads: as many as there are cores, since a second thread on a core only takes
//! the first one's vector unit.
//!
//! A network is hundreds of short operations one after another, so what counts is how soon the other
//! threads are there. The thread that asks works with them, and helpers watch for the next job a
//! little while before they go to sleep: waking a thread takes longer than many an operation.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How long a helper watches for the next job. Between two operations of a render passes less.
const WATCH: Duration = Duration::from_micros(200);

static THREADS: OnceLock<usize> = OnceLock::new();

/// Sets the number of threads before the first kernel runs; later it has no effect and gives false.
pub fn set_threads(threads: usize) -> bool {
    THREADS.set(threads.max(1)).is_ok()
}

/// How many threads there are.
pub fn threads() -> usize {
    *THREADS.get_or_init(|| num_cpus::get_physical().min(num_cpus::get()).max(1))
}

/// Runs `work` for each number below `tasks`, on all threads. Which thread runs which task has no
/// bearing on what it computes. Inside a task, and while another thread has the pool, the tasks run
/// one after another where they are.
pub fn for_each(tasks: usize, work: impl Fn(usize) + Sync + Send) {
    static CREW: OnceLock<&'static Crew> = OnceLock::new();
    if tasks <= 1 || threads() == 1 {
        return (0..tasks).for_each(work);
    }
    CREW.get_or_init(|| Crew::hire(threads() - 1)).run(tasks, &work);
}

/// Does two things on two threads, and what each asks of the pool on the thread that it is on. For work
/// in steps so small that numbers on their way from core to core take longer than the computing.
pub fn both<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    let one = Mutex::new((Some(first), None));
    let other = Mutex::new((Some(second), None));
    for_each(2, |task| match task {
        0 => answer(&one),
        _ => answer(&other),
    });
    (answered(one), answered(other))
}

fn answer<T>(question: &Mutex<(Option<impl FnOnce() -> T>, Option<T>)>) {
    let asked = question.lock().unwrap_or_else(PoisonError::into_inner).0.take();
    let answer = asked.map(|asked| asked());
    question.lock().unwrap_or_else(PoisonError::into_inner).1 = answer;
}

fn answered<Q, T>(question: Mutex<(Q, Option<T>)>) -> T {
    let answer = question.into_inner().unwrap_or_else(PoisonError::into_inner).1;
    answer.expect("each task is done before the pool is left")
}

/// Threads that wait for a job, and the job.
struct Crew {
    /// The open job: its number, whether it can be joined, and how many helpers are at it.
    state: Line<AtomicU64>,
    /// The next task of it.
    next: Line<AtomicUsize>,
    /// Changed only while nobody can join and nobody is at it.
    job: UnsafeCell<Option<Job>>,
    /// Whose turn it is to give out a job.
    turn: Mutex<()>,
    asleep: AtomicUsize,
    door: Mutex<()>,
    opened: Condvar,
    /// What a task panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// A line of the cache for itself: threads that write to neighbours on one line wait for each other.
#[repr(align(128))]
#[derive(Default)]
struct Line<T>(T);

#[derive(Clone, Copy)]
struct Job {
    tasks: usize,
    /// Lives until the call that gave the job returns, and that waits for all who are at it.
    work: *const (dyn Fn(usize) + Sync),
}

/// Parts of `Crew::state`.
const HELPERS: u64 = (1 << 16) - 1;
const OPEN: u64 = 1 << 16;
const NUMBER: u64 = 1 << 17;

// SAFETY: `job` is written by the one whose turn it is, while the state keeps every other thread from
// reading it; what it points to may be shared between threads.
unsafe impl Sync for Crew {}
// SAFETY: as above.
unsafe impl Send for Crew {}

thread_local! {
    /// Whether this thread is at a task.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

impl Crew {
    /// Starts the helpers. They wait for as long as the program runs.
    fn hire(helpers: usize) -> &'static Self {
        let crew: &'static Self = Box::leak(Box::new(Self {
            state: Line::default(),
            next: Line::default(),
            job: UnsafeCell::new(None),
            turn: Mutex::new(()),
            asleep: AtomicUsize::new(0),
            door: Mutex::new(()),
            opened: Condvar::new(),
            panic: Mutex::new(None),
        }));
        for i in 0..helpers.min(HELPERS as usize) {
            // Without a helper the others do its work.
            let _ =
                std::thread::Builder::new().name(format!("kernel {i}")).spawn(move || crew.help());
        }
        crew
    }

    fn run(&self, tasks: usize, work: &(dyn Fn(usize) + Sync)) {
        let turn = match BUSY.get() {
            true => None,
            false => match self.turn.try_lock() {
                Ok(turn) => Some(turn),
                // Nothing is left in halves by a panic: see below.
                Err(std::sync::TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
                Err(std::sync::TryLockError::WouldBlock) => None,
            },
        };
        let Some(turn) = turn else {
            return (0..tasks).for_each(work);
        };
        let number = self.state.0.load(Ordering::Relaxed) & !(OPEN | HELPERS);
        // SAFETY: only the lifetime changes. The pointer is used by those who join the job, and this
        // function waits for them before it returns.
        let work = unsafe {
            std::mem::transmute::<*const (dyn Fn(usize) + Sync), *const (dyn Fn(usize) + Sync)>(
                work,
            )
        };
        let job = Job { tasks, work };
        // SAFETY: it is this thread's turn; the last job was closed and left by all.
        unsafe { *self.job.get() = Some(job) };
        self.next.0.store(0, Ordering::Relaxed);
        self.state.0.store(number.wrapping_add(NUMBER) | OPEN, Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) > 0 {
            drop(self.door.lock().unwrap_or_else(PoisonError::into_inner));
            self.opened.notify_all();
        }
        self.work_on(job);
        self.state.0.fetch_and(!OPEN, Ordering::AcqRel);
        let mut looks = 0u32;
        while self.state.0.load(Ordering::Acquire) & HELPERS != 0 {
            looks += 1;
            match looks {
                0..10_000 => std::hint::spin_loop(),
                // Somebody else has the helper's core.
                _ => std::thread::yield_now(),
            }
        }
        let panic = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(turn);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Takes tasks until there are none left. A panic ends the job and is kept for the one who gave it.
    fn work_on(&self, job: Job) {
        BUSY.set(true);
        let done = catch_unwind(AssertUnwindSafe(|| {
            loop {
                let task = self.next.0.fetch_add(1, Ordering::Relaxed);
                if task >= job.tasks {
                    break;
                }
                // SAFETY: this thread is at the job, which whoever gave it waits for.
                unsafe { (*job.work)(task) };
            }
        }));
        BUSY.set(false);
        if let Err(panic) = done {
            self.next.0.store(job.tasks, Ordering::Relaxed);
            self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
        }
    }

    /// What a helper does all day.
    fn help(&self) {
        let mut last = 0;
        loop {
            let state = self.watch(last);
            let joined = self.state.0.compare_exchange_weak(
                state,
                state + 1,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            if joined.is_err() {
                continue;
            }
            last = state / NUMBER;
            // SAFETY: this thread has joined an open job, which nobody changes before it leaves.
            if let Some(job) = unsafe { *self.job.get() } {
                self.work_on(job);
            }
            self.state.0.fetch_sub(1, Ordering::Release);
        }
    }

    /// Waits for an open job that is not the one with number `last`.
    fn watch(&self, last: u64) -> u64 {
        let begun = Instant::now();
        let wanted = |state: u64| state & OPEN != 0 && state / NUMBER != last;
        loop {
            for _ in 0..64 {
                let state = self.state.0.load(Ordering::Acquire);
                if wanted(state) {
                    return state;
                }
                std::hint::spin_loop();
            }
            if begun.elapsed() > WATCH {
                break;
            }
        }
        let mut door = self.door.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.fetch_add(1, Ordering::SeqCst);
        loop {
            // After it is known that one sleeps: whoever opens a job now will knock.
            let state = self.state.0.load(Ordering::SeqCst);
            if wanted(state) {
                self.asleep.fetch_sub(1, Ordering::SeqCst);
                return state;
            }
            door = self.opened.wait(door).unwrap_or_else(PoisonError::into_inner);
        }
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

    pub(crate) fn len(&self) -> usize {
        self.len
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

#[cfg(test)]
mod tests {
    use super::*;

    fn count(crew: &Crew, tasks: usize) {
        let done: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
        crew.run(tasks, &|task| {
            done[task].fetch_add(1, Ordering::Relaxed);
        });
        assert!(done.iter().all(|times| times.load(Ordering::Relaxed) == 1));
    }

    #[test]
    fn every_task_is_done_once_by_the_time_it_returns() {
        let crew = Crew::hire(3);
        for round in 0..2_000 {
            count(crew, round % 40);
            if round % 500 == 0 {
                std::thread::sleep(4 * WATCH); // and from sleep
            }
        }
    }

    #[test]
    fn tasks_may_ask_for_the_pool_and_so_may_several_threads() {
        let crew = Crew::hire(2);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        crew.run(5, &|_| count(crew, 7));
                    }
                });
            }
        });
    }

    #[test]
    fn two_things_at_once_each_have_their_answer() {
        for round in 0..200 {
            assert_eq!(both(|| round, || format!("{round}")), (round, round.to_string()));
        }
    }

    #[test]
    fn a_panic_comes_back_to_whoever_asked_and_the_pool_goes_on() {
        let crew = Crew::hire(2);
        for bad in [0, 5, 99] {
            let asked =
                AssertUnwindSafe(|| crew.run(100, &|task| assert!(task != bad, "task {bad}")));
            let said = catch_unwind(asked).expect_err("a task panicked");
            let said = said.downcast_ref::<String>().expect("it says which");
            assert!(said.contains(&format!("task {bad}")), "{said}");
            count(crew, 50);
        }
    }
}
