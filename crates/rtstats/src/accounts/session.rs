//! Sessions: in the database, so that a restart signs nobody out, and all in memory, so that a request costs no disk.
//!
//! A session is found by the digest of its cookie. It ends by expiry, by signing out, and by what revokes it; whoever
//! holds it learns that from [`Session::ended`].

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

use rusqlite::{Row, Transaction};
use tokio::sync::watch;

use super::{AccountError, AccountId, Caller, Role, ShareId, account, share};
use crate::{
    database::schema::Checksum,
    tenants::{Directory, TenantId, TokenDigest},
};

type Digest = [u8; 32];

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Sessions of one account, screens of one link, and other viewers of one tenant: beyond it the one unused for longest
/// ends.
const PER_ACCOUNT_MAX: usize = 20;
const SCREENS_PER_LINK_MAX: usize = 200;
const VIEWERS_PER_TENANT_MAX: usize = 2_000;

/// Uses closer together than this are not written down one by one.
const USED_STEP_MS: i64 = 60_000;

/// Forms of a session: so many at once, and then one each so often.
const FORMS_AT_ONCE: i64 = 50;
const FORM_EVERY_MS: i64 = 100;
const FORMS_MS_MAX: i64 = FORMS_AT_ONCE * FORM_EVERY_MS;

/// Messages that wait for the next page at most; secrets, which nobody could get again, wait in any case.
const FLASHES_MAX: usize = 8;

/// A message that the next page shows once.
#[derive(Clone, PartialEq, Eq)]
pub enum Flash {
    /// Something was done.
    Done(String),
    /// Something could not be done.
    Failed(String),
    /// Something to be copied now, since it is never shown again. It waits for its own page.
    Secret {
        /// The path of the page that shows it.
        path: String,
        /// What it is.
        told: String,
        /// It.
        secret: String,
    },
}

/// What a cookie stands for.
pub struct Session {
    digest: Digest,
    /// What it may do.
    pub role: Role,
    /// Whose it is; none for viewers.
    pub account: Option<AccountId>,
    /// The login, or the name of a viewer's link.
    pub name: String,
    /// When it began.
    pub created_ms: i64,
    /// From where it began.
    pub address: String,
    /// What the browser called itself.
    pub browser: String,
    used_ms: AtomicI64,
    written_ms: AtomicI64,
    /// The Data Request Token that it was opened with: replaced, it ends.
    data: Option<TokenDigest>,
    flashes: Mutex<Vec<Flash>>,
    /// Until when its forms have used up what it may send.
    forms_until_ms: AtomicI64,
    ended: watch::Sender<bool>,
}

