//! What the clients of one feed hold, and what each new state of the tenant changes in it.
//!
//! Whoever has taken a whole table and every change since holds exactly this table.

use std::{cmp::Ordering, sync::Arc};

use stats::{
    document::{AgentRow, LiveRow, QueueRow, Totals, json_text},
    engine::Names,
    event::Millis,
};

use crate::shard::View;

/// Running totals of a row in which nothing else changes are told so often.
const TOTALS_EVERY_MS: i64 = 8_000;

/// The rows as they have been told.
#[derive(Default)]
pub struct Table {
    agents: Vec<Told<AgentRow>>,
    queues: Vec<Told<QueueRow>>,
    names: Arc<Names>,
    described: Option<Described>,
}

/// Which state the table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// The instant.
    pub instant: Millis,
    /// The last event's time.
    pub counted: Option<Millis>,
}

struct Told<R> {
    row: R,
    /// When its totals are told without a reason.
    totals_due: Millis,
}

impl Table {
    /// Which state the table shows; none before the first.
    pub fn described(&self) -> Option<Described> {
        self.described
    }

    /// Takes a new state up and writes what it changes, each part with a comma before it; nothing where nothing does.
    pub fn take_up(&mut self, view: View, out: &mut Vec<u8>) {
        let now = view.frozen.instant;
        self.described = Some(Described { instant: now, counted: view.counted });
        let mut gone = Gone::default();
        bring_up(&mut self.agents, view.frozen.agents, now, b",\"agents\":[", out, &mut gone.agents);
        bring_up(&mut self.queues, view.frozen.queues, now, b",\"queues\":[", out, &mut gone.queues);
        gone.write(out);
        if !Arc::ptr_eq(&self.names, &view.names) {
            if self.names != view.names {
                write_names(&view.names, out);
            }
            self.names = view.names;
        }
    }

    /// Writes all of it, each part with a comma before it.
    pub fn write_whole(&self, out: &mut Vec<u8>) {
        whole(&self.agents, b",\"agents\":[", out);
        whole(&self.queues, b",\"queues\":[", out);
        write_names(&self.names, out);
    }
}

/// Ids of rows that are gone, as JSON values with commas between them.
#[derive(Default)]
struct Gone {
    agents: Vec<u8>,
    queues: Vec<u8>,
}

impl Gone {
    fn write(&self, out: &mut Vec<u8>) {
        if self.agents.is_empty() && self.queues.is_empty() {
            return;
        }
        out.extend_from_slice(b",\"gone\":{\"agents\":[");
        out.extend_from_slice(&self.agents);
        out.extend_from_slice(b"],\"queues\":[");
        out.extend_from_slice(&self.queues);
        out.extend_from_slice(b"]}");
    }
}

/// Brings one list up to its new rows; both are sorted by id.
fn bring_up<R: LiveRow>(
    told: &mut Vec<Told<R>>,
    rows: Vec<R>,
    now: Millis,
    opening: &[u8],
    out: &mut Vec<u8>,
    gone: &mut Vec<u8>,
) {
    let begun = out.len();
    out.extend_from_slice(opening);
    let empty = out.len();
    let mut before = std::mem::replace(told, Vec::with_capacity(rows.len())).into_iter().peekable();
    for (place, row) in rows.into_iter().enumerate() {
        while let Some(old) = before.next_if(|old| old.row.order(&row) == Ordering::Less) {
            comma(gone, 0);
            old.row.write_id(gone);
        }
        let separated = out.len();
        comma(out, empty);
        match before.next_if(|old| old.row.order(&row) == Ordering::Equal) {
            Some(mut old) => {
                if !old.bring_up(&row, now, out) {
                    out.truncate(separated);
                }
                told.push(old);
            }
            None => {
                row.write_whole(out);
                told.push(Told { row, totals_due: now + stagger_ms(place) });
            }
        }
    }
    for old in before {
        comma(gone, 0);
        old.row.write_id(gone);
    }
    if out.len() == empty {
        out.truncate(begun);
    } else {
        out.push(b']');
    }
}

impl<R: LiveRow> Told<R> {
    fn bring_up(&mut self, row: &R, now: Millis, out: &mut Vec<u8>) -> bool {
        let due = now >= self.totals_due;
        let totals = if due { Totals::Due } else { Totals::WithChanges };
        let changed = row.write_changes(&mut self.row, totals, out);
        if due || changed {
            self.totals_due = now + TOTALS_EVERY_MS;
        }
        changed
    }
}

/// Rows that came together don't all tell their totals together.
fn stagger_ms(place: usize) -> i64 {
    // A prime spreads neighbors over the whole span.
    (place as i64).wrapping_mul(1_009).rem_euclid(TOTALS_EVERY_MS)
}

fn whole<R: LiveRow>(told: &[Told<R>], opening: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(opening);
    let empty = out.len();
    for told in told {
        comma(out, empty);
        told.row.write_whole(out);
    }
    out.push(b']');
}

/// A comma, unless `out` ends where a list began.
fn comma(out: &mut Vec<u8>, empty: usize) {
    if out.len() > empty {
        out.push(b',');
    }
}

fn write_names(names: &Names, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"names\":{\"groups\":{");
    each(out, &names.groups, |out, (group, name)| {
        key(out, i64::from(*group));
        json_text(out, name);
    });
    out.extend_from_slice(b"},\"codes\":{");
    each(out, &names.codes, |out, codes| {
        key(out, codes.list);
        out.extend_from_slice(b"{\"name\":");
        json_text(out, &codes.name);
        out.extend_from_slice(b",\"items\":{");
        each(out, &codes.items, |out, (item, short_code, name)| {
            key(out, *item);
            out.extend_from_slice(b"{\"short-code\":");
            json_text(out, short_code);
            out.extend_from_slice(b",\"name\":");
            json_text(out, name);
            out.push(b'}');
        });
        out.extend_from_slice(b"}}");
    });
    out.extend_from_slice(b"}}");
}

fn each<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    let empty = out.len();
    for item in items {
        comma(out, empty);
        write(out, item);
    }
}

/// A number as a JSON object's key.
fn key(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(format!("\"{number}\":").as_bytes());
}
