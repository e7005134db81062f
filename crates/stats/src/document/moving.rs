//! Rows as the live feed shows them: whole, or only what has changed since they were shown.
//!
//! Clocks are left out, since the instants beside the fields stand for them; totals of time run while something goes
//! on, and are told with whatever else changes, or when they are due. What a row was last told is kept beside it, so
//! that whole rows and changes lead to the same table.

use std::cmp::Ordering;

use super::{
    fields::Tag,
    write::{Form, Json, json_text, push_number},
};

/// Which running totals are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Totals {
    /// Those of rows in which something else changes.
    WithChanges,
    /// All.
    Due,
}

/// What the declaration of a document's fields gives.
pub trait Moving {
    fn order(&self, other: &Self) -> Ordering;
    fn id(&self, out: &mut Json<'_>);
    fn id_alone(&self, out: &mut Vec<u8>);
    fn whole(&self, out: &mut Json<'_>);
    fn differs(&self, shown: &Self) -> bool;
    fn differs_in_totals(&self, shown: &Self) -> bool;
    fn changes(&self, shown: &mut Self, out: &mut Json<'_>);
}

/// A row of the live feed.
pub trait LiveRow: Sized {
    /// Before, after or at the place of another row in its list.
    fn order(&self, other: &Self) -> Ordering;

    /// Its id as a JSON value.
    fn write_id(&self, out: &mut Vec<u8>);

    /// The row as a JSON object: every field but the clocks, and the instants that stand for them.
    fn write_whole(&self, out: &mut Vec<u8>);

    /// A JSON object of the id and of what differs from what was `shown`, which is brought up to it; writes nothing
    /// and gives false where there is nothing to tell.
    fn write_changes(&self, shown: &mut Self, totals: Totals, out: &mut Vec<u8>) -> bool;
}

impl<R: Moving> LiveRow for R {
    fn order(&self, other: &R) -> Ordering {
        Moving::order(self, other)
    }

    fn write_id(&self, out: &mut Vec<u8>) {
        self.id_alone(out);
    }

    fn write_whole(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        self.whole(&mut Json::new(out));
        out.push(b'}');
    }

    fn write_changes(&self, shown: &mut R, totals: Totals, out: &mut Vec<u8>) -> bool {
        let due = totals == Totals::Due && self.differs_in_totals(shown);
        if !due && !self.differs(shown) {
            return false;
        }
        out.push(b'{');
        let mut json = Json::new(out);
        self.id(&mut json);
        self.changes(shown, &mut json);
        out.push(b'}');
        true
    }
}

/// A value without its name.
pub struct Bare<'a>(pub &'a mut Vec<u8>);

impl Form for Bare<'_> {
    fn number(&mut self, _: &Tag, value: i64) {
        push_number(self.0, value);
    }

    fn text(&mut self, _: &Tag, value: &str) {
        json_text(self.0, value);
    }

    fn empty(&mut self, _: &Tag) {
        self.0.extend_from_slice(b"\"\"");
    }
}
