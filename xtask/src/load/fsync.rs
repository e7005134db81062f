//! The bare cost of durability on this disk: write a little, ask for it to be on disk, time it.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::latency::Latency;

/// Bytes of the file that is written in place.
const IN_PLACE_BYTES: usize = 64 << 20;

/// Writes batches, one after the other and each with an `fdatasync`, into a file that has its blocks already: the least that
/// a group commit costs. The file goes afterwards.
pub fn measure_in_place(folder: &Path, batches: &[String], time: Duration) -> Result<Latency> {
    let path = folder.join(format!("xtask-in-place-{}", std::process::id()));
    let outcome = in_place(&path, batches, time);
    std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    outcome.with_context(|| format!("cannot write to {}", path.display()))
}

fn in_place(path: &Path, batches: &[String], time: Duration) -> std::io::Result<Latency> {
    let mut file = File::create(path)?;
    file.write_all(&vec![0; IN_PLACE_BYTES])?;
    file.sync_all()?;
    file.rewind()?;
    let (mut latency, end) = (Latency::default(), Instant::now() + time);
    for batch in batches.iter().cycle() {
        let begin = Instant::now();
        if begin >= end {
            break;
        }
        if file.stream_position()? + batch.len() as u64 > IN_PLACE_BYTES as u64 {
            file.rewind()?;
        }
        file.write_all(batch.as_bytes())?;
        file.sync_data()?;
        latency.add(begin.elapsed());
    }
    Ok(latency)
}

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
        let batches = ["a line\n".to_owned()];
        let latency = measure_in_place(folder.path(), &batches, Duration::from_millis(20)).unwrap();
        assert!(latency.count() > 0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(measure(&folder.path().join("none"), 100, Duration::ZERO).is_err());
    }
}
