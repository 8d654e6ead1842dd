//! The course of a measurement: how far it has come, how much time is left, and whether somebody asked to stop.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use crate::{Error, Result};

/// All of a measurement takes no longer; a last step may run a little over what is left.
const LONGEST: Duration = Duration::from_millis(9500);

pub(super) struct Course<'a> {
    began: Instant,
    cancel: &'a AtomicBool,
    progress: &'a mut dyn FnMut(f32),
    steps: usize,
    done: usize,
}

impl<'a> Course<'a> {
    pub fn new(cancel: &'a AtomicBool, progress: &'a mut dyn FnMut(f32)) -> Self {
        progress(0.0);
        Self {
            began: Instant::now(),
            cancel,
            progress,
            steps: 0,
            done: 0,
        }
    }

    /// So many more steps are ahead.
    pub fn expect(&mut self, steps: usize) {
        self.steps += steps;
    }

    /// A step is done.
    pub fn step(&mut self) -> Result<()> {
        self.done += 1;
        let fraction = self.done as f32 / self.steps.max(self.done) as f32;
        (self.progress)(fraction);
        self.check()
    }

    /// All that is done is done.
    pub fn finish(self) {
        if self.done < self.steps {
            (self.progress)(1.0);
        }
    }

    pub fn check(&self) -> Result<()> {
        match self.cancel.load(Ordering::Relaxed) {
            true => Err(Error::Cancelled),
            false => Ok(()),
        }
    }

    pub fn left(&self) -> Duration {
        LONGEST.saturating_sub(self.began.elapsed())
    }

    /// Seconds that a quarter of the runs within about `window` stay below: neither a moment in which something else
    /// ran nor a lucky one. The first run only warms the caches, unless it takes the window by itself; then another
    /// follows while there is time, since it may be that something else ran.
    pub fn time(&self, window: Duration, mut run: impl FnMut() -> Result<()>) -> Result<f64> {
        let began = Instant::now();
        let mut times = Vec::new();
        for n in 0.. {
            self.check()?;
            let start = Instant::now();
            run()?;
            let over = began.elapsed() >= window;
            if n > 0 || over {
                times.push(start.elapsed().as_secs_f64());
            }
            if over && (times.len() > 1 || self.left().is_zero()) {
                break;
            }
        }
        times.sort_by(f64::total_cmp);
        // A clock that is too coarse must not make a rate infinite.
        Ok(times[times.len() / 4].max(1e-9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_grows_from_zero_to_one() -> Result<()> {
        let mut seen = Vec::new();
        let cancel = AtomicBool::new(false);
        let mut progress = |fraction| seen.push(fraction);
        let mut course = Course::new(&cancel, &mut progress);
        course.expect(4);
        (0..4).try_for_each(|_| course.step())?;
        assert_eq!(seen, [0.0, 0.25, 0.5, 0.75, 1.0]);
        Ok(())
    }

    #[test]
    fn a_run_that_is_cancelled_does_not_begin_again() {
        let cancel = AtomicBool::new(false);
        let mut ignore = |_| {};
        let course = Course::new(&cancel, &mut ignore);
        let mut runs = 0;
        let result = course.time(LONGEST, || {
            runs += 1;
            cancel.store(true, Ordering::Relaxed);
            Ok(())
        });
        assert!(matches!(result, Err(Error::Cancelled)));
        assert_eq!(runs, 1);
    }

    #[test]
    fn two_runs_are_enough_where_one_takes_all_the_time() -> Result<()> {
        let cancel = AtomicBool::new(false);
        let mut ignore = |_| {};
        let course = Course::new(&cancel, &mut ignore);
        let mut runs = 0;
        let seconds = course.time(Duration::ZERO, || {
            runs += 1;
            Ok(())
        })?;
        assert_eq!(runs, 2);
        assert!(seconds > 0.0 && seconds.is_finite());
        Ok(())
    }
}
