//! Calls that reach somebody by a detour: forwards, channels that optimize themselves away, pickups, pools of agents.

use std::time::Duration;

use crate::{phone::Pick, scenarios::pick, stage::Stage};

/// phone31 sends its calls on: to the world, then to a colleague's phone, whose `Local/` pair optimizes away.
pub fn forwarded(stage: &mut Stage) {
    for phone in ["phone31", "phone33"] {
        stage.plug_in(phone);
    }
    stage.join("lab", "phone31");
    let ring = Duration::from_secs(1);
    for to in ["0555", "33"] {
        stage.phone("phone31").plan(Pick::Forward { ring, to });
    }
    let caller = stage.call_in("lab", "");
    stage.wait_connect("phone31");
    stage.pass(2.0);
    stage.hang_up(caller);
    stage.wait("AgentComplete", &[]);
    stage.pass(2.5);
    stage.phone("phone33").plan(pick(1, 4));
    stage.call_in("lab", "");
    stage.wait_connect("phone31");
    stage.phone("phone33").speak();
    stage.wait("LocalOptimizationEnd", &[]);
    stage.pass(1.0);
    stage.wait("AgentComplete", &[]);
    stage.pass(2.5);
}

/// phone33 is called and comes into the line, over a pair that is gone once an agent talks with it. app_queue of both
/// versions then takes the caller for gone as well, completes the call, and says COMPLETECALLER; the two talk on.
pub fn optimized_caller(stage: &mut Stage) {
    stage.plug_in("phone33");
    stage.join("lab", "agent01");
    stage.plan("agent01", "answer:1:4");
    call_out(stage);
    stage.wait_connect("agent01");
    stage.phone("phone33").speak();
    stage.wait("LocalOptimizationEnd", &[]);
    stage.pass(1.0);
    stage.wait("AgentComplete", &[]);
    stage.pass(2.5);
}

/// The member is a pair before phone32, and is gone once it talks; the second caller's pair goes as well,
/// and ends the call as it does above.
pub fn optimized_member(stage: &mut Stage) {
    for phone in ["phone32", "phone33"] {
        stage.plug_in(phone);
    }
    let member = [("Interface", "Local/32@trunk"), ("StateInterface", "PJSIP/phone32")];
    let name = ("MemberName", "Phone 32");
    stage.act(&[("Action", "QueueAdd"), ("Queue", "lab"), member[0], member[1], name]);
    stage.phone("phone32").plan(pick(1, 4));
    stage.call_in("lab", "");
    stage.wait_connect("phone32");
    stage.phone("phone32").speak();
    stage.wait("LocalOptimizationEnd", &[]);
    stage.pass(1.0);
    stage.wait("AgentComplete", &[]);
    stage.pass(2.5);
    stage.phone("phone32").plan(pick(1, 30));
    call_out(stage);
    stage.wait_connect("phone32");
    for phone in ["phone32", "phone33"] {
        stage.phone(phone).speak();
    }
    // Comes with the end of the caller's pair, before or behind that of the member's.
    stage.wait("AgentComplete", &[("Reason", "caller")]);
    stage.pass(2.0);
    stage.phone("phone33").hang_up();
    stage.pass(2.5);
}

/// phone32 takes what rings at phone31, and then what rings at a member without a phone.
pub fn picked_up(stage: &mut Stage) {
    for phone in ["phone31", "phone32"] {
        stage.plug_in(phone);
    }
    stage.join("lab", "phone31");
    stage.join("sales", "phone32");
    stage.phone("phone31").plan(Pick::Ignore);
    stage.call_in("lab", "");
    stage.phone("phone31").wait_until_ringing();
    stage.pass(1.0);
    take_over(stage, "831", "phone31");
    stage.wait("AgentComplete", &[]);
    stage.pass(2.5);
    stage.leave("lab", "phone31");
    stage.join("lab", "agent01");
    stage.plan("agent01", "ignore:0:0");
    stage.call_in("lab", "");
    stage.wait("AgentCalled", &[("MemberName", "Agent 01")]);
    stage.pass(1.0);
    take_over(stage, "901", "agent01");
    stage.wait("AgentComplete", &[]);
    stage.pass(2.5);
}

/// An agent of a pool: logged in by phone31, asked for by the queue, back in the pool, logged out.
pub fn agent_pool(stage: &mut Stage) {
    stage.plug_in("phone31");
    let member = [("Interface", "Local/1001@poolreq/n"), ("StateInterface", "Agent:1001")];
    let name = ("MemberName", "Pool One");
    stage.act(&[("Action", "QueueAdd"), ("Queue", "lab"), member[0], member[1], name]);
    stage.pass(0.5);
    stage.note("phone31 logs in");
    stage.phone("phone31").call("91001", Duration::from_secs(60));
    stage.wait("AgentLogin", &[("Agent", "1001")]);
    stage.pass(1.0);
    for _ in 0..2 {
        let caller = stage.call_in("lab", "");
        stage.wait("AgentConnect", &[("MemberName", "Pool One")]);
        stage.pass(2.0);
        stage.hang_up(caller);
        stage.wait("AgentComplete", &[]);
        stage.pass(2.5);
    }
    stage.note("phone31 logs out");
    stage.phone("phone31").hang_up();
    stage.wait("AgentLogoff", &[("Agent", "1001")]);
    stage.pass(1.0);
}

/// phone33 is called for the queue, by a pair that may optimize itself away.
fn call_out(stage: &Stage) {
    stage.phone("phone33").plan(pick(1, 30));
    let caller = [("Context", "arrive"), ("Exten", "lab"), ("CallerID", "Phone 33 <33>")];
    let place = [("Channel", "Local/33@trunk"), ("Priority", "1"), ("Async", "true")];
    stage.act(&[
        ("Action", "Originate"),
        place[0],
        caller[0],
        caller[1],
        place[1],
        caller[2],
        place[2],
    ]);
    stage.wait("QueueCallerJoin", &[("Queue", "lab")]);
}

fn take_over(stage: &Stage, number: &str, member: &str) {
    stage.note(&format!("phone32 takes the call of {member}"));
    stage.phone("phone32").call(number, Duration::from_secs(3));
    stage.wait_connect(member);
    stage.pass(1.0);
}
