//! One-time links: the first administrator's, and those by which an account's password is set.
//!
//! The secret stands after `#` in the address, which no browser sends: a script moves it into the form, and without
//! scripts it is pasted there.

use http::StatusCode;
use maud::{Markup, html};

use super::{Asked, Form, Page, Shown, Stop, sign_in};
use crate::{
    accounts::{AccountError, Login, Refusal},
    api::answer::Answer,
    telemetry::SignIn,
};

/// The first administrator's page.
pub(super) fn show_set_up(asked: &Asked<'_>) -> Shown {
    Ok(set_up_page(asked, &Form::default(), StatusCode::OK))
}

fn set_up_page(asked: &Asked<'_>, form: &Form, status: StatusCode) -> Answer {
    let middle = html! {
        p.lead { "Choose the login and the password of the platform's administrator." }
        (form.summary())
        form.card method="post" action="/set-up" novalidate {
            (asked.csrf())
            (code(form, "The one-time link that the server printed ends with it, after the #."))
            (form.field("login", "Login").autocomplete("username").required())
            (passwords(form))
            p.actions { button.primary { "Set up" } }
        }
    };
    Page::new("Set up rtstats").narrow().status(status).show(asked, middle)
}

/// Adds the administrator.
pub(super) async fn set_up(asked: &mut Asked<'_>) -> Shown {
    let mut form = asked.form().await?;
    let secret = form.required("code", "Give the code of the set-up link.");
    let login = form.parsed::<Login>("login");
    let password = chosen(&mut form);
    let refusal = match (secret, login, password) {
        (Some(secret), Some(login), Some(password)) => {
            let (caller, from) = (asked.caller(), asked.address);
            let accounts = asked.accounts();
            match accounts.set_up(secret, login, password, caller, from, asked.now_ms).await {
                Ok(signed_in) => {
                    asked.pages.metrics.sign_in(SignIn::Accepted);
                    return asked.enter(signed_in, "/").await;
                }
                Err(refusal) => refusal,
            }
        }
        _ => return Ok(set_up_page(asked, &form, StatusCode::UNPROCESSABLE_ENTITY)),
    };
    let otherwise = "This set-up link was used already, is older than a day, or a newer link has replaced it, as each \
                     start of the server makes one until somebody is set up. Make a new one on the server: \
                     rtstats account set-up-link";
    let status = told(asked, &mut form, refusal, otherwise)?;
    Ok(set_up_page(asked, &form, status))
}

/// The page of an account's one-time link.
pub(super) fn show(asked: &Asked<'_>) -> Shown {
    Ok(page(asked, &Form::default(), StatusCode::OK))
}

fn page(asked: &Asked<'_>, form: &Form, status: StatusCode) -> Answer {
    let middle = html! {
        p.lead { "Choose the password with which you will sign in." }
        (form.summary())
        form.card method="post" action="/invitation" novalidate {
            (asked.csrf())
            (code(form, "The link that you were given ends with it, after the #."))
            (passwords(form))
            p.actions { button.primary { "Set the password" } }
        }
    };
    Page::new("Set your password").narrow().status(status).show(asked, middle)
}

/// Sets the password and signs in.
pub(super) async fn accept(asked: &mut Asked<'_>) -> Shown {
    let mut form = asked.form().await?;
    let secret = form.required("code", "Give the code of your link.");
    let password = chosen(&mut form);
    let (Some(secret), Some(password)) = (secret, password) else {
        return Ok(page(asked, &form, StatusCode::UNPROCESSABLE_ENTITY));
    };
    let (caller, from, now_ms) = (asked.caller(), asked.address, asked.now_ms);
    let accounts = asked.accounts();
    match accounts.set_password_by_link(secret, password, caller, from, now_ms).await {
        Ok(signed_in) => {
            asked.pages.metrics.sign_in(SignIn::Accepted);
            let home = Asked::home(&signed_in.session.role);
            asked.enter(signed_in, home).await
        }
        Err(refusal) => {
            let otherwise = "This link was used already, is older than a day, or a newer link has replaced it. \
                             Ask your administrator for a new one.";
            let status = told(asked, &mut form, refusal, otherwise)?;
            Ok(page(asked, &form, status))
        }
    }
}

fn told(
    asked: &Asked<'_>,
    form: &mut Form,
    refusal: Refusal,
    no_link: &str,
) -> Result<StatusCode, Stop> {
    match refusal {
        Refusal::NoLink => {
            asked.pages.metrics.sign_in(SignIn::Wrong);
            form.wrong("code", no_link);
            Ok(StatusCode::FORBIDDEN)
        }
        Refusal::Account(AccountError::Weak(weak)) => {
            form.wrong("password", weak.to_string());
            Ok(StatusCode::UNPROCESSABLE_ENTITY)
        }
        Refusal::Account(AccountError::Exists(_)) => {
            form.wrong("login", "There is such an administrator already. Take another login.");
            Ok(StatusCode::UNPROCESSABLE_ENTITY)
        }
        other => sign_in::told(asked, form, other, false),
    }
}

fn code(form: &Form, hint: &str) -> Markup {
    html! {
        (form.field("code", "Code").hint(hint).required().filled_from_fragment())
    }
}

/// A new password, twice.
pub(super) fn passwords(form: &Form) -> Markup {
    html! {
        (form.field("password", "New password").kind("password").autocomplete("new-password")
            .hint("At least 12 characters. A few words in a row are easy to remember.").required())
        (form.field("again", "New password again").kind("password").autocomplete("new-password").required())
    }
}

/// The new password, if it came twice alike.
pub(super) fn chosen(form: &mut Form) -> Option<String> {
    let password = form.secret("password").to_owned();
    if password.is_empty() {
        form.wrong("password", "Give a new password.");
        return None;
    }
    if form.secret("again") != password {
        form.wrong("again", "Both passwords must be the same.");
        return None;
    }
    Some(password)
}
