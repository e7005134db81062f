//! TLS as clients meet it: versions, HTTP/2, certificates that change, a proxy in front.

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use crate::{
    client::{Client, receive},
    documents::World,
    server::{AGENTS, EVENTS, Folder, PATIENCE, QUEUES, Server},
};

#[test]
fn both_versions_of_tls_are_spoken() {
    let world = World::new(&[]);
    let certificate = world.folder.path().join("tls/cert.pem");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = Client::tls_with(world.server.address, &certificate, &[version]);
        assert_eq!(client.get(AGENTS).status, 401);
    }
}

#[test]
fn a_connection_stays_for_many_requests() {
    let world = World::new(&[]);
    let mut stream = world.data.connect();
    for _ in 0..20 {
        world.data.send(&mut *stream, "GET", QUEUES, &[], b"").unwrap();
        assert_eq!(receive(&mut *stream, false).unwrap().status, 200);
    }
}

type Sender = http2::SendRequest<Full<Bytes>>;

/// A connection on which HTTP/2 was agreed on.
async fn tls_stream(
    world: &World,
    config: rustls::ClientConfig,
) -> TokioIo<tokio_rustls::client::TlsStream<tokio::net::TcpStream>> {
    let stream = tokio::net::TcpStream::connect(world.server.address).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let tls = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = tls.connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    TokioIo::new(stream)
}

/// An HTTP/2 connection; what is done with it runs to its end.
fn over_http_2<F: Future<Output = ()>>(world: &World, work: impl FnOnce(Sender) -> F) {
    over_http_2_with(world, &http2::Builder::new(TokioExecutor::new()), work);
}

fn over_http_2_with<F: Future<Output = ()>>(
    world: &World,
    settings: &http2::Builder<TokioExecutor>,
    work: impl FnOnce(Sender) -> F,
) {
    let config = world.data.tls_config_with_alpn(b"h2");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tls_stream(world, config).await;
        let (sender, connection) = settings.handshake(stream).await.unwrap();
        tokio::spawn(connection);
        tokio::time::timeout(PATIENCE, work(sender)).await.unwrap();
    });
}

fn request(method: &str, path: &str, authorization: &str, body: Vec<u8>) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(format!("https://localhost{path}"))
        .header("authorization", authorization)
        .body(Full::new(body.into()))
        .unwrap()
}

#[test]
fn http_2_answers_many_requests_at_a_time() {
    let world = World::new(&[]);
    let authorization = world.data.authorization();
    over_http_2(&world, async |sender| {
        let mut answers = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let request = request("GET", &format!("{AGENTS}.json"), &authorization, Vec::new());
            let mut sender = sender.clone();
            answers.spawn(async move {
                let answer = sender.send_request(request).await.unwrap();
                assert_eq!(answer.status(), 200);
                answer.into_body().collect().await.unwrap().to_bytes()
            });
        }
        while let Some(body) = answers.join_next().await {
            assert!(body.unwrap().starts_with(b"{\"agent\":["));
        }
    });
}

#[test]
fn http_2_head_has_no_body_and_a_refused_post_has_its_answer() {
    let world = World::new(&[]);
    let authorization = world.data.authorization();
    over_http_2(&world, async |mut sender| {
        let head = request("HEAD", AGENTS, &authorization, Vec::new());
        let answer = sender.send_request(head).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.headers()["content-length"] != "0");
        assert!(answer.into_body().collect().await.unwrap().to_bytes().is_empty());
        // The data token opens no ingest; the body is larger than what fits into the window at once.
        let post = request("POST", EVENTS, &authorization, vec![b'\n'; 3 << 20]);
        let answer = sender.send_request(post).await.unwrap();
        assert_eq!(answer.status(), 403);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(b"{\"error\":{\"code\":403"));
    });
}

#[test]
fn a_body_that_is_far_too_large_has_its_413_over_http_2() {
    let world = World::new(&[]);
    let authorization = world.action.authorization();
    over_http_2(&world, async |mut sender| {
        let post = request("POST", EVENTS, &authorization, vec![b'\n'; 40 << 20]);
        let answer = sender.send_request(post).await.unwrap();
        assert_eq!(answer.status(), 413);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(b"{\"error\":{\"code\":413"));
    });
}

