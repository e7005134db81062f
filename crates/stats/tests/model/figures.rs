//! SPEC §3, field by field, summed by brute force over the whole history.

use std::sync::Arc;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use stats::{
    document::{AgentRow, Frozen, QueueRow},
    engine::{AgentTimes, SlaTarget},
    event::{Base, Media, Millis, Sla},
};

use crate::{
    slow::{Agent, Code, Ending, Leg, Model, Queue, Visit},
    statuses::base_status,
};

const HALF_HOUR_MS: Millis = 1_800_000;
const MINUTE_MS: Millis = 60_000;

/// The instant described and where its windows begin.
#[derive(Clone, Copy)]
struct At {
    now: Millis,
    day: Millis,
}

/// The windows of SPEC §3.
#[derive(Clone, Copy)]
enum Window {
    Day,
    HalfHour,
}

impl At {
    /// Whether an instant lies in the window.
    fn holds(self, window: Window, t: Millis) -> bool {
        match window {
            Window::Day => self.day <= t && t <= self.now,
            Window::HalfHour => self.now - HALF_HOUR_MS < t && t <= self.now,
        }
    }

    /// Length of the overlap of `[from, to)` with the window; what lasts still has no `to`.
    fn overlap(self, window: Window, from: Millis, to: Option<Millis>) -> Millis {
        let start = match window {
            Window::Day => self.day,
            Window::HalfHour => self.now - HALF_HOUR_MS,
        };
        (to.unwrap_or(self.now).min(self.now) - from.max(start)).max(0)
    }
}

/// Finds the day of an instant by walking, not by calculating.
pub struct Days {
    zone: TimeZone,
    known: Option<(Date, Millis)>,
}

impl Days {
    pub fn new(zone: &str) -> Days {
        Days { zone: TimeZone::get(zone).unwrap(), known: None }
    }

    fn date(&self, t: Millis) -> Date {
        self.zone.to_datetime(Timestamp::from_millisecond(t).unwrap()).date()
    }

    /// The first instant of the local date of `now`: no clock has ever moved but at a whole minute since 1970.
    pub fn start(&mut self, now: Millis) -> Millis {
        let today = self.date(now);
        if let Some((date, start)) = self.known
            && date == today
        {
            return start;
        }
        let mut minute = now.div_euclid(MINUTE_MS) * MINUTE_MS - 50 * 60 * MINUTE_MS;
        while self.date(minute) != today {
            minute += MINUTE_MS;
        }
        self.known = Some((today, minute));
        minute
    }
}

impl Model {
    /// SPEC §3 and the engine's promise: `now`, raised to the last counted time and to what was described before.
    pub fn freeze(&mut self, now: Millis, days: &mut Days, target: SlaTarget) -> Frozen {
        let at = self.at(now, days);
        let mut agents: Vec<AgentRow> =
            self.living_agents().map(|number| self.agent_row(number, at)).collect();
        agents.sort_by(|one, two| one.agent_id.as_bytes().cmp(two.agent_id.as_bytes()));
        let mut queues: Vec<QueueRow> = (0..self.queues.len())
            .filter(|number| !self.queues[*number].removed)
            .map(|number| self.queue_row(number, at, target))
            .collect();
        queues.sort_by_key(|row| row.queue_id);
        Frozen { instant: at.now, agents, queues }
    }

    /// An agent's times of the day, unrounded.
    pub fn agent_times(&mut self, id: &str, now: Millis, days: &mut Days) -> Option<AgentTimes> {
        let at = self.at(now, days);
        let number = self.living_agents().find(|number| self.agents[*number].id == id)?;
        let agent = &self.agents[number];
        Some(AgentTimes {
            status_ms: [0, 1, 2, 3, 4, 5].map(|status| status_ms(agent, at, Window::Day, status)),
            login_ms: login_ms(agent, at),
            processing_ms: self.processing_ms(number, at, Window::Day),
        })
    }

    fn at(&mut self, now: Millis, days: &mut Days) -> At {
        let now = now.max(self.counted.unwrap_or(now)).max(self.described.unwrap_or(now));
        self.described = Some(now);
        At { now, day: days.start(now) }
    }

    fn living_agents(&self) -> impl Iterator<Item = usize> {
        (0..self.agents.len()).filter(|number| !self.agents[*number].removed)
    }

