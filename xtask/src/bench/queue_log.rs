//! A made queue_log: a busy day's lines, the same for the same seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{Result, Write};

/// The day's first second: 2026-03-02T00:00:00Z.
const START: u64 = 1_772_409_600;
const SECONDS_PER_DAY: u64 = 86_400;
const QUEUES: u64 = 20;
const AGENTS: u64 = 500;

/// Writes so many lines, spread over a day.
pub fn write(lines: u64, seed: u64, out: &mut impl Write) -> Result<()> {
    let mut log = Log {
        dice: seed | 1,
        waiting: BinaryHeap::new(),
        made: 0,
        free_from: vec![0; AGENTS as usize],
    };
    log.add(0, "NONE|NONE|NONE|QUEUESTART|".to_owned());
    for agent in 0..AGENTS {
        log.add(0, format!("MANAGER|q{}|Agent {agent}|ADDMEMBER|", agent % QUEUES));
    }
    let (mut written, mut calls) = (0, 0);
    while written < lines {
        // A call has 2.7 lines or so.
        let at = calls * 27 * SECONDS_PER_DAY / (lines * 10).max(1);
        log.call(at.min(SECONDS_PER_DAY - 1), calls);
        calls += 1;
        while written < lines && log.waiting.peek().is_some_and(|Reverse((due, ..))| *due <= at) {
            let Some(Reverse((due, _, line))) = log.waiting.pop() else { break };
            writeln!(out, "{}|{line}", START + due)?;
            written += 1;
        }
    }
    Ok(())
}

/// The lines that are still to come, each with its second.
struct Log {
    dice: u64,
    waiting: BinaryHeap<Reverse<(u64, u64, String)>>,
    made: u64,
    free_from: Vec<u64>,
}

impl Log {
    fn add(&mut self, at: u64, line: String) {
        self.waiting.push(Reverse((at, self.made, line)));
        self.made += 1;
    }

    /// A number below another (xorshift64).
    fn roll(&mut self, below: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % below
    }

    /// One call: it enters, rings here and there, is answered or gives up.
    fn call(&mut self, at: u64, number: u64) {
        let (id, queue) = (format!("{}.{number}", START + at), self.roll(QUEUES));
        self.add(at, format!("{id}|q{queue}|NONE|ENTERQUEUE||555{number}|1"));
        let mut now = at + self.roll(5);
        while self.roll(100) < 25 {
            let (agent, ring) = (self.member(queue), 5 + self.roll(10));
            now += ring;
            self.add(now, format!("{id}|q{queue}|Agent {agent}|RINGNOANSWER|{}", ring * 1_000));
        }
        let agent = self.member(queue);
        let waited = now - at;
        if self.roll(100) < 12 || self.free_from[agent as usize] > now {
            let (kind, left) =
                if self.roll(10) < 8 { ("ABANDON", 3) } else { ("EXITWITHTIMEOUT", 9) };
            self.add(now + left, format!("{id}|q{queue}|NONE|{kind}|1|1|{}", waited + left));
            return;
        }
        let (ring, talk) = (2 + self.roll(6), 20 + self.roll(60));
        let (answered, waited) = (now + ring, waited + ring);
        self.add(answered, format!("{id}|q{queue}|Agent {agent}|CONNECT|{waited}|{id}9|{ring}"));
        let end = ["COMPLETECALLER", "COMPLETEAGENT", "COMPLETECALLER", "COMPLETEAGENT"];
        let end = end[self.roll(4) as usize];
        let ended = answered + talk;
        self.add(ended, format!("{id}|q{queue}|Agent {agent}|{end}|{waited}|{talk}|1"));
        self.free_from[agent as usize] = ended + 5;
        if self.roll(100) < 3 {
            for (after, kind) in [(6, "PAUSE"), (120, "UNPAUSE")] {
                self.add(ended + after, format!("NONE|NONE|Agent {agent}|{kind}ALL|Break"));
                self.add(ended + after, format!("NONE|q{queue}|Agent {agent}|{kind}|Break"));
            }
            self.free_from[agent as usize] = ended + 125;
        }
    }

    fn member(&mut self, queue: u64) -> u64 {
        self.roll(AGENTS / QUEUES) * QUEUES + queue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_lines_in_order() {
        let made = |seed| {
            let mut out = Vec::new();
            write(2_000, seed, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let log = made(7);
        assert_eq!(log, made(7));
        assert_ne!(log, made(8));
        assert_eq!(log.lines().count(), 2_000);
        let times: Vec<_> = log.lines().map(|line| line.split('|').next().unwrap()).collect();
        assert!(times.is_sorted());
        for kind in ["ENTERQUEUE", "CONNECT", "RINGNOANSWER", "ABANDON", "COMPLETEAGENT"] {
            assert!(log.contains(kind), "{kind}");
        }
    }
}
