//! `rtstats demo`: a simulated contact centre served live, with nothing to set up.

use std::{
    fs, io,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::Args;
use stats::{
    document::Frozen,
    engine::Engine,
    event::Millis,
    zone::{Zone, ZoneError},
};

use crate::{
    app, clock,
    config::Config,
    database::ServerLock,
    ingest::{Ingest, Refusal},
    journal::JournalError,
    shard::Parsed,
    simulate::{Plan, Simulation},
    telemetry::{self, LogFormat},
    tenants::{TenantError, TenantId, TenantName, Tenants, Token, TokenKind},
};

/// Flags of `rtstats demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8443", value_name = "ADDR")]
    listen: SocketAddr,
    /// Where to serve /healthz, /readyz and /metrics
    #[arg(long, default_value = "127.0.0.1:8444", value_name = "ADDR")]
    admin_listen: SocketAddr,
    /// The data folder; without it one under the system's temporary folder, gone after the demo
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The Data Request Token, 64 hexadecimal digits; without it a random one
    #[arg(long, value_name = "HEX")]
    data_token: Option<Token>,
    /// The Action Request Token, 64 hexadecimal digits; without it a random one
    #[arg(long, value_name = "HEX")]
    action_token: Option<Token>,
    /// Another number, another day
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// The contact centre's IANA time zone; without it one where the working day is at its
    /// height now
    #[arg(long, value_name = "ZONE", value_parser = |name: &str| Zone::named(name))]
    timezone: Option<Zone>,
}

const TENANT: &str = "acme";

/// Marks a data folder as the demo's own, which it may begin afresh.
const MARK: &str = "demo-data";

const MINUTE_MS: Millis = 60_000;

/// Events of one batch of the past.
const BATCH_EVENTS: usize = 1_000;

/// How often what has happened meanwhile is sent.
const LIVE_EVERY: Duration = Duration::from_millis(100);

/// Serves the demo until it is told to stop.
pub fn run(args: &DemoArgs) -> anyhow::Result<()> {
    telemetry::start_log(LogFormat::Text, "warn")?;
    let temporary = match args.data {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("rtstats-demo-").tempdir()?),
    };
    let folder = match (&args.data, &temporary) {
        (Some(data), _) => data.clone(),
        (None, Some(temporary)) => temporary.path().to_owned(),
        (None, None) => unreachable!("without a folder a temporary one was made"),
    };
    claim(&folder)?;
    // A demo that runs there already is not to be begun afresh under its feet.
    drop(ServerLock::acquire(&folder)?);
    let zone = match &args.timezone {
        Some(zone) => zone.clone(),
        None => where_the_day_is_at_its_height(clock::now())?,
    };
    let tokens = set_up(args, &zone, &folder)?;
    let config = Config {
        listen: vec![args.listen],
        admin_listen: args.admin_listen,
        ..Config::with_data(&folder)
    };
    let running = app::start(&config)?;
    running.wait_until_ready();

    let now = clock::now();
    let day_start = zone.day_of(now).start;
    let simulation = Simulation::new(Plan::demo(args.seed, day_start, zone.clone()));
    let past = past_minutes(simulation.clone(), &zone, now);
    let mut feed = Feed::new(simulation);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tenant = tokens.tenant;
    running.api.feeds.keep_past(tenant, &past)?;
    let past = runtime.block_on(feed.send_until(&running.ingest, tenant, now))?;
    let written = introduce(&tokens, &folder, &running, &zone, past);
    // A demo whose output nobody reads is a demo all the same.
    drop(written);

    let (stop, stopped) = mpsc::channel();
    let ingest = running.ingest.clone();
    let live = std::thread::Builder::new().name("simulation".into()).spawn(move || {
        while stopped.recv_timeout(LIVE_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
            let sent = feed.send_until(&ingest, tenant, clock::now());
            if let Err(error) = runtime.block_on(sent) {
                tracing::warn!(%error, "the simulation's events were not taken; sending them again");
            }
        }
    })?;
    app::wait_for_signal()?;
    // The thread ends by itself when the channel is gone, too.
    let _ = stop.send(());
    if live.join().is_err() {
        tracing::error!("the simulation ended by a panic");
    }
    running.stop();
    Ok(())
}

