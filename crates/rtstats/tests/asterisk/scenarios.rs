//! One short story for each thing that happens in a call centre, told by a real Asterisk and recorded.
//!
//! Each names the entries of queue_log that it must leave, so a story that goes another way fails here and never
//! becomes a fixture.

use std::time::Duration;

use crate::{
    phone::{Hold, Pick},
    stage::Stage,
};

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
    state_interface: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    phone_goes_away: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    realtime_queue: ["ENTERQUEUE", "RINGNOANSWER", "CONNECT", "COMPLETEAGENT"];
    reloaded: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    killed: ["ENTERQUEUE", "CONNECT", "ENTERQUEUE", "ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
    restarted: ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "ENTERQUEUE", "ABANDON", "ENTERQUEUE", "CONNECT", "COMPLETEAGENT"];
}

fn agent_hangs_up(stage: &mut Stage) {
    stage.join("sales", "agent01");
    stage.plan("agent01", "answer:1:2");
    stage.call_in("sales", "");
    stage.wait("AgentComplete", &[("Reason", "agent")]);
    stage.pass(3.5);
}

fn caller_hangs_up(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.plan("agent01", "answer:1:30");
    let caller = stage.call_in("lab", "");
    stage.wait_connect("agent01");
    stage.pass(2.0);
    stage.hang_up(caller);
    stage.wait("AgentComplete", &[("Reason", "caller")]);
    stage.pass(2.5);
}

fn no_answer(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.join("lab", "agent02");
    stage.plan("agent01", "ignore:0:0");
    stage.plan("agent02", "answer:1:2");
    stage.call_in("lab", "");
    stage.wait("AgentRingNoAnswer", &[("MemberName", "Agent 01")]);
    stage.wait_connect("agent02");
    stage.pass(3.0);
}

fn busy_and_rejected(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.plan("agent01", "busy:0:0&reject:1:0&fail:0:0&answer:1:2");
    stage.call_in("lab", "");
    stage.wait_connect("agent01");
    stage.pass(3.0);
}

fn abandoned_waiting(stage: &mut Stage) {
    let caller = stage.call_in("lab", "");
    stage.pass(2.0);
    stage.hang_up(caller);
    stage.wait("QueueCallerAbandon", &[]);
}

fn abandoned_while_ringing(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.plan("agent01", "ignore:0:0&answer:1:1");
    let caller = stage.call_in("lab", "");
    stage.wait("AgentCalled", &[]);
    stage.pass(1.5);
    stage.hang_up(caller);
    stage.wait("QueueCallerAbandon", &[]);
    stage.settle();
    stage.call_in("lab", "");
    stage.wait_connect("agent01");
    stage.pass(1.5);
}

fn gives_up_after_time(stage: &mut Stage) {
    stage.call_in("lab", "GIVE_UP=2");
    stage.wait("UserEvent", &[("Why", "TIMEOUT")]);
}

fn leaves_by_key(stage: &mut Stage) {
    stage.call_in("lab", "PRESS=2");
    stage.wait("UserEvent", &[("Why", "KEY")]);
}

fn left_when_empty(stage: &mut Stage) {
    stage.join("support", "agent01");
    stage.plan("agent01", "ignore:0:0");
    stage.call_in("support", "");
    stage.wait("AgentCalled", &[]);
    stage.pass(1.0);
    stage.leave("support", "agent01");
    stage.wait("UserEvent", &[("UserEvent", "Left")]);
}

fn refused_when_empty(stage: &mut Stage) {
    stage.call("support", "");
    stage.wait("UserEvent", &[("Why", "JOINEMPTY")]);
    stage.settle();
    stage.join("support", "agent01");
    stage.pause("support", "agent01", true, "Lunch");
    stage.call("support", "");
    stage.wait("UserEvent", &[("UserEvent", "Left")]);
}

fn refused_when_full(stage: &mut Stage) {
    let first = stage.call_in("tight", "");
    stage.call("tight", "");
    stage.wait("UserEvent", &[("Why", "FULL")]);
    stage.hang_up(first);
    stage.wait("QueueCallerAbandon", &[]);
}

