//! What the tenants' senders say: few agents, queues and transactions, so that much of it collides.

use stats::event::Millis;

use crate::journal::stepped::dice::Dice;

/// One tenant's sender.
#[derive(Debug, Default)]
pub struct Sender {
    seq: u64,
}

const DIRECTORY: [&str; 6] = [
    r#""type":"queue.configured","queue":1,"name":"one","media":"phone","sla":{"percent":80,"within_seconds":20}"#,
    r#""type":"queue.configured","queue":2,"name":"two","media":"chat""#,
    r#""type":"agent.configured","agent":"ann","name":"Ann""#,
    r#""type":"agent.configured","agent":"bob","name":"Bob""#,
    r#""type":"assignment.set","agent":"ann","queue":1,"assigned":true"#,
    r#""type":"assignment.set","agent":"bob","queue":2,"assigned":true"#,
];

const OF_TRANSACTIONS: [&str; 11] = [
    "queued",
    "queued",
    "queued",
    "offered",
    "offered",
    "accepted",
    "accepted",
    "rejected",
    "released",
    "completed",
    "abandoned",
];

impl Sender {
    /// The next lines, of which some are sent again.
    pub fn lines(&mut self, dice: &mut Dice, now: Millis) -> Vec<String> {
        if self.seq == 0 {
            return DIRECTORY.iter().map(|fields| self.line(dice, now, fields)).collect();
        }
        let count = 1 + dice.below(6);
        (0..count)
            .map(|_| {
                let time = now - dice.below(3_000) as Millis + dice.one(&[0, 0, 0, 4_000]);
                let fields = fields(dice);
                self.line(dice, time, &fields)
            })
            .collect()
    }

    fn line(&mut self, dice: &mut Dice, time: Millis, fields: &str) -> String {
        let origin = match dice.below(10) {
            0 => String::new(),
            1 if self.seq > 6 => format!(r#","source":"pbx","seq":{}"#, 1 + dice.below(self.seq)),
            _ => {
                self.seq += 1;
                format!(r#","source":"pbx","seq":{}"#, self.seq)
            }
        };
        format!("{{\"time\":{time},{fields}{origin}}}\n")
    }
}

fn fields(dice: &mut Dice) -> String {
    let agent = dice.one(&["ann", "bob"]);
    if dice.percent(15) {
        let status = dice.one(&["available", "on-break", "work-offline", "logged-out"]);
        return format!(r#""type":"agent.status","agent":"{agent}","status":"{status}""#);
    }
    if dice.percent(3) {
        let queue = 1 + dice.below(2);
        return format!(
            r#""type":"queue.configured","queue":{queue},"name":"again","media":"phone""#
        );
    }
    let (kind, transaction) = (dice.one(&OF_TRANSACTIONS), dice.below(8));
    let with = match kind {
        "queued" => format!(r#""queue":{}"#, 1 + dice.below(2)),
        "abandoned" => r#""because":"gone""#.to_owned(),
        _ => format!(r#""agent":"{agent}""#),
    };
    format!(r#""type":"transaction.{kind}","transaction":"t{transaction}",{with}"#)
}
