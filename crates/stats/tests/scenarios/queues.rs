//! Visits: how they go from stage to stage, and what a queue counts (SPEC §3.2, §4).

use crate::stage::at_the_desk;

#[test]
fn an_accept_ends_the_other_offers_without_counting() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 offered t1 ann
        09:00:02 offered t1 bob
        09:00:03 agent ann: agent-status 1
        09:00:03 queue 1: queue-size 0, number-in-offered 1, number-in-progress 0
        09:00:08 accepted t1 bob
        09:00:09 agent ann: agent-status 0, day-rejected-count 0, time-in-status 1
        09:00:09 agent bob: agent-status 2, day-accepted-count 1
        09:00:09 queue 1: number-in-offered 0, number-in-progress 1, day-accepted 1
        09:00:10 rejected t1 ann    ! not-offered
        ",
    );
}

#[test]
fn a_rejected_offer_returns_to_waiting_with_its_wait() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:10 offered t1 ann
        09:00:20 queue 1: queue-size 0, number-in-offered 1, longest-wait-time 0
        09:00:25 rejected t1 ann
        09:00:30 queue 1: queue-size 1, number-in-offered 0, longest-wait-time 30, day-queued 1
        09:00:30 agent ann: agent-status 0, day-rejected-count 1, thirty-min-rejected-count 1
        ",
    );
}

#[test]
fn a_withdrawn_offer_is_no_rejection() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 offered t1 ann
        09:00:05 withdrawn t1 ann
        09:00:05 agent ann: agent-status 0, day-rejected-count 0
        09:00:05 queue 1: queue-size 1
        ",
    );
}

#[test]
fn a_visit_waits_again_only_when_its_last_offer_has_ended() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 offered t1 ann
        09:00:00 offered t1 bob
        09:00:05 rejected t1 ann
        09:00:05 queue 1: queue-size 0, number-in-offered 1
        09:00:06 withdrawn t1 bob
        09:00:06 queue 1: queue-size 1, number-in-offered 0
        ",
    );
}

#[test]
fn an_accept_needs_no_offer() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:07 accepted t1 ann
        09:00:07 queue 1: queue-size 0, day-accepted 1, day-avg-wait-time 7
        09:00:07 agent ann: agent-status 2
        ",
    );
}

#[test]
fn a_second_queueing_is_ignored_while_the_transaction_waits_or_is_offered() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:01 queued t1 2       ! already-in-queue
        09:00:02 offered t1 ann
        09:00:03 queued t1 1       ! already-in-queue
        09:00:03 queue 1: day-queued 1
        09:00:03 queue 2: day-queued 0
        ",
    );
}

#[test]
fn a_transfer_opens_a_new_visit_while_the_first_leg_goes_on() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:10 accepted t1 ann
        09:01:00 queued t1 2
        09:01:30 queue 1: day-queued 1, number-in-progress 1
        09:01:30 queue 2: day-queued 1, queue-size 1, longest-wait-time 30
        09:02:00 accepted t1 bob
        09:02:00 agent ann: agent-status 2
        09:02:00 agent bob: agent-status 2, agent-media-id 2
        09:02:00 completed t1 ann
        09:02:00 queue 1: number-in-progress 0, day-avg-duration 110
        09:02:00 queue 2: number-in-progress 1, day-avg-wait-time 60
        ",
    );
}

#[test]
fn a_transfer_is_not_offered_to_the_agent_who_still_works_it() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 accepted t1 ann
        09:00:30 queued t1 2
        09:00:31 offered t1 ann    ! leg-exists
        09:00:32 accepted t1 ann   ! leg-exists
        09:00:33 released t1 ann
        09:00:34 accepted t1 ann   ! leg-exists
        09:00:35 completed t1 ann
        09:00:36 accepted t1 ann
        09:00:36 agent ann: day-accepted-count 2, agent-status 2
        ",
    );
}

#[test]
fn abandoned_and_diverted_visits_end_their_offers_without_counting() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 queued t2 1
        09:00:00 offered t1 ann
        09:00:00 offered t2 bob
        09:00:12 abandoned t1
        09:00:14 diverted t2
        09:00:15 agent ann: agent-status 0, day-rejected-count 0
        09:00:15 agent bob: agent-status 0, day-rejected-count 0
        09:00:15 queue 1: day-queued 2, day-abandoned 1, day-accepted 0, number-in-offered 0
        09:00:15 queue 1: day-avg-wait-time 13, thirty-min-longest-wait-time 14
        09:00:16 abandoned t1      ! not-in-queue
        09:00:16 diverted t2       ! not-in-queue
        ",
    );
}

#[test]
fn averages_and_the_maximum_cover_only_waits_that_have_ended() {
    at_the_desk(
        "
        09:00:00 queue 1: thirty-min-longest-wait-time -1, thirty-min-avg-wait-time 0, longest-wait-time 0
        09:00:00 queued t1 1
        09:00:00 queued t2 1
        09:00:09 accepted t1 ann
        09:10:00 queue 1: thirty-min-longest-wait-time 9, thirty-min-avg-wait-time 9, longest-wait-time 600
        ",
    );
}

