//! The traffic of a small centre: seeded calls of every kind, and what agents and their supervisor do meanwhile.
//!
//! One loop over what is due and what the PBX tells. It never waits for anything: whatever it meant to do with a call that
//! has gone is dropped.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::{
    ami::{Ami, Packet},
    dice::Dice,
    phone::{Hold, Phone, Pick, Plug},
    stage::{interface, member_name},
    tally::Tally,
};

/// What is driven.
#[derive(Debug, Clone, Copy)]
pub struct Traffic {
    pub seed: u64,
    pub calls_per_minute: f64,
    pub acts_per_minute: f64,
}

/// Members and their queues at the start.
pub const CREW: &[(&str, &[&str])] = &[
    ("agent01", &["sales", "lab"]),
    ("agent02", &["sales"]),
    ("agent03", &["support", "sales"]),
    ("agent04", &["support", "ring"]),
    ("agent05", &["ring", "tight"]),
    ("agent06", &["ring", "lab"]),
    ("dev07", &["lab", "strict"]),
    ("phone31", &["sales", "vip"]),
    ("phone32", &["support", "lab"]),
];

const PHONES: &[&str] = &["phone31", "phone32", "phone33", "trunk"];
const REASONS: &[&str] = &["Lunch", "Coffee", "Meeting", ""];
const QUEUES: &[(&str, f64)] = &[
    ("sales", 0.30),
    ("support", 0.22),
    ("vip", 0.08),
    ("lab", 0.16),
    ("tight", 0.06),
    ("ring", 0.14),
    ("strict", 0.04),
];

#[derive(Debug, Clone)]
enum Due {
    Call,
    Act,
    /// The caller hangs up if he still waits (or, the second, if he talks).
    GiveUp(u32),
    HangUp(u32),
    /// The agent's channel hands the caller over.
    HandOver {
        channel: String,
        action: &'static str,
        number: &'static str,
    },
    /// AMI takes the caller away.
    Redirect(u32),
    Unpause(&'static str),
    Rejoin(&'static str, &'static str),
    Register(usize),
}

#[derive(Debug, Default)]
struct Caller {
    channel: String,
    queue: String,
    connected: bool,
    gone: bool,
}

/// The driver at work.
pub struct Driver {
    traffic: Traffic,
    dice: Dice,
    due: Vec<(Instant, Due)>,
    callers: BTreeMap<u32, Caller>,
    next_caller: u32,
    phones: Vec<Plug>,
    seen: usize,
    /// Callers whom AMI took out of the line, by queue.
    pub taken: BTreeMap<String, i64>,
    /// Calls beside the queues that a member's phone made or may have taken, by the member's name.
    pub beside: BTreeMap<String, i64>,
}

impl Driver {
    /// Plugs the phones in; `begin` brings the crew to their queues.
    pub fn new(traffic: Traffic, sip_port: u16) -> Driver {
        let phones = PHONES.iter().map(|name| Phone::plug_in(name, sip_port)).collect();
        let dice = Dice::new(traffic.seed);
        let due = vec![(Instant::now(), Due::Call), (Instant::now(), Due::Act)];
        let callers = BTreeMap::new();
        Driver {
            traffic,
            dice,
            due,
            callers,
            next_caller: 6_000_000,
            phones,
            seen: 0,
            taken: BTreeMap::new(),
            beside: BTreeMap::new(),
        }
    }

    /// Everybody comes to work: at the start, and when Asterisk came back and has lost plans and registrations.
    pub fn begin(&mut self, ami: &Ami) {
        self.seen = 0;
        self.callers.clear();
        for phone in &self.phones {
            phone.register(true);
        }
        for (member, queues) in CREW {
            for queue in *queues {
                join(ami, queue, member);
            }
            if !member.starts_with("phone") {
                self.plan(ami, member);
            }
        }
        for phone in &self.phones {
            let picks: Vec<Pick> = (0..60).map(|_| pick(&mut self.dice)).collect();
            picks.into_iter().for_each(|pick| phone.plan(pick));
        }
    }

