//! What we ask of Asterisk, and the ids by which its answers are known.

use std::{fmt, str::FromStr};

use super::message::write_line;

/// An action to be sent: its name and fields. The session gives it its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    name: &'static str,
    fields: Vec<(&'static str, String)>,
}

impl Action {
    /// An action without fields, such as `QueueStatus`.
    pub fn new(name: &'static str) -> Action {
        Action { name, fields: Vec::new() }
    }

    /// Adds a field. Line ends in its value become blanks.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Action {
        self.fields.push((key, value.into()));
        self
    }

    /// The action's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The bytes on the wire.
    pub(super) fn write(&self, id: ActionId, out: &mut Vec<u8>) {
        write_line("Action", self.name, out);
        write_line("ActionID", &id.to_string(), out);
        for (key, value) in &self.fields {
            write_line(key, value, out);
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// The id of an action; answers and list entries carry it.
///
/// User events carry the id of whoever sent them, to everybody. The session's mark keeps other sessions' ids apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActionId {
    session: u32,
    number: u64,
}

impl ActionId {
    /// An id for tests and recordings; a session makes its own.
    pub fn new(session: u32, number: u64) -> ActionId {
        ActionId { session, number }
    }
}

const PREFIX: &str = "rtstats-";

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{:08x}-{}", self.session, self.number)
    }
}

/// The text is no id of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an action id of rtstats")]
pub struct ForeignId;

impl FromStr for ActionId {
    type Err = ForeignId;

    fn from_str(text: &str) -> Result<ActionId, ForeignId> {
        let (session, number) =
            text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-')).ok_or(ForeignId)?;
        let session = u32::from_str_radix(session, 16).map_err(|_| ForeignId)?;
        let id = ActionId { session, number: number.parse().map_err(|_| ForeignId)? };
        // One id has one text.
        if id.to_string() == text { Ok(id) } else { Err(ForeignId) }
    }
}
