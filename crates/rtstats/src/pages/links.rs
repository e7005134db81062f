//! Links for wall screens: made, listed and revoked by administrators, and opened by screens.

use http::StatusCode;
use maud::{Markup, html};

use super::{
    Asked, Form, Page, Shown, Stop,
    console::{self, Turn, hidden},
    sign_in, start,
};
use crate::{
    accounts::{Refusal, Share, ShareId},
    api::answer::Answer,
    telemetry::SignIn,
    tenants::Tenant,
    wallboard,
};

/// Over the list of links.
const TITLE: &str = "Links for wall screens";

/// Characters of a link's name.
const NAME_CHARS_MAX: usize = 80;

/// The page on which a screen opens its link: a script fills in and sends what the address has after `#share=`.
pub(super) fn show_open(asked: &Asked<'_>) -> Shown {
    Ok(open_page(asked, &Form::default(), StatusCode::OK))
}

fn open_page(asked: &Asked<'_>, form: &Form, status: StatusCode) -> Answer {
    // Nobody loses an account's session by following somebody's link: there the form waits to be sent.
    let account = asked.session.as_ref().filter(|session| session.account.is_some());
    let middle = html! {
        p.lead { "Opens a wallboard by the link that an administrator made for it." }
        (form.summary())
        @if let Some(session) = account {
            p.notice { "You are signed in as " strong { (session.name) } ". Opening the wallboard here signs you out." }
        }
        form.card #share method="post" action="/share" novalidate data-send[account.is_none() && form.is_right()] {
            (asked.csrf())
            (form.field("share", "Code").hint("The link ends with it, after #share=").required()
                .filled_from_fragment())
            p.actions { button.primary { "Open the wallboard" } }
        }
    };
    Page::new("Open a wallboard").narrow().status(status).show(asked, middle)
}

/// Signs the screen in.
pub(super) async fn open(asked: &mut Asked<'_>) -> Shown {
    let mut form = asked.form().await?;
    let Some(secret) = form.required("share", "Give the code of the link.") else {
        return Ok(open_page(asked, &form, StatusCode::UNPROCESSABLE_ENTITY));
    };
    let (caller, from) = (asked.caller(), asked.address);
    match asked.accounts().open_share(secret, caller, from, asked.now_ms).await {
        Ok((signed_in, view)) => {
            asked.pages.metrics.sign_in(SignIn::Accepted);
            let path = if view.is_empty() { String::new() } else { format!("#{view}") };
            asked.enter(signed_in, &format!("/wallboard{path}")).await
        }
        Err(Refusal::NoLink) => {
            asked.pages.metrics.sign_in(SignIn::Wrong);
            form.wrong("share", "This link was revoked, or its code is wrong. Ask for a new one.");
            Ok(open_page(asked, &form, StatusCode::FORBIDDEN))
        }
        Err(refusal) => {
            let mut form = form;
            let status = sign_in::told(asked, &mut form, refusal, false)?;
            Ok(open_page(asked, &form, status))
        }
    }
}

/// Where a tenant's links stand.
fn path(tenant: &Tenant) -> String {
    format!("{}/links", console::base(tenant))
}

/// A tenant's links.
pub(super) async fn list(asked: &mut Asked<'_>, name: &str) -> Shown {
    page(asked, name, &Form::default(), StatusCode::OK).await
}

async fn page(asked: &Asked<'_>, name: &str, form: &Form, status: StatusCode) -> Shown {
    let tenant = asked.administered(name)?;
    let shares = asked.accounts().shares(tenant.id).await?;
    let path = path(&tenant);
    let middle = html! {
        p.lead { "A link shows the wallboard of " strong { (tenant.name) }
            " on a screen without an account. It can be revoked at any time." }
        @if shares.is_empty() { p.empty { "There are no links yet." } } @else { (table(&tenant, &path, &shares)) }
        section aria-labelledby="new" {
            h2 #new { "New link" }
            (form.summary())
            form.card method="post" action=(path) novalidate {
                (asked.csrf())
                (form.field("name", "Name").hint("Where the screen hangs, such as “Sales floor”.").required())
                (form.field("view", "View").hint("Optional: what follows the # in the wallboard's address, \
                    such as theme=dark, or the whole link that “Copy link to this view” gives. The screen begins with it."))
                p.actions { button.primary { "Make the link" } }
            }
        }
    };
    Ok(console::page(asked, &tenant, TITLE, "/links").status(status).show(asked, middle))
}

