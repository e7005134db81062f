//! A caller's way through a queue: joins, is offered, is answered, leaves.

use stats::{
    event::{Kind, Millis},
    limit,
};

use super::{
    Pbx, Timer, Told,
    calls::{Leaving, Leg, LegId, Offer, Visit},
    text,
};
use crate::connect::asterisk::ami::Message;

/// How long a visit that left the queue is waited for: a caller who hangs up is known by then. What the queue itself
/// let go goes on in the dialplan.
const LEAVING_MS: Millis = 250;

/// How far the length of a talk that is told in whole seconds may be from ours.
const NAMELESS_MS_MAX: Millis = 2_000;

impl Pbx {
    /// `QueueCallerJoin`.
    pub(super) fn joins(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        let (queue, caller) = (text(message, "Queue"), text(message, "Uniqueid"));
        if caller.is_empty() || !self.serves(queue) {
            return;
        }
        self.touched_callers.insert(caller.to_owned());
        self.note_channel(message, "");
        self.enter(at, queue, caller, out);
    }

    /// A visit begins, unless it is known already.
    pub(super) fn enter(&mut self, at: Millis, queue: &str, caller: &str, out: &mut Vec<Told>) {
        match self.calls.visits.get(caller) {
            Some(visit) if visit.queue == queue && visit.leaving.is_none() => return,
            // Whoever enters a queue has left the one before.
            Some(visit) if visit.leaving.is_some() => self.left_for_good(caller, out),
            Some(_) => self.end_visit(at, caller, false, true, out),
            None => {}
        }
        let number = self.ensure_queue(at, queue, None, out);
        let channel = self.channels.entry(caller);
        if channel.linked.is_empty() {
            channel.linked = caller.to_owned();
        }
        let transaction = self.transaction_of(caller);
        let visit = Visit {
            queue: queue.to_owned(),
            transaction: transaction.clone(),
            has_rung: false,
            offers: Vec::new(),
            leaving: None,
        };
        self.calls.visits.insert(caller.to_owned(), visit);
        self.tell(
            at,
            Kind::TransactionQueued { transaction: transaction.into(), queue: number },
            out,
        );
    }

    /// The caller's channel for a first visit, with a number for each further one.
    fn transaction_of(&mut self, caller: &str) -> String {
        loop {
            let channel = self.channels.entry(caller);
            channel.visits += 1;
            let mut transaction = match channel.visits {
                1 => format!("{}{caller}", self.prefix),
                further => format!("{}{caller}#{further}", self.prefix),
            };
            // An id that is longer than may be is told apart from others by its end.
            while transaction.chars().count() > limit::ID_CHARS_MAX {
                transaction.remove(self.prefix.len());
            }
            if !self.calls.is_open(caller, &transaction) {
                return transaction;
            }
        }
    }

    /// `AgentCalled`: a member's phone rings, or is about to.
    pub(super) fn is_called(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        let (queue, caller) = (text(message, "Queue"), text(message, "Uniqueid"));
        if caller.is_empty() || !self.serves(queue) {
            return;
        }
        self.touched_callers.insert(caller.to_owned());
        self.enter(at, queue, caller, out);
        let interface = text(message, "Interface");
        let agent = self.agent_of(queue, interface, text(message, "MemberName"));
        self.ensure_agent(at, &agent, text(message, "MemberName"), out);
        let channel = Some(text(message, "DestUniqueid").to_owned()).filter(|id| !id.is_empty());
        self.offer(at, caller, Offer { agent, channel, answered: false }, out);
    }

    pub(super) fn offer(&mut self, at: Millis, caller: &str, offer: Offer, out: &mut Vec<Told>) {
        let Some(visit) = self.calls.visits.get(caller) else { return };
        let transaction = visit.transaction.clone();
        let agent = offer.agent.clone();
        let line = self.calls.free_line(&agent);
        if self.calls.offer(caller, offer) {
            let (transaction, agent) = (transaction.into(), agent.into());
            self.tell(at, Kind::TransactionOffered { transaction, agent, line }, out);
        }
    }

    /// `AgentRingNoAnswer`: not answered in time, declined or busy.
    pub(super) fn rings_out(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        let (caller, channel) = (text(message, "Uniqueid"), text(message, "DestUniqueid"));
        self.touched_callers.insert(caller.to_owned());
        let visit = self.calls.visits.get(caller);
        let mut offers = visit.into_iter().flat_map(|visit| &visit.offers);
        if offers.any(|offer| offer.channel.as_deref() == Some(channel)) {
            let is = |offer: &Offer| offer.channel.as_deref() == Some(channel);
            return self.end_offer(at, caller, true, is, out);
        }
        // A phone that sent the call on rang at another channel in the end.
        let (queue, interface) = (text(message, "Queue"), text(message, "Interface"));
        let agent = self.agent_of(queue, interface, text(message, "MemberName"));
        let is = |offer: &Offer| offer.agent == agent && offer.channel.is_none();
        self.end_offer(at, caller, true, is, out);
    }

