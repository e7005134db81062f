//! Tenants: the list of those that somebody administers, and for the platform's administrators adding and removing.

use http::StatusCode;
use jiff::tz::TimeZoneDatabase;
use maud::{Markup, html};
use stats::zone::Zone;

use super::{base, encoded, finds, hidden, page, search_field, status};
use crate::{
    accounts::Role,
    api::answer::Answer,
    pages::{Asked, Form, Page, Paging, Shown, Stop, answer},
    tenants::{Tenant, TenantError, TenantName, Tenants},
};

/// The list; whoever administers one tenant is led to it.
pub fn list(asked: &Asked<'_>) -> Shown {
    let role = &asked.administrator()?.role;
    let tenants = asked.tenants();
    if let (Role::Tenant(_), [only]) = (role, tenants.as_slice()) {
        return Ok(answer::see_other(&base(only)));
    }
    let search = asked.query("search").unwrap_or_default();
    let found: Vec<_> =
        tenants.iter().filter(|tenant| finds(&search, &[tenant.name.as_str()])).collect();
    let paging = Paging::of(asked).keeping("search", &encoded(&search));
    let shown = found.iter().skip(paging.skip() as usize).take(paging.len_max() as usize);
    let middle = html! {
        @if *role == Role::Platform { p.actions { a.button.primary href="/manager/new" { "New tenant" } } }
        @if tenants.is_empty() {
            p.empty { "There are no tenants yet. A tenant is one contact centre with its own queues, agents and figures. \
                Make the first one." }
        } @else {
            @if tenants.len() > paging.len_max() as usize || !search.is_empty() {
                form.filter method="get" action="/manager" { (search_field(&search, "Name")) button { "Search" } }
            }
            (table(shown.map(|tenant| &***tenant)))
            (paging.with_len(found.len() as u64))
        }
    };
    Ok(Page::new("Tenants").style("manager.css").show(asked, middle))
}

fn table<'t>(tenants: impl Iterator<Item = &'t Tenant>) -> Markup {
    html! {
        div.table tabindex="0" role="region" aria-label="Tenants" {
            table {
                thead { tr { th scope="col" { "Tenant" } th scope="col" { "Time zone" } th scope="col" { span.unseen { "Actions" } } } }
                tbody {
                    @for tenant in tenants {
                        tr {
                            th scope="row" { a href=(base(tenant)) { (tenant.name) } }
                            td { (tenant.zone) }
                            td.act { a href={ "/wallboard?tenant=" (tenant.name) } aria-label={ "Wallboard of " (tenant.name) }
                                { "Wallboard" } }
                        }
                    }
                }
            }
        }
    }
}

fn platform(asked: &Asked<'_>) -> Result<(), Stop> {
    match asked.administrator()?.role {
        Role::Platform => Ok(()),
        _ => Err(Stop::Forbidden("Only administrators of the platform add and remove tenants.")),
    }
}

/// A new tenant.
pub async fn new(asked: &mut Asked<'_>) -> Shown {
    platform(asked)?;
    match *asked.method() {
        http::Method::GET => return Ok(new_page(asked, &Form::default())),
        http::Method::POST => {}
        _ => return Err(Stop::Method("GET, HEAD, POST")),
    }
    let mut form = asked.form().await?;
    let name = form.parsed::<TenantName>("name");
    let zone = form.text("zone").to_owned();
    if Zone::named(&zone).is_err() {
        form.wrong("zone", "Give an IANA time zone, such as Europe/Berlin or America/New_York.");
    }
    let (Some(name), true) = (name, form.is_right()) else { return Ok(new_page(asked, &form)) };
    let (tenants, own) = (opening(asked), name.clone());
    let work = tokio::task::spawn_blocking(move || tenants()?.add(&own, &zone));
    let added = work.await.map_err(|_| Stop::Fault("adding a tenant was cut off".to_owned()))?;
    match added {
        Ok(_added) => {}
        Err(TenantError::Exists(_)) => {
            form.wrong("name", "There is a tenant of this name already. Take another name.");
            return Ok(new_page(asked, &form));
        }
        Err(error) => return Err(refused(&error)),
    }
    Ok(asked.done(&format!("/manager/tenants/{name}"), format!("The tenant {name} is there.")))
}

