//! The file in which a connector keeps its names, so that a number once assigned stays.
//!
//! Written whole beside its place, made durable, then put there: after a crash either the old file or the new one is
//! there. A damaged file is never overwritten, since the numbers that it held are those of the statistics.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use super::names::Names;

/// The place of the names.
#[derive(Debug, Clone)]
pub struct Kept {
    path: PathBuf,
}

/// The file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The system refuses.
    #[error("can't {act} {}, where a connector keeps its numbers: {reason}", path.display())]
    Io {
        /// What was to be done.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// It is not what was written.
    #[error(
        "{} is damaged ({reason}): it holds the numbers of queues and codes. Put a backup in its place, or move it \
         away to have numbers assigned anew",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Kept {
    /// Names in this file; it need not be there yet.
    pub fn at(path: impl Into<PathBuf>) -> Kept {
        Kept { path: path.into() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names; none, if there is no file yet.
    pub fn load(&self) -> Result<Names, KeptError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Names::default()),
            Err(error) => return Err(self.io("read", error)),
        };
        let damaged = |reason: String| KeptError::Damaged { path: self.path.clone(), reason };
        let value: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        // Every file of ours has queues, if none; what has no such field was another's.
        if !value.get("queues").is_some_and(serde_json::Value::is_object) {
            return Err(damaged("it has no `queues`".to_owned()));
        }
        serde_json::from_value(value).map_err(|error| damaged(error.to_string()))
    }

    /// Keeps the names; on disk when this returns.
    pub fn store(&self, names: &Names) -> Result<(), KeptError> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut text = serde_json::to_vec_pretty(names).expect("maps of text and numbers are JSON");
        text.push(b'\n');
        let write = || {
            fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&text)?;
            file.as_file().sync_all()?;
            file.persist(&self.path)?;
            // The new name is durable with its folder alone.
            fs::File::open(folder)?.sync_all()
        };
        write().map_err(|error| self.io("write", error))
    }

    fn io(&self, act: &'static str, reason: io::Error) -> KeptError {
        KeptError::Io { act, path: self.path.clone(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let mut names = Names::default();
        names.set_queue("sales", 101);
        names.set_agent("Ann", "ann");
        names.set_code("Lunch", 3);
        names.take_changed();
        names
    }

    #[test]
    fn names_are_kept_in_a_folder_that_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::at(folder.path().join("connect/asterisk-main.json"));
        assert_eq!(kept.load().unwrap(), Names::default());
        kept.store(&names()).unwrap();
        assert_eq!(kept.load().unwrap(), names());
        let mut more = names();
        more.queue("support");
        kept.store(&more).unwrap();
        assert_eq!(kept.load().unwrap().known_queue("support"), Some(102));
        let left: Vec<_> = fs::read_dir(kept.path().parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn a_damaged_file_is_told_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::at(folder.path().join("names.json"));
        for damaged in ["", "{\"queues\":{\"sales\":", "[]", "{}", "{\"queues\":{\"sales\":-1}}"] {
            fs::write(kept.path(), damaged).unwrap();
            let told = kept.load().unwrap_err().to_string();
            assert!(told.contains("names.json is damaged") && told.contains("backup"), "{told}");
            assert_eq!(fs::read_to_string(kept.path()).unwrap(), damaged);
        }
    }

    #[test]
    fn what_cannot_be_written_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::at(folder.path().join("names.json"));
        kept.store(&names()).unwrap();
        let below_a_file = Kept::at(kept.path().join("more.json"));
        let told = below_a_file.store(&names()).unwrap_err().to_string();
        assert!(told.contains("can't write") && told.contains("more.json"), "{told}");
        assert_eq!(kept.load().unwrap(), names());
    }
}
