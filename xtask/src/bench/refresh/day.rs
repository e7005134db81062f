//! A made day of a contact centre, the same for the same size: told as events, and kept at the same time in the rows of
//! a reporting database.
//!
//! The rows are kept here by themselves, without the engine: when both give the same figures, neither has it from the
//! other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::Write;

/// 2026-03-02T00:00:00Z, where the day begins.
pub const START_MS: i64 = 1_772_409_600_000;
/// The instant that is described: the day's last second.
pub const NOW_MS: i64 = START_MS + 86_399_000;
/// Where the last half hour begins.
pub const WINDOW_MS: i64 = NOW_MS - 1_800_000;
/// Where the evaluation period of the service levels begins.
pub const PERIOD_MS: i64 = NOW_MS - (NOW_MS - START_MS) % 900_000;

const WITHIN_MS: i64 = 20_000;
const QUEUES_PER_AGENT: u64 = 4;
const MEDIA: [&str; 5] = ["phone", "phone", "phone", "chat", "email"];

/// How much happens.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub agents: u32,
    pub queues: u32,
    pub transactions: u64,
}

/// A row of `visits`: queue, entered, ended, state, limit.
pub type Visit = (u32, i64, Option<i64>, u8, i64);
/// A row of `legs`: agent, queue, begun, left, ended.
pub type Leg = (u32, u32, i64, Option<i64>, Option<i64>);
/// A row of `spans`: agent, status, begun, ended.
pub type Span = (u32, u8, i64, Option<i64>);

const WAITING: u8 = 0;
const OFFERED: u8 = 1;
const ACCEPTED: u8 = 2;
const ABANDONED: u8 = 3;
const DIVERTED: u8 = 4;

/// The day as rows.
#[derive(Debug, Default)]
pub struct Tables {
    pub queues: Vec<(u32, String, &'static str)>,
    pub agents: Vec<(u32, String, String, u32)>,
    pub assignments: Vec<(u32, u32, u8)>,
    pub visits: Vec<Visit>,
    pub legs: Vec<Leg>,
    pub rejections: Vec<(u32, i64)>,
    pub spans: Vec<Span>,
}

/// What happens next to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Arrive,
    /// Somebody free changes between work, break, work offline and home.
    Change,
    Offer(Call),
    Reject(Call, u32),
    Withdraw(Call, u32),
    Answer(Call, u32),
    Abandon(Call, Option<u32>),
    Divert(Call),
    Hold(Call, u32),
    Release(Call, u32),
    Complete(Call, u32),
}

/// A transaction: its number, its visit's place and its leg's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    number: u64,
    visit: usize,
    leg: usize,
}

/// An agent's present status, and whether a transaction keeps them.
#[derive(Debug, Clone, Copy)]
struct Desk {
    status: u8,
    since_ms: i64,
    taken: bool,
}

/// A day that is being made.
pub struct Day<F> {
    size: Size,
    dice: u64,
    steps: BinaryHeap<Reverse<(i64, u64, Step)>>,
    planned: u64,
    arrived: u64,
    desks: Vec<Desk>,
    tables: Tables,
    lines: Vec<u8>,
    tell: F,
    events: u64,
}

/// Bytes of events that are told at once.
const TOLD_BYTES: usize = 1 << 20;

/// Makes the day: `tell` gets its events as lines, in order, some at a time. Returns the rows and the number of events.
pub fn make(size: Size, tell: impl FnMut(&[u8])) -> (Tables, u64) {
    let mut day = Day {
        size,
        dice: 0x9e37_79b9_7f4a_7c15,
        steps: BinaryHeap::new(),
        planned: 0,
        arrived: 0,
        desks: Vec::new(),
        tables: Tables::default(),
        lines: Vec::new(),
        tell,
        events: 0,
    };
    day.open();
    day.plan(START_MS, Step::Arrive);
    day.plan(START_MS, Step::Change);
    while let Some(Reverse((at, _, step))) = day.steps.pop() {
        if at > NOW_MS {
            break;
        }
        day.take(at, step);
    }
    day.close()
}

