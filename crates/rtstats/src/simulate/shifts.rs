//! What agents do by the clock: come and go, pause, dial, listen in.

use stats::event::{Base, ExplicitLine, GivenCode, Kind, Line, Media, Millis};

use super::{
    agenda::{AgentTurn, Happening, Pause, Serial},
    centre::{Leg, Simulation, Wish},
    dice::Spread,
    local::DateNumber,
    roster::{self, SHIFT_MS},
    world::Role,
};

const MINUTE_MS: Millis = 60_000;

/// Who would go home within this time of the simulation's beginning doesn't come any more.
const SHIFT_LEFT_MS_MIN: Millis = 10 * MINUTE_MS;

/// Mean gap between an agent's own attempts to call a customer.
const DIAL_GAP_MS: f64 = 55.0 * MINUTE_MS as f64;

/// Mean gap between a supervisor's wishes to listen in.
const MONITOR_GAP_MS: f64 = 14.0 * MINUTE_MS as f64;

/// The pauses of a shift: how likely, and when, in minutes from its start.
const PAUSES: [(Pause, f64, Millis, Millis); 9] = [
    (Pause::ShortBreak, 1.0, 75, 150),
    (Pause::Lunch, 1.0, 190, 290),
    (Pause::ShortBreak, 1.0, 330, 420),
    (Pause::Personal, 0.7, 10, 180),
    (Pause::Personal, 0.7, 180, 340),
    (Pause::Personal, 0.7, 340, 490),
    (Pause::Paperwork, 0.6, 20, 480),
    (Pause::Meeting, 0.25, 60, 420),
    (Pause::Training, 0.2, 60, 420),
];

impl Pause {
    fn length(self) -> Spread {
        let (mean_minutes, variation) = match self {
            Pause::Lunch => (31.0, 0.12),
            Pause::ShortBreak => (13.0, 0.25),
            Pause::Personal => (4.5, 0.4),
            Pause::Unanswered => (1.5, 0.4),
            Pause::Training => (32.0, 0.3),
            Pause::Meeting => (24.0, 0.3),
            Pause::Paperwork => (11.0, 0.4),
            Pause::Coaching => (20.0, 0.3),
        };
        Spread::new(mean_minutes * 60.0, variation)
    }
}

impl Simulation {
    /// Calls in those whose shift has begun already, and lays the rest of the first date.
    pub(super) fn open_roster(&mut self) {
        let date = self.local.at(self.now).date;
        self.lay_shifts(date.previous());
        self.begin_date(date);
    }

    /// Lays the shifts that start on a date.
    pub(super) fn begin_date(&mut self, date: DateNumber) {
        self.lay_shifts(date);
        let next = date.next();
        let midnight = self.local.instant(next, 0);
        self.agenda.enter(midnight.max(self.now), Happening::Date(next));
    }

    fn lay_shifts(&mut self, date: DateNumber) {
        for index in 0..self.world.agents.len() {
            let agent = &self.world.agents[index];
            if !roster::works(agent.role, agent.place, date) {
                continue;
            }
            let start = self.local.instant(date, agent.shift_start_ms);
            // By the clock on the wall: the night in which clocks are set back is an hour longer.
            let end = self.local.instant(date, agent.shift_start_ms + SHIFT_MS);
            let at = if start <= self.now {
                self.now + self.dice.between(200, MINUTE_MS)
            } else {
                (start + self.dice.between(-6 * MINUTE_MS, 4 * MINUTE_MS)).max(self.now)
            };
            if end > self.now + SHIFT_LEFT_MS_MIN {
                self.agenda.enter(at, Happening::ShiftStart { agent: index as u32, end });
            }
        }
    }

