//! The driver: says what happens next, and compares what is there with what must be.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs,
    future::ready,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use stats::{
    document::{Format, Frozen, Page},
    engine::{Account, Engine},
    event::Millis,
    parse::parse_batch,
    zone::Zone,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{
    life::{Life, Shown, Told},
    traffic::Sender,
};
use crate::{
    board::Encoding,
    database,
    journal::{
        Journal, Position,
        stepped::{
            carry_over_beside,
            dice::Dice,
            disk::{Disk, End, Failing},
        },
    },
    telemetry::Metrics,
    tenants::{Tenant, Tenants, Watch},
};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// 24 September 2026, in the afternoon.
const BEGIN: Millis = 1_790_262_000_000;

thread_local! {
    static NOW: Cell<Millis> = const { Cell::new(BEGIN) };
}

fn now() -> Millis {
    NOW.get()
}

/// A tenant, and all that it has sent and been told.
struct Subject {
    tenant: Arc<Tenant>,
    sender: Sender,
    /// The lines that are durable, in the log's order.
    log: Vec<String>,
}

/// Steps that a run tells as it fails.
const LAST_STEPS: usize = 80;

/// What a run came to.
#[derive(Default)]
pub struct Ended {
    pub counts: BTreeMap<&'static str, u64>,
    pub steps: Vec<String>,
}

pub struct Run {
    seed: u64,
    dice: Dice,
    /// Gone with the run.
    _folder: TempDir,
    path: PathBuf,
    disk: Arc<Disk>,
    subjects: Vec<Subject>,
    /// Groups that failed since the last one that didn't: after a crash one of them may be there whole.
    doubtful: Vec<Vec<(usize, String)>>,
    runtime: Runtime,
    metrics: Metrics,
    ended: Ended,
}

impl Drop for Run {
    fn drop(&mut self) {
        Disk::forget(&self.path);
        if std::thread::panicking() {
            self.note("and then it failed");
            let from = self.ended.steps.len().saturating_sub(LAST_STEPS);
            eprintln!(
                "the last steps of seed {}:\n{}",
                self.seed,
                self.ended.steps[from..].join("\n")
            );
        }
    }
}

/// A database with two tenants, made once, and the tenants.
fn pattern() -> &'static (Vec<u8>, Vec<Arc<Tenant>>) {
    static PATTERN: OnceLock<(Vec<u8>, Vec<Arc<Tenant>>)> = OnceLock::new();
    PATTERN.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Tenants::open(folder.path()).unwrap();
        for (name, zone) in [("one", "Europe/Berlin"), ("two", "America/New_York")] {
            store.add(&name.parse().unwrap(), zone).unwrap();
        }
        drop(store);
        let directory = Watch::open(folder.path()).unwrap().poll().unwrap().unwrap();
        let tenants = directory.tenants().cloned().collect();
        (fs::read(folder.path().join(database::FILE)).unwrap(), tenants)
    })
}

impl Run {
    pub fn new(seed: u64) -> Run {
        let (file, tenants) = pattern();
        // In memory where there is such a place: the disk that counts is the simulated one.
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
        let path = folder.path().canonicalize().unwrap();
        fs::write(path.join(database::FILE), file).unwrap();
        let disk = Disk::under(&path, seed);
        let subject = |tenant: &Arc<Tenant>| Subject {
            tenant: tenant.clone(),
            sender: Sender::default(),
            log: Vec::new(),
        };
        NOW.set(BEGIN);
        Run {
            seed,
            dice: Dice::new(seed ^ 0x5EED),
            _folder: folder,
            path,
            disk,
            subjects: tenants.iter().map(subject).collect(),
            doubtful: Vec::new(),
            runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
            metrics: Metrics::new(),
            ended: Ended::default(),
        }
    }

    fn count(&mut self, what: &'static str, many: u64) {
        *self.ended.counts.entry(what).or_default() += many;
    }

    fn note(&mut self, step: impl Into<String>) {
        self.ended.steps.extend(self.disk.failures());
        // Each run has a folder of its own name.
        let folder = self.path.to_string_lossy();
        self.ended.steps.push(step.into().replace(&*folder, "DATA"));
    }

    /// Several lives, and at last one in which all works.
    pub fn live_through(mut self) -> Ended {
        for _ in 0..2 + self.dice.below(3) {
            self.life();
        }
        self.note("the last life");
        let mut life = self.begin(false).expect("a machine that works starts");
        self.settled(&mut life);
        life.stop().unwrap_or_else(|error| panic!("seed {}: {error}", self.seed));
        std::mem::take(&mut self.ended)
    }

    /// One life of the machine, from its start to one of its ends.
    fn life(&mut self) {
        self.count("lives", 1);
        let power_lost = self.dice.percent(50);
        if self.dice.percent(70) {
            let operations = 1 + self.dice.below(250);
            self.disk.die_in(operations);
        }
        if self.dice.percent(20) {
            self.fail();
        }
        if let Some(mut life) = self.begin(true) {
            let steps = 20 + self.dice.below(100);
            for _ in 0..steps {
                self.step(&mut life);
                if self.disk.is_dead() {
                    break;
                }
            }
            if !self.disk.is_dead() && self.dice.percent(30) {
                return self.stop(life);
            }
            self.disk.kill();
            self.hear(life.die());
        }
        self.disk.kill();
        let end = if power_lost { End::PowerLost } else { End::Killed };
        self.count(if power_lost { "power losses" } else { "kills" }, 1);
        self.note(format!("{end:?}"));
        self.disk.revive(end);
    }

