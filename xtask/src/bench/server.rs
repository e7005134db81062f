//! The server under test: its own process, on loopback, with data in a folder of the benchmark.

use std::ffi::OsStr;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::halves::{self, Halves};
use super::{free_address, status_of};
use crate::load::target::Address;

/// A little more than the server's default refresh: after it, documents show what was posted.
pub const REFRESH: Duration = Duration::from_secs(12);

/// How long a start may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running `rtstats serve`; it is killed when this is dropped.
pub struct Server {
    child: Child,
    listen: SocketAddr,
    /// Where its metrics are.
    pub admin: SocketAddr,
    /// From the start of the process to the first `200` of `/readyz`.
    pub start: Duration,
}

impl Server {
    /// Starts the server and waits until it is ready.
    pub fn start(binary: &Path, data: &Path) -> Result<Server> {
        Server::start_by(Command::new(binary), data, &[])
    }

    /// Starts the server with settings from the environment, as `REFRESH_SECONDS`.
    pub fn start_set(binary: &Path, data: &Path, settings: &[(&str, &str)]) -> Result<Server> {
        let mut command = Command::new(binary);
        command.envs(settings.iter().map(|(name, value)| (format!("RTSTATS_{name}"), value)));
        Server::start_by(command, data, &[])
    }

    /// Starts the server on its half of the processors, if there are halves.
    pub fn start_on_half(binary: &Path, data: &Path, halves: Option<&Halves>) -> Result<Server> {
        Server::start_by(Halves::server(halves, binary), data, &[])
    }

    /// Starts the server on one core alone, with a configuration.
    pub fn start_on_core(binary: &Path, data: &Path, core: usize, config: &Path) -> Result<Server> {
        let command = halves::on(&core.to_string(), binary);
        Server::start_by(command, data, &["--config".as_ref(), config.as_os_str()])
    }

    fn start_by(mut command: Command, data: &Path, flags: &[&OsStr]) -> Result<Server> {
        let (listen, admin) = (free_address()?, free_address()?);
        let log = data.join("bench-server.log");
        let begin = Instant::now();
        let shown = format!("{command:?}");
        let child = command
            .arg("serve")
            .args(flags)
            .arg("--data")
            .arg(data)
            .args(["--listen", &listen.to_string(), "--admin-listen", &admin.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| format!("cannot start {shown}"))?;
        let mut server = Server { child, listen, admin, start: Duration::ZERO };
        while status_of(admin, "/readyz") != Some(200) {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended with {status}:\n{}", text(&log));
            }
            ensure!(begin.elapsed() < PATIENCE, "the server isn't ready:\n{}", text(&log));
            std::thread::sleep(Duration::from_millis(2));
        }
        server.start = begin.elapsed();
        Ok(server)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kill −9, and the process is gone.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Where a load goes.
    pub fn address(&self, path: &str, tenant: &str, token: &str) -> Address {
        Address {
            url: format!("https://{}{path}", self.listen),
            user: Some(format!("{tenant}:{token}")),
            cacert: None,
            insecure: true,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(log: &Path) -> String {
    std::fs::read_to_string(log).unwrap_or_default()
}

/// A tenant and its two tokens.
pub struct Tenant {
    pub name: String,
    pub data: String,
    pub action: String,
}

impl Tenant {
    /// Adds a tenant to a data folder, whether a server runs on it or not.
    pub fn add(binary: &Path, data: &Path, name: &str) -> Result<Tenant> {
        rtstats(binary, data, &["tenant", "add", name, "--timezone", "Etc/UTC"])?;
        let data_token = rtstats(binary, data, &["token", "new", name, "data"])?;
        let action = rtstats(binary, data, &["token", "new", name, "action"])?;
        Ok(Tenant { name: name.to_owned(), data: data_token, action })
    }
}

/// Runs a command of the binary and returns what it printed.
fn rtstats(binary: &Path, data: &Path, arguments: &[&str]) -> Result<String> {
    let shown = || format!("{} {}", binary.display(), arguments.join(" "));
    let output = Command::new(binary).args(arguments).arg("--data").arg(data).output();
    let output = output.with_context(shown)?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {errors}", shown());
    Ok(String::from_utf8(output.stdout).with_context(shown)?.trim().to_owned())
}
