//! Open files: every connection is one, and so is all that the server works with.
//!
//! Where connections had them all, the journal could not open its files and nobody could ask how the server is. So the
//! connections are bounded by what the system allows, less a reserve for everything else.

use super::door::TOLD_MAX;

/// For the operator's pages, all at once.
const ADMIN: usize = 64;

/// For files that are opened for a while: certificates, databases, connections that are closed at once.
const SPARE: usize = 64;

/// For a worker's runtime, and for reading the log on its core.
const OF_WORKER: usize = 8;

/// For a connector's sessions and files.
const OF_CONNECTOR: usize = 4;

/// What is taken to be open where the system does not tell.
const IN_USE: usize = 64;

/// The most that some systems let a process ask for, though they name no limit.
const ASKED_MAX: u64 = 10_240;

/// Connections that there may be.
#[derive(Debug, PartialEq, Eq)]
pub struct Room {
    /// Those who are served.
    pub connections_max: usize,
    /// Those who are told that there is no place.
    pub told_max: usize,
}

/// Raises the limit as far as the system lets us: what it is then, unless there is none.
pub fn raise() -> Option<usize> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let asked = [maximum, Some(ASKED_MAX.max(current.unwrap_or_default()))];
        let raise = |current| setrlimit(Resource::Nofile, Rlimit { current, maximum });
        if let Some(error) = asked.into_iter().map_while(|current| raise(current).err()).last() {
            tracing::debug!(%error, "the number of open files can't be raised as wanted");
        }
        let current = getrlimit(Resource::Nofile).current?;
        Some(usize::try_from(current).unwrap_or(usize::MAX))
    }
    #[cfg(not(unix))]
    None
}

/// Connections that may be taken of `wanted` under a limit, by so many workers beside so many connectors. Says so in the log
/// if it is less.
pub fn room(limit: Option<usize>, wanted: usize, workers: usize, connectors: usize) -> Room {
    let Some(limit) = limit else {
        return Room { connections_max: wanted, told_max: TOLD_MAX };
    };
    let in_use = std::fs::read_dir("/dev/fd").map_or(IN_USE, Iterator::count);
    let reserve = ADMIN + SPARE + workers * OF_WORKER + connectors * OF_CONNECTOR;
    let room = within(limit.saturating_sub(in_use), reserve, wanted);
    if room.connections_max < wanted {
        let needed = wanted + TOLD_MAX + reserve + in_use;
        tracing::warn!(
            open_files_max = limit,
            connections_max = room.connections_max,
            "the system lets this process open {limit} files: fewer connections are taken than limits.connections_max = \
             {wanted}. Raise the limit (LimitNOFILE= of systemd, ulimit -Hn) to {needed}, or lower limits.connections_max"
        );
    }
    room
}

/// Beside the reserve, or half of what is free where that is less.
fn within(free: usize, reserve: usize, wanted: usize) -> Room {
    let room = free - reserve.min(free / 2);
    let told_max = TOLD_MAX.min(room / 8).max(1);
    let connections_max = wanted.min((room - told_max.min(room)).max(1));
    Room { connections_max, told_max }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_a_reserve() {
        let room = |connections_max, told_max| Room { connections_max, told_max };
        assert_eq!(within(1 << 20, 200, 50_000), room(50_000, TOLD_MAX));
        assert_eq!(within(20_000, 200, 50_000), room(20_000 - 200 - TOLD_MAX, TOLD_MAX));
        assert_eq!(within(240, 200, 50_000), room(105, 15), "half, where there is little");
        assert_eq!(within(240, 200, 10), room(10, 15));
        for free in 0..1_000 {
            let Room { connections_max, told_max } = within(free, 200, 50_000);
            assert!(connections_max >= 1 && told_max >= 1);
            assert!(
                free < 4
                    || connections_max + told_max <= free.div_ceil(2).max(free.saturating_sub(200))
            );
        }
    }

    #[test]
    fn without_a_limit_all_are_taken() {
        let room = room(None, 50_000, 2, 0);
        assert_eq!(room, Room { connections_max: 50_000, told_max: TOLD_MAX });
    }
}
