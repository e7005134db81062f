//! The start page, and the list of tenants.

use jiff::tz::TimeZoneDatabase;
use maud::{Markup, html};

use super::{Asked, Page, Shown, Stop};
use crate::accounts::Role;

/// Where things are.
pub(super) fn show(asked: &Asked<'_>) -> Shown {
    let middle = html! {
        @match asked.role() {
            None => (welcome()),
            Some(Role::Viewer { .. }) => {
                p.lead { "This screen is signed in to look at " (names(asked)) "." }
                p.actions { a.button.primary href="/wallboard" { "Open the wallboard" } }
            }
            Some(Role::Agent { agent, .. }) => {
                p.lead { "Agent " strong { (agent) } " of " (names(asked)) "." }
                (places(&[("/agent", "My day", "Own figures, status and queues.")]))
            }
            Some(Role::Platform | Role::Tenant(_)) => {
                p.lead { "What tenants are made of, who may sign in, and who changed what." }
                (places(&[
                    ("/wallboard", "Wallboard", "Queues and agents, live."),
                    ("/manager", "Tenants", "Queues, agents, assignments, tokens, connections, wall screens."),
                    ("/manager/accounts", "Accounts", "Administrators and agents who may sign in."),
                    ("/manager/audit", "Audit trail", "Who changed what, when, and from where."),
                ]))
            }
        }
        @if asked.session.as_ref().is_some_and(|session| session.account.is_some()) {
            p { a href="/account" { "Your account" } ": password and sessions." }
        }
        (interfaces())
    };
    let title = if asked.session.is_some() { "Start" } else { "Contact centre, live" };
    Ok(Page::new(title).show(asked, middle))
}

fn welcome() -> Markup {
    html! {
        p.lead { "Real-time statistics of queues and agents, current to the second." }
        p.actions { a.button.primary href="/sign-in" { "Sign in" } }
    }
}

fn names(asked: &Asked<'_>) -> Markup {
    html! {
        @for tenant in asked.tenants() { strong { (tenant.name) } " " }
    }
}

fn places(places: &[(&str, &str, &str)]) -> Markup {
    html! {
        ul.places {
            @for (path, name, about) in places {
                li { a href=(path) { strong { (name) } span { (about) } } }
            }
        }
    }
}

fn interfaces() -> Markup {
    html! {
        section aria-labelledby="interfaces" {
            h2 #interfaces { "For programs" }
            dl.facts {
                dt { code { "/api/rtstats/stats/agents" } ", " code { "/api/rtstats/stats/queues" } }
                dd { "The statistics in XML, JSON and CSV." }
                dt { code { "/api/rtstats/events" } }
                dd { "Takes in what happens in the contact centre." }
                dt { code { "/api/rtstats/status" } }
                dd { "How fresh a tenant's figures are." }
            }
        }
    }
}

/// An instant as text: UTC, to the minute; none is a dash.
pub(super) fn instant(ms: Option<i64>) -> Markup {
    let instant = ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    html! {
        @match instant {
            Some(instant) => time datetime=(format!("{instant:.0}")) {
                (instant.strftime("%Y-%m-%d %H:%M UTC").to_string())
            },
            None => "–",
        }
    }
}

/// An instant as text on a tenant's clocks, to the minute; none is a dash.
pub(super) fn local_instant(ms: Option<i64>, zone: &str) -> Markup {
    let instant = ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let Ok(zone) = TimeZoneDatabase::bundled().get(zone) else { return self::instant(ms) };
    html! {
        @match instant {
            Some(instant) => time datetime=(format!("{instant:.0}")) {
                (zone.to_datetime(instant).strftime("%Y-%m-%d %H:%M").to_string())
                " " (zone.to_offset_info(instant).abbreviation())
            },
            None => "–",
        }
    }
}

/// For pages that only some may see.
pub(super) fn own_account(asked: &Asked<'_>) -> Result<(), Stop> {
    let session = asked.signed_in()?;
    match session.account {
        Some(_) => Ok(()),
        None => Err(Stop::Forbidden("Wall screens have no account of their own.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_shown_on_the_tenant_s_clocks() {
        let shown = |ms, zone| local_instant(ms, zone).into_string();
        let winter = Some(1_705_318_200_000);
        assert!(shown(winter, "Europe/Berlin").contains(">2024-01-15 12:30 CET<"));
        assert!(shown(winter, "Europe/Berlin").contains("datetime=\"2024-01-15T11:30:00Z\""));
        assert!(
            shown(Some(1_721_043_000_000), "Europe/Berlin").contains(">2024-07-15 13:30 CEST<")
        );
        assert!(shown(winter, "UTC").contains(">2024-01-15 11:30 UTC<"));
        assert_eq!(shown(None, "UTC"), "–");
    }
}