    fn legs_of(&self, agent: usize) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(move |leg| leg.agent == agent)
    }

    fn assigned(&self, agent: usize) -> impl Iterator<Item = bool> {
        self.assignments.iter().filter(move |((of, _), _)| *of == agent).map(|(_, on)| *on)
    }

    fn agent_row(&self, number: usize, at: At) -> AgentRow {
        use Window::{Day, HalfHour};
        let agent = &self.agents[number];
        let status = agent.status_log.last().unwrap().1;
        let (list, item, short) =
            if status == base_status(agent.base) { agent.code.clone() } else { Code::default() };
        let rejected = |window| agent.rejections.iter().filter(|t| at.holds(window, **t)).count();
        let accepted = |window| self.entered_processing(number, at, window).count();
        let line_since = |line: usize, silent: &[i64]| {
            let (status, since) = agent.lines[line];
            (!silent.contains(&status)).then_some(since)
        };
        let line_time = |line: usize, silent: &[i64]| {
            line_since(line, silent).map_or(-1, |since| seconds(at.now - since))
        };
        AgentRow {
            agent_id: agent.id.as_str().into(),
            agent_media_id: self.last_media(number),
            agent_name: agent.name.as_str().into(),
            agent_status: status,
            assigned_skill_count: self.assigned(number).count() as i64,
            day_accepted_count: accepted(Day) as i64,
            day_available_time: seconds(status_ms(agent, at, Day, 0)),
            day_avg_processing_time: average(
                self.entered_processing(number, at, Day).filter_map(processed_ms),
            ),
            day_break_time: seconds(status_ms(agent, at, Day, 4)),
            day_login_time: seconds(login_ms(agent, at)),
            day_offline_time: seconds(status_ms(agent, at, Day, 5)),
            day_processing_time: seconds(self.processing_ms(number, at, Day)),
            day_rejected_count: rejected(Day) as i64,
            day_wrap_up_time: seconds(self.wrap_up_ms(number, at, Day)),
            enabled_skill_count: self.assigned(number).filter(|enabled| *enabled).count() as i64,
            group_id: agent.group.map_or(0, i64::from),
            last_login_time: agent.last_login.map_or(-1, |t| t.div_euclid(1_000)),
            phone_line1_status: agent.lines[0].0,
            phone_line1_status_time: line_time(0, &[-1, 0]),
            phone_line2_status: agent.lines[1].0,
            phone_line2_status_time: line_time(1, &[-1]),
            status_code_item_id: item,
            status_code_item_short_code: Arc::from(short),
            status_code_list_id: list,
            thirty_min_accepted_count: accepted(HalfHour) as i64,
            thirty_min_available_time: seconds(status_ms(agent, at, HalfHour, 0)),
            thirty_min_avg_handling_time: average(
                self.entered_processing(number, at, HalfHour).filter_map(handled_ms),
            ),
            thirty_min_break_time: seconds(status_ms(agent, at, HalfHour, 4)),
            thirty_min_offline_time: seconds(status_ms(agent, at, HalfHour, 5)),
            thirty_min_processing_time: seconds(self.processing_ms(number, at, HalfHour)),
            thirty_min_rejected_count: rejected(HalfHour) as i64,
            thirty_min_wrap_up_time: seconds(self.wrap_up_ms(number, at, HalfHour)),
            time_in_status: agent.shown_changed.map_or(-1, |since| seconds(at.now - since)),
            status_since: agent.shown_changed,
            phone_line1_status_since: line_since(0, &[-1, 0]),
            phone_line2_status_since: line_since(1, &[-1]),
            queues: self.queues_of(number),
        }
    }

    /// Numbers of the agent's queues, negative where disabled.
    fn queues_of(&self, agent: usize) -> Arc<[i64]> {
        let ties = self.assignments.iter().filter(|((of, _), _)| *of == agent);
        let ties = ties.map(|((_, queue), enabled)| (self.queues[*queue].id, *enabled));
        let ties: std::collections::BTreeMap<u32, bool> = ties.collect();
        ties.into_iter()
            .map(|(queue, enabled)| if enabled { i64::from(queue) } else { -i64::from(queue) })
            .collect()
    }

    fn entered_processing(
        &self,
        agent: usize,
        at: At,
        window: Window,
    ) -> impl Iterator<Item = &Leg> {
        self.legs_of(agent)
            .filter(move |leg| leg.processing.is_some_and(|(from, _)| at.holds(window, from)))
    }

    /// Medium of the leg that last entered processing; the later in the log at equal times.
    fn last_media(&self, agent: usize) -> i64 {
        let taken_up = self.legs_of(agent).filter(|leg| leg.processing.is_some());
        taken_up.max_by_key(|leg| leg.stage_event).map_or(0, |leg| match leg.media {
            Media::Phone => 1,
            Media::Chat => 2,
            Media::Email => 3,
            Media::Voicemail => 4,
        })
    }

    fn processing_ms(&self, agent: usize, at: At, window: Window) -> Millis {
        let stages = self.legs_of(agent).filter_map(|leg| leg.processing);
        stages.map(|(from, to)| at.overlap(window, from, to)).sum()
    }

    fn wrap_up_ms(&self, agent: usize, at: At, window: Window) -> Millis {
        let stages = self.legs_of(agent).filter_map(|leg| Some((leg.processing?.1?, leg.ended)));
        stages.map(|(from, to)| at.overlap(window, from, to)).sum()
    }

    fn queue_row(&self, number: usize, at: At, target: SlaTarget) -> QueueRow {
        use Window::{Day, HalfHour};
        let queue = &self.queues[number];
        let visits: Vec<&Visit> =
            self.visits.iter().filter(|visit| visit.queue == number).collect();
        let legs: Vec<&Leg> = self.legs.iter().filter(|leg| leg.queue == Some(number)).collect();
        let enabled = |statuses: &[i64]| self.enabled_with(number, statuses);
        let queued = |window| visits.iter().filter(|visit| at.holds(window, visit.entered)).count();
        let ended = |window, how| count_ended(&visits, at, window, how);
        let waits = |window| waits_ms(&visits, at, window);
        let durations = |window| durations_ms(&legs, at, window);
        let open = || visits.iter().filter(|visit| visit.ended.is_none());
        let offered = open().filter(|visit| self.is_offered(visit)).count() as i64;
        let waiting = || open().filter(|visit| !self.is_offered(visit));
        QueueRow {
            agent_count_busy: enabled(&[1, 2]),
            agent_count_logged_out: enabled(&[9]),
            agent_count_on_break: enabled(&[4]),
            agent_count_post_process: enabled(&[3]),
            agent_count_wait_transact: enabled(&[0]),
            agent_count_work_offline: enabled(&[5]),
            day_abandoned: ended(Day, Ending::Abandoned),
            day_accepted: ended(Day, Ending::Accepted),
            day_avg_duration: average(durations(Day)),
            day_avg_wait_time: average(waits(Day)),
            day_queued: queued(Day) as i64,
            day_sla_activity: service_level(queue, &visits, at, at.day),
            assigned_agent_count: self.ties_of(number).count() as i64,
            enabled_agent_count: self.ties_of(number).filter(|(_, enabled)| *enabled).count()
                as i64,
            longest_wait_time: seconds(
                waiting().map(|visit| at.now - visit.entered).max().unwrap_or(0),
            ),
            media_type: match queue.media {
                Media::Phone => "phone",
                Media::Chat => "chat",
                Media::Email => "email",
                Media::Voicemail => "vmail",
            },
            number_in_offered: offered,
            number_in_progress: in_progress(&legs),
            queue_id: i64::from(queue.id),
            queue_name: queue.name.as_str().into(),
            queue_size: waiting().count() as i64,
            sla_activity: match queue.sla {
                Some(sla) => service_level(queue, &visits, at, period_start(at, sla)),
                None => 0,
            },
            sla_target: sla_target(queue, target),
            thirty_min_abandoned: ended(HalfHour, Ending::Abandoned),
            thirty_min_accepted: ended(HalfHour, Ending::Accepted),
            thirty_min_avg_duration: average(durations(HalfHour)),
            thirty_min_avg_wait_time: average(waits(HalfHour)),
            thirty_min_longest_wait_time: waits(HalfHour).max().map_or(-1, seconds),
            thirty_min_queued: queued(HalfHour) as i64,
            // The first instant of `w < t` is w + 1.
            thirty_min_sla_activity: service_level(queue, &visits, at, at.now - HALF_HOUR_MS + 1),
            longest_wait_since: waiting().map(|visit| visit.entered).min(),
            sla_percent: queue.sla.map(|sla| i64::from(sla.percent)),
            sla_within_seconds: queue.sla.map(|sla| i64::from(sla.within_seconds)),
        }
    }

    /// Agents assigned to the queue, and whether enabled.
    fn ties_of(&self, queue: usize) -> impl Iterator<Item = (usize, bool)> {
        let ties = self.assignments.iter().filter(move |((_, of), _)| *of == queue);
        ties.map(|((agent, _), enabled)| (*agent, *enabled))
    }

    fn enabled_with(&self, queue: usize, statuses: &[i64]) -> i64 {
        let status = |agent: usize| self.agents[agent].status_log.last().unwrap().1;
        let ties = self.ties_of(queue);
        ties.filter(|(agent, enabled)| *enabled && statuses.contains(&status(*agent))).count()
            as i64
    }

    /// Whether an open visit is offered: a transaction has one open visit at most, and offers end with it.
    fn is_offered(&self, visit: &Visit) -> bool {
        self.legs.iter().any(|leg| leg.offered() && leg.transaction == visit.transaction)
    }
}

