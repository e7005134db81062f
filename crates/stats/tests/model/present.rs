//! The present state as events: a fresh engine that applies them shows the same present, and tells it in the same
//! words.

use stats::{
    document::{AgentRow, Frozen, QueueRow},
    engine::{Engine, Outcome},
    event::{Event, Millis},
    parse::parse_line,
    zone::Zone,
};

use crate::{
    log::{Case, Step},
    trial::{Trial, same},
};

/// At every read: the rows that its events lead to, and the events of the engine that they lead to.
pub fn leads_to_the_same_present(case: &Case) -> Trial {
    let zone = Zone::named(case.zone).unwrap();
    let mut engine = Engine::new(zone.clone()).with_sla_target(case.target);
    same(0, "present of an empty engine", &engine.present().events().count(), &0)?;
    for (number, step) in case.steps.iter().enumerate() {
        let now = match step {
            Step::Apply(event) => {
                engine.apply(event);
                continue;
            }
            Step::Read(now) => *now,
            Step::Restore => engine.counted().unwrap_or_default(),
        };
        let lines = told(number, &engine)?;
        let mut fresh = Engine::new(zone.clone()).with_sla_target(case.target);
        for line in lines.lines() {
            let event =
                parse_line(line.as_bytes()).map_err(|error| format!("{error:?}: {line}"))?;
            same(number, line, &fresh.apply(&event), &Outcome::Applied)?;
        }
        same(number, "present of the present", &told(number, &fresh)?, &lines)?;
        let restored = Engine::restore(&engine.snapshot()).unwrap();
        same(number, "present after a snapshot", &told(number, &restored)?, &lines)?;
        let frozen = engine.freeze(now);
        same_present(number, &fresh.freeze(frozen.instant), &frozen)
            .map_err(|found| format!("{found}\nof the present\n{lines}"))?;
    }
    Ok(())
}

/// The lines, whose times must not run backwards.
fn told(number: usize, engine: &Engine) -> Result<String, String> {
    let (mut lines, mut last) = (Vec::new(), Millis::MIN);
    for event in engine.present().events() {
        let Event { time, .. } = event;
        same(number, "time within what has counted", &(last <= time), &true)?;
        last = time;
        event.write_line(&mut lines);
    }
    let counted = engine.counted().unwrap_or(Millis::MIN);
    same(number, "last time within what has counted", &(last <= counted), &true)?;
    Ok(String::from_utf8(lines).unwrap())
}

fn same_present(number: usize, fresh: &Frozen, whole: &Frozen) -> Trial {
    same(number, "instant", &fresh.instant, &whole.instant)?;
    same(number, "agents", &fresh.agents.len(), &whole.agents.len())?;
    same(number, "queues", &fresh.queues.len(), &whole.queues.len())?;
    for (fresh, whole) in fresh.agents.iter().zip(&whole.agents) {
        same(number, "agent", &agent(fresh), &agent(whole))?;
    }
    for (fresh, whole) in fresh.queues.iter().zip(&whole.queues) {
        same(number, "queue", &queue(fresh), &queue(whole))?;
    }
    Ok(())
}

/// What an agent's row says of the present.
fn agent(row: &AgentRow) -> impl PartialEq + std::fmt::Debug + '_ {
    let code = (row.status_code_list_id, row.status_code_item_id, &row.status_code_item_short_code);
    // Since when, where no leg covers what the agent chose.
    let covered = matches!(row.agent_status, 1..=3);
    let in_status = (!covered).then_some(row.time_in_status);
    (
        (&row.agent_id, &row.agent_name, row.group_id),
        (row.agent_status, code, in_status),
        (row.assigned_skill_count, row.enabled_skill_count),
        (row.phone_line1_status, row.phone_line2_status),
    )
}

/// What a queue's row says of the present.
fn queue(row: &QueueRow) -> impl PartialEq + std::fmt::Debug + '_ {
    (
        (row.queue_id, &row.queue_name, &row.media_type, row.sla_target),
        (row.queue_size, row.number_in_offered, row.number_in_progress, row.longest_wait_time),
        (row.assigned_agent_count, row.enabled_agent_count),
        (row.agent_count_wait_transact, row.agent_count_busy, row.agent_count_post_process),
        (row.agent_count_on_break, row.agent_count_work_offline, row.agent_count_logged_out),
    )
}
