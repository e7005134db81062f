//! How legs and visits go from stage to stage, and what each step adds to the figures.

use super::{
    fold::Fold,
    leg::{Chain, Stage},
    queue::{Column, End, Visit},
    service_level::Verdict,
    trails::MoveKind,
};
use crate::{
    event::{Line, Media, Millis},
    limit,
};

impl Fold {
    /// A leg begins, by an offer or at once in processing.
    #[allow(clippy::too_many_arguments, reason = "each is a plain fact about the leg")]
    pub(super) fn begin_leg(
        &mut self,
        at: Millis,
        agent: u32,
        transaction: u32,
        queue: Option<u32>,
        media: Media,
        line: Line,
        stage: Stage,
    ) {
        let leg = self.legs.insert(agent, transaction, queue, media);
        self.legs[leg].line = line;
        self.legs.join(&mut self.agents[agent].legs, Chain::Agent, leg);
        self.legs.join(&mut self.transactions[transaction as usize].legs, Chain::Transaction, leg);
        if stage == Stage::Offered {
            self.agents[agent].stages.offered += 1;
            self.join_line(at, leg);
        } else {
            self.count_start(at, leg);
        }
    }

    /// An offered leg enters processing.
    pub(super) fn begin_processing(&mut self, at: Millis, leg: u32, line: Option<Line>) {
        self.leave_line(at, leg);
        let agent = self.legs[leg].agent;
        self.agents[agent].stages.offered -= 1;
        if let Some(line) = line {
            self.legs[leg].line = line;
        }
        self.count_start(at, leg);
    }

    fn count_start(&mut self, at: Millis, leg: u32) {
        let (agent_slot, queue) = (self.legs[leg].agent, self.legs[leg].queue);
        let day_start = self.day.start;
        let agent = &mut self.agents[agent_slot];
        agent.stages.processing += 1;
        agent.media_id = self.legs[leg].media as u8;
        agent.window.accepted += 1;
        agent.window.processing.enter(at);
        agent.day.processing.enter(at, day_start);
        if at >= day_start {
            agent.day.accepted += 1;
        }
        if let Some(queue) = queue {
            self.queues[queue].begin_progress(agent_slot);
        }
        let start_number = self.trail_leg_start(at, agent_slot, queue);
        let leg_mut = &mut self.legs[leg];
        leg_mut.stage = Stage::Processing;
        leg_mut.started = at;
        leg_mut.start_number = start_number;
        self.join_line(at, leg);
    }

    /// A leg leaves processing, for post-processing or for good.
    fn leave_processing(&mut self, at: Millis, leg: u32) {
        self.leave_line(at, leg);
        let day_start = self.day.start;
        let leg = &mut self.legs[leg];
        leg.held = false;
        leg.muted = false;
        let processed_ms = at - leg.started;
        let agent = &mut self.agents[leg.agent];
        agent.stages.processing -= 1;
        agent.window.processing.leave(at);
        agent.day.processing.leave(at, day_start);
        let of_day = leg.started >= day_start;
        if of_day {
            agent.day.processed.add(processed_ms);
        }
        let Some(queue) = leg.queue else { return };
        let queue = &mut self.queues[queue];
        if of_day {
            queue.day.duration.add(processed_ms);
        }
        if let Some(start) = self.trails.leg_starts.get_mut(leg.start_number) {
            start.processed_ms = processed_ms as u32;
            queue.window.duration.add(processed_ms);
        }
    }

    /// A leg in processing enters post-processing.
    pub(super) fn begin_post_processing(&mut self, at: Millis, leg: u32) {
        self.leave_processing(at, leg);
        self.legs[leg].stage = Stage::PostProcessing;
        let slot = self.legs[leg].agent;
        let day_start = self.day.start;
        let agent = &mut self.agents[slot];
        agent.stages.post_processing += 1;
        agent.window.wrap_up.enter(at);
        agent.day.wrap_up.enter(at, day_start);
        self.trail_move(at, slot, MoveKind::Released);
    }

