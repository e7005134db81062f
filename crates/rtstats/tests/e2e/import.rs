//! A queue_log into a server: it counts once, however often it is sent.

use std::process::Output;

use crate::{
    client::Client,
    server::{Folder, Server, now_ms, rtstats},
};

struct Import {
    folder: Folder,
    server: Server,
    action: String,
    log: std::path::PathBuf,
}

impl Import {
    fn run(&self, flags: &[&str]) -> Output {
        rtstats()
            .args(["import", "asterisk-queue-log", "--queue", "sales=101", "--tenant", "acme"])
            .args(["--to", &format!("https://localhost:{}", self.server.address.port())])
            .arg("--cacert")
            .arg(self.folder.path().join("tls/cert.pem"))
            .args(flags)
            .arg(&self.log)
            .env("RTSTATS_ACTION_TOKEN", &self.action)
            .output()
            .unwrap()
    }

    fn told(&self, flags: &[&str]) -> String {
        let output = self.run(flags);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{told}");
        told
    }
}

#[test]
fn a_fresh_server_is_filled_from_a_queue_log_and_counts_it_once() {
    let folder = Folder::new();
    let (data, action) = folder.tenant("acme", "UTC");
    let server = Server::start(&folder, &["--refresh-seconds", "0.1"]);
    let client: Client = server.client(&folder).signed_in("acme", &data);
    let log = folder.path().join("queue_log");
    let start = now_ms() / 1_000 - 120;
    let at = |second: i64| start + second;
    let lines = format!(
        "{}|NONE|NONE|NONE|QUEUESTART|\n\
         {}|c|sales|NONE|ENTERQUEUE||555|1\n\
         {}|c|sales|Ann|RINGNOANSWER|5000\n\
         {}|c|sales|Bob|CONNECT|12|d|4\n\
         {}|c|sales|Bob|COMPLETEAGENT|12|20|1\n\
         {}|w|sales|NONE|ENTERQUEUE||556|1\n",
        at(0),
        at(1),
        at(8),
        at(13),
        at(33),
        at(40)
    );
    std::fs::write(&log, lines).unwrap();
    let import = Import { folder, server, action, log };
    let told = import.told(&[]);
    assert!(told.contains(" 0 duplicates, 0 ignored"), "{told}");
    assert!(told.contains("\n1 queue, 2 agents\n"), "{told}");
    let again = import.told(&[]);
    assert!(again.contains("\n0 events accepted"), "{again}");
    let deadline = std::time::Instant::now() + crate::server::PATIENCE;
    let queue = loop {
        let answer = client.get("/api/rtstats/stats/queue/101.json");
        if answer.status == 200 {
            let queue = answer.json()["queue"].clone();
            if queue["queue-size"] == 1 {
                break queue;
            }
        }
        assert!(std::time::Instant::now() < deadline, "{}", import.server.log());
    };
    for (field, value) in [
        ("thirty-min-queued", 2),
        ("thirty-min-accepted", 1),
        ("thirty-min-avg-wait-time", 12),
        ("thirty-min-avg-duration", 20),
        ("agent-count-waitTransact", 2),
    ] {
        assert_eq!(queue[field], value, "{field} of {queue}");
    }
}

#[test]
fn a_refused_token_ends_it_and_leaves_the_state_to_try_again() {
    let folder = Folder::new();
    let (data, action) = folder.tenant("acme", "UTC");
    let server = Server::start(&folder, &[]);
    let log = folder.path().join("queue_log");
    std::fs::write(&log, "1000|c|sales|NONE|ENTERQUEUE||555|1\n").unwrap();
    let state = format!("--state={}", folder.path().join("state.json").display());
    let mut import = Import { folder, server, action: data, log };
    let refused = import.run(&[&state]);
    assert!(!refused.status.success());
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("Action Request Token"), "{told}");
    import.action = action;
    let told = import.told(&[&state]);
    assert!(told.contains("1 lines read by an earlier import already"), "{told}");
    assert!(told.contains("2 events accepted, 0 duplicates, 0 ignored"), "{told}");
}
