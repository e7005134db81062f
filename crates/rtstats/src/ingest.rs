//! The edge that takes events in: `POST /api/rtstats/events` (SPEC §4.1).
//!
//! Admission, reading, decoding, parsing, journal, shard, answer: in that order, and a 200 only after the last two.
//! What is on its way at a time is bounded in bytes, of all tenants and of each; beyond that a sender is told at once to come again.

mod answers;
mod body;
pub(crate) mod budget;
pub mod lately;
mod leavers;

use std::{sync::Arc, time::Duration};

use http::{Method, StatusCode, request::Parts};
use hyper::body::Incoming;
use stats::{
    document::Format,
    limit,
    parse::{FieldError, LineError},
};
use tokio::sync::oneshot;

use body::{BodyError, Encoding};
use budget::{Budget, Held};
use lately::Lately;

use crate::{
    accounts::{Accounts, Caller},
    api::{
        Api,
        answer::{self, Answer},
    },
    clock,
    journal::{Batch, Journal, JournalError},
    shard::{Applied, CONSOLE, Parsed, Unavailable},
    telemetry::IncidentId,
    tenants::{Tenant, TenantId, TokenKind},
};

/// Where events are sent to.
pub const PATH: &str = "/api/rtstats/events";

/// Batches from here on are parsed beside the connections' threads.
const PARSED_ASIDE_FROM_BYTES: usize = 512 * 1_024;

/// The way in for events.
pub struct Ingest {
    journal: Arc<dyn Journal>,
    api: Arc<Api>,
    budget: Arc<Budget>,
    body_timeout: Duration,
    accounts: Arc<Accounts>,
    /// What senders got wrong lately.
    pub lately: Lately,
}

/// Why a batch was not taken up.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Lines are malformed; nothing was kept.
    #[error("{} malformed lines", .0.len())]
    Malformed(Vec<LineError>),
    /// The journal took nothing.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Accounts of agents whom it removes could not be removed first; nothing was kept.
    #[error("the accounts of agents whom the batch removes can't be removed: {0}")]
    Accounts(String),
    /// It is durable, but its tenant can't be brought up to date now.
    #[error("the batch is stored, but {0}")]
    Stored(Unavailable),
}

impl Ingest {
    /// A way in that holds at most `in_flight_bytes` of batches at a time, and of one tenant a share of that.
    pub fn new(
        journal: Arc<dyn Journal>,
        api: Arc<Api>,
        accounts: Arc<Accounts>,
        in_flight_bytes: usize,
        body_timeout: Duration,
    ) -> Ingest {
        let budget = Arc::new(Budget::new(in_flight_bytes));
        Ingest { journal, api, budget, body_timeout, accounts, lately: Lately::default() }
    }

    /// Answers one post.
    pub async fn answer(&self, head: &Parts, body: &mut Incoming) -> Answer {
        self.take(head, body).await.unwrap_or_else(|no| no)
    }

    async fn take(&self, head: &Parts, body: &mut Incoming) -> Result<Answer, Answer> {
        if head.method != Method::POST {
            return Err(answer::not_allowed("POST", Format::Json));
        }
        let tenant = self.api.admit(&head.headers, TokenKind::Action, Format::Json)?;
        self.api.ready(&tenant, Format::Json)?;
        let encoding = Encoding::of(&head.headers).map_err(|error| body_refused(&error))?;
        let reading = body::read(body, encoding, Held::new(self.budget.clone(), tenant.id));
        let (lines, mut held) = match tokio::time::timeout(self.body_timeout, reading).await {
            Ok(read) => read.map_err(|error| body_refused(&error))?,
            Err(_) => return Err(body_refused(&BodyError::Slow)),
        };
        let latest = Some(clock::now() + limit::AHEAD_MS_MAX);
        let sent = lines.clone();
        let parsed = if lines.len() < PARSED_ASIDE_FROM_BYTES {
            Parsed::new(lines, latest)
        } else {
            let parse = tokio::task::spawn_blocking(move || Parsed::new(lines, latest));
            parse.await.expect("parsing panics for no bytes, and nobody cancels it")
        };
        let submitted = match parsed {
            Ok(parsed) if let Some(error) = beyond_console(&parsed) => {
                Err(Refusal::Malformed(vec![error]))
            }
            Ok(parsed) => {
                let lines_bytes = size_of_val(parsed.lines());
                held.hold(lines_bytes).map_err(|full| body_refused(&full.into()))?;
                self.submit(tenant.id, parsed, Some(held)).await
            }
            Err(errors) => Err(Refusal::Malformed(errors)),
        };
        match submitted {
            Ok(applied) => Ok(answer::json(StatusCode::OK, answers::taken(&applied))),
            Err(Refusal::Malformed(errors)) => {
                self.api.metrics.lines_malformed(errors.len() as u64);
                self.lately.malformed(tenant.id, &sent, &errors);
                Err(answer::json(StatusCode::BAD_REQUEST, answers::malformed(&errors)))
            }
            Err(Refusal::Journal(error)) => Err(journal_refused(&error)),
            Err(Refusal::Accounts(cause)) => {
                tracing::warn!(tenant = tenant.name.as_str(), cause, "accounts can't be removed");
                let message = "The accounts of agents whom the batch removes can't be removed now. No event was kept.";
                Err(answer::retry(StatusCode::SERVICE_UNAVAILABLE, 5, message, Format::Json))
            }
            Err(Refusal::Stored(why)) => Err(stored(&tenant, why)),
        }
    }