fn waiting_line(stage: &mut Stage) {
    stage.join("sales", "agent01");
    stage.plan("agent01", "answer:1:2&answer:1:2&answer:1:2");
    stage.call_in("sales", "");
    stage.call_in("sales", "");
    let leaves = stage.call_in("sales", "");
    stage.call_in("sales", "PRIO=5");
    stage.pass(1.0);
    stage.hang_up(leaves);
    stage.wait("QueueCallerAbandon", &[]);
    for _ in 0..3 {
        stage.wait("AgentComplete", &[]);
    }
}

fn blind_transfer(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.plan("agent01", "answer:1:30");
    stage.call_in("lab", "");
    let channel = stage.wait_connect("agent01");
    stage.pass(1.5);
    hand_over(stage, "BlindTransfer", &channel, "700");
    stage.wait("AgentComplete", &[]);
    stage.pass(2.5);
}

fn blind_transfer_to_queue(stage: &mut Stage) {
    stage.join("sales", "agent01");
    stage.join("lab", "agent02");
    stage.plan("agent01", "answer:1:30");
    stage.plan("agent02", "answer:2:2");
    stage.call_in("sales", "");
    let channel = stage.wait_connect("agent01");
    stage.pass(1.5);
    hand_over(stage, "BlindTransfer", &channel, "703");
    stage.wait_connect("agent02");
    stage.pass(4.0);
}

fn attended_transfer(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.plan("agent01", "answer:1:6");
    stage.call_in("lab", "");
    let channel = stage.wait_connect("agent01");
    stage.pass(1.0);
    hand_over(stage, "Atxfer", &channel, "702");
    stage.wait("AttendedTransfer", &[]);
    stage.pass(1.0);
}

fn attended_transfer_to_queue(stage: &mut Stage) {
    stage.join("sales", "agent01");
    stage.join("lab", "agent02");
    stage.plan("agent01", "answer:1:8");
    stage.plan("agent02", "answer:2:8");
    stage.call_in("sales", "");
    let channel = stage.wait_connect("agent01");
    stage.pass(1.0);
    hand_over(stage, "Atxfer", &channel, "703");
    stage.wait_connect("agent02");
    stage.pass(1.0);
    stage.wait("AttendedTransfer", &[]);
    stage.pass(2.0);
}

fn attended_transfer_given_up(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.plan("agent01", "answer:1:20");
    let caller = stage.call_in("lab", "");
    let channel = stage.wait_connect("agent01");
    stage.pass(1.0);
    hand_over(stage, "Atxfer", &channel, "704");
    stage.pass(3.0);
    stage.hang_up(caller);
    stage.wait("AgentComplete", &[]);
    stage.act(&[("Action", "Hangup"), ("Channel", "/^Local/agent01@agents-.*;2$/")]);
}

fn transfer_by_phone(stage: &mut Stage) {
    stage.plug_in("phone31");
    stage.join("sales", "phone31");
    stage.join("lab", "agent02");
    stage.plan("agent02", "answer:1:3");
    stage.phone("phone31").plan(pick(1, 30));
    stage.call_in("sales", "");
    stage.wait_connect("phone31");
    stage.pass(1.5);
    stage.note("phone31 transfers to 703");
    stage.phone("phone31").transfer("703");
    stage.wait_connect("agent02");
    stage.phone("phone31").hang_up();
    stage.pass(3.0);
}

fn attended_transfer_by_phone(stage: &mut Stage) {
    stage.plug_in("phone31");
    stage.join("sales", "phone31");
    stage.phone("phone31").plan(pick(1, 30));
    stage.call_in("sales", "");
    stage.wait_connect("phone31");
    stage.pass(1.0);
    let phone = stage.phone("phone31");
    let first = phone.wait_until_up(1).unwrap();
    stage.note("phone31 holds, asks 702, and connects both");
    phone.hold(true);
    let second = phone.call("702", Duration::from_secs(20));
    phone.wait_until_up(2);
    stage.pass(1.5);
    phone.join(&first, &second);
    stage.wait("AttendedTransfer", &[]);
    stage.pass(0.5);
    phone.hang_up();
    stage.pass(2.0);
}

