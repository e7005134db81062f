//! The trends of the last hours: taken once a minute, kept through restarts, shown whole or as they come.
//!
//! A point is taken where it differs from the one before, and now and then in any case: so a longer pause is time in which
//! nobody looked. All points of a minute are kept in one transaction.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use stats::{document::Frozen, event::Millis};
use tokio::sync::OnceCell;

use super::{
    Feeds,
    frame::{self, EventName},
    point,
};
use crate::{
    board::Document,
    clock,
    journal::{JournalError, Trend},
    shard::{Live, State},
    tenants::TenantId,
};

const MINUTE_MS: i64 = 60_000;

/// How long they are kept.
pub const HOURS_MAX: u8 = 24;

const HOUR_MS: i64 = 60 * MINUTE_MS;

/// The longest pause between two points of a tenant that is served: whoever draws them takes more for a gap.
const PAUSE_MS: i64 = 10 * MINUTE_MS;

/// The last point of a tenant.
struct Last {
    minute: Millis,
    points: Vec<point::Point>,
}

impl Last {
    /// Whether a point is to be kept although nothing changed.
    fn is_old(&self, minute: Millis) -> bool {
        // The clock may have been set.
        !(0..PAUSE_MS).contains(&(minute - self.minute))
    }

    /// Whether the same holds still, for certain: where there is nothing, only an event brings something.
    fn holds(&self, stirred: bool) -> bool {
        self.points.is_empty() && !stirred
    }
}

/// Whether a tenant's points at a minute's end are kept.
fn is_told(last: Option<&Last>, minute: Millis, points: &[point::Point]) -> bool {
    last.is_none_or(|last| last.is_old(minute) || last.points != points)
}

/// What was asked for in this minute, each document made once.
#[derive(Default)]
pub struct Asked(Mutex<HashMap<(TenantId, u8), Cell>>);

type Cell = Arc<OnceCell<Arc<Document>>>;

