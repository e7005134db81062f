//! Connections: how each connector of a tenant stands.

use maud::{Markup, html};

use super::{base, page};
use crate::{
    connect::status::{ConnectorStatus, Stage},
    pages::{Asked, Shown, start},
    tenants::Tenant,
};

/// The page.
pub fn show(asked: &Asked<'_>, tenant: &Tenant) -> Shown {
    let all = asked.pages.connectors.statuses();
    let own: Vec<&ConnectorStatus> =
        all.iter().filter(|status| status.tenant == tenant.name.as_str()).collect();
    let middle = html! {
        p.lead { "Connectors follow a PBX and tell its events. Here stand those that run in this server, as its configuration \
            names them." }
        p.hint { "Those that run as processes of their own, by " code { "rtstats connect" } ", and other senders don't stand \
            here: what came from each stands under " a href={ (base(tenant)) "/activity" } { "Activity" } ", by its source." }
        @if own.is_empty() {
            p.empty {
                "No connector of this server works for " (tenant.name) ". To connect an Asterisk PBX, add a section "
                code { "[connect.asterisk.NAME]" } " with " code { "tenant = \"" (tenant.name) "\"" }
                " to the server's configuration file and start it anew. Other systems send events themselves, with the \
                 Action Request Token."
            }
        }
        @for status in own { (card(asked, tenant, status)) }
    };
    Ok(page(asked, tenant, "Connections", "/connections").show(asked, middle))
}

fn card(asked: &Asked<'_>, tenant: &Tenant, status: &ConnectorStatus) -> Markup {
    let id = format!("connector-{}", status.name);
    let figures = &status.figures;
    html! {
        section.card.connector aria-labelledby=(id) {
            h2 id=(id) { (status.name) " " (stage(status.stage)) }
            p { (in_words(status.stage)) " Since " (start::local_instant(Some(status.since), &tenant.zone)) "." }
            @if let Some(error) = &status.last_error {
                p.notice.failed[!status.stage.is_connected()] { strong { "Last trouble: " } (error) }
            }
            dl.facts {
                dt { "Address" } dd { code { (status.address) } }
                dt { "Last message" }
                dd { (start::local_instant(status.last_message, &tenant.zone)) (ago(status.last_message, asked.now_ms)) }
                dt { "Messages" } dd { (status.messages) }
                dt { "Events told" } dd { (status.events) }
                dt { "Followed now" }
                dd { (figures.queues) " queues, " (figures.members) " members, " (figures.visits) " callers waiting, "
                    (figures.legs) " calls of agents" }
                dt { "Set right" }
                dd { (figures.corrections) " differences in " (figures.resyncs) " comparisons; "
                    (figures.missed) " calls missed while it was cut off" }
            }
        }
    }
}

fn stage(stage: Stage) -> Markup {
    html! {
        @match stage {
            Stage::Following => span.mark.good { (stage.word()) },
            Stage::Cut | Stage::Stopped => span.mark.bad { (stage.word()) },
            _ => span.mark { (stage.word()) },
        }
    }
}

fn in_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Waiting => "It waits until the server serves the tenant.",
        Stage::Connecting => "It connects and logs in.",
        Stage::Comparing => {
            "It is logged in, and compares what the PBX holds with what is known here."
        }
        Stage::Following => "It is logged in and follows what happens.",
        Stage::Cut => "It is cut off, and tries again by itself.",
        Stage::Stopped => "It has ended. The server's log says why.",
    }
}

/// How long ago, for people who look for what stands still.
pub fn ago(time_ms: Option<i64>, now_ms: i64) -> Markup {
    let seconds = time_ms.map(|time_ms| (now_ms - time_ms).max(0) / 1_000);
    html! {
        @if let Some(seconds) = seconds {
            " (" @match seconds {
                0..=119 => { (seconds) " s ago" },
                120..=7_199 => { (seconds / 60) " min ago" },
                _ => { (seconds / 3_600) " h ago" },
            } ")"
        }
    }
}
