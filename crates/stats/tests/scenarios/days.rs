//! Local days: where they begin, how long they are, and what each figure takes over (SPEC §3).

use crate::stage::{at_the_desk, play};

#[test]
fn a_day_begins_with_nothing_and_goes_on_with_what_lasts() {
    at_the_desk(
        "
        23:50:00 queued t1 1
        23:50:00 queued t2 1
        23:50:10 accepted t1 ann
        2024-06-06T00:00:00Z queue 1: day-queued 0, day-accepted 0, queue-size 1, longest-wait-time 600
        2024-06-06T00:00:00Z agent ann: day-accepted-count 0, day-login-time 0, day-processing-time 0
        2024-06-06T00:01:00Z agent ann: day-login-time 60, day-processing-time 60, time-in-status 650
        2024-06-06T00:01:00Z released t1 ann
        2024-06-06T00:01:00Z agent ann: day-avg-processing-time 0, thirty-min-accepted-count 1
        2024-06-06T00:01:00Z abandoned t2
        2024-06-06T00:01:00Z queue 1: day-abandoned 1, day-avg-wait-time 0, thirty-min-avg-wait-time 335
        ",
    );
}

/// An agent who is available all along has been so for the whole length of the day at its last millisecond.
fn lasts(zone: &str, from: &str, last: &str, next: &str, seconds: u32) {
    let all_but_a_moment = seconds - 1;
    play(&format!(
        "
        zone {zone}
        2000-01-01T00:00:00Z configure-agent ann
        2000-01-01T00:00:00Z status ann available
        {from} agent ann: day-login-time 0
        {last} agent ann: day-login-time {all_but_a_moment}, day-available-time {all_but_a_moment}
        {next} agent ann: day-login-time 0
        "
    ));
}

#[test]
fn a_day_may_have_23_hours() {
    let (from, last, next) =
        ("2024-03-30T23:00:00Z", "2024-03-31T21:59:59.999Z", "2024-03-31T22:00:00Z");
    lasts("Europe/Berlin", from, last, next, 23 * 3_600);
}

#[test]
fn a_day_may_have_25_hours() {
    let (from, last, next) =
        ("2024-10-26T22:00:00Z", "2024-10-27T22:59:59.999Z", "2024-10-27T23:00:00Z");
    lasts("Europe/Berlin", from, last, next, 25 * 3_600);
}

#[test]
fn a_day_may_have_23_and_a_half_hours() {
    let (from, last, next) =
        ("2024-10-05T13:30:00Z", "2024-10-06T12:59:59.999Z", "2024-10-06T13:00:00Z");
    lasts("Australia/Lord_Howe", from, last, next, 23 * 3_600 + 1_800);
}

#[test]
fn a_day_may_have_24_and_a_half_hours() {
    let (from, last, next) =
        ("2024-04-06T13:00:00Z", "2024-04-07T13:29:59.999Z", "2024-04-07T13:30:00Z");
    lasts("Australia/Lord_Howe", from, last, next, 24 * 3_600 + 1_800);
}

#[test]
fn a_day_may_have_no_midnight() {
    let (from, last, next) =
        ("2018-11-04T03:00:00Z", "2018-11-05T01:59:59.999Z", "2018-11-05T02:00:00Z");
    lasts("America/Sao_Paulo", from, last, next, 23 * 3_600);
}

#[test]
fn a_date_may_not_exist() {
    let (from, last, next) =
        ("2011-12-29T10:00:00Z", "2011-12-30T09:59:59.999Z", "2011-12-30T10:00:00Z");
    lasts("Pacific/Apia", from, last, next, 24 * 3_600);
}

#[test]
fn a_date_that_comes_back_goes_on_from_its_first_instant() {
    // At 00:01 on 7 November 2010 the clocks were set back to 23:01 on the 6th.
    play(
        "
        zone America/St_Johns
        2010-11-06T12:00:00Z configure-queue 1 phone
        2010-11-07T02:29:59Z queued t1 1
        2010-11-07T02:29:59Z queue 1: day-queued 1
        2010-11-07T02:30:30Z queued t2 1
        2010-11-07T02:30:30Z queue 1: day-queued 1
        2010-11-07T02:31:00Z queue 1: day-queued 2
        2010-11-07T03:00:00Z queued t3 1
        2010-11-07T03:29:59Z queue 1: day-queued 3
        2010-11-07T03:30:00Z queue 1: day-queued 2
        ",
    );
}

#[test]
fn after_days_of_silence_only_what_lasts_counts() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 accepted t1 ann
        2024-06-20T06:00:00Z agent ann: day-login-time 21600, day-processing-time 21600, day-accepted-count 0
        2024-06-20T06:00:00Z agent ann: thirty-min-processing-time 1800, time-in-status 1285200
        2024-06-20T06:00:00Z queue 1: day-queued 0, number-in-progress 1
        2024-06-20T06:00:00Z released t1 ann
        2024-06-20T06:00:00Z queue 1: day-avg-duration 0, thirty-min-avg-duration 0
        ",
    );
}
