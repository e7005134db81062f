//! The command line: what it says, and what it does.

mod account;
mod connect;
mod link;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::bail;
use clap::{Args, Parser, Subcommand, ValueEnum};
use stats::zone::Zone;

use connect::ConnectCommand;
use link::Pages;

use crate::{
    app,
    config::{self, ConnectArgs, Mistakes, ServeArgs},
    connect::asterisk::{
        mapping::Mapping,
        queue_log::import::{self, ImportArgs},
    },
    database::{self, OpenError},
    demo::{self, DemoArgs},
    journal::{LogReader, Position},
    replay::{self, ListsOnly, Malformed, ReplayArgs},
    simulate::{self, SimulateArgs},
    telemetry,
    tenants::{InForce, TenantError, TenantName, Tenants, Token, TokenKind},
};

/// Real-time statistics of a contact centre: events in, the statistics API out
#[derive(Debug, Parser)]
#[command(name = "rtstats", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at it: a simulated contact centre, served live, with nothing to set up
    Demo(DemoArgs),
    /// Serve the statistics API and take events in
    Serve(ServeArgs),
    /// Print every setting that serve would use, and where its value comes from
    Config(ServeArgs),
    /// Add, list and remove tenants, also while the server runs
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Issue a tenant's tokens, also while the server runs
    #[command(subcommand)]
    Token(TokenCommand),
    /// Add, list and remove accounts of the pages, also while the server runs
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Print a document as it stood at an instant, from a log alone
    Replay(ReplayArgs),
    /// Print a tenant's events from the journal as NDJSON, also while the server runs
    Log(LogArgs),
    /// Make a believable contact centre's events
    Simulate(SimulateArgs),
    /// Follow a PBX and send what happens to a server, as a process of its own
    #[command(subcommand)]
    Connect(ConnectCommand),
    /// Turn another system's history into events
    #[command(subcommand)]
    Import(ImportCommand),
}

#[derive(Debug, Subcommand)]
enum ImportCommand {
    /// Asterisk's queue_log: events on standard output or into a server
    AsteriskQueueLog(Box<ImportArgs>),
}

#[derive(Debug, Subcommand)]
enum TenantCommand {
    /// Add a tenant
    Add {
        /// Letters, digits, - and _; at most 64
        name: TenantName,
        /// Its IANA time zone, such as Europe/Berlin: it decides where days begin
        #[arg(long, value_name = "ZONE", value_parser = |name: &str| Zone::named(name))]
        timezone: Zone,
        #[command(flatten)]
        folder: Folder,
    },
    /// List the tenants
    List {
        #[command(flatten)]
        folder: Folder,
    },
    /// Remove a tenant with its log, for good
    Remove {
        /// Its name
        name: TenantName,
        #[command(flatten)]
        folder: Folder,
    },
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a new token and print it, this once; the one before stops working at once
    New {
        /// The tenant's name
        name: TenantName,
        /// data reads statistics, action sends events
        kind: Kind,
        #[command(flatten)]
        folder: Folder,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Data,
    Action,
}

#[derive(Debug, Args)]
struct LogArgs {
    /// The tenant's name
    name: TenantName,
    /// Leave out so many events since the log began; without it, begin where the journal still does
    #[arg(long, value_name = "EVENTS")]
    after: Option<u64>,
    #[command(flatten)]
    folder: Folder,
}

#[derive(Debug, Args)]
struct Folder {
    /// The data folder
    #[arg(long, value_name = "DIR", env = "RTSTATS_DATA")]
    data: PathBuf,
}

/// Does what the command line says.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Connect(command) => return ended(connect::run(command)),
        Command::Demo(args) => demo::run(&args),
        Command::Serve(args) => serve(&args),
        Command::Config(args) => print_config(&args),
        Command::Tenant(command) => tenant(command),
        Command::Token(TokenCommand::New { name, kind, folder }) => token(&name, kind, &folder),
        Command::Account(command) => account::run(command),
        Command::Replay(args) => replay::run(&args),
        Command::Log(args) => log(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Import(ImportCommand::AsteriskQueueLog(args)) => import(&args),
    };
    ended(done.map(|()| ExitCode::SUCCESS))
}

