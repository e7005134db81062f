//! Faults of the machine under a server at work, each with its outcome: what can't be done is refused with a reason, what is
//! shown is right, what was acknowledged stays, and it goes on by itself once the machine works again.

use std::{
    fs,
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, prlimit};

use crate::{
    client::Response,
    crash::{again, again_on, batch, batch_at, equals_replay, journalled},
    dice::Dice,
    documents::{DIRECTORY, World},
    faulty::{EIO, ENOSPC, EROFS, Faulty},
    server::{EVENTS, Folder, PATIENCE, QUEUES, Server, now_ms, rtstats},
};

const HOUR_MS: i64 = 3_600_000;

/// Queue 115, to which all send.
const QUEUE: &str = "/api/rtstats/stats/queue/115.json";

/// A world by another command than the plain binary.
fn world_by(folder: Folder, command: Command, flags: &[&str]) -> World {
    let (data, action) = folder.tenant("acme", "Europe/Berlin");
    let server = Server::start_by(command, &folder, flags).unwrap();
    server.wait_until_ready();
    let client = server.client(&folder);
    let (data, action) = (client.signed_in("acme", &data), client.signed_in("acme", &action));
    let world = World { folder, server, data, action };
    assert_eq!(world.action.post(EVENTS, DIRECTORY).status, 200);
    world
}

/// A world on a faulty machine, where there can be one.
fn faulty_world() -> Option<(World, Faulty)> {
    let folder = Folder::new();
    let faulty = Faulty::new(&folder)?;
    let flags = ["--refresh-seconds", "0.1", "--snapshot-every-events", "20"];
    let command = faulty.command();
    Some((world_by(folder, command, &flags), faulty))
}

fn size(world: &World) -> i64 {
    world.get(QUEUE).json()["queue"]["queue-size"].as_i64().unwrap()
}

/// Nothing was kept, and the sender is told when to come again.
#[track_caller]
fn assert_refused_for_now(answer: &Response) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some() && answer.text().contains("Nothing was kept"));
}

/// Commits fail from now on, while reading goes on; once they work again, all goes on by itself.
fn rides_out(world: &World, fail: impl Fn(bool)) {
    assert_eq!(world.action.post(EVENTS, batch(1, 1, 10)).status, 200);
    fail(true);
    for _ in 0..3 {
        assert_refused_for_now(&world.action.post(EVENTS, batch(1, 11, 30)));
        assert_refused_for_now(&world.action.post(EVENTS, batch(2, 1, 10)));
    }
    let shown = world.get_until(QUEUE, |answer| answer.text().contains("\"queue-size\":10"));
    assert_eq!(shown.status, 200, "what is shown is what was acknowledged");
    let ready = world.server.admin_page("/readyz");
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("the journal can't be written"), "{}", ready.text());
    fail(false);
    world.server.wait_until_ready();
    let sent = world.action.post(EVENTS, batch(1, 11, 30)).json();
    assert_eq!((&sent["accepted"], &sent["duplicates"]), (&30.into(), &0.into()));
    world.get_until(QUEUE, |answer| answer.text().contains("\"queue-size\":40"));
    assert_eq!(journalled(&world.folder).len(), 40, "nothing of what was refused is there");
    equals_replay(world);
}

/// The same after a kill without a word: what was acknowledged is on disk.
fn survives_a_kill(world: World) {
    world.server.kill();
    let World { folder, server, .. } = world;
    drop(server);
    let world = again(folder, &[]);
    assert_eq!(size(&world), 40);
    equals_replay(&world);
}

#[test]
fn a_full_disk_refuses_events_shows_figures_and_goes_on_once_there_is_room() {
    let Some((world, faulty)) = faulty_world() else { return };
    rides_out(&world, |fail| faulty.writes_fail(if fail { ENOSPC } else { 0 }));
    survives_a_kill(world);
}

#[test]
fn a_disk_that_becomes_read_only_refuses_events_and_goes_on_once_it_is_not() {
    let Some((world, faulty)) = faulty_world() else { return };
    rides_out(&world, |fail| {
        faulty.writes_fail(if fail { EROFS } else { 0 });
        faulty.opens_fail(if fail { EROFS } else { 0 });
    });
    survives_a_kill(world);
}

