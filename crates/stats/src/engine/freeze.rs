//! Every field of every agent and queue at one instant: SPEC §3's tables, evaluated.

use std::sync::Arc;

use super::{
    Engine,
    agent::Agent,
    fold::Fold,
    queue::{Column, Queue},
    slots::Slots,
    status_time::{Class, Status},
};
use crate::{
    document::{AgentRow, Frozen, QueueRow},
    event::{Line, Millis},
    limit,
};

/// What the field sla-target shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlaTarget {
    /// The time limit in whole hours, rounded down.
    Hours,
    /// The percentage.
    Percent,
}

/// One agent's times of the day before they are rounded to seconds, for checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentTimes {
    /// Time in the agent-statuses 0 to 5.
    pub status_ms: [i64; 6],
    /// day-login-time.
    pub login_ms: i64,
    /// day-processing-time.
    pub processing_ms: i64,
}

/// The instant that is described, with the edges of its windows.
#[derive(Clone, Copy)]
struct Edges {
    now: Millis,
    w: Millis,
    day_start: Millis,
}

impl Engine {
    /// All documents' figures at `now`, raised to the last counted time and to what earlier freezes described.
    pub fn freeze(&mut self, now: Millis) -> Frozen {
        let edges = self.edges(now);
        let fold = &mut self.fold;
        let order = fold.index.agent_order.take().unwrap_or_else(|| order_of_agents(fold));
        let mut agents = Vec::with_capacity(order.len());
        for slot in &order {
            let agent = &mut fold.agents[*slot];
            let queues = agent.queues.take().unwrap_or_else(|| queues_of(agent, &fold.queues));
            agent.queues = Some(queues.clone());
            agents.push(agent_row(agent, queues, edges));
        }
        fold.index.agent_order = Some(order);
        let mut slots: Vec<(u32, u32)> =
            fold.queues.iter().map(|(slot, queue)| (queue.id, slot)).collect();
        slots.sort_unstable();
        let mut queues = Vec::with_capacity(slots.len());
        for (_, slot) in slots {
            fold.judge_overdue(edges.now, slot);
            queues.push(queue_row(&mut fold.queues[slot], edges, self.sla_target));
        }
        Frozen { instant: edges.now, agents, queues }
    }

    /// An agent's times of the day at `now`.
    pub fn agent_times(&mut self, agent: &str, now: Millis) -> Option<AgentTimes> {
        let Edges { now, day_start, .. } = self.edges(now);
        let slot = self.fold.agent_slot(agent).ok()?;
        let agent = &self.fold.agents[slot];
        let time = &agent.status_time;
        use Status::{Available, Busy, Offered, OnBreak, PostProcessing, WorkOffline};
        let statuses = [Available, Offered, Busy, PostProcessing, OnBreak, WorkOffline];
        Some(AgentTimes {
            status_ms: statuses.map(|status| time.day_ms(status, now, day_start)),
            login_ms: time.login_ms(now, day_start),
            processing_ms: agent.day.processing.total_ms(now),
        })
    }

    fn edges(&mut self, now: Millis) -> Edges {
        self.advance(now);
        let now = self.horizon.unwrap_or(now).max(now);
        Edges { now, w: now - limit::WINDOW_MS, day_start: self.fold.day.start }
    }
}

/// Places of the agents in the order of their ids.
pub(super) fn order_of_agents(fold: &Fold) -> Vec<u32> {
    let mut named: Vec<(&str, u32)> =
        fold.agents.iter().map(|(slot, agent)| (&*agent.id, slot)).collect();
    named.sort_unstable();
    named.into_iter().map(|(_, slot)| slot).collect()
}

/// The numbers of an agent's queues in their order, negative where disabled.
fn queues_of(agent: &Agent, queues: &Slots<Queue>) -> Arc<[i64]> {
    let numbers = agent.assignments.iter().map(|tie| {
        let number = i64::from(queues[tie.queue].id);
        if tie.enabled { number } else { -number }
    });
    let mut numbers: Vec<i64> = numbers.collect();
    numbers.sort_unstable_by_key(|number| number.abs());
    numbers.into()
}

