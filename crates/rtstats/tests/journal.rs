//! The journal through its public face: order, durability, retention, refusals, and tenants changing beside it.

// Helpers of tests are tests.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use proptest::prelude::*;
use rtstats::{
    database::{FILE, OpenError},
    journal::{
        Batch, CommitReport, Depth, Journal, JournalError, Position, Settings, Snapshot,
        SqliteJournal,
    },
    tenants::{InForce, TenantId, TenantName, Tenants, TokenKind, Watch},
};
use tempfile::TempDir;

const HOUR_MS: i64 = 3_600_000;

fn name(text: &str) -> TenantName {
    text.parse().unwrap()
}

fn folder_with(tenants: &[&str]) -> (TempDir, Vec<TenantId>) {
    let folder = TempDir::new().unwrap();
    let mut store = Tenants::open(folder.path()).unwrap();
    let ids = tenants.iter().map(|tenant| store.add(&name(tenant), "UTC").unwrap().id).collect();
    (folder, ids)
}

fn open(folder: &Path) -> SqliteJournal {
    open_with(folder, Settings::default()).unwrap()
}

fn open_with(folder: &Path, settings: Settings) -> Result<SqliteJournal, OpenError> {
    SqliteJournal::open(folder, settings, Box::new(|_| {}))
}

type Answer = Receiver<Result<Position, JournalError>>;

fn send(journal: &SqliteJournal, tenant: TenantId, lines: &str) -> Result<Answer, JournalError> {
    let (told, answer) = channel();
    let events = lines.lines().filter(|line| !line.trim().is_empty()).count() as u32;
    let durable = Box::new(move |outcome| told.send(outcome).unwrap());
    let lines = Bytes::copy_from_slice(lines.as_bytes());
    journal.append(Batch { tenant, lines, events, durable })?;
    Ok(answer)
}

fn append(
    journal: &SqliteJournal,
    tenant: TenantId,
    lines: &str,
) -> Result<Position, JournalError> {
    send(journal, tenant, lines)?.recv().unwrap()
}

fn read(journal: &SqliteJournal, tenant: TenantId, after: u64) -> Result<String, JournalError> {
    let mut text = String::new();
    let mut reached = after;
    journal.read(tenant, Position(after), &mut |position, lines| {
        text.push_str(std::str::from_utf8(lines).unwrap());
        reached += lines.split_inclusive(|byte| *byte == b'\n').count() as u64;
        assert_eq!(position.0, reached, "the position after a run counts its lines");
    })?;
    Ok(text)
}

fn lines(from: u64, to: u64) -> String {
    (from..to).map(|number| format!("event {number}\n")).collect()
}

/// One that was taken an hour after the one of an event before.
fn snapshot(position: u64, state: &[u8]) -> Snapshot {
    Snapshot {
        position: Position(position),
        taken: position as i64 * HOUR_MS,
        state: state.to_vec(),
    }
}

/// The snapshots that are kept.
fn snapshots(journal: &SqliteJournal, tenant: TenantId) -> Vec<Snapshot> {
    let mut kept = Vec::new();
    let each = &mut |snapshot| {
        kept.push(snapshot);
        true
    };
    journal.snapshots(tenant, each).unwrap();
    kept
}

/// Bytes that no compression shrinks.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect()
}

fn message<T>(outcome: Result<T, OpenError>) -> String {
    outcome.err().expect("a refusal").to_string()
}