    pub(super) fn start_shift(&mut self, agent: u32, end: Millis) {
        if self.staff[agent as usize].base != Base::LoggedOut {
            // Still there from the shift before, where the calendar leaves a date out.
            return;
        }
        let shift = self.new_serial();
        self.staff[agent as usize].shift = shift;
        let start = end - SHIFT_MS;
        for (pause, likely, from, to) in PAUSES {
            let due = start + self.dice.between(from * MINUTE_MS, to * MINUTE_MS);
            if self.dice.chance(likely) && due > self.now {
                self.expect_turn(agent, due, AgentTurn::PauseDue(pause));
            }
        }
        let leave = end + self.dice.between(0, 8 * MINUTE_MS);
        self.expect_turn(agent, leave, AgentTurn::ShiftOver);
        let role = self.world.agents[agent as usize].role;
        if role == Role::Supervisor {
            let gap = self.dice.gap(MONITOR_GAP_MS);
            self.expect_turn(agent, self.now + gap, AgentTurn::MonitorStart);
        } else if role != Role::Digital {
            let gap = self.dice.gap(DIAL_GAP_MS);
            self.expect_turn(agent, self.now + gap, AgentTurn::Dial);
        }
        if self.dice.chance(0.04) {
            let fails = self.now + self.dice.between(0, SHIFT_MS - 30 * MINUTE_MS);
            self.expect_turn(agent, fails, AgentTurn::LineFails);
        }
        if role != Role::Supervisor && self.dice.chance(0.15) {
            self.start_pause(agent, Pause::Paperwork, false);
        } else {
            self.return_to_work(agent);
        }
    }

    fn expect_turn(&mut self, agent: u32, at: Millis, turn: AgentTurn) {
        let shift = self.staff[agent as usize].shift;
        self.agenda.enter(at, Happening::Agent { agent, shift, turn });
    }

    pub(super) fn take_turn(&mut self, agent: u32, shift: Serial, turn: AgentTurn) {
        let state = &self.staff[agent as usize];
        if state.shift != shift || state.base == Base::LoggedOut {
            return;
        }
        match turn {
            AgentTurn::PauseDue(pause) => self.want_pause(agent, pause),
            AgentTurn::PauseOver(pause) => {
                if state.pause == Some(pause) {
                    self.return_to_work(agent);
                }
            }
            AgentTurn::Collected => {
                self.staff[agent as usize].collecting = false;
                self.settle(agent);
            }
            AgentTurn::Dial => {
                self.dial(agent);
                let gap = self.dice.gap(DIAL_GAP_MS);
                self.expect_turn(agent, self.now + gap, AgentTurn::Dial);
            }
            AgentTurn::MonitorStart => self.start_monitoring(agent),
            AgentTurn::MonitorEnd => self.end_monitoring(agent),
            AgentTurn::LineFails => {
                self.staff[agent as usize].line_failed = true;
                self.tell_line(agent, Line::Two, ExplicitLine::Error);
                let mended = self.now + self.dice.between(3 * MINUTE_MS, 25 * MINUTE_MS);
                self.expect_turn(agent, mended, AgentTurn::LineMended);
            }
            AgentTurn::LineMended => self.mend_line(agent),
            AgentTurn::ShiftOver => {
                self.staff[agent as usize].wish = Some(Wish::Leave);
                self.settle(agent);
            }
        }
    }

    fn want_pause(&mut self, agent: u32, pause: Pause) {
        let state = &self.staff[agent as usize];
        if state.pause.is_some() || state.wish.is_some() || state.monitoring {
            return;
        }
        // One in four presses the button while still at work; documents show the work first.
        let told = !state.has_no_work() && self.dice.chance(0.25);
        if told {
            self.tell_pause(agent, pause);
        }
        self.staff[agent as usize].wish = Some(Wish::Pause { pause, told });
        self.settle(agent);
    }

    /// Does what the agent has wished for, the work being done.
    pub(super) fn grant_wish(&mut self, agent: u32) {
        match self.staff[agent as usize].wish.take() {
            Some(Wish::Pause { pause, told }) => self.start_pause(agent, pause, told),
            Some(Wish::Leave) => self.leave(agent),
            None => {}
        }
    }

    /// Starts a pause at once; `told` where the status is set already.
    pub(super) fn start_pause(&mut self, agent: u32, pause: Pause, told: bool) {
        if !told {
            self.tell_pause(agent, pause);
        }
        let serial = self.new_serial();
        self.staff[agent as usize].pause = Some(serial);
        let over = self.now + self.dice.spread(pause.length());
        self.expect_turn(agent, over, AgentTurn::PauseOver(serial));
        self.settle(agent);
    }

    fn tell_pause(&mut self, agent: u32, pause: Pause) {
        // Now and then no code is given.
        let code = if self.dice.chance(0.06) { GivenCode::default() } else { pause.given_code() };
        self.tell_base(agent, pause.base(), code);
    }

