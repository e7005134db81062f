//! Two classes of times compared by Welch's *t*, as dudect does it.

use std::fmt;

use rand_pcg::{
    Pcg64,
    rand_core::{Rng, SeedableRng},
};

/// Beyond this |t| a difference is certain.
pub const T_MAX: f64 = 10.0;

/// Of the times sorted by length, what is looked at: the rest is what the operating system did meanwhile.
const KEPT: f64 = 0.90;

/// Two classes compared.
pub struct Compared {
    samples: usize,
    means_ns: [f64; 2],
    /// Without its sign.
    pub t: f64,
}

impl Compared {
    fn of(samples: usize, times_ns: [Vec<f64>; 2]) -> Compared {
        // One bound for both, so that cutting off favors neither.
        let mut all: Vec<f64> = times_ns.concat();
        all.sort_by(f64::total_cmp);
        let bound = all[(all.len() as f64 * KEPT) as usize];
        let [(mean, variance), (mean_too, variance_too)] = times_ns.map(|times_ns| {
            let kept: Vec<f64> = times_ns.into_iter().filter(|time| *time <= bound).collect();
            let count = kept.len() as f64;
            let mean = kept.iter().sum::<f64>() / count;
            let squares: f64 = kept.iter().map(|time| (time - mean).powi(2)).sum();
            (mean, squares / (count - 1.0) / count)
        });
        let t = ((mean - mean_too) / (variance + variance_too).sqrt()).abs();
        Compared { samples, means_ns: [mean, mean_too], t }
    }

    /// Between the means, in nanoseconds.
    pub fn apart_ns(&self) -> f64 {
        (self.means_ns[0] - self.means_ns[1]).abs()
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Compared { samples, means_ns, t } = self;
        write!(f, "{samples}")?;
        for mean_ns in means_ns {
            match mean_ns {
                ..1e4 => write!(f, " | {mean_ns:.1} ns")?,
                _ => write!(f, " | {:.3} ms", mean_ns / 1e6)?,
            }
        }
        write!(f, " | {t:.1} |")
    }
}

/// Measures both classes in random order, some `samples` of each, by one clock or several; `times_ns` is asked for the
/// first or the second class.
pub fn compare<const CLOCKS: usize, E>(
    samples: usize,
    mut times_ns: impl FnMut(bool) -> Result<[f64; CLOCKS], E>,
) -> Result<[Compared; CLOCKS], E> {
    let mut dice = Pcg64::seed_from_u64(1);
    let mut measured: [Vec<[f64; CLOCKS]>; 2] = [const { Vec::new() }; 2];
    for _ in 0..samples * 2 {
        let first = dice.next_u32() & 1 == 0;
        measured[usize::from(!first)].push(times_ns(first)?);
    }
    Ok(std::array::from_fn(|clock| {
        let times = measured.each_ref().map(|class| class.iter().map(|times| times[clock]));
        Compared::of(samples, times.map(Iterator::collect))
    }))
}
