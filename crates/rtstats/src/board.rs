//! The board: a tenant's documents of one instant, swapped in whole at each refresh.
//!
//! A refresh happens when somebody asks and the last one has aged out, so that a tenant that nobody watches costs
//! nothing and no answer is ever older than the refresh interval. Within a refresh each document, and each
//! compressed form of it, is made once, when it is first asked for: those who ask meanwhile wait for that one.

mod document;
mod encoding;

use std::{
    future::Future,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use http::HeaderValue;
use stats::document::{Format, Frozen, Page};
use tokio::sync::{Mutex, OnceCell};

pub use document::{Document, Form};
pub use encoding::Encoding;

use crate::{clock, telemetry::Metrics};

/// The latest refresh of one tenant.
#[derive(Default)]
pub struct Board {
    latest: ArcSwapOption<Refresh>,
    refreshing: Mutex<()>,
}

/// All documents of one instant.
pub struct Refresh {
    frozen: Frozen,
    due: Instant,
    lists: [[OnceCell<Arc<Document>>; 3]; 2],
    agents: Box<[[OnceLock<Arc<Document>>; 2]]>,
    queues: Box<[[OnceLock<Arc<Document>>; 2]]>,
    /// The instant described, as the header Last-Modified has it: never later than now (RFC 9110 §8.8.2.1), though
    /// an event that lies ahead of our clock moves what is described that far.
    pub last_modified: HeaderValue,
    /// The instant described, to the millisecond.
    pub instant: HeaderValue,
}

impl Board {
    /// The refresh in force; `freeze` makes a new one if it has aged out, once however many ask.
    ///
    /// It is made to its end even if whoever asked first goes away: others wait for it.
    pub async fn refresh<E: Send + 'static>(
        self: &Arc<Self>,
        every: Duration,
        freeze: impl Future<Output = Result<Frozen, E>> + Send + 'static,
    ) -> Result<Arc<Refresh>, E> {
        let latest = self.latest.load_full();
        if let Some(refresh) = latest.as_ref().filter(|refresh| !refresh.is_aged()) {
            return Ok(refresh.clone());
        }
        let board = self.clone();
        let renewed = tokio::spawn(async move { board.renew(latest, every, freeze).await }).await;
        renewed.expect("renewing panics for no state, and nobody cancels it")
    }

    async fn renew<E>(
        &self,
        aged: Option<Arc<Refresh>>,
        every: Duration,
        freeze: impl Future<Output = Result<Frozen, E>>,
    ) -> Result<Arc<Refresh>, E> {
        let _one_at_a_time = self.refreshing.lock().await;
        // Whoever waited takes what was made meanwhile, even if making it took longer than it lasts.
        let latest = self.latest.load_full();
        if let Some(latest) = latest
            && aged.is_none_or(|aged| !Arc::ptr_eq(&aged, &latest))
        {
            return Ok(latest);
        }
        // The age counts from before the freeze: an answer is never older than the interval.
        let due = Instant::now() + every;
        let refresh = Arc::new(Refresh::new(freeze.await?, due));
        self.latest.store(Some(refresh.clone()));
        Ok(refresh)
    }

    /// Whether whoever asks now gets this one.
    pub fn is_current(&self, refresh: &Arc<Refresh>, now: Instant) -> bool {
        let latest = self.latest.load();
        !refresh.is_aged_at(now) && latest.as_ref().is_some_and(|own| Arc::ptr_eq(own, refresh))
    }

    /// Gives the documents back when nobody has asked for an interval after they aged out.
    pub fn forget_aged(&self, every: Duration) {
        let latest = self.latest.load_full();
        if latest.is_some_and(|refresh| Instant::now() > refresh.due + every) {
            self.latest.store(None);
        }
    }
}

impl Refresh {
    fn new(frozen: Frozen, due: Instant) -> Refresh {
        let (agents, queues) = (frozen.agents.len(), frozen.queues.len());
        let instant = jiff::Timestamp::from_millisecond(frozen.instant).unwrap_or_default();
        Refresh {
            due,
            lists: Default::default(),
            agents: std::iter::repeat_with(Default::default).take(agents).collect(),
            queues: std::iter::repeat_with(Default::default).take(queues).collect(),
            last_modified: header(&clock::http_date(frozen.instant.min(clock::now()))),
            instant: header(&format!("{instant:.3}")),
            frozen,
        }
    }

    fn is_aged(&self) -> bool {
        self.is_aged_at(Instant::now())
    }

    fn is_aged_at(&self, now: Instant) -> bool {
        now >= self.due
    }

    /// Whole seconds until the next refresh.
    pub fn seconds_left(&self) -> u64 {
        self.seconds_left_at(Instant::now())
    }

    /// The same as of an instant.
    pub fn seconds_left_at(&self, now: Instant) -> u64 {
        self.due.saturating_duration_since(now).as_secs()
    }

    /// A document, or none where there is no such agent or queue.
    pub async fn document(
        self: &Arc<Self>,
        page: Page<'_>,
        format: Format,
        metrics: &Metrics,
    ) -> Option<Arc<Document>> {
        match page {
            Page::Agents => Some(self.list(0, Page::Agents, format, metrics).await),
            Page::Queues => Some(self.list(1, Page::Queues, format, metrics).await),
            Page::Agent(id) => {
                let rows = &self.frozen.agents;
                let place = rows.binary_search_by(|row| (*row.agent_id).cmp(id)).ok()?;
                self.item(&self.agents[place], page, format, metrics)
            }
            Page::Queue(id) => {
                let rows = &self.frozen.queues;
                let place = rows.binary_search_by_key(&i64::from(id), |row| row.queue_id).ok()?;
                self.item(&self.queues[place], page, format, metrics)
            }
        }
    }

