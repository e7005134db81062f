//! Signing in and out: by password, by Data Request Token, by link; and what becomes of passwords.

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError},
};

use rusqlite::Transaction;

use super::{
    Account, AccountError, Accounts, Caller, Login, Role, Session, account,
    attempts::Attempt,
    deed, password,
    session::{self, NewSession},
    share,
};
use crate::tenants::{Tenant, TenantId, Token};

/// Somebody got in.
pub struct SignedIn {
    /// The cookie's value.
    pub cookie: Token,
    /// What it stands for.
    pub session: Arc<Session>,
}

/// Why somebody did not get in.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Unknown or wrong: which of both is not told.
    #[error("the login or the password is wrong")]
    Wrong {
        /// Further attempts are delayed from now on.
        delayed: bool,
    },
    /// Too many wrong attempts: none is looked at for a while.
    #[error("too many attempts failed; wait {0} ms")]
    Delayed(i64),
    /// Too many sign in at once.
    #[error("too many sign in at the same time")]
    Busy,
    /// The link is unknown, used or too old.
    #[error("the link does not hold, or holds no longer")]
    NoLink,
    /// The account can't be as asked for.
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl From<password::Weak> for Refusal {
    fn from(weak: password::Weak) -> Refusal {
        Refusal::Account(weak.into())
    }
}

/// Where a login is: with a tenant, or on the platform.
#[derive(Debug, Clone, Copy)]
pub struct Realm<'a> {
    /// The tenant's name as it was given; empty for the platform.
    pub name: &'a str,
    /// `Some(None)` is the platform; none is an unknown tenant, treated as if it had no such login.
    pub known: Option<Option<TenantId>>,
}

impl Realm<'_> {
    /// What failures at a login are counted under: the same for tenants that there are and those that there are not.
    fn key(&self, login: &str) -> String {
        let (name, login) = (self.name.chars().take(64), login.chars().take(256));
        name.chain(['/']).chain(login).collect()
    }
}

impl Accounts {
    /// Signs in with a password.
    pub async fn sign_in(
        self: &Arc<Self>,
        realm: Realm<'_>,
        login: &str,
        password: String,
        caller: Caller,
        from: IpAddr,
        now_ms: i64,
    ) -> Result<SignedIn, Refusal> {
        let known = login.parse::<Login>().ok();
        let name = known.as_ref().map_or(login, Login::as_str);
        let attempt = self.begin(Some(&realm.key(name)), from, now_ms)?;
        let account = match (realm.known, known) {
            (Some(tenant), Some(login)) => {
                self.look(move |transaction| account::find(transaction, tenant, &login)).await?
            }
            _ => self.look(|_| Ok(None)).await?,
        };
        let hash = account.as_ref().and_then(|account| account.password.clone());
        let right = self.verify(password, hash, attempt).await?;
        let Some(account) = account.filter(|_| right) else {
            let delayed = self.attempts().is_blocked(attempt, now_ms);
            return Err(Refusal::Wrong { delayed });
        };
        self.attempts().succeeded(attempt, now_ms);
        self.open_for(account, "session.opened", caller, now_ms).await
    }

    /// Signs in a wallboard viewer whose Data Request Token was found right. `tenant` is none where it was not.
    pub async fn view(
        self: &Arc<Self>,
        tenant: Option<&Tenant>,
        caller: Caller,
        from: IpAddr,
        now_ms: i64,
    ) -> Result<SignedIn, Refusal> {
        let attempt = self.begin(None, from, now_ms)?;
        let Some(tenant) = tenant else {
            return Err(Refusal::Wrong { delayed: self.attempts().is_blocked(attempt, now_ms) });
        };
        self.attempts().take_back_all(attempt);
        let caller = Caller { who: "Wallboard viewer".to_owned(), ..caller };
        let role = Role::Viewer { tenant: tenant.id, share: None };
        let data = tenant.data;
        let new = |cookie: &Token| NewSession {
            digest: cookie.digest(),
            role,
            account: None,
            data,
            caller,
            now_ms,
        };
        self.open_session(new, None).await
    }

    /// Signs in a screen by a link's secret.
    pub async fn open_share(
        self: &Arc<Self>,
        secret: String,
        caller: Caller,
        from: IpAddr,
        now_ms: i64,
    ) -> Result<(SignedIn, String), Refusal> {
        let attempt = self.begin(None, from, now_ms)?;
        let share = self.look(move |transaction| share::by_secret(transaction, &secret)).await?;
        let share = share.ok_or(Refusal::NoLink)?;
        self.attempts().take_back_all(attempt);
        let caller = Caller { who: share.name, ..caller };
        let role = Role::Viewer { tenant: share.tenant, share: Some(share.id) };
        let new = |cookie: &Token| NewSession {
            digest: cookie.digest(),
            role,
            account: None,
            data: None,
            caller,
            now_ms,
        };
        Ok((self.open_session(new, None).await?, share.view))
    }