fn count_ended(visits: &[&Visit], at: At, window: Window, how: Ending) -> i64 {
    let ended = |visit: &&&Visit| {
        visit.ended.is_some_and(|(t, ending)| ending == how && at.holds(window, t))
    };
    visits.iter().filter(ended).count() as i64
}

/// Waits that have ended, of the visits that entered in the window.
fn waits_ms(visits: &[&Visit], at: At, window: Window) -> impl Iterator<Item = Millis> {
    let entered = visits.iter().filter(move |visit| at.holds(window, visit.entered));
    entered.filter_map(|visit| Some(visit.ended?.0 - visit.entered))
}

/// Processing times that have ended, of the legs that entered processing in the window.
fn durations_ms(legs: &[&Leg], at: At, window: Window) -> impl Iterator<Item = Millis> {
    let begun = legs
        .iter()
        .filter(move |leg| leg.processing.is_some_and(|(from, _)| at.holds(window, from)));
    begun.filter_map(|leg| processed_ms(leg))
}

fn sla_target(queue: &Queue, target: SlaTarget) -> i64 {
    match (queue.sla, target) {
        (None, _) => 0,
        (Some(sla), SlaTarget::Hours) => i64::from(sla.within_seconds / 3_600),
        (Some(sla), SlaTarget::Percent) => i64::from(sla.percent),
    }
}

