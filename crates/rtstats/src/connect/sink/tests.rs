//! A server elsewhere that is busy, cut off, refuses, or takes: one answer for each connection.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::Arc,
    thread::{self, JoinHandle},
};

use super::*;
use crate::{connect::status::Connectors, post::Trust};

const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nConnection: close\r\n\
    Content-Length: 0\r\n\r\n";
const CUT_OFF: &str = "";
const TAKEN: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 44\r\n\r\n\
    {\"accepted\":1,\"duplicates\":2,\"ignored\":[{}]}";
const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const STATE: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nRtstats-Counted: 7\r\nRtstats-Seq: 41\r\n\
    Content-Length: 5\r\n\r\nlines";
const OLD: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

struct Elsewhere {
    sink: Sink,
    monitor: Arc<Monitor>,
    /// The first line and the body of each request.
    requests: JoinHandle<Vec<(String, String)>>,
}

fn elsewhere(answers: &'static [&'static str]) -> Elsewhere {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests =
        thread::spawn(move || answers.iter().map(|text| answer(&listener, text)).collect());
    let (tenant, token) = ("acme".parse().unwrap(), "0f".repeat(32).parse().unwrap());
    let trust = Trust::new(None, false).unwrap();
    let poster = Poster::new(url.parse().unwrap(), &tenant, &token, trust);
    let monitor = Connectors::default().add("main", "acme", "pbx", &[]);
    Elsewhere { sink: Sink::there(poster, monitor.clone()).unwrap(), monitor, requests }
}

fn answer(listener: &TcpListener, text: &str) -> (String, String) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut first).unwrap();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    (first.trim().to_owned(), String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn a_batch_is_sent_until_the_server_has_it() {
    let Elsewhere { sink, monitor, requests } = elsewhere(&[BUSY, CUT_OFF, TAKEN]);
    let receipt = sink.send("{}\n".into()).await.unwrap();
    assert_eq!(receipt, Receipt { accepted: 1, duplicates: 0, ignored: 1 });
    let requests = requests.join().unwrap();
    assert_eq!(requests.len(), 3);
    for (first, body) in requests {
        assert_eq!((&*first, &*body), ("POST /api/rtstats/events HTTP/1.1", "{}\n"));
    }
    assert!(monitor.status().last_error.unwrap().contains("can't reach http://"));
}

#[tokio::test]
async fn a_refusal_for_good_is_told() {
    let Elsewhere { sink, requests, .. } = elsewhere(&[FORBIDDEN]);
    let Err(SinkError::Refused(told)) = sink.send("{}\n".into()).await else {
        panic!("it was taken");
    };
    assert!(told.contains("is it the Action Request Token?"), "{told}");
    requests.join().unwrap();
}

#[tokio::test]
async fn the_present_state_says_how_far_a_source_has_come() {
    let Elsewhere { mut sink, requests, .. } = elsewhere(&[BUSY, STATE]);
    let present = sink.present("asterisk/main").await.unwrap();
    assert_eq!((present.counted, present.seq, &*present.lines), (Some(7), 41, &b"lines"[..]));
    let requests = requests.join().unwrap();
    assert_eq!(requests[1].0, "GET /api/rtstats/state?source=asterisk%2Fmain HTTP/1.1");
}

#[tokio::test]
async fn a_server_that_tells_no_number_is_refused() {
    let Elsewhere { mut sink, requests, .. } = elsewhere(&[OLD]);
    let told = sink.present("asterisk/main").await.unwrap_err().to_string();
    assert!(told.contains("Rtstats-Seq"), "{told}");
    requests.join().unwrap();
}
