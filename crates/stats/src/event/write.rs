//! Writing events as NDJSON: one way to write each, which `parse` reads back as the same event.

use super::{Event, ExplicitLine, GivenCode, Kind, Line, Sla, rfc3339};
use crate::{document::json_text, limit};

impl Event<'_> {
    /// Appends the event as one line: time, type, its fields in SPEC §4's order, source and seq, and a line feed.
    ///
    /// The time is RFC 3339 in UTC, to the millisecond. Fields that say no more than their default are left out.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"time\":\"");
        rfc3339::write(out, self.time);
        out.extend_from_slice(b"\",\"type\":\"");
        out.extend_from_slice(self.kind.of_type().word().as_bytes());
        out.push(b'"');
        let mut object = Object { out };
        self.kind.write(&mut object);
        if let Some(origin) = &self.origin {
            object.text("source", &origin.source);
            object.number("seq", origin.seq);
        }
        out.extend_from_slice(b"}\n");
    }
}

impl Kind<'_> {
    fn write(&self, out: &mut Object<'_>) {
        match self {
            Kind::QueueConfigured { queue, name, media, sla } => {
                out.number("queue", *queue);
                out.text("name", name);
                out.text("media", media.word());
                if let Some(sla) = sla {
                    sla.write(out);
                }
            }
            Kind::QueueRemoved { queue } => out.number("queue", *queue),
            Kind::GroupConfigured { group, name } => {
                out.number("group", *group);
                out.text("name", name);
            }
            Kind::GroupRemoved { group } => out.number("group", *group),
            Kind::AgentConfigured { agent, name, group } => {
                out.text("agent", agent);
                out.text("name", name);
                if let Some(group) = group {
                    out.number("group", *group);
                }
            }
            Kind::AgentRemoved { agent } => out.text("agent", agent),
            Kind::AssignmentSet { agent, queue, assigned, enabled } => {
                out.text("agent", agent);
                out.number("queue", *queue);
                out.flag("assigned", *assigned);
                if !enabled {
                    out.flag("enabled", false);
                }
            }
            Kind::CodesConfigured { list, name, items } => {
                out.number("list", *list);
                out.text("name", name);
                write_items(out, items);
            }
            Kind::AgentStatus { agent, status, code } => {
                out.text("agent", agent);
                out.text("status", status.word());
                code.write(out);
            }
            Kind::LineStatus { agent, line, status } => {
                out.text("agent", agent);
                out.number("line", line.number());
                out.text("status", ExplicitLine::word(*status));
            }
            _ => self.write_transaction(out),
        }
    }

    fn write_transaction(&self, out: &mut Object<'_>) {
        match self {
            Kind::TransactionQueued { transaction, queue } => {
                out.text("transaction", transaction);
                out.number("queue", *queue);
            }
            Kind::TransactionOffered { transaction, agent, line } => {
                out.pair(transaction, agent);
                out.line_unless_default(*line);
            }
            Kind::TransactionAccepted { transaction, agent, line } => {
                out.pair(transaction, agent);
                if let Some(line) = line {
                    out.number("line", line.number());
                }
            }
            Kind::TransactionPlaced { transaction, agent, queue, media, line } => {
                out.pair(transaction, agent);
                if let Some(queue) = queue {
                    out.number("queue", *queue);
                }
                if let Some(media) = media {
                    out.text("media", media.word());
                }
                out.line_unless_default(*line);
            }
            Kind::TransactionRejected { transaction, agent }
            | Kind::TransactionWithdrawn { transaction, agent }
            | Kind::TransactionHeld { transaction, agent }
            | Kind::TransactionResumed { transaction, agent }
            | Kind::TransactionMuted { transaction, agent }
            | Kind::TransactionUnmuted { transaction, agent }
            | Kind::TransactionReleased { transaction, agent }
            | Kind::TransactionCompleted { transaction, agent } => out.pair(transaction, agent),
            Kind::TransactionAbandoned { transaction }
            | Kind::TransactionDiverted { transaction } => out.text("transaction", transaction),
            _ => unreachable!("write has taken every kind that is not of a transaction"),
        }
    }
}

impl Sla {
    fn write(&self, out: &mut Object<'_>) {
        out.key("sla");
        out.out.extend_from_slice(b"{\"percent\":");
        out.digits(self.percent);
        out.number("within_seconds", self.within_seconds);
        if self.evaluate_every_seconds != limit::EVALUATE_EVERY_SECONDS {
            out.number("evaluate_every_seconds", self.evaluate_every_seconds);
        }
        out.out.push(b'}');
    }
}

impl GivenCode<'_> {
    fn write(&self, out: &mut Object<'_>) {
        if let Some(list) = self.list {
            out.number("list", list);
        }
        if let Some(item) = self.item {
            out.number("item", item);
        }
        if let Some(short_code) = &self.short_code {
            out.text("short_code", short_code);
        }
    }
}

fn write_items(out: &mut Object<'_>, items: &[super::CodeItem<'_>]) {
    out.key("items");
    out.out.push(b'[');
    for (number, item) in items.iter().enumerate() {
        out.out.extend_from_slice(if number == 0 { b"{\"item\":" } else { b",{\"item\":" });
        out.digits(item.item);
        out.text("short_code", &item.short_code);
        out.text("name", &item.name);
        out.text("status", item.status.word());
        out.out.push(b'}');
    }
    out.out.push(b']');
}

/// The members of a JSON object after its first.
struct Object<'a> {
    out: &'a mut Vec<u8>,
}

impl Object<'_> {
    fn key(&mut self, key: &str) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        json_text(self.out, text);
    }

    fn number(&mut self, key: &str, number: impl itoa::Integer) {
        self.key(key);
        self.digits(number);
    }

    fn digits(&mut self, number: impl itoa::Integer) {
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    fn flag(&mut self, key: &str, flag: bool) {
        self.key(key);
        self.out.extend_from_slice(if flag { b"true" } else { b"false" });
    }

    fn pair(&mut self, transaction: &str, agent: &str) {
        self.text("transaction", transaction);
        self.text("agent", agent);
    }

    fn line_unless_default(&mut self, line: Line) {
        if line != Line::default() {
            self.number("line", line.number());
        }
    }
}
