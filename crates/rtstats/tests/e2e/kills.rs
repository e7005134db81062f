//! Kill −9 at random moments under load, again and again on one folder: in a commit, a snapshot, a refresh, retention, at
//! start-up. Every acknowledged event is there once, and the documents equal a replay of each event once.
//!
//! `cargo xtask crash --kills 200 --seed 1` runs the long form. Where the machine allows it, a kill hits a chosen write or
//! sync of the server (see [`Faulty`]), tearing it or not, and each life of the server begins hours after the one before
//! it, so that retention has something to drop; elsewhere kills come by time alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    client::{Client, Response},
    dice::Dice,
    documents::DIRECTORY,
    faulty::Faulty,
    server::{AGENTS, EVENTS, Folder, QUEUES, Server, now_ms, rtstats},
};

/// Those who send at a time.
const SENDERS: usize = 4;

/// Events of a batch: a multiple of two, since an even one ends what the odd one before it began.
const BATCH: u64 = 8;

/// A snapshot is due after fewer events than this.
const SNAPSHOT_EVERY: u64 = 60;

const HOUR_MS: i64 = 3_600_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    StartUp,
    Commit,
    Snapshot,
    Refresh,
    Retention,
    /// Whatever it does just then.
    AnyTime,
}

const MOMENTS: [Moment; 6] = [
    Moment::StartUp,
    Moment::Commit,
    Moment::Snapshot,
    Moment::Refresh,
    Moment::Retention,
    Moment::AnyTime,
];

/// All that lasts longer than a life of the server.
struct Trial {
    folder: Folder,
    faulty: Option<Faulty>,
    data: String,
    action: String,
    /// The server's clock is so far ahead of ours.
    ahead_ms: i64,
    /// By sender: the last number that was acknowledged.
    acknowledged: Vec<AtomicU64>,
    /// By source: the highest number in the journal.
    found: BTreeMap<String, u64>,
    /// Each event of the journal once, as replay takes it.
    once: PathBuf,
    /// How many events of the journal have been looked at.
    position: u64,
    /// Those that were there already: sent again because nobody had heard of them.
    repeated: u64,
}

fn batch(sender: usize, from: u64, events: u64, time_ms: i64) -> String {
    let line = |seq: u64| {
        let (kind, call) = (["abandoned", "queued"][(seq % 2) as usize], seq.div_ceil(2));
        let line = json!({
            "time": time_ms, "type": format!("transaction.{kind}"), "queue": 115,
            "transaction": format!("{sender}-{call}"), "source": format!("sender-{sender}"), "seq": seq,
        });
        format!("{line}\n")
    };
    (from..from + events).map(line).collect()
}

impl Trial {
    fn new() -> Trial {
        let folder = Folder::new();
        let (data, action) = folder.tenant("acme", "Europe/Berlin");
        let faulty = Faulty::new(&folder);
        let once = folder.path().join("once.ndjson");
        std::fs::write(&once, "").unwrap();
        let acknowledged = (0..SENDERS).map(|_| AtomicU64::new(0)).collect();
        let (found, position) = (BTreeMap::new(), 0);
        let (ahead_ms, repeated) = (0, 0);
        Trial {
            folder,
            faulty,
            data,
            action,
            ahead_ms,
            acknowledged,
            found,
            once,
            position,
            repeated,
        }
    }

    fn command(&self) -> Command {
        self.faulty.as_ref().map_or_else(rtstats, Faulty::command)
    }

    fn start(&self) -> Result<Server, String> {
        let every = SNAPSHOT_EVERY.to_string();
        let flags = [
            "--snapshot-every-events",
            &every,
            "--refresh-seconds",
            "0.1",
            "--retention-days",
            "1",
        ];
        Server::start_by(self.command(), &self.folder, &flags)
    }

    fn kill_in(&self, operations: u32, torn: bool) {
        if let Some(faulty) = &self.faulty {
            faulty.kill_in(operations, torn);
        }
    }

    fn client(&self, server: &Server) -> Client {
        server.client(&self.folder).signed_in("acme", &self.action)
    }

