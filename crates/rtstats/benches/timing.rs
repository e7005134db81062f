//! Whether the time of a refusal tells anything of a token: a statistical test (Welch's, as dudect does it), not a rate.
//!
//! Claims of two classes are compared in random order; a class whose mean time differs beyond chance has a large |t|. With
//! a million measurements each, |t| above 10 is certain on any machine; below it nothing was found. The last row is a
//! comparison that does leak, to show that the test would see one. Exits with 1 where a threshold is broken.

use std::{
    fmt,
    hint::black_box,
    process::ExitCode,
    time::{Duration, Instant},
};

use rand_pcg::{
    Pcg64,
    rand_core::{Rng, SeedableRng},
};
use rtstats::tenants::{Directory, Token, TokenKind, Watch};

/// Beyond this a difference is certain.
const T_MAX: f64 = 10.0;

/// What a tenant's name may tell by time: a thousandth of what a network's own times differ by.
const NAMES_APART_MAX: f64 = 50.0;

/// Measurements for each class; `--quick` takes a tenth.
const SAMPLES: usize = 1_000_000;

/// Calls that are timed as one, since a clock ticks in tens of nanoseconds.
const CALLS: usize = 8;

/// Of the times sorted by length, what is looked at: the rest is what the operating system did meanwhile.
const KEPT: f64 = 0.90;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<ExitCode, Failure> {
    let samples =
        if std::env::args().any(|flag| flag == "--quick") { SAMPLES / 10 } else { SAMPLES };
    let folder = tempfile::TempDir::new()?;
    let mut tenants = rtstats::tenants::Tenants::open(folder.path())?;
    let zone = "UTC";
    tenants.add(&"acme".parse()?, zone)?;
    let (token, _) = tenants.new_token(&"acme".parse()?, TokenKind::Data)?;
    let directory = Watch::open(folder.path())?.poll()?.ok_or("no directory")?;
    Ok(judge(&directory, token.reveal(), samples))
}

fn judge(directory: &Directory, token: &str, samples: usize) -> ExitCode {
    let other = Token::random().map_or_else(|_| "0".repeat(64), |token| token.reveal().to_owned());
    let near = format!("{}{}", &token[..63], if token.ends_with('0') { '1' } else { '0' });
    let far = format!("{}{}", if token.starts_with('0') { '1' } else { '0' }, &token[1..]);
    // Both classes' claims lie in the same place when they are asked with: where bytes lie costs more or less by itself.
    let mut asked = (String::with_capacity(64), String::with_capacity(64));
    let mut put = |(user, claim): (&str, &str)| {
        asked.0.clear();
        asked.0.push_str(user);
        asked.1.clear();
        asked.1.push_str(claim);
        let begun = Instant::now();
        for _ in 0..CALLS {
            let (user, claim) = (black_box(&*asked.0), black_box(&*asked.1));
            black_box(directory.authenticate(user, claim, TokenKind::Data).is_some());
        }
        begun.elapsed()
    };
    println!("| classes | measurements | mean | mean | |t| | bound |");
    println!("|---|---:|---:|---:|---:|---:|");
    let mut held = true;
    for (name, one, two) in [
        ("wrong at the first digit, wrong at the last", &far, &near),
        ("wrong in every digit, wrong at the last", &other, &near),
    ] {
        let row = row(samples, |first| put(("acme", if first { one } else { two })));
        println!("| {name} | {row} {T_MAX} |");
        held &= row.t <= T_MAX;
    }
    // Not the same instructions, since one finds a name and the other doesn't: what may differ is told in time.
    let row_of_names = row(samples, |first| put((if first { "acme" } else { "acmf" }, &other)));
    println!("| wrong token, no such tenant | {row_of_names} {NAMES_APART_MAX} ns apart |");
    held &= row_of_names.apart() <= NAMES_APART_MAX;
    let leaks = |claim: &str| claim.bytes().zip(token.bytes()).all(|(a, b)| black_box(a == b));
    let leak = row(samples, |first| {
        let begun = Instant::now();
        for _ in 0..CALLS {
            black_box(leaks(if first { &far } else { &near }));
        }
        begun.elapsed()
    });
    println!("| (a comparison that stops at the first difference) | {leak} above {T_MAX} |");
    held &= leak.t > T_MAX;
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Two classes compared.
struct Row {
    samples: usize,
    means: [f64; 2],
    t: f64,
}

impl Row {
    /// Between the means, in nanoseconds.
    fn apart(&self) -> f64 {
        (self.means[0] - self.means[1]).abs()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { samples, means: [one, two], t } = self;
        write!(f, "{samples} | {one:.1} ns | {two:.1} ns | {t:.1} |")
    }
}

/// Measures both classes in random order; `time` is asked for the first or the second.
fn row(samples: usize, mut time: impl FnMut(bool) -> Duration) -> Row {
    let mut dice = Pcg64::seed_from_u64(1);
    let mut times: [Vec<f64>; 2] = [const { Vec::new() }; 2];
    for _ in 0..samples * 2 {
        let first = dice.next_u32() & 1 == 0;
        times[usize::from(!first)].push(time(first).as_nanos() as f64 / CALLS as f64);
    }
    // One bound for both, so that cutting off favors neither.
    let mut all: Vec<f64> = times.concat();
    all.sort_by(f64::total_cmp);
    let bound = all[(all.len() as f64 * KEPT) as usize];
    let [(mean, variance), (mean_too, variance_too)] = times.map(|times| {
        let kept: Vec<f64> = times.into_iter().filter(|time| *time <= bound).collect();
        let count = kept.len() as f64;
        let mean = kept.iter().sum::<f64>() / count;
        let squares: f64 = kept.iter().map(|time| (time - mean).powi(2)).sum();
        (mean, squares / (count - 1.0) / count)
    });
    let t = ((mean - mean_too) / (variance + variance_too).sqrt()).abs();
    Row { samples, means: [mean, mean_too], t }
}
