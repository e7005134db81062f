//! A simulation of journal, engines and documents on a disk that fails, fills up, dies and loses power: seeded, and driven by
//! one thread that says what happens next.
//!
//! The parts are those of the server: the journal's writer and its chores, a shard's worker with recovery and snapshots, and
//! the board. Only their threads are missing: the driver takes each step for them, in an order that the seed gives, and the
//! clock is the driver's. After every life of the machine what the journal holds is compared with what it has said, and every
//! document with a fresh replay of the same events.

mod driver;
mod life;
mod traffic;

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use driver::Run;

/// Runs of the short form, with all the tests.
const RUNS: u64 = 200;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn runs_on_failing_disks_lose_nothing_and_show_nothing_wrong() {
    let (runs, first) = (number("RTSTATS_SIM_RUNS", RUNS), number("RTSTATS_SEED", 1));
    let begun = Instant::now();
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let seeds = |thread: u64| (first + thread..first + runs).step_by(threads as usize);
    let mut tally = BTreeMap::<&'static str, u64>::new();
    thread::scope(|scope| {
        // Each run has one thread for all that happens in it; several run beside each other.
        let work =
            |thread| move || seeds(thread).map(|seed| Run::new(seed).live_through()).collect();
        let working: Vec<_> = (0..threads).map(|thread| scope.spawn(work(thread))).collect();
        for thread in working {
            let ended: Vec<driver::Ended> =
                thread.join().expect("a run tells its seed as it fails");
            for (what, count) in ended.into_iter().flat_map(|ended| ended.counts) {
                *tally.entry(what).or_default() += count;
            }
        }
    });
    println!("{runs} runs from seed {first} in {:.1} s: {tally:?}", begun.elapsed().as_secs_f64());
    for what in
        ["lives", "power losses", "kills", "clean stops", "failed groups", "events", "documents"]
    {
        assert!(tally.contains_key(what) || runs < RUNS, "{what} never happened: {tally:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(120) || runs > RUNS, "that is the short form");
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for seed in 1..4 {
        let (one, again) = (Run::new(seed).live_through(), Run::new(seed).live_through());
        for (one, again) in one.steps.iter().zip(&again.steps) {
            assert_eq!(one, again, "seed {seed}");
        }
        assert_eq!(one.steps.len(), again.steps.len(), "seed {seed}");
        assert!(one.steps.len() > 50, "{}", one.steps.len());
    }
}
