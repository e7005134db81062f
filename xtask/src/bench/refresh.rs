//! `cargo xtask bench refresh`: every figure of every agent and queue at one instant, from a day of transactions, beside
//! the same figures asked in SQL.
//!
//! The engine gets the day as events, the databases get it as rows with fitting indexes. Before anything is timed each
//! database's rows are compared with the engine's: a difference ends the benchmark.

mod day;
mod ours;
mod sql;

use std::fmt::Write;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};
use stats::document::{Format, Frozen, Page};
use stats::engine::Engine;
use stats::parse::lines;
use stats::zone::Zone;

use super::plot::{Bars, Scale};
use super::{Place, Report, grouped, median, postgres};
use crate::load::latency::millis;
use day::{NOW_MS, Size, Tables};
use sql::{Answered, Files};

/// The goal: so many times the fastest database.
const GOAL: f64 = 100.0;

/// The flags of `bench refresh`.
#[derive(clap::Args, Clone)]
pub struct Options {
    #[command(flatten)]
    place: Place,
    #[arg(long, default_value_t = 10_000)]
    agents: u32,
    #[arg(long, default_value_t = 500)]
    queues: u32,
    /// Transactions of the day.
    #[arg(long, default_value_t = 1_000_000)]
    transactions: u64,
    /// How often each database is asked.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// DuckDB's command line; without it DuckDB is left out.
    #[arg(long)]
    duckdb: Option<PathBuf>,
}

/// The engine's times.
struct Ours {
    evaluated: Duration,
    rendered: Duration,
    per_event: Duration,
    events: u64,
}

/// Measures and returns the table and its picture.
pub fn run(options: &Options, root: &Path) -> Result<Report> {
    let folder = options.place.folder(root)?;
    let Options { agents, queues, transactions, rounds, .. } = *options;
    let (mut engine, tables, mut ours) = fold(Size { agents, queues, transactions })?;
    let expected = ours::rows(&engine.freeze(NOW_MS));
    time(&mut engine, &mut ours);
    drop(engine);
    println!("rtstats: {} for all fields", millis(ours.evaluated));

    let files = Files::write(folder.path(), &tables)?;
    let mut answers = Vec::new();
    let mut add = |answered: Answered| -> Result<()> {
        compare(&answered, &expected)?;
        println!("{}: {:?}", answered.name, answered.rounds);
        answers.push(answered);
        Ok(())
    };
    add(sql::sqlite(Some(&folder.path().join("day.sqlite")), &tables, rounds)?)?;
    if postgres::is_installed() {
        add(sql::postgres(folder.path(), &files, rounds)?)?;
    }
    if let Some(duckdb) = &options.duckdb {
        add(sql::duckdb(duckdb, folder.path(), &files, rounds)?)?;
    }
    Ok(report(options, &ours, &tables, &answers))
}

/// The day, folded by the engine and kept as rows.
fn fold(size: Size) -> Result<(Engine, Tables, Ours)> {
    let mut engine = Engine::new(Zone::named("Etc/UTC")?);
    let mut outcome = Ok(());
    let mut took = Duration::ZERO;
    let (tables, events) = day::make(size, |text| {
        let begin = Instant::now();
        for line in lines(text) {
            match line {
                Ok(line) => {
                    engine.apply(&line.event);
                }
                Err(error) => outcome = Err(anyhow!("the event `{error:?}` is not well-formed")),
            }
        }
        took += begin.elapsed();
    });
    outcome?;
    let ignored: u64 = engine.account().ignored().map(|(_, events)| events).sum();
    ensure!(ignored == 0, "{ignored} events were ignored");
    let per_event = took / u32::try_from(events).unwrap_or(u32::MAX).max(1);
    let ours = Ours { evaluated: Duration::ZERO, rendered: Duration::ZERO, per_event, events };
    Ok((engine, tables, ours))
}

/// Reads the engine over and over, each time a millisecond later.
fn time(engine: &mut Engine, ours: &mut Ours) {
    const ROUNDS: i64 = 101;
    let (mut evaluated, mut rendered) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let begin = Instant::now();
        let frozen = engine.freeze(NOW_MS + round);
        evaluated.push(begin.elapsed().as_secs_f64());
        black_box(documents(&frozen));
        rendered.push(begin.elapsed().as_secs_f64());
    }
    ours.evaluated = Duration::from_secs_f64(median(evaluated));
    ours.rendered = Duration::from_secs_f64(median(rendered));
}

