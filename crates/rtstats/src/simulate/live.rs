//! A simulation at the clock's pace: the past first, then each event when its time has come.

use std::{thread, time::Duration};

use anyhow::bail;
use jiff::Timestamp;
use stats::event::Millis;

use super::{Plan, Simulation};
use crate::{clock, post::Poster, tenants::TenantName};

/// Events of one batch.
const BATCH_EVENTS: usize = 1_000;

/// The least and the longest time between two looks at the clock: what happens meanwhile goes in one batch.
const WAIT_MS_MIN: Millis = 100;
const WAIT_MS_MAX: Millis = 1_000;

/// Up to which instant events are due.
#[derive(Debug, Clone, Copy)]
struct Pace {
    began: Millis,
    from: Millis,
    speed: Option<f64>,
}

impl Pace {
    /// Never ahead of the clock: a server refuses what is to come.
    fn due(self, now: Millis) -> Millis {
        match self.speed {
            None => now,
            Some(speed) => {
                let gone = (now - self.began) as f64 * speed;
                self.from.saturating_add(gone as Millis).min(now)
            }
        }
    }
}

/// The past can still be told: nothing later has counted in the tenant, unless this very simulation goes on.
///
/// Time never runs backwards in a tenant, so that a past that comes after later events would count at one instant.
pub fn check_history(plan: &Plan, poster: &mut Poster, tenant: &TenantName) -> anyhow::Result<()> {
    let headers = poster.head(&format!("/api/rtstats/state?source={}", plan.source))?;
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<Millis>().ok();
    let is_known = number("Rtstats-Seq").is_some_and(|seq| seq > 0);
    let counted = number("Rtstats-Counted").filter(|counted| *counted > plan.start);
    let Some(counted) = counted.filter(|_| !is_known) else { return Ok(()) };
    let [counted, start] = [counted, plan.start].map(|instant| {
        Timestamp::from_millisecond(instant)
            .map_or_else(|_| instant.to_string(), |instant| instant.to_string())
    });
    bail!(
        "tenant {tenant} has events up to {counted}, and the simulation begins before, at {start}: time never runs \
         backwards in a tenant, so all of the simulated past would count at one instant. Nothing was sent. Give \
         --no-history to begin now, or a tenant of its own: rtstats tenant add NAME --timezone ZONE"
    );
}

/// Sends until an instant has passed.
pub fn run(
    plan: Plan,
    mut poster: Poster,
    speed: Option<f64>,
    until: Millis,
) -> anyhow::Result<()> {
    let pace = Pace { began: clock::now(), from: plan.start, speed };
    eprintln!("rtstats: simulating as source {}", plan.source);
    let mut simulation = Simulation::new(plan);
    let mut caught_up = false;
    while simulation.next_time() <= until {
        let due = pace.due(clock::now()).min(until);
        let (lines, events) = batch(&mut simulation, due);
        if events > 0 {
            poster.post(&lines)?;
        }
        if events == BATCH_EVENTS {
            continue;
        }
        if !caught_up && due < until {
            caught_up = true;
            eprintln!("rtstats: {}; going on as the clock does", poster.account());
        }
        let gap_ms = simulation.next_time().saturating_sub(due).clamp(WAIT_MS_MIN, WAIT_MS_MAX);
        if simulation.next_time() <= until {
            thread::sleep(Duration::from_millis(gap_ms as u64));
        }
    }
    eprintln!("rtstats: {}", poster.account());
    Ok(())
}

/// The lines of the next events that are due, and how many they are.
fn batch(simulation: &mut Simulation, due: Millis) -> (Vec<u8>, usize) {
    let (mut lines, mut events) = (Vec::new(), 0);
    while events < BATCH_EVENTS
        && let Some(event) = simulation.next_until(due)
    {
        event.write_line(&mut lines);
        events += 1;
    }
    (lines, events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_pace_catches_up_with_the_clock_and_never_passes_it() {
        let pace = Pace { began: 100_000, from: 0, speed: Some(11.0) };
        assert_eq!(pace.due(101_000), 11_000);
        assert_eq!(pace.due(110_000), 110_000);
        assert_eq!(pace.due(200_000), 200_000);
        assert_eq!(Pace { speed: None, ..pace }.due(101_000), 101_000);
    }
}