    /// Lists may be large: they are rendered beside the connections' threads.
    async fn list(
        self: &Arc<Self>,
        which: usize,
        page: Page<'static>,
        format: Format,
        metrics: &Metrics,
    ) -> Arc<Document> {
        if let Some(rendered) = self.lists[which][format_place(format)].get() {
            return rendered.clone();
        }
        // A task of its own: whoever asked first may go away, and others wait for this one.
        let (refresh, metrics) = (self.clone(), metrics.clone());
        let rendered = tokio::spawn(async move {
            let cell = &refresh.lists[which][format_place(format)];
            let rendered = cell.get_or_init(async || {
                let (refresh, metrics) = (refresh.clone(), metrics.clone());
                let render = move || refresh.render(page, format, &metrics);
                let rendered = tokio::task::spawn_blocking(render).await;
                let rendered =
                    rendered.expect("rendering panics for no state, and nobody cancels it");
                rendered.expect("both lists exist in every format")
            });
            rendered.await.clone()
        });
        rendered.await.expect("rendering panics for no state, and nobody cancels it")
    }

    fn item(
        &self,
        cells: &[OnceLock<Arc<Document>>; 2],
        page: Page<'_>,
        format: Format,
        metrics: &Metrics,
    ) -> Option<Arc<Document>> {
        let cell = cells.get(format_place(format))?;
        if let Some(rendered) = cell.get() {
            return Some(rendered.clone());
        }
        let render = || self.render(page, format, metrics);
        Some(cell.get_or_init(|| render().expect("the row is there")).clone())
    }

    fn render(&self, page: Page<'_>, format: Format, metrics: &Metrics) -> Option<Arc<Document>> {
        let begun = Instant::now();
        let bytes = self.frozen.render(page, format)?;
        metrics.render(page, format, begun.elapsed());
        Some(Arc::new(Document::new(bytes.into())))
    }
}

fn format_place(format: Format) -> usize {
    match format {
        Format::Xml => 0,
        Format::Json => 1,
        Format::Csv => 2,
    }
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("dates and numbers are visible ASCII")
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use stats::event::Millis;

    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    fn nothing(instant: Millis) -> Frozen {
        Frozen { instant, agents: Vec::new(), queues: Vec::new() }
    }

    /// Freezes slowly, and counts how often.
    async fn freeze(freezes: Arc<AtomicUsize>) -> Result<Frozen, Infallible> {
        let number = freezes.fetch_add(1, Ordering::Relaxed);
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(nothing(1_000 + number as Millis))
    }

    #[tokio::test]
    async fn a_refresh_is_made_once_even_if_its_first_asker_goes_away() {
        let (board, freezes) = (Arc::new(Board::default()), Arc::new(AtomicUsize::new(0)));
        let first = board.refresh(LONG, freeze(freezes.clone()));
        assert!(tokio::time::timeout(Duration::from_millis(1), first).await.is_err());
        let others = (0..8).map(|_| {
            let (board, freezes) = (board.clone(), freezes.clone());
            tokio::spawn(async move { board.refresh(LONG, freeze(freezes)).await })
        });
        for other in others.collect::<Vec<_>>() {
            assert_eq!(other.await.unwrap().unwrap().frozen.instant, 1_000);
        }
        assert_eq!(freezes.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn waiters_take_a_refresh_that_aged_while_it_was_made() {
        let (board, freezes) = (Arc::new(Board::default()), Arc::new(AtomicUsize::new(0)));
        let askers = (0..4).map(|_| {
            let (board, freezes) = (board.clone(), freezes.clone());
            tokio::spawn(async move { board.refresh(Duration::ZERO, freeze(freezes)).await })
        });
        for asker in askers.collect::<Vec<_>>() {
            assert!(asker.await.unwrap().is_ok());
        }
        assert_eq!(freezes.load(Ordering::Relaxed), 1);
        board.refresh(Duration::ZERO, freeze(freezes.clone())).await.unwrap();
        assert_eq!(freezes.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_list_is_rendered_once_even_if_its_first_asker_goes_away() {
        let refresh = Arc::new(Refresh::new(nothing(0), Instant::now() + LONG));
        let metrics = Metrics::new();
        let first = refresh.document(Page::Agents, Format::Json, &metrics);
        let _ = tokio::time::timeout(Duration::ZERO, first).await;
        let document = refresh.document(Page::Agents, Format::Json, &metrics).await.unwrap();
        assert_eq!(&*document.form(Encoding::Identity, &metrics).await.bytes, b"{\"agent\":[]}");
        let rendered = "rtstats_render_duration_seconds_count{page=\"agents\",format=\"json\"} 1";
        assert!(metrics.encode().contains(rendered), "{}", metrics.encode());
    }

    #[tokio::test]
    async fn documents_that_nobody_asks_for_are_given_back() {
        let (board, freezes) = (Arc::new(Board::default()), Arc::new(AtomicUsize::new(0)));
        board.refresh(LONG, freeze(freezes.clone())).await.unwrap();
        board.forget_aged(LONG);
        assert!(board.latest.load().is_some());
        board.refresh(Duration::ZERO, freeze(freezes.clone())).await.unwrap();
        let aged = Arc::new(Board::default());
        aged.refresh(Duration::ZERO, freeze(freezes)).await.unwrap();
        aged.forget_aged(Duration::ZERO);
        assert!(aged.latest.load().is_none());
    }
}