/// The day so far at the end of each minute: nobody was there to watch it.
fn past_minutes(mut simulation: Simulation, zone: &Zone, now: Millis) -> Vec<(Millis, Frozen)> {
    let mut engine = Engine::new(zone.clone());
    let mut minutes = Vec::new();
    let mut minute = zone.day_of(now).start + MINUTE_MS;
    while minute <= now {
        while let Some(event) = simulation.next_until(minute) {
            engine.apply(&event);
        }
        minutes.push((minute, engine.freeze(minute)));
        minute += MINUTE_MS;
    }
    minutes
}

struct Tokens {
    tenant: TenantId,
    data: Token,
    action: Token,
}

/// The folder is ours: new, empty or of an earlier demo.
fn claim(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("can't make the data folder {}", folder.display()))?;
    let mark = folder.join(MARK);
    let empty = fs::read_dir(folder)?.next().is_none();
    if !empty && !mark.exists() {
        bail!(
            "{} holds something else than a demo: choose another folder, since a demo begins afresh",
            folder.display()
        );
    }
    fs::write(&mark, "The data of `rtstats demo`, which begins afresh at each start.\n")?;
    Ok(())
}

fn set_up(args: &DemoArgs, zone: &Zone, folder: &Path) -> anyhow::Result<Tokens> {
    let name: TenantName = TENANT.parse()?;
    let mut tenants = Tenants::open(folder)?;
    match tenants.remove(&name) {
        Ok(_) | Err(TenantError::Unknown(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let tenant = tenants.add(&name, zone.name())?.id;
    let mut set = |kind, given: &Option<Token>| {
        let token = match given {
            Some(token) => token.clone(),
            None => Token::random()?,
        };
        let _no_server_runs_yet = tenants.set_token(&name, kind, &token)?;
        anyhow::Ok(token)
    };
    let data = set(TokenKind::Data, &args.data_token)?;
    let action = set(TokenKind::Action, &args.action_token)?;
    Ok(Tokens { tenant, data, action })
}

/// Cities round the world, of which one is at the height of its working day at any hour.
const CITIES: &[&str] = &[
    "Pacific/Auckland",
    "Australia/Sydney",
    "Asia/Tokyo",
    "Asia/Singapore",
    "Asia/Dhaka",
    "Asia/Kolkata",
    "Asia/Dubai",
    "Africa/Nairobi",
    "Europe/Berlin",
    "Europe/Lisbon",
    "Atlantic/Cape_Verde",
    "America/Sao_Paulo",
    "America/Halifax",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
];

/// When a day has the most to show, in milliseconds after its start.
const HEIGHT_MS: Millis = 41_400_000;

fn where_the_day_is_at_its_height(now: Millis) -> Result<Zone, ZoneError> {
    let mut nearest = (Millis::MAX, Zone::named("UTC")?);
    for city in CITIES {
        let zone = Zone::named(city)?;
        let off_ms = (now - zone.day_of(now).start - HEIGHT_MS).abs();
        if off_ms < nearest.0 {
            nearest = (off_ms, zone);
        }
    }
    Ok(nearest.1)
}

/// The simulation's events on their way to the server: what was not taken is kept, and sent again.
struct Feed {
    simulation: Simulation,
    /// The lines of the batch at hand, and how many they are.
    batch: (Bytes, usize),
}

impl Feed {
    fn new(simulation: Simulation) -> Feed {
        Feed { simulation, batch: (Bytes::new(), 0) }
    }

    /// Sends the events up to an instant, in batches; tells how many they were.
    async fn send_until(
        &mut self,
        ingest: &Ingest,
        tenant: TenantId,
        until: Millis,
    ) -> Result<u64, Refusal> {
        let mut sent = 0;
        while let Some(lines) = self.batch_until(until) {
            send(ingest, tenant, lines).await?;
            sent += self.taken() as u64;
        }
        Ok(sent)
    }

    /// The batch that is not taken yet, else the next; none if nothing is due.
    fn batch_until(&mut self, until: Millis) -> Option<Bytes> {
        if self.batch.1 == 0 {
            let (mut lines, mut events) = (Vec::new(), 0);
            while events < BATCH_EVENTS
                && let Some(event) = self.simulation.next_until(until)
            {
                event.write_line(&mut lines);
                events += 1;
            }
            self.batch = (lines.into(), events);
        }
        (self.batch.1 > 0).then(|| self.batch.0.clone())
    }

    /// The server has the batch: tells how many events it held.
    fn taken(&mut self) -> usize {
        std::mem::take(&mut self.batch).1
    }
}

async fn send(ingest: &Ingest, tenant: TenantId, lines: Bytes) -> Result<(), Refusal> {
    loop {
        let parsed = Parsed::new(lines.clone(), None).map_err(Refusal::Malformed)?;
        match ingest.submit(tenant, parsed, None).await {
            Err(Refusal::Journal(JournalError::Full)) => tokio::time::sleep(LIVE_EVERY).await,
            Ok(_) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn introduce(
    tokens: &Tokens,
    folder: &Path,
    running: &app::Running,
    zone: &Zone,
    past: u64,
) -> io::Result<()> {
    let port = running.addresses.first().map_or(0, SocketAddr::port);
    let certificate = folder.join("tls").join("cert.pem");
    let (data, action) = (tokens.data.reveal(), tokens.action.reveal());
    let base = format!("https://localhost:{port}/api/rtstats");
    let curl = format!("curl --cacert {} -u {TENANT}:{data}", certificate.display());
    let event = |kind: &str, more: &str| {
        format!(
            "  curl --cacert {} -u {TENANT}:{action} {base}/events -d \\\n    \
             '{{\"time\":\"'$(date -u +%FT%TZ)'\",\"type\":\"transaction.{kind}\",\
             \"transaction\":\"hello\"{more}}}'",
            certificate.display(),
        )
    };
    let (queued, abandoned) = (event("queued", ",\"queue\":101"), event("abandoned", ""));
    let set_up = running.set_up.as_ref().map_or(String::new(), |secret| {
        let secret = secret.reveal();
        format!("  Set up, once          https://localhost:{port}/set-up#{secret}\n")
    });
    let mut out = io::stdout().lock();
    write!(
        out,
        "\nA contact centre at work in {}: 5 queues, 30 agents, {past} events of today so far, \
         now live.\n\n\
         \x20 Pages                 https://localhost:{port}/\n\
         {set_up}\
         \x20 Statistics            {base}/stats/queues\n\
         \x20 Tenant                {TENANT}\n\
         \x20 Data Request Token    {data}\n\
         \x20 Action Request Token  {action}\n\
         \x20 Certificate           {}\n\
         \x20 Operator's pages      http://{}/metrics\n\n\
         Read it:\n\n\
         \x20 {curl} {base}/stats/queues\n\
         \x20 {curl} {base}/stats/agents.json\n\
         \x20 {curl} {base}/stats/queue/101.json\n\
         \x20 {curl} {base}/status\n\n\
         Send it an event, such as a call that comes in for Sales:\n\n\
         {queued}\n\n\
         Nobody takes that call up: end it, or it waits for ever:\n\n\
         {abandoned}\n\n\
         Ctrl-C stops it.\n",
        zone.name(),
        certificate.display(),
        running.admin_address,
    )?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_kept_until_the_server_has_it() {
        let zone = Zone::named("UTC").unwrap();
        let simulation = Simulation::new(Plan::demo(1, 1_790_000_000_000, zone));
        let until = 1_790_003_600_000;
        let expected: usize = simulation.clone().take_while(|event| event.time <= until).count();
        let mut feed = Feed::new(simulation);
        let mut taken = 0;
        while let Some(lines) = feed.batch_until(until) {
            assert_eq!(feed.batch_until(until), Some(lines), "not taken, so the same again");
            taken += feed.taken();
        }
        assert_eq!(taken, expected);
    }

    #[test]
    fn somewhere_the_day_is_at_its_height_at_any_hour() {
        for hour in 0..24 {
            let now = 1_790_000_000_000 + hour * 3_600_000;
            let zone = where_the_day_is_at_its_height(now).unwrap();
            let off_ms = (now - zone.day_of(now).start - HEIGHT_MS).abs();
            assert!(off_ms <= 5_400_000, "{} is {off_ms} ms off", zone.name());
        }
    }
}
