//! `rtstats connect asterisk`: a connector as a process of its own, which sends to a server elsewhere.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    admin::{self, Pages},
    app,
    config::ConnectArgs,
    connect::{
        asterisk::{
            check::{self, Verdict},
            session::{Connector, KINDS},
            settings::{Connection, ConnectionName},
        },
        kept::Kept,
        sink::Sink,
        status::Connectors,
    },
    post::{Address, Poster, Trust},
    server,
    telemetry::{self, LogFormat},
    tenants::Token,
};

#[derive(Debug, Subcommand)]
pub enum ConnectCommand {
    /// Follow an Asterisk over its manager interface and send what happens to a server
    ///
    /// The same as a section [connect.asterisk.NAME] of a server's configuration, as a process of its own: where the
    /// PBX can't be reached from the server, or is not to be. --check looks at the PBX, says what it sees and what is
    /// missing, and ends with exit status 0 (nothing), 1 (something) or 2 (the flags are wrong).
    #[command(after_help = EXAMPLES)]
    Asterisk(Box<AsteriskArgs>),
}

const EXAMPLES: &str = "Examples:
  rtstats connect asterisk pbx.example.com --username rtstats --secret-file secret.txt --check
  RTSTATS_ACTION_TOKEN=… rtstats connect asterisk pbx.example.com --username rtstats \\
    --secret-file secret.txt --tenant acme --to https://stats.example.com:8443
  rtstats connect asterisk --config rtstats.toml --name main --to https://stats.example.com:8443 \\
    --token-file token.txt";

/// Flags of `rtstats connect asterisk`.
#[derive(Debug, Args)]
pub struct AsteriskArgs {
    #[command(flatten)]
    connection: ConnectArgs,
    /// Look at the PBX, say what it tells and what is missing, and end
    #[arg(long, conflicts_with_all = ["to", "token_file", "cacert", "insecure"])]
    check: bool,
    /// The server to send to, such as https://localhost:8443
    #[arg(
        long,
        value_name = "URL",
        required_unless_present = "check",
        help_heading = "The server"
    )]
    to: Option<Address>,
    /// A file whose first line is the tenant's Action Request Token; without it the variable
    /// RTSTATS_ACTION_TOKEN holds it
    #[arg(long, value_name = "FILE", requires = "to", help_heading = "The server")]
    token_file: Option<PathBuf>,
    /// Trust the certificates of this PEM file, such as the server's own
    #[arg(long, value_name = "FILE", requires = "to", help_heading = "The server")]
    cacert: Option<PathBuf>,
    /// Don't check the server's certificate at all
    #[arg(long, requires = "to", conflicts_with = "cacert", help_heading = "The server")]
    insecure: bool,
    /// Where the numbers assigned to queues and codes are kept [default: asterisk-NAME.json in
    /// $STATE_DIRECTORY, $XDG_STATE_HOME/rtstats or ~/.local/state/rtstats]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Where metrics are served, at /metrics, and /healthz, in plain HTTP; off without it
    #[arg(long, value_name = "ADDRESS:PORT", requires = "to")]
    admin_listen: Option<SocketAddr>,
    /// Which log lines are written: a level, or levels by module
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: String,
}

/// Does it; the exit status says how it went.
pub fn run(command: ConnectCommand) -> anyhow::Result<ExitCode> {
    let ConnectCommand::Asterisk(args) = command;
    let connection = args.connection.connection(!args.check)?;
    let state = match &args.state {
        Some(state) => state.clone(),
        None => default_state(&connection.name, |name| env::var_os(name).map(PathBuf::from))?,
    };
    let kept = Kept::at(state);
    match &args.to {
        Some(to) => follow(&args, connection, kept, to.clone()),
        None => check(&connection, &kept),
    }
}

/// Only looks: numbers that it assigns are shown and not kept.
fn check(connection: &Connection, kept: &Kept) -> anyhow::Result<ExitCode> {
    let mut names = kept.load()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut out = std::io::stdout().lock();
    let Connection { target, mapping, .. } = connection;
    let verdict = runtime.block_on(check::check(target, mapping, &mut names, &mut out))?;
    Ok(match verdict {
        Verdict::Well => ExitCode::SUCCESS,
        Verdict::Lacking => ExitCode::FAILURE,
    })
}

