//! Integration → API Token: both tokens of a tenant, when they were last used, and making new ones.

use maud::{Markup, html};

use super::{Turn, base, hidden, page};
use crate::{
    accounts::Flash,
    pages::{Asked, Shown, Stop, answer, start},
    tenants::{InForce, Tenant, TenantError, TokenKind},
};

struct About {
    kind: TokenKind,
    path: &'static str,
    name: &'static str,
    purpose: &'static str,
    /// What stops working with the old one.
    stops: &'static [&'static str],
}

const ABOUT: [About; 2] = [
    About {
        kind: TokenKind::Data,
        path: "data",
        name: "Data Request Token",
        purpose: "Reads the statistics: /api/rtstats/stats, with the tenant's name as user and this token as password.",
        stops: &[
            "Every program that reads the statistics gets 403 until it has the new token.",
            "Wallboards that signed in with the token are signed out. Those that were opened by a link go on.",
        ],
    },
    About {
        kind: TokenKind::Action,
        path: "action",
        name: "Action Request Token",
        purpose: "Sends events: /api/rtstats/events, with the tenant's name as user and this token as password.",
        stops: &[
            "Every sender of events gets 403 until it has the new token; the figures stand still until then.",
            "Connectors that run elsewhere, by rtstats connect, stop too. Those of this server go on.",
        ],
    },
];

/// The page.
pub fn show(asked: &Asked<'_>, tenant: &Tenant) -> Shown {
    let middle = html! {
        p.lead { "Programs sign in with the tenant's name " code { (tenant.name) } " and one of two tokens. A token is shown \
            once, when it is made; the server keeps a digest only." }
        h2 { "API Token" }
        div.ways { @for about in &ABOUT { (card(asked, tenant, about)) } }
    };
    Ok(page(asked, tenant, "Integration", "/tokens").show(asked, middle))
}

fn card(asked: &Asked<'_>, tenant: &Tenant, about: &About) -> Markup {
    let token = tenant.token(about.kind);
    let used = token.and_then(|token| asked.pages.api.uses.last(&token));
    let id = format!("token-{}", about.path);
    html! {
        section.card aria-labelledby=(id) {
            h3 id=(id) { (about.name) }
            p.hint { (about.purpose) }
            dl.facts {
                dt { "State" }
                dd { @if token.is_some() { span.mark.good { "In force" } } @else { span.mark { "Not made yet" } } }
                dt { "Last used" }
                dd { @match used { Some(_) => (start::local_instant(used, &tenant.zone)), None => "never" } }
            }
            p.actions { a.button href={ (base(tenant)) "/tokens/" (about.path) }
                aria-label={ "New Token: " (about.name) } { "New Token" } }
        }
    }
}

/// Says what stops working, and makes a new token.
pub async fn renew(asked: &mut Asked<'_>, tenant: &Tenant, kind: &str, post: bool) -> Shown {
    let about = ABOUT.iter().find(|about| about.path == kind).ok_or(Stop::NotFound)?;
    let path = format!("{}/tokens", base(tenant));
    if post {
        return make(asked, tenant, about, &path).await;
    }
    let used = tenant.token(about.kind).and_then(|token| asked.pages.api.uses.last(&token));
    let middle = html! {
        @if tenant.token(about.kind).is_some() {
            div.notice.failed {
                h2 { "What stops working" }
                p { "The present token is void at once." }
                ul { @for what in about.stops { li { (what) } } }
                @if used.is_some() { p { "It was last used " (start::local_instant(used, &tenant.zone)) "." } }
            }
        } @else {
            p.lead { "The token is shown on the next page, this once. Have a safe place ready for it." }
        }
        form.card method="post" action={ (path) "/" (about.path) } {
            (hidden(asked))
            p.actions {
                @if tenant.token(about.kind).is_some() { button.danger { "Replace the token" } }
                @else { button.primary { "Make the token" } }
                a.button href=(path) { "Cancel" }
            }
        }
    };
    let title = format!("New {}", about.name);
    Ok(page(asked, tenant, &title, "/tokens").below("Integration", path).show(asked, middle))
}

async fn make(asked: &mut Asked<'_>, tenant: &Tenant, about: &About, path: &str) -> Shown {
    let form = asked.form().await?;
    let mut turn = match Turn::take(asked, tenant.id, &form).await {
        Ok(turn) => turn,
        Err(answer) => return Ok(answer),
    };
    let (name, kind) = (tenant.name.clone(), about.kind);
    let told = format!("The new {} of {name}:", about.name);
    let (tenants, session) = (super::tenants::opening(asked), asked.signed_in()?.clone());
    let shown_at = path.to_owned();
    // Whoever asked for it may go away meanwhile: the token then waits for the next page of the session.
    let work = tokio::task::spawn_blocking(move || {
        let (token, in_force) = tenants()?.new_token(&name, kind)?;
        if in_force == InForce::Unconfirmed {
            let slow = "The server is slow to take the new token up: the old one may still work for a moment.";
            session.flash(Flash::Failed(slow.to_owned()));
        }
        session.flash(Flash::Secret { path: shown_at, told, secret: token.reveal().to_owned() });
        Ok(())
    });
    let made = work.await.map_err(|_| Stop::Fault("making a token was cut off".to_owned()))?;
    made.map_err(|error: TenantError| super::tenants::refused(&error))?;
    turn.remember(path);
    Ok(answer::see_other(path))
}
