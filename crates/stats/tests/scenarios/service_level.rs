//! The service level and its target (SPEC §3.2).

use crate::stage::{at_the_desk, play};

#[test]
fn within_the_limit_includes_equality() {
    at_the_desk(
        "
        09:00:00.000 queued t1 1
        09:00:00.000 queued t2 1
        09:00:20.000 accepted t1 ann
        09:00:20.001 accepted t2 bob
        09:01:00 queue 1: day-sla-activity 50, thirty-min-sla-activity 50, sla-activity 50
        ",
    );
}

#[test]
fn short_abandons_are_left_out_up_to_five_seconds() {
    at_the_desk(
        "
        09:00:00.000 queued t1 1
        09:00:00.000 queued t2 1
        09:00:00.000 queued t3 1
        09:00:01.000 accepted t1 ann
        09:00:05.000 abandoned t2
        09:00:05.000 queue 1: day-sla-activity 100
        09:00:05.001 abandoned t3
        09:00:06.000 queue 1: day-sla-activity 50
        ",
    );
}

#[test]
fn a_visit_that_still_waits_counts_only_beyond_its_limit() {
    at_the_desk(
        "
        09:00:00.000 queued t1 1
        09:00:20.000 queue 1: day-sla-activity -1, sla-activity -1
        09:00:20.001 queue 1: day-sla-activity 0, sla-activity 0
        09:00:30.000 offered t1 ann
        09:00:31.000 queue 1: day-sla-activity 0, thirty-min-sla-activity 0
        ",
    );
}

#[test]
fn a_diverted_visit_is_in_the_whole_and_not_in_the_part() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:01 queued t2 1
        09:00:02 accepted t1 ann
        09:00:03 diverted t2
        09:00:04 queue 1: day-sla-activity 50
        ",
    );
}

#[test]
fn without_an_sla_the_windows_show_minus_one_and_the_period_zero() {
    at_the_desk(
        "
        09:00:00 queued t1 2
        09:00:02 accepted t1 ann
        09:00:03 queue 2: day-sla-activity -1, thirty-min-sla-activity -1, sla-activity 0, sla-target 0
        09:00:03 queue 1: day-sla-activity -1, thirty-min-sla-activity -1, sla-activity -1, sla-target 0
        ",
    );
}

#[test]
fn whether_there_is_an_sla_now_decides_and_its_visits_come_back_with_it() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:02 accepted t1 ann
        09:01:00 configure-queue 1 phone
        09:01:00 queue 1: day-sla-activity -1, sla-activity 0
        09:01:01 queued t2 1
        09:01:40 abandoned t2
        09:02:00 configure-queue 1 phone sla=80/20
        09:02:00 queue 1: day-sla-activity 100, sla-activity 100
        ",
    );
}

#[test]
fn the_limit_is_the_one_configured_at_entry() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:10 configure-queue 1 phone sla=80/60
        09:00:11 queued t2 1
        09:00:30 accepted t1 ann
        09:00:50 accepted t2 bob
        09:01:00 queue 1: day-sla-activity 50
        ",
    );
}

#[test]
fn the_target_is_the_limit_in_whole_hours() {
    play(
        "
        08:00:00 configure-queue 1 email sla=90/86399
        08:00:00 configure-queue 2 email sla=90/3600
        08:00:00 configure-queue 3 phone sla=80/20
        08:00:01 queue 1: sla-target 23
        08:00:01 queue 2: sla-target 1
        08:00:01 queue 3: sla-target 0
        ",
    );
}

#[test]
fn the_target_may_be_set_to_show_the_percentage() {
    play(
        "
        sla-target percent
        08:00:00 configure-queue 1 phone sla=80/20
        08:00:00 configure-queue 2 phone
        08:00:01 queue 1: sla-target 80
        08:00:01 queue 2: sla-target 0
        ",
    );
}

#[test]
fn the_period_is_counted_from_the_start_of_the_day_and_holds_its_first_instant() {
    at_the_desk(
        "
        09:14:59.999 queued t1 1
        09:14:59.999 accepted t1 ann
        09:14:59.999 queue 1: sla-activity 100
        09:15:00.000 queue 1: sla-activity -1
        09:15:00.000 queued t2 1
        09:15:25.000 accepted t2 bob
        09:29:59.999 queue 1: sla-activity 0, day-sla-activity 50
        09:30:00.000 queue 1: sla-activity -1, day-sla-activity 50
        ",
    );
}

#[test]
fn a_changed_period_looks_back_over_what_had_entered_before() {
    at_the_desk(
        "
        08:10:00 queued t1 1
        08:10:01 accepted t1 ann
        09:20:00 queue 1: sla-activity -1
        09:20:00 configure-queue 1 phone sla=80/20/7200
        09:20:00 queue 1: sla-activity 100
        ",
    );
}

#[test]
fn after_a_day_without_midnight_the_period_starts_with_the_day() {
    // The day began at 01:00 local time, 03:00 UTC: periods of 2 hours start at 03:00, 05:00, …
    play(
        "
        zone America/Sao_Paulo
        2018-11-04T02:59:00Z configure-queue 1 phone sla=80/20/7200
        2018-11-04T02:59:00Z configure-agent ann
        2018-11-04T03:00:00Z queued t1 1
        2018-11-04T03:00:01Z accepted t1 ann
        2018-11-04T04:59:59Z queue 1: sla-activity 100
        2018-11-04T05:00:00Z queue 1: sla-activity -1
        ",
    );
}