    /// A leg ends, from whichever stage; its transaction may then have nothing left.
    pub(super) fn end_leg(&mut self, at: Millis, leg: u32) {
        let slot = self.legs[leg].agent;
        match self.legs[leg].stage {
            Stage::Offered => {
                self.leave_line(at, leg);
                self.agents[slot].stages.offered -= 1;
            }
            Stage::Processing => {
                self.leave_processing(at, leg);
                self.trail_move(at, slot, MoveKind::LeftProcessing);
                self.count_handled(at, leg);
            }
            Stage::PostProcessing => {
                let day_start = self.day.start;
                let agent = &mut self.agents[slot];
                agent.stages.post_processing -= 1;
                agent.window.wrap_up.leave(at);
                agent.day.wrap_up.leave(at, day_start);
                self.trail_move(at, slot, MoveKind::LeftPostProcessing);
                self.count_handled(at, leg);
            }
        }
        let transaction = self.legs[leg].transaction;
        self.legs.leave(&mut self.agents[slot].legs, Chain::Agent, leg);
        self.legs.leave(&mut self.transactions[transaction as usize].legs, Chain::Transaction, leg);
        self.legs.remove(leg);
    }

    fn count_handled(&mut self, at: Millis, leg: u32) {
        let leg = &self.legs[leg];
        if let Some(queue) = leg.queue {
            self.queues[queue].end_progress(leg.agent);
        }
        let handled_ms = at - leg.started;
        if let Some(start) = self.trails.leg_starts.get_mut(leg.start_number) {
            start.handled_ms = handled_ms as u32;
            self.agents[leg.agent].window.handled.add(handled_ms);
        }
    }

    pub(super) fn count_rejection(&mut self, at: Millis, slot: u32) {
        let agent = &mut self.agents[slot];
        agent.window.rejected += 1;
        if at >= self.day.start {
            agent.day.rejected += 1;
        }
        self.trail_move(at, slot, MoveKind::Rejected);
    }

    /// A phone leg whose stage begins now counts on its line before those whose stage began earlier.
    fn join_line(&mut self, at: Millis, leg: u32) {
        let (slot, line) = (self.legs[leg].agent, self.legs[leg].line);
        if self.legs[leg].media == Media::Phone {
            self.legs.join(&mut self.agents[slot].line_mut(line).legs, Chain::Line, leg);
            self.refresh_line(at, slot, line);
        }
    }

    fn leave_line(&mut self, at: Millis, leg: u32) {
        let (slot, line) = (self.legs[leg].agent, self.legs[leg].line);
        if self.legs[leg].media == Media::Phone {
            self.legs.leave(&mut self.agents[slot].line_mut(line).legs, Chain::Line, leg);
            self.refresh_line(at, slot, line);
        }
    }

    pub(super) fn refresh_line(&mut self, at: Millis, slot: u32, line: Line) {
        let agent = &mut self.agents[slot];
        let logged_out = agent.base == crate::event::Base::LoggedOut;
        let state = agent.line_mut(line);
        let shown = state.legs.last().map(|leg| &self.legs[leg]);
        state.refresh(at, line, logged_out, shown);
    }

    /// Brings agent-status up to date with base status and legs, and the queues' counts with it.
    pub(super) fn refresh_status(&mut self, at: Millis, slot: u32) {
        let agent = &mut self.agents[slot];
        let (old, new) = (agent.status_time.status(), agent.derived_status());
        if old == new {
            return;
        }
        if agent.pair_since.is_some() {
            agent.pair_since = Some(at);
        }
        let (from, to) = (Column::from(old), Column::from(new));
        if from != to {
            for tie in agent.assignments.iter().filter(|tie| tie.enabled) {
                let enabled = &mut self.queues[tie.queue].enabled;
                enabled[from as usize] -= 1;
                enabled[to as usize] += 1;
            }
        }
        if let Some(class) = agent.status_time.change(at, new, self.day.start) {
            self.trail_move(at, slot, MoveKind::Class(class));
        }
    }

    /// A visit begins: the transaction waits.
    pub(super) fn open_visit(&mut self, at: Millis, transaction: u32, slot: u32) {
        let start_number = self.trail_visit_start_counted(at, slot);
        let day_start = self.day.start;
        let queue = &mut self.queues[slot];
        if at >= day_start {
            queue.day.queued += 1;
        }
        queue.waiting.insert((at, transaction));
        let limit_ms = queue.sla.map(|sla| i64::from(sla.within_seconds) * 1_000);
        if let Some(limit_ms) = limit_ms {
            queue.service.enter(at, limit_ms, transaction, day_start);
        }
        self.transactions[transaction as usize].visit = Some(Visit {
            queue: slot,
            entered: at,
            limit_ms,
            verdict: Verdict::default(),
            offers: 0,
            start_number,
        });
    }