impl Session {
    /// Its number for pages: it tells sessions apart and opens nothing.
    pub fn number(&self) -> String {
        self.digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// When it was used last.
    pub fn used_ms(&self) -> i64 {
        self.used_ms.load(Relaxed)
    }

    /// Whether one more form may be sent: far more than anybody fills in, and not as many as a program could.
    pub fn may_send_form(&self, now_ms: i64) -> bool {
        let sent = self.forms_until_ms.fetch_update(Relaxed, Relaxed, |until_ms| {
            // Further ahead than it can be: the clock was set back.
            let ahead_ms = until_ms.saturating_sub(now_ms);
            let ahead_ms = if (0..=FORMS_MS_MAX).contains(&ahead_ms) { ahead_ms } else { 0 };
            let ahead_ms = ahead_ms + FORM_EVERY_MS;
            (ahead_ms <= FORMS_MS_MAX).then_some(now_ms + ahead_ms)
        });
        sent.is_ok()
    }

    /// Leaves a message for the next page.
    pub fn flash(&self, flash: Flash) {
        let mut flashes = self.flashes.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(flash, Flash::Secret { .. }) || flashes.len() < FLASHES_MAX {
            flashes.push(flash);
        }
    }

    /// Takes the messages that wait for the page of a path.
    pub fn take_flashes(&self, path: &str) -> Vec<Flash> {
        let mut flashes = self.flashes.lock().unwrap_or_else(PoisonError::into_inner);
        let elsewhere =
            |flash: &Flash| matches!(flash, Flash::Secret { path: own, .. } if own != path);
        let (stay, taken) = std::mem::take(&mut *flashes).into_iter().partition(elsewhere);
        *flashes = stay;
        taken
    }

    /// Returns once the session is no longer in force; what is pushed to its browser ends with it.
    pub async fn ended(&self) {
        let mut ended = self.ended.subscribe();
        // The sender lives as long as this session.
        let _ = ended.wait_for(|ended| *ended).await;
    }

    /// Whether it is no longer in force.
    pub fn has_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// How long it may stay unused, and how long it may last, in milliseconds.
    fn life_ms(&self) -> (i64, i64) {
        match self.role {
            Role::Platform | Role::Tenant(_) => (4 * HOUR_MS, 7 * DAY_MS),
            Role::Agent { .. } => (12 * HOUR_MS, 30 * DAY_MS),
            // A wall screen hangs there for years; what opened it can be revoked.
            Role::Viewer { .. } => (30 * DAY_MS, 3_650 * DAY_MS),
        }
    }

    /// Whether its time is over.
    pub(super) fn has_expired(&self, now_ms: i64) -> bool {
        let (unused_ms, whole_ms) = self.life_ms();
        now_ms - self.used_ms() >= unused_ms || now_ms - self.created_ms >= whole_ms
    }

    /// Whether the tenant, and the token that opened it, are still there.
    pub fn is_of(&self, directory: &Directory) -> bool {
        let Some(tenant) = self.role.tenant() else { return true };
        let tenant = directory.tenants().find(|known| known.id == tenant);
        tenant.is_some_and(|tenant| self.data.is_none() || tenant.data == self.data)
    }

    fn checksum(&self) -> i64 {
        Checksum::default()
            .bytes(&self.digest)
            .number(self.account.map_or(0, |account| account.0))
            .number(self.role.tenant().map_or(0, |tenant| i64::from(tenant.0)))
            .number(self.role.share().map_or(0, |share| share.0))
            .bytes(self.data.as_ref().map_or(&[][..], |digest| &digest.bytes()[..]))
            .number(self.created_ms)
            .value()
    }
}

/// What a new session is made from.
pub(super) struct NewSession {
    pub(super) digest: TokenDigest,
    pub(super) role: Role,
    pub(super) account: Option<AccountId>,
    pub(super) data: Option<TokenDigest>,
    pub(super) caller: Caller,
    pub(super) now_ms: i64,
}

impl From<NewSession> for Session {
    fn from(new: NewSession) -> Session {
        Session {
            digest: *new.digest.bytes(),
            role: new.role,
            account: new.account,
            name: new.caller.who,
            created_ms: new.now_ms,
            address: new.caller.address,
            browser: new.caller.browser,
            used_ms: AtomicI64::new(new.now_ms),
            written_ms: AtomicI64::new(new.now_ms),
            data: new.data,
            flashes: Mutex::default(),
            forms_until_ms: AtomicI64::new(0),
            ended: watch::Sender::new(false),
        }
    }
}

/// Every session in force.
#[derive(Default)]
pub(super) struct Sessions(RwLock<HashMap<Digest, Arc<Session>>>);

impl Sessions {
    pub(super) fn find(&self, cookie: &str, now_ms: i64) -> Option<Arc<Session>> {
        let session = self.peek(cookie, now_ms)?;
        session.used_ms.fetch_max(now_ms, Relaxed);
        Some(session)
    }

    /// The session of somebody who watches: only for a viewer that is what it is used for.
    pub(super) fn watch(&self, cookie: &str, now_ms: i64) -> Option<Arc<Session>> {
        let session = self.peek(cookie, now_ms)?;
        if session.account.is_none() {
            session.used_ms.fetch_max(now_ms, Relaxed);
        }
        Some(session)
    }