fn ended(done: anyhow::Result<ExitCode>) -> ExitCode {
    match done {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rtstats: {}", told(&error));
            let usage =
                error.is::<Malformed>() || error.is::<ListsOnly>() || error.is::<Mistakes>();
            if usage { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// The error with its causes. Some errors quote their cause already: it is not said twice.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Whoever read our output has had enough.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

fn serve(args: &ServeArgs) -> anyhow::Result<()> {
    let config = config::load(args).into_config()?;
    telemetry::start_log(config.log_format, &config.log_level)?;
    let running = app::start(&config)?;
    if let Some(advice) = &running.certificate_advice {
        tracing::info!("{advice}");
    }
    for address in &running.addresses {
        let scheme = if config.behind_proxy { "http" } else { "https" };
        tracing::info!("serving {scheme}://{address}/api/rtstats/stats/queues");
    }
    tracing::info!("operator's pages at http://{}/metrics", running.admin_address);
    if running.api.directory.load().tenants().len() == 0 {
        let data = config.data.display();
        tracing::info!(
            "there are no tenants yet: add one with \
             `rtstats tenant add NAME --timezone ZONE --data {data}`, \
             then its tokens with `rtstats token new NAME data|action --data {data}`"
        );
    }
    if let Some(secret) = &running.set_up {
        print_set_up_link(&Pages::here(&config, &running.addresses), secret)?;
    }
    app::wait_for_signal()?;
    tracing::info!("stopping");
    running.stop();
    tracing::info!("stopped");
    Ok(())
}

fn import(args: &ImportArgs) -> anyhow::Result<()> {
    let mapping = match &args.config {
        Some(file) => {
            ConnectArgs::of_section(file.clone(), args.name.clone()).connection(false)?.mapping
        }
        None => Mapping::default(),
    };
    import::run(args, mapping)
}

/// To standard output, since it is a secret and the log is none.
fn print_set_up_link(pages: &Pages, secret: &Token) -> io::Result<()> {
    let advice = pages.advice.map_or(String::new(), |advice| format!(" ({advice})"));
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "Set up the first administrator, once, within 24 hours{advice}:\n\n  {}\n",
        pages.link("set-up", secret)
    )?;
    out.flush()
}

fn print_config(args: &ServeArgs) -> anyhow::Result<()> {
    let effective = config::load(args);
    io::stdout().write_all(effective.to_string().as_bytes())?;
    match effective.mistakes() {
        Some(mistakes) => Err(mistakes.into()),
        None => Ok(()),
    }
}

fn tenant(command: TenantCommand) -> anyhow::Result<()> {
    match command {
        TenantCommand::Add { name, timezone, folder } => {
            let added = Tenants::open(&folder.data)?.add(&name, timezone.name())?;
            warn_unconfirmed(added.in_force);
            eprintln!(
                "added {name}; its tokens: rtstats token new {name} data|action --data {}",
                folder.data.display()
            );
        }
        TenantCommand::List { folder } => {
            let mut out = io::stdout().lock();
            for tenant in existing(&folder)?.list()? {
                let tokens = match (tenant.data.is_some(), tenant.action.is_some()) {
                    (true, true) => "data,action",
                    (true, false) => "data",
                    (false, true) => "action",
                    (false, false) => "-",
                };
                writeln!(out, "{}\t{}\t{tokens}", tenant.name, tenant.zone)?;
            }
        }
        TenantCommand::Remove { name, folder } => {
            warn_unconfirmed(existing(&folder)?.remove(&name)?);
            eprintln!("removed {name} with its log");
        }
    }
    Ok(())
}

/// The tenants of a folder that is a data folder already: only adding and serving make a new one.
fn existing(folder: &Folder) -> anyhow::Result<Tenants> {
    require_data_folder(&folder.data)?;
    Ok(Tenants::open(&folder.data)?)
}

fn require_data_folder(folder: &Path) -> anyhow::Result<()> {
    let path = database::path_in(folder);
    match path.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => bail!(
            "{} is no data folder of rtstats: add a tenant or serve there first",
            folder.display()
        ),
        Err(reason) => Err(OpenError::Io { path, reason }.into()),
    }
}

fn warn_unconfirmed(in_force: InForce) {
    if in_force == InForce::Unconfirmed {
        eprintln!(
            "rtstats: the change is stored, but the running server has not confirmed it: \
             look into its log, or restart it"
        );
    }
}

fn token(name: &TenantName, kind: Kind, folder: &Folder) -> anyhow::Result<()> {
    let mut tenants = existing(folder)?;
    let before = tenants.list()?.into_iter().find(|tenant| tenant.name == *name);
    let (kind, word, replaced) = match kind {
        Kind::Data => (TokenKind::Data, "data", before.is_some_and(|it| it.data.is_some())),
        Kind::Action => (TokenKind::Action, "action", before.is_some_and(|it| it.action.is_some())),
    };
    let (token, in_force) = tenants.new_token(name, kind)?;
    warn_unconfirmed(in_force);
    writeln!(io::stdout(), "{}", token.reveal())?;
    let replaced = if replaced { "; the one before has stopped working" } else { "" };
    eprintln!("this is the {word} token of {name}, shown this once{replaced}");
    Ok(())
}

fn log(args: &LogArgs) -> anyhow::Result<()> {
    let tenants = existing(&args.folder)?.list()?;
    let tenant = tenants.iter().find(|tenant| tenant.name == args.name);
    let tenant = tenant.ok_or_else(|| TenantError::Unknown(args.name.clone()))?;
    let journal = LogReader::open(&args.folder.data)?;
    let (first, end) = journal.extent(tenant.id)?;
    let after = args.after.map_or(first, Position);
    if after > end {
        bail!("the log of {} ends after {} events", args.name, end.0);
    }
    if after < first {
        bail!(
            "the log of {} begins after {first} events, those before were dropped by retention: \
             leave --after out, or give {first} or more",
            args.name,
            first = first.0
        );
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut written = Ok(());
    journal.read(tenant.id, after, &mut |_, lines| {
        if written.is_ok() {
            written = out.write_all(lines);
            if written.is_ok() && !lines.ends_with(b"\n") {
                written = out.write_all(b"\n");
            }
        }
    })?;
    written?;
    Ok(out.flush()?)
}