#[test]
fn an_average_is_rounded_down_once_over_milliseconds() {
    at_the_desk(
        "
        09:00:00.000 queued t1 1
        09:00:00.000 queued t2 1
        09:00:01.500 abandoned t1
        09:00:02.499 abandoned t2
        09:01:00 queue 1: day-avg-wait-time 1
        09:01:00.000 queued t3 1
        09:01:02.001 abandoned t3
        09:02:00 queue 1: day-avg-wait-time 2
        ",
    );
}

#[test]
fn a_duration_is_processing_with_holds_and_without_wrap_up() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:05 accepted t1 ann
        09:01:00 held t1 ann
        09:02:00 resumed t1 ann
        09:02:30 queue 1: day-avg-duration 0
        09:03:05 released t1 ann
        09:09:00 completed t1 ann
        09:10:00 queue 1: day-avg-duration 180, thirty-min-avg-duration 180, number-in-progress 0
        ",
    );
}

#[test]
fn progress_counts_agents_not_legs_and_wrap_up_too() {
    at_the_desk(
        "
        09:00:00 queued c1 2
        09:00:00 queued c2 2
        09:00:01 accepted c1 ann
        09:00:02 accepted c2 ann
        09:00:03 queue 2: number-in-progress 1
        09:00:04 completed c1 ann
        09:00:05 released c2 ann
        09:00:06 queue 2: number-in-progress 1
        09:00:07 completed c2 ann
        09:00:08 queue 2: number-in-progress 0
        ",
    );
}

#[test]
fn placing_with_a_queue_counts_as_queued_and_accepted_at_once() {
    at_the_desk(
        "
        09:00:00 placed t1 ann queue=1
        09:00:01 queue 1: day-queued 1, day-accepted 1, number-in-progress 1, queue-size 0
        09:00:01 queue 1: day-avg-wait-time 0, thirty-min-longest-wait-time 0, day-sla-activity 100
        09:00:01 agent ann: agent-status 2, day-accepted-count 1
        ",
    );
}

#[test]
fn placing_without_a_queue_is_the_agents_alone() {
    at_the_desk(
        "
        09:00:00 placed t1 ann media=email
        09:00:01 queue 1: day-queued 0, number-in-progress 0, agent-count-busy 1
        09:00:01 agent ann: agent-status 2, agent-media-id 3, phone-line1-status 0
        ",
    );
}

#[test]
fn placing_is_ignored_while_the_transaction_waits_or_the_agent_has_a_leg_of_it() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:01 placed t1 ann queue=1     ! already-in-queue
        09:00:02 accepted t1 ann
        09:00:03 placed t1 ann queue=1     ! leg-exists
        09:00:04 placed t1 bob queue=1
        09:00:05 queue 1: number-in-progress 2
        ",
    );
}

#[test]
fn agents_are_counted_by_status_whichever_queue_they_work_for() {
    at_the_desk(
        "
        09:00:00 configure-agent eve
        09:00:00 assign eve 1 disabled
        09:00:00 status eve available
        09:00:00 queued c1 2
        09:00:00 offered c1 ann
        09:00:00 queue 1: agent-count-busy 1, agent-count-waitTransact 1
        09:00:00 queue 1: assigned-agent-count 3, enabled-agent-count 2
        09:00:01 accepted c1 ann
        09:00:01 status bob on-break
        09:00:01 queue 1: agent-count-busy 1, agent-count-onBreak 1, agent-count-waitTransact 0
        09:00:02 released c1 ann
        09:00:02 status bob work-offline
        09:00:02 queue 1: agent-count-postProcess 1, agent-count-workOffline 1
        09:00:03 status ann logged-out
        09:00:03 queue 1: agent-count-loggedOut 1, agent-count-postProcess 0
        09:00:04 assign eve 1
        09:00:04 queue 1: agent-count-waitTransact 1, enabled-agent-count 3
        ",
    );
}

#[test]
fn the_window_is_open_at_its_start_and_closed_at_its_end() {
    at_the_desk(
        "
        09:00:00.000 queued t1 1
        09:00:00.000 accepted t1 ann
        09:00:00.000 queue 1: thirty-min-queued 1, thirty-min-accepted 1
        09:29:59.999 queue 1: thirty-min-queued 1, thirty-min-accepted 1
        09:29:59.999 agent ann: thirty-min-accepted-count 1
        09:30:00.000 queue 1: thirty-min-queued 0, thirty-min-accepted 0, day-queued 1
        09:30:00.000 agent ann: thirty-min-accepted-count 0, day-accepted-count 1
        ",
    );
}

#[test]
fn a_wait_counts_by_its_entry_and_an_outcome_by_its_own_instant() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:20:00 accepted t1 ann
        09:35:00 queue 1: thirty-min-queued 0, thirty-min-accepted 1, thirty-min-avg-wait-time 0
        09:35:00 queue 1: thirty-min-longest-wait-time -1, day-avg-wait-time 1200
        ",
    );
}
