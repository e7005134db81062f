//! The order of the log: late events, duplicates, and reads in between (SPEC §4).

use stats::{
    engine::{Engine, Outcome, Reason, Source},
    event::{Event, Kind, Origin},
    zone::Zone,
};

use crate::stage::at_the_desk;

#[test]
fn a_late_event_counts_at_the_last_counted_time() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:30 queued t2 1
        09:00:10 accepted t1 ann
        09:01:00 queue 1: day-avg-wait-time 30
        ",
    );
}

#[test]
fn an_ignored_event_moves_time_on_and_a_duplicate_does_not() {
    at_the_desk(
        "
        09:00:00 queued t1 1 origin=pbx#5
        09:00:20 completed t9 ann origin=pbx#6      ! no-leg
        09:00:50 abandoned t1 origin=pbx#6          ! duplicate
        09:00:50 abandoned t1 origin=pbx#3          ! duplicate
        09:00:10 accepted t1 ann origin=pbx#7
        09:01:00 queue 1: day-avg-wait-time 20, day-abandoned 0, day-accepted 1
        ",
    );
}

#[test]
fn each_source_has_its_own_numbering() {
    at_the_desk(
        "
        09:00:00 queued t1 1 origin=pbx#5
        09:00:01 queued t2 1 origin=crm#5
        09:00:02 queued t3 1
        09:00:03 queued t3 1                        ! already-in-queue
        09:00:04 queue 1: queue-size 3
        ",
    );
}

#[test]
fn a_read_ahead_does_not_move_the_time_at_which_events_count() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:10:00 queue 1: longest-wait-time 600, day-sla-activity 0
        09:00:15 accepted t1 ann
        09:10:00 queue 1: longest-wait-time 0, day-avg-wait-time 15, day-sla-activity 100
        09:10:00 agent ann: day-processing-time 585
        ",
    );
}

#[test]
fn an_event_that_comes_after_the_day_was_read_beyond_it_still_belongs_to_its_own_day() {
    at_the_desk(
        "
        23:59:00 queued t1 1
        2024-06-06T00:00:10Z queue 1: day-queued 0, queue-size 1, thirty-min-queued 1
        23:59:30 accepted t1 ann
        2024-06-06T00:00:10Z queue 1: day-accepted 0, thirty-min-accepted 1, day-avg-wait-time 0
        2024-06-06T00:00:10Z agent ann: day-accepted-count 0, day-processing-time 10, thirty-min-processing-time 40
        ",
    );
}

#[test]
fn the_account_tells_the_gaps_and_duplicates_of_each_source() {
    let mut engine = Engine::new(Zone::named("UTC").unwrap());
    let mut send = |time, source: &'static str, seq| {
        let kind = Kind::GroupRemoved { group: 1 };
        engine.apply(&Event { time, origin: Some(Origin { source: source.into(), seq }), kind })
    };
    for (time, seq) in [(1_000, 3), (900, 4), (2_000, 8), (3_000, 8), (3_000, 1)] {
        let outcome = send(time, "pbx", seq);
        assert_eq!(outcome == Outcome::Duplicate, time == 3_000, "number {seq}");
    }
    send(5_000, "crm", 1);
    let account = engine.account();
    let sources: Vec<_> =
        account.sources().map(|(name, source)| (name.to_string(), source.clone())).collect();
    let crm = Source { seq: 1, last_event: 5_000, missing: 0, duplicates: 0 };
    let pbx = Source { seq: 8, last_event: 2_000, missing: 3, duplicates: 2 };
    assert_eq!(sources, [("crm".to_owned(), crm), ("pbx".to_owned(), pbx)]);
    let ignored: Vec<_> = account.ignored().filter(|(_, count)| *count > 0).collect();
    assert_eq!(ignored, [(Reason::UnknownGroup, 4)]);
    assert_eq!((account.applied, account.duplicates), (0, 2));
    assert_eq!(engine.counted(), Some(5_000));
}
