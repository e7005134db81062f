//! Who gets which transaction: waiting, offers, and what agents make of them.
//!
//! Skills-based: the agent who has been idle longest among those enabled for the queue; an agent who becomes free
//! takes calls before chats before messages before mail, each in the order of arrival.

use std::ops::RangeInclusive;

use stats::event::{Base, Kind, Media, Millis};

use super::{
    agenda::{AgentTurn, ContactTurn, Happening, Pause, Serial},
    centre::{Offer, Place, Simulation, Visit},
    curve::Curve,
    desk::Desk,
};

/// Chats and emails that an agent works at once.
const SHARED_MAX: u8 = 3;

/// How long those are rung who only help out the first in turn.
const HELP_RING_MS: Millis = 8_000;

/// A caller who gives up after this time may leave a message instead.
const MESSAGE_MS_MIN: Millis = 20_000;

impl Simulation {
    /// The next arrival at a queue.
    pub(super) fn await_arrival(&mut self, queue: u32) {
        let arrivals = &self.desks[queue as usize].arrivals;
        if let Some(at) = arrivals.next(self.now, &mut self.local, &mut self.dice) {
            self.agenda.enter(at, Happening::Arrival { queue });
        }
    }

    /// What yesterday's evening has left in a queue that nobody waits at.
    pub(super) fn leave_backlog(&mut self, queue: u32) {
        if self.desks[queue as usize].habits.patience.is_some() {
            return;
        }
        let hours: f64 = 0.8 + self.dice.unit();
        let curve: &Curve = self.desks[queue as usize].desk.curve();
        let per_hour = self.world.queues[queue as usize].per_weekday / curve.hours_per_day();
        for _ in 0..(per_hour * hours * curve.at(0)).round() as u32 {
            self.arrive_anew(queue);
        }
    }

    pub(super) fn arrive(&mut self, queue: u32) {
        self.arrive_anew(queue);
        self.await_arrival(queue);
    }

    fn arrive_anew(&mut self, queue: u32) {
        let contact = self.new_contact();
        self.enter_queue(contact, queue, None);
    }

    /// A visit begins: offered at once, or waiting.
    pub(super) fn enter_queue(&mut self, contact: u32, queue: u32, consulting: Option<Serial>) {
        let transaction = self.transaction(contact);
        let number = self.world.queues[queue as usize].id;
        self.tell(Kind::TransactionQueued { transaction, queue: number });
        let serial = self.new_serial();
        let visit = Visit { serial, queue, entered: self.now, offers: Vec::new(), consulting };
        self.contacts[contact as usize].visit = Some(visit);
        self.desks[queue as usize].waiting.insert((self.now, contact));
        let patience = self.desks[queue as usize].habits.patience;
        let patience_ms = match (consulting, patience) {
            (Some(_), _) => Some(self.dice.between(60_000, 150_000)),
            (None, Some(patience)) => Some(self.dice.patience(patience)),
            (None, None) => None,
        };
        if let Some(patience_ms) = patience_ms {
            let turn = ContactTurn::PatienceOver;
            let at = self.now + patience_ms;
            self.agenda.enter(at, Happening::Contact { contact, serial, turn });
        }
        self.route(contact);
    }

    /// Offers a waiting visit to whom it fits.
    fn route(&mut self, contact: u32) {
        let Some(visit) = &self.contacts[contact as usize].visit else { return };
        let queue = visit.queue;
        let desk = self.desks[queue as usize].desk;
        let floor = &self.floors[self.world.queues[queue as usize].site];
        let free = floor.free.iter().map(|(_, agent)| *agent);
        let fits = |agent: &u32| self.fits(*agent, contact, queue);
        let chosen: Vec<u32> = if desk == Desk::Chat {
            // Whoever has one chat takes a second before others are drawn in, and a third only if there is nobody else.
            let sharing = |counts: RangeInclusive<u8>| {
                let from = (*counts.start(), Millis::MIN, 0);
                let to = (*counts.end(), Millis::MAX, u32::MAX);
                floor.sharing.range(from..=to).map(|(_, _, agent)| *agent)
            };
            let in_turn = sharing(1..=1).chain(free).chain(sharing(2..=SHARED_MAX - 1));
            in_turn.filter(fits).take(1).collect()
        } else {
            free.filter(fits).take(desk.rings_at_once()).collect()
        };
        for (index, agent) in chosen.into_iter().enumerate() {
            self.offer(contact, agent, index == 0);
        }
    }

    fn fits(&self, agent: u32, contact: u32, queue: u32) -> bool {
        let skills = &self.world.agents[agent as usize].skills;
        skills.iter().any(|skill| skill.queue == queue && skill.enabled)
            && self.contacts[contact as usize].legs.iter().all(|leg| leg.agent != agent)
    }

