//! Events for `load ingest`: a directory, and then transactions that make sense in the order they are sent.
//!
//! Each connection has agents of its own and takes them through transactions from queued to completed, so that
//! whatever the server does with the connections side by side, no event is one to be ignored.

/// What the events are about.
#[derive(Debug, Clone, Copy)]
pub struct Center {
    pub agents: u32,
    pub queues: u32,
}

/// Queues to which each agent is assigned, as far as there are so many.
const QUEUES_PER_AGENT: u32 = 3;

impl Center {
    /// The queue of one of the agent's assignments.
    fn queue_of(self, agent: u32, nth: u32) -> u32 {
        agent.wrapping_mul(7).wrapping_add(nth * 13) % self.queues + 1
    }

    /// The directory, one event a line: queues, agents, assignments; and every agent available.
    pub fn directory(self, now_ms: i64) -> Vec<String> {
        let mut lines = Vec::new();
        for queue in 1..=self.queues {
            let media = ["phone", "phone", "phone", "chat", "email"][queue as usize % 5];
            lines.push(format!(
                "{{\"time\":{now_ms},\"type\":\"queue.configured\",\"queue\":{queue},\
                 \"name\":\"Queue {queue}\",\"media\":\"{media}\",\
                 \"sla\":{{\"percent\":80,\"within_seconds\":20}}}}"
            ));
        }
        for agent in 0..self.agents {
            lines.push(format!(
                "{{\"time\":{now_ms},\"type\":\"agent.configured\",\"agent\":\"agent{agent}\",\
                 \"name\":\"Agent Number {agent}\",\"group\":{}}}",
                agent % 20 + 1
            ));
            for nth in 0..QUEUES_PER_AGENT {
                lines.push(format!(
                    "{{\"time\":{now_ms},\"type\":\"assignment.set\",\"agent\":\"agent{agent}\",\
                     \"queue\":{},\"assigned\":true}}",
                    self.queue_of(agent, nth)
                ));
            }
            lines.push(format!(
                "{{\"time\":{now_ms},\"type\":\"agent.status\",\"agent\":\"agent{agent}\",\
                 \"status\":\"available\"}}"
            ));
        }
        lines
    }
}

/// How far an agent's present transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    None,
    Queued,
    Offered,
    Accepted,
    Held,
    Talking,
    Released,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    agent: u32,
    stage: Stage,
    transaction: u64,
    queue: u32,
}

/// One connection's endless transactions.
#[derive(Debug)]
pub struct Transactions {
    center: Center,
    /// `"source":"…","seq":` of this connection.
    origin: String,
    /// What this connection's transaction ids begin with.
    prefix: String,
    slots: Vec<Slot>,
    seq: u64,
    transactions: u64,
    random: u64,
}

impl Transactions {
    /// The transactions of connection `index` of `connections`. `run` tells this run from every other, so that no
    /// event is a duplicate of an earlier run's.
    pub fn new(center: Center, run: u64, index: usize, connections: usize) -> Transactions {
        let own = (0..center.agents).filter(|agent| *agent as usize % connections == index);
        let slots = own.map(|agent| Slot { agent, stage: Stage::None, transaction: 0, queue: 1 });
        Transactions {
            center,
            origin: format!(",\"source\":\"load-{run:x}-{index}\",\"seq\":"),
            prefix: format!("{run:x}-{index}-"),
            slots: slots.collect(),
            seq: 0,
            transactions: 0,
            random: 0x9e37_79b9_7f4a_7c15 ^ (index as u64 + 1),
        }
    }

