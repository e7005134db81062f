//! When each token was last used: noted in memory at every use, written down once a minute.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

use rusqlite::{Connection, TransactionBehavior};

use super::{Directory, TenantId, TokenDigest, TokenKind};

/// Uses closer together than this are one: what is shown tells minutes.
const STEP_MS: i64 = 1_000;

#[derive(Default)]
struct Use {
    used_ms: AtomicI64,
    written_ms: AtomicI64,
}

/// The last use of each token. A new token has not been used, whatever the one before it was.
#[derive(Default)]
pub struct Uses(RwLock<HashMap<[u8; 32], Use>>);

impl Uses {
    /// What was written down in the database.
    pub fn load(connection: &Connection) -> rusqlite::Result<Uses> {
        let mut statement = connection.prepare("SELECT digest, used_ms FROM token_use")?;
        let rows = statement.query_map([], |row| {
            let (digest, used_ms): ([u8; 32], i64) = (row.get(0)?, row.get(1)?);
            Ok((digest, Use { used_ms: used_ms.into(), written_ms: used_ms.into() }))
        })?;
        Ok(Uses(RwLock::new(rows.collect::<Result<_, _>>()?)))
    }

    /// A token was used.
    pub fn note(&self, token: &TokenDigest, now_ms: i64) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = known.get(token.bytes()) {
            // Written only when it moves on: all threads share it.
            if now_ms - own.used_ms.load(Relaxed) >= STEP_MS {
                own.used_ms.store(now_ms, Relaxed);
            }
            return;
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(*token.bytes()).or_default().used_ms.store(now_ms, Relaxed);
    }

    /// When a token was last used; none if never.
    pub fn last(&self, token: &TokenDigest) -> Option<i64> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(token.bytes()).map(|own| own.used_ms.load(Relaxed))
    }

    /// Writes down what has changed, and forgets tokens that are no longer in force.
    pub fn keep(&self, connection: &mut Connection, directory: &Directory) -> rusqlite::Result<()> {
        let in_force = in_force(directory);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.len();
        known.retain(|digest, _| in_force.contains_key(digest));
        let changed: Vec<_> = known
            .iter()
            .map(|(digest, own)| (digest, own.used_ms.load(Relaxed), own))
            .filter(|(_, used_ms, own)| *used_ms != own.written_ms.load(Relaxed))
            .collect();
        if changed.is_empty() && known.len() == before {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (digest, used_ms, _) in &changed {
            transaction.execute(
                "INSERT INTO token_use VALUES (?1, ?2, ?3)
                 ON CONFLICT (digest) DO UPDATE SET used_ms = ?3",
                (&digest[..], in_force[*digest].0, used_ms),
            )?;
        }
        transaction.execute(
            "DELETE FROM token_use WHERE digest NOT IN
             (SELECT data_digest FROM tenant WHERE data_digest IS NOT NULL
              UNION SELECT action_digest FROM tenant WHERE action_digest IS NOT NULL)",
            [],
        )?;
        transaction.commit()?;
        for (_, used_ms, own) in changed {
            own.written_ms.store(used_ms, Relaxed);
        }
        Ok(())
    }
}

fn in_force(directory: &Directory) -> HashMap<[u8; 32], TenantId> {
    let kinds = [TokenKind::Data, TokenKind::Action];
    let tokens = directory.tenants().flat_map(|tenant| {
        kinds.into_iter().filter_map(|kind| Some((*tenant.token(kind)?.bytes(), tenant.id)))
    });
    tokens.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        database,
        tenants::{Tenants, Watch},
    };

    #[test]
    fn uses_survive_a_restart_and_end_with_their_token() {
        let folder = tempfile::tempdir().unwrap();
        let mut tenants = Tenants::open(folder.path()).unwrap();
        let name = "acme".parse().unwrap();
        let _ = tenants.add(&name, "UTC").unwrap();
        let (old, _) = tenants.new_token(&name, TokenKind::Data).unwrap();
        let mut connection = database::open(folder.path()).unwrap();
        let mut watch = Watch::open(folder.path()).unwrap();
        let uses = Uses::load(&connection).unwrap();
        assert_eq!(uses.last(&old.digest()), None);
        uses.note(&old.digest(), 5_000);
        uses.note(&old.digest(), 5_900);
        uses.keep(&mut connection, &watch.poll().unwrap().unwrap()).unwrap();
        let again = Uses::load(&connection).unwrap();
        assert_eq!(again.last(&old.digest()), Some(5_000), "closer than a second is one use");
        let (new, _) = tenants.new_token(&name, TokenKind::Data).unwrap();
        assert_eq!(again.last(&new.digest()), None);
        again.keep(&mut connection, &watch.poll().unwrap().unwrap()).unwrap();
        assert_eq!(again.last(&old.digest()), None);
        assert_eq!(Uses::load(&connection).unwrap().last(&old.digest()), None);
    }
}
