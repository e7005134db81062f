//! What a reader's question costs: who asks, the answer that HTTP's machinery is given, and the answer past it.

use std::{
    cell::Cell,
    hint::black_box,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use arc_swap::ArcSwap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Request, StatusCode, header, request::Parts};
use rtstats::{
    api::{Again, Api, Rates, answer::Answer, authenticate},
    journal::{Journal, Position, Settings, SqliteJournal},
    live::{Bounds, Feeds},
    server::{
        http2,
        repeat::{Repeats, Told},
    },
    shard::{self, Parsed, Shards, State},
    telemetry::Metrics,
    tenants::{Directory, TenantId, Tenants, TokenKind, Uses, Watch},
};
use stats::{document::Format, engine::SlaTarget};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    runtime::Runtime,
};

use super::{
    Failure,
    engine::{AGENTS, QUEUES, busy},
    measured,
};

/// Requests of one measurement.
const REQUESTS: usize = 100;

/// Attempts to repeat an answer within the half second that it stays fresh.
const ATTEMPTS: usize = 20;

const PATH: &str = "/api/rtstats/stats/agents.json";
const REST: &str = "/agents.json";

/// A server without its listeners.
struct Edge {
    api: Api,
    runtime: Runtime,
    authorization: String,
    // Everything above lives in it.
    _folder: TempDir,
}

impl Edge {
    /// One tenant whose agents and queues are known, and whose documents hold for a minute.
    fn open() -> Result<Edge, Failure> {
        let folder = TempDir::new()?;
        let (id, token) = tenant(&folder)?;
        let directory = Watch::open(folder.path())?.poll()?.ok_or("no directory")?;
        let metrics = Metrics::new();
        let journal = SqliteJournal::open(folder.path(), Settings::default(), Box::new(|_| {}))?;
        let journal: Arc<dyn Journal> = Arc::new(journal);
        let shards = Shards::start(&settings(), &journal, &metrics)?;
        shards.serve(directory.tenants());
        fill(&shards, id)?;
        let lines = Box::new(|_: &str| Vec::new());
        let bounds = Bounds { per_login: 1, per_tenant: 1 };
        let api = Api {
            directory: Arc::new(ArcSwap::from_pointee(directory)),
            shards: shards.clone(),
            metrics: metrics.clone(),
            refresh_every: Duration::from_secs(60),
            rates: Rates::new(0),
            feeds: Feeds::start(shards, journal, metrics, lines, bounds)?,
            standings: Box::new(|_| Vec::new()),
            sessions: None,
            uses: Arc::new(Uses::default()),
        };
        let authorization = format!("Basic {}", STANDARD.encode(format!("acme:{token}")));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Edge { api, runtime, authorization, _folder: folder })
    }

    /// A question, with a validator that its reader has.
    fn question(&self, etag: Option<&str>) -> Result<Parts, Failure> {
        let mut request = Request::get(PATH)
            .header(header::HOST, "localhost:8443")
            .header(header::AUTHORIZATION, &self.authorization);
        if let Some(etag) = etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        Ok(request.body(())?.into_parts().0)
    }

    /// The answer, where nothing has to be waited for.
    fn answer(&self, head: &Parts) -> Option<Answer> {
        let answering = std::pin::pin!(self.api.statistics(head, REST));
        match answering.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }

    /// Answers `REQUESTS` times, all with the same status, and measures it.
    fn measure(&self, head: &Parts, status: StatusCode) -> Result<usize, Failure> {
        // The first one makes the document, in tasks of its own.
        self.runtime.block_on(self.api.statistics(head, REST));
        let answers = || (0..REQUESTS).filter_map(|_| black_box(self.answer(head)));
        let right = measured(|| answers().filter(|answer| answer.status() == status).count());
        if right == REQUESTS { Ok(right) } else { Err("an answer was another one".into()) }
    }
}

fn tenant(folder: &TempDir) -> Result<(TenantId, String), Failure> {
    let mut tenants = Tenants::open(folder.path())?;
    let id = tenants.add(&"acme".parse()?, "Europe/Berlin")?.id;
    let (token, _) = tenants.new_token(&"acme".parse()?, TokenKind::Data)?;
    Ok((id, token.reveal().to_owned()))
}

fn settings() -> shard::Settings {
    shard::Settings {
        shards: 1,
        sla_target: SlaTarget::Percent,
        snapshot_every_events: u64::MAX,
        snapshot_every: Duration::MAX,
        now: rtstats::clock::now,
    }
}

