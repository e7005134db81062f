//! Compares the two views again and again, and keeps what stays different for longer than a second.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    ami::Ami,
    client::Client,
    server::now_ms,
    tally::{QueueTally, Tally},
    view::{Baseline, Difference, Documents, View, differences, outcomes},
};

/// How long the two may differ.
const ALLOWED: Duration = Duration::from_secs(1);

/// How often they are compared.
const EVERY: Duration = Duration::from_millis(250);

/// Wrap-up times in testbed/asterisk/etc/queues.conf.
pub const WRAP_UPS: &[(&str, i64)] = &[
    ("sales", 3),
    ("support", 2),
    ("vip", 0),
    ("lab", 2),
    ("tight", 0),
    ("ring", 0),
    ("strict", 0),
];

/// What a comparison of some time came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Comparisons made.
    pub compared: u64,
    /// Those that found nothing different at all.
    pub equal: u64,
    /// What stayed different, each once, with how long.
    pub stayed: BTreeMap<Difference, Duration>,
}

/// A comparison under way, on a thread of its own.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Outcome>,
}

/// Our documents now.
pub fn documents(data: &Client) -> Documents {
    let queues = data.get("/api/rtstats/stats/queues.json").json();
    let agents = data.get("/api/rtstats/stats/agents.json").json();
    Documents::of(&queues, &agents)
}

/// Both sides' counts now.
pub fn baseline(ami: &Ami, data: &Client, tally: &BTreeMap<String, QueueTally>) -> Baseline {
    let view = View::of(&ami.must(&[("Action", "QueueStatus")]));
    let ours = documents(data);
    let theirs =
        view.queues.iter().map(|(queue, params)| (queue.clone(), params.number("Abandoned")));
    Baseline {
        ours: view.queues.keys().map(|queue| (queue.clone(), outcomes(&ours, queue))).collect(),
        theirs: theirs.collect(),
        tally: tally.clone(),
    }
}

impl Watch {
    /// Begins to compare: `tally` is kept by the driver.
    pub fn begin(ami: Ami, data: Client, base: Baseline, tally: Arc<Mutex<Tally>>) -> Watch {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || compare(&ami, &data, &base, &tally, &stopped));
        Watch { stop, thread }
    }

    pub fn end(self) -> Outcome {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

fn compare(
    ami: &Ami,
    data: &Client,
    base: &Baseline,
    tally: &Mutex<Tally>,
    stop: &AtomicBool,
) -> Outcome {
    let wrap_ups: BTreeMap<&str, i64> = WRAP_UPS.iter().copied().collect();
    let mut outcome = Outcome::default();
    let mut since: BTreeMap<Difference, Instant> = BTreeMap::new();
    while !stop.load(Ordering::SeqCst) {
        let begun = Instant::now();
        let Some(reply) = ami.act(&[("Action", "QueueStatus")]) else { break };
        let view = View::of(&reply);
        let ours = documents(data);
        let counted = Tally::clone(&tally.lock().unwrap());
        let now = now_ms() / 1_000;
        let found = differences(&view, &ours, base, &counted, &wrap_ups, now);
        outcome.compared += 1;
        outcome.equal += u64::from(found.is_empty());
        keep(&mut since, &found, &mut outcome, begun);
        thread::sleep(EVERY.saturating_sub(begun.elapsed()));
    }
    outcome
}

/// A difference counts while Asterisk's side of it stays the same.
fn keep(
    since: &mut BTreeMap<Difference, Instant>,
    found: &BTreeSet<Difference>,
    outcome: &mut Outcome,
    now: Instant,
) {
    let same = |a: &Difference, b: &Difference| a.what == b.what && a.asterisk == b.asterisk;
    since.retain(|kept, _| found.iter().any(|difference| same(difference, kept)));
    for difference in found {
        let known = since.iter().find(|(kept, _)| same(kept, difference)).map(|(_, begun)| *begun);
        let begun = known.unwrap_or(now);
        since.insert(difference.clone(), begun);
        let lasts = now - begun;
        if lasts > ALLOWED {
            outcome.stayed.insert(difference.clone(), lasts);
        }
    }
}