fn hold_by_phone(stage: &mut Stage) {
    stage.plug_in("phone31");
    stage.join("sales", "phone31");
    let hold = Hold { after: Duration::from_secs(1), length: Duration::from_secs(2) };
    let (ring, talk) = (Duration::from_secs(1), Duration::from_secs(5));
    stage.phone("phone31").plan(Pick::Answer { ring, talk, hold: Some(hold) });
    stage.call_in("sales", "");
    stage.wait("Hold", &[]);
    stage.pass(1.0);
    stage.wait("Unhold", &[]);
    stage.wait("AgentComplete", &[]);
    stage.pass(3.5);
}

fn paused_and_back(stage: &mut Stage) {
    stage.join("sales", "agent01");
    stage.join("lab", "agent01");
    stage.pause("", "agent01", true, "Lunch");
    stage.pass(1.0);
    stage.pause("", "agent01", true, "Meeting");
    stage.pass(1.0);
    stage.pause("lab", "agent01", false, "");
    stage.pass(1.0);
    stage.pause("", "agent01", false, "");
    stage.pass(1.0);
    stage.pause("sales", "agent01", true, "Training");
    stage.pass(0.5);
    stage.pause("lab", "agent01", true, "");
    stage.pass(1.0);
    stage.leave("lab", "agent01");
    stage.pass(0.5);
    stage.leave("sales", "agent01");
}

fn paused_in_mid_call(stage: &mut Stage) {
    stage.join("sales", "agent01");
    stage.plan("agent01", "answer:1:4");
    stage.call_in("sales", "");
    stage.wait_connect("agent01");
    stage.pass(1.0);
    stage.pause("", "agent01", true, "Coffee");
    stage.wait("AgentComplete", &[]);
    stage.pass(3.5);
    stage.pause("", "agent01", false, "");
    stage.pass(0.5);
}

fn paused_by_queue(stage: &mut Stage) {
    stage.join("support", "agent01");
    stage.join("support", "agent02");
    stage.plan("agent01", "ignore:0:0");
    stage.plan("agent02", "ignore:0:0");
    stage.call_in("support", "");
    stage.wait("QueueMemberPause", &[("PausedReason", "Auto-Pause")]);
    stage.wait("QueueMemberPause", &[("PausedReason", "Auto-Pause")]);
    stage.wait("UserEvent", &[("UserEvent", "Left")]);
    stage.pause("support", "agent01", false, "");
    stage.pass(1.0);
}

fn removed_in_mid_call(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.plan("agent01", "answer:1:4");
    stage.call_in("lab", "");
    stage.wait_connect("agent01");
    stage.pass(1.0);
    stage.leave("lab", "agent01");
    stage.wait("AgentComplete", &[]);
    stage.pass(2.5);
}

fn removed_while_ringing(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.plan("agent01", "ignore:0:0");
    stage.call_in("lab", "");
    stage.wait("AgentCalled", &[]);
    stage.pass(1.0);
    stage.leave("lab", "agent01");
    stage.wait("AgentRingNoAnswer", &[]);
    stage.pass(1.0);
    stage.join("lab", "agent02");
    stage.plan("agent02", "answer:1:1");
    stage.wait_connect("agent02");
    stage.wait("AgentComplete", &[]);
}

fn penalty_and_ringinuse(stage: &mut Stage) {
    stage.join("sales", "agent01");
    stage.join("lab", "agent01");
    let interface = "Local/agent01@agents/n";
    let penalty = ("Action", "QueuePenalty");
    stage.act(&[penalty, ("Interface", interface), ("Penalty", "5"), ("Queue", "sales")]);
    stage.pass(0.5);
    stage.act(&[penalty, ("Interface", interface), ("Penalty", "2")]);
    let ring = ("Action", "QueueMemberRingInUse");
    stage.act(&[ring, ("Interface", interface), ("RingInUse", "yes"), ("Queue", "lab")]);
    stage.pass(0.5);
}

