//! The journal's files: what a killed server leaves, and what happens when one of them goes missing.

// Helpers of tests are tests.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::channel,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rtstats::{
    database::{FILE, OpenError},
    journal::{Batch, Journal, JournalError, Position, Settings, SqliteJournal},
    tenants::{TenantId, Tenants},
};
use tempfile::TempDir;

fn open(folder: &Path) -> Result<SqliteJournal, OpenError> {
    SqliteJournal::open(folder, Settings::default(), Box::new(|_| {}))
}

fn folder() -> (TempDir, TenantId) {
    let folder = TempDir::new().unwrap();
    let mut tenants = Tenants::open(folder.path()).unwrap();
    let tenant = tenants.add(&"acme".parse().unwrap(), "UTC").unwrap().id;
    (folder, tenant)
}

fn append(
    journal: &SqliteJournal,
    tenant: TenantId,
    line: impl Into<Bytes>,
) -> Result<Position, JournalError> {
    let (told, answer) = channel();
    let durable = Box::new(move |outcome| told.send(outcome).unwrap());
    journal.append(Batch { tenant, lines: line.into(), events: 1, durable })?;
    answer.recv().unwrap()
}

/// A line that no compression shrinks.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        b'!' + (state >> 56) as u8 % 90
    };
    (0..length).map(|_| next()).collect()
}

fn wal(folder: &Path) -> PathBuf {
    folder.join(format!("{FILE}-wal"))
}

/// Leaves the files as they lie on disk just now, under the same names: as `kill -9` would.
fn kill(folder: &Path, journal: &SqliteJournal) {
    let (database, log) = (folder.join(FILE), wal(folder));
    let (database_bytes, log_bytes) = (fs::read(&database).unwrap(), fs::read(&log).unwrap());
    journal.close().unwrap();
    // Not as a new file: the mark of an awaited log counts for this one alone.
    fs::write(database, database_bytes).unwrap();
    fs::write(log, log_bytes).unwrap();
}

#[track_caller]
fn assert_starts_with(folder: &Path, tenant: TenantId, events: u64) -> SqliteJournal {
    let journal = open(folder).unwrap();
    assert_eq!(journal.end(tenant).unwrap(), Position(events));
    journal
}

#[track_caller]
fn assert_refused(folder: &Path) {
    let refusal = open(folder).err().expect("a refusal");
    assert!(matches!(refusal, OpenError::Damaged { .. }), "{refusal}");
    assert!(refusal.to_string().contains("write-ahead log"), "{refusal}");
    assert!(Tenants::open(folder).is_err());
}

#[test]
fn a_write_ahead_log_that_went_missing_is_refused() {
    let (folder, tenant) = folder();
    let folder = folder.path();
    let journal = open(folder).unwrap();
    append(&journal, tenant, "event\n").unwrap();
    kill(folder, &journal);
    let log = fs::read(wal(folder)).unwrap();
    for left in [None, Some(&[][..]), Some(&log[..32])] {
        // What a refusal before left of it, if anything.
        let _ = fs::remove_file(wal(folder));
        if let Some(left) = left {
            fs::write(wal(folder), left).unwrap();
        }
        assert_refused(folder);
        assert_refused(folder);
    }
    fs::write(wal(folder), log).unwrap();
    assert_starts_with(folder, tenant, 1);
}

#[test]
fn a_log_that_somebody_carried_over_is_not_missed() {
    let (folder, tenant) = folder();
    let folder = folder.path();
    for events in 0..4 {
        let journal = assert_starts_with(folder, tenant, events);
        kill(folder, &journal);
        match events % 2 {
            0 => drop(Tenants::open(folder).unwrap().list().unwrap()),
            _ => {
                let other = rusqlite::Connection::open(folder.join(FILE)).unwrap();
                other.query_row("SELECT count(*) FROM log", [], |_| Ok(())).unwrap();
            }
        }
        assert!(!wal(folder).exists(), "the last one to close carries over");
        let journal = assert_starts_with(folder, tenant, events);
        append(&journal, tenant, "event\n").unwrap();
        kill(folder, &journal);
        assert_starts_with(folder, tenant, events + 1);
    }
}

#[test]
fn a_log_that_began_anew_is_missed_too() {
    let (folder, tenant) = folder();
    let folder = folder.path();
    let journal = open(folder).unwrap();
    let turns = || fs::read(wal(folder)).unwrap()[12..16].to_vec();
    let first = turns();
    let line = noise(500_000);
    let mut events = 0;
    let until = Instant::now() + Duration::from_secs(60);
    while turns() == first {
        append(&journal, tenant, line.clone()).unwrap();
        events += 1;
        assert!(Instant::now() < until, "the log never began anew");
    }
    kill(folder, &journal);
    let log = fs::read(wal(folder)).unwrap();
    fs::remove_file(wal(folder)).unwrap();
    assert_refused(folder);
    fs::write(wal(folder), log).unwrap();
    assert_starts_with(folder, tenant, events);
}

#[test]
fn copies_of_a_running_database_await_no_log() {
    let (folder, tenant) = folder();
    let journal = open(folder.path()).unwrap();
    append(&journal, tenant, "event\n").unwrap();
    let copy = TempDir::new().unwrap();
    let other = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    other.execute("VACUUM INTO ?1", [copy.path().join(FILE).to_str().unwrap()]).unwrap();
    assert_starts_with(copy.path(), tenant, 1);
}

#[test]
fn a_small_file_with_a_damaged_page_is_refused_after_a_clean_stop() {
    const PAGE: usize = 4_096;
    let (folder, tenant) = folder();
    let journal = open(folder.path()).unwrap();
    for _ in 0..20 {
        append(&journal, tenant, noise(2_000)).unwrap();
    }
    journal.close().unwrap();
    let file = fs::read(folder.path().join(FILE)).unwrap();
    for page in 1..file.len() / PAGE {
        let mut damaged = file.clone();
        // The kind of the page.
        damaged[page * PAGE] ^= 1;
        let copy = TempDir::new().unwrap();
        fs::write(copy.path().join(FILE), damaged).unwrap();
        assert!(open(copy.path()).is_err(), "page {page} is damaged, but nobody looked");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_vanishes_under_the_server_stops_appends_and_loses_nothing() {
    let (folder, tenant) = folder();
    let folder = folder.path();
    let journal = open(folder).unwrap();
    append(&journal, tenant, "event\n").unwrap();
    fs::remove_file(wal(folder)).unwrap();
    let mut told = 1;
    let until = Instant::now() + Duration::from_secs(30);
    let error = loop {
        match append(&journal, tenant, "event\n") {
            Ok(position) => told = position.0,
            Err(error) => break error.to_string(),
        }
        assert!(Instant::now() < until, "nobody noticed");
    };
    assert!(error.contains("-wal is gone under the running server"), "{error}");
    assert_eq!(journal.trouble(), Some(error));
    assert!(append(&journal, tenant, "event\n").is_err(), "it stays so");
    assert!(journal.close().is_err());
    assert_starts_with(folder, tenant, told);
}

#[cfg(unix)]
#[test]
fn a_file_size_limit_is_told_and_kills_nobody() {
    let folder = TempDir::new().unwrap();
    let ended = std::process::Command::new("sh")
        .args(["-c", "ulimit -f 8; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_rtstats")])
        .args(["tenant", "add", "acme", "--timezone", "UTC", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let text = String::from_utf8(ended.stderr).unwrap();
    assert!(text.contains("disk I/O error") || text.contains("full"), "{text}");
}
