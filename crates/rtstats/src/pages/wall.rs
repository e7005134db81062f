//! The wallboard for whoever is signed in.

use std::sync::Arc;

use http::{StatusCode, header};
use maud::html;

use super::{Asked, Page, Shown, Stop, answer};
use crate::{
    accounts::Role,
    tenants::{Directory, Tenant},
    wallboard,
};

/// The wallboard of the tenant that the query names, or of the only one there is to see; else the choice.
pub(super) fn show(asked: &Asked<'_>) -> Shown {
    let session = asked.signed_in()?;
    if matches!(session.role, Role::Agent { .. }) {
        return Err(Stop::Forbidden(
            "The wallboard shows everybody's figures. Yours are on the page “My day”.",
        ));
    }
    let directory = asked.directory();
    let query = asked.head.uri.query().unwrap_or_default();
    if let Some(tenant) = viewed(&session.role, &directory, query) {
        let page = wallboard::page(tenant.name.as_str());
        let mut answer = answer::whole(StatusCode::OK, "text/html; charset=utf-8", page.into());
        let kept = http::HeaderValue::from_static("no-store");
        answer.headers_mut().insert(header::CACHE_CONTROL, kept);
        return Ok(answer);
    }
    if named(query).is_some() {
        return Err(Stop::NotFound);
    }
    let tenants = asked.tenants();
    let middle = html! {
        @if tenants.is_empty() { p.empty { "There are no tenants yet." } }
        ul.places {
            @for tenant in &tenants {
                li { a href={ "/wallboard?tenant=" (tenant.name) } {
                    strong { (tenant.name) } span { (tenant.zone) }
                } }
            }
        }
    };
    Ok(Page::new("Wallboards").show(asked, middle))
}

/// Which tenant somebody looks at who asks with this query.
fn viewed(role: &Role, directory: &Directory, query: &str) -> Option<Arc<Tenant>> {
    let mut tenants = directory.tenants().filter(|tenant| role.may_view(tenant.id));
    match named(query) {
        Some(name) => tenants.find(|tenant| tenant.name.as_str() == name).cloned(),
        // Who may look at several says which.
        None => tenants.next().filter(|_| tenants.next().is_none()).cloned(),
    }
}

/// A tenant's name needs no decoding.
fn named(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("tenant="))
}
