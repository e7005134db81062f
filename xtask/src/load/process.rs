//! What processes cost, by the kernel's own count under /proc.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// The kernel's unit of processor time towards programs: 100 a second on every Linux.
const TICKS_PER_SECOND: u64 = 100;

/// Processor time, user and system, that the processes have used so far, ended threads included.
pub fn cpu(pids: &[u32]) -> Result<Duration> {
    let mut ticks = 0;
    for pid in pids {
        let path = format!("/proc/{pid}/stat");
        let stat = fs::read_to_string(&path).with_context(|| format!("no process {pid}"))?;
        ticks += ticks_of(&stat).with_context(|| format!("{path} reads strangely"))?;
    }
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// Processor time of a process's thread, by the thread's name.
pub fn cpu_of_thread(pid: u32, name: &str) -> Result<Duration> {
    for entry in fs::read_dir(format!("/proc/{pid}/task")).context("no such process")? {
        let folder = entry?.path();
        if fs::read_to_string(folder.join("comm")).is_ok_and(|comm| comm.trim() == name) {
            let stat = fs::read_to_string(folder.join("stat"))?;
            let ticks = ticks_of(&stat).context("a thread's stat reads strangely")?;
            return Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND));
        }
    }
    anyhow::bail!("process {pid} has no thread {name}")
}

/// User and system ticks of a line of /proc/N/stat. The name may hold spaces and parentheses: fields count from
/// the last one.
fn ticks_of(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// A process and its children, grandchildren and so on.
pub fn family(pid: u32) -> Vec<u32> {
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        let path = format!("/proc/{parent}/task/{parent}/children");
        let children = fs::read_to_string(path).unwrap_or_default();
        family.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        next += 1;
    }
    family
}

/// Resident memory of a process in MiB, or its highest so far.
pub fn memory_mib(pid: u32, highest: bool) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let name = if highest { "VmHWM:" } else { "VmRSS:" };
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 250 31 0 0 20 0 1 0 5";
        assert_eq!(ticks_of(stat), Some(281));
        assert_eq!(ticks_of("7 a"), None);
    }

    #[test]
    fn our_own_process_is_found() {
        assert!(cpu(&[std::process::id()]).is_ok());
        assert!(cpu(&[u32::MAX]).is_err());
        assert!(memory_mib(std::process::id(), true).is_some_and(|mib| mib > 0.1));
        assert!(memory_mib(u32::MAX, false).is_none());
        assert!(family(std::process::id()).contains(&std::process::id()));
    }
}
