//! A server of the real binary on free ports, with a data folder of its own, and the commands beside it.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use crate::client::{Client, Response};

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Path of the agents' list, as most tests need it.
pub const AGENTS: &str = "/api/rtstats/stats/agents";
/// Path of the queues' list.
pub const QUEUES: &str = "/api/rtstats/stats/queues";
/// Path of ingest.
pub const EVENTS: &str = "/api/rtstats/events";
/// Path of the tenant's present state.
pub const STATE: &str = "/api/rtstats/state";
/// Path of the tenant's status.
pub const STATUS: &str = "/api/rtstats/status";

/// A data folder, and the commands on it.
pub struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    pub fn new() -> Folder {
        Folder { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn database(&self) -> PathBuf {
        self.path().join("rtstats.db")
    }

    /// Runs a command that ends by itself on this folder.
    pub fn command(&self, args: &[&str]) -> Output {
        rtstats().args(args).arg("--data").arg(self.path()).output().unwrap()
    }

    /// The same, and it must succeed; its standard output.
    pub fn succeed(&self, args: &[&str]) -> String {
        let output = self.command(args);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "rtstats {args:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Adds a tenant with both tokens: (data, action).
    pub fn tenant(&self, name: &str, zone: &str) -> (String, String) {
        self.succeed(&["tenant", "add", name, "--timezone", zone]);
        (self.token(name, "data"), self.token(name, "action"))
    }

    /// A new token.
    pub fn token(&self, name: &str, kind: &str) -> String {
        self.succeed(&["token", "new", name, kind]).trim().to_owned()
    }
}

/// The binary, without settings from the environment that the tests run in.
pub fn rtstats() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtstats"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RTSTATS_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// A server at work, killed when it is dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub admin: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    output: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server on the folder and waits until it is ready.
    pub fn start(folder: &Folder, flags: &[&str]) -> Server {
        let server = Server::start_recovering(folder, flags);
        server.wait_until_ready();
        server
    }

    /// Starts a server on the folder and waits until it listens.
    pub fn start_recovering(folder: &Folder, flags: &[&str]) -> Server {
        Server::start_by(rtstats(), folder, flags).unwrap_or_else(|ended| panic!("{ended}"))
    }

    /// The same by another command than the plain binary; where it ends instead, how, and what it said.
    pub fn start_by(
        mut command: Command,
        folder: &Folder,
        flags: &[&str],
    ) -> Result<Server, String> {
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .arg("--data")
            .arg(folder.path())
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (log, logging) = kept(child.stderr.take().unwrap());
        let (output, _) = kept(child.stdout.take().unwrap());
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                logging.join().unwrap();
                let lines = log.lock().unwrap().join("\n");
                return Err(format!("the server ended with {status}:\n{lines}"));
            }
            let lines = log.lock().unwrap().join("\n");
            if let (Some(address), Some(admin)) =
                (address_after(&lines, "serving http"), address_after(&lines, "pages at http"))
            {
                return Ok(Server { child, address, admin, log, output });
            }
            assert!(Instant::now() < deadline, "the server does not listen:\n{lines}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it has ended, or ends within this time.
    pub fn ends_within(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn process(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    pub fn wait_until_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.admin_page("/readyz").status != 200 {
            assert!(Instant::now() < deadline, "the server gets not ready:\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// One of the operator's pages.
    pub fn admin_page(&self, path: &str) -> Response {
        Client::plain(self.admin).get(path)
    }

    /// The value of a series on `/metrics`.
    pub fn metric(&self, series: &str) -> f64 {
        let page = self.admin_page("/metrics");
        let value =
            page.text().lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {series} in\n{}", page.text())).trim().parse().unwrap()
    }

    /// A client that trusts the folder's certificate.
    pub fn client(&self, folder: &Folder) -> Client {
        Client::tls(self.address, &folder.path().join("tls/cert.pem"))
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// The secret of the set-up link that the server prints while nobody is set up.
    pub fn set_up_secret(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let output = self.output.lock().unwrap().join("\n");
            if let Some((_, secret)) = output.split_once("/set-up#") {
                return secret.split_whitespace().next().unwrap().to_owned();
            }
            assert!(Instant::now() < deadline, "no set-up link in {output:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What the server has printed so far.
    pub fn output(&self) -> String {
        self.output.lock().unwrap().join("\n")
    }

    /// As `kill -9`, while others still hold the server.
    pub fn kill(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }

    /// SIGTERM; the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the server does not stop:\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
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

/// Keeps the lines as they come.
fn kept(
    from: impl std::io::Read + Send + 'static,
) -> (Arc<Mutex<Vec<String>>>, thread::JoinHandle<()>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let keep = lines.clone();
    let keeping = thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            keep.lock().unwrap().push(line);
        }
    });
    (lines, keeping)
}

/// The address in the first log line that holds `mark`.
fn address_after(lines: &str, mark: &str) -> Option<SocketAddr> {
    let line = lines.lines().find(|line| line.contains(mark))?;
    let address = line.split("://").nth(1)?.split('/').next()?;
    address.trim_end_matches(['"', '}']).parse().ok()
}

/// The server's clock, in epoch milliseconds.
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_millis() as i64
}
