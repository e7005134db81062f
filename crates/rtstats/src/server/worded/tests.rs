//! Hyper's own refusals get words, and nothing that a service answers is ever taken for one.

use std::convert::Infallible;

use hyper::{Response, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::{
    api::answer,
    server::{UnderWay, lasting::Lasting},
};

#[test]
fn a_refusal_without_words_gets_them_and_nothing_else_does() {
    for (status, _) in WORDS {
        let bare = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\ndate: then\r\n\r\n"
        );
        let given = words(bare.as_bytes()).unwrap();
        let text = std::str::from_utf8(&given).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\nconnection: close\r\n")));
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
        assert!(head.ends_with("\r\ndate: then"));
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error"]["code"].to_string(), status[..3]);
        assert_eq!(words(format!("{bare}x").as_bytes()), None);
    }
    for other in [
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 400 Bad Request\r\ncontent-length: 10\r\n\r\n{\"error\":1",
        "HTTP/1.1 400 Bad Request\r\n\r\ncontent-length: 0\r\n",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        "",
    ] {
        assert_eq!(words(other.as_bytes()), None, "{other}");
    }
}

/// A stream that takes so many bytes, then nothing for a while, then all.
struct Cut {
    stream: DuplexStream,
    takes: usize,
    waited: bool,
    vectored: bool,
}

impl AsyncRead for Cut {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Cut {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.waited {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        }
        if self.takes == 0 {
            self.waited = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let bytes = &bytes[..bytes.len().min(self.takes)];
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.takes -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let part = parts.iter().find(|part| !part.is_empty());
        self.poll_write(context, part.map_or(&[], |part| part))
    }

    fn is_write_vectored(&self) -> bool {
        self.vectored
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// All that hyper writes over a connection, until it closes it: what is asked comes in these pieces, each once there is an
/// answer to the one before, and every question is answered with the body.
async fn written(asked: &[&[u8]], body: &str, takes: usize, vectored: bool) -> String {
    let (mut client, stream) = duplex(1 << 16);
    let owed = Owed::default();
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let debt = owed.asked();
        let body = Bytes::copy_from_slice(body.as_bytes());
        async move {
            http_body_util::BodyExt::collect(request.into_body()).await.unwrap();
            let body = Lasting::new(answer::Body::from(body), UnderWay::default().begin());
            Ok::<_, Infallible>(Response::new(body.paying(debt)))
        }
    });
    let stream = Cut { stream, takes, waited: false, vectored };
    let connection = hyper::server::conn::http1::Builder::new()
        .max_buf_size(8_192)
        .serve_connection(TokioIo::new(Worded::new(stream, owed.clone())), service);
    let asking = async {
        let mut came = Vec::new();
        for (number, piece) in asked.iter().enumerate() {
            // The server may refuse and close before all of it has gone out.
            let _ = client.write_all(piece).await;
            let last = number + 1 == asked.len();
            while !last && memmem::find_iter(&came, body).count() <= number {
                assert_ne!(client.read_buf(&mut came).await.unwrap(), 0, "it closed");
            }
        }
        client.read_to_end(&mut came).await.unwrap();
        String::from_utf8(came).unwrap()
    };
    let (_, came) = tokio::join!(connection, asking);
    came
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LAST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const POST: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
const GARBAGE: &[u8] = b"\x01\r\n\r\n";

#[tokio::test]
async fn a_document_with_the_text_of_a_refusal_comes_as_it_is_wherever_a_write_begins() {
    let refusal = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let body = format!("name\r\n{}", refusal.repeat(3));
    for vectored in [false, true] {
        let whole = written(&[LAST], &body, usize::MAX, vectored).await;
        assert!(whole.ends_with(&body), "{whole}");
        for takes in 0..whole.len() {
            let came = written(&[LAST], &body, takes, vectored).await;
            let (head, rest) = came.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("content-length: {}", body.len())), "{takes}: {head}");
            assert_eq!(rest, body, "cut at {takes}");
        }
    }
}

#[tokio::test]
async fn what_hyper_cannot_read_is_told_so_in_words_whatever_was_answered_before() {
    let long = [b"GET /", &*b"a".repeat(70_000), b" HTTP/1.1\r\n\r\n"].concat();
    let large = [b"GET / HTTP/1.1\r\nX: ", &*b"a".repeat(20_000)].concat();
    for (bad, code) in [(GARBAGE, 400), (&large, 431), (&long, 431)] {
        for before in [&[][..], &[GET], &[POST], &[GET, POST, GET]] {
            for takes in [0, 3, usize::MAX] {
                let asked = [before, &[bad]].concat();
                let came = written(&asked, "body", takes, true).await;
                let (_, last) = came.rsplit_once("\r\n\r\n").unwrap();
                assert!(last.starts_with(&format!(r#"{{"error":{{"code":{code},"#)), "{came}");
                assert_eq!(came.matches("HTTP/1.1 ").count(), asked.len(), "{came}");
            }
        }
    }
}
