//! The engine against a slow, obviously right model, on random logs: every figure of every document, every outcome,
//! at random instants, with snapshots in the middle.
//!
//! `RTSTATS_CASES` sets how many logs are tried and `RTSTATS_SEED` the seed from which they are drawn. A failure is
//! told with the seed of its log and with the shortest log found that still shows it.

#![allow(clippy::unwrap_used, reason = "a test ends where its own assumption does not hold")]

mod dice;
mod figures;
mod invariants;
mod log;
mod present;
mod slow;
mod statuses;
mod transactions;
mod trial;

use proptest::{
    prelude::{Just, Strategy, any},
    prop_oneof,
    test_runner::{Config, RngSeed, TestCaseError, TestRunner},
};

use log::Case;
use trial::Trial;

/// Tries random cases; each fails with its minimal log.
fn on_random_logs(cases: u32, len: impl Strategy<Value = usize>, check: fn(&Case) -> Trial) {
    let setting = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let config = Config {
        cases: setting("RTSTATS_CASES").map_or(cases, |cases| cases as u32),
        rng_seed: RngSeed::Fixed(setting("RTSTATS_SEED").unwrap_or(20_240_331)),
        failure_persistence: None,
        ..Config::default()
    };
    let seeds = any::<u64>().no_shrink();
    let tried = TestRunner::new(config).run(&(seeds, len.no_shrink()), |(seed, len)| {
        let case = log::case(seed, len);
        match trial::run(check, &case) {
            Ok(()) => Ok(()),
            Err(_) => Err(TestCaseError::fail(trial::minimal(check, case))),
        }
    });
    if let Err(failure) = tried {
        panic!("{failure}");
    }
}

#[test]
fn the_engine_and_the_model_agree_on_every_figure_and_outcome() {
    let len = prop_oneof![3 => Just(150_usize), 3 => Just(600), 2 => Just(3_000)];
    on_random_logs(1_500, len, trial::engine_equals_model);
}

#[test]
fn they_agree_when_half_an_hour_holds_thousands_of_events() {
    on_random_logs(20, Just(12_000), trial::engine_equals_model);
}

#[test]
fn what_the_specification_promises_of_the_figures_holds() {
    on_random_logs(300, Just(600), invariants::hold);
}

#[test]
fn with_one_transaction_at_a_time_status_2_lasts_as_long_as_processing() {
    on_random_logs(300, Just(900), invariants::processing_is_status_2);
}

#[test]
fn an_event_is_read_from_its_line_as_it_was() {
    on_random_logs(100, Just(600), trial::lines_say_what_events_say);
}

#[test]
fn the_present_state_as_events_leads_to_the_same_present() {
    let len = prop_oneof![4 => Just(60_usize), 3 => Just(300), 1 => Just(1_500)];
    on_random_logs(1_000, len, present::leads_to_the_same_present);
}