    /// Opens what is there; none where the machine did not let it.
    fn begin(&mut self, may_fail: bool) -> Option<Life> {
        let tenants: Vec<_> = self.subjects.iter().map(|subject| subject.tenant.clone()).collect();
        let life = match Life::begin(&self.path, &tenants, now) {
            Ok(life) => life,
            Err(error) => {
                self.note(format!("no start: {error}"));
                assert!(may_fail, "seed {}: {error}", self.seed);
                self.disk.kill();
                return None;
            }
        };
        self.compare_logs(&life);
        Some(life)
    }

    fn stop(&mut self, mut life: Life) {
        self.disk.set_failing(Failing::default());
        self.settled(&mut life);
        let stopped = life.stop();
        self.note(format!("stopped: {stopped:?}"));
        // A sync that failed before for somebody else is told now: a stop that isn't clean.
        let clean = stopped.is_ok() && !self.disk.is_dead();
        self.count(if clean { "clean stops" } else { "kills" }, 1);
        self.disk.revive(End::Killed);
    }

    fn fail(&mut self) {
        let failing = Failing {
            full: self.dice.one(&[0, 0, 5, 100]),
            write: self.dice.one(&[0, 0, 5, 50]),
            sync: self.dice.one(&[0, 10, 50, 100]),
        };
        self.note(format!("{failing:?}"));
        self.disk.set_failing(failing);
    }

    fn step(&mut self, life: &mut Life) {
        let who = self.dice.below(self.subjects.len() as u64) as usize;
        match self.dice.below(100) {
            0..30 => {
                let lines = self.subjects[who].sender.lines(&mut self.dice, now());
                self.note(format!("{who} sends {}", lines.concat()));
                life.append(self.subjects[who].tenant.id, &lines);
            }
            30..52 => {
                let told = life.turn();
                self.hear(told);
            }
            52..68 => drop(life.deliver()),
            68..78 => self.look(life, who),
            78..83 => drop(life.recover()),
            83..88 => {
                if life.keep() {
                    self.count("snapshots", 1);
                }
                let told = life.heard();
                self.hear(told);
            }
            88..90 => {
                let retained = life.journal.retain(now() - HOUR_MS);
                self.note(format!("retained: {retained:?}"));
                let told = life.heard();
                self.hear(told);
            }
            90..95 => self.turn_clock(),
            95..97 => self.fail(),
            97..98 => self.disk.set_failing(Failing::default()),
            _ => {
                let carried = carry_over_beside(&self.path);
                self.note(format!("carried over beside: {}", carried.is_ok()));
            }
        }
        assert!(!life.is_broken(), "seed {}: a tenant is broken", self.seed);
    }

    fn turn_clock(&mut self) {
        let by_ms = match self.dice.below(10) {
            0 => -(self.dice.below(30_000) as Millis),
            1 => 50 * HOUR_MS,
            2 if now() > BEGIN + 50 * HOUR_MS => -50 * HOUR_MS,
            3 => -2 * HOUR_MS,
            _ => self.dice.below(20) as Millis * MINUTE_MS,
        };
        NOW.set(now() + by_ms);
        self.note(format!("the clock turns by {by_ms} to {}", now()));
    }

    /// Takes down what the journal said of a group.
    fn hear(&mut self, told: Vec<Told>) {
        let mut failed = Vec::new();
        for Told { tenant, lines, outcome } in told {
            let who = self.subjects.iter().position(|subject| subject.tenant.id == tenant);
            let who = who.expect("one of ours");
            let text = String::from_utf8(lines.to_vec()).expect("what was sent");
            let subject = &mut self.subjects[who];
            let noted = match outcome {
                Ok(position) => {
                    let events = text.lines().count() as u64;
                    subject.log.extend(text.split_inclusive('\n').map(str::to_owned));
                    let due = Position(subject.log.len() as u64);
                    assert_eq!(position, due, "seed {}: tenant {who}", self.seed);
                    self.doubtful.clear();
                    self.count("events", events);
                    format!("{who} is told {}", position.0)
                }
                Err(error) => {
                    failed.push((who, text));
                    format!("{who} is told {error}")
                }
            };
            self.note(noted);
        }
        if !failed.is_empty() {
            self.count("failed groups", 1);
            // The writer sorts a group by tenant.
            failed.sort_by_key(|(who, _)| *who);
            self.doubtful.push(failed);
        }
    }

