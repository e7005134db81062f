//! Passwords: what is asked of them, and argon2id.
//!
//! Hashing takes its time and 19 MiB by design. So only two run at a time and a bounded number waits: whoever comes
//! beyond that is told to come again, and the machine stays free for its work.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use constant_time_eq::constant_time_eq;
use tokio::sync::Semaphore;

use super::{AccountError, Login};

/// Characters of a password at least.
pub const PASSWORD_CHARS_MIN: usize = 12;

/// Characters of a password at most: more would only cost time.
pub const PASSWORD_CHARS_MAX: usize = 256;

/// Bytes of a password that is looked at.
pub(super) const BYTES_MAX: usize = 4 * PASSWORD_CHARS_MAX;

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

/// What a hash was made with, and it: written as a PHC string, so that parameters can be raised one day.
#[derive(Debug, PartialEq, Eq)]
struct Hash {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: Vec<u8>,
    bytes: Vec<u8>,
}

impl Hash {
    fn read(text: &str) -> Option<Hash> {
        let rest = text.strip_prefix("$argon2id$v=19$m=")?;
        let (memory_kib, rest) = rest.split_once(",t=")?;
        let (passes, rest) = rest.split_once(",p=")?;
        let (lanes, rest) = rest.split_once('$')?;
        let (salt, bytes) = rest.split_once('$')?;
        Some(Hash {
            memory_kib: memory_kib.parse().ok()?,
            passes: passes.parse().ok()?,
            lanes: lanes.parse().ok()?,
            salt: STANDARD_NO_PAD.decode(salt).ok()?,
            bytes: STANDARD_NO_PAD.decode(bytes).ok()?,
        })
    }

    fn write(&self) -> String {
        let Hash { memory_kib, passes, lanes, salt, bytes } = self;
        let (salt, bytes) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(bytes));
        format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${bytes}")
    }

    /// What a password gives with this salt and these parameters; none where argon2 does not allow them.
    fn compute(&self, password: &str, memory: &mut Memory) -> Option<Vec<u8>> {
        let len = Some(self.bytes.len());
        let params = Params::new(self.memory_kib, self.passes, self.lanes, len).ok()?;
        memory.resize(params.block_count(), Block::default());
        let mut bytes = vec![0; self.bytes.len()];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let password = password.as_bytes();
        argon2.hash_password_into_with_memory(password, &self.salt, &mut bytes, memory).ok()?;
        Some(bytes)
    }
}

/// What argon2 works in. It is kept and used again: allocated anew each time, the system's allocator would keep it for
/// each thread that ever hashed.
type Memory = Vec<Block>;

/// The hash of a password, with a salt of its own, as a PHC string.
pub(super) fn hash(password: &str) -> Result<String, AccountError> {
    hash_in(password, &mut Memory::new())
}

fn hash_in(password: &str, memory: &mut Memory) -> Result<String, AccountError> {
    let mut salt = vec![0; 16];
    getrandom::fill(&mut salt)?;
    let (memory_kib, passes, bytes) = (MEMORY_KIB, PASSES, vec![0; 32]);
    let empty = Hash { memory_kib, passes, lanes: 1, salt, bytes };
    let bytes = empty.compute(password, memory);
    let bytes = bytes.expect("OWASP's parameters and a password of bounded length are valid");
    Ok(Hash { bytes, ..empty }.write())
}

/// Whether the password is that of the hash. The hash says with which parameters it was made.
fn verify(password: &str, hash: &str, memory: &mut Memory) -> bool {
    let Some(hash) = Hash::read(hash) else { return false };
    let computed = hash.compute(password, memory);
    computed.is_some_and(|bytes| constant_time_eq(&bytes, &hash.bytes))
}

/// Hashes off the connections' threads, so many at a time.
pub(super) struct Hasher {
    turns: Semaphore,
    places: Semaphore,
    /// As many as turns, once each was needed.
    memories: Arc<Mutex<Vec<Memory>>>,
    /// Verified against where there is no account, so that it takes the same time.
    nobody: String,
}

