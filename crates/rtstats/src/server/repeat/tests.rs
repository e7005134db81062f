//! Repeated answers are what hyper would have written, however questions come.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
};

use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Body, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

/// Small, so that answers go out in parts.
const PIPE_BYTES: usize = 700;

/// Turns that a server gets to answer in.
const TURNS: usize = 200;

const QUESTIONS: [&str; 9] = [
    "GET /again/a HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /again/big HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /again/none HTTP/1.1\r\nhost: x\r\n\r\n",
    "HEAD /again/a HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /once HTTP/1.1\r\nhost: x\r\n\r\n",
    "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n",
    "POST /taken HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello",
    "GET /again/a HTTP/1.1\nhost: x\n\n",
    "GET /again/a HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nhi",
];

fn body(path: &str) -> Bytes {
    match path {
        "/again/big" => Bytes::from("0123456789".repeat(700)),
        "/again/none" => Bytes::new(),
        path => Bytes::from(format!("this is {path}")),
    }
}

async fn answer(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, mut sent) = request.into_parts();
    while let Some(Ok(_)) = sent.frame().await {}
    let path = head.uri.path();
    if path == "/slow" {
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
    }
    let whole = if head.method == Method::HEAD { Bytes::new() } else { body(path) };
    let mut answer = Response::new(Full::new(whole));
    if head.method == Method::GET && path.starts_with("/again/") {
        answer.extensions_mut().insert(path.to_owned());
    }
    answer
}

/// Serves a connection to its end, with repeats or without.
async fn serve(stream: DuplexStream, repeats: Option<&AtomicUsize>) {
    let told = Told::<String>::default();
    let service = service_fn(|request: Request<Incoming>| {
        told.asked();
        let bare = request.body().is_end_stream();
        let told = &told;
        async move {
            let mut answer = answer(request).await;
            let again = answer.extensions_mut().remove::<String>();
            if let Some(bytes) = answer.body().size_hint().exact().filter(|_| bare) {
                told.answered(bytes, again);
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.auto_date_header(false);
    let judge = |path: &String| {
        repeats?.fetch_add(1, Ordering::Relaxed);
        Some(body(path))
    };
    let stream = Repeats::new(stream, told.clone(), judge);
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

/// All that the server answers to what comes in such parts; after each the server may get its turns.
async fn answers(parts: &[(Vec<u8>, bool)], repeats: Option<&AtomicUsize>) -> Vec<u8> {
    let (client, server) = duplex(PIPE_BYTES);
    let (mut reading, mut writing) = tokio::io::split(client);
    let send = async {
        for (part, turns) in parts {
            if writing.write_all(part).await.is_err() {
                break;
            }
            for _ in 0..if *turns { TURNS } else { 0 } {
                tokio::task::yield_now().await;
            }
        }
        let _ = writing.shutdown().await;
    };
    let mut came = Vec::new();
    let read = async {
        let _ = reading.read_to_end(&mut came).await;
    };
    tokio::join!(serve(server, repeats), send, read);
    came
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn one_by_one(questions: &[&str]) -> Vec<(Vec<u8>, bool)> {
    questions.iter().map(|question| (question.as_bytes().to_vec(), true)).collect()
}

#[test]
fn the_same_question_is_answered_without_hyper_from_the_second_time_on() {
    let [a, big, none, ..] = QUESTIONS;
    for (questions, expected) in [
        (vec![a; 5], 4),
        (vec![big; 4], 3),
        (vec![none; 3], 2),
        (vec![a, a, big, big, a], 2),
        (vec![QUESTIONS[4], QUESTIONS[5], a, a], 1),
        (vec![QUESTIONS[3], QUESTIONS[3], a, a], 1),
        (vec![a, a, QUESTIONS[6], a, a], 1), // With bodies it can't be told any more.
        (vec![QUESTIONS[7], QUESTIONS[7]], 0),
    ] {
        let repeated = AtomicUsize::new(0);
        let parts = one_by_one(&questions);
        let (own, hypers) = block_on(async {
            (answers(&parts, Some(&repeated)).await, answers(&parts, None).await)
        });
        assert_eq!(String::from_utf8_lossy(&own), String::from_utf8_lossy(&hypers));
        assert_eq!(repeated.into_inner(), expected, "{questions:?}");
    }
}

#[test]
fn a_head_that_is_long_is_not_remembered() {
    let long =
        format!("GET /again/a HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(HEAD_BYTES_MAX));
    let repeated = AtomicUsize::new(0);
    let came = block_on(answers(&one_by_one(&[&long, &long]), Some(&repeated)));
    assert_eq!(came.windows(5).filter(|bytes| bytes == b"/agai").count(), 2);
    assert_eq!(repeated.into_inner(), 0);
}

fn parts() -> impl Strategy<Value = Vec<(Vec<u8>, bool)>> {
    let question = prop_oneof![3 => Just(0_usize), 2 => Just(1), 4 => 2..QUESTIONS.len()];
    let cut = prop_oneof![5 => Just(None), 1 => (1..200_usize).prop_map(Some)];
    let piece = (question, 1..4_usize, cut, prop::bool::weighted(0.8));
    prop::collection::vec(piece, 1..12).prop_map(|pieces| {
        let mut parts = Vec::new();
        let mut joined = Vec::new();
        for (question, times, cut, turns) in pieces {
            for _ in 0..times {
                joined.extend_from_slice(QUESTIONS[question].as_bytes());
                let rest = cut.map(|at| joined.split_off(at.min(joined.len())));
                // Without turns the next question comes in the same part.
                if turns || rest.is_some() {
                    parts.push((std::mem::take(&mut joined), turns));
                }
                joined.extend(rest.unwrap_or_default());
            }
        }
        parts.push((joined, true));
        parts
    })
}

proptest! {
    #[test]
    fn whatever_comes_is_answered_as_hyper_would(parts in parts()) {
        let repeated = AtomicUsize::new(0);
        let (own, hypers) =
            block_on(async { (answers(&parts, Some(&repeated)).await, answers(&parts, None).await) });
        prop_assert_eq!(String::from_utf8_lossy(&own), String::from_utf8_lossy(&hypers));
    }
}