#[test]
fn concurrent_senders_find_their_batches_in_the_order_in_which_they_were_told() {
    let (folder, ids) = folder_with(&["one", "two"]);
    let journal = Arc::new(open(folder.path()));
    let told: Arc<Mutex<Vec<(TenantId, u64, String)>>> = Arc::default();
    let senders: Vec<_> = (0..6_usize)
        .map(|sender| {
            let (journal, told, tenant) = (journal.clone(), told.clone(), ids[sender % 2]);
            thread::spawn(move || {
                for number in 0..100 {
                    let line = format!("sender {sender} number {number}");
                    let told = told.clone();
                    let lines = Bytes::from(line.clone());
                    let durable = Box::new(move |outcome: Result<Position, _>| {
                        told.lock().unwrap().push((tenant, outcome.unwrap().0, line));
                    });
                    journal.append(Batch { tenant, lines, events: 1, durable }).unwrap();
                }
            })
        })
        .collect();
    for sender in senders {
        sender.join().unwrap();
    }
    journal.close().unwrap();
    let journal = open(folder.path());
    let told = told.lock().unwrap();
    for tenant in ids {
        let mine = || told.iter().filter(|(whose, ..)| *whose == tenant);
        assert!(mine().map(|(_, position, _)| *position).eq(1..=300));
        let text: String = mine().map(|(.., line)| format!("{line}\n")).collect();
        assert_eq!(read(&journal, tenant, 0).unwrap(), text);
        for sender in 0..6 {
            let own = mine().filter(|(.., line)| line.starts_with(&format!("sender {sender} ")));
            let numbers = own.map(|(.., line)| line.rsplit(' ').next().unwrap().to_owned());
            assert!(numbers.enumerate().all(|(due, number)| number == due.to_string()));
        }
    }
}

#[test]
fn reading_begins_in_the_middle_of_a_commit() {
    let (folder, ids) = folder_with(&["acme"]);
    let journal = open(folder.path());
    assert_eq!(append(&journal, ids[0], &lines(0, 5)).unwrap(), Position(5));
    assert_eq!(append(&journal, ids[0], "event 5\nevent 6").unwrap(), Position(7));
    for after in 0..=7 {
        assert_eq!(read(&journal, ids[0], after).unwrap(), lines(after, 7));
    }
    let beyond = read(&journal, ids[0], 8).unwrap_err().to_string();
    assert!(beyond.contains("ends at position 7, before 8"), "{beyond}");
}

#[test]
fn an_empty_batch_is_told_where_the_log_stands() {
    let (folder, ids) = folder_with(&["acme"]);
    let journal = open(folder.path());
    append(&journal, ids[0], &lines(0, 3)).unwrap();
    assert_eq!(append(&journal, ids[0], "\n").unwrap(), Position(3));
    assert_eq!(read(&journal, ids[0], 0).unwrap(), lines(0, 3));
}

#[test]
fn what_was_told_durable_survives_a_stop_without_closing() {
    let (folder, ids) = folder_with(&["acme"]);
    let journal = open(folder.path());
    append(&journal, ids[0], &lines(0, 2_000)).unwrap();
    let copy = TempDir::new().unwrap();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let revived = open(copy.path());
    assert_eq!(revived.end(ids[0]).unwrap(), Position(2_000));
    assert_eq!(read(&revived, ids[0], 0).unwrap(), lines(0, 2_000));
}

#[test]
fn positions_go_on_after_retention_and_reopening() {
    let (folder, ids) = folder_with(&["acme", "idle"]);
    let journal = open(folder.path());
    append(&journal, ids[0], &lines(0, 10)).unwrap();
    append(&journal, ids[0], &lines(10, 20)).unwrap();
    journal.retain(i64::MAX).unwrap();
    assert_eq!(read(&journal, ids[0], 0).unwrap(), lines(0, 20), "no snapshot stands for them");
    journal.keep_snapshot(ids[0], snapshot(12, b"twelve")).unwrap();
    journal.retain(0).unwrap();
    assert_eq!(read(&journal, ids[0], 0).unwrap(), lines(0, 20), "none is old enough");
    journal.retain(i64::MAX).unwrap();
    let dropped = read(&journal, ids[0], 9).unwrap_err().to_string();
    assert!(dropped.contains("begins at position 10"), "{dropped}");
    assert_eq!(read(&journal, ids[0], 12).unwrap(), lines(12, 20));
    journal.keep_snapshot(ids[0], snapshot(20, b"twenty")).unwrap();
    journal.keep_snapshot(ids[0], snapshot(20, b"again")).unwrap();
    journal.retain(i64::MAX).unwrap();
    drop(journal);
    let journal = open(folder.path());
    assert_eq!(journal.end(ids[0]).unwrap(), Position(20));
    assert_eq!(append(&journal, ids[0], &lines(20, 21)).unwrap(), Position(21));
    assert_eq!(read(&journal, ids[0], 20).unwrap(), lines(20, 21));
}

