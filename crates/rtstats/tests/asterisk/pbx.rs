//! One running Asterisk with a configuration, ports and folders of its own.

use std::{
    fs,
    net::{TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    ami::{Ami, Tap},
    chroot::{Chroot, testbed},
};

/// How long to wait before looking again.
pub const MOMENT: Duration = Duration::from_millis(10);

/// Longer than anything takes that a story waits for, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// An Asterisk, killed when it is dropped.
pub struct Pbx {
    pub version: u32,
    pub ami_port: u16,
    /// The manager interface over TLS.
    pub tls_port: u16,
    pub sip_port: u16,
    /// The instance's folder as this process sees it.
    folder: PathBuf,
    chroot: Chroot,
    child: Child,
}

impl Pbx {
    /// Starts an instance and waits until its queues are there.
    pub fn start(chroot: &Chroot) -> Pbx {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let inside = format!("/srv/rtstats-{}-{number}", std::process::id());
        let folder = chroot.root.join(inside.trim_start_matches('/'));
        let ami_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let tls_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let sip_port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        for part in ["etc", "lib", "spool", "run", "log", "moh"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        configure(&folder, &inside, &[("AMI", ami_port), ("TLS", tls_port), ("SIP", sip_port)]);
        let child = spawn(chroot, &folder);
        let version = chroot.version;
        let chroot = chroot.clone();
        let pbx = Pbx { version, ami_port, tls_port, sip_port, folder, chroot, child };
        pbx.wait_until_ready();
        pbx
    }

    /// As `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again after `kill`; what it keeps on disk is still there.
    pub fn start_again(&mut self) {
        self.child = spawn(&self.chroot, &self.folder);
    }

    /// `core restart now`; waits until it went down, and helps one that hangs.
    pub fn restart_now(&mut self, ami: &Ami) {
        ami.act(&[("Action", "Command"), ("Command", "core restart now")]);
        let deadline = Instant::now() + PATIENCE;
        while !ami.is_closed() {
            if Instant::now() > deadline {
                println!("Asterisk {} hangs at its restart: killed", self.version);
                self.kill();
                self.start_again();
                return;
            }
            thread::sleep(MOMENT);
        }
    }

    /// Waits until it is fully booted: earlier it answers, but runs no dialplan.
    pub fn wait_until_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(ami) = self.try_connect("driver", "driver-secret", None)
                && ami.find(0, deadline, |packet| packet.is_event("FullyBooted")).is_some()
            {
                return;
            }
            assert!(Instant::now() < deadline, "Asterisk gets not ready:\n{}", self.log());
            thread::sleep(MOMENT);
        }
    }

    /// A connection that may drive and see everything.
    pub fn driver(&self) -> Ami {
        self.try_connect("driver", "driver-secret", None).unwrap()
    }

    /// A connection with the rights of rtstats.
    pub fn least(&self, tap: Option<Tap>) -> Ami {
        self.try_connect("rtstats", "rtstats-secret", tap).unwrap()
    }

    fn try_connect(&self, user: &str, secret: &str, tap: Option<Tap>) -> std::io::Result<Ami> {
        Ami::connect(self.ami_port, user, secret, tap)
    }

    /// The certificate of the manager interface, its own authority.
    pub fn certificate_path(&self) -> PathBuf {
        self.folder.join("etc/ami.crt")
    }

    pub fn queue_log_path(&self) -> PathBuf {
        self.folder.join("log/queue_log")
    }

    pub fn queue_log(&self) -> String {
        fs::read_to_string(self.queue_log_path()).unwrap_or_default()
    }

    /// What Asterisk complained of.
    pub fn log(&self) -> String {
        fs::read_dir(self.folder.join("log"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("messages"))
            .map(|path| fs::read_to_string(path).unwrap())
            .collect()
    }
}

impl Drop for Pbx {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::env::var_os("RTSTATS_TESTBED_KEEP").is_none() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// `-f`: it stays in the foreground, so that the process is the one to kill. It dies with the thread that started it,
/// so that none is left when a test is stopped from outside.
fn spawn(chroot: &Chroot, folder: &Path) -> Child {
    let inside = Path::new("/").join(folder.strip_prefix(&chroot.root).unwrap());
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "chroot"])
        .arg(&chroot.root)
        .args(["/usr/sbin/asterisk", "-f", "-C"])
        .arg(inside.join("etc/asterisk.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Writes the configuration, a certificate for TLS, a sound for music on hold, and the database of the realtime queue.
fn configure(folder: &Path, inside: &str, ports: &[(&str, u16)]) {
    for entry in fs::read_dir(testbed().join("etc")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replace("@DIR@", inside);
        let text = ports
            .iter()
            .fold(text, |text, (name, port)| text.replace(&format!("@{name}@"), &port.to_string()));
        fs::write(folder.join("etc").join(path.file_name().unwrap()), text).unwrap();
    }
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(folder.join("etc/ami.crt"), made.cert.pem()).unwrap();
    fs::write(folder.join("etc/ami.key"), made.signing_key.serialize_pem()).unwrap();
    fs::write(folder.join("moh/quiet.ulaw"), [0xff; 8_000]).unwrap();
    let database = rusqlite::Connection::open(folder.join("lib/realtime.sqlite3")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE queues (name TEXT PRIMARY KEY, strategy TEXT, timeout INTEGER,
                 retry INTEGER, ringinuse TEXT, joinempty TEXT, context TEXT, wrapuptime INTEGER);
             CREATE TABLE queue_members (uniqueid INTEGER PRIMARY KEY, queue_name TEXT,
                 interface TEXT, membername TEXT, state_interface TEXT, penalty INTEGER,
                 paused INTEGER, reason_paused TEXT, wrapuptime INTEGER);
             INSERT INTO queues VALUES
                 ('night', 'rrmemory', 4, 1, 'no', 'yes', 'leave-by-key', 1);
             INSERT INTO queue_members VALUES
                 (1, 'night', 'Local/agent08@agents/n', 'Night Eight', '', 0, 0, '', 0);",
        )
        .unwrap();
}
