//! `rtstats simulate`: a believable contact centre as events, on standard output or live into a server.
//!
//! A [`Simulation`] is pure: a plan gives the same events on every run, endlessly, and whoever takes them decides how
//! far to go. What it is made of:
//!
//! - arrivals: a non-homogeneous Poisson process along a day curve, by thinning (Lewis, Shedler 1979): `curve`;
//! - handling times: log-normal, by medium (Brown et al. 2005); patience: Weibull (the same): `desk`;
//! - staffing: shifts round the clock laid to the shape of demand, its volume from the staff's capacity: `roster`;
//! - routing: longest idle among the skilled, ring-all, several chats at once: `routing`.
//!
//! Every event has a `source`, which names seed, size and start, and a `seq` from 1. A simulation started again with
//! the same plan sends the same events with the same numbers: a server that has them counts them as duplicates, not
//! twice, and what is new goes on where it broke off. To go on with it on a later day, give the first day's start.

mod agenda;
mod centre;
mod curve;
mod desk;
mod dice;
mod directory;
mod handling;
mod live;
mod local;
mod names;
mod plan;
mod roster;
mod routing;
mod shifts;
#[cfg(test)]
mod tests;
mod world;

use std::{
    io::{self, Write},
    path::PathBuf,
};

use anyhow::Context;
use clap::{Args, error::ErrorKind};
use jiff::{SpanRelativeTo, Timestamp, civil::Date};
use stats::{
    event::Millis,
    zone::{Zone, ZoneError},
};

pub use centre::Simulation;
pub use plan::Plan;

use crate::{
    clock, post,
    tenants::{TenantName, Token},
};
use local::{DateNumber, LocalTime};

/// The span without `--span` on standard output: 8 hours.
const SPAN_MS: Millis = 28_800_000;

/// Bytes gathered before they are written.
const CHUNK_LEN: usize = 1 << 16;

/// Flags of `rtstats simulate`.
#[derive(Debug, Clone, Args)]
pub struct SimulateArgs {
    /// Another number, another day
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// How many agents
    #[arg(long, default_value_t = 30, value_name = "N",
        value_parser = |text: &str| count(text, 1_000_000))]
    agents: u32,
    /// How many queues
    #[arg(long, default_value_t = 5, value_name = "N",
        value_parser = |text: &str| count(text, 100_000))]
    queues: u32,
    /// The contact centre's IANA time zone
    #[arg(long, default_value = "UTC", value_name = "ZONE", value_parser = zone)]
    timezone: Zone,
    /// Where to begin: `today`, a date such as 2026-03-02 (its first instant), or an RFC 3339 instant
    #[arg(long, default_value = "today", value_name = "INSTANT", value_parser = start)]
    start: Start,
    /// How far to go, such as 8h or 2d; without it 8 hours, with --to for ever
    #[arg(long, value_name = "DURATION", value_parser = span)]
    span: Option<Millis>,
    /// With --to: go from the start at so many times the clock's speed until the present is reached. Without it
    /// the past is sent at once, then the present as it comes
    #[arg(long, value_name = "X", value_parser = speed)]
    speed: Option<f64>,
    /// With --to: leave the past out, begin now
    #[arg(long, requires = "to", conflicts_with_all = ["start", "speed"])]
    no_history: bool,
    /// The server to send to, such as https://localhost:8443; without it events go to standard output
    #[arg(long, value_name = "URL", requires_all = ["tenant", "token"])]
    to: Option<post::Address>,
    /// The tenant's name
    #[arg(long, value_name = "NAME", requires = "to")]
    tenant: Option<TenantName>,
    /// The tenant's Action Request Token; of no use without --to
    #[arg(long, value_name = "HEX", env = "RTSTATS_ACTION_TOKEN", hide_env_values = true)]
    token: Option<Token>,
    /// Trust the certificates of this PEM file, such as the server's own
    #[arg(long, value_name = "FILE", requires = "to")]
    cacert: Option<PathBuf>,
    /// Don't check the server's certificate at all
    #[arg(long, requires = "to", conflicts_with = "cacert")]
    insecure: bool,
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Today,
    Date(DateNumber),
    Instant(Millis),
}