    /// Adds the administrator whom the set-up link's holder names, and signs in.
    pub async fn set_up(
        self: &Arc<Self>,
        secret: String,
        login: Login,
        password: String,
        caller: Caller,
        from: IpAddr,
        now_ms: i64,
    ) -> Result<SignedIn, Refusal> {
        password::check(&password, &login)?;
        let attempt = self.begin(None, from, now_ms)?;
        let claim = secret.clone();
        let holds = self
            .look(move |transaction| account::set_up_link_holds(transaction, &claim, now_ms))
            .await?;
        if !holds {
            return Err(Refusal::NoLink);
        }
        self.attempts().take_back_all(attempt);
        let hash = self.hasher.hash(password).await.ok_or(Refusal::Busy)??;
        let by = caller.clone();
        let change = move |transaction: &Transaction<'_>| {
            if !account::take_set_up_link(transaction, &secret, now_ms)? {
                return Ok(None);
            }
            let mut account = account::add(transaction, &login, &Role::Platform, now_ms)?;
            account::set_password(transaction, account.id, &hash)?;
            account.password = Some(hash);
            let by = Caller { who: login.as_str().to_owned(), ..by };
            let deed = by.deed(now_ms, None, "account.set-up", login.as_str());
            deed::add(transaction, &deed)?;
            Ok(Some(account))
        };
        let account = self.change(change).await?.ok_or(Refusal::NoLink)?;
        self.open_for(account, "session.opened", caller, now_ms).await
    }

    /// Sets the password of the account whose one-time link this is, ends its sessions, and signs in.
    pub async fn set_password_by_link(
        self: &Arc<Self>,
        secret: String,
        password: String,
        caller: Caller,
        from: IpAddr,
        now_ms: i64,
    ) -> Result<SignedIn, Refusal> {
        let attempt = self.begin(None, from, now_ms)?;
        let claim = secret.clone();
        let find =
            move |transaction: &Transaction<'_>| account::by_link(transaction, &claim, now_ms);
        let account = self.look(find).await?.ok_or(Refusal::NoLink)?;
        self.attempts().take_back_all(attempt);
        password::check(&password, &account.login)?;
        let hash = self.hasher.hash(password).await.ok_or(Refusal::Busy)??;
        let (by, id, own) = (caller.clone(), account.id, self.clone());
        let change = move |transaction: &Transaction<'_>| {
            // Looked at again under the lock: it opens once.
            let Some(mut account) = account::by_link(transaction, &secret, now_ms)? else {
                return Ok(None);
            };
            account::set_password(transaction, account.id, &hash)?;
            account.password = Some(hash);
            session::remove_of(transaction, account.id, None)?;
            let login = account.login.as_str();
            let by = Caller { who: login.to_owned(), ..by };
            let deed = by.deed(now_ms, account.role.tenant(), "account.password", login);
            deed::add(transaction, &deed)?;
            Ok(Some(account))
        };
        let then = move |account: &Option<Account>| {
            if account.is_some() {
                own.sessions.end(|session| session.account == Some(id));
            }
        };
        let account = self.change_then(change, then).await?.ok_or(Refusal::NoLink)?;
        self.open_for(account, "session.opened", caller, now_ms).await
    }

    /// Changes the password of whoever is signed in, who must know the old one; every other session of theirs ends.
    pub async fn change_password(
        self: &Arc<Self>,
        session: &Arc<Session>,
        old: String,
        new: String,
        by: Caller,
        from: IpAddr,
        now_ms: i64,
    ) -> Result<(), Refusal> {
        let Some(id) = session.account else { return Err(Refusal::Wrong { delayed: false }) };
        let attempt = self.begin(Some(&format!("change/{}", id.0)), from, now_ms)?;
        let account = self.look(move |transaction| account::by_id(transaction, id)).await?;
        let hash = account.as_ref().and_then(|account| account.password.clone());
        let right = self.verify(old, hash, attempt).await?;
        let Some(account) = account.filter(|_| right) else {
            return Err(Refusal::Wrong { delayed: self.attempts().is_blocked(attempt, now_ms) });
        };
        self.attempts().succeeded(attempt, now_ms);
        password::check(&new, &account.login)?;
        let hash = self.hasher.hash(new).await.ok_or(Refusal::Busy)??;
        let (stays, kept, own) = (session.clone(), session.clone(), self.clone());
        let change = move |transaction: &Transaction<'_>| {
            account::set_password(transaction, id, &hash)?;
            session::remove_of(transaction, id, Some(&stays))?;
            let login = account.login.as_str();
            deed::add(
                transaction,
                &by.deed(now_ms, account.role.tenant(), "account.password", login),
            )
        };
        let then = move |_: &()| {
            own.sessions.end(|other| other.account == Some(id) && other.number() != kept.number());
        };
        self.change_then(change, then).await?;
        Ok(())
    }

    /// Ends a session.
    pub async fn sign_out(self: &Arc<Self>, session: &Arc<Session>) -> Result<(), AccountError> {
        let number = session.number();
        self.end_sessions(move |other| other.number() == number).await
    }

    /// Ends every session of the same account, this one too.
    pub async fn sign_out_everywhere(
        self: &Arc<Self>,
        session: &Arc<Session>,
    ) -> Result<(), AccountError> {
        let account = session.account;
        self.end_sessions(move |other| account.is_some() && other.account == account).await
    }

    /// Ends one session of an account by its number.
    pub async fn end_session(
        self: &Arc<Self>,
        own: &Arc<Session>,
        number: String,
    ) -> Result<(), AccountError> {
        let account = own.account;
        let which = move |other: &Session| {
            account.is_some() && other.account == account && other.number() == number
        };
        self.end_sessions(which).await
    }

    /// In memory first: whatever the database says, they are out. And once more under the lock, since whoever read the
    /// database meanwhile has brought them back.
    async fn end_sessions(
        self: &Arc<Self>,
        which: impl Fn(&Session) -> bool,
    ) -> Result<(), AccountError> {
        let gone = self.sessions.end(which);
        let (stored, own) = (gone.clone(), self.clone());
        let change = move |transaction: &Transaction<'_>| session::remove(transaction, &stored);
        self.change_then(change, move |_: &()| own.sessions.end_all(&gone)).await
    }

    /// Whether a password is right; an attempt that could not be looked at does not count.
    async fn verify(
        &self,
        password: String,
        hash: Option<String>,
        attempt: Attempt,
    ) -> Result<bool, Refusal> {
        if password.len() > password::BYTES_MAX {
            return Ok(false);
        }
        let right = self.hasher.verify(password, hash).await;
        right.ok_or_else(|| {
            self.attempts().take_back_all(attempt);
            Refusal::Busy
        })
    }

    async fn open_for(
        self: &Arc<Self>,
        account: Account,
        action: &'static str,
        caller: Caller,
        now_ms: i64,
    ) -> Result<SignedIn, Refusal> {
        let caller = Caller { who: account.login.as_str().to_owned(), ..caller };
        let deed = caller.deed(now_ms, account.role.tenant(), action, account.login.as_str());
        self.record(deed).await?;
        let new = |cookie: &Token| NewSession {
            digest: cookie.digest(),
            role: account.role,
            account: Some(account.id),
            data: None,
            caller,
            now_ms,
        };
        self.open_session(new, account.password).await
    }

    /// Opens a session; of an account only while its password is the one by which it was let in.
    async fn open_session(
        self: &Arc<Self>,
        new: impl FnOnce(&Token) -> NewSession,
        password: Option<String>,
    ) -> Result<SignedIn, Refusal> {
        let cookie = Token::random().map_err(AccountError::Random)?;
        let session = Arc::new(Session::from(new(&cookie)));
        let out = self.sessions.crowded_out(&session);
        self.sessions.end_all(&out);
        let (own, stored, opened) = (self.clone(), session.clone(), session.clone());
        let crowded_out = out.clone();
        let change = move |transaction: &Transaction<'_>| {
            // What opened it may have been taken away meanwhile.
            let account = match stored.account {
                Some(id) => account::by_id(transaction, id)?
                    .is_some_and(|account| account.password == password),
                None => true,
            };
            let share = match stored.role.share() {
                Some(id) => share::by_id(transaction, id)?.is_some(),
                None => true,
            };
            session::remove(transaction, &out)?;
            if account && share {
                session::add(transaction, &stored)?;
            }
            Ok(account && share)
        };
        let insert = move |stored: &bool| {
            own.sessions.end_all(&crowded_out);
            if *stored {
                own.sessions.insert(opened);
            }
        };
        match self.change_then(change, insert).await? {
            true => Ok(SignedIn { cookie, session }),
            false => Err(Refusal::Wrong { delayed: false }),
        }
    }

    fn begin(&self, login: Option<&str>, from: IpAddr, now_ms: i64) -> Result<Attempt, Refusal> {
        self.attempts().begin(login, from, now_ms).map_err(Refusal::Delayed)
    }

    fn attempts(&self) -> std::sync::MutexGuard<'_, super::Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
