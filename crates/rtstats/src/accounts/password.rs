//! Passwords: what is asked of them, and argon2id.
//!
//! Hashing takes its time and 19 MiB by design. So only two run at a time and a bounded number waits: whoever comes
//! beyond that is told to come again, and the machine stays free for its work.

use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use tokio::sync::Semaphore;

use super::{AccountError, Login};

/// Characters of a password at least.
pub const PASSWORD_CHARS_MIN: usize = 12;

/// Characters of a password at most: more would only cost time.
pub const PASSWORD_CHARS_MAX: usize = 256;

/// What OWASP recommends for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;

/// Hashes under way at a time, and those that wait for their turn.
const HASHING_MAX: usize = 2;
const WAITING_MAX: usize = 64;

/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// A password that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Fewer than twelve characters.
    #[error("A password has at least 12 characters. A few words in a row are easy to remember.")]
    Short,
    /// More than 256 characters.
    #[error("A password has at most 256 characters.")]
    Long,
    /// The login, or one character again and again.
    #[error("This password is too easily guessed: take one that isn't your login.")]
    Plain,
}

/// The password, if it may be one for this login.
pub(super) fn check<'p>(password: &'p str, login: &Login) -> Result<&'p str, Weak> {
    let chars = password.chars().count();
    let first = password.chars().next();
    if chars < PASSWORD_CHARS_MIN {
        Err(Weak::Short)
    } else if chars > PASSWORD_CHARS_MAX {
        Err(Weak::Long)
    } else if password.to_lowercase() == login.as_str()
        || password.chars().all(|c| Some(c) == first)
    {
        Err(Weak::Plain)
    } else {
        Ok(password)
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("OWASP's parameters are valid");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The hash of a password, with a salt of its own, as a PHC string.
pub(super) fn hash(password: &str) -> Result<String, AccountError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)?;
    let hash = argon2().hash_password_with_salt(password.as_bytes(), &salt);
    Ok(hash.expect("a password and a salt within argon2's bounds").to_string())
}

/// Whether the password is that of the hash. The hash says with which parameters it was made.
fn verify(password: &str, hash: &str) -> bool {
    argon2().verify_password(password.as_bytes(), hash).is_ok()
}

/// Hashes off the connections' threads, so many at a time.
pub(super) struct Hasher {
    turns: Semaphore,
    places: Semaphore,
    /// Verified against where there is no account, so that it takes the same time.
    nobody: String,
}

impl Hasher {
    pub(super) fn new() -> Result<Hasher, AccountError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let random = random.map(|byte| char::from(b'a' + byte % 26));
        Ok(Hasher {
            turns: Semaphore::new(HASHING_MAX),
            places: Semaphore::new(HASHING_MAX + WAITING_MAX),
            nobody: hash(&String::from_iter(random))?,
        })
    }

    /// Whether the password is that of the hash; without a hash it is not, in the same time. None where too many
    /// wait already.
    pub(super) async fn verify(&self, password: String, hash: Option<String>) -> Option<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        self.run(move || verify(&password, &hash)).await.map(|right| right & known)
    }

    /// The hash of a password. None where too many wait already.
    pub(super) async fn hash(&self, password: String) -> Option<Result<String, AccountError>> {
        self.run(move || hash(&password)).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let _place = self.places.try_acquire().ok()?;
        let _turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await.ok()?.ok()?;
        tokio::task::spawn_blocking(work).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_no_other() {
        let hash = hash("correct horse battery").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("correct horse battery", &hash));
        assert!(!verify("correct horse batterY", &hash));
        assert!(!verify("", &hash) && !verify("correct horse battery", "no hash"));
        assert_ne!(super::hash("correct horse battery").unwrap(), hash, "salted");
    }

    #[test]
    fn length_is_all_that_is_asked() {
        let login = "long.login.name".parse().unwrap();
        assert_eq!(check("elf letters", &login), Err(Weak::Short));
        assert_eq!(check("zwölf Zeiche", &login), Ok("zwölf Zeiche"));
        assert_eq!(check(&"ab".repeat(129), &login), Err(Weak::Long));
        assert_eq!(check("Long.Login.Name", &login), Err(Weak::Plain));
        assert_eq!(check("aaaaaaaaaaaaaaa", &login), Err(Weak::Plain));
    }

    #[test]
    fn whoever_comes_beyond_the_places_is_sent_away() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let hasher = Hasher::new().unwrap();
            let held = hasher.places.acquire_many((HASHING_MAX + WAITING_MAX) as u32).await;
            assert!(hasher.verify("a".into(), None).await.is_none());
            drop(held);
            let hash = hash("a").unwrap();
            assert!(hasher.turns.available_permits() == HASHING_MAX && verify("a", &hash));
        });
    }
}
