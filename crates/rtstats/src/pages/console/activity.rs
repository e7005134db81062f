//! Activity: what came in from each source, what was ignored and why, and what was wrong lately.

use maud::{Markup, html};
use stats::engine::{Reason, Source};

use super::{connections::ago, page};
use crate::{
    api::status,
    ingest::lately::Trouble,
    pages::{Asked, Shown, start},
    shard::{Ledger, Unavailable},
    tenants::Tenant,
};

/// Sources shown at most; one that sends under ever new names would fill the page.
const SOURCES_MAX: usize = 200;

/// The page.
pub async fn show(asked: &mut Asked<'_>, tenant: &Tenant) -> Shown {
    let ledger = asked.pages.api.shards.ledger(tenant.id).await;
    let ledger = ledger.ok_or_else(|| super::unavailable(Unavailable::NotReady))?;
    let troubles = asked.pages.ingest.lately.of(tenant.id);
    let ignored: Vec<(Reason, u64)> =
        ledger.account.ignored().filter(|(_, count)| *count > 0).collect();
    let middle = html! {
        p.lead { "What this server got for " (tenant.name) ", and what became of it." }
        @if ledger.events == 0 {
            p.empty { "No event has come yet. Events come from connectors, from programs with the Action Request \
                Token, and from these pages." }
        } @else { (totals(asked, tenant, &ledger, &ignored)) }
        @if !ignored.is_empty() { (reasons(&ignored)) }
        (sources(asked, tenant, &ledger))
        (lately(tenant, &troubles))
    };
    Ok(page(asked, tenant, "Activity", "/activity").show(asked, middle))
}

fn totals(
    asked: &Asked<'_>,
    tenant: &Tenant,
    ledger: &Ledger,
    ignored: &[(Reason, u64)],
) -> Markup {
    let ignored: u64 = ignored.iter().map(|(_, count)| count).sum();
    html! {
        dl.figures {
            div { dt { "Events" } dd { (ledger.events) } }
            div { dt { "Counted" } dd { (ledger.account.applied) } }
            div { dt { "Ignored" } dd { (ignored) } }
            div { dt { "Duplicates" } dd { (ledger.account.duplicates) } }
        }
        p { "The last event counts at " (start::local_instant(ledger.counted, &tenant.zone)) (ago(ledger.counted, asked.now_ms)) "." }
    }
}

fn reasons(ignored: &[(Reason, u64)]) -> Markup {
    html! {
        section aria-labelledby="ignored" {
            h2 #ignored { "Ignored, since the log began" }
            p.hint { "Well-formed events that made no sense when they came. They are no error, and many of one kind tell of a \
                sender that is not set up right." }
            div.table tabindex="0" role="region" aria-label="Reasons" {
                table {
                    thead { tr { th scope="col" { "Reason" } th scope="col" { "What it means" } th.number scope="col" { "Events" } } }
                    tbody {
                        @for (reason, count) in ignored {
                            tr { td { code { (reason.word()) } } td { (reason.about()) } td.number { (count) } }
                        }
                    }
                }
            }
        }
    }
}

fn sources(asked: &Asked<'_>, tenant: &Tenant, ledger: &Ledger) -> Markup {
    let mut sources: Vec<_> = ledger.account.sources().collect();
    sources.sort_by_key(|(_, source)| std::cmp::Reverse(source.last_event));
    let len = sources.len();
    html! {
        @if len > 0 {
            section aria-labelledby="sources" {
                h2 #sources { "Sources" }
                p.hint { "Senders that number their events. Missing numbers mean events that were lost on the way; a dash stands \
                    where numbers follow the time, as in a history from queue_log, and skip without a loss." }
                div.table tabindex="0" role="region" aria-label="Table of sources" {
                    table {
                        thead { tr {
                            th scope="col" { "Source" } th scope="col" { "Last event" } th.number scope="col" { "Last number" }
                            th.number scope="col" { "Missing" } th.number scope="col" { "Duplicates" }
                        } }
                        tbody {
                            @for (name, source) in sources.into_iter().take(SOURCES_MAX) {
                                tr {
                                    th scope="row" { (name) }
                                    td { (start::local_instant(Some(source.last_event), &tenant.zone)) (ago(Some(source.last_event), asked.now_ms)) }
                                    td.number { (source.seq) } td.number { (missing(name, source)) } td.number { (source.duplicates) }
                                }
                            }
                        }
                    }
                }
                @if len > SOURCES_MAX { p.hint { "The latest " (SOURCES_MAX) " of " (len) " sources." } }
            }
        }
    }
}

fn missing(name: &str, source: &Source) -> String {
    status::missing(name, source).map_or("–".to_owned(), |missing| missing.to_string())
}

fn lately(tenant: &Tenant, troubles: &[Trouble]) -> Markup {
    html! {
        section aria-labelledby="lately" {
            h2 #lately { "Wrong lately" }
            @if troubles.is_empty() { p.empty { "Nothing was ignored or malformed since the server started." } }
            @else {
                p.hint { "The last ones since the server started, latest first. A malformed line keeps its whole batch out." }
                div.table tabindex="0" role="region" aria-label="Lines that came to nothing" {
                    table {
                        thead { tr { th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "Why" }
                            th scope="col" { "Line" } } }
                        tbody {
                            @for trouble in troubles {
                                tr {
                                    td { (start::local_instant(Some(trouble.time_ms), &tenant.zone)) }
                                    td { @if trouble.refused { span.mark.bad { "malformed" } } @else { span.mark { "ignored" } } }
                                    td { (trouble.why) }
                                    td.details { code { (trouble.line) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
