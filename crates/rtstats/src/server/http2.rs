//! HTTP/2: hyper's, with answers that are sent in few writes and watched until they are taken, and a way past it for questions
//! that are asked again.

mod answer;
mod frame;
mod gathered;
mod hpack;
mod paced;
mod repeats;
mod told;
mod windows;

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    net::IpAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
};

use self::paced::Unfinished;
pub use self::{gathered::Gathered, repeats::Repeats, told::Told};
use super::{
    Shared,
    connection::{log_end, respond},
    guard::{Guard, Patience, UnderWay},
};
use crate::api::Again;

/// Clients that answer no ping for this long are gone.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// What one stream may hold in memory beyond the shared document.
const SEND_BUFFER_BYTES: usize = 64 * 1_024;

/// Speaks HTTP/2 on a connection to its end.
pub(super) async fn speak<S>(stream: S, shared: &Arc<Shared>, peer: IpAddr, refused: bool)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (limits, under_way) = (&shared.limits, UnderWay::default());
    let patience =
        Patience { header: None, idle: limits.idle_timeout, write: limits.write_timeout };
    let stream = Gathered::new(Guard::new(stream, patience, under_way.clone()));
    let unfinished = Unfinished::default();
    let (told, refusal_told) = (Told::default(), Arc::new(Notify::new()));
    let repeats = {
        let (shared, under_way) = (shared.clone(), under_way.clone());
        let judge = move |again: &Again| {
            let body = shared.routes.api.again(again)?;
            // It keeps the connection, as any answer does.
            drop(under_way.begin());
            Some(body)
        };
        Repeats::new(stream.clone(), told.clone(), judge)
    };
    let (own, bodies, tells) = (shared.clone(), unfinished.clone(), refusal_told.clone());
    let service = service_fn(move |request| {
        let (own, under_way, bodies) = (own.clone(), under_way.clone(), bodies.clone());
        let (number, told) = (told.asked(), told.clone());
        let tells = refused.then(|| tells.clone());
        async move {
            let mut answer = respond(request, &own, &under_way, peer, refused).await?;
            if let Some(tells) = tells {
                tells.notify_one();
            }
            if let Some(again) = answer.extensions_mut().remove::<Again>() {
                told.answered(number, &answer, again);
            }
            Ok::<_, Infallible>(answer.map(|body| bodies.body(body)))
        }
    });
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(u32::try_from(limits.header_bytes_max).unwrap_or(u32::MAX))
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .serve_connection(TokioIo::new(repeats), service);
    let mut connection = pin!(connection);
    let mut stopping = shared.stopping.clone();
    tokio::select! {
        () = sending(connection.as_mut(), &stream) => return,
        () = not_taken(&unfinished, limits.write_timeout) => {
            return tracing::debug!("a client takes no more of an answer");
        }
        _ = stopping.wait_for(Option::is_some) => connection.as_mut().graceful_shutdown(),
        // HTTP/2 has no header that closes a connection.
        () = refusal_told.notified() => connection.as_mut().graceful_shutdown(),
    }
    sending(connection, &stream).await;
}

/// Polls a connection to its end, and sends what it wrote each time.
async fn sending<S: AsyncWrite + Unpin>(
    mut connection: impl Future<Output = Result<(), hyper::Error>> + Unpin,
    stream: &Gathered<S>,
) {
    let end = poll_fn(|context| {
        if let Poll::Ready(ended) = Pin::new(&mut connection).poll(context) {
            log_end(ended);
            return Poll::Ready(());
        }
        match stream.poll_send(context) {
            Poll::Ready(Err(error)) => {
                tracing::debug!(%error, "a connection ended early");
                Poll::Ready(())
            }
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    });
    end.await;
}

/// Ends when an answer has waited too long to be taken.
async fn not_taken(unfinished: &Unfinished, patience: Duration) {
    loop {
        let waited = unfinished.waiting_since().map_or(Duration::ZERO, |since| since.elapsed());
        let Some(left) = patience.checked_sub(waited).filter(|left| !left.is_zero()) else {
            return;
        };
        tokio::time::sleep(left).await;
    }
}
