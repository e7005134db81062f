//! Calls that move: transfers, holds, redirections, calls beside the queues.

use std::time::Duration;

use crate::{
    phone::{Hold, Pick},
    scenarios::pick,
    stage::Stage,
};

pub fn blind_transfer(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.plan("agent01", "answer:1:30");
    stage.call_in("lab", "");
    let channel = stage.wait_connect("agent01");
    stage.pass(1.5);
    hand_over(stage, "BlindTransfer", &channel, "700");
    stage.wait("AgentComplete", &[]);
    stage.pass(2.5);
}

pub fn blind_transfer_to_queue(stage: &mut Stage) {
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

pub fn attended_transfer(stage: &mut Stage) {
    stage.join("lab", "agent01");
    stage.plan("agent01", "answer:1:6");
    stage.call_in("lab", "");
    let channel = stage.wait_connect("agent01");
    stage.pass(1.0);
    hand_over(stage, "Atxfer", &channel, "702");
    stage.wait("AttendedTransfer", &[]);
    stage.pass(1.0);
}

pub fn attended_transfer_to_queue(stage: &mut Stage) {
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

pub fn attended_transfer_given_up(stage: &mut Stage) {
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

pub fn transfer_by_phone(stage: &mut Stage) {
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

pub fn attended_transfer_by_phone(stage: &mut Stage) {
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

pub fn hold_by_phone(stage: &mut Stage) {
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

pub fn redirected(stage: &mut Stage) {
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

pub fn direct_calls(stage: &mut Stage) {
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
