//! What the clients of one feed hold, and what each new state of the tenant changes in it.
//!
//! Whoever has taken a whole table and every change since holds exactly this table.

use std::{cmp::Ordering, sync::Arc};

use stats::{
    document::{AgentRow, LiveRow, QueueRow, Totals, json_text},
    engine::Names,
    event::Millis,
};

use crate::shard::{Spoken, View};

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The instant.
    pub instant: Millis,
    /// The last event's time.
    pub counted: Option<Millis>,
    /// When the tenant's sources spoke last.
    pub sources: Vec<Spoken>,
}

struct Told<R> {
    row: R,
    /// When its totals are told without a reason.
    totals_due: Millis,
}

impl Table {
    /// Which state the table shows; none before the first.
    pub fn described(&self) -> Option<&Described> {
        self.described.as_ref()
    }

    /// Takes a new state up and writes what it changes, each part with a comma before it; nothing where nothing does.
    pub fn take_up(&mut self, view: View, out: &mut Vec<u8>) {
        let now = view.frozen.instant;
        self.described =
            Some(Described { instant: now, counted: view.counted, sources: view.sources });
        let mut gone = Gone::default();
        bring_up(
            &mut self.agents,
            view.frozen.agents,
            now,
            b",\"agents\":[",
            out,
            &mut gone.agents,
        );
        bring_up(
            &mut self.queues,
            view.frozen.queues,
            now,
            b",\"queues\":[",
            out,
            &mut gone.queues,
        );
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
    out.extend_from_slice(b",\"names\":{\"zone\":");
    json_text(out, &names.zone);
    out.extend_from_slice(b",\"groups\":{");
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Map, Value};
    use stats::{document::Frozen, engine::Engine, parse::parse_batch, zone::Zone};

    use super::*;

    const START: i64 = 1_790_000_000_000;

    /// One agent and one queue, from which others are made.
    fn pattern() -> Frozen {
        let lines = r#"{"time":1790000000000,"type":"queue.configured","queue":1,"name":"q","media":"phone"}
{"time":1790000000000,"type":"agent.configured","agent":"a","name":"a"}
{"time":1790000000000,"type":"agent.status","agent":"a","status":"available"}"#;
        let mut engine = Engine::new(Zone::named("UTC").unwrap());
        for line in parse_batch(lines.as_bytes(), None).unwrap() {
            engine.apply(&line.event);
        }
        engine.freeze(START)
    }

    /// What a tenant shows: per id two figures, of which the second runs.
    type Figures = (BTreeMap<u8, (i64, i64)>, BTreeMap<u8, i64>, u8);

    fn view(pattern: &Frozen, instant: Millis, (agents, queues, names): &Figures) -> View {
        let agents = agents.iter().map(|(id, (status, total))| AgentRow {
            agent_id: format!("agent {id:03}").into(),
            agent_status: *status,
            status_since: (*status > 0).then_some(*status),
            day_login_time: *total,
            ..pattern.agents[0].clone()
        });
        let queues = queues.iter().map(|(id, size)| QueueRow {
            queue_id: i64::from(*id),
            queue_size: *size,
            ..pattern.queues[0].clone()
        });
        let (agents, queues) = (agents.collect(), queues.collect());
        let groups = (0..*names).map(|group| (u32::from(group), "group".into())).collect();
        let names = Arc::new(Names { zone: "UTC".into(), groups, codes: Vec::new() });
        let frozen = Frozen { instant, agents, queues };
        View { frozen, counted: Some(instant), names, sources: Vec::new() }
    }

    /// What a page holds.
    #[derive(Debug, Clone, Default, PartialEq)]
    struct Page([BTreeMap<String, Map<String, Value>>; 2], Value);

    impl Page {
        fn take(&mut self, parts: &[u8]) {
            let text = String::from_utf8(parts.to_vec()).unwrap();
            let frame: Value = serde_json::from_str(&format!("{{\"head\":0{text}}}")).unwrap();
            let lists = [("agents", "agent-id"), ("queues", "queue-id")];
            for ((list, id), rows) in lists.into_iter().zip(&mut self.0) {
                for gone in frame["gone"][list].as_array().into_iter().flatten() {
                    assert!(rows.remove(&gone.to_string()).is_some(), "{gone} was there");
                }
                for row in frame[list].as_array().into_iter().flatten() {
                    let row = row.as_object().unwrap().clone();
                    rows.entry(row[id].to_string()).or_default().extend(row);
                }
            }
            if let Some(names) = frame.get("names") {
                self.1 = names.clone();
            }
        }
    }

    fn any_figures() -> impl Strategy<Value = Figures> {
        let agents = prop::collection::btree_map(0..12_u8, (0..3_i64, 0..3_i64), 0..12);
        let queues = prop::collection::btree_map(1..9_u8, 0..3_i64, 0..9);
        (agents, queues, 0..3_u8)
    }

    proptest! {
        #[test]
        fn a_whole_table_and_the_changes_since_lead_to_the_same_table_from_any_start(
            states in prop::collection::vec((any_figures(), 1..20_000_i64), 1..12),
        ) {
            let (pattern, mut table, mut now) = (pattern(), Table::default(), START);
            let mut pages: Vec<Page> = Vec::new();
            for (figures, pause) in &states {
                now += pause;
                let mut parts = Vec::new();
                table.take_up(view(&pattern, now, figures), &mut parts);
                for page in &mut pages {
                    page.take(&parts);
                }
                let (mut whole, mut fresh) = (Vec::new(), Page::default());
                table.write_whole(&mut whole);
                fresh.take(&whole);
                for page in &pages {
                    prop_assert_eq!(page, &fresh);
                }
                prop_assert_eq!(fresh.0[0].len(), figures.0.len());
                for (id, (status, _)) in &figures.0 {
                    let row = &fresh.0[0][&format!("\"agent {id:03}\"")];
                    prop_assert_eq!(&row["agent-status"], status);
                }
                prop_assert_eq!(fresh.0[1].len(), figures.1.len());
                pages.push(fresh);
            }
        }
    }

    #[test]
    fn running_totals_are_told_within_their_time_and_not_all_at_once() {
        let (pattern, mut table) = (pattern(), Table::default());
        let figures = |total| {
            let agents = (0..200).map(|id| (id, (0, total))).collect();
            (agents, BTreeMap::new(), 0)
        };
        table.take_up(view(&pattern, START, &figures(0)), &mut Vec::new());
        let mut told = 0;
        for second in 1..=TOTALS_EVERY_MS / 1_000 {
            let mut parts = Vec::new();
            table.take_up(view(&pattern, START + second * 1_000, &figures(second)), &mut parts);
            let rows = String::from_utf8(parts).unwrap().matches("day-login-time").count();
            assert!(rows < 60, "{rows} of 200 in second {second}");
            told += rows;
        }
        assert!(told >= 190, "{told}: all but those whose turn is the next");
    }

    #[test]
    fn where_nothing_changes_nothing_is_written() {
        let (pattern, mut table, mut parts) = (pattern(), Table::default(), Vec::new());
        let figures = ([(1, (1, 0))].into(), [(1, 1)].into(), 1);
        table.take_up(view(&pattern, START, &figures), &mut parts);
        assert!(!parts.is_empty());
        parts.clear();
        table.take_up(view(&pattern, START + 60_000, &figures), &mut parts);
        assert!(parts.is_empty(), "{}", String::from_utf8_lossy(&parts));
    }
}
