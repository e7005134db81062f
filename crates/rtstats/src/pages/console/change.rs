//! Changing a tenant: one at a time, once for each form, as events of the source `console`.
//!
//! A form carries a random number of its own. Whoever sends it twice, by a double click or by going back, is led to where
//! the first one led, and nothing is done again.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use http::StatusCode;
use maud::{Markup, html};
use stats::{
    event::{Event, Kind, Origin},
    limit,
};
use tokio::sync::OwnedMutexGuard;

use crate::{
    accounts::Deed,
    api::answer::Answer,
    clock,
    ingest::Refusal,
    journal::JournalError,
    pages::{Asked, Form, Stop, answer, stop},
    shard::{Applied, CONSOLE, Parsed},
    tenants::{Tenant, TenantId},
};

/// The form field that holds its number.
const ONCE: &str = "once";

/// Forms of one tenant that are remembered.
const REMEMBERED_MAX: usize = 256;

/// Forms that were done: their numbers and where they led.
type Done = VecDeque<(String, String)>;

/// The changes of one tenant.
#[derive(Default)]
struct Own {
    /// Held for as long as a change is under way, also by the change itself once whoever asked for it has gone.
    turn: Arc<tokio::sync::Mutex<()>>,
    done: Mutex<Done>,
}

/// Changes of all tenants: one at a time in each, so that what a form was checked against still holds as it is written.
#[derive(Default)]
pub struct Changes(Mutex<HashMap<TenantId, Arc<Own>>>);

impl Changes {
    async fn turn(&self, tenant: TenantId) -> (Arc<Own>, OwnedMutexGuard<()>) {
        let own = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(tenant).or_default().clone()
        };
        let held = own.turn.clone().lock_owned().await;
        (own, held)
    }

    /// Forgets tenants that are not among these: their numbers never come again.
    pub(in crate::pages) fn keep(&self, tenants: &HashSet<TenantId>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|tenant, _| tenants.contains(tenant));
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

/// What a batch tells the audit trail.
pub enum Deeds {
    /// Of each event, in order, its own. None at all is a batch that tells nothing.
    Each(Vec<Deed>),
    /// What the events do together.
    Together(Vec<Deed>),
}

impl Deeds {
    fn all(self) -> Vec<Deed> {
        match self {
            Deeds::Each(deeds) | Deeds::Together(deeds) => deeds,
        }
    }
}

impl From<Vec<Deed>> for Deeds {
    fn from(deeds: Vec<Deed>) -> Deeds {
        Deeds::Each(deeds)
    }
}

/// The right to change one tenant, until it is dropped.
pub struct Turn {
    own: Arc<Own>,
    held: Arc<OwnedMutexGuard<()>>,
    once: String,
}

impl Turn {
    /// Waits for one's turn. Where the form was done before, gives the way on instead.
    pub async fn take(asked: &Asked<'_>, tenant: TenantId, form: &Form) -> Result<Turn, Answer> {
        let (own, held) = asked.pages.changes.turn(tenant).await;
        let session = asked.session.as_ref().map(|session| session.number()).unwrap_or_default();
        let number = form.text(ONCE);
        // What is no number of ours is not kept, however long it is.
        let ours = number.len() == 24 && number.bytes().all(|byte| byte.is_ascii_hexdigit());
        let once = if ours { format!("{session} {number}") } else { String::new() };
        let led = {
            let done = own.done.lock().unwrap_or_else(PoisonError::into_inner);
            let known = done.iter().find(|(known, _)| !once.is_empty() && *known == once);
            known.map(|(_, path)| path.clone())
        };
        match led {
            Some(path) => Err(answer::see_other(&path)),
            None => Ok(Turn { own, held: Arc::new(held), once }),
        }
    }

    /// Makes events durable and applies them, as one batch, and adds to the audit trail what they did; `seq` is the highest
    /// number seen of our source.
    ///
    /// Whoever asked for it may go away meanwhile: what has begun ends with its entries in the trail.
    pub async fn submit(
        &self,
        asked: &Asked<'_>,
        tenant: &Tenant,
        seq: u64,
        kinds: &[Kind<'_>],
        deeds: impl Into<Deeds>,
    ) -> Result<(), Stop> {
        let lines = written(seq, kinds);
        if lines.len() > limit::BATCH_BYTES_MAX {
            let why = "This is more than fits into one change. Do it in several parts.";
            return Err(Stop::Bad(StatusCode::PAYLOAD_TOO_LARGE, why.to_owned()));
        }
        let parsed = parsed(lines).await?;
        let (work, held) = (write(asked, tenant.id, parsed, deeds.into()), self.held.clone());
        let work = tokio::spawn(async move {
            let done = work.await;
            drop(held);
            done
        });
        work.await.unwrap_or_else(|_| Err(Stop::Fault("a change was cut off".to_owned())))
    }

    /// The form was done and leads there: so does the same form sent again.
    pub fn remember(&mut self, path: &str) {
        if self.once.is_empty() {
            return;
        }
        let mut done = self.own.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.push_back((std::mem::take(&mut self.once), path.to_owned()));
        if done.len() > REMEMBERED_MAX {
            done.pop_front();
        }
    }

    /// On to a page that says what was done.
    pub fn done(mut self, asked: &Asked<'_>, path: &str, told: impl Into<String>) -> Answer {
        self.remember(path);
        asked.done(path, told)
    }
}

/// Writes a batch, then in the trail what of it happened; tells whether all of it did.
fn write(
    asked: &Asked<'_>,
    tenant: TenantId,
    parsed: Parsed,
    deeds: Deeds,
) -> impl Future<Output = Result<(), Stop>> + Send + 'static {
    let (ingest, accounts) = (asked.pages.ingest.clone(), asked.accounts().clone());
    let by = asked.caller();
    async move {
        let numbers: Vec<u32> = parsed.lines().iter().map(|line| line.number).collect();
        let applied = ingest.submit_from_page(tenant, parsed, by).await;
        let happened = match &applied {
            Ok(applied) => happened(deeds, &numbers, applied),
            // It is durable, and happens as the tenant is read from its journal.
            Err(Refusal::Stored(_)) => deeds.all(),
            Err(_) => Vec::new(),
        };
        if !happened.is_empty() {
            accounts.record_all(happened).await?;
        }
        whole(&applied.map_err(refused)?)
    }
}

