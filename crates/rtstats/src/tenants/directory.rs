//! The tenants as a server sees them at one generation.

use std::{collections::BTreeMap, sync::Arc};

use rusqlite::{Connection, Row, TransactionBehavior};

use super::{
    TenantId, TenantName, TokenKind,
    store::{TenantError, damaged},
    token::TokenDigest,
};
use crate::database::schema::Checksum;

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its number.
    pub id: TenantId,
    /// Its name.
    pub name: TenantName,
    /// The IANA name of its time zone.
    pub zone: String,
    /// Of its Data Request Token, if it has one.
    pub data: Option<TokenDigest>,
    /// Of its Action Request Token, if it has one.
    pub action: Option<TokenDigest>,
}

impl Tenant {
    /// The digest of a token, if it has one of the kind.
    pub fn token(&self, kind: TokenKind) -> Option<TokenDigest> {
        match kind {
            TokenKind::Data => self.data,
            TokenKind::Action => self.action,
        }
    }

    /// Over all columns: a flipped bit must not let anybody in, or move a tenant's midnight.
    pub(super) fn checksum(&self) -> i64 {
        let digest = |digest: &Option<TokenDigest>| digest.map(|digest| *digest.bytes());
        let digests = [digest(&self.data), digest(&self.action)];
        digests
            .iter()
            .fold(
                Checksum::default()
                    .number(i64::from(self.id.0))
                    .bytes(self.name.as_str().as_bytes())
                    .bytes(self.zone.as_bytes()),
                |sum, digest| sum.bytes(digest.as_ref().map_or(&[][..], |digest| &digest[..])),
            )
            .value()
    }

    /// Reads and checks a row of [`COLUMNS`].
    pub(super) fn read(row: &Row<'_>) -> Result<Tenant, TenantError> {
        let id: u32 = row.get(0)?;
        let wrong = || damaged(format!("the row of tenant {id} is not as it was written"));
        let digest = |column| -> Result<Option<TokenDigest>, TenantError> {
            let bytes: Option<[u8; 32]> = row.get(column).map_err(|_| wrong())?;
            Ok(bytes.map(TokenDigest::from_bytes))
        };
        let name: String = row.get(1)?;
        let tenant = Tenant {
            id: TenantId(id),
            name: name.parse().map_err(|_| wrong())?,
            zone: row.get(2)?,
            data: digest(3)?,
            action: digest(4)?,
        };
        if tenant.checksum() == row.get::<_, i64>(5)? { Ok(tenant) } else { Err(wrong()) }
    }
}

/// The columns of a tenant's row, in the order of [`Tenant::read`].
pub(super) const COLUMNS: &str = "id, name, zone, data_digest, action_digest, checksum";

/// All tenants at one generation; it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    generation: u64,
    by_name: BTreeMap<TenantName, Arc<Tenant>>,
}

impl Directory {
    pub(super) fn load(connection: &mut Connection) -> Result<Directory, TenantError> {
        // One instant for the generation and the rows.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        let generation = written(&transaction)?;
        let mut statement = transaction.prepare_cached(&format!("SELECT {COLUMNS} FROM tenant"))?;
        let mut rows = statement.query([])?;
        let mut by_name = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let tenant = Tenant::read(row)?;
            by_name.insert(tenant.name.clone(), Arc::new(tenant));
        }
        Ok(Directory { generation, by_name })
    }

    /// The number of the last change that it shows.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The tenants, by name.
    pub fn tenants(&self) -> impl ExactSizeIterator<Item = &Arc<Tenant>> {
        self.by_name.values()
    }

    /// A tenant by its name.
    pub fn get(&self, name: &TenantName) -> Option<&Arc<Tenant>> {
        self.by_name.get(name)
    }

    /// The tenant whose token of a kind this is. An unknown tenant and a wrong token cost the same work.
    pub fn authenticate(
        &self,
        user: &str,
        password: &str,
        kind: TokenKind,
    ) -> Option<&Arc<Tenant>> {
        let claim = TokenDigest::of_claim(password);
        let tenant = self.by_name.get(user);
        let token = tenant.and_then(|tenant| tenant.token(kind));
        // Compared in any case, and with what no claim's digest can be expected to be.
        let same = token.unwrap_or(TokenDigest::from_bytes([0; 32])) == claim;
        tenant.filter(|_| same & token.is_some())
    }
}

/// The number of the last change.
pub(super) fn written(connection: &Connection) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached("SELECT written FROM generation")?;
    statement.query_row([], |row| row.get::<_, i64>(0)).map(|written| written as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenants::Token;

    fn token(digit: &str) -> Token {
        digit.repeat(64).parse().unwrap()
    }

    fn directory() -> Directory {
        let tenant = |id, name: &str, data: Option<Token>| {
            let name: TenantName = name.parse().unwrap();
            let data = data.map(|token| token.digest());
            let action = Some(token("c").digest());
            let zone = "UTC".to_owned();
            (name.clone(), Arc::new(Tenant { id: TenantId(id), name, zone, data, action }))
        };
        let tenants = [tenant(1, "acme", Some(token("a"))), tenant(2, "bare", None)];
        Directory { generation: 1, by_name: tenants.into_iter().collect() }
    }

    #[test]
    fn a_token_opens_its_own_tenant_for_its_own_purpose() {
        let directory = directory();
        let opens = |user, digit: &str, kind| {
            directory.authenticate(user, token(digit).reveal(), kind).map(|tenant| tenant.id.0)
        };
        assert_eq!(opens("acme", "a", TokenKind::Data), Some(1));
        assert_eq!(opens("acme", "c", TokenKind::Action), Some(1));
        assert_eq!(opens("acme", "a", TokenKind::Action), None);
        assert_eq!(opens("acme", "c", TokenKind::Data), None);
        assert_eq!(opens("bare", "a", TokenKind::Data), None);
        assert_eq!(opens("nobody", "a", TokenKind::Data), None);
        assert_eq!(opens("no name", "a", TokenKind::Data), None);
    }

    #[test]
    fn what_is_no_token_opens_nothing() {
        let directory = directory();
        for password in ["", "a", &"a".repeat(63), &"a".repeat(65), &"\0".repeat(64)] {
            for user in ["acme", "bare", ""] {
                assert_eq!(directory.authenticate(user, password, TokenKind::Data), None);
            }
        }
        assert!(directory.authenticate("acme", &"A".repeat(64), TokenKind::Data).is_some());
    }
}
