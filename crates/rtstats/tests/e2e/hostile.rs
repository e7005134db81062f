//! A table of hostile requests: what each is answered, whether its connection ends, and that nothing else changes.

use std::io::{ErrorKind, Read, Write};

use crate::{
    client::{Response, Stream, receive},
    documents::World,
    server::{AGENTS, EVENTS, QUEUES},
};

/// What becomes of the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    /// It ends, and nothing more comes over it.
    Closes,
    /// It stays: a good request on it is answered.
    Stays,
}
use Then::{Closes, Stays};

/// One row of the table; `{d}` and `{a}` in the bytes stand for good credentials.
struct Row {
    name: &'static str,
    bytes: Vec<u8>,
    status: u16,
    then: Then,
}

fn row(name: &'static str, bytes: impl AsRef<[u8]>, status: u16, then: Then) -> Row {
    Row { name, bytes: bytes.as_ref().to_vec(), status, then }
}

const GOOD: &str = "Host: localhost\r\nAuthorization: {d}\r\n";
const SENDER: &str = "Host: localhost\r\nAuthorization: {a}\r\n";

/// What a smuggler wants: a second request that takes an agent away.
const SMUGGLED: &str = "POST /api/rtstats/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: {a}\r\n\
    Content-Length: 65\r\n\r\n{\"time\":1790000000001,\"type\":\"agent.removed\",\"agent\":\"j.doe\"}    \n";

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\n{GOOD}\r\n")
}

fn post(headers: &str, body: &str) -> String {
    format!("POST {EVENTS} HTTP/1.1\r\n{SENDER}{headers}\r\n{body}")
}

impl World {
    /// The table's row against the server: its answer, its connection's end, and all that must not change.
    #[track_caller]
    fn withstands(&self, row: &Row) {
        let before = self.documents();
        let mut stream = self.data.connect();
        let bytes = self.filled(&row.bytes);
        // The server may answer and close before all of it has gone out.
        let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
        let answer = receive(&mut *stream, false)
            .unwrap_or_else(|error| panic!("{}: no answer: {error}", row.name));
        assert_eq!(answer.status, row.status, "{}: {}", row.name, answer.text());
        if answer.status >= 400 {
            says_what_to_do(row.name, &answer);
        }
        match row.then {
            Closes => ends(row.name, &mut *stream),
            Stays => {
                self.data.send(&mut *stream, "GET", QUEUES, &[], b"").unwrap();
                let next = receive(&mut *stream, false).unwrap();
                assert!(next.text().contains("<queue-id>115<"), "{}: {next:?}", row.name);
            }
        }
        assert_eq!(self.documents(), before, "{} changed a document", row.name);
    }

    fn documents(&self) -> [Vec<u8>; 2] {
        [AGENTS, QUEUES].map(|path| {
            let answer = self.get(path);
            assert_eq!(answer.status, 200);
            answer.body
        })
    }

    fn filled(&self, bytes: &[u8]) -> Vec<u8> {
        let mut filled = bytes.to_vec();
        for (mark, with) in
            [("{d}", self.data.authorization()), ("{a}", self.action.authorization())]
        {
            while let Some(at) = memchr::memmem::find(&filled, mark.as_bytes()) {
                filled.splice(at..at + mark.len(), with.bytes());
            }
        }
        filled
    }

    #[track_caller]
    fn withstands_all(&self, rows: &[Row]) {
        rows.iter().for_each(|row| self.withstands(row));
        let log = self.folder.succeed(&["log", "acme"]);
        assert_eq!(log.lines().count(), 5, "the log holds what it held: {log}");
    }
}

/// Errors have a body in a format of the API that names the code and says something.
#[track_caller]
fn says_what_to_do(name: &str, answer: &Response) {
    let code = answer.status;
    let text = answer.text();
    let content_type = answer.header("content-type").unwrap_or_default();
    let said = match content_type.split(';').next() {
        Some("application/json") => {
            let body = answer.json();
            let error = &body["error"];
            // Malformed events are listed instead.
            body["errors"][0]["message"].is_string()
                || (error["code"] == code
                    && error["message"].as_str().is_some_and(|m| m.len() > 10))
        }
        Some("application/xml") => text.contains(&format!("<error><code>{code}</code><message>")),
        Some("text/html") => text.contains("<h1>"),
        other => panic!("{name}: {other:?}: {text}"),
    };
    assert!(said, "{name}: {text}");
}

