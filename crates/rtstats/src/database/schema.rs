//! The tables of the database, and the number of their form.
//!
//! What they keep is held twice wherever SQLite itself would not see a flipped bit: rows carry a checksum over
//! all their columns, and `extent` says where a log begins and ends, so that no row can vanish unseen.

use rusqlite::Connection;

/// "rtst": marks the file as ours (`file` and SQLite's own tools show it).
pub(crate) const APPLICATION_ID: i32 = 0x7274_7374;

/// The form of the tables. A change of them needs a new number and a migration in [`super::open`].
pub(crate) const VERSION: i32 = 1;

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

/// Makes the tables in an empty database.
///
/// Pages of 4 KiB, as the operating system's: a commit of one event writes four of them, larger ones only add
/// bytes to each fsync. No auto-vacuum: it would write a page more with each blob; what retention deletes is used
/// again instead, so the file stays at its largest week.
pub(crate) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "PRAGMA page_size=4096; BEGIN; {TABLES}
         INSERT INTO generation VALUES (1, 0, 0);
         INSERT INTO run VALUES (1, 1);
         PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION}; COMMIT;"
    ))
}

/// Whether a database has exactly our tables.
pub(crate) fn is_ours(connection: &Connection) -> rusqlite::Result<bool> {
    let pattern = Connection::open_in_memory()?;
    pattern.execute_batch(TABLES)?;
    Ok(text(connection)? == text(&pattern)?)
}

/// The tables' declarations; those that SQLite makes for itself stand apart.
fn text(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
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