/// Waits until the tenant is served, and lets a morning happen in it.
fn fill(shards: &Shards, id: TenantId) -> Result<(), Failure> {
    let live = shards.live(id).ok_or("the tenant is not served")?;
    while live.state() != State::Ready {
        std::thread::yield_now();
    }
    let log = busy(AGENTS, QUEUES, 2_000, 0).before;
    let parsed = Parsed::new(log.into(), None).map_err(|errors| format!("{errors:?}"))?;
    let after = Position(parsed.lines().len() as u64);
    let (told, applied) = std::sync::mpsc::channel();
    let reply = Box::new(move |outcome| {
        // Whoever waits for it is below.
        let _ = told.send(outcome);
    });
    shards.apply(id, after, parsed, reply);
    applied.recv()??;
    Ok(())
}

fn directory_and_token(folder: &TempDir) -> Result<(Directory, String), Failure> {
    let (_, token) = tenant(folder)?;
    Ok((Watch::open(folder.path())?.poll()?.ok_or("no directory")?, token))
}

pub fn authenticate_request() -> Result<usize, Failure> {
    let folder = TempDir::new()?;
    let (directory, token) = directory_and_token(&folder)?;
    let basic = format!("Basic {}", STANDARD.encode(format!("acme:{token}")));
    let head = Request::get(PATH).header(header::AUTHORIZATION, basic).body(())?.into_parts().0;
    let admitted = measured(|| {
        let ask = |_: &usize| {
            authenticate(&directory, black_box(&head.headers), TokenKind::Data, Format::Json)
                .is_ok()
        };
        (0..REQUESTS).filter(ask).count()
    });
    if admitted == REQUESTS { Ok(admitted) } else { Err("the token was refused".into()) }
}

pub fn answer() -> Result<usize, Failure> {
    let edge = Edge::open()?;
    edge.measure(&edge.question(None)?, StatusCode::OK)
}

pub fn answer_not_modified() -> Result<usize, Failure> {
    let edge = Edge::open()?;
    let answer = edge.runtime.block_on(edge.api.statistics(&edge.question(None)?, REST));
    let etag = answer.headers().get(header::ETAG).ok_or("no validator")?.to_str()?.to_owned();
    edge.measure(&edge.question(Some(&etag))?, StatusCode::NOT_MODIFIED)
}

/// A connection on which the same question comes again and again: what is past TLS.
pub fn answer_repeated() -> Result<usize, Failure> {
    Edge::open()?.repeated(|edge, _, again| edge.repeat(again))
}

/// The same over HTTP/2.
pub fn answer_repeated_http2() -> Result<usize, Failure> {
    Edge::open()?.repeated(|edge, answer, again| edge.repeat_http2(&answer, again))
}

impl Edge {
    /// Repeats an answer, until it stays fresh for as long as that takes.
    fn repeated(
        &self,
        repeat: impl Fn(&Edge, Answer, Again) -> Result<usize, Failure>,
    ) -> Result<usize, Failure> {
        let head = self.question(None)?;
        self.runtime.block_on(self.api.statistics(&head, REST));
        for _ in 0..ATTEMPTS {
            let mut answer = self.answer(&head).ok_or("the answer must be waited for")?;
            let again = answer.extensions_mut().remove::<Again>().ok_or("an answer of no kind")?;
            let repeated = repeat(self, answer, again)?;
            if repeated >= REQUESTS {
                return Ok(repeated);
            }
        }
        Err("the machine is too slow: no answer stayed fresh for as long as it was repeated".into())
    }

