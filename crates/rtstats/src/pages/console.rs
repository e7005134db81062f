//! The Configuration Manager: what a tenant is made of, shown and changed in a browser.
//!
//! What is shown is what the engine believes ([`roster::Roster`]), whoever configured it. What is changed are events through the
//! same way in as everybody's ([`Turn::submit`]): one form, one batch, whole or not at all. Nothing here writes state by
//! another way; only tokens and tenants, which are not in the log, are changed in the database as commands do it.

mod activity;
mod agent;
mod agents;
mod change;
mod codes;
mod connections;
pub mod csv;
mod groups;
mod home;
mod import;
mod matrix;
mod plan;
mod queues;
mod roster;
mod rosters;
mod sla;
pub(super) mod tenants;
mod tokens;
mod transfer;

use http::{Method, StatusCode};
use maud::{Markup, html};
use percent_encoding::percent_decode_str;

pub use change::Changes;
pub(super) use change::{Turn, hidden};
pub use rosters::Rosters;
use rosters::SharedRoster;

use super::{Asked, Form, Page, Shown, Stop, links, stop};
use crate::{shard::Denied, tenants::Tenant};

/// The parts of a tenant: what follows its path, and the name.
const PARTS: &[(&str, &str)] = &[
    ("", "Home"),
    ("/queues", "Queues"),
    ("/agents", "Agents"),
    ("/assignments", "Assignments"),
    ("/groups", "Groups"),
    ("/codes", "Status Codes"),
    ("/tokens", "Integration"),
    ("/connections", "Connections"),
    ("/activity", "Activity"),
    ("/links", "Wall screens"),
];

/// Whatever lies below `/manager/tenants/NAME`. A page is a line here.
pub(super) async fn show(asked: &mut Asked<'_>, name: &str, rest: &[&str]) -> Shown {
    let tenant = asked.administered(name)?;
    let tenant = &tenant;
    let decoded = rest.iter().map(|part| percent_decode_str(part).decode_utf8());
    let decoded = decoded.collect::<Result<Vec<_>, _>>().map_err(|_| Stop::NotFound)?;
    let rest: Vec<&str> = decoded.iter().map(AsRef::as_ref).collect();
    let post = match *asked.method() {
        Method::GET => false,
        Method::POST => true,
        _ => return Err(Stop::Method("GET, HEAD, POST")),
    };
    match (post, rest.as_slice()) {
        (false, []) => home::show(asked, tenant).await,
        (_, ["remove"]) => tenants::remove(asked, tenant, post).await,
        (false, ["queues"]) => queues::list(asked, tenant).await,
        (_, ["queues", "new"]) => queues::new(asked, tenant, post).await,
        (_, ["queue", number]) => queues::edit(asked, tenant, number, post).await,
        (_, ["queue", number, "sla"]) => sla::edit(asked, tenant, number, post).await,
        (_, ["queue", number, "remove"]) => queues::remove(asked, tenant, number, post).await,
        (false, ["agents"]) => agents::list(asked, tenant).await,
        (_, ["agents", "new"]) => agent::new(asked, tenant, post).await,
        (false, ["agents", "export"]) => transfer::export(asked, tenant).await,
        (_, ["agents", "import"]) => transfer::import(asked, tenant, post).await,
        (_, ["agent", id]) => agent::edit(asked, tenant, id, post).await,
        (true, ["agent", id, "account"]) => agent::account(asked, tenant, id).await,
        (_, ["agent", id, "remove"]) => agent::remove(asked, tenant, id, post).await,
        (_, ["assignments"]) => matrix::show(asked, tenant, post).await,
        (false, ["groups"]) => groups::list(asked, tenant).await,
        (_, ["groups", "new"]) => groups::edit(asked, tenant, None, post).await,
        (_, ["group", number]) => groups::edit(asked, tenant, Some(number), post).await,
        (_, ["group", number, "remove"]) => groups::remove(asked, tenant, number, post).await,
        (false, ["codes"]) => codes::list(asked, tenant).await,
        (_, ["codes", "new"]) => codes::edit(asked, tenant, None, post).await,
        (_, ["code", number]) => codes::edit(asked, tenant, Some(number), post).await,
        (false, ["tokens"]) => tokens::show(asked, tenant),
        (_, ["tokens", kind]) => tokens::renew(asked, tenant, kind, post).await,
        (false, ["connections"]) => connections::show(asked, tenant),
        (false, ["activity"]) => activity::show(asked, tenant).await,
        (false, ["links"]) => links::list(asked, name).await,
        (true, ["links"]) => links::add(asked, name).await,
        (_, ["links", id, "revoke"]) => links::revoke(asked, name, id, post).await,
        (post, rest) => Err(elsewhere(post, rest)),
    }
}

