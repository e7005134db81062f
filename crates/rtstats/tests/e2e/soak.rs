//! Many days of a busy centre, each in a minute or less: memory, open files and disk stay as they are, and so do figures.
//!
//! The server is the real binary, whose wall clock goes many times as fast as ours (see [`Hasty`](crate::faulty::Hasty)).
//! `cargo xtask soak --minutes 60 --seed 1` runs the long form, a day a minute. Once a day, in the small hours, all
//! connections are closed, the clock goes as ours does for a moment, and the server is looked at.

mod centre;
mod clients;
mod verdict;

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use rtstats::simulate::Plan;
use stats::zone::Zone;

use crate::{
    browser::Browser,
    client::Client,
    faulty::{Faulty, Hasty},
    server::{AGENTS, Folder, PATIENCE, Server},
};
use centre::{Centre, Mirror, ZONE};
use clients::Day;
use verdict::{Bounds, Sample};

const DAY_MS: i64 = 86_400_000;

/// When the server is looked at.
const HOUR_MS: i64 = 4 * 3_600_000;

/// How a run goes. Two days of log are kept: at each look all that came since the last one is still to be read.
struct Form {
    days: usize,
    /// How many times as fast as ours the server's clock goes.
    times: i64,
    agents: u32,
    queues: u32,
    /// How long the centre gathers events and clients rest.
    rest: Duration,
    bounds: Bounds,
    flags: &'static [&'static str],
}

impl Form {
    fn short() -> Form {
        Form {
            days: 10,
            times: 43_200,
            agents: 20,
            queues: 4,
            rest: Duration::from_millis(20),
            bounds: Bounds {
                warm_up: 3,
                kept_days: 4,
                memory: 0.15,
                disk: 0.15,
                files: files_more(),
                threads: 8.0,
            },
            flags: &[
                "--retention-days",
                "2",
                "--snapshot-every-seconds",
                "1",
                "--refresh-seconds",
                "0.2",
            ],
        }
    }

    fn long(minutes: usize) -> Form {
        Form {
            days: minutes,
            times: 1_440,
            agents: 250,
            queues: 25,
            rest: Duration::from_millis(100),
            bounds: Bounds {
                warm_up: 4,
                kept_days: 3,
                memory: 0.05,
                disk: 0.05,
                files: files_more(),
                threads: 4.0,
            },
            flags: &[
                "--retention-days",
                "2",
                "--snapshot-every-seconds",
                "5",
                "--refresh-seconds",
                "0.5",
            ],
        }
    }
}

