//! The frame of every page: title, navigation by role, messages, the page's own middle, footer.

use http::StatusCode;
use maud::{DOCTYPE, Markup, html};

use super::{Asked, answer, assets};
use crate::{
    accounts::{Flash, Role, Session},
    api::answer::Answer,
};

/// A page that waits for its middle.
pub struct Page<'p> {
    title: &'p str,
    status: StatusCode,
    width: &'static str,
    above: Vec<(&'p str, String)>,
    scripts: Vec<&'static str>,
    styles: Vec<&'static str>,
    beside: Option<Markup>,
}

/// A part of the pages: path, name, and who sees it.
type Part = (&'static str, &'static str, fn(&Role) -> bool);

/// The navigation. A new part of the pages is a line here.
const NAVIGATION: &[Part] = &[
    ("/agent", "My day", |role| matches!(role, Role::Agent { .. })),
    ("/manager", "Tenants", Role::is_administrator),
    ("/manager/accounts", "Accounts", Role::is_administrator),
    ("/manager/audit", "Audit trail", Role::is_administrator),
];

impl<'p> Page<'p> {
    /// A page with its title, which is its heading too.
    pub fn new(title: &'p str) -> Page<'p> {
        Page {
            title,
            status: StatusCode::OK,
            width: "page",
            above: Vec::new(),
            scripts: Vec::new(),
            styles: Vec::new(),
            beside: None,
        }
    }

    /// For a form or a short text.
    pub fn narrow(self) -> Page<'p> {
        Page { width: "page narrow", ..self }
    }

    /// For wide tables and walls.
    pub fn wide(self) -> Page<'p> {
        Page { width: "page wide", ..self }
    }

    /// Another status than 200.
    pub fn status(self, status: StatusCode) -> Page<'p> {
        Page { status, ..self }
    }

    /// A page above this one: its name and its path.
    pub fn below(mut self, name: &'p str, path: impl Into<String>) -> Page<'p> {
        self.above.push((name, path.into()));
        self
    }

    /// A script of its own, by its name among the assets; a module.
    pub fn script(mut self, name: &'static str) -> Page<'p> {
        self.scripts.push(name);
        self
    }

    /// A stylesheet of its own, by its name among the assets.
    pub fn style(mut self, name: &'static str) -> Page<'p> {
        self.styles.push(name);
        self
    }

    /// A navigation of its own, beside the middle or above it, as there is room.
    pub fn beside(self, navigation: Markup) -> Page<'p> {
        Page { beside: Some(navigation), ..self }
    }

    /// The page with its middle, for whoever asked.
    #[allow(clippy::needless_pass_by_value, reason = "a page's middle is made for this call alone")]
    pub fn show(self, asked: &Asked<'_>, middle: Markup) -> Answer {
        self.show_to(Some(asked), &middle)
    }

    /// The same where who asked is not known.
    pub(super) fn show_to(self, asked: Option<&Asked<'_>>, middle: &Markup) -> Answer {
        let session = asked.and_then(|asked| asked.session.as_deref());
        let body = html! {
            (DOCTYPE)
            html lang="en" {
                (self.head())
                body {
                    a.skip href="#main" { "Skip to the content" }
                    (bar(asked, session))
                    main.(self.width).parted[self.beside.is_some()] #main tabindex="-1" {
                        @if let Some(beside) = &self.beside { (beside) }
                        div.middle {
                            (self.breadcrumbs())
                            @for flash in asked.map(Asked::take_flashes).unwrap_or_default() {
                                (message(&flash))
                            }
                            h1 { (self.title) }
                            (middle)
                        }
                    }
                    (footer())
                }
            }
        };
        answer::html(self.status, body)
    }

    fn head(&self) -> Markup {
        html! {
            head {
                meta charset="utf-8";
                title { (self.title) " · rtstats" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href=(assets::path("icon.svg")) type="image/svg+xml";
                // Before the first paint, so that the chosen theme does not flash.
                script src=(assets::path("theme.js")) {}
                link rel="stylesheet" href=(assets::path("base.css"));
                @for style in &self.styles { link rel="stylesheet" href=(assets::path(style)); }
                script src=(assets::path("base.js")) type="module" {}
                @for script in &self.scripts { script src=(assets::path(script)) type="module" {} }
            }
        }
    }

    fn breadcrumbs(&self) -> Markup {
        html! {
            @if !self.above.is_empty() {
                nav.above aria-label="Where this page is" {
                    ol { @for (name, path) in &self.above { li { a href=(path) { (name) } } } }
                }
            }
        }
    }
}

fn bar(asked: Option<&Asked<'_>>, session: Option<&Session>) -> Markup {
    let path = asked.map_or("", Asked::path);
    let links = NAVIGATION.iter().filter(|(_, _, sees)| session.is_some_and(|it| sees(&it.role)));
    // The longest path that leads here is the one where the reader is.
    let here = links.clone().map(|(own, ..)| *own);
    let here = here.filter(|own| path == *own || path.starts_with(&format!("{own}/")));
    let here = here.max_by_key(|own| own.len());
    let sign_in = asked.filter(|_| session.is_none() && path != "/sign-in");
    html! {
        header.bar {
            a.brand href="/" { img src=(assets::path("icon.svg")) alt="" width="28" height="28"; "rtstats" }
            @if links.clone().next().is_some() {
                nav aria-label="Main" {
                    ul {
                        @for (own, name, _) in links {
                            li { a href=(own) aria-current=[(here == Some(own)).then_some("page")] { (name) } }
                        }
                    }
                }
            }
            div.who {
                button.theme.quiet type="button" data-theme-switch hidden { "Theme" }
                @if let (Some(session), Some(asked)) = (session, asked) {
                    @if session.account.is_some() {
                        a.name href="/account" aria-current=[(path == "/account").then_some("page")]
                            title=(session.role.word()) { (session.name) }
                    } @else {
                        span.name title=(session.role.word()) { (session.name) }
                    }
                    form method="post" action="/sign-out" {
                        (asked.csrf())
                        button.quiet { "Sign out" }
                    }
                } @else if sign_in.is_some() {
                    a.button href="/sign-in" { "Sign in" }
                }
            }
        }
    }
}

fn message(flash: &Flash) -> Markup {
    html! {
        @match flash {
            Flash::Done(told) => p.notice.done role="status" { (told) },
            Flash::Failed(told) => p.notice.failed role="alert" { (told) },
            Flash::Secret { told, secret, .. } => {
                div.notice.secret role="status" {
                    label for="secret" { (told) }
                    div.copied {
                        input #secret type="text" readonly value=(secret) autocomplete="off" spellcheck="false";
                        button type="button" data-copy="secret" hidden { "Copy" }
                    }
                    p.hint { "It is shown this once. Keep it where only those can read it whom it is for." }
                }
            },
        }
    }
}

fn footer() -> Markup {
    html! {
        footer.foot {
            p { "rtstats " (env!("CARGO_PKG_VERSION")) " · " a href="/api/explorer" { "API explorer" } }
        }
    }
}