/// Nothing more comes, and the connection ends.
#[track_caller]
fn ends(name: &str, stream: &mut dyn Stream) {
    let mut rest = Vec::new();
    match Read::read_to_end(stream, &mut rest) {
        Ok(_) => {}
        Err(error) => assert!(
            matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset),
            "{name}: {error}"
        ),
    }
    assert!(rest.is_empty(), "{name}: {}", String::from_utf8_lossy(&rest));
}

#[test]
fn paths_that_hide_something_are_refused_and_lead_nowhere() {
    let world = World::new(&[]);
    let stats = "/api/rtstats/stats";
    let long = format!("{stats}/agent/{}", "a".repeat(4_000));
    world.withstands_all(&[
        row("an encoded slash is part of an id", get(&format!("{stats}/agent/a%2Fb")), 404, Stays),
        row("an encoded slash splits nothing", get(&format!("{stats}%2Fagents")), 404, Stays),
        row("dots lead nowhere", get(&format!("{stats}/../stats/agents")), 404, Stays),
        row("encoded dots lead nowhere", get(&format!("{stats}/%2e%2e/agents")), 404, Stays),
        row("decoded once", get(&format!("{stats}/agent/%256a.doe")), 404, Stays),
        row("two slashes", get(&format!("/{stats}/agents")), 404, Stays),
        row("an empty step", get("/api/rtstats//stats/agents"), 404, Stays),
        row("a backslash", get("/api\\rtstats\\stats\\agents"), 404, Stays),
        row("an encoded NUL", get(&format!("{stats}/agent/%00")), 404, Stays),
        row(
            "an encoded NUL behind an id",
            get(&format!("{stats}/agent/j.doe%00.json")),
            404,
            Stays,
        ),
        row("an encoded line end", get(&format!("{stats}/agent/a%0d%0aSet-Cookie:x")), 404, Stays),
        row("an overlong slash", get(&format!("{stats}/agent/%c0%af")), 400, Stays),
        row("half a surrogate", get(&format!("{stats}/agent/%ed%a0%80")), 400, Stays),
        row("no hexadecimal digits", get(&format!("{stats}/agent/%zz")), 400, Stays),
        row("half an escape", get(&format!("{stats}/agent/%4")), 400, Stays),
        row("a script in an id", get(&format!("{stats}/agent/%3Cscript%3E")), 404, Stays),
        row(
            "a number beyond all bounds",
            get(&format!("{stats}/queue/{}", "9".repeat(40))),
            404,
            Stays,
        ),
        row(
            "digits of another script",
            get(&format!("{stats}/queue/%D9%A1%D9%A1%D9%A5")),
            400,
            Stays,
        ),
        row("a sign", get(&format!("{stats}/queue/+115")), 400, Stays),
        row("an asset out of its folder", get("/assets/../rtstats.db"), 404, Stays),
        row("a long id", get(&long), 404, Stays),
        row("a raw NUL", get(&format!("{stats}/agent/\0")), 400, Closes),
        row("raw UTF-8", get(&format!("{stats}/agent/Jöhn")), 404, Stays),
        row(
            "raw bytes that are no UTF-8",
            [b"GET /api/rtstats/stats/agent/\xff HTTP/1.1\r\n", GOOD.as_bytes(), b"\r\n"].concat(),
            400,
            Closes,
        ),
        row("a blank", get(&format!("{stats}/agent/a b")), 400, Closes),
        row("no path", format!("GET  HTTP/1.1\r\n{GOOD}\r\n"), 400, Closes),
        row("a name instead of a path", get("agents"), 400, Closes),
        row("its own address", get("http://localhost/api/rtstats/nothing"), 404, Stays),
        row("another server's address", get("http://example.com/api/rtstats/nothing"), 400, Closes),
        row("an address with a user", get("http://me@localhost/api/rtstats/nothing"), 400, Closes),
        row("a tunnel", format!("CONNECT example.com:443 HTTP/1.1\r\n{GOOD}\r\n"), 400, Closes),
        row("a trace", format!("TRACE {stats}/agents HTTP/1.1\r\n{GOOD}\r\n"), 405, Stays),
        row("all of the server", format!("OPTIONS * HTTP/1.1\r\n{GOOD}\r\n"), 404, Stays),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of requests reads best whole")]
fn what_could_be_two_requests_to_somebody_is_never_two_here() {
    let world = World::new(&[]);
    let chunks = |body: &str| format!("Transfer-Encoding: chunked\r\n\r\n{body}");
    let behind = |headers: &str| post(headers, SMUGGLED);
    world.withstands_all(&[
        row(
            "a length and chunks",
            behind("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
            400,
            Closes,
        ),
        row(
            "a length and chunks, which end at once",
            post(
                "Content-Length: 500\r\nTransfer-Encoding: chunked\r\n",
                &format!("0\r\n\r\n{SMUGGLED}"),
            ),
            200,
            Closes,
        ),
        row(
            "chunks and a length",
            post(
                "Transfer-Encoding: chunked\r\nContent-Length: 500\r\n",
                &format!("0\r\n\r\n{SMUGGLED}"),
            ),
            200,
            Closes,
        ),
        row("two lengths", behind("Content-Length: 0\r\nContent-Length: 5\r\n"), 400, Closes),
        row("two lengths in a line", behind("Content-Length: 0, 5\r\n"), 400, Closes),
        row("a length with a sign", behind("Content-Length: +0\r\n"), 400, Closes),
        row("a length below zero", behind("Content-Length: -1\r\n"), 400, Closes),
        row("a hexadecimal length", behind("Content-Length: 0x0\r\n"), 400, Closes),
        row("an empty length", behind("Content-Length: \r\n"), 400, Closes),
        row(
            "a length beyond all bounds",
            behind("Content-Length: 99999999999999999999\r\n"),
            400,
            Closes,
        ),
        row(
            "chunks that are not the last coding",
            behind("Transfer-Encoding: chunked, gzip\r\n"),
            400,
            Closes,
        ),
        row("an unknown coding", behind("Transfer-Encoding: xchunked\r\n"), 400, Closes),
        row("no coding", behind("Transfer-Encoding: identity\r\n"), 400, Closes),
        row("a coding behind a tab", behind("Transfer-Encoding:\tchunked, x\r\n"), 400, Closes),
        row(
            "chunks of HTTP/1.0",
            format!("POST {EVENTS} HTTP/1.0\r\n{SENDER}{}", chunks(SMUGGLED)),
            400,
            Closes,
        ),
        row(
            "a header folded over lines",
            behind("X-Folded: a\r\n b\r\nContent-Length: 0\r\n"),
            400,
            Closes,
        ),
        row("a length folded over lines", behind("Content-Length:\r\n 0\r\n"), 400, Closes),
        row("a blank before the colon", behind("Content-Length : 0\r\n"), 400, Closes),
        row("a blank before a header", behind(" Content-Length: 0\r\n"), 400, Closes),
        row("a name with a NUL", behind("Content\0Length: 0\r\n"), 400, Closes),
        row("a value with a NUL", behind("X-Nul: a\0b\r\nContent-Length: 0\r\n"), 400, Closes),
        row(
            "a bare CR in a value",
            behind("X-Bare: a\rContent-Length: 5\r\nContent-Length: 0\r\n"),
            400,
            Closes,
        ),
        row("a header without a colon", behind("Content-Length\r\n"), 400, Closes),
        row("an empty name", behind(": 0\r\n"), 400, Closes),
        row(
            "a chunk that is no number",
            post("Transfer-Encoding: chunked\r\n", "zz\r\n\r\n"),
            400,
            Closes,
        ),
        row(
            "a chunk beyond all bounds",
            post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n"),
            400,
            Closes,
        ),
        row(
            "a chunk with a sign",
            post("Transfer-Encoding: chunked\r\n", "+1\r\n\n\r\n0\r\n\r\n"),
            400,
            Closes,
        ),
        row(
            "a chunk that is longer than it says",
            post("Transfer-Encoding: chunked\r\n", "1\r\n\n\n\n\n\r\n0\r\n\r\n"),
            400,
            Closes,
        ),
        row(
            "a chunk ended by LF",
            post("Transfer-Encoding: chunked\r\n", "1\n\n\r\n0\r\n\r\n"),
            400,
            Closes,
        ),
        row(
            "a line end in a chunk's extension",
            post("Transfer-Encoding: chunked\r\n", "1;a\nb\r\n\n\r\n0\r\n\r\n"),
            400,
            Closes,
        ),
        row(
            "a chunk's extension",
            post("Transfer-Encoding: chunked\r\n", "1;a=b\r\n\n\r\n0\r\n\r\n"),
            200,
            Stays,
        ),
        row(
            "extensions without end",
            post(
                "Transfer-Encoding: chunked\r\n",
                &format!("1;{}\r\n\n\r\n0\r\n\r\n", "a".repeat(40_000)),
            ),
            400,
            Closes,
        ),
        row(
            "trailers without end",
            post(
                "Transfer-Encoding: chunked\r\n",
                &format!("0\r\nX: {}\r\n\r\n", "a".repeat(40_000)),
            ),
            400,
            Closes,
        ),
        row("another version", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400, Closes),
        row("a version to come", "GET / HTTP/9.9\r\nHost: a\r\n\r\n", 400, Closes),
        row("no version", "GET /\r\n\r\n", 400, Closes),
        row("a method that is none", format!("G\x01T / HTTP/1.1\r\n{GOOD}\r\n"), 400, Closes),
        row("another protocol's greeting", "SSH-2.0-x\r\n\r\n", 400, Closes),
        row(
            "an upgrade",
            format!("GET {QUEUES} HTTP/1.1\r\n{GOOD}Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
            200,
            Stays,
        ),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of requests reads best whole")]
fn headers_that_come_twice_decide_nothing() {
    let world = World::new(&[]);
    let get = |headers: &str| format!("GET {QUEUES} HTTP/1.1\r\n{headers}\r\n");
    world.withstands_all(&[
        row("no host", get("Authorization: {d}\r\n"), 400, Closes),
        row(
            "two hosts",
            get("Host: localhost\r\nHost: localhost\r\nAuthorization: {d}\r\n"),
            400,
            Closes,
        ),
        row(
            "two hosts that differ",
            get("Host: a\r\nHost: b\r\nAuthorization: {d}\r\n"),
            400,
            Closes,
        ),
        row("a host with a user", get("Host: me@localhost\r\nAuthorization: {d}\r\n"), 400, Closes),
        row("a host with a path", get("Host: localhost/x\r\nAuthorization: {d}\r\n"), 400, Closes),
        row("two hosts in a line", get("Host: a, b\r\nAuthorization: {d}\r\n"), 400, Closes),
        row(
            "good credentials twice",
            get("Host: a\r\nAuthorization: {d}\r\nAuthorization: {d}\r\n"),
            403,
            Stays,
        ),
        row(
            "bad credentials before good ones",
            get("Host: a\r\nAuthorization: Basic YTpi\r\nAuthorization: {d}\r\n"),
            403,
            Stays,
        ),
        row(
            "good credentials before bad ones",
            get("Host: a\r\nAuthorization: {d}\r\nAuthorization: Basic YTpi\r\n"),
            403,
            Stays,
        ),
        row("two in a line", get("Host: a\r\nAuthorization: {d}, {d}\r\n"), 403, Stays),
        row(
            "credentials that are no base64",
            get("Host: a\r\nAuthorization: Basic \u{e4}\r\n"),
            403,
            Stays,
        ),
        row(
            "credentials without a colon",
            get("Host: a\r\nAuthorization: Basic YWNtZQ==\r\n"),
            403,
            Stays,
        ),
        row(
            "a tenant with a NUL",
            get("Host: a\r\nAuthorization: Basic YWNtZQA6eA==\r\n"),
            403,
            Stays,
        ),
        row(
            "another scheme",
            get("Host: a\r\nAuthorization: Digest username=\"acme\"\r\n"),
            401,
            Stays,
        ),
        row("credentials for a proxy", get("Host: a\r\nProxy-Authorization: {d}\r\n"), 401, Stays),
        row(
            "two codings",
            post("Content-Encoding: gzip\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n", ""),
            415,
            Stays,
        ),
        row(
            "codings in a line",
            post("Content-Encoding: gzip, gzip\r\nContent-Length: 0\r\n", ""),
            415,
            Stays,
        ),
        row(
            "a length twice, the same",
            post("Content-Length: 0\r\nContent-Length: 0\r\n", ""),
            200,
            Stays,
        ),
    ]);
}

#[test]
fn what_is_too_large_is_refused_before_it_is_held() {
    let world = World::new(&[]);
    let large = "x".repeat(70_000);
    let many: String = (0..200).map(|number| format!("X-{number}: x\r\n")).collect();
    let bomb = |name, status, body: Vec<u8>, coding: &str| {
        let headers = format!("Content-Encoding: {coding}\r\nContent-Length: {}\r\n", body.len());
        let bytes = [post(&headers, "").into_bytes(), body].concat();
        row(name, bytes, status, Stays)
    };
    world.withstands_all(&[
        row("a path", get(&format!("/{large}")), 431, Closes),
        row("a query", get(&format!("{QUEUES}?{large}")), 431, Closes),
        row("a method", format!("{large} / HTTP/1.1\r\n{GOOD}\r\n"), 431, Closes),
        row(
            "a header's value",
            format!("GET {QUEUES} HTTP/1.1\r\n{GOOD}X: {large}\r\n\r\n"),
            431,
            Closes,
        ),
        row(
            "a header's name",
            format!("GET {QUEUES} HTTP/1.1\r\n{GOOD}{large}: x\r\n\r\n"),
            431,
            Closes,
        ),
        row(
            "credentials",
            format!("GET {QUEUES} HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {large}\r\n\r\n"),
            431,
            Closes,
        ),
        row(
            "a cookie",
            format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: a={large}\r\n\r\n"),
            431,
            Closes,
        ),
        row("200 headers", format!("GET {QUEUES} HTTP/1.1\r\n{GOOD}{many}\r\n"), 431, Closes),
        row(
            "a head without end",
            format!("GET {QUEUES} HTTP/1.1\r\n{GOOD}X: {large}"),
            431,
            Closes,
        ),
        row(
            "an announced body",
            post("Content-Length: 99999999999\r\nExpect: 100-continue\r\n", ""),
            413,
            Closes,
        ),
        bomb("a gzip bomb", 413, gzip(&vec![b' '; 64 << 20]), "gzip"),
        bomb("a zstd bomb", 413, zstd::encode_all(&*vec![b' '; 64 << 20], 19).unwrap(), "zstd"),
        bomb("a bomb of many members", 413, gzip(&vec![b'\n'; 1 << 20]).repeat(64), "gzip"),
        bomb("a bomb within a bomb", 400, gzip(&gzip(&vec![b' '; 64 << 20])), "gzip"),
        bomb("gzip that is none", 400, b"no such thing".to_vec(), "gzip"),
        bomb("a coding that is not taken", 415, b"x".to_vec(), "br"),
        bomb(
            "a deep value",
            400,
            format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)).into(),
            "identity",
        ),
    ]);
    let huge = vec![b'\n'; 17 << 20];
    let refused = world.action.post(EVENTS, huge);
    assert_eq!(refused.status, 413);
    assert_eq!(world.get(AGENTS).status, 200);
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}
