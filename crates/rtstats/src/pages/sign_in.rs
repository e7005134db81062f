//! Signing in, by account or as a wallboard's viewer, and signing out.

use http::StatusCode;
use maud::{Markup, html};

use super::{Asked, Form, Page, Shown, Stop, answer, asked, next};
use crate::{
    accounts::{Caller, Realm, Refusal, Role, SignedIn},
    telemetry::SignIn,
    tenants::TokenKind,
};

/// The page; whoever is signed in already goes on.
pub(super) fn show(asked: &Asked<'_>) -> Shown {
    let next = asked.query("next").unwrap_or_default();
    let next = next::local(&next).unwrap_or_default();
    if let Some(session) = &asked.session {
        return Ok(answer::see_other(onward(next, &session.role)));
    }
    let tenant = asked.query("tenant").unwrap_or_default();
    let form = Form::of([("tenant", tenant.clone()), ("viewed", tenant)]);
    Ok(page(asked, &form, next, StatusCode::OK))
}

/// Either of both forms.
pub(super) async fn post(asked: &mut Asked<'_>) -> Shown {
    let mut form = asked.form().await?;
    let next = next::local(form.text("next")).unwrap_or_default().to_owned();
    let refused = match form.text("way") {
        "viewer" => view(asked, &mut form).await,
        _ => enter(asked, &mut form).await,
    };
    let refusal = match refused {
        Ok(Some(signed_in)) => {
            asked.pages.metrics.sign_in(SignIn::Accepted);
            let path = onward(&next, &signed_in.session.role).to_owned();
            return asked.enter(signed_in, &path).await;
        }
        Ok(None) => return Ok(page(asked, &form, &next, StatusCode::UNPROCESSABLE_ENTITY)),
        Err(refusal) => refusal,
    };
    let viewer = form.text("way") == "viewer";
    let status = told(asked, &mut form, refusal, viewer)?;
    Ok(page(asked, &form, &next, status))
}

/// Where somebody goes who is in: on to where they wanted to go, or to the role's own page.
fn onward<'n>(next: &'n str, role: &Role) -> &'n str {
    if next.is_empty() { Asked::home(role) } else { next }
}

async fn enter(asked: &Asked<'_>, form: &mut Form) -> Result<Option<SignedIn>, Refusal> {
    let login = form.required("login", "Give your login.");
    let password = form.secret("password").to_owned();
    if password.is_empty() {
        form.wrong("password", "Give your password.");
    }
    let Some(login) = login.filter(|_| form.is_right()) else { return Ok(None) };
    let realm = realm(asked, form.text("tenant"));
    let caller = Caller { who: String::new(), ..asked.caller() };
    let accounts = asked.accounts();
    let signed_in =
        accounts.sign_in(realm, &login, password, caller, asked.address, asked.now_ms).await?;
    Ok(Some(signed_in))
}

/// The platform where no tenant is named.
fn realm<'n>(asked: &Asked<'_>, name: &'n str) -> Realm<'n> {
    let directory = asked.directory();
    let found = || name.parse().ok().and_then(|name| directory.get(&name)).map(|found| found.id);
    let known = if name.is_empty() { Some(None) } else { found().map(Some) };
    Realm { name, known }
}

async fn view(asked: &Asked<'_>, form: &mut Form) -> Result<Option<SignedIn>, Refusal> {
    let name = form.required("viewed", "Give the tenant's name.");
    let token = form.required("token", "Give the tenant's Data Request Token.");
    let (Some(name), Some(token)) = (name, token) else { return Ok(None) };
    let directory = asked.directory();
    let tenant = directory.authenticate(&name, &token, TokenKind::Data);
    let accounts = asked.accounts();
    let tenant = tenant.map(AsRef::as_ref);
    let signed_in = accounts.view(tenant, asked.caller(), asked.address, asked.now_ms).await?;
    // Replaced just now, the token opens nothing any more.
    if !signed_in.session.is_of(&asked.directory()) {
        accounts.sign_out(&signed_in.session).await?;
        return Err(Refusal::Wrong { delayed: false });
    }
    Ok(Some(signed_in))
}

