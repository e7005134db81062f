//! A log to measure with: a busy contact centre as NDJSON, the same for the same numbers.
//!
//! Not believable in its times as the simulator's logs are, but in its mix: calls are queued, offered, accepted or
//! rejected, held, released, completed and abandoned, while agents go on break and come back.

use std::fmt::Write as _;

/// 2026-03-02T07:00:00Z, a Monday morning.
pub const START_MS: i64 = 1_772_434_800_000;
const SOURCES: usize = 4;

/// What a call does next.
#[derive(Clone, Copy)]
enum Stage {
    Waiting,
    Offered(u32),
    Processing(u32),
    Held(u32),
    PostProcessing(u32),
}

struct Call {
    id: String,
    stage: Stage,
}

/// The contact centre between two events.
pub struct Log {
    random: u64,
    time_ms: i64,
    events_per_second: i64,
    written: u64,
    seqs: [u64; SOURCES],
    queues: u32,
    idle: Vec<u32>,
    on_break: Vec<u32>,
    calls: Vec<Call>,
    calls_max: usize,
}

impl Log {
    /// Writes the directory and lets all agents log in.
    pub fn open(agents: u32, queues: u32, events_per_second: i64, out: &mut String) -> Log {
        let mut log = Log {
            random: 1,
            time_ms: START_MS,
            events_per_second,
            written: 0,
            seqs: [0; SOURCES],
            queues,
            idle: (0..agents).collect(),
            on_break: Vec::new(),
            calls: Vec::new(),
            calls_max: agents as usize * 3 / 4,
        };
        for queue in 1..=queues {
            let media = ["phone", "phone", "phone", "chat", "email"][queue as usize % 5];
            let fields = format!(
                r#""queue":{queue},"name":"Queue {queue}","media":"{media}","sla":{{"percent":80,"within_seconds":20}}"#
            );
            log.event("queue.configured", &fields, out);
        }
        for agent in 0..agents {
            let name = agent_id(agent);
            let fields = format!(
                r#""agent":"{name}","name":"Agent Number {agent}","group":{}"#,
                1 + agent % 20
            );
            log.event("agent.configured", &fields, out);
            for _ in 0..4 {
                let queue = 1 + log.below(u64::from(queues));
                let fields = format!(r#""agent":"{name}","queue":{queue},"assigned":true"#);
                log.event("assignment.set", &fields, out);
            }
            log.event("agent.status", &format!(r#""agent":"{name}","status":"available""#), out);
        }
        log
    }

    /// Writes the next event.
    pub fn next(&mut self, out: &mut String) {
        self.written += 1;
        // The clock ticks every 10 ms, or more seldom where nothing happens that often.
        let together = (self.events_per_second / 100).max(1);
        if self.written.is_multiple_of(together as u64) {
            self.time_ms += together * 1_000 / self.events_per_second;
        }
        match self.below(100) {
            0..4 => self.change_status(out),
            4..22 if self.calls.len() < self.calls_max => self.queue_call(out),
            _ if self.calls.is_empty() => self.queue_call(out),
            _ => self.move_call(out),
        }
    }

    fn change_status(&mut self, out: &mut String) {
        let comes_back = self.on_break.len() * 10 > self.idle.len();
        let from = if comes_back { &self.on_break } else { &self.idle };
        let place = self.below_len(from.len());
        let fields = if comes_back {
            let agent = self.on_break.swap_remove(place);
            self.idle.push(agent);
            format!(r#""agent":"{}","status":"available""#, agent_id(agent))
        } else {
            let agent = self.idle.swap_remove(place);
            self.on_break.push(agent);
            let item = self.below(8);
            format!(r#""agent":"{}","status":"on-break","list":1,"item":{item}"#, agent_id(agent))
        };
        self.event("agent.status", &fields, out);
    }

    fn queue_call(&mut self, out: &mut String) {
        let (high, low) = (self.draw(), self.draw());
        let id = format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 48,
            low & 0xffff_ffff_ffff
        );
        let queue = 1 + self.below(u64::from(self.queues));
        self.event("transaction.queued", &format!(r#""transaction":"{id}","queue":{queue}"#), out);
        self.calls.push(Call { id, stage: Stage::Waiting });
    }

    fn move_call(&mut self, out: &mut String) {
        let place = self.below_len(self.calls.len());
        let dice = self.below(100);
        let (word, agent, next) = match self.calls[place].stage {
            Stage::Waiting if dice < 6 => ("abandoned", None, None),
            Stage::Waiting if dice < 7 => ("diverted", None, None),
            Stage::Waiting if self.idle.len() < 2 => ("abandoned", None, None),
            Stage::Waiting => {
                let chosen = self.below_len(self.idle.len());
                let agent = self.idle.swap_remove(chosen);
                ("offered", Some(agent), Some(Stage::Offered(agent)))
            }
            Stage::Offered(agent) if dice < 7 => ("rejected", Some(agent), Some(Stage::Waiting)),
            Stage::Offered(agent) if dice < 9 => ("withdrawn", Some(agent), Some(Stage::Waiting)),
            Stage::Offered(agent) => ("accepted", Some(agent), Some(Stage::Processing(agent))),
            Stage::Processing(agent) if dice < 25 => {
                ("held", Some(agent), Some(Stage::Held(agent)))
            }
            Stage::Processing(agent) => {
                ("released", Some(agent), Some(Stage::PostProcessing(agent)))
            }
            Stage::Held(agent) => ("resumed", Some(agent), Some(Stage::Processing(agent))),
            Stage::PostProcessing(agent) => ("completed", Some(agent), None),
        };
        let mut fields = format!(r#""transaction":"{}""#, self.calls[place].id);
        if let Some(agent) = agent {
            let _ = write!(fields, r#","agent":"{}""#, agent_id(agent));
            if !matches!(
                next,
                Some(
                    Stage::Offered(_)
                        | Stage::Processing(_)
                        | Stage::Held(_)
                        | Stage::PostProcessing(_)
                )
            ) {
                self.idle.push(agent);
            }
        }
        self.event(&format!("transaction.{word}"), &fields, out);
        match next {
            Some(stage) => self.calls[place].stage = stage,
            None => drop(self.calls.swap_remove(place)),
        }
    }

    fn event(&mut self, type_word: &str, fields: &str, out: &mut String) {
        let time = self.time_ms;
        let _ = write!(out, r#"{{"time":{time},"type":"{type_word}",{fields}"#);
        // Some systems number their events, some do not.
        let source = self.below(SOURCES as u64 + 1) as usize;
        if let Some(seq) = self.seqs.get_mut(source) {
            *seq += 1;
            let _ = write!(out, r#","source":"pbx-{source}","seq":{seq}"#);
        }
        out.push_str("}\n");
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.draw() % bound
    }

    fn below_len(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// SplitMix64.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

fn agent_id(agent: u32) -> String {
    format!("agent.{agent:05}@example.com")
}
