//! What becomes of a transaction that an agent works: holds, mutes, transfers, wrap-up.

use stats::event::{Kind, Line, Media, Millis};

use super::{
    agenda::{ContactTurn, Happening, Serial},
    centre::{Leg, Simulation},
    dice::Spread,
};

/// A hold too short for a question to a colleague.
const HOLD_TO_ASK_MS: Millis = 28_000;

impl Simulation {
    /// Something befalls a transaction: to a visit, offer or leg that has gone, nothing.
    pub(super) fn befall(&mut self, contact: u32, serial: Serial, turn: ContactTurn) {
        match turn {
            ContactTurn::PatienceOver => self.lose_patience(contact, serial),
            ContactTurn::Answer => self.answer(contact, serial),
            ContactTurn::Decline => self.let_go(contact, serial, true),
            ContactTurn::RingsOut => self.let_go(contact, serial, false),
            _ => {
                let legs = &self.contacts[contact as usize].legs;
                if let Some(leg) = legs.iter().find(|leg| leg.serial == serial).copied() {
                    self.step(contact, leg, turn);
                }
            }
        }
    }

    fn step(&mut self, contact: u32, leg: Leg, turn: ContactTurn) {
        let agent = leg.agent;
        match turn {
            ContactTurn::Hold => self.tell_of(
                |transaction, agent| Kind::TransactionHeld { transaction, agent },
                contact,
                agent,
            ),
            ContactTurn::Resume => self.tell_of(
                |transaction, agent| Kind::TransactionResumed { transaction, agent },
                contact,
                agent,
            ),
            ContactTurn::Mute => self.tell_of(
                |transaction, agent| Kind::TransactionMuted { transaction, agent },
                contact,
                agent,
            ),
            ContactTurn::Unmute => self.tell_of(
                |transaction, agent| Kind::TransactionUnmuted { transaction, agent },
                contact,
                agent,
            ),
            ContactTurn::AskColleague => {
                self.place_call(agent, None, Line::Two, Spread::new(12.0, 0.25));
            }
            ContactTurn::TalkOver => self.end_talk(contact, leg),
            ContactTurn::Release => self.release(contact, leg),
            _ => self.complete(contact, leg),
        }
    }

    fn expect(&mut self, contact: u32, serial: Serial, at: Millis, turn: ContactTurn) {
        self.agenda.enter(at, Happening::Contact { contact, serial, turn });
    }

    /// The end of a call that the agent has placed; a question to a colleague needs no wrap-up.
    pub(super) fn expect_step(&mut self, contact: u32, serial: Serial, at: Millis, line: Line) {
        let turn = match line {
            Line::One => ContactTurn::Release,
            Line::Two => ContactTurn::Complete,
        };
        self.expect(contact, serial, at, turn);
    }

    /// An agent has accepted: the course of the talk is laid. The offer's work goes on as the leg's.
    pub(super) fn begin_leg(&mut self, contact: u32, agent: u32, queue: u32) {
        let serial = self.new_serial();
        self.contacts[contact as usize].legs.push(Leg { serial, agent, queue: Some(queue) });
        let state = &self.desks[queue as usize];
        let is_call = state.desk.media() == Media::Phone;
        let talk_ms = self.dice.spread(state.habits.talk).max(4_000);
        let mut end = self.now + talk_ms;
        if is_call && self.dice.chance(0.3) {
            let held = self.now + self.dice.between(talk_ms / 5, talk_ms / 2);
            let hold_ms = self.dice.spread(Spread::new(25.0, 0.6));
            self.expect(contact, serial, held, ContactTurn::Hold);
            if hold_ms > HOLD_TO_ASK_MS && self.dice.chance(0.4) {
                self.expect(contact, serial, held + 1_500, ContactTurn::AskColleague);
            }
            self.expect(contact, serial, held + hold_ms, ContactTurn::Resume);
            end += hold_ms;
        } else if is_call && self.dice.chance(0.3) {
            let muted = self.now + self.dice.between(talk_ms / 5, talk_ms / 2);
            let unmuted = muted + self.dice.between(talk_ms / 20, talk_ms / 3);
            self.expect(contact, serial, muted, ContactTurn::Mute);
            self.expect(contact, serial, unmuted, ContactTurn::Unmute);
        }
        self.expect(contact, serial, end, ContactTurn::TalkOver);
    }

    /// The talk is over: mostly for good, now and then the customer needs another queue.
    fn end_talk(&mut self, contact: u32, leg: Leg) {
        let target = leg.queue.and_then(|queue| self.transfer_target(queue));
        let waits_already = self.contacts[contact as usize].visit.is_some();
        match target {
            Some(target) if !waits_already && self.dice.chance(0.06) => {
                if self.dice.chance(0.5) {
                    self.tell_of(
                        |transaction, agent| Kind::TransactionHeld { transaction, agent },
                        contact,
                        leg.agent,
                    );
                    self.enter_queue(contact, target, Some(leg.serial));
                } else {
                    self.enter_queue(contact, target, None);
                    self.release(contact, leg);
                }
            }
            _ => self.release(contact, leg),
        }
    }

    /// Another queue of the same site and medium.
    fn transfer_target(&mut self, queue: u32) -> Option<u32> {
        let media = self.desks[queue as usize].desk.media();
        if media != Media::Phone {
            return None;
        }
        let queues = self.world.sites[self.world.queues[queue as usize].site].clone();
        let others: Vec<u32> = queues
            .filter(|other| *other != queue && self.desks[*other as usize].desk.media() == media)
            .collect();
        if others.is_empty() { None } else { Some(others[self.dice.pick(others.len())]) }
    }

    /// No colleague could take over: the first agent goes on for a moment.
    pub(super) fn take_back(&mut self, contact: u32, serial: Serial) {
        let legs = &self.contacts[contact as usize].legs;
        let Some(leg) = legs.iter().find(|leg| leg.serial == serial).copied() else { return };
        self.step(contact, leg, ContactTurn::Resume);
        let at = self.now + self.dice.between(15_000, 60_000);
        self.expect(contact, serial, at, ContactTurn::Release);
    }

    fn release(&mut self, contact: u32, leg: Leg) {
        let habits = leg.queue.map(|queue| self.desks[queue as usize].habits);
        let (no_wrap_up, wrap_up) = habits
            .map_or((0.5, Spread::new(20.0, 0.5)), |habits| (habits.no_wrap_up, habits.wrap_up));
        if self.dice.chance(no_wrap_up) {
            self.complete(contact, leg);
            return;
        }
        self.tell_of(
            |transaction, agent| Kind::TransactionReleased { transaction, agent },
            contact,
            leg.agent,
        );
        let at = self.now + self.dice.spread(wrap_up);
        self.expect(contact, leg.serial, at, ContactTurn::Complete);
    }

    fn complete(&mut self, contact: u32, leg: Leg) {
        self.tell_of(
            |transaction, agent| Kind::TransactionCompleted { transaction, agent },
            contact,
            leg.agent,
        );
        self.contacts[contact as usize].legs.retain(|other| other.serial != leg.serial);
        self.forget_if_done(contact);
        match leg.queue {
            Some(queue) => self.count_work(leg.agent, queue, false),
            None => self.end_own_call(leg.agent),
        }
        self.settle(leg.agent);
    }

    fn end_own_call(&mut self, agent: u32) {
        let state = &mut self.staff[agent as usize];
        state.solo -= 1;
        if state.has_no_work() {
            state.idle_since = self.now;
        }
    }
}
