//! The audit trail, as administrators see it.

use maud::{Markup, html};

use super::{Asked, Page, Paging, Shown, start};
use crate::accounts::{Deed, Role};

/// A page of it, newest first: of one tenant with `?tenant=NAME`, else of all that the administrator may see.
pub(super) async fn show(asked: &mut Asked<'_>) -> Shown {
    let role = asked.administrator()?.role.clone();
    let mut paging = Paging::of(asked);
    let mut zone = asked.zone();
    let own = match asked.query("tenant").filter(|name| !name.is_empty()) {
        Some(name) => {
            let tenant = asked.administered(&name)?;
            paging = paging.keeping("tenant", tenant.name.as_str());
            zone = tenant.zone.clone();
            Some(tenant.id)
        }
        None => role.tenant(),
    };
    let trail = asked.accounts().trail(own, paging.skip(), paging.len_max()).await?;
    let paging = paging.with_len(trail.len);
    let middle = html! {
        p.lead { "Who changed what, when, and from where." }
        @if role == Role::Platform { (choice(asked)) }
        @if trail.records.is_empty() {
            p.empty { "Nothing has been changed yet." }
        } @else {
            div.table tabindex="0" role="region" aria-label="Audit trail" {
                table {
                    thead {
                        tr {
                            th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "Tenant" }
                            th scope="col" { "What" } th scope="col" { "Details" } th scope="col" { "From" }
                        }
                    }
                    tbody { @for record in &trail.records { (row(asked, &zone, &record.deed)) } }
                }
            }
        }
        (paging)
    };
    Ok(Page::new("Audit trail").wide().show(asked, middle))
}

fn choice(asked: &Asked<'_>) -> Markup {
    let chosen = asked.query("tenant").unwrap_or_default();
    html! {
        form.filter method="get" action="/manager/audit" {
            label for="tenant" { "Tenant" }
            select #tenant name="tenant" {
                option value="" { "All" }
                @for tenant in asked.tenants() {
                    option value=(tenant.name) selected[chosen == tenant.name.as_str()] { (tenant.name) }
                }
            }
            button { "Show" }
        }
    }
}

fn row(asked: &Asked<'_>, zone: &str, deed: &Deed) -> Markup {
    let tenant = deed
        .tenant
        .map(|id| asked.tenant_name(id).map_or("(removed)".into(), |name| name.to_string()));
    html! {
        tr {
            td { (start::local_instant(Some(deed.time_ms), zone)) }
            td { (deed.who) }
            td { (tenant.unwrap_or("–".to_owned())) }
            td { code { (deed.action) } " " strong { (deed.object) } }
            td.details {
                @if let Some(before) = &deed.before { div { span.hint { "before " } code { (before) } } }
                @if let Some(after) = &deed.after { div { span.hint { "after " } code { (after) } } }
            }
            td { (deed.address) }
        }
    }
}
