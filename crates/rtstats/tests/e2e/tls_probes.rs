//! What TLS is offered, probed from without by handshakes that are written by hand: no client's own scruples stand between.

use std::io::{Read, Write};

use crate::{
    client::Client,
    documents::World,
    server::{AGENTS, Folder, Server},
};

const TLS_1_0: u16 = 0x0301;
const TLS_1_2: u16 = 0x0303;
const TLS_1_3: u16 = 0x0304;

/// Suites offered at a time.
const OFFERED: usize = 4_096;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;

/// What the server says to a hello.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Hello {
        version: u16,
        suite: u16,
        compression: u8,
    },
    /// A fatal alert.
    No(u8),
    /// It closed without a word.
    Nothing,
}

fn u16_list(of: impl IntoIterator<Item = u16>) -> Vec<u8> {
    let bytes: Vec<u8> = of.into_iter().flat_map(u16::to_be_bytes).collect();
    prefixed_16(&bytes)
}

fn prefixed_16(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn extension(number: u16, body: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &prefixed_16(body)].concat()
}

/// A ClientHello (RFC 8446 §4.1.2) that offers these suites; `versions` stands in its extension if there are any.
fn hello(legacy: u16, versions: &[u16], suites: &[u16]) -> Vec<u8> {
    let mut extensions = [
        // Groups x25519 and P-256, points uncompressed, every usual signature.
        extension(10, &u16_list([29, 23])),
        extension(11, &[1, 0]),
        extension(
            13,
            &u16_list([0x0403, 0x0503, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0203, 0x0201]),
        ),
        extension(23, &[]),
    ]
    .concat();
    if !versions.is_empty() {
        let list: Vec<u8> = versions.iter().flat_map(|version| version.to_be_bytes()).collect();
        let len = u8::try_from(list.len()).unwrap();
        extensions.extend(extension(43, &[&[len], &*list].concat()));
        // No key yet: the server names suite and group, and asks again.
        extensions.extend(extension(51, &[0, 0]));
    }
    let suites = u16_list(suites.iter().copied());
    // Before TLS 1.3, which forbids it, compression is offered: DEFLATE before none.
    let compressions: &[u8] = if versions.contains(&TLS_1_3) { &[1, 0] } else { &[2, 1, 0] };
    let body = [
        &legacy.to_be_bytes()[..],
        &[7; 32],
        &[0],
        &suites,
        compressions,
        &prefixed_16(&extensions),
    ]
    .concat();
    let len = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[1], &len[1..], &body].concat();
    message
        .chunks(16_000)
        .flat_map(|part| [&[HANDSHAKE, 3, 1][..], &prefixed_16(part)].concat())
        .collect()
}

fn said(client: &Client, hello: &[u8]) -> Said {
    let mut stream = client.tcp().unwrap();
    // It may refuse before all of it has gone out.
    let _ = stream.write_all(hello);
    let mut head = [0; 5];
    if stream.read_exact(&mut head).is_err() {
        return Said::Nothing;
    }
    let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    stream.read_exact(&mut body).unwrap();
    match (head[0], body[0]) {
        (ALERT, 2) => Said::No(body[1]),
        (HANDSHAKE, SERVER_HELLO) => {
            let number = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
            let behind = 39 + usize::from(body[38]);
            Said::Hello { version: number(4), suite: number(behind), compression: body[behind + 2] }
        }
        other => panic!("{other:?}"),
    }
}

/// Every suite that the server takes: what it picks is offered no more, until it takes none.
fn taken(client: &Client, versions: &[u16]) -> Vec<u16> {
    let mut taken = Vec::new();
    let all: Vec<u16> = (0..=u16::MAX).collect();
    for part in all.chunks(OFFERED) {
        let mut offered = part.to_vec();
        while let Said::Hello { suite, compression, .. } =
            said(client, &hello(TLS_1_2, versions, &offered))
        {
            assert_eq!(compression, 0, "nothing is compressed");
            offered.retain(|other| *other != suite);
            taken.push(suite);
        }
    }
    taken.sort_unstable();
    taken
}

#[test]
fn old_versions_are_refused() {
    let world = World::new(&[]);
    let all: Vec<u16> = (0xc000..0xc0ff).chain(0x0001..0x00ff).collect();
    for version in [0x0002, 0x0300, TLS_1_0, 0x0302] {
        let said = said(&world.data, &hello(version, &[], &all));
        assert!(matches!(said, Said::No(_) | Said::Nothing), "{version:04x}: {said:?}");
        // Nor where they are asked for as TLS 1.3 asks.
        let said = self::said(&world.data, &hello(TLS_1_2, &[version], &all));
        assert!(matches!(said, Said::No(_) | Said::Nothing), "{version:04x}: {said:?}");
    }
    // SSL 2's hello has a form of its own, and is taken for what is no TLS.
    let mut stream = world.data.tcp().unwrap();
    stream.write_all(&[0x80, 0x1c, 1, 0, 2, 0, 3, 0, 0, 0, 16]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(world.get(AGENTS).status, 200);
}

/// With forward secrecy and authenticated encryption, every one; our own certificate's key is of ECDSA.
#[test]
fn of_all_suites_that_there_can_be_only_good_ones_are_taken() {
    let world = World::new(&[]);
    let aes_128_gcm = 0xc02b;
    let aes_256_gcm = 0xc02c;
    let chacha20 = 0xcca9;
    assert_eq!(taken(&world.data, &[]), [aes_128_gcm, aes_256_gcm, chacha20], "TLS 1.2");
    assert_eq!(taken(&world.data, &[TLS_1_3]), [0x1301, 0x1302, 0x1303], "TLS 1.3");
}

#[test]
fn torn_and_twisted_handshakes_take_nothing_down() {
    let world = World::new(&[]);
    let whole = hello(TLS_1_2, &[TLS_1_3], &[0x1301]);
    for at in (0..whole.len()).step_by(3) {
        let mut twisted = whole.clone();
        twisted[at] ^= 0xff;
        let mut stream = world.data.tcp().unwrap();
        let _ = stream.write_all(&twisted);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        // Whatever it says, it ends.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert_eq!(world.get(AGENTS).status, 200);
}

#[test]
fn browsers_are_told_to_insist_on_tls_where_the_certificate_is_to_be_trusted() {
    let folder = Folder::new();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("own.pem"), folder.path().join("own.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let paths = [certificate.to_str().unwrap(), key.to_str().unwrap()];
    let server = Server::start(&folder, &["--tls-certificate", paths[0], "--tls-key", paths[1]]);
    let page = Client::tls(server.address, &certificate).get("/sign-in");
    assert_eq!(page.header("strict-transport-security"), Some("max-age=31536000"));
    // Where it is self-signed, nobody could get past a browser's warning any more.
    let world = World::new(&[]);
    assert_eq!(
        world.server.client(&world.folder).get("/sign-in").header("strict-transport-security"),
        None
    );
}