    /// Looks for a session without using it.
    fn peek(&self, cookie: &str, now_ms: i64) -> Option<Arc<Session>> {
        let digest = TokenDigest::of_claim(cookie);
        let sessions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get(digest.bytes())?;
        if session.has_expired(now_ms) {
            return None;
        }
        Some(session.clone())
    }

    pub(super) fn len(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Latest use first.
    pub(super) fn list(&self, which: impl Fn(&Session) -> bool) -> Vec<Arc<Session>> {
        let sessions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<_> =
            sessions.values().filter(|session| which(session)).cloned().collect();
        found.sort_unstable_by_key(|session| (-session.used_ms(), session.digest));
        found
    }

    pub(super) fn insert(&self, session: Arc<Session>) {
        let mut sessions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        sessions.insert(session.digest, session);
    }

    /// Which must go for one more like this to have room.
    pub(super) fn crowded_out(&self, new: &Session) -> Vec<Digest> {
        let (alike, len_max) = match new.account {
            Some(_) => (self.list(|session| session.account == new.account), PER_ACCOUNT_MAX),
            None => {
                let viewer =
                    |session: &Session| session.account.is_none() && session.role == new.role;
                let len_max = match new.role.share() {
                    Some(_) => SCREENS_PER_LINK_MAX,
                    None => VIEWERS_PER_TENANT_MAX,
                };
                (self.list(viewer), len_max)
            }
        };
        alike.iter().skip(len_max - 1).map(|session| session.digest).collect()
    }

    /// Ends those, and gives their digests.
    pub(super) fn end(&self, which: impl Fn(&Session) -> bool) -> Vec<Digest> {
        let mut gone = Vec::new();
        let mut sessions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|digest, session| {
            let ends = which(session);
            if ends {
                session.ended.send_replace(true);
                gone.push(*digest);
            }
            !ends
        });
        gone
    }

    pub(super) fn end_all(&self, digests: &[Digest]) {
        self.end(|session| digests.contains(&session.digest));
    }

    /// Takes what is stored: who is gone there ends, who is known stays with its messages.
    pub(super) fn replace(&self, stored: Vec<Session>, now_ms: i64) {
        let stored = stored.into_iter().filter(|session| !session.has_expired(now_ms));
        let mut fresh: HashMap<Digest, Arc<Session>> =
            stored.map(|session| (session.digest, Arc::new(session))).collect();
        let mut sessions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (digest, session) in sessions.drain() {
            match fresh.get_mut(&digest) {
                Some(known) if known.role == session.role => *known = session,
                _ => drop(session.ended.send_replace(true)),
            }
        }
        *sessions = fresh;
    }

