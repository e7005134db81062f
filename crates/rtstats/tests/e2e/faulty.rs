//! A machine with faults under a server of the real binary: a disk that fails, fills up or can't be written, a clock that
//! jumps or goes too fast, a death at a chosen write. The library that does it (`faulty.c`) is built by the C compiler that the build needs
//! anyway, and loaded before the binary, which is the one that users run.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use tempfile::TempDir;

use crate::server::{Folder, now_ms, rtstats};

/// Input/output error.
pub const EIO: i64 = 5;
/// No space left on the device.
pub const ENOSPC: i64 = 28;
/// Read-only file system.
pub const EROFS: i64 = 30;

/// What can be wrong: the place of its number in the file of control.
#[derive(Clone, Copy)]
enum Wrong {
    ClockAheadMs,
    WriteErrno,
    SyncErrno,
    OpenErrno,
    KillIn,
    Torn,
    PaceInForce,
    /// Two of four numbers each.
    Paces,
}

/// A clock that goes so many times as fast from an instant on.
#[derive(Clone, Copy)]
struct Pace {
    /// The machine's steady clock at that instant.
    from_ns: i64,
    wall_ns: i64,
    /// What is steady to the thread that compares both clocks.
    steady_ns: i64,
    times: i64,
}

/// The clock of a server that lives faster than we do.
pub struct Hasty<'a> {
    faulty: &'a Faulty,
    pace: Pace,
    /// Which of the two places it is in.
    place: u64,
}

/// The faults of one folder's server.
pub struct Faulty {
    control: File,
    path: PathBuf,
    folder: PathBuf,
    _own: TempDir,
}

/// The library, or why there is none.
fn library() -> &'static Result<PathBuf, String> {
    static LIBRARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        if !cfg!(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")) {
            return Err("it needs Linux with the GNU C library".to_owned());
        }
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/faulty.c");
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faulty.so");
        // Under a name of its own first: another run may be loading the one that is there.
        let fresh = built.with_extension(format!("{}.so", std::process::id()));
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let mut compile = Command::new(compiler);
        compile.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&fresh).arg(source);
        compile.arg("-ldl");
        match compile.output() {
            Ok(done) if done.status.success() => {
                std::fs::rename(&fresh, &built).map_err(|error| error.to_string())?;
                Ok(built)
            }
            Ok(done) => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
            Err(error) => Err(format!("no C compiler: {error}")),
        }
    })
}

impl Faulty {
    /// A machine without faults yet for a folder; None, told in one line, where it can't be had.
    pub fn new(folder: &Folder) -> Option<Faulty> {
        if let Err(why) = library() {
            eprintln!("skipped: no faulty machine here: {why}");
            return None;
        }
        let own = tempfile::tempdir().unwrap();
        let path = own.path().join("control");
        std::fs::write(&path, [0; 4_096]).unwrap();
        let control = OpenOptions::new().write(true).open(&path).unwrap();
        let folder = folder.path().canonicalize().unwrap();
        Some(Faulty { control, path, folder, _own: own })
    }

    /// The binary on this machine.
    pub fn command(&self) -> Command {
        let mut command = rtstats();
        command
            .env("LD_PRELOAD", library().as_ref().unwrap())
            .env("FAULTY_CONTROL", &self.path)
            .env("FAULTY_FOLDER", &self.folder);
        command
    }

    fn set(&self, what: Wrong, value: i64) {
        self.control.write_all_at(&value.to_ne_bytes(), what as u64 * 8).unwrap();
    }

    /// The server's clock is so far ahead of ours.
    pub fn clock_ahead_ms(&self, ahead_ms: i64) {
        self.set(Wrong::ClockAheadMs, ahead_ms);
    }

    /// Writes to the database's files fail so; 0: they succeed.
    pub fn writes_fail(&self, errno: i64) {
        self.set(Wrong::WriteErrno, errno);
    }

    /// Syncs fail so; 0: they succeed.
    pub fn syncs_fail(&self, errno: i64) {
        self.set(Wrong::SyncErrno, errno);
    }

    /// Opening a file of the folder to write it fails so; 0: it succeeds.
    pub fn opens_fail(&self, errno: i64) {
        self.set(Wrong::OpenErrno, errno);
    }

    /// The server's clock shows this instant now and goes so many times as fast from here on.
    pub fn clock_goes(&self, wall_ms: i64, times: i64) -> Hasty<'_> {
        let now_ns = steady_ns();
        let pace = Pace { from_ns: now_ns, wall_ns: wall_ms * 1_000_000, steady_ns: now_ns, times };
        let mut hasty = Hasty { faulty: self, pace, place: 0 };
        hasty.put_in_force();
        hasty
    }

    /// Kills the server at the so-manieth write or sync from now; a write of which half goes out if it is torn. 0: never.
    pub fn kill_in(&self, operations: u32, torn: bool) {
        self.set(Wrong::Torn, i64::from(torn));
        self.set(Wrong::KillIn, i64::from(operations));
    }
}

/// The machine's steady clock.
fn steady_ns() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

impl Hasty<'_> {
    /// What the server's clock shows.
    pub fn now_ms(&self) -> i64 {
        self.at(steady_ns()).wall_ns / 1_000_000
    }

    /// How long it takes to get to an instant of the server's clock.
    pub fn until(&self, wall_ms: i64) -> Duration {
        let left_ms = (wall_ms - self.now_ms()).max(0) as u64;
        Duration::from_nanos(left_ms * 1_000_000 / self.pace.times as u64)
    }

    /// From here on it goes so many times as fast as ours.
    pub fn goes(&mut self, times: i64) {
        self.pace = Pace { times, ..self.at(steady_ns()) };
        self.put_in_force();
    }

    fn at(&self, from_ns: i64) -> Pace {
        let Pace { wall_ns, steady_ns, times, .. } = self.pace;
        let passed_ns = (from_ns - self.pace.from_ns) * times;
        Pace { from_ns, wall_ns: wall_ns + passed_ns, steady_ns: steady_ns + passed_ns, times }
    }

    fn put_in_force(&mut self) {
        self.place = 1 - self.place;
        let Pace { from_ns, wall_ns, steady_ns, times } = self.pace;
        let bytes = [from_ns, wall_ns, steady_ns, times].map(i64::to_ne_bytes).concat();
        let at = Wrong::Paces as u64 * 8 + self.place * bytes.len() as u64;
        self.faulty.control.write_all_at(&bytes, at).unwrap();
        self.faulty.set(Wrong::PaceInForce, self.place as i64 + 1);
    }
}

#[test]
fn the_faulty_clock_is_the_servers() {
    let folder = Folder::new();
    folder.tenant("acme", "UTC");
    let Some(faulty) = Faulty::new(&folder) else { return };
    let day_ms = 86_400_000;
    faulty.clock_ahead_ms(10 * day_ms);
    let mut command = faulty.command();
    command.args(["simulate", "--seed", "1", "--timezone", "UTC", "--span", "1h"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let begun: jiff::Timestamp = first["time"].as_str().unwrap().parse().unwrap();
    let ahead_ms = begun.as_millisecond() - now_ms();
    assert!((8 * day_ms..=10 * day_ms).contains(&ahead_ms), "{begun}");
}