/// Distinct agents with a leg in processing or post-processing.
fn in_progress(legs: &[&Leg]) -> i64 {
    let at_work = legs.iter().filter(|leg| leg.is_processing() || leg.is_post_processing());
    let mut agents: Vec<usize> = at_work.map(|leg| leg.agent).collect();
    agents.sort_unstable();
    agents.dedup();
    agents.len() as i64
}

/// SPEC §3.2: the current evaluation period, counted from the start of the day.
fn period_start(at: At, sla: Sla) -> Millis {
    let every_ms = i64::from(sla.evaluate_every_seconds) * 1_000;
    at.day + (at.now - at.day) / every_ms * every_ms
}

/// Share of the visits since `from` that were accepted within their limit.
fn service_level(queue: &Queue, visits: &[&Visit], at: At, from: Millis) -> i64 {
    if queue.sla.is_none() {
        return -1;
    }
    let (mut whole, mut part) = (0, 0);
    for visit in visits.iter().filter(|visit| from <= visit.entered && visit.entered <= at.now) {
        let Some(sla) = visit.sla else { continue };
        let wait_ms = visit.ended.map_or(at.now, |(t, _)| t) - visit.entered;
        let within = wait_ms <= i64::from(sla.within_seconds) * 1_000;
        let left_out = match visit.ended {
            None => within,
            Some((_, Ending::Abandoned)) => wait_ms <= 5_000,
            Some(_) => false,
        };
        if !left_out {
            whole += 1;
            part += i64::from(within && matches!(visit.ended, Some((_, Ending::Accepted))));
        }
    }
    if whole == 0 { -1 } else { 100 * part / whole }
}

fn status_ms(agent: &Agent, at: At, window: Window, status: i64) -> Millis {
    let log = &agent.status_log;
    let ends = log.iter().skip(1).map(|(t, _)| Some(*t)).chain([None]);
    let intervals = log.iter().zip(ends).filter(|((_, value), _)| *value == status);
    intervals.map(|((from, _), to)| at.overlap(window, *from, to)).sum()
}

fn login_ms(agent: &Agent, at: At) -> Millis {
    let log = &agent.base_log;
    let ends = log.iter().skip(1).map(|(t, _)| Some(*t)).chain([None]);
    let intervals = log.iter().zip(ends).filter(|((_, base), _)| *base != Base::LoggedOut);
    intervals.map(|((from, _), to)| at.overlap(Window::Day, *from, to)).sum()
}

/// Processing time of a leg that has left processing.
fn processed_ms(leg: &Leg) -> Option<Millis> {
    let (from, to) = leg.processing?;
    Some(to? - from)
}

/// Processing and post-processing time of a leg that has ended.
fn handled_ms(leg: &Leg) -> Option<Millis> {
    Some(leg.ended? - leg.processing?.0)
}

fn seconds(ms: Millis) -> i64 {
    ms.div_euclid(1_000)
}

fn average(durations_ms: impl Iterator<Item = Millis>) -> i64 {
    let (count, sum_ms) = durations_ms.fold((0, 0), |(count, sum_ms), ms| (count + 1, sum_ms + ms));
    if count == 0 { 0 } else { sum_ms / (count * 1_000) }
}
