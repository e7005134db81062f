//! The list of agents: searched by id or name, filtered by group, a page at a time.

use maud::{Markup, html};

use super::{
    base, encoded, finds, page,
    roster::{Agent, Roster},
    search_field,
};
use crate::{
    pages::{Asked, Paging, Shown},
    tenants::Tenant,
};

/// The agents of a tenant, or those that search and group leave.
pub async fn list(asked: &mut Asked<'_>, tenant: &Tenant) -> Shown {
    let roster = super::roster(asked, tenant).await?;
    let search = asked.query("search").unwrap_or_default();
    let group = asked.query("group").unwrap_or_default();
    let found: Vec<(&String, &Agent)> = roster
        .agents
        .iter()
        .filter(|(id, agent)| finds(&search, &[id, &agent.name]) && is_of(agent, &group))
        .collect();
    let paging =
        Paging::of(asked).keeping("search", &encoded(&search)).keeping("group", &encoded(&group));
    let shown = found.iter().skip(paging.skip() as usize).take(paging.len_max() as usize);
    let base = base(tenant);
    let middle = html! {
        p.lead { "Who takes calls, chats and emails. The agent id is the login id of the API." }
        p.actions {
            a.button.primary href={ (base) "/agents/new" } { "New agent" }
            a.button href={ (base) "/agents/import" } { "Import from CSV" }
            @if !roster.agents.is_empty() { a.button href={ (base) "/agents/export" } { "Export as CSV" } }
        }
        @if roster.agents.is_empty() {
            p.empty { "There are no agents yet. Make one, or import all of them from a CSV file. \
                A connected PBX may bring its own." }
        } @else {
            (filter(&base, &roster, &search, &group))
            @if found.is_empty() { p.empty { "No agent fits." } }
            @else {
                p.hint { (found.len()) " of " (roster.agents.len()) " agents" }
                div.table tabindex="0" role="region" aria-label="Agents" {
                    table {
                        thead { tr {
                            th scope="col" { "Agent id" } th scope="col" { "Name" } th scope="col" { "Group" }
                            th.number scope="col" { "Queues" } th.number scope="col" { "Enabled" }
                            th scope="col" { span.unseen { "Actions" } }
                        } }
                        tbody { @for (id, agent) in shown { (row(&base, &roster, id, agent)) } }
                    }
                }
                (paging.with_len(found.len() as u64))
            }
        }
    };
    Ok(page(asked, tenant, "Agents", "/agents").show(asked, middle))
}

fn is_of(agent: &Agent, group: &str) -> bool {
    match group {
        "" => true,
        "none" => agent.group.is_none(),
        group => agent.group.is_some_and(|own| own.to_string() == group),
    }
}

fn filter(base: &str, roster: &Roster, search: &str, group: &str) -> Markup {
    html! {
        form.filter method="get" action={ (base) "/agents" } {
            (search_field(search, "Id or name"))
            @if !roster.groups.is_empty() {
                label for="group" { "Group" }
                select #group name="group" {
                    option value="" { "All" }
                    option value="none" selected[group == "none"] { "Without a group" }
                    @for (number, name) in &roster.groups {
                        option value=(number) selected[group == number.to_string()] { (name) " (" (number) ")" }
                    }
                }
            }
            button { "Search" }
        }
    }
}

fn row(base: &str, roster: &Roster, id: &str, agent: &Agent) -> Markup {
    let enabled = agent.queues.values().filter(|enabled| **enabled).count();
    let path = encoded(id);
    html! {
        tr {
            th scope="row" { a href={ (base) "/agent/" (path) } { (id) } }
            td { (agent.name) }
            td { (roster.group_name(agent.group)) }
            td.number { (agent.queues.len()) }
            td.number { (enabled) }
            td.act { a href={ (base) "/assignments?agent=" (path) } aria-label={ "Queues of " (agent.name) } { "Queues" } }
        }
    }
}