/// A connection to the database for each processor may stay open, and each has two files: the database and its log.
fn files_more() -> f64 {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    (2 * (processors - 1)) as f64
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// Tomorrow's first instant: the certificate, made by an ordinary clock, holds then too.
fn start_ms() -> i64 {
    let now = jiff::Timestamp::now().in_tz(ZONE).unwrap();
    now.date().tomorrow().unwrap().in_tz(ZONE).unwrap().timestamp().as_millisecond()
}

struct Soak {
    form: Form,
    folder: Folder,
    server: Server,
    action: Client,
    data: Client,
}

impl Soak {
    /// A day until its small hours, with all who take part.
    fn live(&self, day: usize, until_ms: i64, centre: &mut Centre, clock: &Hasty<'_>) {
        let over = AtomicBool::new(false);
        let stranger = self.server.client(&self.folder);
        let course = Day { over: &over, rest: self.form.rest };
        thread::scope(|scope| {
            let (course, stranger) = (&course, &stranger);
            scope.spawn(|| course.poll(&self.data));
            scope.spawn(|| course.visit(&self.data, &self.action, stranger));
            scope.spawn(|| course.watch(&self.data, 40));
            scope.spawn(|| course.watch(&self.data, usize::MAX));
            scope.spawn(move || course.administer(stranger, day));
            while clock.now_ms() < until_ms {
                thread::sleep(self.form.rest.min(clock.until(until_ms)));
                centre.send_until(clock.now_ms().min(until_ms));
            }
            over.store(true, Ordering::Relaxed);
            // Those who watch hear of it at once.
            centre.change_staff(day, clock.now_ms());
        });
        centre.hang_up();
    }

    /// Waits until nobody is connected.
    fn rest(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.server.metric("rtstats_connections_open") > 0.0 {
            assert!(Instant::now() < deadline, "connections stay");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn sample(&self) -> Sample {
        let size =
            |path: &str| fs::metadata(self.folder.path().join(path)).map_or(0, |about| about.len());
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database =
            rusqlite::Connection::open_with_flags(self.folder.database(), flags).unwrap();
        let figure =
            |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() as u64;
        let (pages, free) = (figure("PRAGMA page_count"), figure("PRAGMA freelist_count"));
        let process = self.server.process().as_raw_nonzero();
        let sample = Sample {
            memory_bytes: self.server.metric("process_resident_memory_bytes"),
            files: self.server.metric("process_open_fds"),
            threads: fs::read_dir(format!("/proc/{process}/task")).unwrap().count() as f64,
            disk_bytes: (size("rtstats.db") + size("rtstats.db-wal")) as f64,
            used_bytes: ((pages - free) * figure("PRAGMA page_size")) as f64,
            rows: figure("SELECT count(*) FROM log"),
            first: figure("SELECT first FROM extent"),
            after: figure("SELECT after FROM extent"),
            sessions: self.server.metric("rtstats_sessions"),
        };
        println!("{sample:?}");
        sample
    }
}

/// A server on a machine whose clock is hasty; its certificate is of an ordinary day.
fn soaked(form: Form, faulty: &Faulty, folder: Folder) -> Soak {
    let (data, action) = folder.tenant("acme", ZONE);
    assert_eq!(Server::start(&folder, &[]).terminate(), Some(0));
    let server = Server::start_by(faulty.command(), &folder, form.flags).unwrap();
    server.wait_until_ready();
    drop(Browser::set_up(&server, &folder));
    let client = server.client(&folder);
    let (data, action) = (client.signed_in("acme", &data), client.signed_in("acme", &action));
    Soak { form, folder, server, action, data }
}

#[test]
fn days_of_a_busy_centre_leave_memory_files_and_disk_as_they_are() {
    let seed = number("RTSTATS_SEED").unwrap_or(1);
    let minutes = number("RTSTATS_SOAK_MINUTES");
    let form = minutes.map_or_else(Form::short, |minutes| Form::long(minutes as usize));
    let folder = Folder::new();
    let Some(faulty) = Faulty::new(&folder) else { return };
    let start_ms = start_ms();
    let mut clock = faulty.clock_goes(start_ms, 1);
    let soak = soaked(form, &faulty, folder);
    let Form { days, times, agents, queues, .. } = soak.form;
    println!(
        "{days} days at {times} times the clock's pace, {agents} agents, {queues} queues, seed {seed}"
    );
    let plan = Plan::new(seed, agents, queues, start_ms, Zone::named(ZONE).unwrap());
    let mut mirror = Mirror::new(plan.source.clone());
    let mut centre = Centre::new(plan, soak.action.clone());
    centre.send_until(start_ms);
    // A document of before the directory came would lack what is asked for.
    centre::later(&soak.data, AGENTS, clock.now_ms());
    let (mut samples, begun) = (Vec::new(), Instant::now());
    for day in 0..days {
        clock.goes(times);
        soak.live(day, start_ms + (day as i64 + 1) * DAY_MS + HOUR_MS, &mut centre, &clock);
        clock.goes(1);
        mirror.follow(&soak.folder, &centre, day);
        mirror.compare(&soak.folder, &soak.data, clock.now_ms(), day);
        soak.rest();
        samples.push(soak.sample());
    }
    let verdict = verdict::judge(&samples, &soak.form.bounds);
    let told = verdict.unwrap_or_else(|grown| panic!("{grown}"));
    let (events, seconds) = (centre.events(), begun.elapsed().as_secs());
    println!(
        "{told}{days} days in {seconds} s: {events} events acknowledged, {} sent again",
        centre.duplicates
    );
    assert_eq!(soak.server.terminate(), Some(0));
}