impl Asked {
    fn cell(&self, tenant: TenantId, hours: u8) -> Cell {
        let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cells.entry((tenant, hours)).or_default().clone()
    }

    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Feeds {
    /// A tenant's trends of the last hours as JSON.
    pub async fn trends(
        self: &Arc<Self>,
        tenant: TenantId,
        hours: u8,
    ) -> Result<Arc<Document>, JournalError> {
        let cell = self.asked.cell(tenant, hours);
        let made = cell.get_or_try_init(async || {
            let journal = self.journal.clone();
            let after = clock::now() - i64::from(hours) * HOUR_MS;
            let render = move || journal.trends(tenant, after).map(|trends| document(&trends));
            let rendered = tokio::task::spawn_blocking(render).await;
            rendered.expect("rendering panics for no rows, and nobody cancels it")
        });
        made.await.cloned()
    }

    /// Keeps points of minutes in which nobody took any: what a tenant's queues were like at their ends.
    pub fn keep_past(
        &self,
        tenant: TenantId,
        past: &[(Millis, Frozen)],
    ) -> Result<(), JournalError> {
        let point = |(minute, frozen): &(Millis, Frozen)| Trend {
            tenant,
            minute: *minute,
            points: point::pack(&point::points(&frozen.queues)),
        };
        let from = clock::now() - i64::from(HOURS_MAX) * HOUR_MS;
        self.journal.keep_trends(past.iter().map(point).collect(), from)?;
        self.asked.forget();
        Ok(())
    }

    /// Takes a point at the end of each minute, for as long as it is polled.
    pub async fn take_trends(self: Arc<Self>) {
        let mut last = clock::now().div_euclid(MINUTE_MS);
        let mut lasts = HashMap::new();
        loop {
            // The clock may be set: slept in pieces, and what it says counts.
            let into_ms = clock::now().rem_euclid(MINUTE_MS);
            let left_ms = (MINUTE_MS - into_ms).clamp(1, 1_000).unsigned_abs();
            tokio::time::sleep(Duration::from_millis(left_ms)).await;
            let now = clock::now().div_euclid(MINUTE_MS);
            if now != last {
                last = now;
                self.take_minute(now * MINUTE_MS, &mut lasts).await;
            }
        }
    }

    async fn take_minute(&self, minute: Millis, lasts: &mut HashMap<TenantId, Last>) {
        let taken = self.look(minute, lasts).await;
        let trends = taken.iter().map(|(live, points)| Trend {
            tenant: live.id,
            minute,
            points: point::pack(points),
        });
        let (journal, trends) = (self.journal.clone(), trends.collect::<Vec<_>>());
        let count = trends.len() as u64;
        let from = minute - i64::from(HOURS_MAX) * HOUR_MS;
        let kept = tokio::task::spawn_blocking(move || journal.keep_trends(trends, from)).await;
        let is_kept = matches!(kept, Ok(Ok(())));
        match kept {
            Ok(Ok(())) => self.metrics.trends_kept(count),
            Ok(Err(error)) => {
                self.metrics.trends_failed();
                tracing::warn!(%error, "the trends of a minute were not kept");
            }
            // Its cause is in the log already.
            Err(_) => self.metrics.trends_failed(),
        }
        self.asked.forget();
        for (live, points) in taken {
            self.tell_trend(&live, minute, &points);
            // What was not kept is no last point: the next minute's is kept in any case, before the pause is a gap.
            match is_kept {
                true => lasts.insert(live.id, Last { minute, points }),
                false => lasts.remove(&live.id),
            };
        }
    }

    /// The points that are to be kept.
    async fn look(
        &self,
        minute: Millis,
        lasts: &mut HashMap<TenantId, Last>,
    ) -> Vec<(Arc<Live>, Vec<point::Point>)> {
        let mut taken = Vec::new();
        let all = self.shards.all_live();
        // Who is not served has no last point: the first one after that is told in any case.
        lasts.retain(|id, _| all.get(id).is_some_and(|live| live.state() == State::Ready));
        for live in all.values().filter(|live| live.state() == State::Ready) {
            let stirred = live.stir.take();
            let last = lasts.get(&live.id);
            let points = match last.filter(|last| last.holds(stirred)) {
                Some(last) => last.points.clone(),
                None => match self.shards.view(live.id).await {
                    Ok(Ok(view)) => point::points(&view.frozen.queues),
                    Ok(Err(_)) | Err(_) => {
                        // That something happened was heard, and is not heard again.
                        lasts.remove(&live.id);
                        continue;
                    }
                },
            };
            if is_told(last, minute, &points) {
                taken.push((live.clone(), points));
            }
        }
        taken
    }

    /// On the thread of the feeds, as all frames: so numbers and frames keep their order.
    fn tell_trend(&self, live: &Live, minute: Millis, points: &[point::Point]) {
        let feed = self.lock().get(&live.id).cloned();
        let Some(feed) = feed else { return };
        let mut json = String::new();
        point::write(minute, points, &mut json);
        feed.publish(frame::plain(EventName::Trend, feed.next_number(), &json));
    }
}

fn document(trends: &[Trend]) -> Arc<Document> {
    let fields = point::FIELDS.map(|field| format!("\"{field}\"")).join(",");
    let mut json =
        format!("{{\"every-seconds\":{},\"fields\":[{fields}],\"points\":[", MINUTE_MS / 1_000);
    let mut first = true;
    for trend in trends {
        let Some(points) = point::unpack(&trend.points) else {
            let (tenant, minute) = (trend.tenant.0, trend.minute);
            tracing::warn!(tenant, minute, "a trend in the database can't be read and is left out");
            continue;
        };
        if !std::mem::take(&mut first) {
            json.push(',');
        }
        point::write(trend.minute, &points, &mut json);
    }
    json.push_str("]}");
    Arc::new(Document::new(json.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::driver::tests::served;

    const MINUTE: Millis = 29_833_334 * MINUTE_MS;

    fn point(sla: i8) -> point::Point {
        point::Point { queue: 1, waiting: 0, sla, offered: 0, in_progress: 0 }
    }

    fn last(points: &[point::Point]) -> Last {
        Last { minute: MINUTE, points: points.to_vec() }
    }

    #[test]
    fn what_changes_without_an_event_is_told() {
        // A service level goes half an hour after the last visit.
        let before = last(&[point(85)]);
        assert!(!before.holds(false), "it has to be looked at");
        assert!(is_told(Some(&before), MINUTE + MINUTE_MS, &[]));
        assert!(!is_told(Some(&before), MINUTE + MINUTE_MS, &[point(85)]));
    }

    #[test]
    fn where_nothing_is_nobody_looks_until_something_happens() {
        assert!(last(&[]).holds(false) && !last(&[]).holds(true));
    }

    #[test]
    fn a_longer_pause_is_a_gap() {
        let before = last(&[point(85)]);
        for minutes in 1..10 {
            assert!(!is_told(Some(&before), MINUTE + minutes * MINUTE_MS, &[point(85)]));
        }
        assert!(is_told(Some(&before), MINUTE + PAUSE_MS, &[point(85)]));
        assert!(is_told(Some(&before), MINUTE - MINUTE_MS, &[point(85)]), "a clock was set back");
        assert!(is_told(None, MINUTE, &[]), "nobody looked before");
    }

    #[tokio::test]
    async fn what_was_not_kept_or_seen_is_no_last_point() {
        let folder = tempfile::tempdir().unwrap();
        let (journal, feeds, live) = served(folder.path());
        let mut lasts = HashMap::new();
        feeds.take_minute(MINUTE, &mut lasts).await;
        assert_eq!(lasts[&live.id].minute, MINUTE);
        journal.close().unwrap();
        feeds.take_minute(MINUTE + PAUSE_MS, &mut lasts).await;
        assert!(!lasts.contains_key(&live.id), "its minute was not kept");
        lasts.insert(live.id, last(&[point(85)]));
        feeds.shards.stop();
        feeds.take_minute(MINUTE + MINUTE_MS, &mut lasts).await;
        assert!(!lasts.contains_key(&live.id), "nobody saw what it is like");
        feeds.stop();
    }
}
