//! A fork-join pool. Its threads wait for work by spinning for a moment, since between two products of a model only
//! microseconds pass, and then sleep, so that an idle model costs nothing.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
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
    state: State,
    job: AtomicPtr<Job>,
    stop: AtomicBool,
    asleep: Vec<AtomicBool>,
}

/// One call of `run`. It lives on the caller's stack while anything of it is unclaimed or running.
struct Job {
    work: *const (dyn Fn(usize) + Sync),
    caller: Thread,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Where the current job stands, in one number: which job it is (32 bits), how many of its calls are yet to be
/// claimed (16 bits) and how many workers are inside one (16 bits). Whoever comes first claims a call, so that a
/// thread the system does not run just now keeps nobody waiting.
#[derive(Default)]
struct State(AtomicU64);

impl State {
    const UNCLAIMED: u64 = 1 << 16;

    fn job(state: u64) -> u64 {
        state >> 32
    }

    fn unclaimed(state: u64) -> usize {
        (state >> 16) as u16 as usize
    }

    fn running(state: u64) -> usize {
        state as u16 as usize
    }

    fn load(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// The next job, of `calls` calls.
    fn begin(&self, calls: usize) {
        let job = Self::job(self.load()) + 1;
        self.0
            .store(job << 32 | (calls as u64) << 16, Ordering::SeqCst);
    }

    /// Claims a call and enters it if `running` is 1; which one, counted from the last.
    fn claim(&self, running: u64) -> Option<usize> {
        let claim = |state| (Self::unclaimed(state) > 0).then(|| state - Self::UNCLAIMED + running);
        let state = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, claim);
        state.ok().map(Self::unclaimed)
    }

    /// Leaves a call; whether the job is over.
    fn leave(&self) -> bool {
        Self::over(self.0.fetch_sub(1, Ordering::SeqCst) - 1)
    }

    fn over(state: u64) -> bool {
        Self::unclaimed(state) == 0 && Self::running(state) == 0
    }
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

    /// Calls `work(i)` once for each i below [`count`](Self::count), on as many threads as are free, and returns when
    /// all are done. Calls must not wait for each other. A panic in one of them goes on in the caller. Inside of
    /// `work`, a nested call runs on the thread it is made on.
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
            caller: std::thread::current(),
            panic: Mutex::new(None),
        };
        let (shared, pointer) = (&self.shared, (&raw const job).cast_mut());
        shared.job.store(pointer, Ordering::SeqCst);
        shared.state.begin(self.workers.len());
        self.wake();
        let mut own = inside(|| work(0));
        while let Some(i) = shared.state.claim(0) {
            own = own.and(inside(|| work(i)));
        }
        wait(|| State::over(shared.state.load()));
        let theirs = unpoisoned(&job.panic).take();
        drop(turn);
        if let Some(panic) = own.err().or(theirs) {
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
        self.shared.state.begin(0);
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
            while let Some(call) = self.state.claim(1) {
                self.call(call);
            }
        }
    }

    fn call(&self, call: usize) {
        // SAFETY: a call was claimed and entered, so `run` stored a job, and it waits until the call is left.
        let job = unsafe { &*self.job.load(Ordering::SeqCst) };
        // SAFETY: `work` outlives the job.
        let work = unsafe { &*job.work };
        if let Err(panic) = inside(|| work(call)) {
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
        if !spin(ready) {
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
