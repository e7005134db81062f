//! Claims about simulated days, most of them checked through the engine.

use std::collections::{BTreeMap, BTreeSet};

use stats::{
    document::Frozen,
    engine::{Engine, Outcome},
    event::{Event, Kind, Media, Millis},
    zone::Zone,
};

use super::{Plan, Simulation};

const HOUR_MS: Millis = 3_600_000;

/// Midnight in Berlin at the start of Tuesday, 24 November 2026.
const TUESDAY: Millis = 1_795_474_800_000;

fn berlin() -> Zone {
    Zone::named("Europe/Berlin").unwrap()
}

fn demo(seed: u64) -> Simulation {
    Simulation::new(Plan::demo(seed, TUESDAY, berlin()))
}

/// An engine fed by a simulation, which must apply every event.
struct Watched {
    simulation: Simulation,
    engine: Engine,
}

impl Watched {
    fn new(plan: Plan) -> Watched {
        Watched { engine: Engine::new(plan.zone.clone()), simulation: Simulation::new(plan) }
    }

    fn go_to(&mut self, instant: Millis) -> Frozen {
        while let Some(event) = self.simulation.next_until(instant) {
            let outcome = self.engine.apply(&event);
            assert_eq!(outcome, Outcome::Applied, "{event:?}");
        }
        self.engine.freeze(instant)
    }
}

fn first_day(seed: u64) -> Vec<Event<'static>> {
    demo(seed).take_while(|event| event.time < TUESDAY + 24 * HOUR_MS).collect()
}

#[test]
fn explore() {
    for seed in 1..=4 {
        for start in [TUESDAY, TUESDAY + 4 * 24 * HOUR_MS] {
        let mut watched = Watched::new(Plan::demo(seed, start, berlin()));
        let mut n = 0;
        println!("seed {seed}");
        for h in 0..24 {
            let (mut busy, mut avail, mut brk, mut inn, mut wait, mut waitcalls, mut min_in) = (0, 0, 0, 0, 0, 0, 99);
            for m in 0..12 {
                let f = watched.go_to(start + h * HOUR_MS + (m + 1) * 300_000);
                let logged = f.agents.iter().filter(|a| a.agent_status != 9).count();
                busy += f.agents.iter().filter(|a| matches!(a.agent_status, 1 | 2 | 3)).count();
                avail += f.agents.iter().filter(|a| a.agent_status == 0).count();
                brk += f.agents.iter().filter(|a| matches!(a.agent_status, 4 | 5)).count();
                inn += logged;
                if m > 0 { min_in = min_in.min(logged); }
                wait += f.queues.iter().map(|q| q.queue_size).sum::<i64>();
                waitcalls += f.queues[..3].iter().map(|q| q.queue_size).sum::<i64>();
            }
            let f = watched.engine.freeze(start + (h + 1) * HOUR_MS);
            let q: Vec<String> = f.queues.iter().map(|q| format!("{}/{}/{}/{}% w{}", q.day_queued, q.day_accepted, q.day_abandoned, q.day_sla_activity, q.queue_size)).collect();
            println!("{h:2} in {:4.1} min {min_in} busy {:4.1} free {:4.1} brk {:4.1} occ {:3.0}% waiting {:4.1} live {:4.1} | {}", inn as f64 / 12., busy as f64 / 12., avail as f64 / 12., brk as f64 / 12., 100. * busy as f64 / (busy + avail) as f64, wait as f64 / 12., waitcalls as f64 / 12., q.join(" "));
            n = watched.engine.account().applied;
        }
        println!("events {n}");
        }
    }
}