#[test]
fn pings_keep_no_http_2_connection() {
    let world = World::new(&["--limits-idle-timeout-seconds", "1"]);
    let config = world.data.tls_config_with_alpn(b"h2");
    let authorization = world.data.authorization();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tls_stream(&world, config).await;
        let handshake = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_millis(100))
            .keep_alive_while_idle(true)
            .handshake(stream);
        let (mut sender, connection) = handshake.await.unwrap();
        let connection = tokio::spawn(connection);
        let get = request("GET", AGENTS, &authorization, Vec::new());
        let answered = Instant::now();
        assert_eq!(sender.send_request(get).await.unwrap().status(), 200);
        let ended = tokio::time::timeout(PATIENCE / 2, connection).await;
        assert!(ended.is_ok(), "the connection stays");
        assert!(answered.elapsed() >= Duration::from_secs(1), "{:?}", answered.elapsed());
    });
}

#[test]
fn an_http_2_stream_outlives_the_times_that_others_keep_and_says_why_it_ends() {
    let world = World::new(&[
        "--limits-idle-timeout-seconds",
        "0.5",
        "--limits-write-timeout-seconds",
        "0.5",
    ]);
    let authorization = world.data.authorization();
    over_http_2(&world, async |mut sender| {
        let get = request("GET", "/api/rtstats/live", &authorization, Vec::new());
        let answer = sender.send_request(get).await.unwrap();
        assert_eq!(answer.status(), 200);
        let (mut body, mut text) = (answer.into_body(), String::new());
        // Frames of a quiet feed come further apart than those times are long.
        while text.matches("event: change").count() < 2 {
            let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
            text += std::str::from_utf8(&data).unwrap();
        }
        assert!(text.starts_with("retry: "), "{text}");
        assert!(text.contains("event: full"), "{text}");
        let lists = request("GET", AGENTS, &authorization, Vec::new());
        assert_eq!(sender.send_request(lists).await.unwrap().status(), 200, "beside the stream");
        world.folder.token("acme", "data");
        let rest = body.collect().await.unwrap().to_bytes();
        assert!(rest.ends_with(b"event: bye\ndata: {\"reason\":\"revoked\"}\n\n"));
    });
}

#[test]
fn an_http_2_client_that_takes_nothing_is_closed() {
    let world = World::new(&["--limits-write-timeout-seconds", "1"]);
    let authorization = world.data.authorization();
    let mut settings = http2::Builder::new(TokioExecutor::new());
    settings.initial_stream_window_size(0);
    over_http_2_with(&world, &settings, async |mut sender| {
        let get = request("GET", AGENTS, &authorization, Vec::new());
        let answer = sender.send_request(get).await.unwrap();
        assert_eq!(answer.status(), 200);
        let cut_off = answer.into_body().frame().await;
        assert!(cut_off.is_none_or(|frame| frame.is_err()));
    });
}

#[test]
fn a_changed_certificate_is_taken_without_dropping_connections() {
    let world = World::new(&[]);
    let mut open = world.data.connect();
    let folder = world.folder.path().join("tls");
    let old = std::fs::read(folder.join("cert.pem")).unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    assert_ne!(old, std::fs::read(folder.join("cert.pem")).unwrap());
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Trusts the new certificate alone.
        let answer = world.server.client(&world.folder).try_get(AGENTS);
        if answer.is_ok_and(|answer| answer.status == 401) {
            break;
        }
        assert!(Instant::now() < deadline, "the new certificate is not taken");
        std::thread::sleep(Duration::from_millis(100));
    }
    world.data.send(&mut *open, "GET", QUEUES, &[], b"").unwrap();
    assert_eq!(receive(&mut *open, false).unwrap().status, 200);
}

#[test]
fn behind_a_proxy_it_speaks_plain_http() {
    let folder = Folder::new();
    let (data, _) = folder.tenant("acme", "UTC");
    let server = Server::start(&folder, &["--behind-proxy"]);
    let client = Client::plain(server.address).signed_in("acme", &data);
    assert_eq!(client.get(AGENTS).status, 200);
    assert!(!folder.path().join("tls").exists(), "no certificate is made that nobody uses");
}

#[test]
fn curl_reads_it_with_the_certificate_of_the_data_folder() {
    let world = World::new(&[]);
    let token = world.folder.token("acme", "data");
    let certificate = world.folder.path().join("tls/cert.pem");
    let url = format!("https://localhost:{}{QUEUES}", world.server.address.port());
    let curl = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--max-time", "20", "--cacert"])
        .arg(&certificate)
        .args(["--user", &format!("acme:{token}"), &url])
        .output();
    match curl {
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{told}");
            assert!(output.stdout.starts_with(b"<?xml"));
        }
        Err(error) if std::env::var_os("CI").is_some() => panic!("curl can't be run: {error}"),
        Err(error) => eprintln!("skipped: curl can't be run: {error}"),
    }
}
