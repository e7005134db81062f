//! Reading events from NDJSON: strict, with errors that name line, field and expectation (SPEC §4).

use std::borrow::Cow;

use crate::event::{Event, Millis};

/// A well-formed line of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// Number of the line in its batch, from 1; blank lines count but hold no event.
    pub number: u32,
    /// What it says.
    pub event: Event<'a>,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field, or empty where the line as a whole is no event.
    pub field: Cow<'static, str>,
    /// What was expected, and what was found.
    pub message: String,
}

/// A malformed line of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// Number of the line in its batch, from 1.
    pub line: u32,
    /// What is wrong with it.
    pub error: FieldError,
}

/// Reads one line.
pub fn parse_line(_line: &[u8]) -> Result<Event<'_>, FieldError> {
    todo!()
}

/// Reads a batch of lines; an event later than `latest` is an error too. The first
/// [`crate::limit::ERRORS_LISTED_MAX`] errors are told.
pub fn parse_batch(
    _batch: &[u8],
    _latest: Option<Millis>,
) -> Result<Vec<Line<'_>>, Vec<LineError>> {
    todo!()
}