/// Says beside the form why somebody did not get in.
pub(super) fn told(
    asked: &Asked<'_>,
    form: &mut Form,
    refusal: Refusal,
    viewer: bool,
) -> Result<StatusCode, Stop> {
    let metrics = &asked.pages.metrics;
    let field = if viewer { "token" } else { "password" };
    let status = match refusal {
        Refusal::Wrong { delayed } => {
            metrics.sign_in(SignIn::Wrong);
            if delayed {
                metrics.locked_out();
                tracing::warn!(address = %asked.address, "sign-ins are delayed after failed ones");
            }
            let what = if viewer {
                "The tenant's name or the token is wrong."
            } else {
                "The login or the password is wrong, or the tenant is not the login's."
            };
            let more = if delayed { " Further attempts are delayed from now on." } else { "" };
            form.wrong(field, format!("{what}{more}"));
            StatusCode::FORBIDDEN
        }
        Refusal::Delayed(wait_ms) => {
            metrics.sign_in(SignIn::Delayed);
            let wait = wait(wait_ms);
            form.wrong(field, format!("Too many attempts have failed. Try again in {wait}."));
            StatusCode::TOO_MANY_REQUESTS
        }
        Refusal::Busy => {
            metrics.sign_in(SignIn::Busy);
            let what = "Too many people sign in at this moment. Try again in a few seconds.";
            form.wrong(field, what);
            StatusCode::SERVICE_UNAVAILABLE
        }
        other => return Err(other.into()),
    };
    Ok(status)
}

/// A wait in words, rounded up.
pub(super) fn wait(wait_ms: i64) -> String {
    match (wait_ms + 999) / 1_000 {
        ..=1 => "a second".to_owned(),
        seconds @ 2..=90 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", (seconds + 59) / 60),
    }
}

fn page(
    asked: &Asked<'_>,
    form: &Form,
    next: &str,
    status: StatusCode,
) -> crate::api::answer::Answer {
    let blank = Form::default();
    let viewer = form.text("way") == "viewer";
    let (own, other) = if viewer { (&blank, form) } else { (form, &blank) };
    // What was given by the address stands in both.
    let first = form.text("way").is_empty();
    let (own, other) = if first { (form, form) } else { (own, other) };
    let said = asked.query("said").filter(|said| said == "signed-out");
    let middle = html! {
        @if said.is_some() { p.notice.done role="status" { "You are signed out." } }
        (form.summary())
        div.ways {
            (account_way(asked, own, next))
            (viewer_way(asked, other, next))
        }
    };
    Page::new("Sign in").status(status).show(asked, middle)
}

fn account_way(asked: &Asked<'_>, form: &Form, next: &str) -> Markup {
    html! {
        section.card aria-labelledby="with-account" {
            h2 #with-account { "With an account" }
            p.hint { "For administrators and agents." }
            form method="post" action="/sign-in" novalidate {
                (asked.csrf())
                input type="hidden" name="way" value="account";
                input type="hidden" name="next" value=(next);
                (form.field("tenant", "Tenant").autocomplete("organization")
                    .hint("Leave it empty if you administer the whole platform."))
                (form.field("login", "Login").autocomplete("username").required())
                (form.field("password", "Password").kind("password").autocomplete("current-password").required())
                p.actions { button.primary { "Sign in" } }
            }
        }
    }
}

fn viewer_way(asked: &Asked<'_>, form: &Form, next: &str) -> Markup {
    html! {
        section.card aria-labelledby="as-viewer" {
            h2 #as-viewer { "As a wallboard viewer" }
            p.hint { "Looks at one tenant and changes nothing." }
            form method="post" action="/sign-in" novalidate {
                (asked.csrf())
                input type="hidden" name="way" value="viewer";
                input type="hidden" name="next" value=(next);
                (form.field("viewed", "Tenant").autocomplete("organization").required())
                (form.field("token", "Data Request Token").kind("password").autocomplete("off").required())
                p.actions { button { "Look at the wallboard" } }
            }
            p.hint { "Have a link for a wall screen? " a href="/share" { "Enter its code" } "." }
        }
    }
}

/// Ends the session.
pub(super) async fn out(asked: &mut Asked<'_>) -> Shown {
    asked.form().await?;
    if let Some(session) = &asked.session {
        asked.accounts().sign_out(session).await?;
    }
    Ok(asked::left(answer::see_other("/sign-in?said=signed-out")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_in_plain_words() {
        assert_eq!(wait(1), "a second");
        assert_eq!(wait(15_000), "15 seconds");
        assert_eq!(wait(90_001), "2 minutes");
        assert_eq!(wait(900_000), "15 minutes");
    }
}
