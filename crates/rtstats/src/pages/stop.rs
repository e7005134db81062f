//! Why a page is not shown, and the page that says so.

use http::{Method, StatusCode, header};
use maud::html;

use super::{Asked, answer, frame::Page, next};
use crate::{
    accounts::{AccountError, Refusal},
    api::answer::Answer,
    telemetry::IncidentId,
};

/// What a page's function gives.
pub type Shown = Result<Answer, Stop>;

/// Why a page is not shown.
#[derive(Debug)]
pub enum Stop {
    /// Nobody is signed in: the way leads over the sign-in page and back.
    SignIn,
    /// Whoever is signed in may not see it. Says why.
    Forbidden(&'static str),
    /// There is no such page or thing.
    NotFound,
    /// The page takes other methods only.
    Method(&'static str),
    /// The form can't be read or must not be taken. Says why and what to do.
    Bad(StatusCode, String),
    /// A fault of ours, for the log alone.
    Fault(String),
}

impl From<AccountError> for Stop {
    fn from(error: AccountError) -> Stop {
        Stop::Fault(error.to_string())
    }
}

impl From<Refusal> for Stop {
    /// What a page does not tell beside its form.
    fn from(refusal: Refusal) -> Stop {
        match refusal {
            Refusal::Account(error) => error.into(),
            other => Stop::Bad(StatusCode::FORBIDDEN, other.to_string()),
        }
    }
}

impl Stop {
    pub(super) fn answer(self, asked: &Asked<'_>) -> Answer {
        match self {
            Stop::SignIn => {
                let back = next::encoded(asked.head.uri.path_and_query());
                answer::see_other(&format!("/sign-in?next={back}"))
            }
            Stop::Forbidden(why) => told(asked, StatusCode::FORBIDDEN, "Not for this account", why),
            Stop::NotFound => {
                let why = "The address is mistyped, or what it led to has been removed.";
                told(asked, StatusCode::NOT_FOUND, "There is no such page", why)
            }
            Stop::Method(allow) => {
                let why = "This address is the target of a form. Go back and use the form.";
                let status = StatusCode::METHOD_NOT_ALLOWED;
                let mut answer = told(asked, status, "This is not a page", why);
                answer.headers_mut().insert(header::ALLOW, http::HeaderValue::from_static(allow));
                answer
            }
            Stop::Bad(status, why) => told(asked, status, "That was not taken", &why),
            Stop::Fault(cause) => {
                let incident = IncidentId::new();
                tracing::error!(%incident, %cause, path = asked.path(), "a page can't be shown");
                fault(incident)
            }
        }
    }
}

/// Something that comes right by itself, or by the operator's hand.
pub(super) fn later(why: &str) -> Stop {
    Stop::Bad(StatusCode::SERVICE_UNAVAILABLE, why.to_owned())
}

fn told(asked: &Asked<'_>, status: StatusCode, title: &str, why: &str) -> Answer {
    let middle = html! {
        p.lead { (why) }
        p { a.button href="/" { "Start page" } }
    };
    Page::new(title).narrow().status(status).show(asked, middle)
}

/// The page for a fault of ours, whose cause the log has under the incident.
pub(super) fn fault(incident: IncidentId) -> Answer {
    let middle = html! {
        p.lead { "This is a fault of the server, not of yours. Nothing else is affected." }
        p { "Its operator finds the cause in the log under " code { (incident) } "." }
        p { a.button href="/" { "Start page" } }
    };
    let page = Page::new("Something went wrong").narrow();
    page.status(StatusCode::INTERNAL_SERVER_ERROR).show_to(None, &middle)
}

/// Paths that only take forms, and those that only show.
pub(super) fn elsewhere(method: &Method, parts: &[&str]) -> Stop {
    let only_post = matches!(
        parts,
        ["sign-out"]
            | ["account", "password" | "sign-out-everywhere"]
            | ["account", "sessions", _]
            | ["manager", "accounts", _, "link" | "remove"]
    );
    let both = matches!(
        parts,
        ["sign-in" | "set-up" | "invitation" | "share"] | ["manager", "accounts", "new"]
    );
    let only_get = matches!(
        parts,
        ["" | "favicon.ico" | "wallboard" | "account" | "manager"]
            | ["manager", "accounts" | "audit"]
            | ["manager", "accounts", _]
    );
    match method {
        _ if only_post => Stop::Method("POST"),
        &(Method::GET | Method::POST) if !only_get => Stop::NotFound,
        _ if both => Stop::Method("GET, HEAD, POST"),
        _ if only_get => Stop::Method("GET, HEAD"),
        _ => Stop::NotFound,
    }
}
