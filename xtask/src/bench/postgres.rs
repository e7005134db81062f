//! A PostgreSQL cluster of our own: made in a folder of the benchmark, on a Unix socket there, ended and removed with it.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Where Debian keeps the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The user that PostgreSQL runs as when we are root, whom it refuses.
const USER: &str = "postgres";

const PATIENCE: Duration = Duration::from_secs(30);

/// Memory as for a machine that does this alone. Durability stays as it comes: fsync and synchronous_commit are on.
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "shared_buffers=2GB",
    "work_mem=256MB",
    "maintenance_work_mem=512MB",
    "max_wal_size=4GB",
    "effective_cache_size=6GB",
    "jit=off",
    "fsync=on",
    "synchronous_commit=on",
];

/// A running cluster.
pub struct Postgres {
    server: Child,
    programs: PathBuf,
    folder: PathBuf,
    owner: Option<(u32, u32)>,
}

/// Whether PostgreSQL is there at all.
pub fn is_installed() -> bool {
    programs().is_some()
}

impl Postgres {
    /// Makes a cluster below `folder` and starts it.
    pub fn start(folder: &Path) -> Result<Postgres> {
        let programs =
            programs().context("PostgreSQL is missing; on Debian: apt-get install postgresql")?;
        let owner = owner()?;
        let folder = folder.join("postgres");
        std::fs::create_dir(&folder)?;
        if let Some((user, group)) = owner {
            chown(&folder, Some(user), Some(group))?;
            // It has to reach its folder, whose parent is made for us alone.
            if let Some(parent) = folder.parent() {
                std::fs::set_permissions(parent, Permissions::from_mode(0o711))?;
            }
        }
        let log = std::fs::File::create(folder.join("server.log"))?;
        let mut making = command(&programs, "initdb", owner, &folder);
        making.args(["--auth=trust", "--username", USER, "--no-instructions", "--pgdata"]);
        let made = making.arg(folder.join("data")).output().context("initdb")?;
        ensure!(
            made.status.success(),
            "initdb failed (can the user {USER} reach {}?): {}",
            folder.display(),
            String::from_utf8_lossy(&made.stderr)
        );
        let mut starting = command(&programs, "postgres", owner, &folder);
        starting.arg("-D").arg(folder.join("data")).arg("-k").arg(&folder);
        for setting in SETTINGS {
            starting.args(["-c", setting]);
        }
        let server = starting.stdout(log.try_clone()?).stderr(log).spawn().context("postgres")?;
        let mut cluster = Postgres { server, programs, folder, owner };
        let begin = Instant::now();
        while cluster.ask("SELECT 1").is_err() {
            if let Some(status) = cluster.server.try_wait()? {
                let log = std::fs::read_to_string(cluster.folder.join("server.log"));
                bail!("PostgreSQL ended with {status}: {}", log.unwrap_or_default());
            }
            ensure!(begin.elapsed() < PATIENCE, "PostgreSQL does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(cluster)
    }

    /// The name and version, for the table.
    pub fn version(&self) -> Result<String> {
        let version = self.ask("SHOW server_version")?;
        Ok(format!("PostgreSQL {}", version.split(' ').next().unwrap_or_default()))
    }

    /// `psql`, connected, to be given a script on its standard input.
    pub fn psql(&self) -> Command {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-F",
            ",",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            USER,
            "-d",
            "postgres",
        ]);
        psql.arg("-h").arg(&self.folder);
        psql
    }

    fn ask(&self, statement: &str) -> Result<String> {
        let output = self.psql().args(["-c", statement]).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = command(&self.programs, "pg_ctl", self.owner, &self.folder);
        stop.args(["stop", "-m", "immediate", "-s", "-D"]).arg(self.folder.join("data"));
        if !stop.status().is_ok_and(|status| status.success()) {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }
}

/// The newest version's programs.
fn programs() -> Option<PathBuf> {
    let entries = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let versions = entries.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        let programs = entry.path().join("bin");
        programs.join("initdb").exists().then_some((version, programs))
    });
    versions.max().map(|(_, programs)| programs)
}

/// A program of PostgreSQL, run as its own user where we are root.
fn command(programs: &Path, name: &str, owner: Option<(u32, u32)>, folder: &Path) -> Command {
    let mut command = Command::new(programs.join(name));
    command.current_dir(folder).stdin(Stdio::null());
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

fn owner() -> Result<Option<(u32, u32)>> {
    if number_of("-u", None)? != 0 {
        return Ok(None);
    }
    Ok(Some((number_of("-u", Some(USER))?, number_of("-g", Some(USER))?)))
}

fn number_of(flag: &str, user: Option<&str>) -> Result<u32> {
    let output = Command::new("id").arg(flag).args(user).output().context("id")?;
    ensure!(output.status.success(), "no user {}", user.unwrap_or("of our own"));
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