impl Hasher {
    pub(super) fn new() -> Result<Hasher, AccountError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let random = random.map(|byte| char::from(b'a' + byte % 26));
        let mut memory = Memory::new();
        let nobody = hash_in(&String::from_iter(random), &mut memory)?;
        Ok(Hasher {
            turns: Semaphore::new(HASHING_MAX),
            places: Semaphore::new(HASHING_MAX + WAITING_MAX),
            memories: Arc::new(Mutex::new(vec![memory])),
            nobody,
        })
    }

    /// Whether the password is that of the hash; without a hash it is not, in the same time. None where too many
    /// wait already.
    pub(super) async fn verify(&self, password: String, hash: Option<String>) -> Option<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        self.run(move |memory| verify(&password, &hash, memory)).await.map(|right| right & known)
    }

    /// The hash of a password. None where too many wait already.
    pub(super) async fn hash(&self, password: String) -> Option<Result<String, AccountError>> {
        self.run(move |memory| hash_in(&password, memory)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Option<T> {
        let _place = self.places.try_acquire().ok()?;
        let _turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await.ok()?.ok()?;
        let memories = self.memories.clone();
        let work = move || {
            let kept = memories.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut memory = kept.unwrap_or_default();
            let done = work(&mut memory);
            memories.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
            done
        };
        tokio::task::spawn_blocking(work).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_password_is_known_again_and_no_other() {
        let hash = hash("correct horse battery").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let mut memory = Memory::new();
        let mut verify = |password: &str, hash: &str| verify(password, hash, &mut memory);
        assert!(verify("correct horse battery", &hash));
        assert!(!verify("correct horse batterY", &hash));
        assert!(!verify("", &hash) && !verify("correct horse battery", "no hash"));
        assert!(!verify("correct horse battery", "$argon2id$v=19$m=1,t=0,p=9$AAAA$AAAA"));
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let hasher = Hasher::new().unwrap();
            let held = hasher.places.acquire_many((HASHING_MAX + WAITING_MAX) as u32).await;
            assert!(hasher.verify("a".into(), None).await.is_none());
            drop(held);
            let hash = hash("a").unwrap();
            assert_eq!(hasher.verify("a".into(), Some(hash.clone())).await, Some(true));
            assert_eq!(hasher.verify("b".into(), Some(hash)).await, Some(false));
            assert_eq!(hasher.verify("a".into(), None).await, Some(false));
            assert_eq!(hasher.memories.lock().unwrap().len(), 1, "the memory is used again");
        });
    }

    #[test]
    fn without_a_hash_the_same_work_is_done() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let hasher = Hasher::new().unwrap();
        let parts = |hash: &str| {
            let Hash { memory_kib, passes, lanes, salt, bytes } = Hash::read(hash).unwrap();
            (memory_kib, passes, lanes, salt.len(), bytes.len())
        };
        assert_eq!(parts(&hasher.nobody), parts(&hash("correct horse battery").unwrap()));
        hasher.memories.lock().unwrap().clear();
        assert_eq!(runtime.block_on(hasher.verify("a".into(), None)), Some(false));
        let filled: Vec<usize> = hasher.memories.lock().unwrap().iter().map(Vec::len).collect();
        assert_eq!(filled, [MEMORY_KIB as usize], "it was hashed: a block is a KiB");
    }

    #[test]
    fn the_hash_of_another_maker_is_known() {
        // By the reference implementation: `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1`.
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(verify("password", hash, &mut Memory::new()));
        assert!(!verify("passwore", hash, &mut Memory::new()));
    }

    proptest! {
        #[test]
        fn a_hash_reads_as_it_was_written(
            memory_kib: u32, passes: u32, lanes: u32, salt: Vec<u8>, bytes: Vec<u8>,
        ) {
            let hash = Hash { memory_kib, passes, lanes, salt, bytes };
            prop_assert_eq!(Hash::read(&hash.write()), Some(hash));
        }

        #[test]
        fn no_text_panics(text in "[$]argon2id[$]v=19[$]m=.{0,40}") {
            let _ = Hash::read(&text);
        }
    }
}
