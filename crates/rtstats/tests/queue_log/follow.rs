//! Following a log that grows, rotates and is read again.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use crate::import::{command, counts};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The command as it follows a file.
struct Follower {
    child: Child,
    events: Receiver<String>,
    seen: String,
}

impl Follower {
    fn start(log: &Path, state: &Path) -> Follower {
        let mut child = command()
            .arg("--follow")
            .arg(log)
            .arg("--state")
            .arg(state)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, events) = channel();
        let stdout = child.stdout.take().unwrap();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Follower { child, events, seen: String::new() }
    }

    /// Waits for an event that holds both texts.
    fn wait_for(&mut self, kind: &str, transaction: &str) {
        loop {
            let event = self.events.recv_timeout(PATIENCE).unwrap_or_else(|_| {
                panic!("no {kind} of {transaction} came after:\n{}", self.seen)
            });
            self.seen += &format!("{event}\n");
            if event.contains(kind) && event.contains(&format!("\"{transaction}\"")) {
                return;
            }
        }
    }

    /// Ends it as an operator does; all events that it wrote.
    fn stop(mut self) -> String {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        self.seen.extend(self.events.iter().map(|event| event + "\n"));
        std::mem::take(&mut self.seen)
    }

    /// Ends it as a power cut does.
    fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.seen.extend(self.events.iter().map(|event| event + "\n"));
        std::mem::take(&mut self.seen)
    }
}

fn append(log: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(log).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn call(second: i64, id: &str) -> String {
    format!(
        "{second}|{id}|sales|NONE|ENTERQUEUE||555|1\n\
         {second}|{id}|sales|Ann|RINGNOANSWER|0\n\
         {second}|{id}|sales|Ann|CONNECT|0|x|0\n"
    )
}

#[test]
fn a_log_is_followed_over_rotations_and_restarts_and_each_event_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let (log, state) = (folder.path().join("queue_log"), folder.path().join("state.json"));
    append(&log, &call(1_000, "a"));
    let mut follower = Follower::start(&log, &state);
    follower.wait_for("accepted", "asterisk:a");
    // A line that is torn until its rest is written.
    append(&log, "1001|b|sales|NONE|ENTER");
    append(&log, &call(1_001, "b")["1001|b|sales|NONE|ENTER".len()..]);
    follower.wait_for("accepted", "asterisk:b");
    // Renamed, with a last line behind the renaming.
    let rotated = folder.path().join("queue_log.1");
    fs::rename(&log, &rotated).unwrap();
    append(&rotated, &call(1_002, "c"));
    File::create(&log).unwrap();
    append(&log, &call(1_003, "d"));
    follower.wait_for("accepted", "asterisk:d");
    let mut events = follower.stop();
    // Grown and renamed while nobody followed.
    append(&log, &call(1_004, "e"));
    fs::rename(&log, folder.path().join("queue_log.2")).unwrap();
    append(&log, &call(1_005, "f"));
    let mut follower = Follower::start(&log, &state);
    follower.wait_for("accepted", "asterisk:f");
    events += &follower.kill();
    let mut follower = Follower::start(&log, &state);
    append(&log, &call(1_006, "g"));
    follower.wait_for("accepted", "asterisk:g");
    // Copied and truncated; the first line is another one.
    fs::copy(&log, folder.path().join("queue_log.3")).unwrap();
    File::create(&log).unwrap();
    append(&log, &call(1_007, "h"));
    follower.wait_for("accepted", "asterisk:h");
    events += &follower.stop();
    let counts = counts(&events, 2_000_000);
    let find = |name: &str| counts.iter().find(|(known, _)| known == name).unwrap().1;
    assert_eq!(find("1 day-queued"), 8, "{events}");
    assert_eq!((find("\"Ann\" day-accepted-count"), find("\"Ann\" day-rejected-count")), (8, 8));
}

#[test]
fn lines_that_come_after_the_clock_was_set_back_count_too() {
    let folder = tempfile::tempdir().unwrap();
    let (log, state) = (folder.path().join("queue_log"), folder.path().join("state.json"));
    append(&log, &call(5_000, "a"));
    let mut follower = Follower::start(&log, &state);
    follower.wait_for("accepted", "asterisk:a");
    let mut events = follower.stop();
    append(&log, &call(1_400, "b"));
    append(&log, &call(5_001, "c"));
    let mut follower = Follower::start(&log, &state);
    follower.wait_for("accepted", "asterisk:c");
    events += &follower.stop();
    let counts = counts(&events, 6_000_000);
    assert_eq!(counts.iter().find(|(known, _)| known == "1 day-queued").unwrap().1, 3, "{events}");
}