fn ring_all(stage: &mut Stage) {
    for member in ["agent01", "agent02", "agent03"] {
        stage.join("ring", member);
    }
    stage.plan("agent01", "ignore:0:0&answer:3:2");
    stage.plan("agent02", "reject:1:0&ignore:0:0");
    stage.plan("agent03", "answer:2:2&busy:0:0");
    stage.call_in("ring", "");
    stage.wait_connect("agent03");
    stage.wait("AgentComplete", &[]);
    stage.pass(1.0);
    stage.call_in("ring", "");
    stage.wait_connect("agent01");
    stage.pass(3.0);
}

fn ring_in_use(stage: &mut Stage) {
    stage.plan("agent09", "answer:1:6&answer:1:3");
    stage.call_in("vip", "");
    stage.wait("AgentConnect", &[("Queue", "vip")]);
    stage.call_in("vip", "");
    stage.wait("AgentConnect", &[("Queue", "vip")]);
    stage.pass(7.0);
}

fn redirected(stage: &mut Stage) {
    let waiting = stage.call_in("lab", "");
    stage.pass(1.0);
    redirect(stage, waiting);
    stage.wait("QueueCallerLeave", &[]);
    stage.pass(1.0);
    stage.join("lab", "agent01");
    stage.plan("agent01", "answer:1:20");
    let connected = stage.call_in("lab", "");
    stage.wait_connect("agent01");
    stage.pass(1.0);
    redirect(stage, connected);
    stage.wait("AgentComplete", &[]);
    stage.pass(1.0);
}

fn direct_calls(stage: &mut Stage) {
    stage.plug_in("phone31");
    stage.plug_in("phone32");
    stage.plug_in("trunk");
    stage.join("sales", "phone31");
    stage.join("sales", "phone32");
    stage.note("the trunk calls phone31");
    stage.phone("phone31").plan(pick(1, 3));
    stage.phone("trunk").call("31", Duration::from_secs(20));
    stage.phone("phone31").wait_until_up(1);
    stage.pass(1.0);
    stage.phone("phone31").wait_until_idle();
    stage.note("phone31 calls the world");
    stage.phone("phone31").call("0555", Duration::from_secs(3));
    stage.phone("phone31").wait_until_up(1);
    stage.pass(1.0);
    stage.phone("phone31").wait_until_idle();
    stage.note("phone31 calls phone32 while a caller waits for either");
    stage.phone("phone32").plan(pick(1, 30));
    stage.phone("phone31").call("32", Duration::from_secs(4));
    stage.phone("phone32").wait_until_up(1);
    stage.call_in("sales", "");
    stage.wait("AgentConnect", &[]);
    stage.phone("trunk").call("31", Duration::from_secs(2));
    stage.phone("phone31").wait_until_ringing();
    stage.pass(1.0);
    stage.phone("trunk").hang_up();
    stage.phone("phone31").hang_up();
    stage.phone("phone32").hang_up();
}

fn trunk_calls(stage: &mut Stage) {
    stage.plug_in("phone31");
    stage.plug_in("trunk");
    stage.join("sales", "phone31");
    stage.phone("phone31").plan(pick(1, 2));
    stage.phone("trunk").call("601", Duration::from_secs(30));
    stage.wait_connect("phone31");
    stage.phone("trunk").wait_until_idle();
    stage.note("the trunk gives up while phone31 rings");
    stage.phone("phone31").plan(Pick::Ignore);
    stage.join("lab", "phone31");
    stage.phone("trunk").call("604", Duration::from_secs(30));
    stage.wait("AgentCalled", &[("Queue", "lab")]);
    stage.pass(1.0);
    stage.phone("trunk").hang_up();
    stage.wait("QueueCallerAbandon", &[]);
    stage.note("phone31 declines, is busy, answers");
    let ring = Duration::from_secs(1);
    for status in [603, 486] {
        stage.phone("phone31").plan(Pick::Reject { ring, status });
    }
    stage.phone("phone31").plan(pick(1, 2));
    stage.phone("trunk").call("601", Duration::from_secs(30));
    stage.wait_connect("phone31");
    stage.phone("trunk").wait_until_idle();
}

