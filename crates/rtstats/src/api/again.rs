//! What it takes for an answer to be given once more to the same question on the same connection.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::StatusCode;

use super::{Api, path::Target};
use crate::{
    board::{Document, Encoding, Refresh},
    shard::{Live, State},
    telemetry::Kind,
    tenants::{Directory, TokenKind},
};

/// For so long an answer's date is near enough.
const FRESH: Duration = Duration::from_millis(500);

/// An answer with a document, or the word that its reader has it: by what it was given. It holds nothing in memory.
#[derive(Debug, Clone)]
pub struct Again {
    pub(super) made: Instant,
    pub(super) seconds_left: u64,
    pub(super) directory: Weak<Directory>,
    pub(super) live: Weak<Live>,
    pub(super) refresh: Weak<Refresh>,
    /// None where there is no body.
    pub(super) body: Option<(Weak<Document>, Encoding)>,
    pub(super) kind: Kind,
}

impl Api {
    /// The body of an answer that would be just the same now; none if it must be made anew. It is counted as a request.
    pub fn again(&self, answer: &Again) -> Option<Bytes> {
        let now = Instant::now();
        if now.duration_since(answer.made) > FRESH {
            return None;
        }
        // Tokens and tenants are as they were: a weak pointer keeps the place from being used for another directory.
        if answer.directory.as_ptr() != Arc::as_ptr(&self.directory.load()) {
            return None;
        }
        let (live, refresh) = (answer.live.upgrade()?, answer.refresh.upgrade()?);
        let ready = matches!(live.state(), State::Ready);
        let current = live.board.is_current(&refresh, now);
        if !ready || !current || refresh.seconds_left_at(now) != answer.seconds_left {
            return None;
        }
        let (body, status) = match &answer.body {
            Some((document, encoding)) => {
                (document.upgrade()?.made_form(*encoding)?, StatusCode::OK)
            }
            None => (Bytes::new(), StatusCode::NOT_MODIFIED),
        };
        if self.rates.over(live.id, TokenKind::Data).is_some() {
            return None;
        }
        self.metrics.request(answer.kind, status.as_u16(), now.elapsed());
        self.metrics.bytes_sent(body.len() as u64);
        Some(body)
    }
}

/// How a page's requests are counted.
pub fn kind(page: &Target) -> Kind {
    match page {
        Target::Agents => Kind::Agents,
        Target::Queues => Kind::Queues,
        Target::Agent(_) => Kind::Agent,
        Target::Queue(_) => Kind::Queue,
    }
}
