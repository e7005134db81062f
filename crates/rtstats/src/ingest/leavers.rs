//! Agents whom events remove, and whose accounts go with them: an agent of the same id later is somebody else.
//!
//! The accounts go first, and the batch is written once they are gone from the disk. So no account outlasts its agent,
//! wherever the server dies. Should the batch be refused after that, its agents have no account for a while; it is to be
//! sent again in any case.

use std::collections::BTreeSet;

use stats::event::Kind;

use super::{Ingest, Refusal};
use crate::{accounts::Caller, clock, shard::Parsed, tenants::TenantId};

/// An agent whom a batch removes.
#[derive(Debug, PartialEq, Eq)]
struct Leaver {
    agent: String,
    /// Of the event that says so: its source and number.
    origin: Option<(String, u64)>,
    /// The batch itself makes the agent before.
    is_new: bool,
}

/// Those of a batch, in its order.
fn leavers(parsed: &Parsed) -> Vec<Leaver> {
    let mut leavers = Vec::new();
    let mut made = BTreeSet::new();
    let lines = parsed.lines();
    if !lines.iter().any(|line| matches!(line.event.kind, Kind::AgentRemoved { .. })) {
        return leavers;
    }
    for line in lines {
        match &line.event.kind {
            Kind::AgentConfigured { agent, .. } => drop(made.insert(&**agent)),
            Kind::AgentRemoved { agent } => leavers.push(Leaver {
                agent: agent.to_string(),
                origin: line.event.origin.as_ref().map(|it| (it.source.to_string(), it.seq)),
                is_new: made.contains(&**agent),
            }),
            _ => {}
        }
    }
    leavers
}

/// Removes the accounts of the agents whom a batch will remove; `by` is who does it, where it is not the events.
pub(super) async fn leave(
    ingest: &Ingest,
    tenant: TenantId,
    parsed: &Parsed,
    by: Option<Caller>,
) -> Result<(), Refusal> {
    let leavers = leavers(parsed);
    if leavers.is_empty() {
        return Ok(());
    }
    let refused = |error: &dyn std::fmt::Display| Refusal::Accounts(error.to_string());
    let accounts = &ingest.accounts;
    let theirs = accounts.agents(tenant).await.map_err(|error| refused(&error))?;
    let mut gone = Vec::new();
    for leaver in leavers.into_iter().filter(|leaver| theirs.contains(&leaver.agent)) {
        let Leaver { agent, origin, is_new } = leaver;
        let (source, number) = origin.unzip();
        let now = ingest.api.shards.agent_now(tenant, agent.clone(), source.unwrap_or_default());
        let (now, seen) = now.await.map_err(|error| refused(&error))?;
        // An event that was seen before does nothing, nor one about an agent who is not there: an account may be made
        // before its agent.
        let is_seen = number.is_some_and(|number| number <= seen);
        if !is_seen && (now.is_some() || is_new) {
            gone.push(agent);
        }
    }
    if gone.is_empty() {
        return Ok(());
    }
    let by = by
        .unwrap_or_else(|| Caller { who: "event agent.removed".to_owned(), ..Caller::operator() });
    let removed = accounts.remove_of_agents(tenant, gone, by, clock::now()).await;
    removed.map_err(|error| refused(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_tells_whom_it_removes_and_whom_it_made_before() {
        let lines = r#"{"time":1,"type":"agent.removed","agent":"ann"}
            {"time":1,"type":"agent.configured","agent":"bob","name":"Bob","source":"hr","seq":7}
            {"time":1,"type":"agent.removed","agent":"bob","source":"hr","seq":8}
            {"time":1,"type":"agent.configured","agent":"ann","name":"Ann"}"#;
        let told = |lines: &'static str| leavers(&Parsed::new(lines.into(), None).unwrap());
        let ann = Leaver { agent: "ann".to_owned(), origin: None, is_new: false };
        let origin = Some(("hr".to_owned(), 8));
        assert_eq!(told(lines), [ann, Leaver { agent: "bob".to_owned(), origin, is_new: true }]);
        assert_eq!(told(r#"{"time":1,"type":"queue.removed","queue":1}"#), []);
    }
}
