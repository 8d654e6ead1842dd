//! A fork-join pool. Its threads wait for work by spinning for a moment, since between two products of a model only
//! microseconds pass, and then sleep, so that an idle model costs nothing.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use crate::Path;
use crate::activations::Activations;
use crate::memory::Arena;

/// How long a thread spins before it sleeps.
const SPIN: Duration = Duration::from_micros(200);

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
}

struct Shared {
    /// Counts jobs; a change is what workers wait for.
    generation: AtomicUsize,
    job: AtomicPtr<Job>,
    stop: AtomicBool,
    asleep: Vec<AtomicBool>,
}

/// One call of `run`. It lives on the caller's stack until `remaining` is zero.
struct Job {
    work: *const (dyn Fn(usize) + Sync),
    remaining: AtomicUsize,
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
        let workers = count.max(1) - 1;
        let shared = Arc::new(Shared {
            generation: AtomicUsize::new(0),
            job: AtomicPtr::new(std::ptr::null_mut()),
            stop: AtomicBool::new(false),
            asleep: (0..workers).map(|_| AtomicBool::new(false)).collect(),
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

    /// Calls `work(i)` for each i below [`count`](Self::count), each on its own thread, and returns when all are done.
    /// A panic in one of them goes on in the caller. Inside of `work`, a nested call runs on the thread it is made on.
    pub fn run(&self, work: &(dyn Fn(usize) + Sync)) {
        if self.workers.is_empty() || RUNNING.get() {
            return (0..self.count()).for_each(work);
        }
        // One job at a time: a second caller waits here.
        let turn = unpoisoned(&self.turn);
        // SAFETY: only the lifetime changes, and nothing uses the pointer once this call returns (see `Job`).
        let work_for_all: *const (dyn Fn(usize) + Sync) = unsafe {
            std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(work)
        };
        let job = Job {
            work: work_for_all,
            remaining: AtomicUsize::new(self.workers.len()),
            caller: std::thread::current(),
            panic: Mutex::new(None),
        };
        let pointer = (&raw const job).cast_mut();
        self.shared.job.store(pointer, Ordering::Relaxed);
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
        self.wake();
        let own = inside(|| work(0)).err();
        wait(|| job.remaining.load(Ordering::Acquire) == 0);
        let theirs = unpoisoned(&job.panic).take();
        drop(turn);
        if let Some(panic) = own.or(theirs) {
            resume_unwind(panic);
        }
    }

    /// Calls `work(i)` for each i below `items`, wherever a thread is free. Which thread computes what must not
    /// matter; that way no core waits for one that other programs slow down.
    pub(crate) fn share(&self, items: usize, work: &(dyn Fn(usize) + Sync)) {
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

    /// Memory for repacked weights.
    pub(crate) fn arena(&self) -> &Arena {
        &self.arena
    }

    /// Lends memory for quantized activations, which is kept between calls.
    pub(crate) fn with_activations<T>(&self, work: impl FnOnce(&mut Activations) -> T) -> T {
        let mut activations = unpoisoned(&self.activations).pop().unwrap_or_default();
        let result = work(&mut activations);
        unpoisoned(&self.activations).push(activations);
        result
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
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
        self.wake();
        for worker in self.workers.drain(..) {
            // A worker catches the panics of its work, so there is nothing to learn here.
            let _ = worker.join();
        }
    }
}

impl Shared {
    /// What worker `i` (the pool's thread i + 1) does all its life.
    fn serve(&self, i: usize) {
        let mut seen = 0;
        loop {
            self.wait_for_job(i, seen);
            seen += 1;
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            // SAFETY: the generation changed, so `run` stored a job, and it waits until `remaining` is zero.
            let job = unsafe { &*self.job.load(Ordering::Relaxed) };
            // SAFETY: `work` outlives the job.
            let work = unsafe { &*job.work };
            if let Err(panic) = inside(|| work(i + 1)) {
                unpoisoned(&job.panic).get_or_insert(panic);
            }
            let caller = job.caller.clone();
            // After this the job may be gone.
            if job.remaining.fetch_sub(1, Ordering::AcqRel) == 1 {
                caller.unpark();
            }
        }
    }

    fn wait_for_job(&self, i: usize, seen: usize) {
        let ready = || self.generation.load(Ordering::SeqCst) != seen;
        if !spin(ready) {
            // The caller looks at `asleep` after it changed the generation, so one of the two sees the other.
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
fn wait(ready: impl Fn() -> bool) {
    if !spin(&ready) {
        while !ready() {
            std::thread::park();
        }
    }
}

/// Spins for a moment; whether the condition came true.
fn spin(ready: impl Fn() -> bool) -> bool {
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

/// Nothing here leaves a mutex's data half changed, so a panic does not spoil it.
fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_works_once_a_run() {
        let threads = Threads::new(3);
        let calls: Vec<AtomicUsize> = (0..3).map(|_| AtomicUsize::new(0)).collect();
        for _ in 0..1000 {
            threads.run(&|i| {
                calls[i].fetch_add(1, Ordering::Relaxed);
            });
        }
        assert!(calls.iter().all(|c| c.load(Ordering::Relaxed) == 1000));
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        let threads = Threads::new(2);
        for bad in 0..2 {
            let result = catch_unwind(AssertUnwindSafe(|| {
                threads.run(&|i| assert_ne!(i, bad, "thread {i}"));
            }));
            assert!(result.is_err());
        }
        let done = AtomicUsize::new(0);
        threads.run(&|_| {
            done.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(done.into_inner(), 2);
    }

    #[test]
    fn a_nested_run_stays_on_its_thread_and_ends() {
        let threads = Threads::new(2);
        let calls = AtomicUsize::new(0);
        threads.run(&|_| {
            threads.run(&|_| {
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
        let done = AtomicUsize::new(0);
        threads.run(&|_| {
            done.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(done.into_inner(), 2);
    }
}
