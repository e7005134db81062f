//! What keeps one tenant's feed going: it waits for a change, asks the shard for all figures, and publishes what
//! differs. One task a feed, on the thread of all feeds; it rests while nobody watches.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::oneshot,
    time::{Instant, MissedTickBehavior, interval, sleep_until, timeout},
};

use super::{
    Feeds,
    feed::Feed,
    frame::{self, Bye, EventName, Head},
    table::Table,
};
use crate::{
    clock,
    shard::{Unavailable, View},
};

/// The least time between two looks at a tenant's figures.
const GAP: Duration = Duration::from_millis(150);

/// How long a lone change waits for the others of its moment: an accepted call is several events.
const GATHER: Duration = Duration::from_millis(10);

/// A change is in the page so soon after its event.
const PROMISED: Duration = Duration::from_millis(250);

/// What is left of that at the worst moment: for the shard, for rendering 2 000 agents, and for the way.
const LEFT: Duration = Duration::from_millis(90);

const _: () = assert!(
    GAP.as_millis() + GATHER.as_millis() + LEFT.as_millis() <= PROMISED.as_millis(),
    "a change that comes just after a look waits for the next one and must be in time all the same"
);

/// A frame comes at least so often: windows move on, and a client must see that the feed is alive.
const BEAT: Duration = Duration::from_millis(2_500);

/// How often it is asked whether subscribers may still watch.
const LEASES_EVERY: Duration = Duration::from_secs(1);

/// How long a feed without subscribers is kept for those who come back.
const LINGER: Duration = Duration::from_secs(60);

type Awaited = oneshot::Receiver<Result<View, Unavailable>>;

/// One feed at work.
pub struct Driver {
    feeds: Arc<Feeds>,
    feed: Arc<Feed>,
    table: Table,
    /// What the shard has been asked for.
    awaited: Option<Awaited>,
    /// When the shard was asked last.
    asked: Instant,
    /// When it is to be asked because something changed.
    due: Option<Instant>,
    /// When something changed that no frame shows yet.
    noticed: Option<Instant>,
    /// When a frame is to come although nothing changed.
    beat: Instant,
    /// Whether the table is of before a rest.
    rested: bool,
}

impl Driver {
    pub fn new(feeds: Arc<Feeds>, feed: Arc<Feed>) -> Driver {
        let now = Instant::now();
        Driver {
            feeds,
            feed,
            table: Table::default(),
            awaited: None,
            asked: now,
            due: Some(now),
            noticed: None,
            beat: now,
            rested: false,
        }
    }

    /// Works until nobody has watched for a while.
    pub async fn run(mut self) {
        let _ended = Ended { feeds: self.feeds.clone(), feed: self.feed.clone() };
        let feed = self.feed.clone();
        let mut leases = interval(LEASES_EVERY);
        leases.set_missed_tick_behavior(MissedTickBehavior::Delay);
        feed.tenant.stir.watch(true);
        loop {
            if feed.is_empty() && !self.rest().await {
                return;
            }
            let waits = self.awaited.is_none() && self.due.is_none();
            tokio::select! {
                view = came(&mut self.awaited) => self.publish(view),
                () = feed.tenant.stir.changed(), if waits => self.note_change(),
                () = sleep_until(self.due.unwrap_or(self.beat)) => self.ask(),
                () = feed.wanted.notified() => self.give_whole(),
                _ = leases.tick() => feed.end_leases(),
            }
        }
    }

    /// Waits for somebody to watch again; false if nobody does.
    async fn rest(&mut self) -> bool {
        self.feed.tenant.stir.watch(false);
        // Before anybody can come: what the table shows gets as old as the rest is long.
        self.rested = true;
        // As old would be what was asked for before.
        self.awaited = None;
        self.noticed = None;
        self.feed.forget_whole();
        while self.feed.is_empty() {
            let came = timeout(LINGER, self.feed.wanted.notified()).await.is_ok();
            if !came && self.feeds.retire(&self.feed) {
                return false;
            }
        }
        self.feed.tenant.stir.watch(true);
        self.due = Some(Instant::now());
        true
    }

