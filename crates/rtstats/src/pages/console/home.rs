//! A tenant's home: what it is, what it holds, and what to do first.

use jiff::tz::TimeZoneDatabase;
use maud::{Markup, html};

use super::{base, connections::ago, page, roster::Roster};
use crate::{
    accounts::Role,
    pages::{Asked, Shown, start},
    shard::Ledger,
    tenants::{Tenant, TokenKind},
};

/// The page.
pub async fn show(asked: &mut Asked<'_>, tenant: &Tenant) -> Shown {
    let roster = super::roster(asked, tenant).await?;
    let ledger = asked.pages.api.shards.ledger(tenant.id).await;
    let base = base(tenant);
    let fed = asked
        .pages
        .connectors
        .statuses()
        .iter()
        .any(|status| status.tenant == tenant.name.as_str())
        || tenant.token(TokenKind::Action).is_some();
    let middle = html! {
        (steps(&base, &roster, tenant, fed))
        dl.figures {
            div { dt { "Queues" } dd { a href={ (base) "/queues" } { (roster.queues.len()) } } }
            div { dt { "Agents" } dd { a href={ (base) "/agents" } { (roster.agents.len()) } } }
            div { dt { "Groups" } dd { a href={ (base) "/groups" } { (roster.groups.len()) } } }
            div { dt { "Code lists" } dd { a href={ (base) "/codes" } { (roster.codes.len()) } } }
        }
        (facts(asked, tenant, ledger.as_ref()))
        @if asked.role() == Some(&Role::Platform) {
            section aria-labelledby="remove" {
                h2 #remove { "Remove the tenant" }
                p { "With all its events, figures, tokens and accounts." }
                p { a.button.danger href={ (base) "/remove" } { "Remove…" } }
            }
        }
    };
    Ok(page(asked, tenant, tenant.name.as_str(), "").show(asked, middle))
}

/// What is still to do, until it is done.
fn steps(base: &str, roster: &Roster, tenant: &Tenant, fed: bool) -> Markup {
    let assigned = roster.assigned.values().any(|(assigned, _)| *assigned > 0);
    let steps = [
        (
            !roster.queues.is_empty(),
            "/queues/new",
            "Make a queue",
            "what customers call or write to",
        ),
        (
            !roster.agents.is_empty(),
            "/agents/new",
            "Make agents",
            "one by one, or all from a CSV file",
        ),
        (assigned, "/assignments", "Assign agents to queues", "who works for what"),
        (
            fed,
            "/connections",
            "Let events come in",
            "from a connector, or with the Action Request Token",
        ),
        (
            tenant.token(TokenKind::Data).is_some(),
            "/tokens",
            "Make a Data Request Token",
            "for programs and wallboards that read",
        ),
    ];
    let first = steps.iter().position(|(done, ..)| !done);
    html! {
        @if let Some(first) = first {
            section.card.steps aria-labelledby="steps" {
                h2 #steps { "To a running contact centre" }
                ol {
                    @for (place, (done, path, name, about)) in steps.iter().enumerate() {
                        li.done[*done].next[place == first] {
                            @if *done { span.mark.good { "done" } } @else if place == first { span.mark { "next" } }
                            " " a href={ (base) (path) } { (name) } span.hint { " – " (about) }
                        }
                    }
                }
            }
        }
    }
}

fn facts(asked: &Asked<'_>, tenant: &Tenant, ledger: Option<&Ledger>) -> Markup {
    let zone = TimeZoneDatabase::bundled().get(&tenant.zone).ok();
    let now = jiff::Timestamp::from_millisecond(asked.now_ms).ok();
    let local = zone
        .zip(now)
        .map(|(zone, now)| zone.to_datetime(now).strftime("%Y-%m-%d %H:%M").to_string());
    html! {
        dl.facts {
            dt { "Tenant" } dd { code { (tenant.name) } }
            dt { "Time zone" }
            dd { (tenant.zone) @if let Some(local) = local { ", where it is " (local) " now" }
                p.hint { "It says when a day begins and ends, and is fixed when the tenant is made: all days so far were counted \
                    by it. For another one, make a new tenant and have its senders use it." } }
            @if let Some(ledger) = ledger {
                dt { "Last event" }
                dd { (start::local_instant(ledger.counted, &tenant.zone)) (ago(ledger.counted, asked.now_ms)) }
            }
        }
    }
}
