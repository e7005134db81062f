//! Members and the PBX itself: pauses, joins, devices, reloads, restarts.

use crate::{scenarios::pick, stage::Stage};

pub fn paused_and_back(stage: &mut Stage) {
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

pub fn paused_in_mid_call(stage: &mut Stage) {
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

pub fn paused_by_queue(stage: &mut Stage) {
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

pub fn removed_in_mid_call(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.plan("agent01", "answer:1:4");
    stage.call_in("lab", "");
    stage.wait_connect("agent01");
    stage.pass(1.0);
    stage.leave("lab", "agent01");
    stage.wait("AgentComplete", &[]);
    stage.pass(2.5);
}

pub fn removed_while_ringing(stage: &mut Stage) {
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

pub fn penalty_and_ringinuse(stage: &mut Stage) {
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

pub fn state_interface(stage: &mut Stage) {
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

pub fn phone_goes_away(stage: &mut Stage) {
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

pub fn reloaded(stage: &mut Stage) {
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

pub fn killed(stage: &mut Stage) {
    calls_at_the_end(stage);
    stage.kill_and_start_again();
    calls_afterwards(stage);
}

pub fn restarted(stage: &mut Stage) {
    calls_at_the_end(stage);
    stage.restart_now();
    calls_afterwards(stage);
}

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

fn device(stage: &Stage, state: &str) {
    let variable = [("Variable", "DEVICE_STATE(Custom:dev05)"), ("Value", state)];
    stage.act(&[("Action", "Setvar"), variable[0], variable[1]]);
}
