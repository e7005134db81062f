//! Clients that close their half of the connection once they have asked, as `nc -N` does: they are answered.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConnection, StreamOwned, pki_types::ServerName};
use serde_json::json;

use crate::{
    client::{Client, Response, receive},
    documents::World,
    server::{AGENTS, EVENTS, Folder, PATIENCE, QUEUES, Server, now_ms},
};

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// How the half is closed.
#[derive(Debug, Clone, Copy)]
enum Close {
    /// By TLS, in the same write as the request.
    Notify,
    /// By TLS and then by TCP.
    NotifyAndFin,
    /// By TCP alone.
    Fin,
}
use Close::{Fin, Notify, NotifyAndFin};

fn shaken(client: &Client) -> Tls {
    let config = Arc::new(client.tls_config_with_alpn(b"http/1.1"));
    let session =
        ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
    let mut stream = StreamOwned::new(session, client.tcp().unwrap());
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).unwrap();
    }
    stream
}

impl Close {
    /// Sends the bytes in one piece, and closes.
    fn after(self, stream: &mut Tls, bytes: &[u8]) {
        stream.conn.set_buffer_limit(None);
        stream.conn.writer().write_all(bytes).unwrap();
        if !matches!(self, Fin) {
            stream.conn.send_close_notify();
        }
        let mut wire = Vec::new();
        while stream.conn.wants_write() {
            stream.conn.write_tls(&mut wire).unwrap();
        }
        stream.sock.write_all(&wire).unwrap();
        if !matches!(self, Notify) {
            stream.sock.shutdown(Shutdown::Write).unwrap();
        }
    }
}

fn request(client: &Client, method: &str, path: &str, body: &str) -> String {
    let (authorization, length) = (client.authorization(), body.len());
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

/// The connection ends at once: long before it would for being idle.
#[track_caller]
fn ends(stream: &mut impl Read) {
    let (begun, mut rest) = (Instant::now(), Vec::new());
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

fn event(number: usize) -> String {
    let transaction = format!("t{number}");
    json!({ "time": now_ms(), "type": "transaction.queued", "queue": 115, "transaction": transaction })
        .to_string()
}

#[test]
fn over_tls_each_request_is_answered_however_its_client_closes_its_half() {
    let world = World::new(&[]);
    let mut number = 0;
    for close in [Notify, NotifyAndFin, Fin] {
        for _ in 0..10 {
            number += 1;
            let mut stream = shaken(&world.action);
            close.after(
                &mut stream,
                request(&world.action, "POST", EVENTS, &event(number)).as_bytes(),
            );
            let answer =
                receive(&mut stream, false).unwrap_or_else(|error| panic!("{close:?}: {error}"));
            assert_eq!(answer.json(), json!({ "accepted": 1, "duplicates": 0, "ignored": [] }));
            ends(&mut stream);

            let mut stream = shaken(&world.data);
            close.after(&mut stream, request(&world.data, "GET", QUEUES, "").as_bytes());
            assert_eq!(receive(&mut stream, false).unwrap().status, 200, "{close:?}");
            ends(&mut stream);
        }
    }
    let log = world.folder.succeed(&["log", "acme"]);
    assert_eq!(log.matches("transaction.queued").count(), number, "what counts is answered");
}

#[test]
fn all_that_was_asked_before_is_answered_in_its_order() {
    let world = World::new(&[]);
    let asked = [
        request(&world.data, "GET", AGENTS, ""),
        request(&world.action, "POST", EVENTS, &event(1)),
        request(&world.data, "GET", QUEUES, ""),
    ];
    for close in [Notify, NotifyAndFin, Fin] {
        let mut stream = shaken(&world.data);
        close.after(&mut stream, asked.concat().as_bytes());
        let mut came = String::new();
        let _ = stream.read_to_string(&mut came);
        assert_eq!(came.matches("HTTP/1.1 200 OK\r\n").count(), 3, "{close:?}: {came}");
        let places = ["<agents", "\"accepted\":1", "<queues"].map(|mark| came.find(mark).unwrap());
        assert!(places.is_sorted(), "{came}");
    }
}

#[test]
fn behind_a_proxy_and_at_the_admin_pages_it_is_the_same() {
    let folder = Folder::new();
    let (_, action) = folder.tenant("acme", "UTC");
    let server = Server::start(&folder, &["--behind-proxy"]);
    let plain = Client::plain(server.address).signed_in("acme", &action);
    let ask = |client: &Client, request: &str| -> Response {
        let mut stream = client.tcp().unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = receive(&mut stream, false).unwrap();
        ends(&mut stream);
        answer
    };
    for number in 0..20 {
        let answer = ask(&plain, &request(&plain, "POST", EVENTS, &event(number)));
        assert_eq!(answer.json()["accepted"], 1, "{}", answer.text());
    }
    let admin = Client::plain(server.admin);
    assert_eq!(ask(&admin, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200);
}

#[test]
fn a_half_closed_connection_with_nothing_owed_ends_at_once() {
    let world = World::new(&["--limits-idle-timeout-seconds", "3600"]);
    for close in [Notify, NotifyAndFin, Fin] {
        let mut unused = shaken(&world.data);
        close.after(&mut unused, b"");
        ends(&mut unused);
        let mut kept = shaken(&world.data);
        // The second and third of the same are answered past hyper.
        for _ in 0..3 {
            world.data.send(&mut kept, "GET", QUEUES, &[], b"").unwrap();
            assert_eq!(receive(&mut kept, false).unwrap().status, 200);
        }
        close.after(&mut kept, b"");
        ends(&mut kept);
    }
}

#[test]
fn a_body_that_is_cut_short_keeps_nothing() {
    let world = World::new(&[]);
    let asked = request(&world.action, "POST", EVENTS, &event(1));
    for close in [Notify, NotifyAndFin, Fin] {
        let mut stream = shaken(&world.action);
        close.after(&mut stream, &asked.as_bytes()[..asked.len() - 1]);
        if let Ok(answer) = receive(&mut stream, false) {
            assert_eq!(answer.status, 400, "{}", answer.text());
        }
        ends(&mut stream);
    }
    assert!(!world.folder.succeed(&["log", "acme"]).contains("transaction.queued"));
}

/// A stream that hyper writes, since its client knows no chunks: that it has gone shows when writing fails.
#[test]
fn a_client_of_a_stream_that_has_gone_is_noticed() {
    let world = World::new(&["--limits-idle-timeout-seconds", "3600"]);
    let asked =
        request(&world.data, "GET", "/api/rtstats/live", "").replace("HTTP/1.1", "HTTP/1.0");
    let mut stream = shaken(&world.data);
    stream.write_all(asked.as_bytes()).unwrap();
    assert_eq!(figure_once(&world, |streams| streams == 1.0), 1.0);
    drop(stream);
    assert_eq!(figure_once(&world, |streams| streams == 0.0), 0.0);
}

/// Live streams that are open, once they are as expected.
fn figure_once(world: &World, expected: impl Fn(f64) -> bool) -> f64 {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let value = world.server.metric("rtstats_live_subscribers");
        if expected(value) || Instant::now() > deadline {
            return value;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
