//! Live feeds: what changes in a tenant's figures, pushed to whoever watches.
//!
//! One feed for each tenant that somebody watches, and nothing for the others. A feed looks at the figures when events
//! were applied, a few times a second at most, and also now and then without any; what differs from the last frame is
//! rendered once, and all subscribers share its bytes. A client that comes back goes on where it was.

mod driver;
mod feed;
mod frame;
mod point;
mod seats;
pub mod table;
mod trends;
mod wire;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use tokio::sync::{mpsc, oneshot};

use driver::Driver;
use feed::Feed;
pub use feed::{Lease, Subscriber};
use frame::Bye;
pub use frame::{Line, Lines};
use seats::Seats;
pub use seats::{Bounds, Full};
use trends::Asked;
pub use trends::HOURS_MAX;
pub use wire::Wire;

use crate::{
    journal::Journal,
    shard::Shards,
    telemetry::Metrics,
    tenants::{TenantId, TokenDigest},
};

/// All feeds.
pub struct Feeds {
    shards: Arc<Shards>,
    journal: Arc<dyn Journal>,
    metrics: Metrics,
    /// How the connections of tenants stand.
    lines: Lines,
    asked: Asked,
    seats: Arc<Seats>,
    feeds: Mutex<HashMap<TenantId, Arc<Feed>>>,
    /// New feeds, on their way to the thread that drives them.
    new: mpsc::UnboundedSender<Arc<Feed>>,
    stopping: AtomicBool,
    thread: Mutex<Option<Thread>>,
}

/// Why there is no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoStream {
    /// The tenant isn't served.
    NoTenant,
    /// As many are open as may be.
    Full(Full),
}

struct Thread {
    /// It ends when this is dropped.
    ends: oneshot::Sender<()>,
    handle: JoinHandle<()>,
}

impl Feeds {
    /// Starts the thread of all feeds; there are none yet.
    pub fn start(
        shards: Arc<Shards>,
        journal: Arc<dyn Journal>,
        metrics: Metrics,
        lines: Lines,
        bounds: Bounds,
    ) -> std::io::Result<Arc<Feeds>> {
        let (new, mut coming) = mpsc::unbounded_channel();
        let feeds = Arc::new(Feeds {
            shards,
            journal,
            metrics,
            lines,
            asked: Asked::default(),
            seats: Seats::new(bounds),
            feeds: Mutex::default(),
            new,
            stopping: AtomicBool::new(false),
            thread: Mutex::new(None),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (ends, ended) = oneshot::channel::<()>();
        let (own, trends) = (feeds.clone(), feeds.clone().take_trends());
        let drive = async move {
            while let Some(feed) = coming.recv().await {
                tokio::spawn(Driver::new(own.clone(), feed).run());
            }
        };
        let work = async move {
            tokio::select! {
                () = drive => {}
                () = trends => {}
                _ = ended => {}
            }
        };
        let thread = std::thread::Builder::new().name("live".into());
        let handle = thread.spawn(move || runtime.block_on(work))?;
        *feeds.thread.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Thread { ends, handle });
        Ok(feeds)
    }

    /// A stream of a tenant's figures for whom a token or session is that has this digest, from where a client is that has
    /// the frame `have`.
    pub fn watch(
        &self,
        tenant: TenantId,
        login: &TokenDigest,
        lease: Lease,
        have: Option<u64>,
        wire: Wire,
    ) -> Result<Subscriber, NoStream> {
        let live = self.shards.live(tenant).ok_or(NoStream::NoTenant)?;
        let seat = self.seats.take(tenant, login).map_err(NoStream::Full)?;
        let mut feeds = self.lock();
        let mut fresh = None;
        let feed = feeds.entry(tenant).or_insert_with(|| {
            let feed = Arc::new(Feed::new(live, self.metrics.clone()));
            fresh = Some(feed.clone());
            feed
        });
        // Under the lock: a feed is retired only while nobody can come to it.
        let subscriber = feed.subscribe(seat, lease, have, wire);
        if self.is_stopping() {
            feed.end(Bye::Stop);
        } else if let Some(fresh) = fresh
            && self.new.send(fresh).is_err()
        {
            feed.end(Bye::Stop);
        }
        Ok(subscriber)
    }

    /// Ends every stream; whoever comes from now on is told so.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        for feed in self.lock().values() {
            feed.end(Bye::Stop);
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Thread { ends, handle }) = thread else { return };
        drop(ends);
        if handle.join().is_err() {
            tracing::error!("the thread of the live feeds ended by a panic");
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Takes a feed out unless somebody watches it; whether it did.
    fn retire(&self, feed: &Arc<Feed>) -> bool {
        let mut feeds = self.lock();
        let retired = feed.is_empty();
        if retired {
            remove(&mut feeds, feed);
        }
        retired
    }

    /// Takes a feed out that has ended.
    fn forget(&self, feed: &Arc<Feed>) {
        remove(&mut self.lock(), feed);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Feed>>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes out this feed and no later one of the same tenant.
fn remove(feeds: &mut HashMap<TenantId, Arc<Feed>>, feed: &Arc<Feed>) {
    if feeds.get(&feed.tenant.id).is_some_and(|found| Arc::ptr_eq(found, feed)) {
        feeds.remove(&feed.tenant.id);
    }
}
