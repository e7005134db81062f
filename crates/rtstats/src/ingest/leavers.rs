//! Agents whom events remove, and whose accounts go with them: an agent of the same id later is somebody else.

use std::{collections::BTreeMap, sync::Arc};

use stats::event::Kind;
use tokio::runtime::Handle;

use super::Ingest;
use crate::{
    accounts::{Accounts, Caller},
    clock,
    shard::{Applied, Parsed, Shards},
    tenants::TenantId,
};

/// The agents whom one batch removes.
pub(super) struct Leavers {
    tenant: TenantId,
    /// By the line that says so.
    agents: BTreeMap<u32, String>,
    accounts: Arc<Accounts>,
    shards: Arc<Shards>,
    runtime: Handle,
}

impl Leavers {
    /// Those of a batch; none if it removes nobody, as nearly all.
    pub(super) fn of(tenant: TenantId, parsed: &Parsed, ingest: &Ingest) -> Option<Leavers> {
        let removed = parsed.lines().iter().filter_map(|line| match &line.event.kind {
            Kind::AgentRemoved { agent } => Some((line.number, agent.clone().into_owned())),
            _ => None,
        });
        let agents: BTreeMap<u32, String> = removed.collect();
        if agents.is_empty() {
            return None;
        }
        let (accounts, shards) = (ingest.accounts.clone(), ingest.api.shards.clone());
        Some(Leavers { tenant, agents, accounts, shards, runtime: Handle::current() })
    }

    /// The batch is applied: the accounts go, whoever still waits for the answer.
    pub(super) fn have_left(mut self, applied: &Applied) {
        for (line, _) in &applied.ignored {
            self.agents.remove(line);
        }
        let again = applied.duplicates > 0;
        let runtime = self.runtime.clone();
        drop(runtime.spawn(self.remove(again)));
    }

    /// Where some of the events had been seen before, an agent may be there again since, and stays then.
    async fn remove(self, again: bool) {
        let Leavers { tenant, agents, accounts, shards, .. } = self;
        let mut gone = Vec::new();
        for agent in agents.into_values() {
            let now = match again {
                true => shards.agent_now(tenant, agent.clone(), String::new()).await,
                false => Ok((None, 0)),
            };
            if let Ok((None, _)) = now {
                gone.push(agent);
            }
        }
        let by = Caller { who: "event agent.removed".to_owned(), ..Caller::operator() };
        if let Err(error) = accounts.remove_of_agents(tenant, gone, by, clock::now()).await {
            tracing::error!(tenant = tenant.0, %error, "accounts of removed agents are still there: remove them");
        }
    }
}
