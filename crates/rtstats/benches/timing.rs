//! Whether the time of a refusal tells anything of a token: a statistical test (Welch's, as dudect does it), not a rate.
//!
//! Claims of two classes are compared in random order; a class whose mean time differs beyond chance has a large |t|. With
//! a million measurements each, |t| above 10 is certain on any machine; below it nothing was found. The last row is a
//! comparison that does leak, to show that the test would see one. Exits with 1 where a threshold is broken.

use std::{
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
    let ask =
        |user: &str, claim: &str| directory.authenticate(user, claim, TokenKind::Data).is_some();
    println!("| classes | measurements | mean | mean | |t| | bound |");
    println!("|---|---:|---:|---:|---:|---:|");
    let mut held = true;
    for (name, one, two) in [
        ("wrong at the first digit, wrong at the last", ("acme", &far), ("acme", &near)),
        ("wrong in every digit, wrong at the last", ("acme", &other), ("acme", &near)),
        ("wrong token, no such tenant", ("acme", &other), ("acmf", &other)),
    ] {
        let t = row(name, samples, || ask(one.0, one.1), || ask(two.0, two.1));
        println!(" {T_MAX} |");
        held &= t <= T_MAX;
    }
    let leaks = |claim: &str| claim.bytes().zip(token.bytes()).all(|(a, b)| black_box(a == b));
    let t = row(
        "(a comparison that stops at the first difference)",
        samples,
        || leaks(&far),
        || leaks(&near),
    );
    println!(" above {T_MAX} |");
    held &= t > T_MAX;
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Measures both in random order; prints the row but for its bound, and gives |t|.
fn row(name: &str, samples: usize, one: impl Fn() -> bool, two: impl Fn() -> bool) -> f64 {
    let mut dice = Pcg64::seed_from_u64(1);
    let mut times: [Vec<f64>; 2] = [const { Vec::new() }; 2];
    for _ in 0..samples * 2 {
        let class = usize::from(dice.next_u32() & 1 == 1);
        let took = match class {
            0 => timed(&one),
            _ => timed(&two),
        };
        times[class].push(took.as_nanos() as f64 / CALLS as f64);
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
    print!("| {name} | {samples} | {mean:.1} ns | {mean_too:.1} ns | {t:.1} |");
    t
}

fn timed(call: impl Fn() -> bool) -> Duration {
    let begun = Instant::now();
    for _ in 0..CALLS {
        black_box(call());
    }
    begun.elapsed()
}
