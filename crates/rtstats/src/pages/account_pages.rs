//! Somebody's own account: the password and the sessions.

use http::StatusCode;
use maud::{Markup, html};

use super::{Asked, Form, Page, Shown, answer, asked, invitations, sign_in, start};
use crate::accounts::{AccountError, Refusal};

/// The page.
pub(super) fn show(asked: &mut Asked<'_>) -> Shown {
    page(asked, &Form::default(), StatusCode::OK)
}

fn page(asked: &Asked<'_>, form: &Form, status: StatusCode) -> Shown {
    start::own_account(asked)?;
    let session = asked.signed_in()?;
    let middle = html! {
        p.lead { (session.role.word()) " " strong { (session.name) } }
        (form.summary())
        section aria-labelledby="password" {
            h2 #password { "Password" }
            form.card method="post" action="/account/password" novalidate {
                (asked.csrf())
                // Password managers want to know whose password it is.
                input type="text" name="username" value=(session.name) autocomplete="username" readonly hidden
                    aria-hidden="true";
                (form.field("old", "Present password").kind("password").autocomplete("current-password").required())
                (invitations::passwords(form))
                p.hint { "Your other sessions end with the change." }
                p.actions { button.primary { "Change the password" } }
            }
        }
        (sessions(asked))
    };
    Ok(Page::new("Your account").status(status).show(asked, middle))
}

fn sessions(asked: &Asked<'_>) -> Markup {
    let own = asked.session.as_ref().map(|session| session.number());
    let account = asked.session.as_ref().and_then(|session| session.account);
    let sessions = account.map(|account| asked.accounts().sessions_of(account)).unwrap_or_default();
    html! {
        section aria-labelledby="sessions" {
            h2 #sessions { "Sessions" }
            div.table tabindex="0" role="region" aria-label="Table of sessions" {
                table {
                    thead {
                        tr {
                            th scope="col" { "Browser" } th scope="col" { "Address" } th scope="col" { "Signed in" }
                            th scope="col" { "Last used" } th scope="col" { span.unseen { "Actions" } }
                        }
                    }
                    tbody {
                        @for session in &sessions {
                            tr {
                                td { span title=(session.browser) { (browser(&session.browser)) } }
                                td { (session.address) }
                                td { (asked.instant(Some(session.created_ms))) }
                                td { (asked.instant(Some(session.used_ms()))) }
                                td.act {
                                    @if own.as_ref() == Some(&session.number()) {
                                        span.mark.good { "This one" }
                                    } @else {
                                        form method="post" action={ "/account/sessions/" (session.number()) } {
                                            (asked.csrf())
                                            button { "Sign out" }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            form method="post" action="/account/sign-out-everywhere" {
                (asked.csrf())
                p.actions { button.danger { "Sign out everywhere" } }
            }
        }
    }
}

/// What a browser calls itself, in short: browsers claim to be each other, so the most special name counts.
fn browser(named: &str) -> String {
    let known = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| named.contains(mark)).map(|(_, name)| *name)
    };
    let browser = known(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = known(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ if named.is_empty() => "unnamed".to_owned(),
        _ => named.chars().take(40).collect(),
    }
}

/// Changes the password.
pub(super) async fn password(asked: &mut Asked<'_>) -> Shown {
    start::own_account(asked)?;
    let session = asked.signed_in()?.clone();
    let mut form = asked.form().await?;
    let old = form.secret("old").to_owned();
    if old.is_empty() {
        form.wrong("old", "Give your present password.");
    }
    let new = invitations::chosen(&mut form);
    let Some(new) = new.filter(|_| form.is_right()) else {
        return page(asked, &form, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let (caller, from, now_ms) = (asked.caller(), asked.address, asked.now_ms);
    let changed = asked.accounts().change_password(&session, old, new, caller, from, now_ms).await;
    let status = match changed {
        Ok(()) => {
            let told = "Your password is changed. Your other sessions have ended.";
            return Ok(asked.done("/account", told));
        }
        Err(Refusal::Wrong { .. }) => {
            form.wrong("old", "The present password is wrong.");
            StatusCode::FORBIDDEN
        }
        Err(Refusal::Account(AccountError::Weak(weak))) => {
            form.wrong("password", weak.to_string());
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Err(refusal) => sign_in::told(asked, &mut form, refusal, false)?,
    };
    page(asked, &form, status)
}

/// Ends one of the account's sessions.
pub(super) async fn end_session(asked: &mut Asked<'_>, number: &str) -> Shown {
    start::own_account(asked)?;
    asked.form().await?;
    asked.accounts().end_session(asked.signed_in()?, number.to_owned()).await?;
    Ok(asked.done("/account", "That session is signed out."))
}

/// Ends all of them.
pub(super) async fn sign_out_everywhere(asked: &mut Asked<'_>) -> Shown {
    start::own_account(asked)?;
    asked.form().await?;
    asked.accounts().sign_out_everywhere(asked.signed_in()?).await?;
    Ok(asked::left(answer::see_other("/sign-in?said=signed-out")))
}

#[cfg(test)]
mod tests {
    use super::browser;

    #[test]
    fn browsers_are_told_apart() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
        assert_eq!(browser(chrome), "Chrome on Linux");
        assert_eq!(browser(&format!("{chrome} Edg/141.0")), "Edge on Linux");
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                     Version/18.0 Mobile/15E148 Safari/604.1";
        assert_eq!(browser(phone), "Safari on iPhone");
        assert_eq!(browser("curl/8.5.0"), "curl/8.5.0");
        assert_eq!(browser(""), "unnamed");
    }
}