/// Simulates as the flags say: endlessly, with `--to` and without `--span`.
pub fn run(args: &SimulateArgs) -> anyhow::Result<()> {
    let now = clock::now();
    let start = match args.start {
        _ if args.no_history => now,
        Start::Today => args.timezone.day_of(now).start,
        Start::Date(date) => LocalTime::new(&args.timezone).instant(date, 0),
        Start::Instant(instant) => instant,
    };
    if args.speed.is_some() && args.to.is_none() {
        usage_error("--speed goes with --to: standard output gets all events at once");
    }
    if args.to.is_some() && start > now {
        usage_error("--start is yet to come: with --to it is the present or the past");
    }
    let plan = Plan::new(args.seed, args.agents, args.queues, start, args.timezone.clone());
    let until = args.span.map(|span_ms| start + span_ms);
    match (&args.to, &args.tenant, &args.token) {
        (Some(to), Some(tenant), Some(token)) => {
            let trust = post::Trust::new(args.cacert.as_deref(), args.insecure)?;
            let mut poster = post::Poster::new(to.clone(), tenant, token, trust);
            if !args.no_history {
                live::check_history(&plan, &mut poster, tenant)?;
            }
            live::run(plan, poster, args.speed, until.unwrap_or(Millis::MAX))
        }
        _ => {
            let mut simulation = Simulation::new(plan);
            let written = write_until(
                &mut simulation,
                until.unwrap_or(start + SPAN_MS),
                &mut io::stdout().lock(),
            );
            match written {
                // Whoever reads has read enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                written => written.context("can't write to standard output"),
            }
        }
    }
}

/// Writes the events up to an instant as NDJSON.
fn write_until(simulation: &mut Simulation, until: Millis, out: &mut impl Write) -> io::Result<()> {
    let mut lines = Vec::with_capacity(2 * CHUNK_LEN);
    while let Some(event) = simulation.next_until(until) {
        event.write_line(&mut lines);
        if lines.len() >= CHUNK_LEN {
            out.write_all(&lines)?;
            lines.clear();
        }
    }
    out.write_all(&lines)?;
    out.flush()
}

/// Ends with what is wrong with the flags as the parser of the command line does.
fn usage_error(message: &str) -> ! {
    clap::Error::raw(ErrorKind::ArgumentConflict, format!("{message}\n")).exit()
}

fn count(text: &str, most: u32) -> Result<u32, String> {
    let count = text.parse().ok().filter(|count| (1..=most).contains(count));
    count.ok_or_else(|| format!("expected a whole number from 1 to {most}"))
}

fn zone(name: &str) -> Result<Zone, ZoneError> {
    Zone::named(name)
}

fn start(text: &str) -> Result<Start, String> {
    if text == "today" {
        return Ok(Start::Today);
    }
    let in_range = |instant: &Millis| (0..stats::limit::TIME_MS_MAX).contains(instant);
    if let Ok(instant) = text.parse::<Timestamp>() {
        let instant = Some(instant.as_millisecond()).filter(in_range);
        return instant.map(Start::Instant).ok_or_else(|| "expected 1970 or later".to_owned());
    }
    let date: Date = text.parse().map_err(|_| {
        "expected `today`, a date such as 2026-03-02 or an instant such as 2026-03-02T08:00:00Z"
            .to_owned()
    })?;
    // From the second day on, so that the date's first instant is none before 1970 in any zone.
    let date = DateNumber::of(date);
    if date.0 >= 1 { Ok(Start::Date(date)) } else { Err("expected 1970 or later".to_owned()) }
}

fn span(text: &str) -> Result<Millis, String> {
    let expected = || "expected a duration such as 90m, 8h or 2d".to_owned();
    let span: jiff::Span = text.parse().map_err(|_| expected())?;
    let span = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| expected())?;
    let ms = Millis::try_from(span.as_millis()).map_err(|_| expected())?;
    if (1..=stats::limit::TIME_MS_MAX).contains(&ms) { Ok(ms) } else { Err(expected()) }
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: Option<f64> = text.parse().ok();
    speed
        .filter(|speed| (0.01..=1e6).contains(speed))
        .ok_or_else(|| "expected a number from 0.01 to 1000000".to_owned())
}