/// The deeds that were done: an event whose number was seen before, or that made no sense, did nothing.
fn happened(deeds: Deeds, numbers: &[u32], applied: &Applied) -> Vec<Deed> {
    // Numbers rise within a batch, so those seen before come first.
    let seen = usize::try_from(applied.duplicates).unwrap_or(usize::MAX);
    let ignored: BTreeSet<u32> = applied.ignored.iter().map(|(line, _)| *line).collect();
    let did = |(place, line): (usize, &u32)| place >= seen && !ignored.contains(line);
    let did: Vec<bool> = numbers.iter().enumerate().map(did).collect();
    match deeds {
        Deeds::Each(deeds) => {
            deeds.into_iter().zip(did).filter_map(|(deed, did)| did.then_some(deed)).collect()
        }
        Deeds::Together(deeds) if did.contains(&true) => deeds,
        Deeds::Together(_) => Vec::new(),
    }
}

/// Whether all of a change happened; why not otherwise.
fn whole(applied: &Applied) -> Result<(), Stop> {
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

fn written(seq: u64, kinds: &[Kind<'_>]) -> Vec<u8> {
    let time = clock::now();
    let mut lines = Vec::new();
    for (kind, seq) in kinds.iter().zip(seq.saturating_add(1)..) {
        let origin = Some(Origin { source: CONSOLE.into(), seq });
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
        Refusal::Accounts(cause) => {
            tracing::error!(%cause, "the account of an agent who is to be removed can't be");
            stop::later(
                "The agent's account can't be removed, so the agent stays. The server's log says why. Go back and send \
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

    #[test]
    fn only_what_happened_is_told() {
        let deeds = |len: usize| -> Vec<Deed> {
            let caller = crate::accounts::Caller::operator();
            (0..len).map(|at| caller.deed(0, None, "x", &at.to_string())).collect()
        };
        let told = |deeds: Deeds, applied| -> String {
            happened(deeds, &[1, 2, 3], &applied).into_iter().map(|deed| deed.object).collect()
        };
        let ignored = vec![(3, stats::engine::Reason::UnknownAgent)];
        let all = Applied { accepted: 3, ..Applied::default() };
        assert_eq!(told(deeds(3).into(), all.clone()), "012");
        let some = Applied { accepted: 2, duplicates: 1, ignored };
        assert_eq!(told(deeds(3).into(), some.clone()), "1");
        let none = Applied { duplicates: 3, ..Applied::default() };
        assert_eq!(told(deeds(3).into(), none.clone()), "");
        let together = |applied| told(Deeds::Together(deeds(3)), applied);
        assert_eq!([all, some, none].map(together), ["012", "012", ""]);
    }

    #[tokio::test]
    async fn one_tenant_waits_for_its_own_changes_only() {
        let changes = Changes::default();
        let (_, first) = changes.turn(TenantId(1)).await;
        let _other = changes.turn(TenantId(2)).await;
        let again = changes.turn(TenantId(1));
        tokio::pin!(again);
        assert!(futures_poll(again.as_mut()).is_none());
        drop(first);
        again.await;
    }

    #[tokio::test]
    async fn tenants_that_were_removed_are_forgotten_and_the_others_go_on() {
        let changes = Changes::default();
        let (gone, _) = changes.turn(TenantId(1)).await;
        let (stays, under_way) = changes.turn(TenantId(2)).await;
        changes.keep(&HashSet::from([TenantId(2), TenantId(3)]));
        assert_eq!(Arc::strong_count(&gone), 1, "nobody else has it");
        drop(under_way);
        let (again, _) = changes.turn(TenantId(2)).await;
        assert!(Arc::ptr_eq(&stays, &again), "its forms are remembered");
    }

    fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.poll(&mut context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }
}
