//! Sign-ins by password: a wrong one beside a login, a tenant or a password that is not there. All of a sign-in is timed,
//! as the form's handler asks for it: the attempts' count, the look into the database, argon2id. It is timed by the clock
//! on the wall, which is what a stranger sees, and by the processor's, which other processes disturb less.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::Arc,
    time::Instant,
};

use rtstats::accounts::{Accounts, Caller, Realm, Refusal, Register, Role};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};

use crate::{
    Failure,
    welch::{Compared, T_MAX, compare},
};

/// Measurements for each class; `--quick` takes a third. A hash takes its time, and nobody can try often either.
const SAMPLES: usize = 300;

/// What is measured with.
const CLOCKS: [&str; 2] = ["on the wall", "of the processor"];

const PASSWORD: &str = "correct horse battery";

/// What is asked with, and where.
#[derive(Clone, Copy)]
struct Claim<'a> {
    realm: Realm<'a>,
    login: &'a str,
    password: &'a str,
}

/// Prints a row for each pair of classes; false if a bound is broken.
pub fn judge(folder: &Path, quick: bool) -> Result<bool, Failure> {
    let samples = if quick { SAMPLES / 3 } else { SAMPLES };
    let mut register = Register::open(folder)?;
    for login in ["ann", "invited"] {
        let _no_server_runs = register.add(&login.parse()?, &Role::Platform, 0)?;
    }
    let _no_server_runs = register.set_password(None, &"ann".parse()?, PASSWORD, 0)?;
    let mut gate = Gate {
        accounts: Arc::new(Accounts::open(folder, 0)?),
        runtime: Builder::new_current_thread().enable_time().build()?,
        tries: 0,
    };
    let platform = Realm { name: "", known: Some(None) };
    let wrong = Claim { realm: platform, login: "ann", password: "correct horse batterY" };
    let unknown = Realm { name: "nobody", known: None };
    let mut held = true;
    for (name, other) in [
        ("no such login", Claim { login: "amy", ..wrong }),
        ("no such tenant", Claim { realm: unknown, ..wrong }),
        ("an account without a password", Claim { login: "invited", ..wrong }),
        ("a login that none can have", Claim { login: "a b", ..wrong }),
    ] {
        for (row, clock) in gate.compare(samples, [wrong, other])?.iter().zip(CLOCKS) {
            println!("| wrong password, {name}; {clock} | {row} {T_MAX} |");
            held &= row.t <= T_MAX;
        }
    }
    let endless = "long ".repeat(1_000);
    let leak = gate.compare(samples, [wrong, Claim { password: &endless, ..wrong }])?;
    for (row, clock) in leak.iter().zip(CLOCKS) {
        println!("| (a password that is too long to be hashed; {clock}) | {row} above {T_MAX} |");
        held &= row.t > T_MAX;
    }
    Ok(held)
}

/// Where one signs in.
struct Gate {
    accounts: Arc<Accounts>,
    runtime: Runtime,
    tries: u32,
}

impl Gate {
    fn compare(
        &mut self,
        samples: usize,
        classes: [Claim<'_>; 2],
    ) -> Result<[Compared; 2], Failure> {
        compare(samples, |first| self.times_ns(classes[usize::from(!first)]))
    }

    /// Each from another address, two hours after the one before: no attempt is delayed.
    fn times_ns(&mut self, claim: Claim<'_>) -> Result<[f64; 2], Failure> {
        let Claim { realm, login, password } = claim;
        self.tries += 1;
        let from = IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + self.tries));
        let now_ms = i64::from(self.tries) * 7_200_000;
        let (caller, password) = (Caller::operator(), password.to_owned());
        let (begun, spent) = (Instant::now(), processor_ns());
        let sign_in = self.accounts.sign_in(realm, login, password, caller, from, now_ms);
        let refusal = self.runtime.block_on(sign_in).err().ok_or("somebody got in")?;
        let times_ns = [begun.elapsed().as_nanos() as f64, processor_ns() - spent];
        match refusal {
            Refusal::Wrong { delayed: false } => Ok(times_ns),
            other => Err(other.into()),
        }
    }
}

/// What this process has used of the processors, its other threads too.
fn processor_ns() -> f64 {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    spent.tv_sec as f64 * 1e9 + spent.tv_nsec as f64
}
