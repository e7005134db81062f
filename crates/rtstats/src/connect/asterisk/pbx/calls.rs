//! Visits and legs under way: what the server has been told of calls, and the channels that they run on.

use std::collections::{BTreeMap, HashMap};

use stats::event::{Line, Millis};

/// One caller's passage through a queue, while it waits or is offered.
#[derive(Debug)]
pub struct Visit {
    /// The queue's name.
    pub queue: String,
    /// The transaction as the server knows it.
    pub transaction: String,
    /// It has been offered to somebody.
    pub has_rung: bool,
    /// Whom it is offered to.
    pub offers: Vec<Offer>,
    /// The queue has let it go, and it is not known yet why.
    pub leaving: Option<Leaving>,
}

/// A member that is being called.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Who.
    pub agent: String,
    /// The member's channel; none where the offer is known from the server alone.
    pub channel: Option<String>,
    /// The member has picked up; the queue hasn't connected the two yet.
    pub answered: bool,
}

/// How a visit is about to end.
#[derive(Debug, Clone, Copy)]
pub struct Leaving {
    /// When the queue let it go.
    pub at: Millis,
    /// The PBX counts it as abandoned, whatever it was.
    pub counts: bool,
    /// Number of the timer that decides if nothing else does.
    pub timer: u64,
}

/// One agent's work on one call.
#[derive(Debug)]
pub struct Leg {
    /// The transaction as the server knows it.
    pub transaction: String,
    /// Who.
    pub agent: String,
    /// The queue and interface that it came through; none for a call beside the queues.
    pub member: Option<(String, String)>,
    /// When the two began to talk.
    pub began: Millis,
    /// The caller's channel.
    pub caller: String,
    /// The agent's channel, where it is known.
    pub channel: Option<String>,
    /// The agent's channel was optimized away: the call goes on without it.
    pub optimized: bool,
    /// The caller's was.
    pub caller_optimized: bool,
    /// The phone line.
    pub line: Line,
    /// On hold.
    pub held: bool,
    /// The talk is over; wrap-up ends then.
    pub wrap_until: Option<Millis>,
}

/// A leg's number.
pub type LegId = u64;

/// All visits and legs under way.
#[derive(Debug, Default)]
pub struct Calls {
    /// Visits by the caller's channel.
    pub visits: HashMap<String, Visit>,
    legs: BTreeMap<LegId, Leg>,
    by_agent: HashMap<String, Vec<LegId>>,
    by_channel: HashMap<String, LegId>,
    by_caller: HashMap<String, Vec<LegId>>,
    /// Which visit rings at a channel: the caller's channel by the member's.
    ringing: HashMap<String, String>,
    /// Whose visits an agent is offered: callers' channels, one for each offer.
    offered: HashMap<String, Vec<String>>,
    numbers: LegId,
}

impl Calls {
    /// A leg begins.
    pub fn begin(&mut self, leg: Leg) -> LegId {
        self.numbers += 1;
        let id = self.numbers;
        self.by_agent.entry(leg.agent.clone()).or_default().push(id);
        self.by_caller.entry(leg.caller.clone()).or_default().push(id);
        if let Some(channel) = &leg.channel {
            self.by_channel.insert(channel.clone(), id);
        }
        self.legs.insert(id, leg);
        id
    }

    /// A leg is over.
    pub fn end(&mut self, id: LegId) -> Option<Leg> {
        let leg = self.legs.remove(&id)?;
        forget(&mut self.by_agent, &leg.agent, id);
        forget(&mut self.by_caller, &leg.caller, id);
        if let Some(channel) = &leg.channel {
            self.by_channel.remove(channel);
        }
        Some(leg)
    }

    /// A leg.
    pub fn leg(&self, id: LegId) -> Option<&Leg> {
        self.legs.get(&id)
    }

