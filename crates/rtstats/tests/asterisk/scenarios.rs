//! One short story for each thing that happens in a call centre, told by a real Asterisk and recorded.
//!
//! Each names the entries of queue_log that it must leave, so a story that goes another way fails here and never
//! becomes a fixture.

mod cuts;
mod detours;
mod lines;
mod members;
mod transfers;

use std::time::Duration;

use crate::{phone::Pick, stage::Stage};
use cuts::*;
use detours::*;
use lines::*;
use members::*;
use transfers::*;

/// How app_queue may log an attended transfer: it looks when the bridges are already changing.
const ENDED_BY_TRANSFER: &str = "ATTENDEDTRANSFER|COMPLETEAGENT|COMPLETECALLER";

/// A story: its name, how it goes, and what queue_log says afterwards (joins and pauses of members left
/// out; call after call); `|` stands between what may be one or the other.
pub struct Scenario {
    pub name: &'static str,
    pub play: fn(&mut Stage),
    pub log: &'static [&'static str],
}

macro_rules! scenarios {
    ($($name:ident: $log:expr;)*) => {
        /// All of them.
        pub const SCENARIOS: &[Scenario] = &[
            $(Scenario { name: stringify!($name), play: $name, log: &$log },)*
        ];
    };
}

scenarios! {
    agent_hangs_up: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    caller_hangs_up: ["ENTERQUEUE", "CONNECT", "COMPLETECALLER"];
    no_answer: ["ENTERQUEUE", "RINGNOANSWER", "CONNECT", "COMPLETEAGENT"];
    busy_and_rejected: ["ENTERQUEUE", "RINGNOANSWER", "RINGNOANSWER", "RINGNOANSWER", "CONNECT", "COMPLETEAGENT"];
    abandoned_waiting: ["ENTERQUEUE", "ABANDON"];
    abandoned_while_ringing: ["ENTERQUEUE", "RINGCANCELED", "ABANDON", "ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    gives_up_after_time: ["ENTERQUEUE", "EXITWITHTIMEOUT"];
    leaves_by_key: ["ENTERQUEUE", "EXITWITHKEY"];
    left_when_empty: ["ENTERQUEUE", "RINGNOANSWER", "EXITEMPTY"];
    refused_when_empty: [];
    refused_when_full: ["ENTERQUEUE", "ABANDON"];
    waiting_line: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "ENTERQUEUE", "ABANDON", "ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    blind_transfer: ["ENTERQUEUE", "CONNECT", "BLINDTRANSFER"];
    blind_transfer_to_queue: ["ENTERQUEUE", "CONNECT", "BLINDTRANSFER", "ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    attended_transfer: ["ENTERQUEUE", "CONNECT", ENDED_BY_TRANSFER];
    attended_transfer_to_queue: ["ENTERQUEUE", "CONNECT", ENDED_BY_TRANSFER, "ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    attended_transfer_given_up: ["ENTERQUEUE", "CONNECT", "COMPLETECALLER"];
    transfer_by_phone: ["ENTERQUEUE", "CONNECT", "BLINDTRANSFER", "ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    attended_transfer_by_phone: ["ENTERQUEUE", "CONNECT", ENDED_BY_TRANSFER];
    hold_by_phone: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    paused_and_back: [];
    paused_in_mid_call: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    paused_by_queue: ["ENTERQUEUE", "RINGNOANSWER", "RINGNOANSWER", "EXITEMPTY"];
    removed_in_mid_call: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    removed_while_ringing: ["ENTERQUEUE", "RINGNOANSWER", "CONNECT", "COMPLETEAGENT"];
    penalty_and_ringinuse: [];
    ring_all: ["ENTERQUEUE", "RINGNOANSWER", "CONNECT", "COMPLETEAGENT", "ENTERQUEUE", "RINGNOANSWER", "CONNECT", "COMPLETEAGENT"];
    ring_in_use: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    redirected: ["ENTERQUEUE", "ABANDON", "ENTERQUEUE", "CONNECT", "COMPLETECALLER"];
    direct_calls: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    trunk_calls: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "ENTERQUEUE", "RINGCANCELED", "ABANDON",
        "ENTERQUEUE", "RINGNOANSWER", "RINGNOANSWER", "CONNECT", "COMPLETEAGENT"];
    forwarded: ["ENTERQUEUE", "CONNECT", "COMPLETECALLER", "ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    optimized_caller: ["ENTERQUEUE", "CONNECT", "COMPLETECALLER"];
    optimized_member: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "ENTERQUEUE", "CONNECT", "COMPLETECALLER"];
    picked_up: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    agent_pool: ["ENTERQUEUE", "CONNECT", "COMPLETECALLER", "ENTERQUEUE", "CONNECT", "COMPLETECALLER"];
    cut_while_waiting: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "ENTERQUEUE", "ABANDON", "ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    cut_while_ringing: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "ENTERQUEUE", "RINGNOANSWER", "CONNECT", "COMPLETEAGENT"];
    cut_while_on_hold: ["ENTERQUEUE", "CONNECT", "COMPLETECALLER", "ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    cut_among_phones: ["ENTERQUEUE", "RINGNOANSWER", "CONNECT", "COMPLETEAGENT"];
    state_interface: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    phone_goes_away: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    realtime_queue: ["ENTERQUEUE", "RINGNOANSWER", "CONNECT", "COMPLETEAGENT"];
    reloaded: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    killed: ["ENTERQUEUE", "CONNECT", "ENTERQUEUE", "ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    restarted: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "ENTERQUEUE", "ABANDON", "ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
}

/// A phone that answers.
fn pick(ring: u64, talk: u64) -> Pick {
    let (ring, talk) = (Duration::from_secs(ring), Duration::from_secs(talk));
    Pick::Answer { ring, talk, hold: None }
}