    /// Drives until an instant.
    pub fn drive(&mut self, ami: &Ami, until: Instant, tally: &Mutex<Tally>) {
        while Instant::now() < until && !ami.is_closed() {
            let next = self.due.iter().map(|due| due.0).min();
            let wake = next.unwrap_or(until).min(until);
            self.listen(ami, wake, tally);
            let now = Instant::now();
            let (due, later) =
                std::mem::take(&mut self.due).into_iter().partition::<Vec<_>, _>(|d| d.0 <= now);
            self.due = later;
            for (_, due) in due {
                self.perform(ami, due);
            }
        }
    }

    /// Takes what the PBX has told, and tells until then.
    pub fn listen(&mut self, ami: &Ami, until: Instant, tally: &Mutex<Tally>) {
        while let Some((seen, packet)) = ami.find(self.seen, until, |_| true) {
            self.seen = seen;
            tally.lock().unwrap().take(&packet);
            self.take(&packet);
        }
    }

    /// Lets what is under way come to its end; nothing new begins.
    pub fn finish(&mut self, ami: &Ami, until: Instant, tally: &Mutex<Tally>) {
        self.due.retain(|(_, due)| !matches!(due, Due::Call | Due::Act));
        self.drive(ami, until, tally);
        for caller in self.callers.values().filter(|caller| !caller.gone) {
            hang_up(ami, &caller.channel);
        }
        self.phones.iter().for_each(|phone| phone.hang_up());
        self.drive(ami, Instant::now() + Duration::from_secs(4), tally);
    }

    fn after(&mut self, low: f64, high: f64, due: Due) {
        let at = Instant::now() + self.dice.seconds(low, high);
        self.due.push((at, due));
    }

    fn take(&mut self, packet: &Packet) {
        let number = packet.get("Channel").strip_prefix("Local/").and_then(|rest| {
            rest.split_once("@callers-").and_then(|(number, _)| number.parse::<u32>().ok())
        });
        let Some(number) = number else { return };
        let half = packet.get("Channel").ends_with(";1");
        match packet.get("Event") {
            "QueueCallerJoin" => {
                let caller = self.callers.entry(number).or_default();
                packet.get("Channel").clone_into(&mut caller.channel);
                packet.get("Queue").clone_into(&mut caller.queue);
                caller.connected = false;
            }
            "AgentConnect" => self.connected(number, packet.get("DestChannel")),
            "Hangup" if half => {
                if let Some(caller) = self.callers.get_mut(&number) {
                    caller.gone = true;
                }
            }
            _ => {}
        }
    }

    fn connected(&mut self, number: u32, agent: &str) {
        let Some(caller) = self.callers.get_mut(&number) else { return };
        caller.connected = true;
        match (self.dice.unit() * 20.0) as u32 {
            0 => self.hand_over(agent, "BlindTransfer", &["700", "702"]),
            1 => self.hand_over(agent, "BlindTransfer", &["701", "703"]),
            2 => self.hand_over(agent, "Atxfer", &["705"]),
            3 => self.hand_over(agent, "Atxfer", &["706", "707"]),
            4 => self.after(0.5, 3.0, Due::Redirect(number)),
            5..12 => self.after(1.0, 8.0, Due::HangUp(number)),
            _ => self.after(25.0, 30.0, Due::HangUp(number)),
        }
    }

    fn hand_over(&mut self, agent: &str, action: &'static str, numbers: &[&'static str]) {
        let number = *self.dice.one_of(numbers);
        self.after(0.5, 3.0, Due::HandOver { channel: agent.to_owned(), action, number });
    }

    fn perform(&mut self, ami: &Ami, due: Due) {
        match due {
            Due::Call => {
                let next = Instant::now() + self.dice.until_next(self.traffic.calls_per_minute);
                self.due.push((next, Due::Call));
                self.call(ami);
            }
            Due::Act => {
                let next = Instant::now() + self.dice.until_next(self.traffic.acts_per_minute);
                self.due.push((next, Due::Act));
                self.act(ami);
            }
            Due::GiveUp(number) => self.hang_up(ami, number, false),
            Due::HangUp(number) => self.hang_up(ami, number, true),
            Due::HandOver { channel, action, number } => {
                let place = [("Context", "elsewhere"), ("Exten", number)];
                ami.act(&[("Action", action), ("Channel", &channel), place[0], place[1]]);
            }
            Due::Redirect(number) => {
                let Some(caller) = self.callers.get(&number) else { return };
                if !caller.connected {
                    *self.taken.entry(caller.queue.clone()).or_default() += 1;
                }
                let place = [("Context", "elsewhere"), ("Exten", "710"), ("Priority", "1")];
                let lines = [("Action", "Redirect"), ("Channel", &*caller.channel)];
                ami.act(&[lines[0], lines[1], place[0], place[1], place[2]]);
            }
            Due::Unpause(member) => pause(ami, "", member, false, ""),
            Due::Rejoin(queue, member) => join(ami, queue, member),
            Due::Register(phone) => self.phones[phone].register(true),
        }
    }