impl<F: FnMut(&[u8])> Day<F> {
    fn open(&mut self) {
        for queue in 1..=self.size.queues {
            let (name, media) = (format!("Queue {queue}"), MEDIA[queue as usize % MEDIA.len()]);
            self.event(
                START_MS,
                "queue.configured",
                format_args!(
                    r#""queue":{queue},"name":"{name}","media":"{media}","sla":{{"percent":80,"within_seconds":20}}"#
                ),
            );
            self.tables.queues.push((queue, name, media));
        }
        for agent in 0..self.size.agents {
            let (login, name, team) =
                (login(agent), format!("Agent Number {agent}"), agent % 20 + 1);
            let fields = format!(r#""agent":"{login}","name":"{name}","group":{team}"#);
            self.event(START_MS, "agent.configured", format_args!("{fields}"));
            self.tables.agents.push((agent, login.clone(), name, team));
            let first = self.roll(u64::from(self.size.queues));
            for nth in 0..QUEUES_PER_AGENT.min(u64::from(self.size.queues)) {
                let queue = ((first + nth) % u64::from(self.size.queues)) as u32 + 1;
                let enabled = self.roll(10) > 0;
                self.event(
                    START_MS,
                    "assignment.set",
                    format_args!(
                        r#""agent":"{login}","queue":{queue},"assigned":true,"enabled":{enabled}"#
                    ),
                );
                self.tables.assignments.push((agent, queue, u8::from(enabled)));
            }
            self.event(
                START_MS,
                "agent.status",
                format_args!(r#""agent":"{login}","status":"available""#),
            );
            self.desks.push(Desk { status: 0, since_ms: START_MS, taken: false });
        }
    }

    /// What still goes on becomes rows without an end.
    fn close(mut self) -> (Tables, u64) {
        (self.tell)(&self.lines);
        for (agent, desk) in self.desks.iter().enumerate() {
            self.tables.spans.push((agent as u32, desk.status, desk.since_ms, None));
        }
        (self.tables, self.events)
    }

    fn take(&mut self, at: i64, step: Step) {
        match step {
            Step::Arrive => self.arrive(at),
            Step::Change => self.change(at),
            Step::Offer(call) => self.offer(at, call),
            Step::Reject(call, agent) => {
                self.tables.rejections.push((agent, at));
                self.goes_back(at, call, agent, "rejected");
            }
            Step::Withdraw(call, agent) => self.goes_back(at, call, agent, "withdrawn"),
            Step::Answer(call, agent) => self.answer(at, call, agent),
            Step::Abandon(call, ringing) => {
                self.about(at, "abandoned", call, None);
                self.end_visit(at, call, ABANDONED);
                if let Some(agent) = ringing {
                    self.set(at, agent, 0, false);
                }
            }
            Step::Divert(call) => {
                self.about(at, "diverted", call, None);
                self.end_visit(at, call, DIVERTED);
            }
            Step::Hold(call, agent) => {
                self.about(at, "held", call, Some(agent));
                self.about(at, "resumed", call, Some(agent));
            }
            Step::Release(call, agent) => {
                self.about(at, "released", call, Some(agent));
                self.tables.legs[call.leg].3 = Some(at);
                self.set(at, agent, 3, true);
                let wrap_up_ms = self.between(5_000, 60_000);
                self.plan(at + wrap_up_ms, Step::Complete(call, agent));
            }
            Step::Complete(call, agent) => {
                self.about(at, "completed", call, Some(agent));
                self.tables.legs[call.leg].4 = Some(at);
                self.set(at, agent, 0, false);
            }
        }
    }

    fn arrive(&mut self, at: i64) {
        let number = self.arrived;
        self.arrived += 1;
        let queue = self.roll(u64::from(self.size.queues)) as u32 + 1;
        let call = Call { number, visit: self.tables.visits.len(), leg: 0 };
        self.tables.visits.push((queue, at, None, WAITING, WITHIN_MS));
        self.event(
            at,
            "transaction.queued",
            format_args!(r#""transaction":"call-{number:08x}","queue":{queue}"#),
        );
        match self.roll(100) {
            0..7 => {
                let wait_ms = self.between(1_000, 60_000);
                self.plan(at + wait_ms, Step::Abandon(call, None));
            }
            7 => self.plan(at + 30_000, Step::Divert(call)),
            _ => {
                let wait_ms = self.between(100, 30_000);
                self.plan(at + wait_ms, Step::Offer(call));
            }
        }
        if self.arrived < self.size.transactions {
            let span_ms = (NOW_MS - START_MS) as u64;
            let next = START_MS + (span_ms * self.arrived / self.size.transactions) as i64;
            self.plan(next, Step::Arrive);
        }
    }

    fn change(&mut self, at: i64) {
        let agent = self.roll(u64::from(self.size.agents)) as u32;
        let desk = self.desks[agent as usize];
        if !desk.taken {
            let (word, status) = match (desk.status, self.roll(4)) {
                (0, 0 | 1) => ("on-break", 4),
                (0, 2) => ("work-offline", 5),
                (0, _) => ("logged-out", 9),
                _ => ("available", 0),
            };
            self.event(
                at,
                "agent.status",
                format_args!(r#""agent":"{}","status":"{word}""#, login(agent)),
            );
            self.set(at, agent, status, false);
        }
        // Each agent about every twelve minutes.
        self.plan(at + 1 + 700_000 / i64::from(self.size.agents), Step::Change);
    }

    fn offer(&mut self, at: i64, call: Call) {
        let chosen = (0..64).find_map(|_| {
            let agent = self.roll(u64::from(self.size.agents)) as u32;
            let desk = self.desks[agent as usize];
            (desk.status == 0 && !desk.taken).then_some(agent)
        });
        let Some(agent) = chosen else { return self.plan(at + 2_000, Step::Offer(call)) };
        self.about(at, "offered", call, Some(agent));
        self.tables.visits[call.visit].3 = OFFERED;
        self.set(at, agent, 1, true);
        let ring_ms = self.between(1_000, 9_000);
        let next = match self.roll(100) {
            0..6 => Step::Reject(call, agent),
            6 => Step::Withdraw(call, agent),
            7 => Step::Abandon(call, Some(agent)),
            _ => Step::Answer(call, agent),
        };
        self.plan(at + ring_ms, next);
    }

    /// An offer ends without an answer; another follows.
    fn goes_back(&mut self, at: i64, call: Call, agent: u32, word: &str) {
        self.about(at, word, call, Some(agent));
        self.tables.visits[call.visit].3 = WAITING;
        self.set(at, agent, 0, false);
        let wait_ms = self.between(100, 5_000);
        self.plan(at + wait_ms, Step::Offer(call));
    }

    fn answer(&mut self, at: i64, call: Call, agent: u32) {
        self.about(at, "accepted", call, Some(agent));
        self.end_visit(at, call, ACCEPTED);
        self.set(at, agent, 2, true);
        let queue = self.tables.visits[call.visit].0;
        let call = Call { leg: self.tables.legs.len(), ..call };
        self.tables.legs.push((agent, queue, at, None, None));
        let talk_ms = self.between(30_000, 300_000);
        if self.roll(5) == 0 {
            self.plan(at + talk_ms / 2, Step::Hold(call, agent));
        }
        self.plan(at + talk_ms, Step::Release(call, agent));
    }

    fn end_visit(&mut self, at: i64, call: Call, state: u8) {
        let visit = &mut self.tables.visits[call.visit];
        (visit.2, visit.3) = (Some(at), state);
    }

    /// An agent's status changes: the one before becomes a row.
    fn set(&mut self, at: i64, agent: u32, status: u8, taken: bool) {
        let desk = &mut self.desks[agent as usize];
        self.tables.spans.push((agent, desk.status, desk.since_ms, Some(at)));
        *desk = Desk { status, since_ms: at, taken };
    }

    fn about(&mut self, at: i64, word: &str, call: Call, agent: Option<u32>) {
        let (kind, number) = (format!("transaction.{word}"), call.number);
        match agent {
            Some(agent) => self.event(
                at,
                &kind,
                format_args!(r#""transaction":"call-{number:08x}","agent":"{}""#, login(agent)),
            ),
            None => self.event(at, &kind, format_args!(r#""transaction":"call-{number:08x}""#)),
        }
    }

    fn event(&mut self, at: i64, kind: &str, fields: std::fmt::Arguments<'_>) {
        self.events += 1;
        // Writing into memory does not fail.
        let _ = writeln!(self.lines, r#"{{"time":{at},"type":"{kind}",{fields}}}"#);
        if self.lines.len() > TOLD_BYTES {
            (self.tell)(&self.lines);
            self.lines.clear();
        }
    }

    fn plan(&mut self, at: i64, step: Step) {
        self.planned += 1;
        self.steps.push(Reverse((at, self.planned, step)));
    }

    fn between(&mut self, least: i64, below: i64) -> i64 {
        least + self.roll((below - least) as u64) as i64
    }

    /// A number below another (xorshift64).
    fn roll(&mut self, below: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % below
    }
}

/// In the order of the numbers.
fn login(agent: u32) -> String {
    format!("agent{agent:05}")
}