fn follow(
    args: &AsteriskArgs,
    connection: Connection,
    kept: Kept,
    to: Address,
) -> anyhow::Result<ExitCode> {
    let token = token(args.token_file.as_deref())?;
    let trust = Trust::new(args.cacert.as_deref(), args.insecure)?;
    telemetry::start_log(LogFormat::Text, &args.log_level)?;
    tracing::info!("numbers are kept in {}", kept.path().display());
    let pages_listener = match args.admin_listen {
        Some(address) => Some(server::bind(address, "--admin-listen", 1)?.remove(0)),
        None => None,
    };
    let connectors = Connectors::default();
    let Connection { name, tenant, target, .. } = &connection;
    let monitor = connectors.add(name, tenant, &target.address, KINDS);
    let sink = Sink::there(Poster::new(to, tenant, &token, trust), monitor.clone())?;
    let (stop, stopping) = watch::channel(false);
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if let Err(error) = app::wait_for_signal() {
            tracing::error!("signals to stop can't be waited for: {error}");
        }
        // Nobody listens any more if the connector has ended.
        let _ = stop.send(true);
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut connector = Connector::new(connection, kept, sink, monitor, stopping);
    runtime.block_on(async {
        tokio::select! {
            // What runs is seen first, and ends the process also while somebody reads metrics.
            biased;
            ended = connector.run() => anyhow::Ok(ended?),
            failed = pages(pages_listener, connectors) => failed,
        }
    })?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Serves the operator's pages, if they are wanted; ends only if they can't be.
async fn pages(
    listener: Option<std::net::TcpListener>,
    connectors: Connectors,
) -> anyhow::Result<()> {
    let Some(listener) = listener else { return std::future::pending().await };
    let listener = TcpListener::from_std(listener)?;
    tracing::info!("metrics at http://{}/metrics", listener.local_addr()?);
    admin::serve(listener, Pages::Connectors(connectors)).await;
    Ok(())
}

fn token(file: Option<&Path>) -> anyhow::Result<Token> {
    let text = match file {
        Some(file) => {
            fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?
        }
        None => match env::var("RTSTATS_ACTION_TOKEN") {
            Ok(text) => text,
            Err(_) => bail!(
                "the tenant's Action Request Token is missing: give --token-file FILE or RTSTATS_ACTION_TOKEN"
            ),
        },
    };
    let place = match file {
        Some(file) => format!("the first line of {}", file.display()),
        None => "RTSTATS_ACTION_TOKEN".to_owned(),
    };
    text.lines().next().unwrap_or_default().trim().parse().with_context(|| place)
}

/// The user's own folder for what programs keep; a service manager's where it gives one.
fn default_state(
    name: &ConnectionName,
    variable: impl Fn(&str) -> Option<PathBuf>,
) -> anyhow::Result<PathBuf> {
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let folder = absolute("STATE_DIRECTORY")
        .or_else(|| absolute("XDG_STATE_HOME").map(|folder| folder.join("rtstats")))
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state/rtstats")));
    let Some(folder) = folder else {
        bail!("there is no folder to keep numbers in: give --state FILE");
    };
    Ok(folder.join(format!("asterisk-{name}.json")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_in_the_nearest_folder_of_state() {
        let name: ConnectionName = "main".parse().unwrap();
        let place = |set: &[(&str, &str)]| {
            let find = |name: &str| set.iter().find(|(set, _)| *set == name);
            default_state(&name, |name| find(name).map(|(_, path)| PathBuf::from(path))).ok()
        };
        let home = ("HOME", "/h/u");
        let expected = |path: &str| Some(Path::new(path).to_owned());
        assert_eq!(place(&[home]), expected("/h/u/.local/state/rtstats/asterisk-main.json"));
        let xdg = ("XDG_STATE_HOME", "/s");
        assert_eq!(place(&[home, xdg]), expected("/s/rtstats/asterisk-main.json"));
        let service = ("STATE_DIRECTORY", "/var/lib/rtstats");
        assert_eq!(place(&[service, xdg]), expected("/var/lib/rtstats/asterisk-main.json"));
        assert_eq!(place(&[("XDG_STATE_HOME", "relative")]), None);
    }
}
