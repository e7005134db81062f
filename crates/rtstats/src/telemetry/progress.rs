//! Progress of long work: a bar on a terminal, log lines elsewhere; short work shows nothing.

use std::{
    io::{self, IsTerminal},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work shorter than this shows no bar.
const SHOWN_AFTER: Duration = Duration::from_millis(300);

/// Time between two log lines of progress.
const LOGGED_EVERY: Duration = Duration::from_secs(5);

const BAR: &str = "{msg} [{wide_bar}] {human_pos} of {human_len}, {eta} left";

/// Bars that stand on the terminal now.
static SHOWN: AtomicUsize = AtomicUsize::new(0);

/// Whether a bar stands on the terminal, so that a log line must clear its line first.
pub(super) fn is_shown() -> bool {
    SHOWN.load(Relaxed) > 0
}

/// The progress of one piece of work; its end is told by dropping it.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    total: u64,
    done: AtomicU64,
    started: Instant,
    display: Display,
}

#[derive(Debug)]
enum Display {
    Bar { bar: ProgressBar, shown: AtomicUsize },
    Log { next: Mutex<Instant> },
}

impl Progress {
    /// Work of `total` steps begins; `what` says what is being done, as in "replaying the log (events)".
    pub fn start(what: &'static str, total: u64) -> Progress {
        Progress::on(io::stderr().is_terminal(), what, total)
    }

    fn on(terminal: bool, what: &'static str, total: u64) -> Progress {
        let started = Instant::now();
        let display = if terminal {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
            // The template is a constant that the test below reads; a plain bar is the worst case.
            let style = ProgressStyle::with_template(BAR);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message(what);
            Display::Bar { bar, shown: AtomicUsize::new(0) }
        } else {
            Display::Log { next: Mutex::new(started + LOGGED_EVERY) }
        };
        Progress { what, total, done: AtomicU64::new(0), started, display }
    }

    /// Some steps more are done. Cheap; may be called by several threads.
    pub fn advance(&self, steps: u64) {
        let done = self.done.fetch_add(steps, Relaxed) + steps;
        match &self.display {
            Display::Bar { bar, shown } => {
                bar.inc(steps);
                if self.started.elapsed() >= SHOWN_AFTER && shown.swap(1, Relaxed) == 0 {
                    SHOWN.fetch_add(1, Relaxed);
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                }
            }
            Display::Log { next } => {
                // Who doesn't get the lock leaves the line to the one who has it.
                let Ok(mut next) = next.try_lock() else { return };
                let now = Instant::now();
                if now >= *next {
                    *next = now + LOGGED_EVERY;
                    tracing::info!(done, total = self.total, "{}", self.what);
                }
            }
        }
    }

    /// Steps done so far.
    pub fn done(&self) -> u64 {
        self.done.load(Relaxed)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        match &self.display {
            Display::Bar { bar, shown } => {
                bar.finish_and_clear();
                if shown.load(Relaxed) > 0 {
                    SHOWN.fetch_sub(1, Relaxed);
                }
            }
            Display::Log { next } => {
                // Only work that was long enough to be told about has an end to tell.
                let next = next.lock().unwrap_or_else(PoisonError::into_inner);
                if *next <= self.started + LOGGED_EVERY {
                    return;
                }
            }
        }
        if took >= SHOWN_AFTER {
            let (done, seconds) = (HumanCount(self.done()), took.as_secs_f64());
            tracing::info!("{}: {done} in {seconds:.1} s", self.what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_of_the_bar_is_understood() {
        assert!(ProgressStyle::with_template(BAR).is_ok());
    }

    #[test]
    fn steps_of_several_threads_add_up() {
        for terminal in [false, true] {
            let progress = Progress::on(terminal, "counting", 4_000);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| (0..1_000).for_each(|_| progress.advance(1)));
                }
            });
            assert_eq!(progress.done(), 4_000);
        }
    }
}
