//! Reading events from NDJSON: strict, with errors that name line, field and expectation (SPEC §4).
//!
//! One pass gathers the known fields of a line, a second step reads them into an [`Event`] that borrows from the
//! line; only text with escapes and code lists allocate. The whole line must be valid JSON in UTF-8, unknown fields
//! included. What SPEC leaves open is decided here: a field that is `null` counts as not given; a known field that
//! comes twice is an error; whole numbers are written without fraction or exponent; a byte order mark is an
//! error, since batches are joined into one log and it would come to lie in the middle; a line may end with
//! `\r\n`, and blank lines are skipped.

mod fields;
mod kinds;
mod scan;

use std::borrow::Cow;

use crate::{
    event::{Event, Millis},
    limit,
};
use fields::{Fields, Scope};

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
    /// The field, or empty where the line as a whole is no event. A field within another is told with its path,
    /// as in `sla.percent` and `items[2].item`.
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

/// Reads one line, with or without its line feed.
#[inline]
pub fn parse_line(line: &[u8]) -> Result<Event<'_>, FieldError> {
    read_line(line, &mut Fields::new())
}

#[inline(always)]
fn read_line<'a>(line: &'a [u8], fields: &mut Fields<'a>) -> Result<Event<'a>, FieldError> {
    let text = std::str::from_utf8(line).map_err(|error| no_utf8(error.valid_up_to()))?;
    fields.gather(text, Scope::EVENT).map_err(|error| explain(text, error))?;
    kinds::event(fields)
}

/// The lines of a batch in their order, read as they are asked for; blank ones are skipped.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    rest: &'a [u8],
    number: u32,
    fields: Fields<'a>,
}

/// Reads a batch of lines one by one, as a replay does that keeps none of them.
pub fn lines(batch: &[u8]) -> Lines<'_> {
    Lines { rest: batch, number: 0, fields: Fields::new() }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<Line<'a>, LineError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
            let (line, rest) = self.rest.split_at(end);
            self.rest = rest.get(1..).unwrap_or_default();
            self.number += 1;
            // Most lines begin with their brace: only others can be blank.
            if line.first() != Some(&b'{') && line.iter().all(|byte| b" \t\r".contains(byte)) {
                continue;
            }
            let number = self.number;
            return Some(match read_line(line, &mut self.fields) {
                Ok(event) => Ok(Line { number, event }),
                Err(error) => Err(LineError { line: number, error }),
            });
        }
        None
    }
}

/// Reads a batch of lines; an event later than `latest` is an error too, where `latest` is
/// [`limit::AHEAD_MS_MAX`] ahead of the server's clock. The first [`limit::ERRORS_LISTED_MAX`] errors are told.
pub fn parse_batch(batch: &[u8], latest: Option<Millis>) -> Result<Vec<Line<'_>>, Vec<LineError>> {
    let latest = latest.unwrap_or(Millis::MAX);
    let mut good = Vec::new();
    let mut errors = Vec::new();
    for line in lines(batch) {
        match line {
            Ok(line) if line.event.time > latest => {
                let error = too_far_ahead(line.event.time, latest);
                errors.push(LineError { line: line.number, error });
            }
            // After an error nothing of the batch is kept.
            Ok(line) if errors.is_empty() => good.push(line),
            Ok(_) => {}
            Err(error) => errors.push(error),
        }
        if errors.len() == limit::ERRORS_LISTED_MAX {
            break;
        }
    }
    if errors.is_empty() { Ok(good) } else { Err(errors) }
}

#[cold]
fn too_far_ahead(time: Millis, latest: Millis) -> FieldError {
    let ahead_ms = time - (latest - limit::AHEAD_MS_MAX);
    let message = format!(
        "expected a time at most {} s ahead of the server's clock, found one {}.{:03} s ahead of it",
        limit::AHEAD_MS_MAX / 1_000,
        ahead_ms / 1_000,
        ahead_ms % 1_000
    );
    FieldError { field: Cow::Borrowed("time"), message }
}

#[cold]
fn no_utf8(valid_len: usize) -> FieldError {
    let message = format!("expected UTF-8, but byte {} of the line is not", valid_len + 1);
    FieldError { field: Cow::Borrowed(""), message }
}

/// A byte order mark is invisible in most messages: it is told by its name.
#[cold]
fn explain(text: &str, error: FieldError) -> FieldError {
    if !text.starts_with('\u{feff}') {
        return error;
    }
    let message = "expected a JSON object, found a byte order mark: send UTF-8 without one";
    FieldError { field: Cow::Borrowed(""), message: message.to_owned() }
}
