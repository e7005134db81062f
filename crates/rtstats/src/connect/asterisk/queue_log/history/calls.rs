//! Calls in the queues: visits, offers and legs.
//!
//! The first visit of a call is the transaction `PBX:callid`, further ones `PBX:callid#2` and so on, so that a leg of
//! an earlier visit that is still in wrap-up is never taken for the new one's.

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
};

use serde::{Deserialize, Serialize};
use stats::event::{Kind, Line, Millis};

use super::{Account, History, LogKind, LogLine};

/// How long a call that has left is remembered, so that it gets another visit's number when it comes back.
const REMEMBERED_MS: Millis = 1_800_000;

/// The calls that are in a queue or with an agent, and those that were of late.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Calls {
    by_id: HashMap<String, Call>,
    /// Calls that left, in that order, with the times.
    left: VecDeque<(Millis, String)>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Call {
    visits: u32,
    visit: Option<Visit>,
    legs: Vec<Leg>,
    left: Option<Millis>,
}

/// A visit whose wait goes on.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Visit {
    transaction: String,
    entered: Millis,
    wrap_up_ms: Millis,
    /// When each agent's last offer ended: the next one can't have begun before.
    ended: Vec<(usize, Millis)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Leg {
    transaction: String,
    agent: usize,
    wrap_up_ms: Millis,
}

impl Calls {
    /// Forgets the calls that have left long before.
    pub fn forget_before(&mut self, now: Millis) {
        while let Some((left, _)) = self.left.front()
            && left + REMEMBERED_MS < now
        {
            let Some((left, id)) = self.left.pop_front() else { return };
            if self.by_id.get(&id).is_some_and(|call| call.left == Some(left)) {
                self.by_id.remove(&id);
            }
        }
    }

    /// Notes whether a call has left, after a line of it.
    fn settle(&mut self, id: &str, now: Millis) {
        let Some(call) = self.by_id.get_mut(id) else { return };
        let has_left = call.visit.is_none() && call.legs.is_empty();
        if has_left && call.left.is_none() {
            self.left.push_back((now, id.to_owned()));
            call.left = Some(now);
        } else if !has_left {
            call.left = None;
        }
    }
}

impl History {
    /// A call enters a queue.
    pub(super) fn enter(&mut self, line: &LogLine<'_>, at: Millis) {
        let queue = self.queue(line.queue, at);
        let call = self.known.calls.by_id.entry(line.call.to_owned()).or_default();
        call.visits += 1;
        let transaction = match call.visits {
            1 => format!("{}:{}", self.pbx, line.call),
            visit => format!("{}:{}#{visit}", self.pbx, line.call),
        };
        let visit = Visit {
            transaction: transaction.clone(),
            entered: at.max(queue.since),
            wrap_up_ms: queue.wrap_up_ms,
            ended: Vec::new(),
        };
        // A visit that still waits has lost the line that ended it.
        let lost = call.visit.replace(visit);
        call.left = None;
        if let Some(lost) = lost {
            self.tell(at, Kind::TransactionDiverted { transaction: lost.transaction.into() });
        }
        let kind = Kind::TransactionQueued { transaction: transaction.into(), queue: queue.number };
        self.tell(at.max(queue.since), kind);
    }

    /// Makes sure that the call of a line has been seen to enter: where the log begins behind it, so long ago.
    fn find_visit(&mut self, line: &LogLine<'_>, waited_ms: Option<Millis>, account: &mut Account) {
        if !self.known.calls.by_id.contains_key(line.call) {
            account.without_beginning += 1;
            self.enter(line, (line.time - waited_ms.unwrap_or(0)).max(0));
        }
    }

    fn visit(&mut self, call: &str) -> Option<&mut Visit> {
        self.known.calls.by_id.get_mut(call)?.visit.as_mut()
    }

    /// The offer that a line tells the end of: which agent it was made to. None: the call isn't in the queue.
    fn offered(&mut self, line: &LogLine<'_>) -> Option<usize> {
        let entered = self.visit(line.call)?.entered;
        let rang_from = (line.time - line.ring_ms.unwrap_or(0)).max(entered);
        let agent = self.member(line.agent, line.queue, rang_from);
        let since = self.known.directory.agent(agent).since;
        let visit = self.visit(line.call)?;
        let ended = visit.ended.iter_mut().find(|(of, _)| *of == agent);
        let free_from = ended.as_ref().map_or(Millis::MIN, |(_, end)| *end);
        match ended {
            Some((_, end)) => *end = line.time,
            None => visit.ended.push((agent, line.time)),
        }
        let transaction = visit.transaction.clone().into();
        // A whole second holds the log's times, so the phone may seem to ring before the call came.
        let offered = rang_from.max(since).max(free_from).min(line.time);
        if line.ring_ms.is_some() || line.kind != Some(LogKind::Connect) {
            let agent = self.agent_text(agent);
            self.tell(offered, Kind::TransactionOffered { transaction, agent, line: Line::One });
        }
        Some(agent)
    }