    fn offer(&mut self, contact: u32, agent: u32, first: bool) {
        let serial = self.new_serial();
        let Some(visit) = &mut self.contacts[contact as usize].visit else { return };
        let (queue, entered) = (visit.queue, visit.entered);
        visit.offers.push(Offer { serial, agent, first });
        self.desks[queue as usize].waiting.remove(&(entered, contact));
        self.count_work(agent, queue, true);
        self.stand(agent);
        let (transaction, login) = (self.transaction(contact), self.login(agent));
        let line = Simulation::CALL_LINE;
        self.tell(Kind::TransactionOffered { transaction, agent: login, line });
        let habits = self.desks[queue as usize].habits;
        let ring_ms = if first { habits.ring_ms } else { HELP_RING_MS };
        let answer_ms = self.dice.spread(habits.answer);
        let (after_ms, turn) = match self.dice.unit() {
            unit if unit < 0.025 => (answer_ms.min(ring_ms), ContactTurn::Decline),
            unit if unit < 0.055 => (ring_ms, ContactTurn::RingsOut),
            _ if answer_ms > ring_ms => (ring_ms, ContactTurn::RingsOut),
            _ => (answer_ms, ContactTurn::Answer),
        };
        self.agenda.enter(self.now + after_ms, Happening::Contact { contact, serial, turn });
    }

    /// An agent lets an offer go: declines it, or doesn't answer in time.
    pub(super) fn let_go(&mut self, contact: u32, serial: Serial, declined: bool) {
        let Some(visit) = &mut self.contacts[contact as usize].visit else { return };
        let Some(index) = visit.offers.iter().position(|offer| offer.serial == serial) else {
            return;
        };
        let Offer { agent, first, .. } = visit.offers.remove(index);
        let (queue, entered, none_left) = (visit.queue, visit.entered, visit.offers.is_empty());
        self.count_work(agent, queue, false);
        if none_left {
            self.desks[queue as usize].waiting.insert((entered, contact));
        }
        if !declined && !first {
            // Others were rung only to help out: to them a missed call doesn't count.
            self.tell_of(
                |transaction, agent| Kind::TransactionWithdrawn { transaction, agent },
                contact,
                agent,
            );
        } else {
            self.tell_of(
                |transaction, agent| Kind::TransactionRejected { transaction, agent },
                contact,
                agent,
            );
            self.compose(agent, declined);
        }
        self.settle(agent);
        if none_left {
            self.route_if_waiting(contact);
        }
    }

    fn route_if_waiting(&mut self, contact: u32) {
        let visit = self.contacts[contact as usize].visit.as_ref();
        if visit.is_some_and(|visit| visit.offers.is_empty()) {
            self.route(contact);
        }
    }

    /// After a rejection an agent needs a moment, or is put on break by the system.
    fn compose(&mut self, agent: u32, declined: bool) {
        let state = &mut self.staff[agent as usize];
        state.collecting = true;
        let may_pause = state.has_no_work() && state.wish.is_none() && state.pause.is_none();
        if !declined && may_pause && self.dice.chance(0.6) {
            self.start_pause(agent, Pause::Unanswered, false);
            return;
        }
        let shift = self.staff[agent as usize].shift;
        let at = self.now + self.dice.between(6_000, 20_000);
        self.agenda.enter(at, Happening::Agent { agent, shift, turn: AgentTurn::Collected });
    }

    /// An agent accepts an offer.
    pub(super) fn answer(&mut self, contact: u32, serial: Serial) {
        let visit = self.contacts[contact as usize]
            .visit
            .take_if(|visit| visit.offers.iter().any(|offer| offer.serial == serial));
        let Some(visit) = visit else { return };
        let (taken, others): (Vec<Offer>, Vec<Offer>) =
            visit.offers.iter().partition(|offer| offer.serial == serial);
        let agent = taken[0].agent;
        self.tell_of(
            |transaction, agent| Kind::TransactionAccepted { transaction, agent, line: None },
            contact,
            agent,
        );
        self.begin_leg(contact, agent, visit.queue);
        if let Some(first_leg) = visit.consulting {
            let turn = ContactTurn::Release;
            let at = self.now + self.dice.between(12_000, 45_000);
            self.agenda.enter(at, Happening::Contact { contact, serial: first_leg, turn });
        }
        self.release_offers(visit.queue, &others);
    }

    /// Offers have ended without counting: their agents are free again.
    fn release_offers(&mut self, queue: u32, offers: &[Offer]) {
        for offer in offers {
            self.count_work(offer.agent, queue, false);
        }
        for offer in offers {
            self.settle(offer.agent);
        }
    }

