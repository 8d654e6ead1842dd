//! A fork-join pool. Its threads wait for work by spinning for a moment, since between two products of a model only
//! microseconds pass, and then sleep, so that an idle model costs nothing.

mod state;

use std::any::Any;
use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use crate::Path;
use crate::activations::Activations;
use crate::attention::Scratch;
use crate::memory::Arena;
use crate::simd::prefetch;
use state::State;

/// How long a thread spins before it sleeps.
const SPIN: Duration = Duration::from_micros(200);

/// Most parts of a sweep; more threads than that share parts.
const PARTS: usize = 64;

/// Bytes that a waiting thread fetches of what it will read next: a part of the second-level cache.
const FETCHED: usize = 384 << 10;

/// Bytes it fetches before it looks again whether there is work.
const FETCHED_AT_ONCE: usize = 512;

thread_local! {
    /// Whether this thread is inside of [`Threads::run`]; a nested run stays on it.
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Persistent threads that work on one thing together, the caller among them.
pub struct Threads {
    path: Path,
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    turn: Mutex<()>,
    arena: Arena,
    activations: Mutex<Vec<Activations>>,
    attention: Mutex<Vec<Scratch>>,
    /// Where each thread begins to read each matrix.
    order: Mutex<Vec<Vec<usize>>>,
}

struct Shared {
    state: State,
    job: AtomicPtr<Job>,
    stop: AtomicBool,
    asleep: Vec<AtomicBool>,
    /// Addresses of what each worker may fetch while it waits; 0 for nothing.
    ahead: Vec<AtomicUsize>,
}

/// One call of `run`. It lives on the caller's stack until everyone who entered it has left.
struct Job {
    work: *const (dyn Fn(usize) + Sync),
    caller: Thread,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Threads {
    /// A pool of `count` threads (at least one), on the best path of this processor.
    pub fn new(count: usize) -> Self {
        Self::on(Path::best(), count)
    }

    /// A pool whose kernels take a given path; the scalar one where this processor lacks it.
    pub fn on(path: Path, count: usize) -> Self {
        let path = if path.available() { path } else { Path::Scalar };
        let workers = count.clamp(1, 1024) - 1;
        let shared = Arc::new(Shared {
            state: State::default(),
            job: AtomicPtr::new(std::ptr::null_mut()),
            stop: AtomicBool::new(false),
            asleep: (0..workers).map(|_| AtomicBool::new(false)).collect(),
            ahead: (0..workers).map(|_| AtomicUsize::new(0)).collect(),
        });
        // Where the system refuses a thread, the pool is smaller.
        let workers = (0..workers)
            .map_while(|i| {
                let shared = shared.clone();
                std::thread::Builder::new()
                    .name(format!("wick-kernels-{}", i + 1))
                    .spawn(move || shared.serve(i))
                    .ok()
            })
            .collect();
        Threads {
            path,
            shared,
            workers,
            turn: Mutex::new(()),
            arena: Arena::default(),
            activations: Mutex::default(),
            attention: Mutex::default(),
            order: Mutex::default(),
        }
    }

    /// How many threads work, the caller's among them.
    pub fn count(&self) -> usize {
        self.workers.len() + 1
    }

    /// The path its kernels take.
    pub fn path(&self) -> Path {
        self.path
    }

    /// Calls `work(thread)` on the caller, which is thread 0, and on every other thread that comes before the caller is
    /// done; returns when all who came are done. What there is to do must be claimed by whoever comes. A panic in one
    /// of the calls goes on in the caller. Inside of `work`, a nested call runs on the thread it is made on.
    fn run(&self, work: &(dyn Fn(usize) + Sync)) {
        if self.workers.is_empty() || RUNNING.get() {
            return work(0);
        }
        // One job at a time: a second caller waits here.
        let turn = unpoisoned(&self.turn);
        // SAFETY: only the lifetime changes, and nothing uses the pointer once this call returns (see `Job`).
        let work_for_all: *const (dyn Fn(usize) + Sync) = unsafe {
            std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(work)
        };
        let job = Job {
            work: work_for_all,
            caller: std::thread::current(),
            panic: Mutex::new(None),
        };
        let (shared, pointer) = (&self.shared, (&raw const job).cast_mut());
        shared.job.store(pointer, Ordering::SeqCst);
        shared.state.begin();
        self.wake();
        let own = inside(|| work(0));
        shared.state.close();
        wait(|| shared.state.is_empty());
        let theirs = unpoisoned(&job.panic).take();
        drop(turn);
        if let Some(panic) = own.err().or(theirs) {
            resume_unwind(panic);
        }
    }

    /// Calls `work(i)` for each i below `items`, wherever a thread is free. Which thread computes what must not
    /// matter; that way no core waits for one that other programs slow down.
    pub fn share(&self, items: usize, work: &(dyn Fn(usize) + Sync)) {
        if items <= 1 || self.count() == 1 {
            return (0..items).for_each(work);
        }
        let next = AtomicUsize::new(0);
        self.run(&|_| {
            loop {
                let item = next.fetch_add(1, Ordering::Relaxed);
                if item >= items {
                    return;
                }
                work(item);
            }
        });
    }

    /// Calls `work` for stretches of up to `piece` of the items, which lie one after another in memory. A thread goes
    /// through a part of its own, the one whose beginning it may have [fetched](Self::expect_after), and then helps others.
    pub(crate) fn sweep(&self, items: usize, piece: usize, work: &(dyn Fn(Range<usize>) + Sync)) {
        let parts = self.count().min(PARTS);
        if parts == 1 || items <= piece {
            return work(0..items);
        }
        let next = [const { AtomicUsize::new(0) }; PARTS];
        self.run(&|thread| {
            for part in (0..parts).map(|i| (thread + i) % parts) {
                let range = part_of(items, part, parts);
                loop {
                    let done = next[part].fetch_add(piece, Ordering::Relaxed);
                    let from = range.start + done;
                    if from >= range.end {
                        break;
                    }
                    work(from..range.end.min(from + piece));
                }
            }
        });
    }

    /// Where each thread's part of a [sweep](Self::sweep) over `items` begins.
    pub(crate) fn parts(&self, items: usize) -> impl Iterator<Item = usize> {
        let parts = self.count().min(PARTS);
        (0..parts).map(move |part| part_of(items, part, parts).start)
    }

    /// Puts a matrix, of which each thread will read its part from an address on, at the end of the order in which
    /// matrices are used. Returns its place.
    pub(crate) fn enlist(&self, beginnings: Vec<usize>) -> usize {
        let mut order = unpoisoned(&self.order);
        order.push(beginnings);
        order.len() - 1
    }

    /// Lets threads that have nothing to do fetch the beginning of what they will read of the matrix that follows: while
    /// one thread works between two products, memory is idle otherwise. After the last comes the first.
    pub(crate) fn expect_after(&self, turn: usize) {
        let order = unpoisoned(&self.order);
        let next = order.get(turn + 1).or(order.first());
        let beginnings = next.into_iter().flatten().skip(1);
        for (ahead, beginning) in self.shared.ahead.iter().zip(beginnings) {
            ahead.store(*beginning, Ordering::Relaxed);
        }
    }

    /// Memory for repacked weights.
    pub(crate) fn arena(&self) -> &Arena {
        &self.arena
    }

    /// Lends memory for activations, which is kept between calls.
    pub(crate) fn with_activations<T>(&self, work: impl FnOnce(&mut Activations) -> T) -> T {
        lend(&self.activations, work)
    }

    /// Lends memory for attention, which is kept between calls.
    pub(crate) fn with_attention<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        lend(&self.attention, work)
    }

    fn wake(&self) {
        for (worker, asleep) in self.workers.iter().zip(&self.shared.asleep) {
            if asleep.load(Ordering::SeqCst) {
                worker.thread().unpark();
            }
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.state.begin();
        self.wake();
        for worker in self.workers.drain(..) {
            // A worker catches the panics of its work, so there is nothing to learn here.
            let _ = worker.join();
        }
    }
}

impl Shared {
    /// What worker `i` does all its life.
    fn serve(&self, i: usize) {
        let mut seen = 0;
        loop {
            self.wait_for_job(i, seen);
            seen = State::job(self.state.load());
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            if self.state.enter() {
                self.work(i + 1);
            }
        }
    }

    fn work(&self, thread: usize) {
        // SAFETY: the job was entered, so `run` stored one, and it waits until the job is left.
        let job = unsafe { &*self.job.load(Ordering::SeqCst) };
        // SAFETY: `work` outlives the job.
        let work = unsafe { &*job.work };
        if let Err(panic) = inside(|| work(thread)) {
            unpoisoned(&job.panic).get_or_insert(panic);
        }
        let caller = job.caller.clone();
        // After this the job may be gone.
        if self.state.leave() {
            caller.unpark();
        }
    }

    fn wait_for_job(&self, i: usize, seen: u64) {
        let ready = || State::job(self.state.load()) != seen;
        let mut fetched = 0;
        let mut ahead = 0;
        let spun = spin(|| {
            if fetched < FETCHED {
                if ahead == 0 {
                    ahead = self.ahead[i].swap(0, Ordering::Relaxed);
                }
                if ahead != 0 {
                    for line in (fetched..fetched + FETCHED_AT_ONCE).step_by(64) {
                        prefetch(ahead.wrapping_add(line) as *const u8);
                    }
                    fetched += FETCHED_AT_ONCE;
                }
            }
            ready()
        });
        if !spun {
            // The caller looks at `asleep` after it began a job, so one of the two sees the other.
            self.asleep[i].store(true, Ordering::SeqCst);
            while !ready() {
                std::thread::park();
            }
            self.asleep[i].store(false, Ordering::SeqCst);
        }
    }
}

/// Runs a part of a job, keeping a panic.
fn inside(work: impl FnOnce()) -> std::thread::Result<()> {
    RUNNING.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    RUNNING.set(false);
    result
}

/// Spins, then sleeps until unparked, for as long as it takes.
fn wait(mut ready: impl FnMut() -> bool) {
    if !spin(&mut ready) {
        while !ready() {
            std::thread::park();
        }
    }
}

/// Spins for a moment; whether the condition came true.
fn spin(mut ready: impl FnMut() -> bool) -> bool {
    let mut start = None;
    loop {
        for _ in 0..64 {
            if ready() {
                return true;
            }
            std::hint::spin_loop();
        }
        if start.get_or_insert_with(Instant::now).elapsed() > SPIN {
            return false;
        }
    }
}

/// Part `part` of `items` things shared out to `parts`.
fn part_of(items: usize, part: usize, parts: usize) -> Range<usize> {
    let start = |part: usize| (items as u128 * part as u128 / parts as u128) as usize;
    start(part)..start(part + 1)
}

/// Nothing here leaves a mutex's data half changed, so a panic does not spoil it.
/// Memory that nobody works with now, or fresh memory.
fn lend<M: Default, T>(spare: &Mutex<Vec<M>>, work: impl FnOnce(&mut M) -> T) -> T {
    let mut memory = unpoisoned(spare).pop().unwrap_or_default();
    let result = work(&mut memory);
    unpoisoned(spare).push(memory);
    result
}

pub(crate) fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once() {
        let threads = Threads::new(3);
        for items in [0, 1, 2, 3, 10, 64, 1000] {
            let calls: Vec<AtomicUsize> = (0..items).map(|_| AtomicUsize::new(0)).collect();
            let count = |i: usize| {
                calls[i].fetch_add(1, Ordering::Relaxed);
            };
            threads.share(items, &count);
            threads.sweep(items, 3, &|range| range.for_each(count));
            assert!(calls.iter().all(|c| c.load(Ordering::Relaxed) == 2));
        }
    }

    #[test]
    fn parts_of_a_sweep_follow_each_other() {
        let threads = Threads::new(3);
        assert_eq!(threads.parts(10).collect::<Vec<_>>(), [0, 3, 6]);
        assert_eq!(threads.parts(2).collect::<Vec<_>>(), [0, 0, 1]);
        assert_eq!(part_of(usize::MAX, 2, 3).end, usize::MAX);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        let threads = Threads::new(2);
        for bad in 0..2 {
            let result = catch_unwind(AssertUnwindSafe(|| {
                threads.share(2, &|i| assert_ne!(i, bad, "item {i}"));
            }));
            assert!(result.is_err());
        }
        let done = AtomicUsize::new(0);
        threads.share(2, &|_| {
            done.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(done.into_inner(), 2);
    }

    #[test]
    fn a_nested_run_stays_on_its_thread_and_ends() {
        let threads = Threads::new(2);
        let calls = AtomicUsize::new(0);
        threads.share(2, &|_| {
            threads.share(2, &|_| {
                calls.fetch_add(1, Ordering::Relaxed);
            })
        });
        assert_eq!(calls.into_inner(), 4);
    }

    #[test]
    fn several_callers_take_turns() {
        let threads = Threads::new(2);
        let sum = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        threads.share(10, &|i| {
                            sum.fetch_add(i, Ordering::Relaxed);
                        });
                    }
                });
            }
        });
        assert_eq!(sum.into_inner(), 4 * 200 * 45);
    }

    #[test]
    fn sleeping_threads_wake_for_work() {
        let threads = Threads::new(2);
        while !threads.shared.asleep[0].load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        // Each of the two calls waits for the other, so both threads must come.
        let both = std::sync::Barrier::new(2);
        threads.share(2, &|_| {
            both.wait();
        });
    }
}