    /// An offer ended without an answer.
    pub(super) fn rang(&mut self, line: &LogLine<'_>, kind: LogKind, account: &mut Account) {
        self.find_visit(line, line.ring_ms, account);
        let Some(agent) = self.offered(line) else { return };
        let Some(visit) = self.visit(line.call) else { return };
        let transaction = visit.transaction.clone().into();
        let agent = self.agent_text(agent);
        let kind = if kind == LogKind::RingCanceled {
            Kind::TransactionWithdrawn { transaction, agent }
        } else {
            Kind::TransactionRejected { transaction, agent }
        };
        self.tell(line.time, kind);
    }

    /// An agent and the caller are connected.
    pub(super) fn connect(&mut self, line: &LogLine<'_>, account: &mut Account) {
        self.find_visit(line, seconds(line.field(0)), account);
        let Some(agent) = self.offered(line) else { return };
        let Some(call) = self.known.calls.by_id.get_mut(line.call) else { return };
        let Some(Visit { transaction, wrap_up_ms, .. }) = call.visit.take() else { return };
        call.legs.push(Leg { transaction: transaction.clone(), agent, wrap_up_ms });
        let (transaction, agent) = (transaction.into(), self.agent_text(agent));
        self.tell(line.time, Kind::TransactionAccepted { transaction, agent, line: None });
    }

    /// Agent and caller are parted: one hung up, or the agent passed the caller on.
    pub(super) fn release(&mut self, line: &LogLine<'_>, account: &mut Account) {
        let Some(call) = self.known.calls.by_id.get(line.call) else {
            account.without_beginning += 1;
            self.member_unless_removed(line.agent, line.queue, line.time);
            return;
        };
        let agent = self.known.directory.known(line.agent);
        let place = call.legs.iter().position(|leg| Some(leg.agent) == agent);
        // The same agent may be told by name here and by interface there: with one leg there is no doubt.
        let place = place.or((call.legs.len() == 1).then_some(0));
        let Some(place) = place else { return };
        let Some(call) = self.known.calls.by_id.get_mut(line.call) else { return };
        let leg = call.legs.remove(place);
        self.known.calls.settle(line.call, line.time);
        self.end_leg(leg, line.time);
    }

    fn end_leg(&mut self, Leg { transaction, agent, wrap_up_ms }: Leg, at: Millis) {
        let (transaction, agent) = (Cow::from(transaction), self.agent_text(agent));
        let kind =
            Kind::TransactionReleased { transaction: transaction.clone(), agent: agent.clone() };
        self.tell(at, kind);
        self.tell(at + wrap_up_ms, Kind::TransactionCompleted { transaction, agent });
    }

    /// A caller leaves without an agent; the field of that number tells how long it had waited.
    pub(super) fn leave(&mut self, line: &LogLine<'_>, waited_at: usize, account: &mut Account) {
        let waited_ms = (waited_at < usize::MAX).then(|| seconds(line.field(waited_at))).flatten();
        self.find_visit(line, waited_ms, account);
        let Some(call) = self.known.calls.by_id.get_mut(line.call) else { return };
        let Some(visit) = call.visit.take() else { return };
        self.known.calls.settle(line.call, line.time);
        let transaction = visit.transaction.into();
        let kind = if line.kind == Some(LogKind::Abandon) {
            Kind::TransactionAbandoned { transaction }
        } else {
            Kind::TransactionDiverted { transaction }
        };
        self.tell(line.time, kind);
    }

    /// The PBX has started: no call of before lives on.
    pub(super) fn restart(&mut self, at: Millis) {
        let calls = std::mem::take(&mut self.known.calls);
        let mut open: Vec<_> =
            calls.by_id.into_iter().filter(|(_, call)| call.left.is_none()).collect();
        open.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (_, call) in open {
            if let Some(visit) = call.visit {
                self.tell(at, Kind::TransactionAbandoned { transaction: visit.transaction.into() });
            }
            for leg in call.legs {
                self.end_leg(Leg { wrap_up_ms: 0, ..leg }, at);
            }
        }
    }
}

/// Seconds of a field as milliseconds; none if it holds none.
fn seconds(field: &str) -> Option<Millis> {
    let seconds: u32 = field.parse().ok()?;
    Some(Millis::from(seconds) * 1_000)
}