    /// Sends one batch; true once it is acknowledged. What was not is sent again with the same numbers.
    fn send(&self, client: &Client, sender: usize, events: u64) -> bool {
        let from = self.acknowledged[sender].load(Ordering::Relaxed) + 1;
        let lines = batch(sender, from, events, now_ms() + self.ahead_ms);
        let answer = client.try_post(EVENTS, lines.as_bytes());
        let acknowledged = answer.is_ok_and(|answer| answer.status == 200);
        if acknowledged {
            self.acknowledged[sender].store(from + events - 1, Ordering::Relaxed);
        }
        acknowledged
    }

    /// One life of the server that ends by a kill at this moment; whether a chosen operation did it.
    fn life(&mut self, moment: Moment, dice: &mut Dice) -> bool {
        if self.faulty.is_some() {
            self.ahead_ms += dice.between(0.5, 6.0) as i64 * HOUR_MS;
        }
        if let Some(faulty) = &self.faulty {
            faulty.clock_ahead_ms(self.ahead_ms);
        }
        let torn = dice.chance(0.5);
        let at_start = if moment == Moment::StartUp { dice.between(1.0, 30.0) as u32 } else { 0 };
        self.kill_in(at_start, torn);
        let mut server = match self.start() {
            Ok(server) => server,
            Err(ended) => {
                let killed = moment == Moment::StartUp && ended.contains("signal: 9");
                assert!(killed, "{ended}");
                return true;
            }
        };
        if moment == Moment::StartUp {
            return die(&mut server, Duration::ZERO);
        }
        server.wait_until_ready();
        self.check(&server);
        let load = dice.seconds(0.02, 0.4);
        match moment {
            Moment::Snapshot => {
                // Its commit takes some of them, and the snapshot that is due then the rest.
                self.kill_in(dice.between(2.0, 26.0) as u32, torn);
                self.send(&self.client(&server), 0, SNAPSHOT_EVERY + SNAPSHOT_EVERY % 2);
                die(&mut server, Duration::from_millis(500))
            }
            Moment::Commit => {
                let operations = dice.between(1.0, 150.0) as u32;
                self.under_load(&mut server, |trial, server| {
                    trial.kill_in(operations, torn);
                    die(server, Duration::from_secs(3))
                })
            }
            Moment::Refresh => self.under_load(&mut server, |trial, server| {
                thread::sleep(load);
                let reader = server.client(&trial.folder).signed_in("acme", &trial.data);
                let mut stream = reader.connect();
                reader.send(&mut *stream, "GET", AGENTS, &[], b"").unwrap();
                die(server, Duration::ZERO)
            }),
            Moment::Retention => {
                // It comes a second after the start, and then nobody else writes.
                let quiet = Instant::now() + Duration::from_millis(400);
                while Instant::now() < quiet {
                    self.send(&self.client(&server), 0, BATCH);
                }
                self.kill_in(dice.between(1.0, 40.0) as u32, torn);
                die(&mut server, Duration::from_millis(1_200))
            }
            Moment::AnyTime | Moment::StartUp => {
                let life = dice.seconds(0.0, 1.5);
                self.under_load(&mut server, |_, server| die(server, life))
            }
        }
    }

