//! Live streams beyond their bounds: one more than a login or a tenant may have open, and a reader that takes nothing.

use std::time::{Duration, Instant};

use crate::{
    browser::Browser,
    client::{Client, Response},
    live::Events,
    server::{Folder, PATIENCE, QUEUES, Server},
};

const LIVE: &str = "/api/rtstats/live";

/// Two tenants, each with a token; a screen is signed in to the first.
struct World {
    folder: Folder,
    server: Server,
    acme: Client,
    beta: Client,
    screen: Browser,
}

impl World {
    fn new(flags: &[&str]) -> World {
        let folder = Folder::new();
        let tokens = ["acme", "beta"].map(|name| folder.tenant(name, "UTC").0);
        let server = Server::start(&folder, flags);
        let client = server.client(&folder);
        let mut screen = Browser::new(client.clone());
        let fields = [("way", "viewer"), ("viewed", "acme"), ("token", &*tokens[0])];
        assert_eq!(screen.post("/sign-in", &fields).status, 303);
        let [acme, beta] = [("acme", &tokens[0]), ("beta", &tokens[1])]
            .map(|(name, it)| client.signed_in(name, it));
        World { folder, server, acme, beta, screen }
    }

    /// Waits until so many streams are open.
    fn open_streams(&self, count: usize) {
        let line = format!("rtstats_live_subscribers {count}\n");
        let deadline = Instant::now() + PATIENCE;
        while !self.server.admin_page("/metrics").text().contains(&line) {
            assert!(Instant::now() < deadline, "there are never {count} streams");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn is_refused(answer: &Response, whose: &str, setting: &str) {
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("5")));
    let error = &answer.json()["error"];
    assert_eq!(error["code"], 429);
    let told = format!(
        "This {whose} has 2 live streams open, as many as it may (limits.{setting}). Close some, then ask again."
    );
    assert_eq!(error["message"], told);
}

fn begins(client: &Client) -> Events {
    let mut events = Events::open(client, &[]);
    assert!(events.next().is_some(), "a stream begins with the whole table");
    events
}

#[test]
fn a_login_has_so_many_streams_and_whoever_else_comes_has_its_own() {
    let mut world = World::new(&["--limits-live-streams-per-login-max", "2"]);
    let mut streams = vec![begins(&world.acme), begins(&world.acme)];
    is_refused(&world.acme.get(LIVE), "token or session", "live_streams_per_login_max");
    assert_eq!(world.acme.get(QUEUES).status, 200, "what is no stream goes on");
    assert_eq!(world.acme.request("HEAD", LIVE, &[], b"").status, 200);
    assert_eq!(world.screen.get(LIVE).status, 200, "another login to the tenant");
    drop(begins(&world.beta));
    world.open_streams(2);

    streams.pop();
    world.open_streams(1);
    streams.push(begins(&world.acme));
    is_refused(&world.acme.get(LIVE), "token or session", "live_streams_per_login_max");
}

#[test]
fn a_tenant_has_so_many_streams_whoever_opens_them_and_others_are_untouched() {
    let mut world = World::new(&["--limits-live-streams-per-tenant-max", "2"]);
    let _streams = [begins(&world.acme), begins(&world.acme)];
    is_refused(&world.acme.get(LIVE), "tenant", "live_streams_per_tenant_max");
    is_refused(&world.screen.get(LIVE), "tenant", "live_streams_per_tenant_max");
    let _others = [begins(&world.beta), begins(&world.beta)];
    is_refused(&world.beta.get(LIVE), "tenant", "live_streams_per_tenant_max");
}

#[test]
fn however_a_stream_ends_its_room_is_free() {
    let flags = ["--limits-live-streams-per-tenant-max", "1"];
    let mut world = World::new(&flags);
    // Its client goes: hyper writes an HTTP/1.0 stream, which knows no chunks.
    let asked = format!(
        "GET {LIVE} HTTP/1.0\r\nHost: localhost\r\nAuthorization: {}\r\n\r\n",
        world.acme.authorization()
    );
    let mut old = world.acme.connect();
    old.write_all(asked.as_bytes()).unwrap();
    old.flush().unwrap();
    world.open_streams(1);
    assert_eq!(world.acme.get(LIVE).status, 429);
    drop(old);
    world.open_streams(0);
    // The server ends it.
    let mut revoked = begins(&world.acme);
    let token = world.folder.token("acme", "data");
    while revoked.next().is_some() {}
    world.open_streams(0);
    world.acme = world.server.client(&world.folder).signed_in("acme", &token);
    drop(begins(&world.acme));
    world.open_streams(0);
    assert_eq!(world.acme.get(LIVE).status, 200);
}
