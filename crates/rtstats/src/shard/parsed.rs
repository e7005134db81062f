//! A batch's lines together with the bytes that they borrow from.

use bytes::Bytes;
use self_cell::self_cell;
use stats::{
    event::Millis,
    parse::{Line, LineError, parse_batch},
};

type Lines<'a> = Vec<Line<'a>>;

self_cell!(
    struct Cell {
        owner: Bytes,
        #[covariant]
        dependent: Lines,
    }
);

/// A batch whose lines are all well-formed.
pub struct Parsed(Cell);

impl Parsed {
    /// Reads a batch; an event later than `latest` is an error too.
    pub fn new(lines: Bytes, latest: Option<Millis>) -> Result<Parsed, Vec<LineError>> {
        Cell::try_new(lines, |lines| parse_batch(lines, latest)).map(Parsed)
    }

    /// The lines that hold events.
    pub fn lines(&self) -> &[Line<'_>] {
        self.0.borrow_dependent()
    }

    /// The batch as it came.
    pub fn bytes(&self) -> &Bytes {
        self.0.borrow_owner()
    }
}