    fn trail_visit_start_counted(&mut self, at: Millis, slot: u32) -> u64 {
        self.queues[slot].window.queued += 1;
        self.trail_visit_start(at, slot)
    }

    /// One more agent is offered the visit.
    pub(super) fn add_offer(&mut self, transaction: u32) {
        let visit = self.transactions[transaction as usize].visit.as_mut();
        let visit = visit.expect("only an open visit is offered");
        visit.offers += 1;
        if visit.offers == 1 {
            let queue = &mut self.queues[visit.queue];
            queue.waiting.remove(&(visit.entered, transaction));
            queue.offered += 1;
        }
    }

    /// One agent less is offered the visit; without any it waits again.
    pub(super) fn take_offer(&mut self, transaction: u32) {
        let visit = self.transactions[transaction as usize].visit.as_mut();
        let visit = visit.expect("an offered leg's visit is open");
        visit.offers -= 1;
        if visit.offers == 0 {
            let queue = &mut self.queues[visit.queue];
            queue.offered -= 1;
            queue.waiting.insert((visit.entered, transaction));
        }
    }

    /// A visit has its outcome; what offers it still has end without counting.
    pub(super) fn close_visit(&mut self, at: Millis, transaction: u32, end: End) {
        self.end_offers(at, transaction);
        let visit = self.transactions[transaction as usize].visit.take();
        let visit = visit.expect("only an open visit has an outcome");
        let day_start = self.day.start;
        let wait_ms = at - visit.entered;
        let queue = &mut self.queues[visit.queue];
        queue.waiting.remove(&(visit.entered, transaction));
        if visit.entered >= day_start {
            queue.day.waited.add(wait_ms);
        }
        if let Some(start) = self.trails.visit_starts.get_mut(visit.start_number) {
            start.wait_ms = wait_ms as u32;
            queue.window.waited.add(wait_ms);
            queue.window.longest.add(visit.entered, wait_ms);
        }
        if let Some(limit_ms) = visit.limit_ms {
            queue.service.leave(visit.entered, limit_ms, transaction);
            let verdict = match end {
                End::Accepted => Verdict { counted: true, met: wait_ms <= limit_ms },
                End::Abandoned => {
                    Verdict { counted: wait_ms > limit::SHORT_ABANDON_MS, met: false }
                }
                End::Diverted => Verdict { counted: true, met: false },
            };
            self.judge(&visit, verdict);
        }
        let (window, day) = {
            let queue = &mut self.queues[visit.queue];
            match end {
                End::Accepted => (&mut queue.window.accepted, &mut queue.day.accepted),
                End::Abandoned => (&mut queue.window.abandoned, &mut queue.day.abandoned),
                End::Diverted => return,
            }
        };
        *window += 1;
        if at >= day_start {
            *day += 1;
        }
        self.trail_visit_end(at, visit.queue, end == End::Accepted);
    }

    /// All offers of the visit end without counting; it waits.
    pub(super) fn end_offers(&mut self, at: Millis, transaction: u32) {
        let chain = self.transactions[transaction as usize].legs;
        let offered = |leg: &u32| self.legs[*leg].stage == Stage::Offered;
        let offers: Vec<u32> =
            self.legs.chained(chain, Chain::Transaction).filter(offered).collect();
        for leg in offers {
            let agent = self.legs[leg].agent;
            self.end_leg(at, leg);
            self.take_offer(transaction);
            self.refresh_status(at, agent);
        }
    }

    fn judge(&mut self, visit: &Visit, verdict: Verdict) {
        if visit.verdict == verdict {
            return;
        }
        let queue = &mut self.queues[visit.queue];
        if let Some(start) = self.trails.visit_starts.get_mut(visit.start_number) {
            start.judge(verdict);
            queue.window.service.change(visit.verdict, verdict);
        }
        queue.service.change(visit.entered, self.day.start, visit.verdict, verdict);
    }

    /// Counts the open visits that wait beyond their limit at `now`.
    pub(super) fn judge_overdue(&mut self, now: Millis, slot: u32) {
        while let Some(transaction) = self.queues[slot].service.next_overdue(now) {
            let overdue = Verdict { counted: true, met: false };
            let visit = self.transactions[transaction as usize].visit.clone();
            let visit = visit.expect("a pending visit is open");
            self.judge(&visit, overdue);
            if let Some(visit) = self.transactions[transaction as usize].visit.as_mut() {
                visit.verdict = overdue;
            }
        }
    }
}