#[test]
fn the_newest_two_snapshots_are_kept_and_the_older_one_bounds_retention() {
    let (folder, ids) = folder_with(&["acme"]);
    let journal = open(folder.path());
    for ten in 0..3 {
        append(&journal, ids[0], &lines(ten * 10, ten * 10 + 10)).unwrap();
        let state = noise(400_000 + ten as usize);
        journal.keep_snapshot(ids[0], snapshot(ten * 10 + 10, &state)).unwrap();
    }
    let kept = [snapshot(30, &noise(400_002)), snapshot(20, &noise(400_001))];
    assert_eq!(snapshots(&journal, ids[0]), kept);
    journal.retain(i64::MAX).unwrap();
    assert!(read(&journal, ids[0], 19).is_err());
    assert_eq!(read(&journal, ids[0], 20).unwrap(), lines(20, 30));
    let beyond = journal.keep_snapshot(ids[0], snapshot(31, b"")).unwrap_err().to_string();
    assert!(beyond.contains("beyond the end"), "{beyond}");
}

#[test]
fn a_snapshot_from_before_the_clock_was_ahead_stays_with_the_log_behind_it() {
    let (folder, ids) = folder_with(&["acme"]);
    let journal = open(folder.path());
    append(&journal, ids[0], &lines(0, 10)).unwrap();
    let minute =
        |minute: i64, position| Snapshot { taken: minute * 60_000, ..snapshot(position, b"state") };
    let ahead = 3_000;
    for (at, position) in [(0, 1), (5, 2), (10, 3), (ahead, 4), (ahead + 5, 5), (ahead + 10, 6)] {
        journal.keep_snapshot(ids[0], minute(at, position)).unwrap();
    }
    let kept = [minute(ahead + 10, 6), minute(ahead + 5, 5), minute(ahead, 4), minute(10, 3)];
    assert_eq!(snapshots(&journal, ids[0]), kept);
    journal.retain(i64::MAX).unwrap();
    assert_eq!(read(&journal, ids[0], 3).unwrap(), lines(3, 10));
    journal.keep_snapshot(ids[0], minute(ahead + 60, 7)).unwrap();
    let (next, before) = (minute(ahead + 5, 5), minute(ahead, 4));
    let kept = [minute(ahead + 60, 7), minute(ahead + 10, 6), next, before];
    assert_eq!(snapshots(&journal, ids[0]), kept, "after an hour it is believed");
}

#[test]
fn a_damaged_snapshot_is_left_out_and_nothing_relies_on_it() {
    let (folder, ids) = folder_with(&["acme"]);
    let journal = open(folder.path());
    for position in [1, 2] {
        append(&journal, ids[0], "event\n").unwrap();
        journal.keep_snapshot(ids[0], snapshot(position, b"state")).unwrap();
    }
    let other = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    other.execute("UPDATE piece SET bytes = x'00' WHERE id = 2", []).unwrap();
    assert_eq!(snapshots(&journal, ids[0]), [snapshot(1, b"state")]);
    journal.retain(i64::MAX).unwrap();
    assert_eq!(read(&journal, ids[0], 1).unwrap(), "event\n");
    append(&journal, ids[0], "event\n").unwrap();
    journal.keep_snapshot(ids[0], snapshot(3, b"state")).unwrap();
    assert_eq!(snapshots(&journal, ids[0]), [snapshot(3, b"state"), snapshot(1, b"state")]);
}

