//! One request for a page: who asks, for what, with which form.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use http::{HeaderMap, Method, header, request::Parts};
use hyper::body::Incoming;
use maud::{Markup, html};

use super::{
    Pages, answer, cookie, csrf,
    form::{self, Form},
    start,
    stop::Stop,
};
use crate::{
    accounts::{Accounts, Caller, Flash, Role, Session, SignedIn},
    api::answer::Answer,
    clock,
    tenants::{Directory, Tenant, TenantId, TenantName},
};

/// Characters of a browser's name for itself that are kept.
const BROWSER_CHARS_MAX: usize = 200;

/// One request for a page.
pub struct Asked<'a> {
    /// What pages are made from.
    pub pages: &'a Pages,
    /// The request's head.
    pub head: &'a Parts,
    /// Who is signed in.
    pub session: Option<Arc<Session>>,
    /// The client's address.
    pub address: IpAddr,
    /// The instant of the request.
    pub now_ms: i64,
    body: &'a mut Incoming,
    cookie: Option<&'a str>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(
        pages: &'a Pages,
        head: &'a Parts,
        body: &'a mut Incoming,
        peer: IpAddr,
    ) -> Asked<'a> {
        let now_ms = clock::now();
        let sent = cookie::read(&head.headers);
        let session = sent.and_then(|cookie| pages.accounts.session(cookie, now_ms));
        let cookie = sent.filter(|_| session.is_some());
        let told = pages.settings.behind_proxy.then(|| forwarded(&head.headers)).flatten();
        Asked { pages, head, session, address: told.unwrap_or(peer), now_ms, body, cookie }
    }

    /// The path that was asked for.
    pub fn path(&self) -> &'a str {
        self.head.uri.path()
    }

    /// The method; HEAD counts as GET, whose body is left out on its way.
    pub fn method(&self) -> &'a Method {
        match &self.head.method {
            &Method::HEAD => &Method::GET,
            method => method,
        }
    }

    /// Accounts, sessions, links and the audit trail.
    pub fn accounts(&self) -> &'a Arc<Accounts> {
        &self.pages.accounts
    }

    /// Tenants and tokens in force.
    pub fn directory(&self) -> Arc<Directory> {
        self.pages.directory.load_full()
    }

    /// What whoever is signed in may do.
    pub fn role(&self) -> Option<&Role> {
        self.session.as_ref().map(|session| &session.role)
    }

    /// Whoever is signed in, in whatever role.
    pub fn signed_in(&self) -> Result<&Arc<Session>, Stop> {
        self.session.as_ref().ok_or(Stop::SignIn)
    }

    /// An administrator, of the platform or of a tenant.
    pub fn administrator(&self) -> Result<&Arc<Session>, Stop> {
        let session = self.signed_in()?;
        if session.role.is_administrator() {
            return Ok(session);
        }
        Err(Stop::Forbidden(
            "This page is for administrators. Sign in with an administrator's account.",
        ))
    }

    /// The tenant of a name, for whoever administers it. To others there is no such tenant.
    pub fn administered(&self, name: &str) -> Result<Arc<Tenant>, Stop> {
        let session = self.administrator()?;
        let tenant = self.tenant_named(name).filter(|tenant| session.role.administers(tenant.id));
        tenant.ok_or(Stop::NotFound)
    }

    /// The agent who is signed in: the tenant, and the agent's id.
    pub fn agent(&self) -> Result<(TenantId, Arc<str>), Stop> {
        match &self.signed_in()?.role {
            Role::Agent { tenant, agent } => Ok((*tenant, agent.clone())),
            _ => Err(Stop::Forbidden("This page is for agents. Sign in with an agent's account.")),
        }
    }

    /// The tenants that whoever is signed in has to do with, by name.
    pub fn tenants(&self) -> Vec<Arc<Tenant>> {
        let Some(role) = self.role() else { return Vec::new() };
        let directory = self.directory();
        directory.tenants().filter(|tenant| role.reaches(tenant.id)).cloned().collect()
    }

    /// The time zone of whoever is signed in: the own tenant's, and UTC for the platform's.
    pub fn zone(&self) -> String {
        let own = self.role().and_then(Role::tenant);
        let directory = self.directory();
        let tenant = directory.tenants().find(|tenant| Some(tenant.id) == own);
        tenant.map_or("UTC".to_owned(), |tenant| tenant.zone.clone())
    }

    /// An instant on the clocks of whoever is signed in; none is a dash.
    pub fn instant(&self, ms: Option<i64>) -> Markup {
        start::local_instant(ms, &self.zone())
    }

    /// A tenant's name by its number.
    pub fn tenant_name(&self, id: TenantId) -> Option<TenantName> {
        let directory = self.directory();
        directory.tenants().find(|tenant| tenant.id == id).map(|tenant| tenant.name.clone())
    }

    fn tenant_named(&self, name: &str) -> Option<Arc<Tenant>> {
        let name: TenantName = name.parse().ok()?;
        self.directory().get(&name).cloned()
    }

    /// A value of the query.
    pub fn query(&self, name: &str) -> Option<String> {
        let pairs = form::pairs(self.head.uri.query().unwrap_or_default().as_bytes());
        pairs.into_iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The form that was posted, once it is known to come from our own page: the only way to read one.
    pub async fn form(&mut self) -> Result<Form, Stop> {
        self.read_form(false).await
    }

    /// The same where files may be sent: only for those who are known to be allowed that.
    pub async fn upload_form(&mut self) -> Result<Form, Stop> {
        self.read_form(true).await
    }

    async fn read_form(&mut self, files: bool) -> Result<Form, Stop> {
        let headers = &self.head.headers;
        if csrf::is_foreign(headers, &self.head.uri) {
            return Err(Stop::Forbidden(
                "Another site sent this form. Use the form on our own page.",
            ));
        }
        if self.session.as_ref().is_some_and(|session| !session.may_send_form(self.now_ms)) {
            let why = "This is more than a person sends. Wait a few seconds.".to_owned();
            return Err(Stop::Bad(http::StatusCode::TOO_MANY_REQUESTS, why));
        }
        let read = form::read(self.body, headers, files);
        let form = tokio::time::timeout(self.pages.settings.body_timeout, read).await;
        let slow = || {
            let why = "The form did not arrive in time. Go back and send it again.";
            Stop::Bad(http::StatusCode::REQUEST_TIMEOUT, why.to_owned())
        };
        let form = form.map_err(|_| slow())??;
        let token = form.secret(csrf::FIELD);
        match self.cookie {
            Some(cookie) if !csrf::holds(cookie, token) => Err(Stop::Forbidden(
                "The form was not from this session, or you have signed in anew since. \
                 Go back, load the page again and send the form once more.",
            )),
            _ => Ok(form),
        }
    }

    /// The hidden field that every form carries.
    pub fn csrf(&self) -> Markup {
        html! {
            @if let Some(cookie) = self.cookie {
                input type="hidden" name=(csrf::FIELD) value=(csrf::token(cookie));
            }
        }
    }

    /// Who asks and from where, for the audit trail.
    pub fn caller(&self) -> Caller {
        let browser = self.head.headers.get(header::USER_AGENT);
        let browser = browser.and_then(|browser| browser.to_str().ok()).unwrap_or_default();
        Caller {
            who: self.session.as_ref().map_or(String::new(), |session| session.name.clone()),
            address: self.address.to_string(),
            browser: browser.chars().take(BROWSER_CHARS_MAX).collect(),
        }
    }

    /// On to a page that says what was done.
    pub fn done(&self, path: &str, told: impl Into<String>) -> Answer {
        self.flash(path, Flash::Done(told.into()))
    }

    /// On to a page that says what could not be done.
    pub fn failed(&self, path: &str, told: impl Into<String>) -> Answer {
        self.flash(path, Flash::Failed(told.into()))
    }

    /// On to a page that shows a secret, this once, with a button that copies it.
    pub fn reveal(&self, path: &str, told: impl Into<String>, secret: impl Into<String>) -> Answer {
        let own = path.to_owned();
        self.flash(path, Flash::Secret { path: own, told: told.into(), secret: secret.into() })
    }

    /// The messages that this page is to show. Whoever asks for its head alone sees none.
    pub(super) fn take_flashes(&self) -> Vec<Flash> {
        let session = self.session.as_ref().filter(|_| self.head.method != Method::HEAD);
        session.map(|session| session.take_flashes(self.path())).unwrap_or_default()
    }

    fn flash(&self, path: &str, flash: Flash) -> Answer {
        if let Some(session) = &self.session {
            session.flash(flash);
        }
        answer::see_other(path)
    }

    /// The address of one of our pages as others reach it.
    pub fn address_of(&self, path: &str) -> String {
        let host = self.head.uri.authority().map(|authority| authority.as_str());
        let sent = self.head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        format!("https://{}{path}", host.or(sent).unwrap_or("localhost"))
    }

    /// On to a page, signed in. A session that the browser had before ends.
    pub(super) async fn enter(&self, signed_in: SignedIn, path: &str) -> Result<Answer, Stop> {
        if let Some(before) = &self.session {
            self.accounts().sign_out(before).await?;
        }
        let mut answer = answer::see_other(path);
        let stays = matches!(signed_in.session.role, Role::Viewer { .. });
        let cookie = cookie::set(&signed_in.cookie, stays);
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
        Ok(answer)
    }

    /// Where whoever is signed in begins.
    pub(super) fn home(role: &Role) -> &'static str {
        match role {
            Role::Viewer { .. } => "/wallboard",
            Role::Agent { .. } => "/agent",
            Role::Platform | Role::Tenant(_) => "/",
        }
    }
}

/// Takes the cookie away.
pub(super) fn left(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(header::SET_COOKIE, cookie::cleared());
    answer
}

/// The client that the proxy before us saw: the last in the list, since all before it is hearsay.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    let address = last.rsplit(',').next()?.trim();
    // Some proxies write the port too.
    let with_port = || address.parse().ok().map(|address: SocketAddr| address.ip());
    let in_brackets = || address.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address.parse().ok().or_else(with_port).or_else(in_brackets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_s_own_word_counts() {
        let of = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            forwarded(&headers).map(|address| address.to_string())
        };
        assert_eq!(of(&["192.0.2.1, 198.51.100.2"]).as_deref(), Some("198.51.100.2"));
        assert_eq!(of(&["192.0.2.1", "2001:db8::1"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(of(&["unknown"]), None);
        assert_eq!(of(&[]), None);
    }
}
