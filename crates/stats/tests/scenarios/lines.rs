//! The two phone lines (SPEC §3.1).

use crate::stage::at_the_desk;

#[test]
fn line_1_goes_from_idle_over_offered_and_busy_to_idle() {
    at_the_desk(
        "
        09:00:00 agent ann: phone-line1-status 0, phone-line1-status-time -1
        09:00:00 queued t1 1
        09:00:00 offered t1 ann
        09:00:03 agent ann: phone-line1-status 3, phone-line1-status-time 3
        09:00:04 accepted t1 ann
        09:00:10 agent ann: phone-line1-status 5, phone-line1-status-time 6
        09:00:20 released t1 ann
        09:00:21 agent ann: agent-status 3, phone-line1-status 0, phone-line1-status-time -1
        ",
    );
}

#[test]
fn line_2_shows_an_offer_as_0_and_no_use_as_minus_1() {
    at_the_desk(
        "
        09:00:00 agent ann: phone-line2-status -1, phone-line2-status-time -1
        09:00:00 queued t1 1
        09:00:00 offered t1 ann line=2
        09:00:03 agent ann: phone-line2-status 0, phone-line2-status-time 3, phone-line1-status 0
        09:00:04 accepted t1 ann
        09:00:05 agent ann: phone-line2-status 5, phone-line2-status-time 1
        09:00:06 released t1 ann
        09:00:07 agent ann: phone-line2-status -1, phone-line2-status-time -1
        ",
    );
}

#[test]
fn hold_outranks_mute() {
    at_the_desk(
        "
        09:00:00 placed t1 ann media=phone
        09:00:01 muted t1 ann
        09:00:01 agent ann: phone-line1-status 2
        09:00:02 held t1 ann
        09:00:02 agent ann: phone-line1-status 1
        09:00:03 unmuted t1 ann
        09:00:03 muted t1 ann
        09:00:05 agent ann: phone-line1-status 1, phone-line1-status-time 3
        09:00:06 resumed t1 ann
        09:00:06 agent ann: phone-line1-status 2
        ",
    );
}

#[test]
fn leaving_processing_clears_hold_and_mute() {
    at_the_desk(
        "
        09:00:00 placed t1 ann media=phone
        09:00:01 held t1 ann
        09:00:02 released t1 ann
        09:00:02 agent ann: phone-line1-status 0
        09:00:03 resumed t1 ann        ! not-processing
        ",
    );
}

#[test]
fn an_accept_that_names_another_line_moves_the_leg() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 offered t1 ann
        09:00:05 accepted t1 ann line=2
        09:00:06 agent ann: phone-line1-status 0, phone-line2-status 5, phone-line2-status-time 1
        ",
    );
}

#[test]
fn of_several_legs_on_a_line_the_one_whose_stage_began_last_counts() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 placed t2 ann media=phone
        09:00:01 held t2 ann
        09:00:02 offered t1 ann
        09:00:02 agent ann: phone-line1-status 3
        09:00:03 accepted t1 ann
        09:00:03 agent ann: phone-line1-status 5
        09:00:04 completed t1 ann
        09:00:04 agent ann: phone-line1-status 1
        ",
    );
}

#[test]
fn at_equal_times_the_later_in_the_log_counts() {
    at_the_desk(
        "
        09:00:00 placed t1 ann media=phone
        09:00:00 placed t2 ann media=phone
        09:00:01 held t1 ann
        09:00:01 agent ann: phone-line1-status 5
        09:00:02 muted t2 ann
        09:00:02 agent ann: phone-line1-status 2
        ",
    );
}

#[test]
fn an_explicit_status_outranks_the_leg_until_it_is_cleared() {
    at_the_desk(
        "
        09:00:00 line ann 1 monitoring
        09:00:00 line ann 2 error
        09:00:01 placed t1 ann media=phone
        09:00:05 agent ann: phone-line1-status 4, phone-line1-status-time 5
        09:00:05 agent ann: phone-line2-status 3, phone-line2-status-time 5
        09:00:06 line ann 1 clear
        09:00:06 line ann 2 monitoring
        09:00:07 agent ann: phone-line1-status 5, phone-line1-status-time 1, phone-line2-status 4
        09:00:08 line ann 2 clear
        09:00:08 agent ann: phone-line2-status -1
        ",
    );
}

#[test]
fn both_lines_are_unused_while_logged_out() {
    at_the_desk(
        "
        09:00:00 placed t1 ann media=phone
        09:00:00 line ann 2 monitoring
        09:00:01 status ann logged-out
        09:00:02 agent ann: phone-line1-status -1, phone-line1-status-time -1, phone-line2-status -1
        09:00:03 status ann available
        09:00:05 agent ann: phone-line1-status 5, phone-line1-status-time 2, phone-line2-status 4
        ",
    );
}

#[test]
fn only_phone_legs_are_on_lines() {
    at_the_desk(
        "
        09:00:00 queued c1 2
        09:00:00 offered c1 ann
        09:00:00 agent ann: agent-status 1, phone-line1-status 0
        09:00:01 accepted c1 ann
        09:00:01 held c1 ann
        09:00:01 agent ann: agent-status 2, phone-line1-status 0
        ",
    );
}