#[test]
fn a_full_queue_refuses_at_once() {
    let (folder, ids) = folder_with(&["acme"]);
    let queue_max = Depth { batches: 2, bytes: 1_000 };
    let journal = open_with(folder.path(), Settings { queue_max, ..Settings::default() }).unwrap();
    let (go_on, held) = channel::<()>();
    let (entered, inside) = channel();
    let durable = Box::new(move |_| {
        entered.send(()).unwrap();
        held.recv().unwrap();
    });
    let lines = Bytes::from_static(b"first\n");
    journal.append(Batch { tenant: ids[0], lines, events: 1, durable }).unwrap();
    inside.recv().unwrap();
    let waiting: Vec<Answer> = (0..2).map(|_| send(&journal, ids[0], "x\n").unwrap()).collect();
    assert!(matches!(send(&journal, ids[0], "x\n"), Err(JournalError::Full)));
    go_on.send(()).unwrap();
    let told: Vec<u64> = waiting.iter().map(|answer| answer.recv().unwrap().unwrap().0).collect();
    assert_eq!(told, [2, 3]);
}

#[test]
fn a_full_disk_fails_its_batches_and_later_ones_pass_again() {
    let (folder, ids) = folder_with(&["acme"]);
    let file_bytes_max = Some(400_000);
    let settings = Settings { file_bytes_max, ..Settings::default() };
    let (reports, reported) = channel::<CommitReport>();
    let observer = Box::new(move |report| reports.send(report).unwrap());
    let journal = SqliteJournal::open(folder.path(), settings, observer).unwrap();
    append(&journal, ids[0], &lines(0, 5)).unwrap();
    let large: String = noise(500_000).iter().map(|byte| char::from(b'!' + byte % 90)).collect();
    let (told, answer) = channel();
    let (go_on, held) = channel::<()>();
    let durable = Box::new(move |outcome: Result<Position, JournalError>| {
        told.send(outcome).unwrap();
        held.recv().unwrap();
    });
    let lines_large = Bytes::from(format!("{large}\n"));
    journal.append(Batch { tenant: ids[0], lines: lines_large, events: 1, durable }).unwrap();
    let failed = answer.recv().unwrap().unwrap_err().to_string();
    assert_eq!(journal.trouble(), Some(failed.clone()));
    go_on.send(()).unwrap();
    assert!(failed.contains("full"), "{failed}");
    assert_eq!(append(&journal, ids[0], &lines(5, 6)).unwrap(), Position(6));
    assert_eq!(read(&journal, ids[0], 0).unwrap(), lines(0, 6));
    journal.close().unwrap();
    let failures: Vec<bool> = reported.try_iter().map(|report| report.failed).collect();
    assert_eq!(failures, [false, true, false]);
    assert_eq!(journal.trouble(), None);
}

#[test]
fn retention_makes_room_that_appends_use_again() {
    let (folder, ids) = folder_with(&["acme"]);
    let journal = open(folder.path());
    let line: String = noise(60_000).iter().map(|byte| char::from(b'!' + byte % 90)).collect();
    let mut sizes = Vec::new();
    for round in 1..=12 {
        for _ in 0..10 {
            append(&journal, ids[0], &format!("{line}\n")).unwrap();
        }
        journal.keep_snapshot(ids[0], snapshot(round * 10, b"state")).unwrap();
        journal.retain(i64::MAX).unwrap();
        let file = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
        let pages: i64 = file.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        sizes.push(pages);
    }
    assert!(sizes[11] <= sizes[3] + sizes[3] / 10, "it grows: {sizes:?}");
}

#[test]
fn one_server_holds_a_folder() {
    let (folder, _) = folder_with(&["acme"]);
    let journal = open(folder.path());
    let refusal = message(open_with(folder.path(), Settings::default()));
    assert!(refusal.contains("another rtstats server already runs"), "{refusal}");
    journal.close().unwrap();
    assert!(matches!(send(&journal, TenantId(1), "x\n"), Err(JournalError::Failed(_))));
    assert!(open_with(folder.path(), Settings::default()).is_ok());
}

#[test]
fn a_newer_database_is_refused_by_both_versions() {
    let (folder, _) = folder_with(&["acme"]);
    let other = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    other.execute_batch("PRAGMA user_version = 9").unwrap();
    drop(other);
    let refusal = message(open_with(folder.path(), Settings::default()));
    assert!(refusal.contains("version 9") && refusal.contains("up to 4"), "{refusal}");
}

