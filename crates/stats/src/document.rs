//! The documents: SPEC §2's fields in their order, and their forms as XML, JSON and CSV.
//!
//! Each field is declared once, in `document/fields.rs`; rows, tables and every form come from that declaration.

mod fields;
mod moving;
mod write;

pub use fields::{
    AGENT_BESIDES, AGENT_FIELDS, AGENT_SINCES, AgentRow, Beside, Field, FieldKind, Pace,
    QUEUE_BESIDES, QUEUE_FIELDS, QUEUE_SINCES, QueueRow, Since,
};
pub use moving::{LiveRow, Totals};
pub use write::json_text;

use crate::event::Millis;
use write::{Csv, Json, Row, Xml};

/// Every figure of a tenant at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// The instant that is described.
    pub instant: Millis,
    /// By agent-id, in byte order.
    pub agents: Vec<AgentRow>,
    /// By queue-id.
    pub queues: Vec<QueueRow>,
}

/// Which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Page<'a> {
    /// The list of all agents.
    Agents,
    /// The list of all queues.
    Queues,
    /// One agent.
    Agent(&'a str),
    /// One queue.
    Queue(u32),
}

/// A document's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the variants say it")]
pub enum Format {
    Xml,
    Json,
    /// Lists only.
    Csv,
}

impl Frozen {
    /// The document, or none where there is no such agent or queue, or an item was asked for as CSV.
    pub fn render(&self, page: Page<'_>, format: Format) -> Option<Vec<u8>> {
        match page {
            Page::Agents => Some(list(&self.agents, format)),
            Page::Queues => Some(list(&self.queues, format)),
            Page::Agent(id) => {
                let at = self.agents.binary_search_by(|row| (*row.agent_id).cmp(id)).ok()?;
                item(&self.agents[at], format)
            }
            Page::Queue(id) => {
                let at =
                    self.queues.binary_search_by_key(&i64::from(id), |row| row.queue_id).ok()?;
                item(&self.queues[at], format)
            }
        }
    }
}

fn list<R: Row>(rows: &[R], format: Format) -> Vec<u8> {
    // A little more than a row takes with names of common length, so that the buffer seldom grows.
    let row_len = match format {
        Format::Xml => R::FIELDS.iter().map(|field| 2 * field.name.len() + 10).sum(),
        Format::Json => R::FIELDS.iter().map(|field| field.name.len() + 9).sum::<usize>(),
        Format::Csv => R::FIELDS.len() * 5 + 40,
    };
    let mut out = Vec::with_capacity(rows.len() * row_len + 1_024);
    match format {
        Format::Xml => {
            out.extend_from_slice(write::XML_PROLOG);
            write::open(&mut out, R::LIST);
            for row in rows {
                write::open(&mut out, R::ITEM);
                row.visit(&mut Xml(&mut out));
                write::close(&mut out, R::ITEM);
            }
            write::close(&mut out, R::LIST);
        }
        Format::Json => {
            out.extend_from_slice(b"{\"");
            out.extend_from_slice(R::ITEM.as_bytes());
            out.extend_from_slice(b"\":[");
            for (number, row) in rows.iter().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                json_object(&mut out, row);
            }
            out.extend_from_slice(b"]}");
        }
        Format::Csv => {
            write::csv_header(&mut out, R::FIELDS);
            for row in rows {
                row.visit(&mut Csv::new(&mut out));
                out.extend_from_slice(b"\r\n");
            }
        }
    }
    out
}

fn item<R: Row>(row: &R, format: Format) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(2_048);
    match format {
        Format::Xml => {
            out.extend_from_slice(write::XML_PROLOG);
            write::open(&mut out, R::ITEM);
            row.visit(&mut Xml(&mut out));
            write::close(&mut out, R::ITEM);
        }
        Format::Json => {
            out.extend_from_slice(b"{\"");
            out.extend_from_slice(R::ITEM.as_bytes());
            out.extend_from_slice(b"\":");
            json_object(&mut out, row);
            out.push(b'}');
        }
        Format::Csv => return None,
    }
    Some(out)
}

fn json_object<R: Row>(out: &mut Vec<u8>, row: &R) {
    out.push(b'{');
    row.visit(&mut Json::new(out));
    out.push(b'}');
}