    /// The journal holds what it said that it does, and nothing else but one group whose end nobody has heard of.
    fn compare_logs(&mut self, life: &Life) {
        let found: Vec<Vec<String>> =
            (0..self.subjects.len()).map(|who| self.beyond(life, who)).collect();
        let doubtful = std::mem::take(&mut self.doubtful);
        if found.iter().all(Vec::is_empty) {
            return;
        }
        let lines_of = |group: &[(usize, String)], who: usize| -> Vec<String> {
            let mine = group.iter().filter(|(whose, _)| *whose == who);
            mine.flat_map(|(_, text)| text.split_inclusive('\n').map(str::to_owned)).collect()
        };
        let is_found = |group: &Vec<(usize, String)>| {
            found.iter().enumerate().all(|(who, found)| lines_of(group, who) == *found)
        };
        assert!(
            doubtful.iter().any(is_found),
            "seed {}: the journal holds what nobody sent last: {found:?} of {doubtful:?}",
            self.seed
        );
        self.count("groups there though nobody was told", 1);
        self.note("a group is there though nobody was told");
        for (subject, found) in self.subjects.iter_mut().zip(found) {
            subject.log.extend(found);
        }
    }

    /// What a tenant's journal holds beyond what was told.
    fn beyond(&self, life: &Life, who: usize) -> Vec<String> {
        let (seed, subject) = (self.seed, &self.subjects[who]);
        let first = life.journal.first(subject.tenant.id).expect("the tenant is there");
        let mut lines = Vec::new();
        let read = life.journal.read(subject.tenant.id, first, &mut |_, run| {
            let text = std::str::from_utf8(run).expect("what was sent");
            lines.extend(text.split_inclusive('\n').map(str::to_owned));
        });
        assert!(read.is_ok(), "seed {seed}: {read:?}");
        let told = subject.log.get(first.0 as usize..).expect("retention drops what was there");
        assert!(
            lines.len() >= told.len() && lines[..told.len()] == *told,
            "seed {seed}: tenant {who} was told {} events, and the journal ends after {}",
            subject.log.len(),
            first.0 as usize + lines.len()
        );
        lines.split_off(told.len())
    }

    /// Nothing is under way any more: the logs and all documents are compared.
    fn settled(&mut self, life: &mut Life) {
        for _ in 0..3 {
            let told = life.settle();
            self.hear(told);
        }
        if self.disk.is_dead() {
            return;
        }
        for who in 0..self.subjects.len() {
            assert!(self.beyond(life, who).is_empty(), "seed {}: tenant {who}", self.seed);
            // The first look may find documents of a clock that was ahead, and have the log replayed for it.
            if life.look(self.subjects[who].tenant.id).is_err() {
                let told = life.settle();
                self.hear(told);
            }
            let id = self.subjects[who].tenant.id;
            let seen = life.look(id).unwrap_or_else(|why| panic!("seed {}: {why}", self.seed));
            assert_eq!(seen.position, self.subjects[who].log.len() as u64, "seed {}", self.seed);
            self.look(life, who);
        }
    }

    /// Asks for a tenant's documents, as a request does, and compares them with those of a replay.
    fn look(&mut self, life: &mut Life, who: usize) {
        let every = self.dice.one(&[Duration::ZERO, Duration::from_secs(3_600)]);
        let seen = life.look(self.subjects[who].tenant.id);
        let Shown { board, made_from } = &mut life.boards[who];
        let board = board.clone();
        let Ok(seen) = seen else { return };
        let (frozen, account) = self.replay(who, seen.position, seen.frozen.instant);
        assert!(seen.frozen == frozen, "seed {}: {:?} is not {frozen:?}", self.seed, seen.frozen);
        assert_eq!(seen.account, account, "seed {}: tenant {who}", self.seed);
        let fresh = ready(Ok::<_, ()>(seen.frozen));
        let refresh = self.runtime.block_on(board.refresh(every, fresh)).expect("it was frozen");
        if made_from.as_ref().is_none_or(|(old, _)| !Arc::ptr_eq(old, &refresh)) {
            let instant = jiff::Timestamp::from_millisecond(frozen.instant).expect("an instant");
            assert_eq!(refresh.instant, format!("{instant:.3}").as_str(), "seed {}", self.seed);
            *made_from = Some((refresh.clone(), frozen));
        }
        let Some((_, made_from)) = made_from.clone() else { return };
        for (page, format) in [(Page::Queues, Format::Json), (Page::Agent("ann"), Format::Xml)] {
            let shown = self.runtime.block_on(async {
                let document = refresh.document(page, format, &self.metrics).await?;
                Some(document.form(Encoding::Identity, &self.metrics).await.bytes.to_vec())
            });
            let due = made_from.render(page, format);
            assert!(shown == due, "seed {}: tenant {who} shows another {page:?}", self.seed);
        }
        self.count("documents", 2);
    }

    /// What a fresh engine makes of the beginning of a tenant's log.
    fn replay(&self, who: usize, position: u64, instant: Millis) -> (Frozen, Account) {
        let subject = &self.subjects[who];
        let zone = Zone::named(&subject.tenant.zone).expect("a zone");
        let mut engine = Engine::new(zone);
        let text = subject.log[..position as usize].concat();
        for line in parse_batch(text.as_bytes(), None).expect("it was taken") {
            engine.apply(&line.event);
        }
        let frozen = engine.freeze(instant);
        let account = engine.account().clone();
        (frozen, account)
    }
}
