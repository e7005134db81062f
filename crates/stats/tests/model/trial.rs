//! Runs a case through engine and model side by side, and finds the shortest log that still shows a difference.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};

use stats::{
    document::{Format, Frozen, Page},
    engine::{Engine, Outcome, SlaTarget},
    parse::parse_line,
    zone::Zone,
};

use crate::{
    figures::Days,
    log::{Case, Step},
    slow::{Fate, Model},
};

/// What a check found, in words.
pub type Trial = Result<(), String>;

/// A check, with a panic told like any other finding.
pub fn run(check: fn(&Case) -> Trial, case: &Case) -> Trial {
    catch_unwind(AssertUnwindSafe(|| check(case)))
        .unwrap_or_else(|_| Err("it panicked: run the case again to see where".to_string()))
}

/// Shorter logs that are tried before the shortest so far has to do.
const TRIES: usize = 1_000;

/// The finding of the shortest log made from a failing one by leaving out steps.
pub fn minimal(check: fn(&Case) -> Trial, mut case: Case) -> String {
    let loud = take_hook();
    set_hook(Box::new(|_| {}));
    let mut tries = 0;
    let mut chunk = case.steps.len().div_ceil(2);
    while chunk > 0 && tries < TRIES {
        let mut until = case.steps.len();
        let mut shorter_found = false;
        while until > 0 && tries < TRIES {
            let from = until.saturating_sub(chunk);
            let mut shorter = case.clone();
            shorter.steps.drain(from..until);
            tries += 1;
            if run(check, &shorter).is_err() {
                case = shorter;
                shorter_found = true;
            }
            until = from;
        }
        if !(chunk == 1 && shorter_found) {
            chunk /= 2;
        }
    }
    set_hook(loud);
    let found = run(check, &case).expect_err("a log that fails every time");
    format!("{found}\nwith the minimal log\n{case}")
}

/// Every outcome and every figure, with and without snapshots and reads on the way.
pub fn engine_equals_model(case: &Case) -> Trial {
    let new = || Engine::new(Zone::named(case.zone).unwrap()).with_sla_target(case.target);
    // One that lives through everything, one that is written and read back, one that nobody reads.
    let (mut engine, mut restored, mut unread) = (new(), new(), new());
    let (mut model, mut days) = (Model::default(), Days::new(case.zone));
    let mut last = None;
    for (number, step) in case.steps.iter().enumerate() {
        match step {
            Step::Apply(event) => {
                let outcome = engine.apply(event);
                let fate = model.apply(number, event);
                same(number, "outcome", &fate_of(outcome), &fate)?;
                same(number, "counted time", &engine.counted(), &model.counted)?;
                same(number, "outcome after a snapshot", &restored.apply(event), &outcome)?;
                same(number, "outcome without reads", &unread.apply(event), &outcome)?;
            }
            Step::Read(now) => {
                let frozen = engine.freeze(*now);
                same_rows(number, &frozen, &model.freeze(*now, &mut days, case.target))?;
                for agent in &frozen.agents {
                    let times = engine.agent_times(&agent.agent_id, *now);
                    let expected = model.agent_times(&agent.agent_id, *now, &mut days);
                    same(number, "times in milliseconds", &times, &expected)?;
                }
                same(number, "documents after a snapshot", &restored.freeze(*now), &frozen)?;
                last = Some(frozen);
            }
            Step::Restore => restored = restore(number, &restored, case.target)?,
        }
    }
    let Some(last) = last else { return Ok(()) };
    let end = case.steps.len();
    let frozen = engine.freeze(last.instant);
    same(end, "documents without reads on the way", &unread.freeze(frozen.instant), &frozen)?;
    let mut restored = restore(end, &restored, case.target)?;
    same_bytes(end, &restored.freeze(frozen.instant), &frozen)
}

/// Every event is read from its line as it was.
pub fn lines_say_what_events_say(case: &Case) -> Trial {
    let mut line = Vec::new();
    for (number, step) in case.steps.iter().enumerate() {
        let Step::Apply(event) = step else { continue };
        line.clear();
        event.write_line(&mut line);
        let read = parse_line(line.trim_ascii_end());
        same(number, "event read from its line", &read.as_ref(), &Ok(event))?;
    }
    Ok(())
}

fn restore(number: usize, engine: &Engine, target: SlaTarget) -> Result<Engine, String> {
    let bytes = engine.snapshot();
    let restored = Engine::restore(&bytes).map_err(|error| format!("step {number}: {error}"))?;
    same(number, "snapshot of a restored engine", &restored.snapshot(), &bytes)?;
    same(number, "account of a restored engine", restored.account(), engine.account())?;
    Ok(restored.with_sla_target(target))
}

fn fate_of(outcome: Outcome) -> Fate {
    match outcome {
        Outcome::Applied => Fate::Applied,
        Outcome::Duplicate => Fate::Duplicate,
        Outcome::Ignored(_) => Fate::Ignored,
    }
}

fn same_rows(number: usize, engine: &Frozen, model: &Frozen) -> Trial {
    if engine == model {
        return Ok(());
    }
    let shown = |frozen: &Frozen| {
        let agents =
            frozen.agents.iter().map(|row| (row.agent_id.to_string(), format!("{row:#?}")));
        let queues =
            frozen.queues.iter().map(|row| (row.queue_id.to_string(), format!("{row:#?}")));
        agents.chain(queues).collect::<Vec<_>>()
    };
    let mut differences = String::new();
    for ((id, engine), (_, model)) in shown(engine).iter().zip(shown(model)) {
        for (engine, model) in engine.lines().zip(model.lines()).filter(|(one, two)| one != two) {
            differences += &format!("  {id}: {} by the engine, {}\n", engine.trim(), model.trim());
        }
    }
    let instants = format!("{} by the engine, {}", engine.instant, model.instant);
    Err(format!("step {number}: documents of {instants} by the model differ\n{differences}"))
}

/// Every document in every form.
fn same_bytes(number: usize, one: &Frozen, other: &Frozen) -> Trial {
    let pages = [Page::Agents, Page::Queues].into_iter();
    let agents = other.agents.iter().map(|row| Page::Agent(&row.agent_id));
    let queues = other.queues.iter().map(|row| Page::Queue(row.queue_id as u32));
    for page in pages.chain(agents).chain(queues) {
        for format in [Format::Xml, Format::Json, Format::Csv] {
            let what = format!("{page:?} as {format:?}");
            same(number, &what, &one.render(page, format), &other.render(page, format))?;
        }
    }
    Ok(())
}

/// That two things are equal, or what they are.
pub fn same<T: PartialEq + std::fmt::Debug>(number: usize, what: &str, is: &T, be: &T) -> Trial {
    if is == be {
        return Ok(());
    }
    Err(format!("step {number}: {what} is {is:?}, expected {be:?}"))
}