#[test]
fn a_failing_fsync_acknowledges_nothing_and_what_comes_after_it_is_on_disk() {
    let Some((world, faulty)) = faulty_world() else { return };
    rides_out(&world, |fail| faulty.syncs_fail(if fail { EIO } else { 0 }));
    survives_a_kill(world);
}

#[test]
fn a_file_size_limit_acts_like_a_full_disk() {
    let world = world_by(Folder::new(), rtstats(), &["--refresh-seconds", "0.1"]);
    let process = Some(world.server.process());
    let before = prlimit(process, Resource::Fsize, Rlimit { current: Some(8), maximum: None });
    rides_out_after(&world, before.unwrap());
}

/// A limit that is in force already is lifted again.
fn rides_out_after(world: &World, lifted: Rlimit) {
    assert_refused_for_now(&world.action.post(EVENTS, batch(1, 1, 10)));
    assert_eq!(size(world), 0);
    prlimit(Some(world.server.process()), Resource::Fsize, lifted).unwrap();
    world.server.wait_until_ready();
    rides_out(world, |fail| {
        let current = if fail { Some(8) } else { None };
        let limit = Rlimit { current, maximum: None };
        prlimit(Some(world.server.process()), Resource::Fsize, limit).unwrap();
    });
}

#[test]
fn a_start_on_a_read_only_disk_is_refused_and_says_what_to_do() {
    let folder = Folder::new();
    folder.tenant("acme", "UTC");
    let Some(faulty) = Faulty::new(&folder) else { return };
    let before = fs::read(folder.database()).unwrap();
    faulty.opens_fail(EROFS);
    faulty.writes_fail(EROFS);
    let told = Server::start_by(faulty.command(), &folder, &[]).err().expect("a refusal");
    assert!(told.contains("exit status: 1"), "{told}");
    assert!(told.contains("must be on a disk that can be written"), "{told}");
    assert_eq!(fs::read(folder.database()).unwrap(), before);
}

#[test]
fn a_flipped_bit_of_the_database_is_refused_or_leaves_every_figure_right() {
    let world = World::new(&["--snapshot-every-events", "100"]);
    for sender in 1..5 {
        assert_eq!(world.action.post(EVENTS, batch(sender, 1, 50)).status, 200);
    }
    let World { folder, server, .. } = world;
    assert_eq!(server.terminate(), Some(0));
    let whole = fs::read(folder.database()).unwrap();
    let mut dice = Dice::new(5);
    let (mut refused, mut right) = (0, 0);
    for _ in 0..24 {
        let mut damaged = whole.clone();
        // Much of so small a file is room that nothing was written to.
        let bit = std::iter::repeat_with(|| (dice.unit() * (whole.len() * 8) as f64) as usize)
            .find(|bit| whole[bit / 8] != 0)
            .unwrap();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(folder.database(), &damaged).unwrap();
        match Server::start_by(rtstats(), &folder, &[]) {
            Err(told) => {
                assert!(told.contains("exit status: 1") && told.contains("rtstats.db"), "{told}");
                refused += 1;
            }
            Ok(server) => {
                right += u32::from(is_right_or_refuses(&folder, &server, bit));
                drop(server);
            }
        }
        for left in ["rtstats.db-wal", "rtstats.db-shm"] {
            // A start that was refused leaves none.
            let _ = fs::remove_file(folder.path().join(left));
        }
    }
    assert!(refused > 0 && right > 0, "{refused} refused, {right} right");
}

/// Whether the tenant is served; then every figure is right.
fn is_right_or_refuses(folder: &Folder, server: &Server, bit: usize) -> bool {
    server.wait_until_ready();
    let listed = folder.command(&["tenant", "list"]);
    let log = folder.command(&["log", "acme"]);
    if !listed.status.success() {
        return false;
    }
    // The token is new: the one before is known to nobody here any more.
    let token = folder.command(&["token", "new", "acme", "data"]);
    let Ok(token) = String::from_utf8(token.stdout) else { return false };
    let answer = server.client(folder).signed_in("acme", token.trim()).get(QUEUE);
    if answer.status != 200 {
        return false;
    }
    assert_eq!(answer.json()["queue"]["queue-size"], 200, "bit {bit}");
    let lines = String::from_utf8(log.stdout).unwrap().lines().count();
    assert!(!log.status.success() || lines == 205, "bit {bit}: {lines} lines");
    true
}

