//! What an agent's document says of statuses, codes, times and counts (SPEC §3.1).

use crate::stage::{at_the_desk, play};

#[test]
fn before_the_first_status_an_agent_is_logged_out_since_never() {
    play(
        "
        08:00:00 configure-agent ann
        09:00:00 agent ann: agent-status 9, time-in-status -1, last-login-time -1, group-id 0
        09:00:00 agent ann: phone-line1-status -1, phone-line2-status -1, agent-media-id 0
        09:00:00 agent ann: phone-line1-status-time -1, phone-line2-status-time -1
        ",
    );
}

#[test]
fn the_first_status_counts_as_a_change_even_to_logged_out() {
    play(
        "
        08:00:00 configure-agent ann
        09:00:00 status ann logged-out
        09:00:30 agent ann: agent-status 9, time-in-status 30, last-login-time -1
        ",
    );
}

#[test]
fn the_last_login_is_the_change_from_logged_out() {
    at_the_desk(
        "
        09:00:00 status ann on-break
        09:00:00 agent ann: last-login-time 1717574400
        10:00:00 status ann logged-out
        10:00:00 agent ann: last-login-time 1717574400
        11:00:00 status ann work-offline
        11:00:00 agent ann: last-login-time 1717585200
        ",
    );
}

#[test]
fn processing_outranks_an_offer_and_an_offer_outranks_wrap_up() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 queued t2 1
        09:00:01 accepted t1 ann
        09:00:02 offered t2 ann
        09:00:02 agent ann: agent-status 2
        09:00:03 released t1 ann
        09:00:03 agent ann: agent-status 1
        09:00:04 rejected t2 ann
        09:00:04 agent ann: agent-status 3
        09:00:05 completed t1 ann
        09:00:05 agent ann: agent-status 0
        ",
    );
}

#[test]
fn a_break_chosen_during_work_begins_when_the_work_ends() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 accepted t1 ann
        09:01:00 status ann on-break list=1 item=5 short=lun
        09:02:00 agent ann: agent-status 2, time-in-status 120, day-break-time 0
        09:02:00 agent ann: status-code-list-id empty, status-code-item-short-code empty
        09:03:00 completed t1 ann
        09:04:00 agent ann: agent-status 4, time-in-status 60, day-break-time 60
        09:04:00 agent ann: status-code-list-id 1, status-code-item-id 5, status-code-item-short-code lun
        ",
    );
}

#[test]
fn a_code_is_shown_only_while_agent_status_equals_the_base_status() {
    at_the_desk(
        "
        09:00:00 status ann work-offline list=2 item=1 short=trn
        09:01:00 agent ann: status-code-list-id 2, status-code-item-short-code trn
        09:01:00 queued t1 1
        09:01:00 offered t1 ann
        09:01:01 agent ann: agent-status 1, status-code-list-id empty, status-code-item-id empty
        09:01:02 withdrawn t1 ann
        09:01:03 agent ann: agent-status 5, status-code-item-id 1, time-in-status 1
        09:02:00 status ann available
        09:02:00 agent ann: status-code-list-id empty, status-code-item-short-code empty
        ",
    );
}

#[test]
fn a_short_code_not_given_is_the_one_configured_at_that_moment() {
    at_the_desk(
        "
        08:59:00 configure-codes 1 5=lun 6=cof
        09:00:00 status ann on-break list=1 item=5
        09:00:01 configure-codes 1 5=new
        09:00:02 agent ann: status-code-item-short-code lun
        09:00:03 status ann on-break list=1 item=5
        09:00:03 agent ann: status-code-item-short-code new, time-in-status 0
        09:00:04 status ann on-break list=1 item=6
        09:00:04 agent ann: status-code-item-short-code empty, status-code-item-id 6
        ",
    );
}

#[test]
fn another_code_is_a_change_and_the_same_again_is_none() {
    at_the_desk(
        "
        09:00:00 status ann on-break list=1 item=5
        09:01:00 status ann on-break list=1 item=6
        09:01:10 agent ann: time-in-status 10, day-break-time 70
        09:02:00 status ann on-break list=1 item=6
        09:02:10 agent ann: time-in-status 70, day-break-time 130
        ",
    );
}

#[test]
fn logging_out_while_working_shows_9_and_the_work_goes_on() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 accepted t1 ann
        09:01:00 status ann logged-out
        09:02:00 agent ann: agent-status 9, day-login-time 3660, day-processing-time 120
        09:02:00 queue 1: number-in-progress 1, agent-count-loggedOut 1
        09:03:00 released t1 ann
        09:03:00 queue 1: day-avg-duration 180
        ",
    );
}

#[test]
fn two_chats_at_once_count_twice_and_occupy_once() {
    at_the_desk(
        "
        09:00:00 queued c1 2
        09:00:00 queued c2 2
        09:00:00 accepted c1 ann
        09:00:00 accepted c2 ann
        09:01:00 completed c1 ann
        09:02:00 completed c2 ann
        09:02:00 agent ann: day-processing-time 180, day-accepted-count 2, agent-status 0
        09:02:00 agent ann: day-login-time 3720, day-available-time 3600, day-avg-processing-time 90
        ",
    );
}

#[test]
fn times_of_the_window_are_overlaps() {
    at_the_desk(
        "
        09:00:00 status ann on-break
        09:20:00 status ann available
        09:40:00 agent ann: thirty-min-break-time 600, thirty-min-available-time 1200
        09:45:00 agent ann: thirty-min-break-time 300, thirty-min-available-time 1500
        10:00:00 agent ann: thirty-min-break-time 0, thirty-min-available-time 1800
        10:00:00 agent ann: day-break-time 1200, day-available-time 6000
        ",
    );
}

#[test]
fn totals_cover_what_goes_on_and_averages_only_what_has_ended() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 queued t2 1
        09:00:00 accepted t1 ann
        09:02:00 released t1 ann
        09:03:00 agent ann: day-processing-time 120, day-wrap-up-time 60, day-avg-processing-time 120
        09:03:00 agent ann: thirty-min-avg-handling-time 0, thirty-min-wrap-up-time 60
        09:04:00 completed t1 ann
        09:04:00 accepted t2 ann
        09:05:00 agent ann: thirty-min-avg-handling-time 240, day-avg-processing-time 120
        09:05:00 agent ann: day-processing-time 180, thirty-min-processing-time 180
        ",
    );
}

#[test]
fn the_medium_is_that_of_the_leg_that_last_entered_processing() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 queued c1 2
        09:00:00 accepted c1 ann
        09:00:00 agent ann: agent-media-id 2
        09:00:01 offered t1 ann
        09:00:01 agent ann: agent-media-id 2
        09:00:02 accepted t1 ann
        09:00:02 agent ann: agent-media-id 1
        09:00:03 completed t1 ann
        09:00:03 agent ann: agent-media-id 1
        ",
    );
}

#[test]
fn a_legs_medium_is_its_queues_when_the_leg_begins() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 offered t1 ann
        09:00:01 configure-queue 1 vmail
        09:00:02 accepted t1 ann
        09:00:02 agent ann: agent-media-id 1, phone-line1-status 5
        09:00:02 queue 1: media-type vmail
        09:00:03 queued t2 1
        09:00:03 accepted t2 bob
        09:00:03 agent bob: agent-media-id 4, phone-line1-status 0
        ",
    );
}