    /// `DialEnd` of a member's channel. What wasn't answered is told by `AgentRingNoAnswer`; what was called off, when
    /// another member answered or the caller gave up, by nothing else.
    pub(super) fn dial_ends(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        let channel = text(message, "DestUniqueid");
        let Some(caller) = self.calls.ringing_at(channel).map(str::to_owned) else { return };
        self.touched_callers.insert(caller.clone());
        match text(message, "DialStatus") {
            "ANSWER" => {
                let visit = self.calls.visits.get_mut(&caller);
                let offers = visit.into_iter().flat_map(|visit| &mut visit.offers);
                for offer in offers.filter(|offer| offer.channel.as_deref() == Some(channel)) {
                    offer.answered = true;
                }
            }
            "CANCEL" if !text(message, "Forward").is_empty() => {
                self.calls.forward_offer(&caller, channel);
            }
            "CANCEL" => {
                let is = |offer: &Offer| offer.channel.as_deref() == Some(channel);
                self.end_offer(at, &caller, false, is, out);
            }
            _ => {}
        }
    }

    pub(super) fn end_offer(
        &mut self,
        at: Millis,
        caller: &str,
        counts: bool,
        is: impl Fn(&Offer) -> bool,
        out: &mut Vec<Told>,
    ) {
        let Some(visit) = self.calls.visits.get(caller) else { return };
        let transaction = visit.transaction.clone().into();
        if let Some(agent) = self.calls.end_offer(caller, is) {
            let id = agent.clone().into();
            let kind = match counts {
                true => Kind::TransactionRejected { transaction, agent: id },
                false => Kind::TransactionWithdrawn { transaction, agent: id },
            };
            self.tell(at, kind, out);
            self.settle(at, &agent, out);
        }
    }

    /// `AgentConnect`: caller and agent talk.
    pub(super) fn connects(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        let (queue, caller) = (text(message, "Queue"), text(message, "Uniqueid"));
        if caller.is_empty() || !self.serves(queue) {
            return;
        }
        self.touched_callers.insert(caller.to_owned());
        let interface = text(message, "Interface");
        let agent = self.agent_of(queue, interface, text(message, "MemberName"));
        if self.talks_on(&agent, caller) {
            return;
        }
        self.ensure_agent(at, &agent, text(message, "MemberName"), out);
        let channel = Some(text(message, "DestUniqueid").to_owned()).filter(|id| !id.is_empty());
        let agent = channel.as_ref().and_then(|id| self.picker(caller, id)).unwrap_or(agent);
        if self.talks_on(&agent, caller) {
            return;
        }
        // A visit on its way out of this queue was on its way to the agent.
        let known = self.calls.visits.get(caller).is_some_and(|visit| visit.queue == queue);
        if !known {
            self.enter(at, queue, caller, out);
        }
        self.accept(at, caller, &agent, interface, channel, out);
    }

    /// The agent whose phone picked the call up instead of the one that rang: the channel is that phone's own. Until then
    /// it was a call beside the queues.
    fn picker(&self, caller: &str, channel: &str) -> Option<String> {
        let rang = self.calls.ringing_at(channel) == Some(caller);
        let agent = self.members.agent_at(&self.channels.get(channel)?.device)?;
        (!rang).then(|| agent.to_owned())
    }

    /// Whether an agent's talk with a caller is known.
    pub(super) fn talks_on(&self, agent: &str, caller: &str) -> bool {
        self.calls
            .of_caller(caller)
            .any(|(_, leg)| leg.agent == agent && leg.member.is_some() && leg.wrap_until.is_none())
    }

    /// A visit ends with an agent.
    pub(super) fn accept(
        &mut self,
        at: Millis,
        caller: &str,
        agent: &str,
        interface: &str,
        channel: Option<String>,
        out: &mut Vec<Told>,
    ) {
        if let Some(before) = channel.as_ref().and_then(|id| self.calls.on_channel(id)) {
            self.end_leg(at, before, out);
        }
        let Some(visit) = self.calls.end_visit(caller) else { return };
        self.forget_leaving(&visit);
        let line = self.calls.free_line(agent);
        let kind = Kind::TransactionAccepted {
            transaction: visit.transaction.clone().into(),
            agent: agent.to_owned().into(),
            line: Some(line),
        };
        self.tell(at, kind, out);
        self.calls.begin(Leg {
            transaction: visit.transaction,
            agent: agent.to_owned(),
            member: Some((visit.queue, interface.to_owned())),
            began: at,
            caller: caller.to_owned(),
            channel,
            optimized: false,
            caller_optimized: false,
            line,
            held: false,
            wrap_until: None,
        });
        for offer in visit.offers.iter().filter(|offer| offer.agent != agent) {
            self.settle(at, &offer.agent, out);
        }
    }