fn agent_row(agent: &Agent, queues: Arc<[i64]>, edges: Edges) -> AgentRow {
    let Edges { now, w, day_start } = edges;
    let time = &agent.status_time;
    let status = time.status();
    let code = agent.shown_code();
    let day_seconds = |status| seconds(time.day_ms(status, now, day_start));
    let window_seconds = |class| seconds(time.sliding_ms(class, now, w));
    let [line1, line2] = &agent.lines;
    AgentRow {
        agent_id: agent.id.clone(),
        agent_media_id: i64::from(agent.media_id),
        agent_name: agent.name.clone(),
        agent_status: status as i64,
        assigned_skill_count: agent.assignments.len() as i64,
        day_accepted_count: agent.day.accepted,
        day_available_time: day_seconds(Status::Available),
        day_avg_processing_time: agent.day.processed.seconds(),
        day_break_time: day_seconds(Status::OnBreak),
        day_login_time: seconds(time.login_ms(now, day_start)),
        day_offline_time: day_seconds(Status::WorkOffline),
        day_processing_time: seconds(agent.day.processing.total_ms(now)),
        day_rejected_count: agent.day.rejected,
        day_wrap_up_time: seconds(agent.day.wrap_up.total_ms(now)),
        enabled_skill_count: agent.assignments.iter().filter(|tie| tie.enabled).count() as i64,
        group_id: i64::from(agent.group),
        last_login_time: agent.last_login.map_or(-1, |at| at.div_euclid(1_000)),
        phone_line1_status: line1.status(),
        phone_line1_status_time: line1.seconds(Line::One, now),
        phone_line2_status: line2.status(),
        phone_line2_status_time: line2.seconds(Line::Two, now),
        status_code_item_id: code.and_then(|code| code.item),
        status_code_item_short_code: code.map_or(&agent.no_text, |code| &code.short_code).clone(),
        status_code_list_id: code.and_then(|code| code.list),
        thirty_min_accepted_count: agent.window.accepted,
        thirty_min_available_time: window_seconds(Class::Available),
        thirty_min_avg_handling_time: agent.window.handled.seconds(),
        thirty_min_break_time: window_seconds(Class::OnBreak),
        thirty_min_offline_time: window_seconds(Class::WorkOffline),
        thirty_min_processing_time: seconds(agent.window.processing.total_ms(now, w)),
        thirty_min_rejected_count: agent.window.rejected,
        thirty_min_wrap_up_time: seconds(agent.window.wrap_up.total_ms(now, w)),
        time_in_status: agent.pair_since.map_or(-1, |since| seconds(now - since)),
        status_since: agent.pair_since,
        phone_line1_status_since: line1.shown_since(Line::One),
        phone_line2_status_since: line2.shown_since(Line::Two),
        queues,
    }
}

fn queue_row(queue: &mut Queue, edges: Edges, sla_target: SlaTarget) -> QueueRow {
    let Edges { now, day_start, .. } = edges;
    let count = |column: Column| i64::from(queue.enabled[column as usize]);
    let longest_wait_since = queue.waiting.first().map(|(entered, _)| *entered);
    let sla = queue.sla;
    let under_sla = |percent: i64| if sla.is_some() { percent } else { -1 };
    QueueRow {
        agent_count_busy: count(Column::Busy),
        agent_count_logged_out: count(Column::LoggedOut),
        agent_count_on_break: count(Column::OnBreak),
        agent_count_post_process: count(Column::PostProcess),
        agent_count_wait_transact: count(Column::WaitTransact),
        agent_count_work_offline: count(Column::WorkOffline),
        day_abandoned: queue.day.abandoned,
        day_accepted: queue.day.accepted,
        day_avg_duration: queue.day.duration.seconds(),
        day_avg_wait_time: queue.day.waited.seconds(),
        day_queued: queue.day.queued,
        day_sla_activity: under_sla(queue.service.day_percent()),
        assigned_agent_count: i64::from(queue.assigned),
        enabled_agent_count: queue.enabled.iter().map(|count| i64::from(*count)).sum(),
        longest_wait_time: longest_wait_since.map_or(0, |entered| seconds(now - entered)),
        media_type: queue.media.word(),
        number_in_offered: i64::from(queue.offered),
        number_in_progress: queue.in_progress.len() as i64,
        queue_id: i64::from(queue.id),
        queue_name: queue.name.clone(),
        queue_size: queue.waiting.len() as i64,
        sla_activity: sla.map_or(0, |sla| queue.service.period_percent(sla, now, day_start)),
        sla_target: sla.map_or(0, |sla| match sla_target {
            SlaTarget::Hours => i64::from(sla.within_seconds / 3_600),
            SlaTarget::Percent => i64::from(sla.percent),
        }),
        thirty_min_abandoned: queue.window.abandoned,
        thirty_min_accepted: queue.window.accepted,
        thirty_min_avg_duration: queue.window.duration.seconds(),
        thirty_min_avg_wait_time: queue.window.waited.seconds(),
        thirty_min_longest_wait_time: queue.window.longest.max_ms().map_or(-1, seconds),
        thirty_min_queued: queue.window.queued,
        thirty_min_sla_activity: under_sla(queue.window.service.percent()),
        longest_wait_since,
        sla_percent: sla.map(|sla| i64::from(sla.percent)),
        sla_within_seconds: sla.map(|sla| i64::from(sla.within_seconds)),
    }
}

fn seconds(ms: i64) -> i64 {
    ms / 1_000
}
