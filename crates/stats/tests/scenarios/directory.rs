//! Configuring and removing queues, agents and assignments, also in the middle of work (SPEC §4).

use crate::stage::at_the_desk;

#[test]
fn removing_a_queue_ends_its_visits_and_leaves_accepted_legs_to_their_agents() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 queued t2 1
        09:00:00 queued t3 1
        09:00:01 accepted t1 ann
        09:00:02 offered t2 bob
        09:01:00 remove-queue 1
        09:01:00 queue 1: absent
        09:01:00 agent bob: agent-status 0, day-rejected-count 0, assigned-skill-count 0
        09:01:00 agent ann: agent-status 2, assigned-skill-count 1, phone-line1-status 5
        09:01:01 accepted t3 bob       ! not-in-queue
        09:02:01 released t1 ann
        09:02:01 agent ann: day-processing-time 120, day-accepted-count 1, day-avg-processing-time 120
        ",
    );
}

#[test]
fn a_queue_configured_again_starts_afresh() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:01 accepted t1 ann
        09:01:00 remove-queue 1
        09:01:00 configure-queue 1 phone sla=80/20
        09:02:01 completed t1 ann
        09:02:01 queue 1: day-queued 0, day-accepted 0, day-avg-duration 0, number-in-progress 0
        09:02:01 queue 1: assigned-agent-count 0, thirty-min-queued 0, day-sla-activity -1
        ",
    );
}

#[test]
fn removing_an_agent_withdraws_its_offers_and_ends_its_other_legs() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 queued t2 1
        09:00:00 accepted t1 ann
        09:00:10 offered t2 ann
        09:01:00 remove-agent ann
        09:01:00 agent ann: absent
        09:01:00 queue 1: queue-size 1, number-in-offered 0, number-in-progress 0, day-avg-duration 60
        09:01:00 queue 1: assigned-agent-count 1, enabled-agent-count 1, day-accepted 1
        09:01:01 released t1 ann       ! unknown-agent
        ",
    );
}

#[test]
fn an_agent_configured_again_starts_afresh() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 accepted t1 ann
        09:01:00 remove-agent ann
        09:01:00 configure-agent ann group=7
        09:01:00 agent ann: agent-status 9, day-accepted-count 0, day-login-time 0, agent-media-id 0
        09:01:00 agent ann: assigned-skill-count 0, last-login-time -1, time-in-status -1, group-id 7
        09:01:01 completed t1 ann      ! no-leg
        ",
    );
}

#[test]
fn configuring_an_agent_or_queue_again_keeps_its_figures() {
    at_the_desk(
        "
        09:00:00 queued t1 1
        09:00:00 accepted t1 ann
        09:01:00 configure-agent ann group=3
        09:01:00 configure-queue 1 chat
        09:01:00 agent ann: agent-status 2, day-accepted-count 1, group-id 3, assigned-skill-count 2
        09:01:00 queue 1: day-accepted 1, number-in-progress 1, media-type chat, enabled-agent-count 2
        ",
    );
}

#[test]
fn assigned_and_enabled_are_counted_on_both_sides() {
    at_the_desk(
        "
        09:00:00 assign ann 2 disabled
        09:00:00 agent ann: assigned-skill-count 2, enabled-skill-count 1
        09:00:00 queue 2: assigned-agent-count 1, enabled-agent-count 0, agent-count-waitTransact 0
        09:00:01 assign ann 1 off
        09:00:01 agent ann: assigned-skill-count 1, enabled-skill-count 0
        09:00:01 queue 1: assigned-agent-count 1, agent-count-waitTransact 1
        ",
    );
}

#[test]
fn what_names_something_unknown_is_ignored() {
    at_the_desk(
        "
        09:00:00 assign eve 1          ! unknown-agent
        09:00:00 assign ann 9          ! unknown-queue
        09:00:00 status eve available  ! unknown-agent
        09:00:00 line eve 1 clear      ! unknown-agent
        09:00:00 remove-agent eve      ! unknown-agent
        09:00:00 remove-queue 9        ! unknown-queue
        09:00:00 remove-group 9        ! unknown-group
        09:00:00 queued t1 9           ! unknown-queue
        09:00:00 placed t1 ann queue=9 ! unknown-queue
        09:00:00 offered t1 ann        ! not-in-queue
        09:00:00 held t1 ann           ! not-processing
        09:00:00 completed t1 ann      ! no-leg
        09:00:01 configure-group 9
        09:00:01 remove-group 9
        ",
    );
}