    /// Has all send and somebody read until the server is dead.
    fn under_load(
        &self,
        server: &mut Server,
        end: impl FnOnce(&Trial, &mut Server) -> bool,
    ) -> bool {
        let client = self.client(server);
        let reader = server.client(&self.folder).signed_in("acme", &self.data);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for sender in 0..SENDERS {
                let (client, stop) = (&client, &stop);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) && self.send(client, sender, BATCH) {}
                });
            }
            let stop = &stop;
            scope.spawn(
                move || {
                    while !stop.load(Ordering::Relaxed) && reader.try_get(QUEUES).is_ok() {}
                },
            );
            let chosen = end(self, server);
            stop.store(true, Ordering::Relaxed);
            chosen
        })
    }

    /// Compares what the journal and the documents say with what was acknowledged.
    fn check(&mut self, server: &Server) {
        self.read_journal();
        for (sender, acknowledged) in self.acknowledged.iter().enumerate() {
            let acknowledged = acknowledged.load(Ordering::Relaxed);
            let found = self.found.get(&format!("sender-{sender}")).copied().unwrap_or(0);
            assert!(
                found >= acknowledged,
                "sender {sender}: {acknowledged} acknowledged, {found} there"
            );
        }
        let reader = server.client(&self.folder).signed_in("acme", &self.data);
        for (path, show) in [(QUEUES, "queues"), (AGENTS, "agents")] {
            let answer = reader.get(&format!("{path}.json"));
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(self.replay(show, &answer), answer.text());
        }
        // What was acknowledged is known: sent again it is a duplicate, all of it.
        let Some(last) = self.acknowledged[0].load(Ordering::Relaxed).checked_sub(BATCH) else {
            return;
        };
        let again = batch(0, last + 1, BATCH, now_ms() + self.ahead_ms);
        let answer = self.client(server).post(EVENTS, again).json();
        assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(0), &json!(BATCH)));
    }

    /// Reads on in the journal: every source's numbers follow on each other, but for what was sent again.
    fn read_journal(&mut self) {
        let after = self.position.to_string();
        let log = self.folder.succeed(&["log", "acme", "--after", &after]);
        let mut once = String::new();
        for line in log.lines() {
            self.position += 1;
            let event: Value = serde_json::from_str(line).unwrap();
            if let (Some(source), Some(seq)) = (event["source"].as_str(), event["seq"].as_u64()) {
                let highest = self.found.entry(source.to_owned()).or_default();
                if seq <= *highest {
                    self.repeated += 1;
                    continue;
                }
                assert_eq!(seq, *highest + 1, "{source}: an event is missing before {line}");
                *highest = seq;
            }
            writeln!(once, "{line}").unwrap();
        }
        let mut file = std::fs::OpenOptions::new().append(true).open(&self.once).unwrap();
        std::io::Write::write_all(&mut file, once.as_bytes()).unwrap();
    }

    /// Events that are in the journal no more.
    fn dropped(&self) -> u64 {
        let all = self.folder.command(&["log", "acme", "--after", "0"]);
        let told = String::from_utf8(all.stderr).unwrap();
        let begins = told.split("begins after ").nth(1);
        begins.map_or(0, |rest| rest.split(' ').next().unwrap().parse().unwrap())
    }

    fn replay(&self, show: &str, answer: &Response) -> String {
        let at = answer.header("rtstats-instant").unwrap();
        let output = rtstats()
            .arg("replay")
            .arg(&self.once)
            .args(["--timezone", "Europe/Berlin", "--at", at, "--show", show, "--format", "json"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

/// Waits for the chosen operation, and kills the server if it doesn't come; whether it came.
fn die(server: &mut Server, patience: Duration) -> bool {
    let chosen = server.ends_within(patience);
    if !chosen {
        server.kill();
    }
    assert!(server.ends_within(crate::server::PATIENCE), "a killed process is gone");
    chosen
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn every_acknowledged_event_survives_kills_at_every_moment_and_is_counted_once() {
    let (kills, seed) = (number("RTSTATS_KILLS", 12), number("RTSTATS_SEED", 1));
    println!("{kills} kills, seed {seed}");
    let mut dice = Dice::new(seed);
    let mut trial = Trial::new();
    let server = trial.start().unwrap();
    server.wait_until_ready();
    assert_eq!(trial.client(&server).post(EVENTS, DIRECTORY).status, 200);
    drop(server);
    let (mut tally, begun) = (BTreeMap::<Moment, (u32, u32)>::new(), Instant::now());
    for kill in 0..kills {
        let moment = MOMENTS[(kill % MOMENTS.len() as u64) as usize];
        let chosen = trial.life(moment, &mut dice);
        let (all, at_operation) = tally.entry(moment).or_default();
        *all += 1;
        *at_operation += u32::from(chosen);
    }
    trial.kill_in(0, false);
    let server = trial.start().unwrap();
    server.wait_until_ready();
    trial.check(&server);
    let sent: u64 = trial.acknowledged.iter().map(|last| last.load(Ordering::Relaxed)).sum();
    println!(
        "{kills} kills in {} s: {sent} events acknowledged, none lost, each counted once; {} in the journal again",
        begun.elapsed().as_secs(),
        trial.repeated
    );
    let dropped = trial.dropped();
    println!("retention has dropped {dropped} of {} events from the journal", trial.position);
    assert!(dropped > 0 || kills < 24 || trial.faulty.is_none(), "retention had something to do");
    for (moment, (all, at_operation)) in &tally {
        println!("{moment:?}: {all} kills, {at_operation} of them within a chosen write or sync");
    }
    assert!(sent > kills * BATCH, "there was load: {sent}");
    assert_eq!(tally.keys().collect::<BTreeSet<_>>().len() as u64, kills.min(MOMENTS.len() as u64));
}
