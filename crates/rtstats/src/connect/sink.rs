//! Where a connector's events go: into this server's own journal, or to another server over HTTPS.
//!
//! Both ways are the same to a connector. What is sent is sent again until it is on disk and counted, or refused for
//! good; nothing is dropped. A connector has one batch under way at a time, so that its numbers arrive in order.

mod here;
mod there;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use stats::event::Millis;

use here::Here;
use there::There;

use super::status::Monitor;
pub use crate::shard::Present;
use crate::{
    api::Api,
    clock,
    ingest::Ingest,
    post::{Poster, Receipt},
    tenants::TenantName,
};

/// Where events go.
pub struct Sink(Way);

enum Way {
    Here(Here),
    There(There),
}

/// Why a connector must begin anew with the server's present state, or can't go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// The tenant was removed.
    #[error("the tenant {0} has been removed")]
    Gone(TenantName),
    /// The server will never take this; nothing was kept.
    #[error("{0}")]
    Refused(String),
}

impl Sink {
    /// Into this server's own journal.
    pub fn here(
        ingest: Arc<Ingest>,
        api: Arc<Api>,
        tenant: TenantName,
        monitor: Arc<Monitor>,
    ) -> Sink {
        Sink(Way::Here(Here::new(ingest, api, tenant, monitor)))
    }

    /// To another server.
    pub fn there(poster: Poster, monitor: Arc<Monitor>) -> std::io::Result<Sink> {
        Ok(Sink(Way::There(There::new(poster, monitor)?)))
    }

    /// What the server knows now, and how far it has followed a source. Waits until the server is ready for the tenant,
    /// however long that takes; what is sent from now on goes to the tenant that was found.
    pub async fn present(&mut self, source: &str) -> Result<Present, SinkError> {
        match &mut self.0 {
            Way::Here(here) => Ok(here.present(source).await),
            Way::There(there) => there.present(source).await,
        }
    }

    /// Sends lines until they are on disk and counted. Dropped on the way they may have arrived or not: their numbers
    /// tell.
    pub async fn send(&self, lines: Bytes) -> Result<Receipt, SinkError> {
        match &self.0 {
            Way::Here(here) => here.send(lines).await,
            Way::There(there) => there.send(lines).await,
        }
    }

    /// Ends when the tenant whose present state was taken is gone, as far as that can be seen without sending.
    pub async fn gone(&self) -> SinkError {
        match &self.0 {
            Way::Here(here) => here.gone().await,
            // Another server tells when something is sent.
            Way::There(_) => std::future::pending().await,
        }
    }

    /// Now, by the server's clock: events must not lie ahead of it (SPEC §4).
    pub fn now(&self) -> Millis {
        match &self.0 {
            Way::Here(_) => clock::now(),
            Way::There(there) => clock::now() - there.ahead_ms(),
        }
    }
}

/// Troubles are told when they begin and when they end, however often one tries between.
struct Trouble<'a> {
    monitor: &'a Monitor,
    began: bool,
}

impl<'a> Trouble<'a> {
    fn none(monitor: &'a Monitor) -> Trouble<'a> {
        Trouble { monitor, began: false }
    }

    fn is(&mut self, line: &str, wait: Duration) {
        let (connector, wait_ms) = (self.monitor.name(), wait.as_millis() as u64);
        if self.began {
            tracing::debug!(connector, wait_ms, "{line}");
        } else {
            tracing::warn!(connector, "{line}; trying again until it works");
        }
        self.began = true;
        self.monitor.trouble(line);
    }

    fn is_over(&self, line: &str) {
        if self.began {
            tracing::info!(connector = self.monitor.name(), "{line}");
        }
    }
}

#[cfg(test)]
mod tests;