    /// The customer waits no longer: gives up, or leaves a message; a colleague asked in vain hands back.
    pub(super) fn lose_patience(&mut self, contact: u32, serial: Serial) {
        let visit = self.contacts[contact as usize].visit.take_if(|visit| visit.serial == serial);
        let Some(visit) = visit else { return };
        self.desks[visit.queue as usize].waiting.remove(&(visit.entered, contact));
        let transaction = self.transaction(contact);
        let mailbox = self.mailbox(visit.queue);
        let waited_ms = self.now - visit.entered;
        if let Some(leg) = visit.consulting {
            self.tell(Kind::TransactionDiverted { transaction });
            self.take_back(contact, leg);
        } else if let Some(mailbox) = mailbox
            && waited_ms >= MESSAGE_MS_MIN
            && self.dice.chance(0.3)
        {
            self.tell(Kind::TransactionDiverted { transaction });
            self.arrive_anew(mailbox);
        } else {
            self.tell(Kind::TransactionAbandoned { transaction });
        }
        self.release_offers(visit.queue, &visit.offers);
        self.forget_if_done(contact);
    }

    /// The queue to which callers of another may leave messages.
    fn mailbox(&self, queue: u32) -> Option<u32> {
        if self.desks[queue as usize].desk.media() != Media::Phone {
            return None;
        }
        let mut queues = self.world.sites[self.world.queues[queue as usize].site].clone();
        queues.find(|queue| self.desks[*queue as usize].desk == Desk::Voicemail)
    }

    /// Counts an offer or a leg of a queue as the agent's work, or no longer.
    pub(super) fn count_work(&mut self, agent: u32, queue: u32, begins: bool) {
        let shared = self.desks[queue as usize].desk.is_shared();
        let state = &mut self.staff[agent as usize];
        let count = if shared { &mut state.shared } else { &mut state.solo };
        if begins {
            *count += 1;
        } else {
            *count -= 1;
            if state.has_no_work() {
                state.idle_since = self.now;
            }
        }
    }

    /// After any change: grants the agent's wish if the work is done, else finds work.
    pub(super) fn settle(&mut self, agent: u32) {
        let state = &self.staff[agent as usize];
        if state.wish.is_some() && state.has_no_work() {
            self.grant_wish(agent);
        }
        loop {
            let place = self.stand(agent);
            let Some(contact) = self.next_waiting(agent, place) else { return };
            self.offer(contact, agent, true);
        }
    }

    /// Puts the agent where the floor looks for those who could take work.
    fn stand(&mut self, agent: u32) -> Place {
        let place = self.place_of(agent);
        let state = &mut self.staff[agent as usize];
        let floor = &mut self.floors[self.world.agents[agent as usize].site];
        if place != state.place {
            match state.place {
                Place::Nowhere => false,
                Place::Free(since) => floor.free.remove(&(since, agent)),
                Place::Sharing(count, since) => floor.sharing.remove(&(count, since, agent)),
            };
            match place {
                Place::Nowhere => false,
                Place::Free(since) => floor.free.insert((since, agent)),
                Place::Sharing(count, since) => floor.sharing.insert((count, since, agent)),
            };
            state.place = place;
        }
        place
    }

    fn place_of(&self, agent: u32) -> Place {
        let state = &self.staff[agent as usize];
        let takes_work = state.base == Base::Available
            && state.pause.is_none()
            && state.wish.is_none()
            && !state.collecting
            && !state.monitoring;
        match (takes_work, state.solo, state.shared) {
            (true, 0, 0) => Place::Free(state.idle_since),
            (true, 0, 1..SHARED_MAX) => Place::Sharing(state.shared, state.idle_since),
            _ => Place::Nowhere,
        }
    }

    /// What waits longest among the most urgent for which the agent is enabled.
    fn next_waiting(&self, agent: u32, place: Place) -> Option<u32> {
        let only_chats = match place {
            Place::Nowhere => return None,
            Place::Free(_) => false,
            Place::Sharing(..) => true,
        };
        let skills = self.world.agents[agent as usize].skills.iter().filter(|skill| skill.enabled);
        let firsts = skills.filter_map(|skill| {
            let state = &self.desks[skill.queue as usize];
            if only_chats && state.desk != Desk::Chat {
                return None;
            }
            let fits = |(_, contact): &&(Millis, u32)| {
                let legs = &self.contacts[*contact as usize].legs;
                legs.iter().all(|leg| leg.agent != agent)
            };
            let (entered, contact) = state.waiting.iter().find(fits)?;
            let urgency = match state.desk.media() {
                Media::Phone => 0,
                Media::Chat => 1,
                Media::Voicemail => 2,
                Media::Email => 3,
            };
            Some((urgency, *entered, *contact))
        });
        firsts.min().map(|(_, _, contact)| contact)
    }
}