#[test]
fn what_is_not_ours_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join(FILE);
    let wal = folder.path().join(format!("{FILE}-wal"));
    let foreign = folder.path().join("foreign.db");
    let other = rusqlite::Connection::open(&foreign).unwrap();
    other.execute_batch("CREATE TABLE recipe (name TEXT)").unwrap();
    drop(other);
    let database = fs::read(&foreign).unwrap();
    let text = "Dear diary, today I was no database at all.\n".repeat(100).into_bytes();
    for (bytes, expected) in [
        (database, "not a database of rtstats"),
        (text, "not a database of rtstats"),
        (Vec::new(), "it is empty"),
    ] {
        fs::write(&file, &bytes).unwrap();
        let refusal = message(open_with(folder.path(), Settings::default()));
        assert!(refusal.contains(expected), "{refusal}");
        assert!(Tenants::open(folder.path()).is_err());
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
    fs::write(&wal, b"frames").unwrap();
    let refusal = message(open_with(folder.path(), Settings::default()));
    assert!(refusal.contains("write-ahead log that still holds data"), "{refusal}");
    fs::remove_file(&file).unwrap();
    let refusal = message(open_with(folder.path(), Settings::default()));
    assert!(refusal.contains("it is gone"), "{refusal}");
    assert!(!file.exists());
}

#[cfg(unix)]
#[test]
fn folder_and_file_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let outer = TempDir::new().unwrap();
    let folder = outer.path().join("data");
    let journal = open(&folder);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in [FILE.to_owned(), format!("{FILE}-wal"), "server.lock".to_owned()] {
        assert_eq!(mode(&folder.join(&file)), 0o600, "{file}");
    }
    journal.close().unwrap();
    let left: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "only the database and the lock stay: {left:?}");
}

#[test]
fn tenants_change_beside_a_writing_journal_and_wait_for_the_server() {
    let (folder, ids) = folder_with(&["acme", "gone"]);
    let journal = Arc::new(open(folder.path()));
    append(&journal, ids[1], &lines(0, 50)).unwrap();
    let path = folder.path().to_owned();
    let command = thread::spawn(move || {
        let mut tenants = Tenants::open(&path).unwrap();
        let added = tenants.add(&name("late"), "Europe/Berlin").unwrap();
        assert_eq!(added.in_force, InForce::Now);
        let (token, in_force) = tenants.new_token(&name("late"), TokenKind::Data).unwrap();
        assert_eq!(in_force, InForce::Now);
        assert_eq!(tenants.remove(&name("gone")).unwrap(), InForce::Now);
        (added.id, token)
    });
    let mut watch = Watch::open(folder.path()).unwrap();
    let mut directory = watch.poll().unwrap().unwrap();
    watch.confirm(directory.generation()).unwrap();
    let mut sent = 0;
    while !command.is_finished() {
        append(&journal, ids[0], &lines(sent, sent + 1)).unwrap();
        sent += 1;
        if let Some(next) = watch.poll().unwrap() {
            assert!(next.generation() > directory.generation());
            directory = next;
            watch.confirm(directory.generation()).unwrap();
        }
    }
    let (late, token) = command.join().unwrap();
    let found = directory.authenticate("late", token.reveal(), TokenKind::Data).unwrap();
    assert_eq!((found.id, found.zone.as_str()), (late, "Europe/Berlin"));
    assert!(directory.get(&name("gone")).is_none());
    let refused = append(&journal, ids[1], "x\n");
    assert!(matches!(refused, Err(JournalError::Gone(id)) if id == ids[1]), "{refused:?}");
    assert_eq!(journal.trouble(), None, "a removed tenant is no trouble");
    assert!(read(&journal, ids[1], 0).is_err());
    assert_eq!(append(&journal, late, "x\n").unwrap(), Position(1));
    assert_eq!(read(&journal, ids[0], 0).unwrap(), lines(0, sent));
    drop(journal);
    assert!(open_with(folder.path(), Settings::default()).is_ok());
}

