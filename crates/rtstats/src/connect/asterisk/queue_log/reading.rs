//! From lines to numbered events: what file import and following share.

use std::collections::BTreeMap;

use stats::event::{Kind, Millis};

use super::{
    account::Account,
    history::History,
    line::LogLine,
    order::Order,
    state::{Place, Read, State},
};
use crate::{
    connect::{
        asterisk::{mapping::Mapping, pbx::Told},
        names::Names,
    },
    shard::HISTORY,
};

/// An import at work.
pub struct Reading {
    /// What was read.
    pub account: Account,
    pbx: String,
    history: History,
    order: Order,
    read: Read,
    /// What earlier imports have read.
    read_before: Read,
    wanted: Wanted,
    /// Events that wait to be sent, as lines.
    out: Vec<u8>,
}

/// The time whose events are wanted. The directory before it is needed too, and so are calls that last into it.
pub struct Wanted {
    since: Millis,
    until: Millis,
    /// Events before `since` of transactions that haven't ended; none once a line lies behind it.
    open: Option<BTreeMap<String, Vec<Told>>>,
}

impl Wanted {
    /// From one instant to another.
    pub fn new(since: Option<Millis>, until: Option<Millis>) -> Wanted {
        let open = since.map(|_| BTreeMap::new());
        Wanted { since: since.unwrap_or(0), until: until.unwrap_or(Millis::MAX), open }
    }

    /// Whether lines of this time can still tell anything that is wanted.
    pub fn is_over(&self, time: Millis) -> bool {
        time > self.until.saturating_add(super::order::LOOK_BACK_MS)
    }

    /// At the first line that is wanted: the events of the calls that are open.
    fn cross(&mut self, time: Millis) -> Vec<Told> {
        if time < self.since {
            return Vec::new();
        }
        let mut told: Vec<_> = self.open.take().into_iter().flatten().flat_map(|it| it.1).collect();
        told.sort_by_key(|told| told.time);
        told
    }

    /// The event, if it goes out now; and how many turned out to be unwanted.
    fn admit(&mut self, told: Told) -> (Option<Told>, u64) {
        if told.time > self.until {
            return (None, 1);
        }
        let (Some(open), Some(transaction)) = (&mut self.open, transaction(&told.kind)) else {
            return (Some(told), 0);
        };
        let ends = matches!(
            told.kind,
            Kind::TransactionCompleted { .. }
                | Kind::TransactionAbandoned { .. }
                | Kind::TransactionDiverted { .. }
        );
        if ends && told.time < self.since {
            let before = open.remove(transaction).map_or(0, |told| told.len());
            return (None, before as u64 + 1);
        }
        let transaction = transaction.to_owned();
        open.entry(transaction).or_default().push(told);
        (None, 0)
    }
}

fn transaction<'a>(kind: &'a Kind<'_>) -> Option<&'a str> {
    match kind {
        Kind::TransactionQueued { transaction, .. }
        | Kind::TransactionOffered { transaction, .. }
        | Kind::TransactionRejected { transaction, .. }
        | Kind::TransactionWithdrawn { transaction, .. }
        | Kind::TransactionAccepted { transaction, .. }
        | Kind::TransactionReleased { transaction, .. }
        | Kind::TransactionCompleted { transaction, .. }
        | Kind::TransactionAbandoned { transaction }
        | Kind::TransactionDiverted { transaction } => Some(transaction),
        _ => None,
    }
}

impl Reading {
    /// Goes on from a state.
    pub fn new(mapping: Mapping, names: Names, state: &mut State, wanted: Wanted) -> Reading {
        let source = format!("{HISTORY}{}", state.pbx);
        let mut order = Order::new(source, state.reached);
        for told in state.held() {
            order.push(told);
        }
        let known = std::mem::take(&mut state.known);
        Reading {
            account: Account::default(),
            pbx: state.pbx.clone(),
            history: History::new(state.pbx.clone(), mapping, names, known),
            order,
            read: state.read.clone(),
            read_before: state.read.clone(),
            wanted,
            out: Vec::new(),
        }
    }

    /// Takes the next line, unless an earlier import had it. `bytes` is the line as it stands in the file.
    pub fn take(&mut self, line: &LogLine<'_>, bytes: &[u8]) {
        let bytes = bytes.trim_ascii_end();
        if self.read_before.has(line, bytes) {
            self.account.known += 1;
            return;
        }
        self.take_new(line, bytes);
    }

    /// Takes the next line, which no earlier import had.
    pub fn take_new(&mut self, line: &LogLine<'_>, bytes: &[u8]) {
        let bytes = bytes.trim_ascii_end();
        self.read.add(line, bytes);
        self.account.see(line.time);
        for told in self.wanted.cross(line.time) {
            self.order.push(told);
        }
        self.history.take(line, &mut self.account);
        for told in self.history.told() {
            let (told, unwanted) = self.wanted.admit(told);
            self.account.unwanted += unwanted;
            if let Some(told) = told {
                self.order.push(told);
            }
        }
    }

    /// Has the events up to a time written.
    pub fn write_until(&mut self, until: Millis) {
        while self.order.write_next(until, &mut self.out) {
            self.account.events += 1;
        }
    }

    /// The time of the last line that was read, now or before.
    pub fn last(&self) -> Millis {
        self.read.time()
    }

    /// Whether lines of this time can still tell anything that is wanted.
    pub fn is_over(&self, time: Millis) -> bool {
        self.wanted.is_over(time)
    }

    /// The events that wait to be sent.
    pub fn out(&self) -> &[u8] {
        &self.out
    }

    /// Takes the events that wait to be sent.
    pub fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Numbers and ids.
    pub fn names(&mut self) -> &mut Names {
        self.history.names()
    }

    /// How many wrap-ups still run.
    pub fn wrap_ups(&self) -> usize {
        self.order.held().len()
    }

    /// Events that went out behind later ones; queues and agents that were seen.
    pub fn sizes(&self) -> (u64, usize, usize) {
        let (queues, agents) = self.history.sizes();
        (self.order.late(), queues, agents)
    }

    /// What the next import needs, the events that wait to be sent among it.
    pub fn state(&mut self, place: Option<Place>) -> anyhow::Result<State> {
        let mut state = State::fresh(&self.pbx);
        state.names = self.history.names().clone();
        state.known = self.history.known().clone();
        state.reached = self.order.reached();
        state.read = self.read.clone();
        state.place = place;
        state.unsent = String::from_utf8(self.out.clone())?;
        state.hold(self.order.held());
        Ok(state)
    }
}
