//! Who shares what, who waits for what, and who is told to come again.

use std::{
    future::pending,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
};

use tokio::{
    sync::Notify,
    task::{JoinHandle, yield_now},
    time::advance,
};

use super::*;

/// A shard whose state is a number of events, and a desk for it.
struct Place {
    desk: Arc<Desk<u64>>,
    events: Arc<AtomicU64>,
    copies: Arc<AtomicUsize>,
    /// Lets one copy come to its end.
    end: Arc<Notify>,
}

type Asked = JoinHandle<Reply<u64>>;

impl Place {
    fn new(places: usize) -> Place {
        Place {
            desk: Desk::new(places),
            events: Arc::default(),
            copies: Arc::default(),
            end: Arc::default(),
        }
    }

    /// Somebody who asks; a source's highest number is the length of its name.
    fn ask(&self, source: Option<&str>) -> Asked {
        let (events, copies, end) = (self.events.clone(), self.copies.clone(), self.end.clone());
        let copy = move |sources: Sources| async move {
            copies.fetch_add(1, SeqCst);
            let copied = events.load(SeqCst);
            end.notified().await;
            let number = |source: Option<String>| source.map_or(0, |source| source.len() as u64);
            Ok((copied, sources.into_iter().map(number).collect()))
        };
        let (desk, source) = (self.desk.clone(), source.map(str::to_owned));
        tokio::spawn(async move { desk.ask(source, copy, |it| *it).await })
    }

    /// Somebody who asks, and whose copy comes to its end.
    async fn served(&self) -> Arc<Shared<u64>> {
        self.end.notify_one();
        self.ask(None).await.unwrap().unwrap().0
    }

    /// Until so many copies were begun, and so many wait behind them.
    async fn until(&self, copies: usize, waiting: usize) {
        while self.copies.load(SeqCst) != copies || self.desk.waiting().len() != waiting {
            yield_now().await;
        }
    }
}

#[tokio::test]
async fn who_comes_during_a_copy_shares_the_next_and_sees_what_was_acknowledged() {
    let place = Place::new(2);
    let first = place.ask(Some("pbx"));
    place.until(1, 0).await;
    place.events.store(7, SeqCst);
    let later: Vec<Asked> =
        [None, Some("crm-1"), Some("pbx")].into_iter().map(|source| place.ask(source)).collect();
    place.until(1, 3).await;
    place.end.notify_one();
    let (first, number) = first.await.unwrap().unwrap();
    assert_eq!((first.made, number), (0, 3));
    place.until(2, 0).await;
    place.end.notify_one();
    let mut told = Vec::new();
    for asked in later {
        told.push(asked.await.unwrap().unwrap());
    }
    assert_eq!(told.iter().map(|(_, number)| *number).collect::<Vec<_>>(), [0, 5, 3]);
    assert!(told.iter().all(|(shared, _)| Arc::ptr_eq(shared, &told[0].0)));
    assert_eq!((told[0].0.made, place.copies.load(SeqCst)), (7, 2));
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_copied() {
    let place = Place::new(2);
    let first = place.ask(None);
    place.until(1, 0).await;
    let gone = [place.ask(None), place.ask(None)];
    place.until(1, 2).await;
    for asked in gone {
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
    }
    place.end.notify_one();
    first.await.unwrap().unwrap();
    place.served().await;
    assert_eq!(place.copies.load(SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn the_next_copy_waits_as_long_as_the_last_took() {
    let place = Place::new(2);
    let first = place.ask(None);
    place.until(1, 0).await;
    advance(PATIENCE).await;
    place.end.notify_one();
    first.await.unwrap().unwrap();
    let begun = Instant::now();
    place.served().await;
    assert_eq!(begun.elapsed().as_secs(), PATIENCE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_which_everybody_has_gone_is_given_up_and_keeps_no_place() {
    let place = Place::new(1);
    let (mut unread, reply) = oneshot::channel::<()>();
    let desk = place.desk.clone();
    let never = move |_| async move {
        let _reply = reply;
        pending::<Result<(u64, Vec<u64>), Unavailable>>().await
    };
    let asked = tokio::spawn(async move { desk.ask(None, never, |it| *it).await });
    while place.desk.turn.try_lock().is_ok() || !place.desk.waiting().is_empty() {
        yield_now().await;
    }
    asked.abort();
    unread.closed().await;
    let begun = Instant::now();
    assert_eq!(place.served().await.made, 0);
    let waited = begun.elapsed();
    assert!(waited >= GIVEN_UP_PAUSE && waited < 2 * GIVEN_UP_PAUSE, "{waited:?}");
}

#[tokio::test]
async fn a_state_that_is_not_there_is_told_to_all_and_keeps_no_place() {
    let place = Place::new(1);
    for why in [Unavailable::Broken, Unavailable::NotReady, Unavailable::Broken] {
        let desk = place.desk.clone();
        let copy = move |_| async move { Err::<(u64, Vec<u64>), _>(why) };
        let ask = || desk.ask(None, copy, |it| *it);
        let (one, other) = tokio::join!(ask(), ask());
        for denied in [one, other] {
            assert_eq!(denied.map(|_| ()), Err(Denied::Unavailable(why)));
        }
    }
    place.served().await;
}

#[tokio::test(start_paused = true)]
async fn beyond_the_places_nobody_is_served_until_one_is_free() {
    let place = Place::new(2);
    let (one, _other) = (place.served().await, place.served().await);
    let begun = Instant::now();
    let denied = place.ask(None).await.unwrap();
    assert_eq!(denied.map(|_| ()), Err(Denied::Crowded));
    assert_eq!((begun.elapsed().as_secs(), place.copies.load(SeqCst)), (PATIENCE.as_secs(), 2));
    // What is shared has its place until the last of those who share it lets it go.
    let shared = one.clone();
    drop(one);
    assert_eq!(place.ask(None).await.unwrap().map(|_| ()), Err(Denied::Crowded));
    drop(shared);
    place.served().await;
    assert_eq!(place.copies.load(SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn who_came_later_waits_longer_for_a_place() {
    let place = Place::new(1);
    let only = place.served().await;
    let early = place.ask(None);
    place.until(1, 1).await;
    advance(PATIENCE / 2).await;
    let late = place.ask(None);
    place.until(1, 2).await;
    assert_eq!(early.await.unwrap().map(|_| ()), Err(Denied::Crowded));
    assert!(!late.is_finished());
    drop(only);
    place.end.notify_one();
    late.await.unwrap().unwrap();
}