fn documents(frozen: &Frozen) -> [Option<Vec<u8>>; 2] {
    [Page::Agents, Page::Queues].map(|page| frozen.render(page, Format::Json))
}

/// The databases' figures are the engine's, all of them.
fn compare(answered: &Answered, expected: &[Vec<String>; 2]) -> Result<()> {
    for (theirs, ours) in answered.rows.iter().zip(expected) {
        ensure!(
            theirs.len() == ours.len(),
            "{} gives {} rows, the engine {}",
            answered.name,
            theirs.len(),
            ours.len()
        );
        if let Some((theirs, ours)) = theirs.iter().zip(ours).find(|(theirs, ours)| theirs != ours)
        {
            bail!("{} gives\n{theirs}\nthe engine\n{ours}", answered.name);
        }
    }
    Ok(())
}

fn report(options: &Options, ours: &Ours, tables: &Tables, answers: &[Answered]) -> Report {
    let mut table = String::from(
        "| | all figures of an instant | ÷ rtstats | loading the day, with indexes |\n|---|---:|---:|---:|\n",
    );
    let _ = writeln!(table, "| rtstats: all fields | **{}** | 1 | |", millis(ours.evaluated));
    let both = ours.rendered.as_secs_f64() / ours.evaluated.as_secs_f64();
    let _ = writeln!(
        table,
        "| rtstats: with both lists as JSON | {} | {both:.1} | |",
        millis(ours.rendered)
    );
    let mut bars = Bars {
        title: format!(
            "Every figure of {} agents and {} queues, ms",
            grouped(options.agents.into()),
            options.queues
        ),
        scale: Scale::Log,
        ours: 0..1,
        bars: vec![("rtstats".to_owned(), ours.evaluated.as_secs_f64() * 1e3)],
    };
    let mut best = f64::INFINITY;
    for answered in answers {
        let seconds = median(answered.rounds.iter().map(Duration::as_secs_f64).collect());
        let ratio = seconds / ours.evaluated.as_secs_f64();
        best = best.min(ratio);
        let _ = writeln!(
            table,
            "| {} | {:.1} ms | **{}** | {:.1} s |",
            answered.name,
            seconds * 1e3,
            grouped(ratio),
            answered.load.as_secs_f64()
        );
        bars.bars.push((answered.name.clone(), seconds * 1e3));
    }
    let _ = writeln!(
        table,
        "\n{} transactions as {} events, {} visits, {} legs and {} spans of status; {} agents, {} queues. Goal: {GOAL} × the \
         fastest; measured {}. Medians of {} rounds, of 101 for rtstats. What the engine reads so fast it has counted before, at \
         {} ns an event with parsing, where a database would insert and index rows.",
        grouped(options.transactions as f64),
        grouped(ours.events as f64),
        grouped(tables.visits.len() as f64),
        grouped(tables.legs.len() as f64),
        grouped(tables.spans.len() as f64),
        grouped(options.agents.into()),
        options.queues,
        grouped(best),
        options.rounds,
        ours.per_event.as_nanos(),
    );
    Report { table, plots: vec![("refresh".to_owned(), bars.svg())] }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Size = Size { agents: 40, queues: 5, transactions: 3_000 };

    #[test]
    fn the_sql_asks_for_what_the_engine_counts() {
        let (mut engine, tables, _) = fold(SMALL).unwrap();
        let expected = ours::rows(&engine.freeze(NOW_MS));
        let answered = sql::sqlite(None, &tables, 1).unwrap();
        compare(&answered, &expected).unwrap();
        assert_eq!((expected[0].len(), expected[1].len()), (40, 5));
    }

    #[test]
    fn a_figure_that_differs_ends_the_comparison() {
        let (mut engine, mut tables, _) = fold(SMALL).unwrap();
        let expected = ours::rows(&engine.freeze(NOW_MS));
        let gone = tables.visits.pop();
        assert!(gone.is_some());
        assert!(compare(&sql::sqlite(None, &tables, 1).unwrap(), &expected).is_err());
    }
}