/// Paths that are there for the other method only.
fn elsewhere(post: bool, rest: &[&str]) -> Stop {
    let shown = ["queues", "agents", "groups", "codes", "tokens", "connections", "activity"];
    match rest {
        [] | ["agents", "export"] if post => Stop::Method("GET, HEAD"),
        [part] if post && shown.contains(part) => Stop::Method("GET, HEAD"),
        ["agent", _, "account"] if !post => Stop::Method("POST"),
        _ => Stop::NotFound,
    }
}

/// Where a tenant's parts stand.
pub(super) fn base(tenant: &Tenant) -> String {
    format!("/manager/tenants/{}", tenant.name)
}

/// A page of a tenant, beside the navigation through its parts.
pub(super) fn page<'p>(asked: &Asked<'_>, tenant: &Tenant, title: &'p str, part: &str) -> Page<'p> {
    Page::new(title)
        .wide()
        .style("manager.css")
        .script("manager.js")
        .beside(parts(asked, tenant, part))
}

/// The navigation through a tenant's parts.
fn parts(asked: &Asked<'_>, tenant: &Tenant, part: &str) -> Markup {
    let base = base(tenant);
    let several = asked.tenants().len() > 1;
    html! {
        nav.parts aria-label={ "Parts of " (tenant.name) } {
            p.tenant { span.hint { "Tenant" } strong { (tenant.name) }
                @if several { a href="/manager" { "Other tenants" } } }
            ul {
                @for (path, name) in PARTS {
                    li { a href={ (base) (path) } aria-current=[(*path == part).then_some("page")] { (name) } }
                }
            }
        }
    }
}

/// What the engine believes of a tenant now.
async fn roster(asked: &Asked<'_>, tenant: &Tenant) -> Result<SharedRoster, Stop> {
    let pages = asked.pages;
    pages.rosters.now(&pages.api.shards, tenant.id).await.map_err(|denied| match denied {
        Denied::Unavailable(why) => unavailable(why),
        Denied::Crowded => stop::later(
            "Many ask for this tenant's pages at the same time. Load the page again in a moment.",
        ),
    })
}

pub(super) fn unavailable(why: crate::shard::Unavailable) -> Stop {
    match why {
        crate::shard::Unavailable::NotReady => stop::later(
            "The server is still reading this tenant from its journal. Load the page again in a moment.",
        ),
        crate::shard::Unavailable::Broken => Stop::Fault("the tenant's state is broken".to_owned()),
    }
}

/// Whether a search that somebody typed finds one of the texts.
fn finds(search: &str, texts: &[&str]) -> bool {
    let search = search.trim().to_lowercase();
    search.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&search))
}

/// The field by which a long list is searched.
fn search_field(search: &str, label: &str) -> Markup {
    html! {
        label for="search" { (label) }
        input #search name="search" type="search" value=(search) autocomplete="off" spellcheck="false";
    }
}

/// The status of a page with a form.
fn status(form: &Form) -> StatusCode {
    if form.is_right() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
}

/// A value for a path or a query.
fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