#[test]
fn numbers_and_names_of_tenants() {
    let (folder, ids) = folder_with(&["one", "two"]);
    let mut tenants = Tenants::open(folder.path()).unwrap();
    assert_eq!(tenants.remove(&name("two")).unwrap(), InForce::AtNextStart);
    let again = tenants.add(&name("two"), "UTC").unwrap();
    assert!(again.id > ids[1], "a number is never used again");
    assert!(tenants.add(&name("two"), "UTC").unwrap_err().to_string().contains("already"));
    assert!(tenants.add(&name("three"), "Mars/Olympus").is_err());
    assert!(tenants.remove(&name("four")).unwrap_err().to_string().contains("no tenant `four`"));
    let listed: Vec<_> =
        tenants.list().unwrap().iter().map(|tenant| tenant.name.to_string()).collect();
    assert_eq!(listed, ["one", "two"]);
}

#[test]
fn a_new_token_replaces_the_old_one() {
    let (folder, _) = folder_with(&["acme"]);
    let mut tenants = Tenants::open(folder.path()).unwrap();
    let mut watch = Watch::open(folder.path()).unwrap();
    assert!(watch.poll().unwrap().is_some());
    assert!(watch.poll().unwrap().is_none());
    let (old, _) = tenants.new_token(&name("acme"), TokenKind::Action).unwrap();
    let (new, _) = tenants.new_token(&name("acme"), TokenKind::Action).unwrap();
    let directory = watch.poll().unwrap().unwrap();
    assert!(directory.authenticate("acme", old.reveal(), TokenKind::Action).is_none());
    assert!(directory.authenticate("acme", new.reveal(), TokenKind::Action).is_some());
    assert!(directory.authenticate("acme", new.reveal(), TokenKind::Data).is_none());
}

#[test]
fn a_change_stops_waiting_when_the_server_ends() {
    let (folder, _) = folder_with(&["acme"]);
    let mut tenants = Tenants::open(folder.path()).unwrap();
    let lock = rtstats::database::ServerLock::acquire(folder.path()).unwrap();
    let path = folder.path().to_owned();
    let stopping = thread::spawn(move || {
        let mut watch = Watch::open(&path).unwrap();
        while watch.poll().unwrap().is_none_or(|directory| directory.tenants().len() < 2) {
            thread::sleep(Duration::from_millis(1));
        }
        drop(lock);
    });
    let added = tenants.add(&name("two"), "UTC").unwrap();
    assert_eq!(added.in_force, InForce::AtNextStart, "the server ended without a word");
    stopping.join().unwrap();
}

struct Sample {
    file: Vec<u8>,
    tenants: Vec<TenantId>,
    texts: Vec<String>,
}

/// A database of two tenants, some of whose log retention has dropped.
fn sample() -> Sample {
    let (folder, tenants) = folder_with(&["acme", "other"]);
    let journal = open(folder.path());
    for batch in 0..60 {
        append(&journal, tenants[0], &lines(batch * 10, batch * 10 + 10)).unwrap();
        append(&journal, tenants[1], &lines(batch * 100, batch * 100 + 100)).unwrap();
    }
    journal.close().unwrap();
    let texts = vec![lines(0, 600), lines(0, 6_000)];
    Sample { file: fs::read(folder.path().join(FILE)).unwrap(), tenants, texts }
}

#[test]
fn flipped_bits_give_an_error_or_the_exact_data() {
    let Sample { file, tenants, texts } = sample();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let bits = prop::collection::vec(0..file.len() * 8, 1..4);
    let exact = std::cell::Cell::new(0);
    runner
        .run(&bits, |bits| {
            let mut damaged = file.clone();
            for bit in &bits {
                damaged[bit / 8] ^= 1 << (bit % 8);
            }
            let folder = TempDir::new().unwrap();
            fs::write(folder.path().join(FILE), damaged).unwrap();
            let Ok(journal) = open_with(folder.path(), Settings::default()) else { return Ok(()) };
            for (tenant, text) in tenants.iter().zip(&texts) {
                if let Ok(found) = read(&journal, *tenant, 0) {
                    prop_assert!(found == *text, "wrong data of tenant {}", tenant.0);
                    exact.set(exact.get() + 1);
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(exact.get() > 0, "some bits must lie where nothing is read");
}