    fn note_change(&mut self) {
        let now = Instant::now();
        self.noticed.get_or_insert(now);
        self.due = Some((now + GATHER).max(self.asked + GAP));
    }

    /// Asks the shard; while it has not answered yet, the feed says at least that it is alive.
    fn ask(&mut self) {
        let now = Instant::now();
        self.beat = now + BEAT;
        self.due = None;
        if self.awaited.is_some() {
            return self.publish_frame(|_, _| {});
        }
        self.asked = now;
        self.awaited = Some(self.feeds.shards.view(self.feed.tenant.id));
    }

    fn publish(&mut self, view: Result<View, Unavailable>) {
        let begun = Instant::now();
        self.beat = begun + BEAT;
        match view {
            Ok(view) => {
                self.rested = false;
                self.publish_frame(|table, out| table.take_up(view, out));
            }
            // The frame's head says how the tenant stands.
            Err(Unavailable::NotReady | Unavailable::Broken) => self.publish_frame(|_, _| {}),
        }
        self.feeds.metrics.live_rendered(begun.elapsed());
        if let Some(noticed) = self.noticed.take() {
            self.feeds.metrics.live_lag(noticed.elapsed());
        }
    }

    fn publish_frame(&mut self, write: impl FnOnce(&mut Table, &mut Vec<u8>)) {
        let mut parts = Vec::new();
        write(&mut self.table, &mut parts);
        let mut event = frame::begin(EventName::Change, &self.head(self.feed.next_number()));
        event.append(&mut parts);
        self.feed.publish(frame::end(event));
        self.give_whole();
    }

    /// Renders the whole table if somebody waits for it, once what it shows is fresh.
    fn give_whole(&mut self) {
        if !self.feed.whole_is_wanted() {
            return;
        }
        let is_old = self.rested || self.table.described().is_none();
        if is_old && self.awaited.is_some() || self.due.is_some_and(|due| due <= Instant::now()) {
            // A frame comes at once, and the whole table with it.
            return;
        }
        let mut event = frame::begin(EventName::Full, &self.head(self.feed.next_number() - 1));
        self.table.write_whole(&mut event);
        self.feed.publish_whole(frame::end(event));
    }

    fn head(&self, number: u64) -> Head<'_> {
        let tenant = &self.feed.tenant;
        let (state, lines) = (tenant.state(), (self.feeds.lines)(&tenant.name));
        Head { number, described: self.table.described(), now: clock::now(), state, lines }
    }
}

/// What was asked for, once it is there; never where nothing was.
async fn came(awaited: &mut Option<Awaited>) -> Result<View, Unavailable> {
    let Some(receiver) = awaited else { return std::future::pending().await };
    let view = receiver.await.unwrap_or(Err(Unavailable::NotReady));
    *awaited = None;
    view
}

/// However a driver ends, nobody waits for a feed that is dead.
struct Ended {
    feeds: Arc<Feeds>,
    feed: Arc<Feed>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.feed.tenant.stir.watch(false);
        self.feed.end(if self.feeds.is_stopping() { Bye::Stop } else { Bye::Fault });
        self.feeds.forget(&self.feed);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use stats::engine::SlaTarget;

    use super::*;
    use crate::{
        journal::{self, Journal, SqliteJournal},
        live::{Bounds, Subscriber, Wire, seats::Seat},
        shard::{Live, Settings, Shards, State},
        telemetry::Metrics,
        tenants::{Tenants, Watch},
    };