    /// Those used since that was last written down.
    pub(super) fn used_since_written(&self) -> Vec<Arc<Session>> {
        let used = self
            .list(|session| session.used_ms() - session.written_ms.load(Relaxed) >= USED_STEP_MS);
        for session in &used {
            session.written_ms.store(session.used_ms(), Relaxed);
        }
        used
    }
}

/// All that are stored. Those whose account or link is gone are passed over.
pub(super) fn load(transaction: &Transaction<'_>) -> Result<Vec<Session>, AccountError> {
    let mut statement = transaction.prepare_cached(
        "SELECT digest, account, tenant, share, data_digest, created_ms, used_ms, address, browser, checksum
         FROM session",
    )?;
    let mut rows = statement.query([])?;
    let mut sessions = Vec::new();
    while let Some(row) = rows.next()? {
        sessions.extend(read(transaction, row)?);
    }
    Ok(sessions)
}

fn read(transaction: &Transaction<'_>, row: &Row<'_>) -> Result<Option<Session>, AccountError> {
    let (account, share): (i64, i64) = (row.get(1)?, row.get(3)?);
    let tenant = TenantId(row.get(2)?);
    let (role, name) = match (account, share) {
        (0, 0) => (Role::Viewer { tenant, share: None }, "Wallboard viewer".to_owned()),
        (0, share) => match share::by_id(transaction, ShareId(share))? {
            Some(share) => (Role::Viewer { tenant, share: Some(share.id) }, share.name),
            None => return Ok(None),
        },
        (account, _) => match account::by_id(transaction, AccountId(account))? {
            Some(account) => (account.role, account.login.as_str().to_owned()),
            None => return Ok(None),
        },
    };
    let wrong = || AccountError::Damaged("a row of a session is not as it was written".to_owned());
    let digest: Digest = row.get(0).map_err(|_| wrong())?;
    let data: Option<Digest> = row.get(4).map_err(|_| wrong())?;
    let used_ms: i64 = row.get(6)?;
    let session = Session::from(NewSession {
        digest: TokenDigest::from_bytes(digest),
        role,
        account: (account != 0).then_some(AccountId(account)),
        data: data.map(TokenDigest::from_bytes),
        caller: Caller { who: name, address: row.get(7)?, browser: row.get(8)? },
        now_ms: row.get(5)?,
    });
    session.used_ms.store(used_ms, Relaxed);
    session.written_ms.store(used_ms, Relaxed);
    let same = session.checksum() == row.get::<_, i64>(9)?;
    if same { Ok(Some(session)) } else { Err(wrong()) }
}

pub(super) fn add(transaction: &Transaction<'_>, session: &Session) -> Result<(), AccountError> {
    transaction.execute(
        "INSERT INTO session VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        (
            &session.digest[..],
            session.account.map_or(0, |account| account.0),
            session.role.tenant().map_or(0, |tenant| tenant.0),
            session.role.share().map_or(0, |share| share.0),
            session.data.map(|digest| digest.bytes().to_vec()),
            session.created_ms,
            session.used_ms(),
            &session.address,
            &session.browser,
            session.checksum(),
        ),
    )?;
    Ok(())
}

pub(super) fn remove(transaction: &Transaction<'_>, gone: &[Digest]) -> Result<(), AccountError> {
    let mut statement = transaction.prepare_cached("DELETE FROM session WHERE digest = ?1")?;
    for digest in gone {
        statement.execute([&digest[..]])?;
    }
    Ok(())
}

/// Removes the sessions of an account, but for one that may stay.
pub(super) fn remove_of(
    transaction: &Transaction<'_>,
    account: AccountId,
    but: Option<&Session>,
) -> Result<(), AccountError> {
    let but = but.map_or(&[][..], |session| &session.digest[..]);
    transaction
        .execute("DELETE FROM session WHERE account = ?1 AND digest <> ?2", (account.0, but))?;
    Ok(())
}

