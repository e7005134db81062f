//! The tables of the database, and the number of their form.
//!
//! What they keep is held twice wherever SQLite itself would not see a flipped bit: rows carry a checksum over
//! all their columns, and `extent` says where a log begins and ends, so that no row can vanish unseen.

use std::sync::OnceLock;

use rusqlite::{Connection, TransactionBehavior};

/// "rtst": marks the file as ours (`file` and SQLite's own tools show it).
pub(crate) const APPLICATION_ID: i32 = 0x7274_7374;

/// What each version of the form adds to the one before it. A change of the tables is a further entry, and never a
/// change of one that was released: [`migrate`] brings an older database up by the entries that it lacks.
const FORMS: [&str; 4] = [TABLES, TRENDS, ACCOUNTS, TOKEN_USE];

/// The version of the form that this program writes.
pub(crate) const VERSION: i32 = FORMS.len() as i32;

/// AUTOINCREMENT: the number of a removed tenant is never given again.
/// `removed` holds tenants whose log still waits to be deleted.
/// A snapshot counts once `complete` is 1: its pieces are written in several transactions.
const TABLES: &str = "
CREATE TABLE tenant (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    zone TEXT NOT NULL,
    data_digest BLOB,
    action_digest BLOB,
    checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE removed (tenant INTEGER PRIMARY KEY) STRICT;
CREATE TABLE generation (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    written INTEGER NOT NULL,
    seen INTEGER NOT NULL
) STRICT;
CREATE TABLE extent (
    tenant INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    after INTEGER NOT NULL
) STRICT;
CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    first INTEGER NOT NULL,
    events INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    codec INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    lines BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX log_order ON log (tenant, first);
CREATE TABLE snapshot (
    id INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    position INTEGER NOT NULL,
    taken_ms INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    complete INTEGER NOT NULL
) STRICT;
CREATE INDEX snapshot_of_tenant ON snapshot (tenant, position);
CREATE TABLE piece (
    id INTEGER PRIMARY KEY,
    snapshot INTEGER NOT NULL,
    number INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX piece_order ON piece (snapshot, number);
CREATE TABLE run (one INTEGER PRIMARY KEY CHECK (one = 1), clean INTEGER NOT NULL) STRICT;
";

/// One row for each tenant and minute with events: what its queues were like as the minute ended. By minute too, so that
/// what is old is found.
const TRENDS: &str = "
CREATE TABLE trend (
    tenant INTEGER NOT NULL,
    minute_ms INTEGER NOT NULL,
    points BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (tenant, minute_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX trend_minute ON trend (minute_ms);
";

/// Accounts for the browser, what they are signed in with, and what they did.
///
/// In `account` the tenant 0 stands for the platform: so a login is unique within its tenant. In `session` the account
/// or the share is 0 where there is none. `deed` is the audit trail: rows are added, and dropped by age.
const ACCOUNTS: &str = "
CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    login TEXT NOT NULL,
    kind INTEGER NOT NULL,
    agent TEXT NOT NULL,
    password TEXT,
    link_digest BLOB,
    link_until_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX account_login ON account (tenant, login);
CREATE UNIQUE INDEX account_link ON account (link_digest);
CREATE TABLE set_up (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    digest BLOB NOT NULL,
    until_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE session (
    digest BLOB PRIMARY KEY,
    account INTEGER NOT NULL,
    tenant INTEGER NOT NULL,
    share INTEGER NOT NULL,
    data_digest BLOB,
    created_ms INTEGER NOT NULL,
    used_ms INTEGER NOT NULL,
    address TEXT NOT NULL,
    browser TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX session_of_account ON session (account);
CREATE TABLE share (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    view TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    used_ms INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX share_of_tenant ON share (tenant);
CREATE TABLE deed (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    address TEXT NOT NULL,
    tenant INTEGER NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL
) STRICT;
CREATE INDEX deed_of_tenant ON deed (tenant, id);
CREATE INDEX deed_time ON deed (time_ms);
CREATE TRIGGER deed_stays BEFORE UPDATE ON deed
BEGIN SELECT RAISE(ABORT, 'the audit trail is only added to'); END;
";

/// When each token was last used. It tells people something and decides nothing, so no checksum is in it.
const TOKEN_USE: &str = "
CREATE TABLE token_use (
    digest BLOB PRIMARY KEY,
    tenant INTEGER NOT NULL,
    used_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Makes the tables in an empty database.
///
/// Pages of 4 KiB, as the operating system's: a commit of one event writes four of them, larger ones only add
/// bytes to each fsync. No auto-vacuum: it would write a page more with each blob; what retention deletes is used
/// again instead, so the file stays at its largest week.
pub(crate) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "PRAGMA page_size=4096; BEGIN; {}
         INSERT INTO generation VALUES (1, 0, 0);
         INSERT INTO run VALUES (1, 1);
         PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION}; COMMIT;",
        FORMS.concat()
    ))
}

/// Whether a database has exactly our tables of a version.
pub(crate) fn is_ours(connection: &Connection, version: i32) -> rusqlite::Result<bool> {
    /// By version: what a database made by its forms says of its tables. Every connection is compared with it.
    static PATTERNS: [OnceLock<Declarations>; FORMS.len()] =
        [const { OnceLock::new() }; FORMS.len()];
    let Some(last) = usize::try_from(version - 1).ok().filter(|last| *last < FORMS.len()) else {
        return Ok(false);
    };
    let pattern = match PATTERNS[last].get() {
        Some(pattern) => pattern,
        None => {
            let made = Connection::open_in_memory()?;
            made.execute_batch(&FORMS[..=last].concat())?;
            let declared = text(&made)?;
            PATTERNS[last].get_or_init(|| declared)
        }
    };
    Ok(text(connection)? == *pattern)
}

/// Brings the tables of an older version up to this one, whole or not at all.
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Looked at under the lock: another process may have been faster.
    let found: i32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for form in FORMS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        transaction.execute_batch(form)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Name and declaration of each table.
type Declarations = Vec<(String, String)>;

/// The tables' declarations; those that SQLite makes for itself stand apart.
fn text(connection: &Connection) -> rusqlite::Result<Declarations> {
    let mut statement = connection.prepare(
        "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// A checksum over the columns of a row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checksum(crc32fast::Hasher);

impl Checksum {
    /// A number.
    pub(crate) fn number(mut self, value: i64) -> Checksum {
        self.0.update(&value.to_le_bytes());
        self
    }

    /// Bytes of any length: the length counts too, so that neighbors can't lend each other bytes.
    pub(crate) fn bytes(self, value: &[u8]) -> Checksum {
        let mut with_length = self.number(value.len() as i64);
        with_length.0.update(value);
        with_length
    }

    /// The column's value.
    pub(crate) fn value(self) -> i64 {
        i64::from(self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database;

    fn as_of(version: usize, folder: &std::path::Path) -> Connection {
        let connection = Connection::open(database::path_in(folder)).unwrap();
        let forms = FORMS[..version].concat();
        let whole = format!(
            "PRAGMA journal_mode=WAL; BEGIN; {forms}
             INSERT INTO generation VALUES (1, 0, 0);
             INSERT INTO run VALUES (1, 1);
             PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={version}; COMMIT;"
        );
        connection.execute_batch(&whole).unwrap();
        connection
    }

    #[test]
    fn a_database_of_every_older_form_is_brought_up_with_what_it_holds() {
        for version in 1..=FORMS.len() {
            let folder = tempfile::tempdir().unwrap();
            let older = as_of(version, folder.path());
            older.execute("INSERT INTO removed VALUES (7)", []).unwrap();
            drop(older);
            for _ in 0..2 {
                let connection = database::open(folder.path()).unwrap();
                assert!(is_ours(&connection, VERSION).unwrap());
                let held: u32 = connection
                    .query_row("SELECT tenant FROM removed", [], |row| row.get(0))
                    .unwrap();
                assert_eq!(held, 7);
            }
        }
    }

    #[test]
    fn tables_that_are_not_of_their_version_are_refused_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let older = as_of(1, folder.path());
        older.execute_batch("CREATE TABLE account (id INTEGER PRIMARY KEY) STRICT").unwrap();
        drop(older);
        let refused = database::open(folder.path()).unwrap_err();
        assert!(matches!(refused, database::OpenError::Damaged { .. }), "{refused}");
        let kept = Connection::open(database::path_in(folder.path())).unwrap();
        let version: i32 = kept.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, 1);
    }

    #[test]
    fn the_audit_trail_is_only_added_to() {
        let folder = tempfile::tempdir().unwrap();
        let connection = database::open(folder.path()).unwrap();
        let add = "INSERT INTO deed VALUES (1, 0, 'ann', '', 0, 'x', '', '', '')";
        connection.execute(add, []).unwrap();
        let refused = connection.execute("UPDATE deed SET who = 'bob'", []).unwrap_err();
        assert!(refused.to_string().contains("only added to"), "{refused}");
    }
}
