//! Changing tenants and tokens, from any process, also beside a running server.
//!
//! Each change raises the generation in its own transaction. If a server holds the folder, the change returns
//! once that server has said that the generation is in force.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};
use serde_json::json;
use stats::zone::{Zone, ZoneError};

use super::{
    TenantId, TenantName,
    directory::{COLUMNS, Directory, Tenant},
    token::{Token, TokenKind},
};
use crate::{
    clock,
    database::{self, OpenError, removal, trail},
};

/// How long a change waits for the running server.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);

/// How often it looks.
const CONFIRM_POLL: Duration = Duration::from_millis(10);

/// Why tenants can't be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    /// The data folder can't be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The name is taken.
    #[error("there is a tenant `{0}` already")]
    Exists(TenantName),
    /// The name is not known.
    #[error("there is no tenant `{0}`; `rtstats tenant list` shows those that there are")]
    Unknown(TenantName),
    /// Not a time zone.
    #[error(transparent)]
    Zone(#[from] ZoneError),
    /// The operating system has no randomness.
    #[error("no random bits for a token: {0}")]
    Random(getrandom::Error),
    /// The database refused, or is damaged.
    #[error("the database of tenants: {0}")]
    Database(#[from] rusqlite::Error),
    /// A row is not as it was written.
    #[error("the database of tenants is damaged: {0}; put a backup in its place")]
    Damaged(String),
}

pub(super) fn damaged(what: String) -> TenantError {
    TenantError::Damaged(what)
}

/// Whether a change is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum InForce {
    /// No server runs: the next one will know it.
    AtNextStart,
    /// The running server has said so.
    Now,
    /// The running server has not said so in time; to be told to the user.
    Unconfirmed,
}

/// What adding a tenant gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// The new tenant's number.
    pub id: TenantId,
    /// Whether it is in force.
    pub in_force: InForce,
}

/// What the audit trail calls whoever gives commands on the server's own machine.
pub const OPERATOR: &str = "operator (command line)";

/// The tenants of a data folder. Each change adds to the audit trail, in the same transaction, who made it.
pub struct Tenants {
    folder: PathBuf,
    connection: Connection,
    who: String,
    address: String,
}

impl Tenants {
    /// Opens the tenants of a data folder; creates it where there is none.
    pub fn open(folder: &Path) -> Result<Tenants, OpenError> {
        let folder = database::prepare_folder(folder)?;
        let connection = database::open(&folder)?;
        Ok(Tenants { folder, connection, who: OPERATOR.to_owned(), address: String::new() })
    }

    /// The same for somebody else than the operator: the login, and the address from which it is done.
    pub fn changed_by(self, who: String, address: String) -> Tenants {
        Tenants { who, address, ..self }
    }

    /// The tenants, by name.
    pub fn list(&mut self) -> Result<Vec<Arc<Tenant>>, TenantError> {
        Ok(Directory::load(&mut self.connection)?.tenants().cloned().collect())
    }

    /// Adds a tenant without tokens.
    pub fn add(&mut self, name: &TenantName, zone: &str) -> Result<Added, TenantError> {
        let zone = Zone::named(zone)?.name().to_owned();
        let (id, generation) = self.change(|transaction| {
            if find(transaction, name)?.is_some() {
                return Err(TenantError::Exists(name.clone()));
            }
            transaction.execute(
                "INSERT INTO tenant (name, zone, checksum) VALUES (?1, ?2, 0)",
                (name.as_str(), &zone),
            )?;
            let id = u32::try_from(transaction.last_insert_rowid())
                .map_err(|_| damaged("the numbers of tenants are used up".to_owned()))?;
            let id = TenantId(id);
            let after = json!({ "zone": zone }).to_string();
            write(transaction, &Tenant { id, name: name.clone(), zone, data: None, action: None })?;
            transaction.execute("INSERT INTO extent VALUES (?1, 0, 0)", [id.0])?;
            let deed = Deed { tenant: id.0, action: "tenant.added", after, ..Deed::default() };
            Ok((id, Deed { object: name.to_string(), ..deed }))
        })?;
        Ok(Added { id, in_force: self.wait(generation)? })
    }

    /// Removes a tenant with its tokens, its log and its snapshots. Its number is never used again.
    pub fn remove(&mut self, name: &TenantName) -> Result<InForce, TenantError> {
        let (id, generation) = self.change(|transaction| {
            let tenant = known(transaction, name)?;
            removal::begin(transaction, tenant.id.0)?;
            let before = json!({ "zone": tenant.zone }).to_string();
            let deed = Deed { action: "tenant.removed", before, ..Deed::default() };
            Ok((tenant.id, Deed { object: name.to_string(), ..deed }))
        })?;
        let in_force = self.wait(generation)?;
        // Interrupted here, the rest goes with the server's next retention.
        while !removal::slice(&mut self.connection, id.0)? {
            // Lets the server's commits in.
            thread::sleep(Duration::from_millis(1));
        }
        Ok(in_force)
    }

