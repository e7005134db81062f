//! The bare cost of durability on this disk: write a little, ask for it to be on disk, time it.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::latency::Latency;

/// Appends `bytes` and asks for `fdatasync`, over and over for `time`, in a file of its own that goes afterwards.
pub fn measure(folder: &Path, bytes: usize, time: Duration) -> Result<Latency> {
    let path = folder.join(format!("xtask-fdatasync-{}", std::process::id()));
    let mut file =
        File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    let outcome = appends(&mut file, &vec![b'x'; bytes], time);
    drop(file);
    std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    outcome.with_context(|| format!("cannot write to {}", path.display()))
}

fn appends(file: &mut File, bytes: &[u8], time: Duration) -> std::io::Result<Latency> {
    let mut latency = Latency::default();
    let end = Instant::now() + time;
    while Instant::now() < end {
        let begin = Instant::now();
        file.write_all(bytes)?;
        file.sync_data()?;
        latency.add(begin.elapsed());
    }
    Ok(latency)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_goes_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let latency = measure(folder.path(), 100, Duration::from_millis(20)).unwrap();
        assert!(latency.count() > 0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(measure(&folder.path().join("none"), 100, Duration::ZERO).is_err());
    }
}