fn new_page(asked: &Asked<'_>, form: &Form) -> Answer {
    let zones: Vec<String> =
        TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
    let middle = html! {
        p.lead { "A tenant is one contact centre with its own queues, agents, tokens and figures." }
        (form.summary())
        form.card method="post" action="/manager/new" novalidate {
            (hidden(asked))
            (form.field("name", "Name").required()
                .hint("Letters, digits, - and _. Programs sign in with it as user. It can't be changed later."))
            (form.field("zone", "Time zone").required().suggestions("zones", &zones)
                .hint("Such as Europe/Berlin: it says when a day begins. It can't be changed later."))
            p.actions { button.primary { "Make the tenant" } a.button href="/manager" { "Cancel" } }
        }
    };
    let page = Page::new("New tenant").narrow().style("manager.css").below("Tenants", "/manager");
    page.status(status(form)).show(asked, middle)
}

/// Says what is lost with a tenant, and removes it once its name was typed.
pub async fn remove(asked: &mut Asked<'_>, tenant: &Tenant, post: bool) -> Shown {
    platform(asked)?;
    if !post {
        return Ok(remove_page(asked, tenant, &Form::default()));
    }
    let mut form = asked.form().await?;
    if form.text("typed") != tenant.name.as_str() {
        form.wrong("typed", format!("Type the tenant's name, {}, to remove it.", tenant.name));
        return Ok(remove_page(asked, tenant, &form));
    }
    let (tenants, own) = (opening(asked), tenant.name.clone());
    let work = tokio::task::spawn_blocking(move || tenants()?.remove(&own));
    let removed =
        work.await.map_err(|_| Stop::Fault("removing a tenant was cut off".to_owned()))?;
    let _in_force = removed.map_err(|error| refused(&error))?;
    Ok(asked.done("/manager", format!("The tenant {} is removed.", tenant.name)))
}

fn remove_page(asked: &Asked<'_>, tenant: &Tenant, form: &Form) -> Answer {
    let path = base(tenant);
    let middle = html! {
        div.notice.failed {
            h2 { "What is lost" }
            ul {
                li { "All queues, agents, groups, codes and figures of the tenant, and its whole log of events." }
                li { "Both tokens: programs that use them get 403 at once." }
                li { "The accounts of its administrators and agents, and its links for wall screens." }
            }
            p { "Nothing of it can be brought back, but from a backup of the data folder." }
        }
        (form.summary())
        form.card method="post" action={ (path) "/remove" } novalidate {
            (hidden(asked))
            (form.field("typed", "The tenant's name").hint("Type it to say that you mean it.").required())
            p.actions { button.danger { "Remove the tenant" } a.button href=(path) { "Keep it" } }
        }
    };
    let title = format!("Remove {}?", tenant.name);
    page(asked, tenant, &title, "").status(status(form)).show(asked, middle)
}

/// Opens the tenants for changes by whoever asks; to be called off the connections' threads.
pub fn opening(
    asked: &Asked<'_>,
) -> impl FnOnce() -> Result<Tenants, TenantError> + Send + 'static {
    let (folder, by) = (asked.pages.folder.clone(), asked.caller());
    move || Ok(Tenants::open(&folder)?.changed_by(by.who, by.address))
}

/// Why tenants could not be changed.
pub fn refused(error: &TenantError) -> Stop {
    match error {
        TenantError::Unknown(_) => Stop::NotFound,
        TenantError::Exists(_) | TenantError::Zone(_) => {
            Stop::Bad(StatusCode::CONFLICT, error.to_string())
        }
        error => Stop::Fault(error.to_string()),
    }
}