fn table(tenant: &Tenant, path: &str, shares: &[Share]) -> Markup {
    let time = |time_ms| start::local_instant(time_ms, &tenant.zone);
    let used = |share: &Share| time((share.used_ms > 0).then_some(share.used_ms));
    html! {
        div.table tabindex="0" role="region" aria-label="Links" {
            table {
                thead {
                    tr {
                        th scope="col" { "Name" } th.number scope="col" { "Screens" } th scope="col" { "Last used" }
                        th scope="col" { "Made" } th scope="col" { "View" }
                        th scope="col" { span.unseen { "Actions" } }
                    }
                }
                tbody {
                    @for share in shares {
                        tr {
                            th scope="row" { (share.name) }
                            td.number { (share.viewers) }
                            td { (used(share)) }
                            td { (time(Some(share.created_ms))) " by " (share.created_by) }
                            td { code { (share.view) } }
                            td.act {
                                a.button.danger href={ (path) "/" (share.id.0) "/revoke" }
                                    aria-label={ "Revoke " (share.name) } { "Revoke…" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Makes a link and shows it once.
pub(super) async fn add(asked: &mut Asked<'_>, name: &str) -> Shown {
    let tenant = asked.administered(name)?;
    let mut form = asked.form().await?;
    let named = form.required("name", "Give the link a name.");
    if named.as_ref().is_some_and(|named| named.chars().count() > NAME_CHARS_MAX) {
        form.wrong("name", "A name has at most 80 characters.");
    }
    let view = wallboard::view(form.text("view"));
    if let Err(error) = &view {
        form.wrong("view", error.to_string());
    }
    let (Some(named), Ok(view)) = (named.filter(|_| form.is_right()), view) else {
        return page(asked, name, &form, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let (caller, now_ms) = (asked.caller(), asked.now_ms);
    let told = format!("The link “{named}”. Open it once on the screen:");
    let secret = asked.accounts().add_share(tenant.id, named, view, caller, now_ms).await?;
    let link = asked.address_of(&format!("/wallboard#share={}", secret.reveal()));
    Ok(asked.reveal(&path(&tenant), told, link))
}

/// Says what ends with a link, and revokes it.
pub(super) async fn revoke(asked: &mut Asked<'_>, name: &str, id: &str, post: bool) -> Shown {
    let tenant = asked.administered(name)?;
    let id = ShareId(id.parse().map_err(|_| Stop::NotFound)?);
    let path = path(&tenant);
    if post {
        let form = asked.form().await?;
        let turn = match Turn::take(asked, tenant.id, &form).await {
            Ok(turn) => turn,
            Err(answer) => return Ok(answer),
        };
        let (caller, now_ms) = (asked.caller(), asked.now_ms);
        if !asked.accounts().revoke_share(tenant.id, id, caller, now_ms).await? {
            return Ok(asked.failed(&path, "That link was revoked already."));
        }
        let told = "The link is revoked. Screens that used it are signed out.";
        return Ok(turn.done(asked, &path, told));
    }
    let shares = asked.accounts().shares(tenant.id).await?;
    let share = shares.iter().find(|share| share.id == id).ok_or(Stop::NotFound)?;
    let screens = match share.viewers {
        0 => "No screen is signed in by it now.".to_owned(),
        1 => "One screen is signed in by it, and is signed out at once.".to_owned(),
        several => format!("{several} screens are signed in by it, and are signed out at once."),
    };
    let middle = html! {
        div.notice.failed {
            h2 { "What stops working" }
            ul {
                li { (screens) }
                li { "The link opens the wallboard on no screen any more. It can't be made again: a new one has another code." }
            }
        }
        form.card method="post" action={ (path) "/" (id.0) "/revoke" } {
            (hidden(asked))
            p.actions { button.danger { "Revoke the link “" (share.name) "”" } a.button href=(path) { "Keep the link" } }
        }
    };
    let title = format!("Revoke {}?", share.name);
    Ok(console::page(asked, &tenant, &title, "/links").below(TITLE, path).show(asked, middle))
}