pub(super) fn write_used(
    transaction: &Transaction<'_>,
    used: &[Arc<Session>],
) -> Result<(), AccountError> {
    let mut session =
        transaction.prepare_cached("UPDATE session SET used_ms = ?2 WHERE digest = ?1")?;
    let mut share =
        transaction.prepare_cached("UPDATE share SET used_ms = max(used_ms, ?2) WHERE id = ?1")?;
    for used in used {
        session.execute((&used.digest[..], used.used_ms()))?;
        if let Some(id) = used.role.share() {
            share.execute((id.0, used.used_ms()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenants::Token;

    fn session(token: &Token, role: Role, account: Option<i64>, now_ms: i64) -> Session {
        let caller = Caller::operator();
        let (digest, account) = (token.digest(), account.map(AccountId));
        Session::from(NewSession { digest, role, account, data: None, caller, now_ms })
    }

    #[test]
    fn a_session_ends_unused_or_old() {
        let (sessions, token) = (Sessions::default(), Token::random().unwrap());
        sessions.insert(Arc::new(session(&token, Role::Platform, Some(1), 0)));
        let find = |now_ms| sessions.find(token.reveal(), now_ms).is_some();
        assert!(find(4 * HOUR_MS - 1));
        assert!(find(7 * HOUR_MS), "each use counts");
        assert!(!find(11 * HOUR_MS));
        for hour in (7..7 * 24).step_by(3) {
            assert!(find(hour * HOUR_MS), "{hour}");
        }
        assert!(!find(7 * DAY_MS), "used or not");
    }

    #[test]
    fn watching_is_no_use_of_an_account_s_session() {
        let (sessions, admin, screen) =
            (Sessions::default(), Token::random().unwrap(), Token::random().unwrap());
        sessions.insert(Arc::new(session(&admin, Role::Platform, Some(1), 0)));
        let viewer = Role::Viewer { tenant: TenantId(1), share: None };
        sessions.insert(Arc::new(session(&screen, viewer, None, 0)));
        let watches = |token: &Token, now_ms| sessions.watch(token.reveal(), now_ms).is_some();
        assert!((0..4).all(|hour| watches(&admin, hour * HOUR_MS)));
        assert!(!watches(&admin, 4 * HOUR_MS), "nobody did anything for four hours");
        assert!((0..90).all(|day| watches(&screen, day * DAY_MS)), "a screen does nothing else");
    }

    #[test]
    fn a_secret_waits_for_its_own_page() {
        let session = session(&Token::random().unwrap(), Role::Platform, Some(1), 0);
        let secret = Flash::Secret {
            path: "/tokens".to_owned(),
            told: "New:".to_owned(),
            secret: "s".to_owned(),
        };
        for place in 0..2 * FLASHES_MAX {
            session.flash(Flash::Done(place.to_string()));
        }
        session.flash(secret.clone());
        let elsewhere = session.take_flashes("/");
        assert_eq!(elsewhere.len(), FLASHES_MAX);
        assert!(!elsewhere.contains(&secret));
        assert!(session.take_flashes("/tokens") == [secret]);
        assert!(session.take_flashes("/tokens").is_empty(), "it is shown once");
    }

    #[test]
    fn a_session_sends_no_flood_of_forms() {
        let session = session(&Token::random().unwrap(), Role::Platform, Some(1), 0);
        let sent = (0..5_000).filter(|ms| session.may_send_form(1_000_000 + ms)).count();
        assert_eq!(sent, 99, "50, and 10 each second");
        assert!(session.may_send_form(1_010_000));
        assert!(session.may_send_form(0), "a clock that is set back holds nobody up");
    }

    #[test]
    fn only_the_cookie_itself_finds_a_session() {
        let (sessions, token) = (Sessions::default(), Token::random().unwrap());
        sessions.insert(Arc::new(session(&token, Role::Platform, Some(1), 0)));
        for claim in ["", "x", &token.reveal()[1..], &"0".repeat(64)] {
            assert!(sessions.find(claim, 0).is_none());
        }
    }

    #[test]
    fn an_account_has_so_many_sessions_and_the_longest_unused_goes() {
        let sessions = Sessions::default();
        for now_ms in 0..20 {
            let new = session(&Token::random().unwrap(), Role::Platform, Some(1), now_ms);
            assert!(sessions.crowded_out(&new).is_empty());
            sessions.insert(Arc::new(new));
        }
        let new = session(&Token::random().unwrap(), Role::Platform, Some(1), 20);
        let out = sessions.crowded_out(&new);
        sessions.end_all(&out);
        assert_eq!((out.len(), sessions.len()), (1, 19));
        assert!(sessions.list(|_| true).iter().all(|session| session.created_ms > 0));
        let other = session(&Token::random().unwrap(), Role::Platform, Some(2), 20);
        assert!(sessions.crowded_out(&other).is_empty());
    }

    #[test]
    fn whoever_holds_a_session_learns_of_its_end() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let sessions = Sessions::default();
        let held = Arc::new(session(&Token::random().unwrap(), Role::Platform, None, 0));
        sessions.insert(held.clone());
        assert!(!held.has_ended());
        sessions.replace(Vec::new(), 0);
        assert!(held.has_ended());
        runtime.block_on(held.ended());
    }
}