    /// How often an answer was repeated over HTTP/2, of `REQUESTS`.
    fn repeat_http2(&self, answer: &Answer, again: Again) -> Result<usize, Failure> {
        let (told, judged) = (http2::Told::default(), Cell::new(0));
        let judge = |again: &Again| {
            judged.set(judged.get() + 1);
            self.api.again(again)
        };
        let asker = Asker { written: 0, stream: Some(0) };
        let stream = http2::Gathered::new(asker);
        let mut repeats = http2::Repeats::new(stream.clone(), told.clone(), judge);
        let mut context = Context::from_waker(Waker::noop());
        let mut room = [0; 8_192];
        let mut read = |repeats: &mut http2::Repeats<_, _, _>, context: &mut Context<'_>| {
            let mut buffer = ReadBuf::new(&mut room);
            let _ = Pin::new(repeats).poll_read(context, &mut buffer);
            let _ = stream.poll_send(context);
            buffer.filled().len()
        };
        // The preface passes by itself; then the first question, which is hyper's.
        let hypers = [read(&mut repeats, &mut context), read(&mut repeats, &mut context)];
        told.answered(told.asked(), answer, again);
        let _ = Pin::new(&mut repeats).poll_write(&mut context, HTTP2_ANSWER)?;
        // Once for each remembered answer, what it needs is made.
        let learned = read(&mut repeats, &mut context) == 0 && hypers[1] > 0;
        judged.set(0);
        let passed = measured(|| {
            let mut passed = 0;
            while judged.get() < REQUESTS && passed == 0 {
                passed += read(&mut repeats, &mut context);
            }
            passed
        });
        Ok(if learned && passed == 0 { judged.get() } else { 0 })
    }

    /// How often an answer was repeated, of `REQUESTS`.
    fn repeat(&self, again: Again) -> Result<usize, Failure> {
        let body = self.api.again(&again).ok_or("an answer that doesn't hold")?;
        let (told, judged) = (Told::default(), Cell::new(0));
        let judge = |again: &Again| {
            judged.set(judged.get() + 1);
            self.api.again(again)
        };
        let mut stream = Repeats::new(Asker::default(), told.clone(), judge);
        let mut context = Context::from_waker(Waker::noop());
        let mut room = [0; 8_192];
        let mut read = |stream: &mut Repeats<_, _, _>, context: &mut Context<'_>| {
            let mut buffer = ReadBuf::new(&mut room);
            let read = Pin::new(stream).poll_read(context, &mut buffer);
            (read.is_ready(), buffer.filled().len())
        };
        // The first time it is hyper's.
        let hypers = read(&mut stream, &mut context);
        told.asked();
        told.answered(body.len() as u64, Some(again));
        for part in [ANSWER_HEAD, &body] {
            let _ = Pin::new(&mut stream).poll_write(&mut context, part)?;
        }
        // Once for each remembered answer, what it needs is made.
        let learned = read(&mut stream, &mut context).1 == 0;
        judged.set(0);
        let passed = measured(|| {
            let mut passed = 0;
            while judged.get() < REQUESTS && passed == 0 {
                passed += read(&mut stream, &mut context).1;
            }
            passed
        });
        let repeated = learned && hypers == (true, QUESTION.len()) && passed == 0;
        Ok(if repeated { judged.get() } else { 0 })
    }
}

const QUESTION: &[u8] = b"GET /api/rtstats/stats/agents.json HTTP/1.1\r\nhost: localhost:8443\r\n\
    authorization: Basic YWNtZTowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n";

const ANSWER_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\netag: \"0123456789abcdef\"\r\n\
    cache-control: private, max-age=59\r\nvary: Accept-Encoding, Authorization\r\n\r\n";

const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Windows of a GiB, for every stream and for all.
const HTTP2_WINDOWS: &[u8] = b"\0\0\x06\x04\0\0\0\0\0\0\x04\x40\0\0\0\
    \0\0\x04\x08\0\0\0\0\0\x40\0\0\0";

/// A question as it is after the first: all of it entries of the table but the path and the credentials.
const HTTP2_QUESTION: &[u8] = b"\x82\x87\xbe\x04\x1e/api/rtstats/stats/agents.json\
    \x1f\x08\x3aBasic YWNtZTowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==";

/// What comes next from a client whose latest stream this is.
fn ask_http2(stream: &mut u32, buffer: &mut ReadBuf<'_>) {
    if *stream == 0 {
        buffer.put_slice(HTTP2_PREFACE);
        *stream = 1;
        return;
    }
    if *stream == 1 {
        buffer.put_slice(HTTP2_WINDOWS);
    }
    buffer.put_slice(&[0, 0, HTTP2_QUESTION.len() as u8, 1, 5]);
    buffer.put_slice(&stream.to_be_bytes());
    buffer.put_slice(HTTP2_QUESTION);
    *stream += 2;
}

/// What hyper writes: that it keeps to the settings, and an answer's head.
const HTTP2_ANSWER: &[u8] = b"\0\0\0\x04\x01\0\0\0\0\0\0\x01\x01\x05\0\0\0\x01\x88";

/// A client that asks the same again at once, and to which everything can be written.
#[derive(Default)]
struct Asker {
    written: usize,
    /// The latest stream; none over HTTP/1.1.
    stream: Option<u32>,
}

impl AsyncRead for Asker {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.stream {
            None => buffer.put_slice(QUESTION),
            Some(stream) => ask_http2(stream, buffer),
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Asker {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = parts.iter().map(|part| part.len()).sum();
        self.written += bytes;
        Poll::Ready(Ok(bytes))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