    /// A tenant that is served, its journal, and all feeds.
    pub fn served(folder: &std::path::Path) -> (Arc<SqliteJournal>, Arc<Feeds>, Arc<Live>) {
        Tenants::open(folder).unwrap().add(&"acme".parse().unwrap(), "UTC").unwrap();
        let directory = Watch::open(folder).unwrap().poll().unwrap().unwrap();
        let observe = Box::new(|_| {});
        let journal = SqliteJournal::open(folder, journal::Settings::default(), observe).unwrap();
        let journal = Arc::new(journal);
        let shared: Arc<dyn Journal> = journal.clone();
        let metrics = Metrics::new();
        let settings = Settings {
            shards: 1,
            sla_target: SlaTarget::Percent,
            snapshot_every_events: 1_000,
            snapshot_every: Duration::from_secs(60),
            now: clock::now,
        };
        let shards = Shards::start(&settings, &shared, &metrics).unwrap();
        shards.serve(directory.tenants());
        let live = shards.all_live().values().next().unwrap().clone();
        while live.state() != State::Ready {
            std::thread::yield_now();
        }
        let none = Box::new(|_: &str| Vec::new());
        let bounds = Bounds { per_login: 1, per_tenant: 1 };
        let feeds = Feeds::start(shards, shared, metrics, none, bounds).unwrap();
        (journal, feeds, live)
    }

    /// A feed of a tenant that is served, and its driver.
    fn driver(folder: &std::path::Path) -> (Arc<Feed>, Driver) {
        let (_, feeds, live) = served(folder);
        let feed = Arc::new(Feed::new(live, feeds.metrics.clone()));
        (feed.clone(), Driver::new(feeds, feed))
    }

    /// Whether something came besides the greeting.
    fn gets(subscriber: &mut Subscriber) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let mut came = 0;
        while let Poll::Ready(Some(bytes)) = subscriber.poll_next(&mut context) {
            came += usize::from(bytes != frame::GREETING);
        }
        came > 0
    }

    async fn look(driver: &mut Driver) {
        driver.ask();
        let view = came(&mut driver.awaited).await;
        driver.publish(view);
    }

    #[tokio::test]
    async fn what_was_asked_before_a_rest_is_not_shown_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let (feed, mut driver) = driver(folder.path());
        let watch = || feed.subscribe(Seat::spare(), Arc::new(|| true), None, Wire::Plain);
        look(&mut driver).await;
        driver.note_change();
        driver.ask();
        let mut first = {
            let mut rest = pin!(driver.rest());
            assert!(rest.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            let first = watch();
            assert!(rest.await, "somebody watches");
            first
        };
        assert!(driver.awaited.is_none() && driver.noticed.is_none());
        driver.ask();
        assert!(!gets(&mut first));
        driver.awaited = None;
        driver.publish(Err(Unavailable::NotReady));
        assert!(driver.rested, "no view makes no table fresh");
        look(&mut driver).await;
        assert!(!driver.rested && gets(&mut first));
        let feeds = driver.feeds.clone();
        drop(driver);
        feeds.stop();
    }

    #[tokio::test]
    async fn whoever_comes_after_a_rest_gets_no_table_of_before() {
        let folder = tempfile::tempdir().unwrap();
        let (feed, mut driver) = driver(folder.path());
        let watch = || feed.subscribe(Seat::spare(), Arc::new(|| true), None, Wire::Plain);
        let mut first = watch();
        assert!(!gets(&mut first));
        look(&mut driver).await;
        assert!(gets(&mut first));
        drop(first);

        let mut newcomer = {
            let mut rest = pin!(driver.rest());
            let mut context = Context::from_waker(Waker::noop());
            // What it was told of before is over once it waits.
            assert!(rest.as_mut().poll(&mut context).is_pending());
            let mut newcomer = watch();
            assert!(!gets(&mut newcomer), "the table of before the rest");
            assert!(rest.await, "somebody watches");
            newcomer
        };
        driver.ask();
        driver.give_whole();
        assert!(!gets(&mut newcomer), "a table that shows what was before the rest");
        let view = came(&mut driver.awaited).await;
        driver.publish(view);
        assert!(gets(&mut newcomer));
        let feeds = driver.feeds.clone();
        drop(driver);
        feeds.stop();
    }
}
