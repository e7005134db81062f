//! Who gets what of a feed, whenever they come and however slowly they read.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::tenants::TenantId;

fn feed() -> Arc<Feed> {
    Arc::new(Feed::new(Arc::new(Live::new(TenantId(1), "acme")), Metrics::new()))
}

fn always() -> Lease {
    Arc::new(|| true)
}

fn frame(feed: &Feed, len: usize) -> u64 {
    let number = feed.next_number();
    feed.publish(format!("{number:len$}").into());
    number
}

fn whole(feed: &Feed, len: usize) {
    let number = feed.next_number() - 1;
    feed.publish_whole(format!("whole {number:len$}").into());
}

/// What comes until it has to wait, its greeting left out.
fn drain(subscriber: &mut Subscriber) -> Vec<String> {
    let mut context = Context::from_waker(Waker::noop());
    let mut came = Vec::new();
    while let Poll::Ready(Some(bytes)) = subscriber.poll_next(&mut context) {
        if bytes != GREETING {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let is_number = |word: &&str| word.parse::<u64>().is_ok();
            let padded = text.split(' ').filter(|word| !word.is_empty());
            came.push(match text.starts_with("whole") {
                true => format!("whole {}", padded.clone().find(is_number).unwrap()),
                false => padded.collect::<Vec<_>>().join(" "),
            });
        }
    }
    came
}

fn numbers(came: &[String]) -> Vec<u64> {
    came.iter().map(|text| text.trim().parse().unwrap()).collect()
}

#[test]
fn whoever_is_new_waits_for_the_whole_table_and_goes_on_with_changes() {
    let feed = feed();
    let first = frame(&feed, 1);
    let mut subscriber = feed.subscribe(Seat::spare(), always(), None, Wire::Plain);
    assert!(drain(&mut subscriber).is_empty());
    assert!(feed.whole_is_wanted());
    whole(&feed, 1);
    assert_eq!(drain(&mut subscriber), [format!("whole {first}")]);
    let second = frame(&feed, 1);
    assert_eq!(numbers(&drain(&mut subscriber)), [second]);
    assert!(!feed.whole_is_wanted());
}

#[test]
fn whoever_comes_back_gets_what_was_missed_in_order() {
    let feed = feed();
    let sent: Vec<u64> = (0..10).map(|_| frame(&feed, 1)).collect();
    for (at, have) in sent.iter().enumerate() {
        let mut back = feed.subscribe(Seat::spare(), always(), Some(*have), Wire::Plain);
        assert_eq!(numbers(&drain(&mut back)), sent[at + 1..], "after {have}");
    }
    let mut before = feed.subscribe(Seat::spare(), always(), Some(sent[0] - 1), Wire::Plain);
    assert_eq!(numbers(&drain(&mut before)), sent);
}

#[test]
fn whoever_has_a_frame_that_is_not_here_gets_the_whole_table() {
    let feed = feed();
    for _ in 0..2 * RING_FRAMES_MAX {
        frame(&feed, 1);
    }
    let latest = feed.next_number() - 1;
    for have in [0, 1, latest - RING_FRAMES_MAX as u64 - 1, latest + 1, u64::MAX] {
        feed.forget_whole();
        let mut lost = feed.subscribe(Seat::spare(), always(), Some(have), Wire::Plain);
        assert!(drain(&mut lost).is_empty(), "after {have}");
        whole(&feed, 1);
        assert_eq!(drain(&mut lost), [format!("whole {latest}")], "after {have}");
    }
    feed.forget_whole();
    let mut last =
        feed.subscribe(Seat::spare(), always(), Some(latest - RING_FRAMES_MAX as u64), Wire::Plain);
    assert_eq!(drain(&mut last).len(), RING_FRAMES_MAX);
}

#[test]
fn whoever_is_slow_skips_to_the_whole_table_and_holds_nothing_up() {
    let feed = feed();
    let first = frame(&feed, 1);
    let mut slow = feed.subscribe(Seat::spare(), always(), Some(first), Wire::Plain);
    let mut quick = feed.subscribe(Seat::spare(), always(), Some(first), Wire::Plain);
    for _ in 0..100 {
        let number = frame(&feed, 1_000);
        assert_eq!(numbers(&drain(&mut quick)), [number]);
    }
    whole(&feed, 2_000);
    let latest = feed.next_number() - 1;
    assert_eq!(drain(&mut slow), [format!("whole {latest}")]);
    assert!(drain(&mut quick).is_empty(), "it has all of that");
}

#[test]
fn what_is_kept_is_bounded_in_bytes() {
    let feed = feed();
    for _ in 0..20 {
        frame(&feed, RING_BYTES_MIN / 8);
    }
    let shared = feed.lock();
    assert_eq!(shared.ring.len(), 8);
    assert_eq!(shared.ring_bytes, shared.ring.iter().map(|part| part.len()).sum::<usize>());
}

#[test]
fn a_whole_table_serves_many_until_it_is_old() {
    let feed = feed();
    frame(&feed, 1);
    whole(&feed, 100);
    let second = frame(&feed, 1);
    let mut soon = feed.subscribe(Seat::spare(), always(), None, Wire::Plain);
    assert_eq!(drain(&mut soon).len(), 2, "the table, and what came since");
    assert!(!feed.whole_is_wanted());
    for _ in 0..WHOLE_BEHIND_MAX {
        frame(&feed, 1);
    }
    let mut late = feed.subscribe(Seat::spare(), always(), None, Wire::Plain);
    assert!(drain(&mut late).is_empty());
    assert!(feed.whole_is_wanted());
    assert_eq!(late.have, None);
    assert_eq!(soon.have, Some(second));
}

#[test]
fn a_lease_that_ends_ends_its_own_stream_alone() {
    let feed = feed();
    let holds = Arc::new(AtomicBool::new(true));
    let asked = holds.clone();
    let first = frame(&feed, 1);
    let lease: Lease = Arc::new(move || asked.load(Ordering::Relaxed));
    let mut guest = feed.subscribe(Seat::spare(), lease, Some(first), Wire::Plain);
    let mut other = feed.subscribe(Seat::spare(), always(), Some(first), Wire::Plain);
    feed.end_leases();
    assert!(drain(&mut guest).is_empty());
    holds.store(false, Ordering::Relaxed);
    feed.end_leases();
    assert!(drain(&mut guest)[0].contains("revoked"));
    assert!(guest.ended);
    let second = frame(&feed, 1);
    assert_eq!(numbers(&drain(&mut other)), [second]);
    feed.end(Bye::Stop);
    assert!(drain(&mut other)[0].contains("stop"));
    drop((guest, other));
    assert!(feed.is_empty());
}

#[test]
fn a_later_feed_has_higher_numbers() {
    let now = u64::try_from(clock::now()).unwrap();
    assert!(feed().next_number() > now);
}
