//! The same events, in batches, into whatever else keeps them durably: SQLite, PostgreSQL, and a bare file.
//!
//! Each of them gets less to do than the server: the lines are ready beforehand, nobody checks them, nobody counts them,
//! duplicates are not looked for, and nothing is encrypted.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, params};

use crate::bench::postgres::Postgres;
use crate::load::events::{Center, Transactions};
use crate::load::fsync;

/// Batches that are made beforehand; they are taken round and round.
const BATCHES: usize = 64;

/// The instant in all of them: nobody looks at it.
const NOW_MS: i64 = 1_772_434_800_000;

/// Batches of lines, each line ended.
pub fn batches(events: usize) -> Vec<String> {
    let center = Center { agents: 5_000, queues: 200 };
    let mut transactions = Transactions::new(center, 1, 0, 1);
    let batches = (0..BATCHES).map(|_| {
        let mut lines = Vec::new();
        for _ in 0..events {
            transactions.write(NOW_MS, &mut lines);
        }
        String::from_utf8_lossy(&lines).into_owned()
    });
    batches.collect()
}

/// Events a second that a file of its size already takes, one write and one fdatasync for each batch.
pub fn bare(folder: &Path, batches: &[String], events: usize, time: Duration) -> Result<f64> {
    let mut latency = fsync::measure_in_place(folder, batches, time)?;
    let syncs = latency.count() as f64;
    ensure!(latency.percentile(50.0) > Duration::ZERO, "a write took no time");
    Ok(syncs * events as f64 / time.as_secs_f64())
}

/// Events a second that SQLite takes: one connection, as it has one writer, one transaction for each batch.
pub struct Sqlite(Connection);

const TABLE: &str =
    "CREATE TABLE events (position INTEGER PRIMARY KEY, received_ms BIGINT, line TEXT);";

impl Sqlite {
    pub fn open(folder: &Path) -> Result<Sqlite> {
        let database = Connection::open(folder.join("events.sqlite"))?;
        database.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")?;
        database.execute_batch(TABLE)?;
        Ok(Sqlite(database))
    }

    pub fn measure(&mut self, batches: &[String], time: Duration) -> Result<f64> {
        let (begin, mut events) = (Instant::now(), 0_u64);
        for batch in batches.iter().cycle() {
            let inserting = self.0.transaction()?;
            {
                let sql = "INSERT INTO events (received_ms, line) VALUES (?, ?)";
                let mut insert = inserting.prepare_cached(sql)?;
                for line in batch.lines() {
                    insert.execute(params![NOW_MS, line])?;
                    events += 1;
                }
            }
            inserting.commit()?;
            if begin.elapsed() >= time {
                break;
            }
        }
        Ok(events as f64 / begin.elapsed().as_secs_f64())
    }
}

/// Makes the table for [`postgres`].
pub fn prepare(cluster: &Postgres) -> Result<()> {
    let table = TABLE.replace("INTEGER", "BIGINT GENERATED ALWAYS AS IDENTITY");
    let made = cluster.psql().args(["-c", &table]).status()?;
    ensure!(made.success(), "PostgreSQL made no table");
    Ok(())
}

/// Events a second that PostgreSQL takes over some connections: each copies batch after batch, the fastest way in that it
/// has, and each batch is a transaction of its own.
pub fn postgres(
    cluster: &Postgres,
    batches: &[String],
    connections: usize,
    time: Duration,
) -> Result<f64> {
    let copies: Vec<String> = batches
        .iter()
        .map(|batch| {
            let rows = batch.lines().map(|line| format!("{NOW_MS}\t{line}\n"));
            let rows: String = rows.collect();
            format!("COPY events (received_ms, line) FROM STDIN;\n{rows}\\.\n")
        })
        .collect();
    let begin = Instant::now();
    let told = std::thread::scope(|scope| {
        let copying: Vec<_> = (0..connections)
            .map(|_| scope.spawn(|| copy(cluster.psql(), &copies, begin + time)))
            .collect();
        let copied = copying.into_iter().map(|thread| {
            thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a connection's thread broke")))
        });
        copied.sum::<Result<usize>>()
    })?;
    let events = batches.first().map_or(0, |batch| batch.lines().count());
    Ok((told * events) as f64 / begin.elapsed().as_secs_f64())
}

/// Gives one connection batches until an instant; how many it took, all of them committed.
fn copy(mut psql: Command, copies: &[String], until: Instant) -> Result<usize> {
    let mut child = psql.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().context("psql")?;
    let mut input = child.stdin.take().context("no standard input")?;
    let mut told = 0;
    for copy in copies.iter().cycle() {
        input.write_all(copy.as_bytes())?;
        told += 1;
        if Instant::now() >= until {
            break;
        }
    }
    drop(input);
    ensure!(child.wait()?.success(), "psql failed");
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_their_events_and_sqlite_keeps_them() {
        let batches = batches(3);
        assert_eq!(batches.len(), BATCHES);
        assert!(batches.iter().all(|batch| batch.lines().count() == 3));
        assert!(!batches.concat().contains(['\\', '\t']), "COPY would read them otherwise");
        let folder = tempfile::tempdir().unwrap();
        let mut sqlite = Sqlite::open(folder.path()).unwrap();
        assert!(sqlite.measure(&batches, Duration::ZERO).unwrap() > 0.0);
        let kept: u32 =
            sqlite.0.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 3);
    }
}