fn state_interface(stage: &mut Stage) {
    stage.join("sales", "dev05");
    stage.pass(0.5);
    device(stage, "NOT_INUSE");
    stage.plan("dev05", "answer:1:2");
    stage.call_in("sales", "");
    stage.wait_connect("dev05");
    stage.pass(2.5);
    device(stage, "UNAVAILABLE");
    stage.pass(1.0);
    device(stage, "INUSE");
    stage.pass(1.0);
    device(stage, "NOT_INUSE");
    stage.pass(0.5);
}

fn phone_goes_away(stage: &mut Stage) {
    stage.plug_in("phone31");
    stage.join("sales", "phone31");
    stage.pass(1.0);
    stage.note("phone31 unregisters");
    stage.phone("phone31").register(false);
    stage.pass(1.0);
    stage.note("phone31 registers");
    stage.phone("phone31").register(true);
    stage.pass(0.5);
    stage.phone("phone31").plan(pick(1, 2));
    stage.call_in("sales", "");
    stage.wait_connect("phone31");
    stage.pass(2.5);
}

fn realtime_queue(stage: &mut Stage) {
    stage.plan("agent08", "ignore:0:0&answer:1:2");
    stage.call_in("night", "");
    stage.wait("AgentConnect", &[("Queue", "night")]);
    stage.pass(3.5);
}

fn reloaded(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.plan("agent01", "answer:2:4");
    stage.call_in("lab", "");
    stage.pass(0.5);
    stage.act(&[("Action", "QueueReload")]);
    stage.wait_connect("agent01");
    stage.pass(1.0);
    stage.act(&[("Action", "QueueReload"), ("Queue", "lab"), ("Parameters", "yes")]);
    stage.act(&[("Action", "QueueReset"), ("Queue", "sales")]);
    stage.wait("AgentComplete", &[]);
    stage.pass(0.5);
}

fn killed(stage: &mut Stage) {
    calls_at_the_end(stage);
    stage.kill_and_start_again();
    calls_afterwards(stage);
}

fn restarted(stage: &mut Stage) {
    calls_at_the_end(stage);
    stage.restart_now();
    calls_afterwards(stage);
}

/// One call connected, one waiting, and a paused member.
fn calls_at_the_end(stage: &Stage) {
    stage.join("lab", "agent01");
    stage.join("sales", "agent02");
    stage.pause("", "agent02", true, "Lunch");
    stage.plan("agent01", "answer:1:60");
    stage.call_in("lab", "");
    stage.wait_connect("agent01");
    stage.call_in("lab", "");
    stage.pass(1.5);
}

fn calls_afterwards(stage: &Stage) {
    stage.plan("agent01", "answer:1:2");
    stage.call_in("lab", "");
    stage.wait_connect("agent01");
    stage.pass(3.0);
}

fn pick(ring: u64, talk: u64) -> Pick {
    let (ring, talk) = (Duration::from_secs(ring), Duration::from_secs(talk));
    Pick::Answer { ring, talk, hold: None }
}

fn hand_over(stage: &Stage, action: &str, channel: &str, number: &str) {
    stage.act(&[
        ("Action", action),
        ("Channel", channel),
        ("Context", "elsewhere"),
        ("Exten", number),
    ]);
}

fn redirect(stage: &Stage, caller: u32) {
    let prefix = format!("Local/{caller}@callers-");
    let channels = stage.driver.must(&[("Action", "CoreShowChannels")]).list;
    let names = channels.iter().map(|packet| packet.get("Channel"));
    let name = names.into_iter().find(|name| name.starts_with(&prefix) && name.ends_with(";1"));
    stage.act(&[
        ("Action", "Redirect"),
        ("Channel", name.unwrap()),
        ("Context", "elsewhere"),
        ("Exten", "710"),
        ("Priority", "1"),
    ]);
}

fn device(stage: &Stage, state: &str) {
    let variable = [("Variable", "DEVICE_STATE(Custom:dev05)"), ("Value", state)];
    stage.act(&[("Action", "Setvar"), variable[0], variable[1]]);
}