    fn tell_base(&mut self, agent: u32, base: Base, code: GivenCode<'static>) {
        self.staff[agent as usize].base = base;
        let login = self.login(agent);
        self.tell(Kind::AgentStatus { agent: login, status: base, code });
    }

    /// Takes transactions again; a supervisor goes on coaching.
    fn return_to_work(&mut self, agent: u32) {
        let state = &mut self.staff[agent as usize];
        state.pause = None;
        state.collecting = false;
        state.idle_since = self.now;
        if self.world.agents[agent as usize].role == Role::Supervisor && self.dice.chance(0.7) {
            let coaching = Pause::Coaching;
            self.tell_base(agent, coaching.base(), coaching.given_code());
        } else {
            self.tell_base(agent, Base::Available, GivenCode::default());
        }
        self.settle(agent);
    }

    fn leave(&mut self, agent: u32) {
        self.end_monitoring(agent);
        self.mend_line(agent);
        self.staff[agent as usize].pause = None;
        self.tell_base(agent, Base::LoggedOut, GivenCode::default());
    }

    fn start_monitoring(&mut self, agent: u32) {
        let state = &mut self.staff[agent as usize];
        if state.pause.is_none() && !state.monitoring {
            state.monitoring = true;
            self.tell_line(agent, Line::One, ExplicitLine::Monitoring);
        }
        let end = self.now + self.dice.between(MINUTE_MS, 6 * MINUTE_MS);
        self.expect_turn(agent, end, AgentTurn::MonitorEnd);
        let gap = self.dice.gap(MONITOR_GAP_MS);
        self.expect_turn(agent, end + gap, AgentTurn::MonitorStart);
    }

    fn end_monitoring(&mut self, agent: u32) {
        if self.staff[agent as usize].monitoring {
            self.staff[agent as usize].monitoring = false;
            self.tell_line(agent, Line::One, ExplicitLine::Clear);
        }
    }

    fn mend_line(&mut self, agent: u32) {
        if self.staff[agent as usize].line_failed {
            self.staff[agent as usize].line_failed = false;
            self.tell_line(agent, Line::Two, ExplicitLine::Clear);
        }
    }

    fn tell_line(&mut self, agent: u32, line: Line, status: ExplicitLine) {
        let login = self.login(agent);
        self.tell(Kind::LineStatus { agent: login, line, status });
    }

    /// Calls a customer, if there is nothing else to do: mostly for the first own queue, mostly on line 1.
    fn dial(&mut self, agent: u32) {
        let idle = self.staff[agent as usize].base == Base::Available
            && self.staff[agent as usize].has_no_work()
            && self.staff[agent as usize].wish.is_none();
        if !idle {
            return;
        }
        let mut skills = self.world.agents[agent as usize].skills.iter();
        let is_call = |queue: u32| self.desks[queue as usize].desk.media() == Media::Phone;
        let own = skills.find(|skill| skill.enabled && is_call(skill.queue));
        let own = own.map(|skill| skill.queue);
        let queue = if self.dice.chance(0.6) { own } else { None };
        let line = if self.dice.chance(0.12) { Line::Two } else { Line::One };
        let reached = self.dice.chance(0.55);
        let talk = if reached { Spread::new(190.0, 0.7) } else { Spread::new(24.0, 0.3) };
        self.place_call(agent, queue, line, talk);
        self.settle(agent);
    }

    /// Places a call that ends by itself.
    pub(super) fn place_call(
        &mut self,
        agent: u32,
        queue: Option<u32>,
        line: Line,
        talk: Spread,
    ) -> Millis {
        let contact = self.new_contact();
        let serial = self.new_serial();
        self.contacts[contact as usize].legs.push(Leg { serial, agent, queue });
        self.staff[agent as usize].solo += 1;
        let media = queue.is_none().then_some(Media::Phone);
        let queue = queue.map(|queue| self.world.queues[queue as usize].id);
        let (transaction, login) = (self.transaction(contact), self.login(agent));
        self.tell(Kind::TransactionPlaced { transaction, agent: login, queue, media, line });
        let length = self.dice.spread(talk);
        self.expect_step(contact, serial, self.now + length, line);
        length
    }
}
