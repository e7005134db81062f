//! Callers in the line: who answers, who gives up, whom the queue sends away.

use std::time::Duration;

use crate::{phone::Pick, scenarios::pick, stage::Stage};

pub fn agent_hangs_up(stage: &mut Stage) {
    stage.join("sales", "agent01");
    stage.plan("agent01", "answer:1:2");
    stage.call_in("sales", "");
    stage.wait("AgentComplete", &[("Reason", "agent")]);
    stage.pass(3.5);
}

pub fn caller_hangs_up(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.plan("agent01", "answer:1:30");
    let caller = stage.call_in("lab", "");
    stage.wait_connect("agent01");
    stage.pass(2.0);
    stage.hang_up(caller);
    stage.wait("AgentComplete", &[("Reason", "caller")]);
    stage.pass(2.5);
}

pub fn no_answer(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.join("lab", "agent02");
    stage.plan("agent01", "ignore:0:0");
    stage.plan("agent02", "answer:1:2");
    stage.call_in("lab", "");
    stage.wait("AgentRingNoAnswer", &[("MemberName", "Agent 01")]);
    stage.wait_connect("agent02");
    stage.pass(3.0);
}

pub fn busy_and_rejected(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.plan("agent01", "busy:0:0&reject:1:0&fail:0:0&answer:1:2");
    stage.call_in("lab", "");
    stage.wait_connect("agent01");
    stage.pass(3.0);
}

pub fn abandoned_waiting(stage: &mut Stage) {
    let caller = stage.call_in("lab", "");
    stage.pass(2.0);
    stage.hang_up(caller);
    stage.wait("QueueCallerAbandon", &[]);
}

pub fn abandoned_while_ringing(stage: &mut Stage) {
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

pub fn gives_up_after_time(stage: &mut Stage) {
    stage.call_in("lab", "GIVE_UP=2");
    stage.wait("UserEvent", &[("Why", "TIMEOUT")]);
}

pub fn leaves_by_key(stage: &mut Stage) {
    stage.call_in("lab", "PRESS=2");
    stage.wait("UserEvent", &[("Why", "KEY")]);
}

pub fn left_when_empty(stage: &mut Stage) {
    stage.join("support", "agent01");
    stage.plan("agent01", "ignore:0:0");
    stage.call_in("support", "");
    stage.wait("AgentCalled", &[]);
    stage.pass(1.0);
    stage.leave("support", "agent01");
    stage.wait("UserEvent", &[("UserEvent", "Left")]);
}

pub fn refused_when_empty(stage: &mut Stage) {
    stage.call("support", "");
    stage.wait("UserEvent", &[("Why", "JOINEMPTY")]);
    stage.settle();
    stage.join("support", "agent01");
    stage.pause("support", "agent01", true, "Lunch");
    stage.call("support", "");
    stage.wait("UserEvent", &[("UserEvent", "Left")]);
}

pub fn refused_when_full(stage: &mut Stage) {
    let first = stage.call_in("tight", "");
    stage.call("tight", "");
    stage.wait("UserEvent", &[("Why", "FULL")]);
    stage.hang_up(first);
    stage.wait("QueueCallerAbandon", &[]);
}

pub fn waiting_line(stage: &mut Stage) {
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

pub fn ring_all(stage: &mut Stage) {
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

pub fn ring_in_use(stage: &mut Stage) {
    stage.plan("agent09", "answer:1:6&answer:1:3");
    stage.call_in("vip", "");
    stage.wait("AgentConnect", &[("Queue", "vip")]);
    stage.call_in("vip", "");
    stage.wait("AgentConnect", &[("Queue", "vip")]);
    stage.pass(7.0);
}

pub fn realtime_queue(stage: &mut Stage) {
    stage.plan("agent08", "ignore:0:0&answer:1:2");
    stage.call_in("night", "");
    stage.wait("AgentConnect", &[("Queue", "night")]);
    stage.pass(3.5);
}

pub fn trunk_calls(stage: &mut Stage) {
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
