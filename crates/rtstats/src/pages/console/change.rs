//! Changing a tenant: one at a time, once for each form, as events of the source `console`.
//!
//! A form carries a random number of its own. Whoever sends it twice, by a double click or by going back, is led to where
//! the first one led, and nothing is done again.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use http::StatusCode;
use maud::{Markup, html};
use stats::{
    event::{Event, Kind, Origin},
    limit,
};
use tokio::sync::OwnedMutexGuard;

use super::roster::SOURCE;
use crate::{
    accounts::Deed,
    api::answer::Answer,
    clock,
    ingest::Refusal,
    journal::JournalError,
    pages::{Asked, Form, Stop, answer, stop},
    shard::Parsed,
    tenants::{Tenant, TenantId},
};

/// The form field that holds its number.
const ONCE: &str = "once";

/// Forms of one tenant that are remembered.
const REMEMBERED_MAX: usize = 256;

/// Forms that were done: their numbers and where they led.
type Done = VecDeque<(String, String)>;

/// Changes of all tenants: one at a time in each, so that what a form was checked against still holds as it is written.
#[derive(Default)]
pub struct Changes(Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<Done>>>>);

impl Changes {
    async fn turn(&self, tenant: TenantId) -> OwnedMutexGuard<Done> {
        let own = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(tenant).or_default().clone()
        };
        own.lock_owned().await
    }
}

/// The hidden fields that every form of a change carries.
pub fn hidden(asked: &Asked<'_>) -> Markup {
    let mut bytes = [0; 12];
    // Without randomness the form has no number, and is taken as one that was never sent before.
    let number = getrandom::fill(&mut bytes)
        .map(|()| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    html! {
        (asked.csrf())
        @if let Ok(number) = number { input type="hidden" name=(ONCE) value=(number); }
    }
}

/// The right to change one tenant, until it is dropped.
pub struct Turn {
    done: OwnedMutexGuard<Done>,
    once: String,
}

impl Turn {
    /// Waits for one's turn. Where the form was done before, gives the way on instead.
    pub async fn take(asked: &Asked<'_>, tenant: TenantId, form: &Form) -> Result<Turn, Answer> {
        let done = asked.pages.changes.turn(tenant).await;
        let session = asked.session.as_ref().map(|session| session.number()).unwrap_or_default();
        let number = form.text(ONCE);
        let once = if number.is_empty() { String::new() } else { format!("{session} {number}") };
        match done.iter().find(|(known, _)| !once.is_empty() && *known == once) {
            Some((_, path)) => Err(answer::see_other(path)),
            None => Ok(Turn { done, once }),
        }
    }

    /// Makes events durable and applies them, as one batch, and adds to the audit trail what they do; `seq` is the highest
    /// number seen of our source.
    pub async fn submit(
        &self,
        asked: &Asked<'_>,
        tenant: &Tenant,
        seq: u64,
        kinds: &[Kind<'_>],
        deeds: Vec<Deed>,
    ) -> Result<(), Stop> {
        let lines = written(seq, kinds);
        if lines.len() > limit::BATCH_BYTES_MAX {
            let why = "This is more than fits into one change. Do it in several parts.";
            return Err(Stop::Bad(StatusCode::PAYLOAD_TOO_LARGE, why.to_owned()));
        }
        let parsed = parsed(lines).await?;
        let applied = asked.pages.ingest.submit(tenant.id, parsed, None).await.map_err(refused)?;
        asked.accounts().record_all(deeds).await?;
        if applied.duplicates > 0 {
            let why = "Something else sends events under the name “console”, so that this change could not be \
                       told apart from its own. Have it use another name, and try again.";
            return Err(Stop::Bad(StatusCode::CONFLICT, why.to_owned()));
        }
        if let Some((_, reason)) = applied.ignored.first() {
            let why = format!(
                "What the form was about has changed meanwhile: {} Load the page again and look.",
                reason.about()
            );
            return Err(Stop::Bad(StatusCode::CONFLICT, why));
        }
        Ok(())
    }

    /// The form was done and leads there: so does the same form sent again.
    pub fn remember(&mut self, path: &str) {
        if self.once.is_empty() {
            return;
        }
        self.done.push_back((std::mem::take(&mut self.once), path.to_owned()));
        if self.done.len() > REMEMBERED_MAX {
            self.done.pop_front();
        }
    }

    /// On to a page that says what was done.
    pub fn done(mut self, asked: &Asked<'_>, path: &str, told: impl Into<String>) -> Answer {
        self.remember(path);
        asked.done(path, told)
    }
}

fn written(seq: u64, kinds: &[Kind<'_>]) -> Vec<u8> {
    let time = clock::now();
    let mut lines = Vec::new();
    for (kind, seq) in kinds.iter().zip(seq + 1..) {
        let origin = Some(Origin { source: SOURCE.into(), seq });
        Event { time, origin, kind: kind.clone() }.write_line(&mut lines);
    }
    lines
}

/// Lines as the shard takes them; many are read beside the connections' threads.
async fn parsed(lines: Vec<u8>) -> Result<Parsed, Stop> {
    let read = move || Parsed::new(lines.into(), None).map_err(|errors| malformed(&errors));
    aside(read).await?
}

/// Work that takes long, done beside the connections' threads.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Stop> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Stop::Fault("work beside the connections was cut off".to_owned()))
}

/// A form let something through that no event may hold.
fn malformed(errors: &[stats::parse::LineError]) -> Stop {
    let first = errors.first().map(|first| (&first.error.field, &first.error.message));
    let what = first.map(|(field, message)| format!("{field}: {message}")).unwrap_or_default();
    let why = format!("Nothing was changed, since a value can't be told as an event: {what}.");
    Stop::Bad(StatusCode::UNPROCESSABLE_ENTITY, why)
}

/// Why the journal or the shard did not take a change, and what to do.
fn refused(refusal: Refusal) -> Stop {
    match refusal {
        Refusal::Malformed(errors) => malformed(&errors),
        Refusal::Journal(JournalError::Full) => stop::later(
            "More events are on their way than the disk takes. Nothing was changed. Go back and send the form again \
             in a few seconds.",
        ),
        Refusal::Journal(JournalError::Gone(_)) => Stop::NotFound,
        Refusal::Journal(JournalError::Failed(cause)) => {
            tracing::error!(%cause, "a change from a page could not be written");
            stop::later(
                "The journal can't be written, so nothing was changed. The server's log says why. Go back and send \
                 the form again once that is put right.",
            )
        }
        Refusal::Stored(_) => stop::later(
            "The change is stored, and shows once the server has read this tenant from its journal. Don't send it \
             again.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_numbered_from_where_our_source_stands() {
        let kinds = [Kind::QueueRemoved { queue: 1 }, Kind::GroupRemoved { group: 2 }];
        let lines = String::from_utf8(written(41, &kinds)).unwrap();
        let ends: Vec<&str> =
            lines.lines().map(|line| line.split_once(",\"source\"").unwrap().1).collect();
        assert_eq!(ends, [":\"console\",\"seq\":42}", ":\"console\",\"seq\":43}"]);
    }

    #[tokio::test]
    async fn one_tenant_waits_for_its_own_changes_only() {
        let changes = Changes::default();
        let first = changes.turn(TenantId(1)).await;
        let _other = changes.turn(TenantId(2)).await;
        let again = changes.turn(TenantId(1));
        tokio::pin!(again);
        assert!(futures_poll(again.as_mut()).is_none());
        drop(first);
        again.await;
    }

    fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.poll(&mut context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }
}