    /// The queue's member that a leg came through becomes known.
    pub fn set_member(&mut self, id: LegId, queue: &str, interface: &str) {
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.member = Some((queue.to_owned(), interface.to_owned()));
        }
    }

    /// A leg, to be changed; its agent, caller and channel stay as they are.
    pub fn leg_mut(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.get_mut(&id)
    }

    /// All legs.
    pub fn legs(&self) -> impl Iterator<Item = (LegId, &Leg)> {
        self.legs.iter().map(|(id, leg)| (*id, leg))
    }

    /// How many talk in a queue's calls.
    pub fn talks_of(&self, queue: &str) -> u64 {
        let talks = self.legs.values().filter(|leg| {
            leg.wrap_until.is_none() && leg.member.as_ref().is_some_and(|(of, _)| of == queue)
        });
        talks.count() as u64
    }

    /// How many legs there are.
    pub fn legs_len(&self) -> usize {
        self.legs.len()
    }

    /// The legs of an agent.
    pub fn of_agent(&self, agent: &str) -> impl Iterator<Item = (LegId, &Leg)> {
        self.some(self.by_agent.get(agent))
    }

    /// The legs of a caller's channel.
    pub fn of_caller(&self, caller: &str) -> impl Iterator<Item = (LegId, &Leg)> {
        self.some(self.by_caller.get(caller))
    }

    fn some<'a>(&'a self, ids: Option<&'a Vec<LegId>>) -> impl Iterator<Item = (LegId, &'a Leg)> {
        ids.into_iter().flatten().filter_map(|id| self.legs.get(id).map(|leg| (*id, leg)))
    }

    /// The leg that runs on an agent's channel.
    pub fn on_channel(&self, channel: &str) -> Option<LegId> {
        self.by_channel.get(channel).copied()
    }

    /// A leg's channel becomes known.
    pub fn set_channel(&mut self, id: LegId, channel: &str) {
        if let Some(leg) = self.legs.get_mut(&id) {
            if let Some(former) = leg.channel.replace(channel.to_owned()) {
                self.by_channel.remove(&former);
            }
            self.by_channel.insert(channel.to_owned(), id);
        }
    }

    /// A member is called for a visit. Tells whether this is the agent's first offer of it.
    pub fn offer(&mut self, caller: &str, offer: Offer) -> bool {
        let Some(visit) = self.visits.get_mut(caller) else { return false };
        let is_known = |known: &Offer| known.channel.is_some() && known.channel == offer.channel;
        if visit.offers.iter().any(is_known) {
            return false;
        }
        visit.has_rung = true;
        let first = !visit.offers.iter().any(|known| known.agent == offer.agent);
        if let Some(channel) = &offer.channel {
            self.ringing.insert(channel.clone(), caller.to_owned());
        }
        self.offered.entry(offer.agent.clone()).or_default().push(caller.to_owned());
        visit.offers.push(offer);
        first
    }

    /// The phone sends the call on: it rings elsewhere from now on.
    pub fn forward_offer(&mut self, caller: &str, channel: &str) {
        self.ringing.remove(channel);
        let visit = self.visits.get_mut(caller);
        for offer in visit.into_iter().flat_map(|visit| &mut visit.offers) {
            if offer.channel.as_deref() == Some(channel) {
                offer.channel = None;
            }
        }
    }

    /// The channel of an agent's offer becomes known.
    pub fn set_offer_channel(&mut self, caller: &str, agent: &str, channel: &str) {
        let visit = self.visits.get_mut(caller);
        let mut offers = visit.into_iter().flat_map(|visit| &mut visit.offers);
        if let Some(offer) = offers.find(|offer| offer.agent == agent) {
            if let Some(former) = offer.channel.replace(channel.to_owned()) {
                self.ringing.remove(&former);
            }
            self.ringing.insert(channel.to_owned(), caller.to_owned());
        }
    }

    /// The visit that rings at a member's channel, by the caller's channel.
    pub fn ringing_at(&self, channel: &str) -> Option<&str> {
        self.ringing.get(channel).map(String::as_str)
    }

    /// An offer ends. Tells the agent if that was the agent's last offer of the visit.
    pub fn end_offer(&mut self, caller: &str, is: impl Fn(&Offer) -> bool) -> Option<String> {
        let visit = self.visits.get_mut(caller)?;
        let place = visit.offers.iter().position(is)?;
        let offer = visit.offers.remove(place);
        let last = !visit.offers.iter().any(|other| other.agent == offer.agent);
        self.unring(caller, &offer);
        last.then_some(offer.agent)
    }

    /// A visit is over, with all its offers.
    pub fn end_visit(&mut self, caller: &str) -> Option<Visit> {
        let visit = self.visits.remove(caller)?;
        for offer in &visit.offers {
            self.unring(caller, offer);
        }
        Some(visit)
    }

    fn unring(&mut self, caller: &str, offer: &Offer) {
        if let Some(channel) = &offer.channel {
            self.ringing.remove(channel);
        }
        if let Some(callers) = self.offered.get_mut(&offer.agent) {
            if let Some(place) = callers.iter().position(|known| known == caller) {
                callers.swap_remove(place);
            }
            if callers.is_empty() {
                self.offered.remove(&offer.agent);
            }
        }
    }

    /// The visits that an agent is offered, by the caller's channel: one for each offer.
    pub fn offered_to(&self, agent: &str) -> impl Iterator<Item = &str> {
        self.offered.get(agent).into_iter().flatten().map(String::as_str)
    }

    /// Whether an agent is called or talks.
    pub fn is_busy(&self, agent: &str) -> bool {
        self.offered.contains_key(agent)
            || self.of_agent(agent).any(|(_, leg)| leg.wrap_until.is_none())
    }

    /// The line that a further call of an agent is on.
    pub fn free_line(&self, agent: &str) -> Line {
        let taken =
            self.of_agent(agent).any(|(_, leg)| leg.wrap_until.is_none() && leg.line == Line::One);
        if taken { Line::Two } else { Line::One }
    }

    /// Whether a visit or a leg of this caller's channel has this transaction.
    pub fn is_open(&self, caller: &str, transaction: &str) -> bool {
        self.visits.get(caller).is_some_and(|visit| visit.transaction == transaction)
            || self.of_caller(caller).any(|(_, leg)| leg.transaction == transaction)
    }
}

fn forget(index: &mut HashMap<String, Vec<LegId>>, key: &str, id: LegId) {
    if let Some(ids) = index.get_mut(key) {
        ids.retain(|known| *known != id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}
