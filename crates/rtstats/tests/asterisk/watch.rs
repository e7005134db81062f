//! Compares the two views again and again, and keeps what stays different for longer than two seconds.

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
    pbx::PATIENCE,
    server::now_ms,
    tally::Tally,
    view::{Baseline, Difference, Documents, View, differences, outcomes, over},
};

/// How long the two may differ: on a machine that works on other things too, a second was met by a hair.
const ALLOWED: Duration = Duration::from_secs(2);

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
    /// What stayed different, each once, with how long, and the channels that were up when it had been too long.
    pub stayed: BTreeMap<Difference, (Duration, String)>,
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

/// Both sides' counts of each queue, taken while nothing happens in it, so that neither is behind. `pass` lets some time
/// pass, with traffic.
pub fn baseline(
    ami: &Ami,
    data: &Client,
    tally: &Mutex<Tally>,
    mut pass: impl FnMut(),
) -> Baseline {
    let mut base = Baseline::default();
    let deadline = Instant::now() + 3 * PATIENCE;
    while base.ours.len() < WRAP_UPS.len() {
        assert!(Instant::now() < deadline, "no queue comes to rest: {base:?}");
        let before = Tally::clone(&tally.lock().unwrap());
        pass();
        let view = View::of(&ami.must(&[("Action", "QueueStatus")]));
        let ours = documents(data);
        pass();
        let after = Tally::clone(&tally.lock().unwrap());
        for (queue, _) in WRAP_UPS {
            let count = |tally: &Tally| tally.queues.get(*queue).copied().unwrap_or_default();
            if count(&before) != count(&after) || base.ours.contains_key(*queue) {
                continue;
            }
            let queue = (*queue).to_owned();
            base.ours.insert(queue.clone(), outcomes(&ours, &queue));
            base.theirs.insert(queue.clone(), view.queues[&queue].number("Abandoned"));
            base.tally.insert(queue.clone(), count(&after));
            base.over.insert(queue.clone(), over(&view, &ours, &queue, &after));
        }
    }
    base
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
        keep(&mut since, &found, &mut outcome, begun, ami);
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
    ami: &Ami,
) {
    let same = |a: &Difference, b: &Difference| a.what == b.what && a.asterisk == b.asterisk;
    since.retain(|kept, _| found.iter().any(|difference| same(difference, kept)));
    for difference in found {
        let known = since.iter().find(|(kept, _)| same(kept, difference)).map(|(_, begun)| *begun);
        let begun = known.unwrap_or(now);
        since.insert(difference.clone(), begun);
        let lasts = now - begun;
        if lasts > ALLOWED {
            let stayed = outcome.stayed.entry(difference.clone());
            stayed.or_insert_with(|| (lasts, channels(ami))).0 = lasts;
        }
    }
}

/// The channels that are up, for the person who looks for the cause.
fn channels(ami: &Ami) -> String {
    let Some(reply) = ami.act(&[("Action", "CoreShowChannels")]) else { return String::new() };
    let lines = reply.list.iter().map(|packet| {
        let values =
            ["Channel", "ChannelStateDesc", "Application", "Duration", "BridgeId", "Linkedid"];
        values.map(|key| packet.get(key)).join(" ")
    });
    lines.collect::<Vec<_>>().join("\n        ")
}