    /// Replaces a token by a new random one; the old one is void at once.
    pub fn new_token(
        &mut self,
        name: &TenantName,
        kind: TokenKind,
    ) -> Result<(Token, InForce), TenantError> {
        let token = Token::random().map_err(TenantError::Random)?;
        let in_force = self.set_token(name, kind, &token)?;
        Ok((token, in_force))
    }

    /// Replaces a token by a given one.
    pub fn set_token(
        &mut self,
        name: &TenantName,
        kind: TokenKind,
        token: &Token,
    ) -> Result<InForce, TenantError> {
        let ((), generation) = self.change(|transaction| {
            let mut tenant = known(transaction, name)?;
            let digest = Some(token.digest());
            let (action, called) = match kind {
                TokenKind::Data => ("token.data", "Data Request Token"),
                TokenKind::Action => ("token.action", "Action Request Token"),
            };
            match kind {
                TokenKind::Data => tenant.data = digest,
                TokenKind::Action => tenant.action = digest,
            }
            write(transaction, &tenant)?;
            let deed = Deed { tenant: tenant.id.0, action, ..Deed::default() };
            Ok(((), Deed { object: called.to_owned(), ..deed }))
        })?;
        self.wait(generation)
    }

    /// Makes a change and tells it to the audit trail, whole or not at all; gives the generation that has it.
    fn change<T>(
        &mut self,
        apply: impl FnOnce(&Transaction<'_>) -> Result<(T, Deed), TenantError>,
    ) -> Result<(T, u64), TenantError> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (value, deed) = apply(&transaction)?;
        let entry = trail::Entry {
            time_ms: clock::now(),
            who: &self.who,
            address: &self.address,
            tenant: deed.tenant,
            action: deed.action,
            object: &deed.object,
            before: &deed.before,
            after: &deed.after,
        };
        trail::add(&transaction, &entry)?;
        let generation = raise_generation(&transaction)?;
        transaction.commit()?;
        Ok((value, generation))
    }

    fn wait(&self, generation: u64) -> Result<InForce, TenantError> {
        wait_in_force(&self.folder, &self.connection, generation)
    }
}

/// What a change tells the audit trail.
#[derive(Default)]
struct Deed {
    tenant: u32,
    action: &'static str,
    object: String,
    before: String,
    after: String,
}

/// Has a running server look anew at tenants, tokens and accounts once the transaction is committed; gives the
/// generation that has the change.
pub(crate) fn raise_generation(transaction: &Transaction<'_>) -> rusqlite::Result<u64> {
    let raise = "UPDATE generation SET written = written + 1 RETURNING written";
    transaction.query_row(raise, [], |row| row.get::<_, i64>(0)).map(|written| written as u64)
}

/// Waits until the running server, if there is one, has said that a generation is in force.
pub(crate) fn wait_in_force(
    folder: &Path,
    connection: &Connection,
    generation: u64,
) -> Result<InForce, TenantError> {
    let until = Instant::now() + CONFIRM_TIMEOUT;
    loop {
        if !database::server_runs(folder)? {
            return Ok(InForce::AtNextStart);
        }
        let mut statement = connection.prepare_cached("SELECT seen FROM generation")?;
        let seen: i64 = statement.query_row([], |row| row.get(0))?;
        if seen as u64 >= generation {
            return Ok(InForce::Now);
        }
        if Instant::now() >= until {
            return Ok(InForce::Unconfirmed);
        }
        thread::sleep(CONFIRM_POLL);
    }
}

fn find(transaction: &Transaction<'_>, name: &TenantName) -> Result<Option<Tenant>, TenantError> {
    let mut statement =
        transaction.prepare_cached(&format!("SELECT {COLUMNS} FROM tenant WHERE name = ?1"))?;
    statement.query_row([name.as_str()], |row| Ok(Tenant::read(row))).optional()?.transpose()
}

fn known(transaction: &Transaction<'_>, name: &TenantName) -> Result<Tenant, TenantError> {
    find(transaction, name)?.ok_or_else(|| TenantError::Unknown(name.clone()))
}

/// Writes a tenant's row anew, with its checksum.
fn write(transaction: &Transaction<'_>, tenant: &Tenant) -> Result<(), TenantError> {
    let digest = |kind| tenant.token(kind).map(|digest| digest.bytes().to_vec());
    transaction.execute(
        "UPDATE tenant SET data_digest = ?2, action_digest = ?3, checksum = ?4 WHERE id = ?1",
        (tenant.id.0, digest(TokenKind::Data), digest(TokenKind::Action), tenant.checksum()),
    )?;
    Ok(())
}
