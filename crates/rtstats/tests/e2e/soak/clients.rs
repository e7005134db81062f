//! Those who read, watch and administer meanwhile, and those who get it wrong.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use crate::{
    browser::{Browser, PASSWORD},
    client::{Client, receive},
    live::Events,
    server::{AGENTS, EVENTS, QUEUES, STATE, STATUS},
};

/// Until it is evening.
pub struct Day<'a> {
    pub over: &'a AtomicBool,
    /// How long each client rests between two requests.
    pub rest: Duration,
}

impl Day<'_> {
    fn goes_on(&self) -> bool {
        thread::sleep(self.rest);
        !self.over.load(Ordering::Relaxed)
    }

    /// A wallboard of one's own: one connection, every document, asked again with what is known.
    pub fn poll(&self, reader: &Client) {
        let mut line = reader.connect();
        let paths = [
            format!("{AGENTS}.json"),
            QUEUES.to_owned(),
            format!("{AGENTS}.csv"),
            format!("{QUEUES}.json"),
            "/api/rtstats/stats/queue/101".to_owned(),
        ];
        let mut known = String::new();
        for (path, encoding) in paths
            .iter()
            .cycle()
            .zip(["gzip", "identity", "br", "zstd", "gzip", "identity", "gzip"].iter().cycle())
        {
            for asked_before in [false, true] {
                let headers = [("Accept-Encoding", *encoding), ("If-None-Match", &*known)];
                let headers = &headers[..1 + usize::from(asked_before)];
                reader.send(&mut *line, "GET", path, headers, b"").unwrap();
                let answer = receive(&mut *line, false).unwrap();
                assert!(matches!(answer.status, 200 | 304), "{path}: {}", answer.status);
                known = answer.header("etag").unwrap().to_owned();
            }
            if !self.goes_on() {
                return;
            }
        }
    }

    /// Each with a connection of its own, and most of them wrong.
    pub fn visit(&self, reader: &Client, sender: &Client, stranger: &Client) {
        let wrong = stranger.signed_in("acme", "wrong");
        let expected =
            |status: u16, answer: crate::client::Response| assert_eq!(answer.status, status);
        loop {
            expected(200, reader.get(AGENTS));
            expected(403, wrong.get(AGENTS));
            expected(401, stranger.get(QUEUES));
            expected(400, reader.get("/api/rtstats/stats/agents.yaml"));
            expected(404, reader.get("/api/rtstats/stats/agent/nobody.json"));
            expected(405, reader.post(QUEUES, "x"));
            expected(400, sender.post(EVENTS, "{\"time\":1,\"type\":\"nothing\"}\n"));
            expected(200, reader.get(STATUS));
            expected(200, sender.get(STATE));
            // A handshake that never ends well.
            drop(stranger.tcp().unwrap());
            if !self.goes_on() {
                return;
            }
        }
    }

    /// Watches the live feed, goes and comes back.
    pub fn watch(&self, reader: &Client, frames: usize) {
        let mut last = String::new();
        while !self.over.load(Ordering::Relaxed) {
            let back = [("Last-Event-ID", &*last)];
            let known = if last.is_empty() { &[][..] } else { &back };
            let mut events = Events::open(reader, known);
            for _ in 0..frames {
                let event = events.next().expect("the stream goes on");
                last = event.id.map_or_else(String::new, |id| id.to_string());
                if self.over.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    }

    /// Signs in, looks round and signs out; somebody else guesses.
    pub fn administer(&self, stranger: &Client, day: usize) {
        for turn in 0.. {
            let mut guesser = Browser::new(stranger.clone());
            let guessed =
                guesser.sign_in("acme", &format!("guess-{day}-{turn}"), "wrong horse battery");
            assert!(matches!(guessed.status, 403 | 429), "{}", guessed.text());
            let mut maria = Browser::new(stranger.clone());
            let entered = maria.sign_in("", "maria", PASSWORD);
            assert!(matches!(entered.status, 303 | 429), "{}", entered.text());
            if entered.status == 303 {
                for page in [
                    "/manager/tenants/acme",
                    "/manager/tenants/acme/agents",
                    "/manager/tenants/acme/activity",
                    "/manager/audit",
                ] {
                    // In short days a session of four hours without use may be over before the page is asked for.
                    let shown = maria.get(page);
                    assert!(matches!(shown.status, 200 | 303), "{page}: {}", shown.text());
                }
                let left = maria.post("/sign-out", &[]);
                assert!(matches!(left.status, 303 | 403), "{}", left.text());
            }
            for _ in 0..10 {
                if !self.goes_on() {
                    return;
                }
            }
        }
    }
}