    fn hang_up(&mut self, ami: &Ami, number: u32, connected: bool) {
        let caller = self.callers.get(&number);
        if let Some(caller) = caller.filter(|c| !c.gone && c.connected == connected) {
            hang_up(ami, &caller.channel);
        }
    }

    fn call(&mut self, ami: &Ami) {
        if self.dice.chance(0.1) {
            let number = *self.dice.one_of(&["601", "602", "603", "604"]);
            let talk = self.dice.seconds(2.0, 8.0);
            self.phones[3].call(number, talk);
            return;
        }
        self.next_caller += 1;
        let number = self.next_caller;
        let mut rest = self.dice.unit();
        let queue = QUEUES.iter().find(|(_, share)| {
            rest -= share;
            rest < 0.0
        });
        let queue = queue.map_or("sales", |queue| queue.0);
        let variables = match (self.dice.unit() * 20.0) as u32 {
            0..2 => format!("GIVE_UP={}", self.dice.between(2.0, 8.0) as u32),
            2 => format!("PRESS={:.1}", self.dice.between(0.5, 4.0)),
            3 => "PRIO=5".to_owned(),
            _ => String::new(),
        };
        match (self.dice.unit() * 10.0) as u32 {
            0 => self.after(0.3, 2.0, Due::GiveUp(number)),
            1 if self.dice.chance(0.5) => self.after(0.5, 4.0, Due::Redirect(number)),
            _ => self.after(4.0, 20.0, Due::GiveUp(number)),
        }
        originate(ami, number, queue, &variables);
    }

    /// Callers for whom a second of waiting is enough.
    pub fn call_hastily(&mut self, ami: &Ami) {
        for queue in ["sales", "support", "lab"] {
            self.next_caller += 1;
            originate(ami, self.next_caller, queue, "GIVE_UP=1");
        }
    }

    fn act(&mut self, ami: &Ami) {
        let (member, queues) = *self.dice.one_of(CREW);
        let queue = *self.dice.one_of(queues);
        let interface = interface(member);
        let reason = *self.dice.one_of(REASONS);
        match (self.dice.unit() * 14.0) as u32 {
            0 | 1 => {
                pause(ami, "", member, true, reason);
                self.after(2.0, 10.0, Due::Unpause(member));
            }
            2 | 3 => {
                pause(ami, queue, member, true, reason);
                self.after(2.0, 10.0, Due::Unpause(member));
            }
            4 => pause(ami, "", member, false, ""),
            5 | 6 => {
                ami.act(&[("Action", "QueueRemove"), ("Queue", queue), ("Interface", &interface)]);
                self.after(1.0, 8.0, Due::Rejoin(queue, member));
            }
            7 => {
                let penalty = (self.dice.unit() * 5.0).floor().to_string();
                let lines = [("Action", "QueuePenalty"), ("Interface", &*interface)];
                ami.act(&[lines[0], lines[1], ("Penalty", &penalty), ("Queue", queue)]);
            }
            8 => {
                let yes = if self.dice.chance(0.3) { "yes" } else { "no" };
                let lines = [("Action", "QueueMemberRingInUse"), ("Interface", &*interface)];
                ami.act(&[lines[0], lines[1], ("RingInUse", yes), ("Queue", queue)]);
            }
            9 => drop(ami.act(&[("Action", "QueueReload"), ("Members", "yes")])),
            10 => self.direct_call(),
            11 => {
                let phone = (self.dice.unit() * 2.0) as usize;
                if self.phones[phone].is_idle() {
                    self.phones[phone].register(false);
                    self.after(2.0, 5.0, Due::Register(phone));
                }
            }
            _ => self.plan(ami, member),
        }
    }