    /// Makes a batch durable and applies it, after the accounts of the agents whom it removes are gone. What it holds of the
    /// budget is given back when both are done, whoever still waits for them.
    pub async fn submit(
        &self,
        tenant: TenantId,
        parsed: Parsed,
        held: Option<Held>,
    ) -> Result<Applied, Refusal> {
        leavers::leave(self, tenant, &parsed, None).await?;
        self.append(tenant, parsed, held).await
    }

    /// The same for a page, at which somebody has signed in.
    pub async fn submit_from_page(
        &self,
        tenant: TenantId,
        parsed: Parsed,
        by: Caller,
    ) -> Result<Applied, Refusal> {
        leavers::leave(self, tenant, &parsed, Some(by)).await?;
        self.append(tenant, parsed, None).await
    }

    async fn append(
        &self,
        tenant: TenantId,
        parsed: Parsed,
        held: Option<Held>,
    ) -> Result<Applied, Refusal> {
        let events = parsed.lines().len();
        if events == 0 {
            return Ok(Applied::default());
        }
        let (told, outcome) = oneshot::channel();
        let shards = self.api.shards.clone();
        let lines = parsed.bytes().clone();
        let batch = Batch {
            tenant,
            lines: parsed.bytes().clone(),
            events: u32::try_from(events).unwrap_or(u32::MAX),
            durable: Box::new(move |appended| match appended {
                // Who sent the batch may have gone: then nobody hears the outcome, and that is all.
                Ok(after) => shards.apply(
                    tenant,
                    after,
                    parsed,
                    Box::new(move |applied| {
                        drop(held);
                        drop(told.send(applied.map_err(Refusal::Stored)));
                    }),
                ),
                Err(error) => drop(told.send(Err(error.into()))),
            }),
        };
        self.journal.append(batch)?;
        let applied = outcome.await.unwrap_or(Err(Refusal::Stored(Unavailable::NotReady)))?;
        self.lately.ignored(tenant, &lines, &applied);
        Ok(applied)
    }
}

fn body_refused(error: &BodyError) -> Answer {
    let message = error.to_string();
    let status = match error {
        BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        BodyError::Slow => StatusCode::REQUEST_TIMEOUT,
        BodyError::Broken(_) => StatusCode::BAD_REQUEST,
        BodyError::NoRoom | BodyError::NoShare => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return answer::retry(status, 1, &message, Format::Json);
        }
    };
    answer::error(status, &message, Format::Json)
}

/// The batch is on disk, and only a fault of ours keeps it from the figures: nothing that is sent again for that.
fn stored(tenant: &Tenant, why: Unavailable) -> Answer {
    let incident = IncidentId::new();
    let tenant = tenant.name.as_str();
    tracing::error!(%incident, tenant, %why, "a batch is stored but could not be applied");
    let message = format!(
        "The batch is stored, but a fault of the server keeps it from the figures for now: don't send it again. The \
         operator finds the cause in the log under {incident}."
    );
    answer::error(StatusCode::INTERNAL_SERVER_ERROR, &message, Format::Json)
}

fn journal_refused(error: &JournalError) -> Answer {
    let (seconds, message) = match error {
        JournalError::Full => {
            (1, "More events are on their way than the disk takes. Nothing was kept.")
        }
        JournalError::Failed(_) => (5, "The journal can't be written. Nothing was kept."),
        // Removed while its batch was on the way: from now on its credentials are wrong.
        JournalError::Gone(_) => {
            let message = "This tenant has been removed. Nothing was kept.";
            return answer::error(StatusCode::FORBIDDEN, message, Format::Json);
        }
    };
    answer::retry(StatusCode::SERVICE_UNAVAILABLE, seconds, message, Format::Json)
}

/// The highest number that others may use with the console's source: a log that moves here has its events, and room for
/// as many as anybody ever makes must stay.
const CONSOLE_SEQ_MAX: u64 = 1 << 53;

/// What would leave no number to the console's own events.
fn beyond_console(parsed: &Parsed) -> Option<LineError> {
    let beyond = parsed.lines().iter().find(|line| {
        let origin = line.event.origin.as_ref();
        origin.is_some_and(|origin| origin.source == CONSOLE && origin.seq > CONSOLE_SEQ_MAX)
    })?;
    let message = format!(
        "expected at most {CONSOLE_SEQ_MAX}, since the source “{CONSOLE}” is the Configuration Manager's"
    );
    Some(LineError { line: beyond.number, error: FieldError { field: "seq".into(), message } })
}