    /// `AgentComplete`: the queue's part in the call is over.
    pub(super) fn completes(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        let (queue, caller) = (text(message, "Queue"), text(message, "Uniqueid"));
        self.touched_callers.insert(caller.to_owned());
        let agent = self.agent_of(queue, text(message, "Interface"), text(message, "MemberName"));
        let leg = self.calls.of_caller(caller).find(|(_, leg)| {
            leg.agent == agent
                && leg.wrap_until.is_none()
                && leg.member.as_ref().is_some_and(|(of, _)| of == queue)
        });
        // Where the caller's channel is gone already, as at the end of some transfers, none is named: the talk's length tells
        // whether it is of this call, or of one whose end was known before.
        let talk_ms =
            text(message, "TalkTime").parse::<Millis>().unwrap_or(0).saturating_mul(1_000);
        let is_nameless = |leg: &Leg| {
            caller.is_empty() && (at.saturating_sub(talk_ms) - leg.began).abs() <= NAMELESS_MS_MAX
        };
        // A caller whose `Local/` pair stepped aside goes by another channel now, and an agent who picked up the phone of
        // somebody else by another name.
        let id = leg.map(|(id, _)| id).or_else(|| {
            let of_queue = |(_, leg): &(LegId, &Leg)| {
                let is_of = leg.member.as_ref().is_some_and(|(of, _)| of == queue);
                is_of && leg.wrap_until.is_none()
            };
            let on_channel = self.calls.on_channel(text(message, "DestUniqueid"));
            let mut of_caller = self.calls.of_caller(caller).filter(of_queue);
            let mut of_agent = self.calls.of_agent(&agent).filter(of_queue);
            on_channel.or_else(|| of_caller.next().map(|(id, _)| id)).or_else(|| {
                of_agent
                    .next()
                    .filter(|(_, leg)| leg.caller_optimized || is_nameless(leg))
                    .map(|(id, _)| id)
            })
        });
        if let Some(id) = id {
            self.end_talk(at, id, out);
        }
    }

    /// A talk ends; wrap-up follows where the queue or the member has one.
    pub(super) fn end_talk(&mut self, at: Millis, id: LegId, out: &mut Vec<Told>) {
        let Some(leg) = self.calls.leg(id).filter(|leg| leg.wrap_until.is_none()) else { return };
        let agent = leg.agent.clone();
        if let Some(key) = &leg.member {
            if let Some(queue) = self.queues.get_mut(&key.0) {
                queue.completed_told += 1;
            }
            self.members.talked(key);
        }
        let wrap_up_ms = self.wrap_up_ms(leg.member.as_ref());
        if wrap_up_ms == 0 {
            self.end_leg(at, id, out);
        } else {
            let transaction = leg.transaction.clone().into();
            if let Some(leg) = self.calls.leg_mut(id) {
                leg.wrap_until = Some(at + wrap_up_ms);
            }
            let kind = Kind::TransactionReleased { transaction, agent: agent.clone().into() };
            self.tell(at, kind, out);
            self.set_timer(at + wrap_up_ms, Timer::WrapUp(id));
        }
        self.settle(at, &agent, out);
    }

    /// No event tells it: the member's own time, or the queue's as configured. Who is no member any more has none.
    pub(super) fn wrap_up_ms(&self, member: Option<&(String, String)>) -> Millis {
        let member = member.and_then(|(queue, interface)| self.members.get(queue, interface));
        let Some(member) = member else { return 0 };
        let of_queue = || {
            let own = self.mapping.queues.get(&member.queue);
            own.and_then(|own| own.wrap_up_seconds).unwrap_or(self.mapping.wrap_up_seconds)
        };
        let seconds = match member.wrap_up_seconds {
            0 => of_queue(),
            own => own,
        };
        Millis::from(seconds) * 1_000
    }

    pub(super) fn wrap_up_ends(&mut self, at: Millis, id: LegId, out: &mut Vec<Told>) {
        self.end_leg(at, id, out);
    }