    fn direct_call(&mut self) {
        let talk = self.dice.seconds(1.0, 8.0);
        let (phone, number) = *self.dice.one_of(&[
            (3, "31"),
            (3, "32"),
            (0, "0555"),
            (1, "0555"),
            (2, "31"),
            (0, "33"),
        ]);
        if phone == 3 || self.phones[phone].is_idle() {
            self.phones[phone].call(number, talk);
            for party in [PHONES[phone].to_owned(), format!("phone{number}")] {
                if CREW.iter().any(|(member, _)| *member == party) {
                    *self.beside.entry(member_name(&party)).or_default() += 1;
                }
            }
        }
    }

    /// What a Local member does with its next calls.
    fn plan(&mut self, ami: &Ami, member: &str) {
        if member.starts_with("phone") {
            return;
        }
        let dice = &mut self.dice;
        let steps = (0..30).map(|_| match (dice.unit() * 20.0) as u32 {
            0..3 => "ignore:0:0".to_owned(),
            3 => "busy:0:0".to_owned(),
            4 => format!("reject:{:.1}:0", dice.between(0.2, 2.0)),
            5 => "fail:0:0".to_owned(),
            _ => format!("answer:{:.1}:{:.1}", dice.between(0.2, 3.0), dice.between(1.0, 9.0)),
        });
        let steps: Vec<String> = steps.collect();
        let variable = format!("PLAN_{member}");
        let lines = [("Action", "Setvar"), ("Variable", &*variable)];
        ami.act(&[lines[0], lines[1], ("Value", &steps.join("&"))]);
    }
}

/// A caller's channel comes into a queue.
fn originate(ami: &Ami, number: u32, queue: &str, variables: &str) {
    let channel = format!("Local/{number}@callers/n");
    let caller_id = format!("\"Caller {number}\" <{number}>");
    ami.act(&[
        ("Action", "Originate"),
        ("Channel", &channel),
        ("Context", "arrive"),
        ("Exten", queue),
        ("Priority", "1"),
        ("CallerID", &caller_id),
        ("Async", "true"),
        ("Variable", variables),
    ]);
}

fn pick(dice: &mut Dice) -> Pick {
    let ring = dice.seconds(0.2, 2.0);
    match (dice.unit() * 10.0) as u32 {
        0 => Pick::Ignore,
        1 => Pick::Reject { ring, status: *dice.one_of(&[486, 603, 480]) },
        kind => {
            let talk = dice.seconds(2.0, 8.0);
            let (after, length) = (dice.seconds(0.3, 1.5), dice.seconds(0.5, 3.0));
            let hold = (kind < 5).then_some(Hold { after, length });
            Pick::Answer { ring, talk, hold }
        }
    }
}

fn join(ami: &Ami, queue: &str, member: &str) {
    let (interface, name) = (interface(member), member_name(member));
    let state = if member.starts_with("dev") { format!("Custom:{member}") } else { String::new() };
    let mut lines = vec![
        ("Action", "QueueAdd"),
        ("Queue", queue),
        ("Interface", &*interface),
        ("MemberName", &*name),
    ];
    if !state.is_empty() {
        lines.push(("StateInterface", &state));
    }
    // Whoever is a member already stays one.
    ami.act(&lines);
}

fn pause(ami: &Ami, queue: &str, member: &str, paused: bool, reason: &str) {
    let interface = interface(member);
    let paused = if paused { "true" } else { "false" };
    let mut lines = vec![("Action", "QueuePause"), ("Interface", &*interface), ("Paused", paused)];
    lines.extend((!queue.is_empty()).then_some(("Queue", queue)));
    lines.extend((!reason.is_empty()).then_some(("Reason", reason)));
    ami.act(&lines);
}

/// The caller's end of a Local channel is its far half.
fn hang_up(ami: &Ami, channel: &str) {
    let far = channel.replace(";1", ";2");
    ami.act(&[("Action", "Hangup"), ("Channel", &far), ("Cause", "16")]);
}
