//! The line to the PBX is cut and comes back: what happened meanwhile shows only in the listing of the new connection.

use std::time::Duration;

use crate::{phone::Pick, scenarios::pick, stage::Stage};

/// Of two who wait one gives up unheard, and a third comes; the agent then takes both who are there.
pub fn cut_while_waiting(stage: &mut Stage) {
    stage.call_in("lab", "");
    let leaves = stage.call_in("lab", "");
    stage.pass(1.0);
    stage.cut();
    stage.hang_up(leaves);
    stage.wait("QueueCallerAbandon", &[]);
    stage.call_in("lab", "");
    stage.pass(1.5);
    stage.mend();
    stage.pass(1.5);
    stage.join("lab", "agent01");
    stage.plan("agent01", "answer:1:2&answer:1:2");
    for _ in 0..2 {
        stage.wait_connect("agent01");
        stage.wait("AgentComplete", &[]);
    }
    stage.pass(2.5);
}

/// The phone rings when the line is cut: the first time the agent takes the call unheard and talks when the line is
/// back; the second time it still rings then, and rings out.
pub fn cut_while_ringing(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.plan("agent01", "answer:2:5&ignore:0:0&answer:1:2");
    stage.call_in("lab", "");
    stage.wait("AgentCalled", &[]);
    stage.pass(0.5);
    stage.cut();
    stage.wait_connect("agent01");
    stage.pass(1.0);
    stage.mend();
    stage.pass(1.0);
    stage.wait("AgentComplete", &[]);
    stage.pass(2.5);
    stage.call_in("lab", "");
    stage.wait("AgentCalled", &[]);
    stage.pass(0.5);
    stage.cut();
    stage.pass(1.0);
    stage.mend();
    stage.wait("AgentRingNoAnswer", &[]);
    stage.wait_connect("agent01");
    stage.wait("AgentComplete", &[]);
    stage.pass(2.5);
}

/// phone31 has its caller on hold when the line is cut and takes the call back afterwards; the second time it does so
/// unheard. agent01's call ends in the first gap.
pub fn cut_while_on_hold(stage: &mut Stage) {
    stage.plug_in("phone31");
    stage.join("lab", "agent01");
    stage.plan("agent01", "answer:1:30");
    let ends = stage.call_in("lab", "");
    stage.wait_connect("agent01");
    stage.join("sales", "phone31");
    stage.phone("phone31").plan(pick(1, 30));
    stage.call_in("sales", "");
    stage.wait_connect("phone31");
    stage.pass(1.0);
    hold(stage, true);
    stage.pass(0.5);
    stage.cut();
    stage.hang_up(ends);
    stage.wait("AgentComplete", &[]);
    stage.pass(1.5);
    stage.mend();
    stage.pass(1.0);
    hold(stage, false);
    stage.pass(1.0);
    hold(stage, true);
    stage.pass(0.5);
    stage.cut();
    hold(stage, false);
    stage.pass(1.0);
    stage.mend();
    stage.pass(1.0);
    stage.phone("phone31").hang_up();
    stage.wait("AgentComplete", &[]);
    stage.pass(3.5);
}

/// Three ways through a phone at once: a caller in the line, one whom phone31 lets ring, and phone32 on a call of its
/// own with the trunk.
pub fn cut_among_phones(stage: &mut Stage) {
    for phone in ["phone31", "phone32", "trunk"] {
        stage.plug_in(phone);
    }
    stage.join("sales", "phone31");
    stage.join("sales", "phone32");
    stage.phone("phone32").plan(pick(1, 30));
    stage.phone("trunk").call("32", Duration::from_secs(30));
    stage.phone("phone32").wait_until_up(1);
    stage.phone("phone31").plan(Pick::Ignore);
    stage.call_in("sales", "");
    stage.phone("phone31").wait_until_ringing();
    stage.pass(0.5);
    stage.cut();
    stage.pass(1.0);
    stage.mend();
    stage.pass(0.5);
    stage.phone("phone32").hang_up();
    stage.phone("phone32").plan(pick(1, 2));
    stage.wait_connect("phone32");
    stage.wait("AgentComplete", &[]);
    stage.pass(3.5);
}

fn hold(stage: &Stage, on: bool) {
    stage.note(&format!("phone31 holds: {on}"));
    stage.phone("phone31").hold(on);
    stage.wait(if on { "Hold" } else { "Unhold" }, &[]);
}