#[test]
fn a_flipped_bit_of_the_write_ahead_log_is_told_and_every_figure_is_of_what_is_left() {
    let world = World::new(&[]);
    for sender in 1..9 {
        assert_eq!(world.action.post(EVENTS, batch(sender, 1, 10)).status, 200);
    }
    world.server.kill();
    let World { folder, server, .. } = world;
    drop(server);
    let path = folder.path().join("rtstats.db-wal");
    let mut log = fs::read(&path).unwrap();
    // A third of what was written: the directory and some of the batches lie before it.
    let middle = log.len() / 3;
    log[middle] ^= 1;
    fs::write(&path, &log).unwrap();
    let server = Server::start(&folder, &[]);
    assert!(server.log().contains("the write-ahead log is damaged"), "{}", server.log());
    drop(server);
    let world = again(folder, &[]);
    let left = journalled(&world.folder).len();
    assert!(left < 80 && left.is_multiple_of(10), "{left}");
    if left > 0 {
        assert_eq!(size(&world), left as i64);
    }
    equals_replay(&world);
}

#[test]
fn a_clock_that_jumps_ahead_and_back_shows_the_present_again_at_once() {
    let Some((world, faulty)) = faulty_world() else { return };
    assert_eq!(world.action.post(EVENTS, batch(1, 1, 10)).status, 200);
    faulty.clock_ahead_ms(50 * HOUR_MS);
    let ahead = |answer: &Response| {
        let at: jiff::Timestamp = answer.header("rtstats-instant").unwrap().parse().unwrap();
        at.as_millisecond() - now_ms()
    };
    world.get_until(QUEUES, |answer| ahead(answer) > 49 * HOUR_MS);
    equals_replay(&world);
    // Enough for a snapshot that has seen the day after tomorrow.
    assert_eq!(world.action.post(EVENTS, batch(1, 11, 30)).status, 200);
    world.get_until(QUEUES, |answer| ahead(answer) > 49 * HOUR_MS);
    faulty.clock_ahead_ms(0);
    let back = |answer: &Response| answer.status == 200 && ahead(answer) < 5_000;
    world.get_until(QUEUES, back);
    equals_replay(&world);
    assert!(world.server.log().contains("replaying the log to describe the present"));
    assert_eq!(world.action.post(EVENTS, batch(2, 1, 5)).status, 200);
    world.get_until(QUEUE, |answer| answer.text().contains("\"queue-size\":45"));
    // And after a start from what is on disk.
    let world = world.again(&["--refresh-seconds", "0.1"]);
    world.server.wait_until_ready();
    world.get_until(QUEUES, back);
    equals_replay(&world);
}

/// Snapshots that were kept since the server began.
fn snapshots(server: &Server) -> u64 {
    let page = server.admin_page("/metrics");
    let count = page.text().lines().find_map(|line| {
        line.strip_prefix("rtstats_snapshot_duration_seconds_count ")?.parse().ok()
    });
    count.unwrap()
}

