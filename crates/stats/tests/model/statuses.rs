//! What follows from base status and legs: agent-status and the two lines (SPEC §3.1), worked out afresh after every
//! event and noted where they changed.

use stats::event::{Base, ExplicitLine, Line, Media, Millis};

use crate::slow::{Code, Leg, Model};

impl Model {
    /// Works every agent's statuses out afresh and notes which changed with this event.
    pub fn note_changes(&mut self, at: Millis) {
        for number in 0..self.agents.len() {
            if self.agents[number].removed {
                continue;
            }
            let status = self.agent_status(number);
            let lines = [self.line1(number), self.line2(number)];
            let agent = &mut self.agents[number];
            let shown = if status == base_status(agent.base) {
                agent.code.clone()
            } else {
                Code::default()
            };
            let was = agent.status_log.last().expect("starts with one").1;
            if was != status {
                agent.status_log.push((at, status));
            }
            if (was != status || agent.shown != shown) && agent.shown_changed.is_some() {
                agent.shown_changed = Some(at);
            }
            agent.shown = shown;
            for (line, now) in agent.lines.iter_mut().zip(lines) {
                if line.0 != now {
                    *line = (now, at);
                }
            }
        }
    }

    /// SPEC §3.1: agent-status.
    fn agent_status(&self, agent: usize) -> i64 {
        let base = self.agents[agent].base;
        let any =
            |stage: fn(&Leg) -> bool| self.legs.iter().any(|leg| leg.agent == agent && stage(leg));
        if base == Base::LoggedOut {
            9
        } else if any(Leg::is_processing) {
            2
        } else if any(Leg::offered) {
            1
        } else if any(Leg::is_post_processing) {
            3
        } else {
            base_status(base)
        }
    }

    fn line1(&self, agent: usize) -> i64 {
        let owner = &self.agents[agent];
        match (owner.base, owner.explicit[0], self.leg_on(agent, Line::One)) {
            (Base::LoggedOut, _, _) => -1,
            (_, Some(_), _) => 4,
            (_, None, Some(leg)) if leg.offered() => 3,
            (_, None, Some(leg)) if leg.held => 1,
            (_, None, Some(leg)) if leg.muted => 2,
            (_, None, Some(_)) => 5,
            (_, None, None) => 0,
        }
    }

    fn line2(&self, agent: usize) -> i64 {
        let owner = &self.agents[agent];
        match (owner.base, owner.explicit[1], self.leg_on(agent, Line::Two)) {
            (Base::LoggedOut, _, _) => -1,
            (_, Some(ExplicitLine::Error), _) => 3,
            (_, Some(_), _) => 4,
            (_, None, Some(leg)) if leg.offered() => 0,
            (_, None, Some(leg)) if leg.held => 1,
            (_, None, Some(leg)) if leg.muted => 2,
            (_, None, Some(_)) => 5,
            (_, None, None) => -1,
        }
    }

    /// The phone leg that counts on a line.
    fn leg_on(&self, agent: usize, line: Line) -> Option<&Leg> {
        let on_line = |leg: &&Leg| {
            leg.agent == agent
                && leg.media == Media::Phone
                && leg.line == line
                && (leg.offered() || leg.is_processing())
        };
        self.legs.iter().filter(on_line).max_by_key(|leg| leg.stage_event)
    }
}

/// The agent-status that a base status gives by itself.
pub fn base_status(base: Base) -> i64 {
    match base {
        Base::Available => 0,
        Base::OnBreak => 4,
        Base::WorkOffline => 5,
        Base::LoggedOut => 9,
    }
}