    pub(super) fn end_leg(&mut self, at: Millis, id: LegId, out: &mut Vec<Told>) {
        let Some(leg) = self.calls.end(id) else { return };
        let (transaction, agent) = (leg.transaction.into(), leg.agent.clone().into());
        self.tell(at, Kind::TransactionCompleted { transaction, agent }, out);
        self.settle(at, &leg.agent, out);
    }

    /// `QueueCallerLeave`: to an agent who has picked up, after `QueueCallerAbandon`, or by the exit key.
    pub(super) fn leaves(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        let caller = text(message, "Uniqueid");
        self.touched_callers.insert(caller.to_owned());
        let Some(visit) = self.calls.visits.get(caller) else { return };
        let is_answered = visit.offers.iter().any(|offer| offer.answered);
        if visit.queue == text(message, "Queue") && visit.leaving.is_none() && !is_answered {
            // Of a phone that sent the call on nothing tells that it was picked up, until the two talk.
            let has_rung = visit.has_rung;
            self.is_leaving(at, caller, false);
            if !has_rung && !self.has_hung_up(caller) {
                self.left_for_good(caller, out);
            }
        }
    }

    /// `QueueCallerAbandon`: the caller hung up, or the queue's time-out or emptiness let the caller go. The hang-up is
    /// what tells them apart.
    pub(super) fn gives_up(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        let caller = text(message, "Uniqueid");
        self.touched_callers.insert(caller.to_owned());
        let visit = self.calls.visits.get(caller);
        if visit.is_none_or(|visit| visit.queue != text(message, "Queue")) {
            return;
        }
        if self.has_hung_up(caller) {
            self.end_visit(at, caller, true, true, out);
        } else {
            self.is_leaving(at, caller, true);
        }
    }

    fn has_hung_up(&self, caller: &str) -> bool {
        self.channels.get(caller).is_none_or(|channel| channel.hangup_requested)
    }

    fn is_leaving(&mut self, at: Millis, caller: &str, counts: bool) {
        let timer = self.set_timer(at + LEAVING_MS, Timer::Leaving(caller.to_owned()));
        if let Some(visit) = self.calls.visits.get_mut(caller) {
            visit.leaving = Some(Leaving { at, counts, timer });
        }
    }

    /// `VarSet`, where the user may read the dialplan: Queue() tells its outcome.
    pub(super) fn variable(&mut self, at: Millis, message: &Message, out: &mut Vec<Told>) {
        if message.get("Variable") != Some("QUEUESTATUS") {
            return;
        }
        let caller = text(message, "Uniqueid");
        let abandoned = match text(message, "Value") {
            "" => return,
            value => value == "ABANDON",
        };
        let visit = self.calls.visits.get(caller);
        if let Some(leaving) = visit.and_then(|visit| visit.leaving) {
            self.end_visit(leaving.at.min(at), caller, abandoned, leaving.counts, out);
        }
    }

    /// A caller's channel ends, or is about to.
    pub(super) fn caller_hangs_up(
        &mut self,
        at: Millis,
        caller: &str,
        is_gone: bool,
        out: &mut Vec<Told>,
    ) {
        let Some(visit) = self.calls.visits.get(caller) else { return };
        match visit.leaving {
            Some(leaving) => self.end_visit(leaving.at, caller, true, leaving.counts, out),
            None if is_gone => self.end_visit(at, caller, true, true, out),
            None => {}
        }
    }

    /// Nobody hung up: the queue let the visit go.
    pub(super) fn left_for_good(&mut self, caller: &str, out: &mut Vec<Told>) {
        let visit = self.calls.visits.get(caller);
        if let Some(leaving) = visit.and_then(|visit| visit.leaving) {
            self.end_visit(leaving.at, caller, false, leaving.counts, out);
        }
    }

    /// A visit ends without an agent; whether the PBX counts it as abandoned is another matter.
    pub(super) fn end_visit(
        &mut self,
        at: Millis,
        caller: &str,
        abandoned: bool,
        counts: bool,
        out: &mut Vec<Told>,
    ) {
        let Some(visit) = self.calls.end_visit(caller) else { return };
        self.forget_leaving(&visit);
        let transaction = visit.transaction.clone().into();
        let kind = match abandoned {
            true => Kind::TransactionAbandoned { transaction },
            false => Kind::TransactionDiverted { transaction },
        };
        self.tell(at, kind, out);
        if let Some(queue) = self.queues.get_mut(&visit.queue) {
            queue.abandoned_told += u64::from(counts);
        }
        for offer in &visit.offers {
            self.settle(at, &offer.agent, out);
        }
    }

    fn forget_leaving(&mut self, visit: &Visit) {
        if let Some(leaving) = visit.leaving {
            self.timers.remove(&(leaving.at + LEAVING_MS, leaving.timer));
        }
    }
}
