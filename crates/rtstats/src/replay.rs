//! `rtstats replay`: a document as it stood at an instant, from a log and nothing else (SPEC §4.2).

use std::{
    fs::File,
    io::{self, IsTerminal, Read, Write},
    path::PathBuf,
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use stats::{
    document::{Format, Page},
    engine::{Engine, SlaTarget},
    event::Millis,
    limit,
    parse::{LineError, parse_batch},
    zone::Zone,
};

use crate::telemetry::Progress;

/// Flags of `rtstats replay`.
#[derive(Debug, Clone, Args)]
pub struct ReplayArgs {
    /// The log: NDJSON, one event a line; - reads standard input
    log: PathBuf,
    /// The tenant's IANA time zone, such as Europe/Berlin: it decides where days begin
    #[arg(long, value_name = "ZONE", value_parser = |name: &str| Zone::named(name))]
    timezone: Zone,
    /// The instant to show: RFC 3339 with offset, or epoch milliseconds; events counted at or before it are in
    #[arg(long, value_name = "INSTANT", value_parser = instant, allow_hyphen_values = true)]
    at: Millis,
    /// Which document: agents, queues, agent/ID or queue/ID
    #[arg(long, default_value = "queues", value_name = "DOCUMENT", value_parser = shown)]
    show: Shown,
    /// Its form; csv for the lists only
    #[arg(long, default_value = "xml", value_name = "FORMAT")]
    format: FormatArg,
    /// What the field sla-target shows
    #[arg(long, default_value = "hours", value_name = "WHAT")]
    sla_target: SlaTargetArg,
}

/// A document's form as a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the variants say it")]
pub enum FormatArg {
    Xml,
    Json,
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SlaTargetArg {
    Hours,
    Percent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown {
    Agents,
    Queues,
    Agent(String),
    Queue(u32),
}

/// The log holds malformed lines: the process ends with status 2.
#[derive(Debug, thiserror::Error)]
#[error("{}", listed(.0))]
pub struct Malformed(Vec<(u64, LineError)>);

/// The flags ask for an item as CSV: the process ends with status 2, as at any wrong flag.
#[derive(Debug, thiserror::Error)]
#[error("csv is a form of the lists only: ask for --show agents or queues, or another --format")]
pub struct ListsOnly;

/// How much of the log is parsed at a time.
const CHUNK_BYTES: usize = limit::BATCH_BYTES_MAX;

/// Prints the document that the flags ask for.
pub fn run(args: &ReplayArgs) -> anyhow::Result<()> {
    let (format, page) = (args.format.into(), args.show.page());
    if format == Format::Csv && !matches!(page, Page::Agents | Page::Queues) {
        return Err(ListsOnly.into());
    }
    let mut engine = Engine::new(args.timezone.clone()).with_sla_target(args.sla_target.into());
    let progress;
    let name = args.log.display();
    let read: Box<dyn Read> = if args.log.as_os_str() == "-" {
        progress = None;
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(&args.log).with_context(|| format!("can't read the log {name}"))?;
        let total = file.metadata().map_or(0, |about| about.len());
        progress = io::stderr().is_terminal().then(|| Progress::start("replaying (bytes)", total));
        Box::new(file)
    };
    apply_until(&mut engine, read, args.at, progress.as_ref()).map_err(|error| {
        if error.is::<Malformed>() {
            error
        } else {
            error.context(format!("can't read the log {name}"))
        }
    })?;
    drop(progress);
    let document = engine.freeze(args.at).render(page, format);
    let Some(document) = document else {
        bail!("there was no {} at that instant", args.show.name());
    };
    let mut out = io::stdout().lock();
    match out.write_all(&document).and_then(|()| out.write_all(b"\n")) {
        // Whoever read the output has had enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("can't write to standard output"),
    }
}

/// Applies the events counted at or before `at`; the whole log must be well-formed.
fn apply_until(
    engine: &mut Engine,
    mut log: impl Read,
    at: Millis,
    progress: Option<&Progress>,
) -> anyhow::Result<()> {
    let mut chunk = Vec::new();
    let mut errors = Vec::new();
    let (mut lines_before, mut reached) = (0, false);
    loop {
        let (kept, room) = (chunk.len(), CHUNK_BYTES.max(chunk.len()));
        let read = log.by_ref().take(room as u64).read_to_end(&mut chunk)?;
        if let Some(progress) = progress {
            progress.advance(read as u64);
        }
        let whole = if read == 0 {
            chunk.len()
        } else {
            match memchr::memrchr(b'\n', &chunk[kept..]) {
                Some(last) => kept + last + 1,
                None => continue,
            }
        };
        match parse_batch(&chunk[..whole], None) {
            Ok(lines) if errors.is_empty() => {
                for line in &lines {
                    reached =
                        reached || engine.would_count(&line.event).is_some_and(|count| count > at);
                    if reached {
                        break;
                    }
                    engine.apply(&line.event);
                }
            }
            Ok(_) => {}
            Err(wrong) => errors.extend(wrong.into_iter().map(|wrong| (lines_before, wrong))),
        }
        lines_before += memchr::memchr_iter(b'\n', &chunk[..whole]).count() as u64;
        chunk.drain(..whole);
        if read == 0 || errors.len() >= limit::ERRORS_LISTED_MAX {
            break;
        }
    }
    errors.truncate(limit::ERRORS_LISTED_MAX);
    if errors.is_empty() { Ok(()) } else { Err(Malformed(errors).into()) }
}

fn listed(errors: &[(u64, LineError)]) -> String {
    let lines = errors.iter().map(|(before, wrong)| {
        let (line, error) = (before + u64::from(wrong.line), &wrong.error);
        match &*error.field {
            "" => format!("line {line}: {}", error.message),
            field => format!("line {line}, field {field}: {}", error.message),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

impl Shown {
    fn page(&self) -> Page<'_> {
        match self {
            Shown::Agents => Page::Agents,
            Shown::Queues => Page::Queues,
            Shown::Agent(id) => Page::Agent(id),
            Shown::Queue(number) => Page::Queue(*number),
        }
    }

    fn name(&self) -> String {
        match self {
            Shown::Agent(id) => format!("agent {id}"),
            Shown::Queue(number) => format!("queue {number}"),
            Shown::Agents | Shown::Queues => "such list".into(),
        }
    }
}

fn shown(text: &str) -> Result<Shown, String> {
    match text.split_once('/') {
        None if text == "agents" => Ok(Shown::Agents),
        None if text == "queues" => Ok(Shown::Queues),
        Some(("agent", id)) if !id.is_empty() => Ok(Shown::Agent(id.into())),
        Some(("queue", number)) => {
            number.parse().map(Shown::Queue).map_err(|_| format!("`{number}` is no queue number"))
        }
        _ => Err("expected agents, queues, agent/ID or queue/ID".into()),
    }
}

/// An instant as people write it: RFC 3339 with offset, or epoch milliseconds.
pub fn instant(text: &str) -> Result<Millis, String> {
    if let Ok(millis) = text.parse::<Millis>() {
        return if (0..=limit::TIME_MS_MAX).contains(&millis) {
            Ok(millis)
        } else {
            Err("expected epoch milliseconds from 1970 to 9998".into())
        };
    }
    let instant: jiff::Timestamp = text.parse().map_err(|_| {
        "expected RFC 3339 with an offset, such as 2026-03-29T12:00:00+02:00, or epoch milliseconds"
            .to_owned()
    })?;
    Ok(instant.as_millisecond())
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Format {
        match format {
            FormatArg::Xml => Format::Xml,
            FormatArg::Json => Format::Json,
            FormatArg::Csv => Format::Csv,
        }
    }
}

impl From<SlaTargetArg> for SlaTarget {
    fn from(target: SlaTargetArg) -> SlaTarget {
        match target {
            SlaTargetArg::Hours => SlaTarget::Hours,
            SlaTargetArg::Percent => SlaTarget::Percent,
        }
    }
}
