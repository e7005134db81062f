//! One connection: TLS or a readable refusal, then HTTP/1.1 or HTTP/2.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    net::IpAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::{
    body::{Body, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    Shared,
    chunked::{Chunked, HandedOver},
    door::Place,
    guard::{Guard, Patience, UnderWay},
    http2,
    lasting::Lasting,
    repeat::{Repeats, Told},
    worded::{Owed, Worded},
};
use crate::api::{Again, answer, error_format};

/// The first byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 0x16;

const PLAIN_MESSAGE: &str = "This port speaks HTTPS only. Write https:// in the address.\n";

/// How long a connection stays that is told that there are too many: for a handshake, a request and the answer.
const REFUSAL_TIME: Duration = Duration::from_secs(2);

/// Serves a connection to its end.
pub async fn serve(stream: TcpStream, shared: Arc<Shared>, _place: Place) {
    speak(stream, &shared, false).await;
}

/// Tells whoever asks that there are too many connections.
pub async fn refuse(stream: TcpStream, shared: Arc<Shared>, _place: Place) {
    let _ = timeout(REFUSAL_TIME, Box::pin(speak(stream, &shared, true))).await;
}

/// Each step that a connection goes through is on the heap while it lasts: its task would keep room for the largest of them.
async fn speak(stream: TcpStream, shared: &Arc<Shared>, refused: bool) {
    // Without it an answer's last part would wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    // Who has gone already has no address any more, and gets no answer either.
    let peer = stream.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |address| address.ip());
    let Some(tls) = &shared.tls else {
        return speak_http1(stream, shared, peer, refused).await;
    };
    let Some(stream) = Box::pin(shake(stream, tls, shared)).await else { return };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        Box::pin(http2::speak(stream, shared, peer, refused)).await;
    } else {
        speak_http1(stream, shared, peer, refused).await;
    }
}

/// Shakes hands over TLS; none if that fails, or there is no time for it.
async fn shake(
    stream: TcpStream,
    tls: &TlsAcceptor,
    shared: &Shared,
) -> Option<Box<TlsStream<TcpStream>>> {
    let handshake = async {
        let mut first = [0];
        if stream.peek(&mut first).await.ok()? == 1 && first[0] != TLS_HANDSHAKE {
            refuse_plain(stream).await;
            return None;
        }
        let shaken = tls.accept(stream).await;
        // On the heap: every step that it moves through would keep room for a copy of its own.
        shaken.map(Box::new).inspect_err(|_| shared.metrics.handshake_failed()).ok()
    };
    let mut stopping = shared.stopping.clone();
    tokio::select! {
        shaken = timeout(shared.limits.handshake_timeout, handshake) => {
            shaken.inspect_err(|_| shared.metrics.handshake_failed()).ok()?
        }
        // Nothing has been asked yet: nobody waits for an answer.
        _ = stopping.wait_for(Option::is_some) => None,
    }
}

/// Whoever speaks plain HTTP here is told so, and no credentials go anywhere.
async fn refuse_plain(mut stream: TcpStream) {
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{PLAIN_MESSAGE}",
        PLAIN_MESSAGE.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
    // What the client still sends is taken, since closing on it would reset the answer away.
    let drain = async {
        let mut rest = [0; 1_024];
        while matches!(tokio::io::AsyncReadExt::read(&mut stream, &mut rest).await, Ok(1..)) {}
    };
    let _ = timeout(Duration::from_secs(1), drain).await;
}

async fn speak_http1<S>(stream: S, shared: &Arc<Shared>, peer: IpAddr, refused: bool)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let by_hyper = Box::pin(serve_http1(stream, shared, peer, refused));
    let Some((stream, answer)) = by_hyper.await else { return };
    if let Err(error) = Chunked::new(stream, answer).await {
        tracing::debug!(%error, "a stream ended early");
    }
}

/// Has hyper answer, until the connection ends or an answer lasts, which is then to be written to the connection.
async fn serve_http1<S>(
    stream: S,
    shared: &Arc<Shared>,
    peer: IpAddr,
    refused: bool,
) -> Option<(Guard<S>, Response<Lasting>)>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (limits, under_way) = (&shared.limits, UnderWay::default());
    let patience = Patience {
        header: Some(limits.header_timeout),
        idle: limits.idle_timeout,
        write: limits.write_timeout,
    };
    let guard = Guard::new(stream, patience, under_way.clone());
    let (told, handed_over) = (Told::default(), HandedOver::default());
    let stream = Repeats::new(guard, told.clone(), |again| shared.routes.api.again(again));
    let owed = Owed::default();
    let service = service_fn(|request: Request<Incoming>| {
        told.asked();
        let debt = owed.asked();
        let (bare, told) = (request.body().is_end_stream(), &told);
        let takes_chunks = request.version() == Version::HTTP_11;
        let handed_over = &handed_over;
        let answer = respond(request, shared, &under_way, peer, refused);
        async move {
            let mut answer = answer.await?;
            if answer.body().lasts() {
                if bare && takes_chunks && told.owes_one() {
                    return handed_over.leave(answer).await;
                }
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(header::CONNECTION, close);
            }
            let again = answer.extensions_mut().remove::<Again>();
            if let Some(bytes) = answer.body().size_hint().exact().filter(|_| bare) {
                told.answered(bytes, again);
            }
            Ok::<_, Infallible>(answer.map(|body| body.paying(debt)))
        }
    });
    let mut connection = hyper::server::conn::http1::Builder::new()
        // Whoever closes its half after a request still waits for the answer.
        .half_close(true)
        .max_buf_size(limits.header_bytes_max.max(HTTP1_BUFFER_MIN))
        .serve_connection(TokioIo::new(Worded::new(stream, owed.clone())), service);
    let mut stopping = shared.stopping.clone();
    let mut stops = pin!(stopping.wait_for(Option::is_some));
    let mut is_stopping = false;
    let answer = poll_fn(|context| {
        if !is_stopping && stops.as_mut().poll(context).is_ready() {
            is_stopping = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        if let Poll::Ready(ended) = Pin::new(&mut connection).poll(context) {
            log_end(ended);
            return Poll::Ready(None);
        }
        handed_over.take().map_or(Poll::Pending, |answer| Poll::Ready(Some(answer)))
    });
    let answer = answer.await?;
    let stream = connection.into_parts().io.into_inner().into_inner().into_inner();
    Some((stream, answer))
}

/// The least buffer that hyper takes.
const HTTP1_BUFFER_MIN: usize = 8_192;

/// Why a connection ended, if not as it should.
pub fn log_end(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Answers a request, or tells it that there are too many connections.
pub async fn respond(
    request: Request<Incoming>,
    shared: &Arc<Shared>,
    under_way: &UnderWay,
    peer: IpAddr,
    refused: bool,
) -> Result<Response<Lasting>, Infallible> {
    let answering = under_way.begin();
    let format = error_format(request.uri().path());
    if refused {
        let message = "The server has all the connections that it takes. Come again in a moment.";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let mut full = answer::retry(status, 1, message, format);
        full.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return Ok(full.map(|body| Lasting::new(body, answering)));
    }
    let answer = shared.routes.answer(request, peer).await;
    Ok(answer.map(|body| Lasting::new(body, answering)))
}
