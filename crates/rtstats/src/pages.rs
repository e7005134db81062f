//! The pages for a browser: who may see which, what all have in common, and the pages of accounts.
//!
//! A page is an async function from [`Asked`] to [`Shown`]. It asks for a role first (`asked.administrator()?`), reads a
//! form by [`Asked::form`], builds its middle with maud's `html!`, and hands it to [`Page`]. Templates are maud's because
//! they are checked by the compiler, escape what is put into them, and are plain Rust: no second language, no files at
//! run time. Every page works without scripts; no page has an inline script or style.

mod account_pages;
mod answer;
mod asked;
mod assets;
mod console;
pub mod cookie;
mod csrf;
mod explorer;
mod field;
mod form;
mod frame;
mod invitations;
mod links;
pub mod multipart;
mod next;
mod paging;
mod people;
mod profile;
mod sign_in;
mod start;
mod stop;
mod trail;
mod wall;
mod watching;

use std::{collections::HashSet, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use http::{Method, request::Parts};
use hyper::body::Incoming;

pub use asked::Asked;
pub use assets::PATH as ASSETS;
pub use console::{Changes, Rosters, csv};
pub use field::{Choice, Field};
use form::FILE_BYTES_MAX;
pub use form::{Form, Upload, pairs};
pub use frame::Page;
pub use paging::Paging;
pub use stop::{Shown, Stop};
pub use watching::Watching;

use crate::{
    accounts::Accounts,
    api::{Api, answer::Answer},
    connect::status::Connectors,
    ingest::Ingest,
    telemetry::{IncidentId, Metrics},
    tenants::{Directory, TenantId},
    wallboard,
};

/// How pages are served.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The certificate is one that browsers trust: they are told to insist on it.
    pub trusted_certificate: bool,
    /// A proxy stands before the server and tells who asks.
    pub behind_proxy: bool,
    /// Time for a form to arrive.
    pub body_timeout: Duration,
}

/// All that pages are made from.
pub struct Pages {
    /// Who may use them.
    pub accounts: Arc<Accounts>,
    /// Tenants and tokens in force.
    pub directory: Arc<ArcSwap<Directory>>,
    /// Our own figures.
    pub metrics: Metrics,
    /// How they are served.
    pub settings: Settings,
    /// Reads what tenants are like.
    pub api: Arc<Api>,
    /// The way in for changes: the same as everybody's.
    pub ingest: Arc<Ingest>,
    /// How the connectors stand.
    pub connectors: Connectors,
    /// The data folder, where tenants and tokens are changed.
    pub folder: PathBuf,
    /// Changes under way, one at a time for each tenant.
    pub changes: Changes,
    /// What tenants are made of, as pages are made.
    pub rosters: Rosters,
}

impl Pages {
    /// Answers whatever lies outside of the API.
    pub async fn answer(&self, head: &Parts, body: &mut Incoming, peer: IpAddr) -> Answer {
        if let Some(rest) = head.uri.path().strip_prefix(wallboard::ASSETS) {
            return answer::secured(wallboard::asset(head, rest), self.settings);
        }
        if let Some(name) = head.uri.path().strip_prefix(assets::PATH) {
            return answer::secured(assets::answer(head, name), self.settings);
        }
        let mut asked = Asked::new(self, head, body, peer);
        let shown = self.show(&mut asked).await;
        let answer = shown.unwrap_or_else(|stop| stop.answer(&asked));
        let answer = answer::compressed(answer, &head.headers).await;
        answer::secured(answer, self.settings)
    }

    /// The page for a fault that was caught and logged.
    pub fn fault(&self, incident: IncidentId) -> Answer {
        answer::secured(stop::fault(incident), self.settings)
    }

    /// Forgets tenants that are not among these.
    pub fn keep(&self, tenants: &HashSet<TenantId>) {
        self.changes.keep(tenants);
        self.rosters.keep(tenants);
    }

    /// Which function shows a page. A page is one line here.
    async fn show(&self, asked: &mut Asked<'_>) -> Shown {
        let path = asked.path().to_owned();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (asked.method(), parts.as_slice()) {
            (&Method::GET, [""]) => start::show(asked),
            (&Method::GET, ["api", "explorer"]) => explorer::show(asked),
            (&Method::GET, ["favicon.ico"]) => Ok(assets::favicon()),
            (&Method::GET, ["sign-in"]) => sign_in::show(asked),
            (&Method::POST, ["sign-in"]) => sign_in::post(asked).await,
            (&Method::POST, ["sign-out"]) => sign_in::out(asked).await,
            (&Method::GET, ["set-up"]) => invitations::show_set_up(asked),
            (&Method::POST, ["set-up"]) => invitations::set_up(asked).await,
            (&Method::GET, ["invitation"]) => invitations::show(asked),
            (&Method::POST, ["invitation"]) => invitations::accept(asked).await,
            (&Method::GET, ["share"]) => links::show_open(asked),
            (&Method::POST, ["share"]) => links::open(asked).await,
            (&Method::GET, ["wallboard"]) => wall::show(asked),
            (&Method::GET, ["account"]) => account_pages::show(asked),
            (&Method::POST, ["account", "password"]) => account_pages::password(asked).await,
            (&Method::POST, ["account", "sessions", number]) => {
                account_pages::end_session(asked, number).await
            }
            (&Method::POST, ["account", "sign-out-everywhere"]) => {
                account_pages::sign_out_everywhere(asked).await
            }
            (_, ["agent", rest @ ..]) => profile::show(asked, rest).await,
            (&Method::GET, ["manager"]) => console::tenants::list(asked),
            (_, ["manager", "new"]) => console::tenants::new(asked).await,
            (&Method::GET, ["manager", "accounts"]) => people::list(asked).await,
            (&Method::GET, ["manager", "accounts", "new"]) => people::show_new(asked),
            (&Method::POST, ["manager", "accounts", "new"]) => people::add(asked).await,
            (&Method::GET, ["manager", "accounts", id]) => people::show(asked, id).await,
            (&Method::POST, ["manager", "accounts", id, "link"]) => people::link(asked, id).await,
            (&Method::POST, ["manager", "accounts", id, "remove"]) => {
                people::remove(asked, id).await
            }
            (&Method::GET, ["manager", "audit"]) => trail::show(asked).await,
            (_, ["manager", "tenants", name, rest @ ..]) => console::show(asked, name, rest).await,
            (_, parts) => Err(stop::elsewhere(asked.method(), parts)),
        }
    }
}
