//! With a client of its own kind at the other end: repeated answers are what hyper would have given.

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::ready,
    time::Duration,
};

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex},
    task::JoinSet,
};

use super::{
    super::frame::{DATA, END_HEADERS},
    incoming::PREFACE_BYTES,
    *,
};

/// Small, so that answers go out in parts.
const PIPE_BYTES: usize = 20_000;

const PATHS: [&str; 6] =
    ["/again/a", "/again/long", "/again/b?x=1", "/again/none", "/once", "/again/longer"];

fn body(path: &str) -> Bytes {
    match path {
        "/again/long" => Bytes::from("0123456789".repeat(4_000)),
        "/again/longer" => Bytes::from("0123456789".repeat(40_000)),
        "/again/none" => Bytes::new(),
        path => Bytes::from(format!("this is {path}")),
    }
}

fn answer_to(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path_and_query().map_or("", |it| it.as_str());
    let mut answer = Response::new(Full::new(body(path)));
    if path == "/again/none" {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let tag = header::HeaderValue::try_from(format!("\"{}\"", path.len())).unwrap();
    answer.headers_mut().insert(header::ETAG, tag);
    // What depends on the question beside its path.
    let of = |name: &str| request.headers().get(name).cloned();
    if let Some(language) = of("accept-language") {
        answer.headers_mut().insert(header::CONTENT_LANGUAGE, language);
    }
    answer
}

/// Serves a connection to its end, with repeats or without.
async fn serve(stream: DuplexStream, repeats: Option<Arc<AtomicUsize>>) {
    let stream = Gathered::new(stream);
    let told = Told::<String>::default();
    let judge = move |path: &String| {
        repeats.as_ref()?.fetch_add(1, Ordering::Relaxed);
        Some(body(path))
    };
    let repeats = Repeats::new(stream.clone(), told.clone(), judge);
    let service = service_fn(move |request: Request<Incoming>| {
        let (number, told) = (told.asked(), told.clone());
        async move {
            let answer = answer_to(&request);
            let path = request.uri().path_and_query().map_or("", |it| it.as_str()).to_owned();
            let bare = request.method() == Method::GET;
            if path == "/once" {
                tokio::task::yield_now().await;
            }
            if bare && path.starts_with("/again") {
                told.answered(number, &answer, path);
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(repeats), service);
    let mut connection = pin!(connection);
    poll_fn(|context| {
        let ended = connection.as_mut().poll(context);
        let _ = stream.poll_send(context);
        ended
    })
    .await
    .unwrap();
}

/// One question: which, how, and whether its answer is read.
#[derive(Debug, Clone, Copy)]
struct Asked {
    path: usize,
    posts: bool,
    language: u8,
    drops: bool,
}

fn asks(path: usize) -> Asked {
    Asked { path, posts: false, language: 0, drops: false }
}

fn request(asked: Asked) -> Request<Either> {
    let builder = Request::builder().uri(format!("https://x{}", PATHS[asked.path]));
    let builder = match asked.language {
        0 => builder,
        which => builder.header("accept-language", format!("l{which}")),
    };
    // As clients send credentials: never in the table.
    let mut secret = header::HeaderValue::from_static("Basic eDp5");
    secret.set_sensitive(true);
    let builder = builder.header(header::AUTHORIZATION, secret);
    if asked.posts {
        return builder.method("POST").body(Either::Right(Full::from("hello"))).unwrap();
    }
    builder.body(Either::Left(Empty::new())).unwrap()
}

type Either = http_body_util::Either<Empty<Bytes>, Full<Bytes>>;

type Came = Option<(StatusCode, Vec<(String, String)>, Bytes)>;

/// What comes to rounds of questions, those of a round all at once.
async fn ask(rounds: &[Vec<Asked>], window: u32, repeats: Option<Arc<AtomicUsize>>) -> Vec<Came> {
    let (client, server) = duplex(PIPE_BYTES);
    let serving = tokio::spawn(serve(server, repeats));
    let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(window)
        .initial_connection_window_size(window.max(65_535))
        .handshake(TokioIo::new(client))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let mut came = Vec::new();
    // A last one, so that the server has heard by then which answers nobody wants.
    let last = vec![asks(4)];
    for round in rounds.iter().chain([&last]) {
        let mut all = JoinSet::new();
        for (place, asked) in round.iter().copied().enumerate() {
            let mut sender = sender.clone();
            all.spawn(async move {
                let answer = sender.send_request(request(asked)).await.unwrap();
                if asked.drops {
                    return (place, None);
                }
                let (head, body) = answer.into_parts();
                let headers = head.headers.iter().filter(|(name, _)| *name != header::DATE);
                let text = |value: &header::HeaderValue| value.to_str().unwrap().to_owned();
                let mut headers: Vec<_> =
                    headers.map(|(name, value)| (name.to_string(), text(value))).collect();
                headers.sort();
                assert!(head.headers.contains_key(header::DATE));
                let body = body.collect().await.unwrap().to_bytes();
                (place, Some((head.status, headers, body)))
            });
        }
        let mut answers = all.join_all().await;
        answers.sort_by_key(|(place, _)| *place);
        came.extend(answers.into_iter().map(|(_, came)| came));
    }
    drop(sender);
    connection.await.unwrap().unwrap();
    serving.await.unwrap();
    came
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn the_same_question_is_answered_without_hyper_from_the_third_time_on() {
    // The first time its headers enter the table.
    let (a, long, longer) = (asks(0), asks(1), asks(5));
    let in_french = Asked { language: 1, ..a };
    let posted = Asked { posts: true, ..a };
    for (rounds, window, expected) in [
        (vec![vec![a]; 5], 1 << 20, 3),
        (vec![vec![long]; 5], 1 << 20, 3),
        (vec![vec![longer]; 8], 1 << 20, 6),
        (vec![vec![longer]; 4], 65_535, 0),
        (vec![vec![asks(3)]; 5], 65_535, 3),
        (vec![vec![asks(4)]; 5], 65_535, 0),
        // All of a round at once: the second of the first adds nothing to the table.
        (vec![vec![a, long], vec![a, long], vec![long, a], vec![a, a, a]], 1 << 20, 6),
        (vec![vec![a], vec![a], vec![in_french], vec![a], vec![in_french], vec![a]], 1 << 20, 1),
        (vec![vec![a], vec![a], vec![posted], vec![posted], vec![a], vec![a]], 1 << 20, 2),
    ] {
        let repeated = Arc::new(AtomicUsize::new(0));
        let (own, hypers) = block_on(async {
            (ask(&rounds, window, Some(repeated.clone())).await, ask(&rounds, window, None).await)
        });
        assert!(own == hypers, "{rounds:?}");
        assert_eq!(repeated.load(Ordering::Relaxed), expected, "{rounds:?} with {window}");
    }
}

/// A whole frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let head = Head { length: payload.len(), kind, flags, stream };
    [&head.bytes()[..], payload].concat()
}

fn question(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, b"\x82")
}

type Judge = Box<dyn Fn(&()) -> Option<Bytes>>;

/// A stream whose every question has one answer, of 60 000 bytes.
fn of_one_answer<S>(
    stream: &Gathered<S>,
    told: &Told<()>,
) -> (Repeats<S, (), Judge>, Response<Full<Bytes>>) {
    let body = Bytes::from(vec![7; 60_000]);
    let answer = Response::new(Full::new(body.clone()));
    let judge: Judge = Box::new(move |()| Some(body.clone()));
    (Repeats::new(stream.clone(), told.clone(), judge), answer)
}

#[tokio::test(start_paused = true)]
async fn hyper_reads_and_writes_while_an_answer_waits_to_be_taken() {
    const PING: u8 = 6;
    let (mut client, server) = duplex(PIPE_BYTES);
    let (stream, told) = (Gathered::new(server), Told::default());
    let (mut repeats, answer) = of_one_answer(&stream, &told);
    let (ping, pong) = (frame(PING, 0, 0, &[1; 8]), frame(PING, ACK, 0, &[1; 8]));
    let window = frame(WINDOW_UPDATE, 0, 0, &(1_u32 << 24).to_be_bytes());
    let talk = async {
        let first = [vec![0; PREFACE_BYTES], window, question(1)].concat();
        client.write_all(&first).await.unwrap();
        repeats.read_exact(&mut vec![0; first.len()]).await.unwrap();
        told.answered(told.asked(), &answer, ());
        let head = frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\x88");
        repeats.write_all(&head).await.unwrap();
        client.write_all(&[question(3), ping.clone()].concat()).await.unwrap();
        let mut came = vec![0; ping.len()];
        repeats.read_exact(&mut came).await.unwrap();
        assert_eq!(came, ping);
        let writing = async {
            repeats.write_all(&pong).await.unwrap();
            repeats.flush().await.unwrap();
            poll_fn(|context| stream.poll_send(context)).await.unwrap();
        };
        let reading = async {
            let mut heads = Vec::new();
            while heads.last().is_none_or(|it: &Head| it.stream != 3 || it.flags & END_STREAM == 0)
            {
                let mut head = [0; HEAD_BYTES];
                client.read_exact(&mut head).await.unwrap();
                let head = Head::read(&head).unwrap();
                client.read_exact(&mut vec![0; head.length]).await.unwrap();
                heads.push(head);
            }
            heads
        };
        tokio::join!(writing, reading).1
    };
    let heads = tokio::time::timeout(Duration::from_secs(60), talk).await.unwrap();
    let kinds: Vec<_> = heads.iter().map(|head| head.kind).collect();
    assert_eq!(kinds, [HEADERS, HEADERS, DATA, DATA, PING, DATA, DATA]);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_wants_any_more_is_not_sent_unless_it_has_begun() {
    let (mut client, server) = duplex(PIPE_BYTES);
    let (stream, told) = (Gathered::new(server), Told::default());
    let (mut repeats, answer) = of_one_answer(&stream, &told);
    let reset = |stream| frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]);
    // Room for two answers, but not for three.
    let window = frame(WINDOW_UPDATE, 0, 0, &130_000_u32.to_be_bytes());
    let first = [vec![0; PREFACE_BYTES], window, question(1)].concat();
    client.write_all(&first).await.unwrap();
    let mut room = vec![0; first.len()];
    while repeats.read(&mut room).await.unwrap() > 0 && repeats.passed == 0 {}
    told.answered(told.asked(), &answer, ());
    let head = frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\x88");
    repeats.write_all(&head).await.unwrap();
    let mut read = async |client: &mut DuplexStream, bytes: Vec<u8>| {
        client.write_all(&bytes).await.unwrap();
        let reading = tokio::time::timeout(Duration::from_secs(1), repeats.read(&mut room));
        assert!(reading.await.is_err(), "something went to hyper");
    };
    read(&mut client, question(3)).await;
    read(&mut client, [question(5), reset(3), reset(5), question(7)].concat()).await;
    let mut sent = [0_usize; 8];
    let taking = async {
        while sent[7] < 60_000 {
            let mut head = [0; HEAD_BYTES];
            client.read_exact(&mut head).await.unwrap();
            let head = Head::read(&head).unwrap();
            client.read_exact(&mut vec![0; head.length]).await.unwrap();
            sent[head.stream as usize] += if head.kind == DATA { head.length } else { 0 };
        }
    };
    let giving = poll_fn(|context| {
        ready!(Pin::new(&mut repeats).poll_flush(context)).unwrap();
        stream.poll_send(context)
    });
    let all = async { tokio::join!(giving, taking) };
    tokio::time::timeout(Duration::from_secs(60), all).await.unwrap().0.unwrap();
    assert_eq!(sent, [0, 0, 0, 60_000, 0, 0, 0, 60_000]);
}

fn asked() -> impl Strategy<Value = Asked> {
    let path = prop_oneof![4 => Just(0_usize), 2 => Just(1), 3 => 2..PATHS.len()];
    let rare = prop::bool::weighted(0.05);
    (path, rare, prop_oneof![9 => Just(0_u8), 1 => 1..9_u8], rare).prop_map(
        |(path, posts, language, drops)| Asked {
            path,
            posts,
            language,
            // At its end h2 would still count a stream whose question had a body.
            drops: drops && !posts,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_comes_is_answered_as_hyper_would(
        rounds in prop::collection::vec(prop::collection::vec(asked(), 1..4), 1..14),
        window in prop_oneof![Just(65_535_u32), Just(1 << 20), Just(1_000)],
    ) {
        let repeated = Arc::new(AtomicUsize::new(0));
        let (own, hypers) = block_on(async {
            (ask(&rounds, window, Some(repeated)).await, ask(&rounds, window, None).await)
        });
        prop_assert!(own == hypers);
    }
}
