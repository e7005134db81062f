//! What SPEC §3 promises of the figures whatever the log, and what any sane set of figures keeps to.

use stats::{
    document::{AgentRow, Frozen, QueueRow},
    engine::Engine,
    event::{Base, Kind},
    zone::Zone,
};

use crate::{
    log::{Case, Step},
    slow::Model,
    trial::{Trial, same},
};

/// Every promise, at every read of the case.
pub fn hold(case: &Case) -> Trial {
    let mut engine = Engine::new(Zone::named(case.zone).unwrap()).with_sla_target(case.target);
    let mut described = i64::MIN;
    for (number, step) in case.steps.iter().enumerate() {
        match step {
            Step::Apply(event) => {
                let before = engine.counted();
                engine.apply(event);
                claim(number, "time runs backwards", before <= engine.counted())?;
            }
            Step::Read(now) => {
                let frozen = engine.freeze(*now);
                claim(number, "an instant before an earlier one", described <= frozen.instant)?;
                described = frozen.instant;
                sorted(number, &frozen)?;
                for agent in &frozen.agents {
                    agent_row(number, agent)?;
                    times_sum_to_the_login_time(number, &mut engine, agent, *now)?;
                }
                for queue in &frozen.queues {
                    queue_row(number, queue)?;
                }
                same(number, "a second reading", &engine.freeze(*now), &frozen)?;
            }
            Step::Restore => {}
        }
    }
    accounts_add_up(case, &engine)
}

/// Where no agent processes two transactions at once nor while logged out, the two ways to measure work are one.
pub fn processing_is_status_2(case: &Case) -> Trial {
    let mut engine = Engine::new(Zone::named(case.zone).unwrap());
    let mut model = Model::default();
    for (number, step) in case.steps.iter().enumerate() {
        match step {
            Step::Apply(event) if keeps_to_one_at_a_time(&model, &event.kind) => {
                model.apply(number, event);
                engine.apply(event);
            }
            Step::Read(now) => {
                for agent in engine.freeze(*now).agents {
                    let times = engine.agent_times(&agent.agent_id, *now).unwrap();
                    same(number, "time in status 2", &times.status_ms[2], &times.processing_ms)?;
                }
            }
            Step::Apply(_) | Step::Restore => {}
        }
    }
    Ok(())
}

fn keeps_to_one_at_a_time(model: &Model, kind: &Kind<'_>) -> bool {
    let living = |id: &str| model.agents.iter().position(|agent| !agent.removed && agent.id == id);
    let at_work = |id: &str| {
        living(id).is_some_and(|number| {
            model.legs.iter().any(|leg| leg.agent == number && leg.is_processing())
        })
    };
    let logged_in =
        |id: &str| living(id).is_some_and(|number| model.agents[number].base != Base::LoggedOut);
    match kind {
        Kind::TransactionAccepted { agent, .. } | Kind::TransactionPlaced { agent, .. } => {
            logged_in(agent) && !at_work(agent)
        }
        Kind::AgentStatus { agent, status: Base::LoggedOut, .. } => !at_work(agent),
        _ => true,
    }
}

fn times_sum_to_the_login_time(
    number: usize,
    engine: &mut Engine,
    agent: &AgentRow,
    now: i64,
) -> Trial {
    let times = engine.agent_times(&agent.agent_id, now).unwrap();
    let sum_ms: i64 = times.status_ms.iter().sum();
    same(number, "sum of the times in statuses 0 to 5", &sum_ms, &times.login_ms)
}

fn agent_row(number: usize, row: &AgentRow) -> Trial {
    let window_s =
        [row.thirty_min_available_time, row.thirty_min_break_time, row.thirty_min_offline_time];
    claim(
        number,
        "more than half an hour within half an hour",
        window_s.iter().sum::<i64>() <= 1_800 && window_s.iter().all(|time| *time >= 0),
    )?;
    claim(
        number,
        "more enabled than assigned",
        row.enabled_skill_count <= row.assigned_skill_count,
    )?;
    claim(number, "agent-status is none of the seven", matches!(row.agent_status, 0..=5 | 9))?;
    let lines = [row.phone_line1_status, row.phone_line2_status];
    claim(number, "a line in use while logged out", row.agent_status != 9 || lines == [-1, -1])?;
    let silent = [lines[0] <= 0, lines[1] < 0];
    let times = [row.phone_line1_status_time, row.phone_line2_status_time];
    claim(number, "a time of an idle line", silent == times.map(|time| time == -1))
}

fn queue_row(number: usize, row: &QueueRow) -> Trial {
    let by_status = row.agent_count_busy
        + row.agent_count_logged_out
        + row.agent_count_on_break
        + row.agent_count_post_process
        + row.agent_count_wait_transact
        + row.agent_count_work_offline;
    same(number, "sum of the six agent counts", &by_status, &row.enabled_agent_count)?;
    claim(
        number,
        "more enabled than assigned",
        row.enabled_agent_count <= row.assigned_agent_count,
    )?;
    let percentages = [row.sla_activity, row.day_sla_activity, row.thirty_min_sla_activity];
    claim(
        number,
        "a percentage beyond its bounds",
        percentages.iter().all(|share| (-1..=100).contains(share)),
    )?;
    claim(
        number,
        "an average above the maximum",
        row.thirty_min_avg_wait_time <= row.thirty_min_longest_wait_time.max(0),
    )?;
    claim(
        number,
        "nobody waits and yet somebody waits longest",
        row.queue_size > 0 || row.longest_wait_time == 0,
    )
}

fn sorted(number: usize, frozen: &Frozen) -> Trial {
    let agents = frozen.agents.windows(2).all(|two| *two[0].agent_id < *two[1].agent_id);
    let queues = frozen.queues.windows(2).all(|two| two[0].queue_id < two[1].queue_id);
    claim(number, "lists out of order", agents && queues)
}

/// Every event of the log is in the account exactly once.
fn accounts_add_up(case: &Case, engine: &Engine) -> Trial {
    let events = case.steps.iter().filter(|step| matches!(step, Step::Apply(_))).count() as u64;
    let account = engine.account();
    let ignored: u64 = account.ignored().map(|(_, count)| count).sum();
    let sum = account.applied + account.duplicates + ignored;
    same(case.steps.len(), "number of events accounted for", &sum, &events)
}

fn claim(number: usize, failure: &str, holds: bool) -> Trial {
    if holds { Ok(()) } else { Err(format!("step {number}: {failure}")) }
}
