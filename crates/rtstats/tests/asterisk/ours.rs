//! rtstats beside a PBX, over a line that can be cut: with the connector in the server, or as a process of its own.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

use crate::{
    client::Client,
    pbx::MOMENT,
    proxy::Proxy,
    server::{Folder, PATIENCE, Server, rtstats},
    watch::WRAP_UPS,
};

/// What the connector logs when it has compared the present state.
const FOLLOWING: &str = "the present state was compared; following";

/// Where the connector runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    InServer,
    Apart,
}

pub struct Ours {
    pub folder: Folder,
    pub config: String,
    server: Server,
    /// The connector where it runs apart.
    process: Option<Process>,
    /// Where the server listens: the same after a restart.
    port: u16,
    data: String,
}

impl Ours {
    pub fn start(proxy: &Proxy, place: Place) -> Ours {
        let folder = Folder::new();
        let (data, action) = folder.tenant("acme", "UTC");
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let secret = file("secret", "rtstats-secret\n");
        file("token", &format!("{action}\n"));
        let config = file("rtstats.toml", &section(proxy.port, &secret));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = serve(&folder, port, place, &config);
        let process = (place == Place::Apart).then(|| Process::start(&folder, port, &config));
        let ours = Ours { folder, config, server, process, port, data };
        ours.wait_until_following(1);
        ours
    }

    pub fn client(&self) -> Client {
        self.server.client(&self.folder).signed_in("acme", &self.data)
    }

    /// Calls that the connector knows to have happened unheard.
    pub fn missed(&self) -> i64 {
        let metrics = match &self.process {
            None => self.server.admin_page("/metrics"),
            Some(process) => process.pages().get("/metrics"),
        };
        let mark = "rtstats_connector_missed_calls_total{connector=\"main\"} ";
        let line = metrics.text().lines().find_map(|line| line.strip_prefix(mark));
        line.unwrap().parse().unwrap()
    }

    fn log(&self) -> String {
        self.process.as_ref().map_or_else(|| self.server.log(), Process::log)
    }

    /// How often the connector has compared the present state and follows.
    pub fn following(&self) -> usize {
        self.log().matches(FOLLOWING).count()
    }

    pub fn wait_until_following(&self, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.following() < times {
            assert!(Instant::now() < deadline, "rtstats follows not:\n{}", self.log());
            thread::sleep(MOMENT);
        }
    }

    /// As `kill -9`, and back.
    pub fn kill_and_start_again(&mut self) {
        self.server.kill();
        let place = if self.process.take().is_some() { Place::Apart } else { Place::InServer };
        self.server = serve(&self.folder, self.port, place, &self.config);
        if place == Place::Apart {
            self.process = Some(Process::start(&self.folder, self.port, &self.config));
        }
        self.wait_until_following(1);
    }
}

fn serve(folder: &Folder, port: u16, place: Place, config: &str) -> Server {
    let listen = format!("127.0.0.1:{port}");
    let mut flags = vec!["--listen", &listen, "--refresh-seconds", "0.1"];
    if place == Place::InServer {
        flags.extend(["--config", config]);
    }
    Server::start(folder, &flags)
}

/// The connection in the file.
fn section(port: u16, secret_file: &str) -> String {
    let mut text = format!(
        "[connect.asterisk.main]\ntenant = \"acme\"\naddress = \"127.0.0.1:{port}\"\n\
         username = \"rtstats\"\nsecret_file = \"{secret_file}\"\n"
    );
    for (number, (queue, wrap_up)) in WRAP_UPS.iter().enumerate() {
        text += &format!(
            "[connect.asterisk.main.queue.{queue}]\nnumber = {}\nwrap_up_seconds = {wrap_up}\n",
            101 + number
        );
    }
    text
}

/// `rtstats connect asterisk --to`, killed when it is dropped.
struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Process {
    fn start(folder: &Folder, port: u16, config: &str) -> Process {
        let path = |name: &str| folder.path().join(name);
        let mut child = rtstats()
            .args(["connect", "asterisk", "--config", config, "--name", "main"])
            .args(["--to", &format!("https://localhost:{port}"), "--admin-listen", "127.0.0.1:0"])
            .arg("--cacert")
            .arg(path("tls/cert.pem"))
            .arg("--token-file")
            .arg(path("token"))
            .arg("--state")
            .arg(path("names.json"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (log, from) = (Arc::new(Mutex::new(String::new())), child.stderr.take().unwrap());
        let kept = log.clone();
        thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                *kept.lock().unwrap() += &(line + "\n");
            }
        });
        Process { child, log }
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    fn pages(&self) -> Client {
        let log = self.log();
        let (_, place) = log.split_once("metrics at http://").unwrap();
        Client::plain(place.split('/').next().unwrap().parse().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
