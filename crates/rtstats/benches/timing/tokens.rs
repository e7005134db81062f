//! Claims of tokens: wrong at the first digit, at the last, in all of them, and for a tenant that is not there.

use std::{convert::Infallible, hint::black_box, path::Path, time::Instant};

use rtstats::tenants::{Directory, Tenants, Token, TokenKind, Watch};

use crate::{
    Failure,
    welch::{Compared, T_MAX, compare},
};

/// Measurements for each class; `--quick` takes a tenth.
const SAMPLES: usize = 1_000_000;

/// Calls that are timed as one, since a clock ticks in tens of nanoseconds.
const CALLS: usize = 8;

/// What a tenant's name may tell by time: a thousandth of what a network's own times differ by.
const NAMES_APART_NS_MAX: f64 = 50.0;

/// Prints a row for each pair of classes; false if a bound is broken.
pub fn judge(folder: &Path, quick: bool) -> Result<bool, Failure> {
    let samples = if quick { SAMPLES / 10 } else { SAMPLES };
    let mut tenants = Tenants::open(folder)?;
    tenants.add(&"acme".parse()?, "UTC")?;
    let (token, _) = tenants.new_token(&"acme".parse()?, TokenKind::Data)?;
    let directory = Watch::open(folder)?.poll()?.ok_or("no directory")?;
    let token = token.reveal();
    let other = Token::random()?.reveal().to_owned();
    let near = format!("{}{}", &token[..63], if token.ends_with('0') { '1' } else { '0' });
    let far = format!("{}{}", if token.starts_with('0') { '1' } else { '0' }, &token[1..]);
    let mut held = true;
    for (name, one, two) in [
        ("token wrong at the first digit, at the last", &far, &near),
        ("token wrong in every digit, at the last", &other, &near),
    ] {
        let row = claims(&directory, samples, [("acme", one), ("acme", two)]);
        println!("| {name} | {row} {T_MAX} |");
        held &= row.t <= T_MAX;
    }
    // Not the same instructions, since one finds a name and the other doesn't: what may differ is told in time.
    let row = claims(&directory, samples, [("acme", &other), ("acmf", &other)]);
    println!("| wrong token, no such tenant | {row} {NAMES_APART_NS_MAX} ns apart |");
    held &= row.apart_ns() <= NAMES_APART_NS_MAX;
    let leaks = |claim: &str| claim.bytes().zip(token.bytes()).all(|(a, b)| black_box(a == b));
    let leak = times(samples, |first| {
        black_box(leaks(if first { &far } else { &near }));
    });
    println!("| (a comparison that stops at the first difference) | {leak} above {T_MAX} |");
    Ok(held & (leak.t > T_MAX))
}

/// Two claims, of a name and a token each.
fn claims(directory: &Directory, samples: usize, classes: [(&str, &str); 2]) -> Compared {
    // Both classes' claims lie in the same place when they are asked with: where bytes lie costs more or less by itself.
    let mut asked = (String::with_capacity(64), String::with_capacity(64));
    let [row] = compare(samples, |first| {
        let (user, claim) = classes[usize::from(!first)];
        asked.0.clear();
        asked.0.push_str(user);
        asked.1.clear();
        asked.1.push_str(claim);
        Ok::<_, Infallible>([time_ns(|| {
            let (user, claim) = (black_box(&*asked.0), black_box(&*asked.1));
            black_box(directory.authenticate(user, claim, TokenKind::Data).is_some());
        })])
    })
    .unwrap_or_else(|never| match never {});
    row
}

fn times(samples: usize, work: impl Fn(bool)) -> Compared {
    let timed = |first| Ok::<_, Infallible>([time_ns(|| work(first))]);
    let [row] = compare(samples, timed).unwrap_or_else(|never| match never {});
    row
}

/// Nanoseconds of one call.
fn time_ns(call: impl Fn()) -> f64 {
    let begun = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    begun.elapsed().as_nanos() as f64 / CALLS as f64
}