    /// Whether there is an agent to send transactions to.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Writes the next event as a line.
    pub fn write(&mut self, now_ms: i64, out: &mut Vec<u8>) {
        let random = self.next_random();
        let index = random as usize % self.slots.len();
        let dice = (random >> 32) as u32;
        let mut slot = self.slots[index];
        let (kind, stage) = match slot.stage {
            Stage::None => {
                self.transactions += 1;
                slot.transaction = self.transactions;
                slot.queue = self.center.queue_of(slot.agent, dice % QUEUES_PER_AGENT);
                ("queued", Stage::Queued)
            }
            Stage::Queued if dice.is_multiple_of(20) => ("abandoned", Stage::None),
            Stage::Queued => ("offered", Stage::Offered),
            Stage::Offered if dice.is_multiple_of(10) => ("rejected", Stage::Queued),
            Stage::Offered => ("accepted", Stage::Accepted),
            Stage::Accepted if dice.is_multiple_of(4) => ("held", Stage::Held),
            Stage::Held => ("resumed", Stage::Talking),
            Stage::Accepted | Stage::Talking => ("released", Stage::Released),
            Stage::Released => ("completed", Stage::None),
        };
        slot.stage = stage;
        self.slots[index] = slot;
        self.seq += 1;
        let mut digits = itoa::Buffer::new();
        out.extend_from_slice(b"{\"time\":");
        out.extend_from_slice(digits.format(now_ms).as_bytes());
        out.extend_from_slice(b",\"type\":\"transaction.");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\",\"transaction\":\"");
        out.extend_from_slice(self.prefix.as_bytes());
        out.extend_from_slice(digits.format(slot.transaction).as_bytes());
        match kind {
            "queued" => {
                out.extend_from_slice(b"\",\"queue\":");
                out.extend_from_slice(digits.format(slot.queue).as_bytes());
            }
            "abandoned" => out.push(b'"'),
            _ => {
                out.extend_from_slice(b"\",\"agent\":\"agent");
                out.extend_from_slice(digits.format(slot.agent).as_bytes());
                out.push(b'"');
            }
        }
        out.extend_from_slice(self.origin.as_bytes());
        out.extend_from_slice(digits.format(self.seq).as_bytes());
        out.extend_from_slice(b"}\n");
    }

    /// Marsaglia's xorshift: the same events in every run, for next to nothing.
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const CENTER: Center = Center { agents: 10, queues: 4 };

    /// The text of a field, quoted or not.
    fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
        let (_, rest) = line.split_once(&format!("\"{name}\":"))?;
        Some(rest.split([',', '}']).next()?.trim_matches('"'))
    }

    #[test]
    fn transactions_go_from_queued_to_their_end() {
        let mut out = Vec::new();
        let mut transactions = Transactions::new(CENTER, 7, 1, 3);
        for now in 0..5_000 {
            transactions.write(now, &mut out);
        }
        let text = String::from_utf8(out).unwrap();
        let mut last: BTreeMap<&str, &str> = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            assert_eq!(field(line, "seq"), Some((index + 1).to_string().as_str()));
            if let Some(agent) = field(line, "agent") {
                let agent: usize = agent.trim_start_matches("agent").parse().unwrap();
                assert_eq!(agent % 3, 1, "the agents of another connection: {line}");
            }
            let kind = field(line, "type").unwrap().trim_start_matches("transaction.");
            let before = last.insert(field(line, "transaction").unwrap(), kind);
            let fine = match kind {
                "queued" => before.is_none(),
                "offered" => matches!(before, Some("queued" | "rejected")),
                "abandoned" => matches!(before, Some("queued" | "rejected")),
                "accepted" | "rejected" => before == Some("offered"),
                "held" => before == Some("accepted"),
                "resumed" => before == Some("held"),
                "released" => matches!(before, Some("accepted" | "resumed")),
                "completed" => before == Some("released"),
                _ => false,
            };
            assert!(fine, "{kind} after {before:?}");
        }
        let ended = last.values().filter(|kind| **kind == "completed").count();
        assert!(ended > 500, "{ended} transactions were completed");
    }

    #[test]
    fn the_directory_names_every_agent_and_queue() {
        let lines = CENTER.directory(5);
        assert_eq!(lines.len(), 4 + 10 * (1 + QUEUES_PER_AGENT as usize + 1));
        let queues = lines.iter().filter_map(|line| field(line, "queue"));
        assert!(queues.map(|queue| queue.parse::<u32>().unwrap()).all(|q| (1..=4).contains(&q)));
    }

    #[test]
    fn two_runs_share_no_source() {
        let mut lines = (Vec::new(), Vec::new());
        Transactions::new(CENTER, 1, 0, 1).write(0, &mut lines.0);
        Transactions::new(CENTER, 2, 0, 1).write(0, &mut lines.1);
        assert_ne!(lines.0, lines.1);
        assert!(Transactions::new(Center { agents: 1, queues: 1 }, 1, 1, 2).is_empty());
    }
}