/// Sends a batch, and waits until a snapshot of what it did is kept.
fn sent_and_kept(world: &World, batch: String) {
    let before = snapshots(&world.server);
    assert_eq!(world.action.post(EVENTS, batch).status, 200);
    let deadline = Instant::now() + PATIENCE;
    while snapshots(&world.server) == before {
        assert!(Instant::now() < deadline, "no snapshot: {}", world.server.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_clock_that_jumps_ahead_and_back_shows_the_present_though_the_log_s_beginning_was_dropped() {
    let Some((world, faulty)) = faulty_world() else { return };
    assert_eq!(world.action.post(EVENTS, batch(1, 1, 10)).status, 200);
    let World { folder, server, .. } = world;
    assert_eq!(server.terminate(), Some(0));
    let today = 30 * HOUR_MS;
    faulty.clock_ahead_ms(today);
    let flags =
        ["--refresh-seconds", "0.1", "--snapshot-every-events", "20", "--retention-days", "1"];
    let server = Server::start_by(faulty.command(), &folder, &flags).unwrap();
    let world = again_on(folder, server);
    let deadline = Instant::now() + PATIENCE;
    while !journalled(&world.folder).is_empty() {
        assert!(Instant::now() < deadline, "retention drops nothing: {}", world.server.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let ahead = |answer: &Response| {
        let at: jiff::Timestamp = answer.header("rtstats-instant").unwrap().parse().unwrap();
        at.as_millisecond() - now_ms() - today
    };
    let batch_of_20 = |from| batch_at(now_ms() + today, 1, from, 20);
    sent_and_kept(&world, batch_of_20(11));
    faulty.clock_ahead_ms(today + 50 * HOUR_MS);
    world.get_until(QUEUES, |answer| ahead(answer) > 49 * HOUR_MS);
    for from in [31, 51, 71] {
        // All snapshots of a while, and each has seen the day after tomorrow.
        sent_and_kept(&world, batch_of_20(from));
    }
    faulty.clock_ahead_ms(today);
    world.get_until(QUEUES, |answer| answer.status == 200 && ahead(answer) < 5_000);
    assert_eq!(size(&world), 90);
    assert!(!world.server.log().contains("the present can't be described"));
}

#[test]
fn events_that_counted_while_the_clock_was_ahead_hold_their_instant_and_the_log_says_so() {
    let Some((world, faulty)) = faulty_world() else { return };
    faulty.clock_ahead_ms(HOUR_MS);
    let early = batch_at(now_ms() + HOUR_MS, 1, 1, 10);
    assert_eq!(world.action.post(EVENTS, early).status, 200);
    faulty.clock_ahead_ms(0);
    assert_eq!(world.action.post(EVENTS, batch(1, 11, 5)).status, 200);
    world.get_until(QUEUE, |answer| answer.text().contains("\"queue-size\":15"));
    equals_replay(&world);
    assert!(world.server.log().contains("events count ahead of the server's clock"));
}

#[test]
fn a_clock_that_falls_behind_refuses_the_senders_time_and_keeps_nothing_of_it() {
    let Some((world, faulty)) = faulty_world() else { return };
    assert_eq!(world.action.post(EVENTS, batch(1, 1, 10)).status, 200);
    faulty.clock_ahead_ms(-2 * HOUR_MS);
    let answer = world.action.post(EVENTS, batch(1, 11, 5));
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("ahead"), "{}", answer.text());
    equals_replay(&world);
    faulty.clock_ahead_ms(0);
    assert_eq!(world.action.post(EVENTS, batch(1, 11, 5)).status, 200);
    world.get_until(QUEUE, |answer| answer.text().contains("\"queue-size\":15"));
    equals_replay(&world);
}

/// A server that may open so many files.
fn with_open_files(files: usize, flags: &[&str]) -> World {
    let mut command = Command::new("sh");
    let limited = format!("ulimit -n {files}; exec \"$@\"");
    command.args(["-c", &limited, "sh", env!("CARGO_BIN_EXE_rtstats")]);
    command.stdin(std::process::Stdio::null());
    world_by(Folder::new(), command, flags)
}

/// Sends ten events from a number on over a connection that stays; the status.
fn sender(world: &World) -> impl FnMut(u64) -> u16 {
    let mut kept = world.action.connect();
    move |from| {
        let body = batch(1, from, 10);
        world.action.send(&mut *kept, "POST", EVENTS, &[], body.as_bytes()).unwrap();
        crate::client::receive(&mut *kept, false).unwrap().status
    }
}

/// How many are open now.
fn open_files(world: &World) -> Option<usize> {
    let folder = format!("/proc/{}/fd", world.server.process().as_raw_nonzero());
    Some(fs::read_dir(folder).ok()?.count())
}

#[test]
fn strangers_leave_file_descriptors_to_the_admin_pages_and_the_journal() {
    let world = with_open_files(200, &["--refresh-seconds", "0.1"]);
    let mut send = sender(&world);
    assert_eq!(send(1), 200);
    let strangers: Vec<_> = (0..300).map(|_| world.data.tcp().unwrap()).collect();
    let deadline = Instant::now() + PATIENCE;
    while world.server.metric("rtstats_connections_refused_total") < 1.0 {
        assert!(Instant::now() < deadline, "{}", world.server.log());
    }
    for number in 1..10 {
        assert_eq!(send(1 + 10 * number), 200);
        assert_eq!(world.server.admin_page("/readyz").status, 200);
    }
    let log = world.server.log();
    assert_eq!(log.matches("the system lets this process open 200 files").count(), 1, "{log}");
    assert!(!log.contains("accept"), "{log}");
    drop(strangers);
    while !world.data.try_get(QUEUE).is_ok_and(|answer| answer.status == 200) {
        assert!(Instant::now() < deadline, "there is room again");
    }
    equals_replay(&world);
}

#[test]
fn without_file_descriptors_those_who_are_connected_are_served_and_others_come_later() {
    let world = with_open_files(400, &["--refresh-seconds", "0.1"]);
    let mut send = sender(&world);
    assert_eq!(send(1), 200);
    let Some(open) = open_files(&world) else {
        return eprintln!("skipped: no /proc here to tell how many files are open");
    };
    // Something else than connections takes them.
    let few = Some(open as u64 + 5);
    let limit = Rlimit { current: few, maximum: few };
    prlimit(Some(world.server.process()), Resource::Nofile, limit).unwrap();
    let idle: Vec<_> = (0..60).map(|_| world.data.tcp().unwrap()).collect();
    // More than there is room for, whoever is taken up first.
    let probes: Vec<_> = (0..8).map(|_| TcpStream::connect(world.server.admin).unwrap()).collect();
    let deadline = Instant::now() + PATIENCE;
    let troubles = ["connections can't be accepted", "the admin listener can't accept"];
    while !troubles.iter().all(|trouble| world.server.log().contains(trouble)) {
        assert!(Instant::now() < deadline, "{}", world.server.log());
        std::thread::sleep(Duration::from_millis(5));
    }
    // Each tries ten times a second or more.
    let (begun, mut sent) = (Instant::now(), 10);
    while begun.elapsed() < Duration::from_millis(500) {
        assert_eq!(send(sent + 1), 200);
        sent += 10;
    }
    let log = world.server.log();
    assert_eq!(log.matches(troubles[1]).count(), 1, "{log}");
    drop((idle, probes));
    assert_eq!(size(&world) as u64, sent, "others are served again");
    assert_eq!(journalled(&world.folder).len() as u64, sent);
    equals_replay(&world);
}

#[test]
fn out_of_memory_it_ends_as_by_a_kill_and_nothing_acknowledged_is_lost() {
    let mut world = World::new(&["--refresh-seconds", "0.1"]);
    assert_eq!(world.action.post(EVENTS, batch(1, 1, 100)).status, 200);
    let status = format!("/proc/{}/statm", world.server.process().as_raw_nonzero());
    let Ok(statm) = fs::read_to_string(status) else {
        return eprintln!("skipped: no /proc here to tell how much memory a process has");
    };
    let pages: u64 = statm.split(' ').next().unwrap().parse().unwrap();
    let current = Some(pages * 4_096 + (4 << 20));
    let limit = Rlimit { current, maximum: None };
    prlimit(Some(world.server.process()), Resource::As, limit).unwrap();
    let (mut acknowledged, mut events) = (100, 1_000);
    while let Ok(answer) =
        world.action.try_post(EVENTS, batch(1, acknowledged + 1, events).as_bytes())
    {
        if answer.status != 200 {
            break;
        }
        acknowledged += events;
        events = (events * 2).min(64_000);
        assert!(acknowledged < 2_000_000, "so little memory does not hold so much");
    }
    // Where a refusal was enough, the kill comes now.
    if !world.server.ends_within(Duration::from_secs(1)) {
        world.server.kill();
    }
    let World { folder, server, .. } = world;
    drop(server);
    world = again(folder, &[]);
    let there = journalled(&world.folder).len() as u64;
    assert!(there >= acknowledged && size(&world) as u64 == there, "{there} of {acknowledged}");
    equals_replay(&world);
}

#[test]
fn a_start_with_too_little_memory_ends_and_changes_nothing() {
    let folder = Folder::new();
    folder.tenant("acme", "UTC");
    let before = fs::read(folder.database()).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 30000; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_rtstats")]);
    let told = Server::start_by(command, &folder, &[]).err().expect("it ends");
    assert!(!told.contains("serving"), "{told}");
    assert_eq!(fs::read(folder.database()).unwrap(), before);
    drop(again(folder, &[]));
}
