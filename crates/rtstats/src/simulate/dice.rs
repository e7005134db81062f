//! The only source of chance in a simulation: one seeded generator, and the distributions drawn from it.

use rand_distr::{Distribution, Exp1, LogNormal, StandardUniform, Weibull};
use rand_pcg::{Pcg64Dxsm, rand_core::SeedableRng};
use stats::event::Millis;

/// A generator: the same seed gives the same throws.
#[derive(Debug, Clone)]
pub struct Dice {
    rng: Pcg64Dxsm,
}

/// A log-normal length of time.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    seconds: LogNormal<f64>,
    ms_max: Millis,
}

impl Spread {
    /// By mean and coefficient of variation; no draw exceeds twelve means.
    pub fn new(mean_seconds: f64, variation: f64) -> Spread {
        let seconds = LogNormal::from_mean_cv(mean_seconds, variation)
            .expect("a simulation's means are above zero and its variations finite");
        Spread { seconds, ms_max: (mean_seconds * 12_000.0) as Millis }
    }
}

/// How long a customer waits before giving up: Weibull.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    seconds: Weibull<f64>,
}

impl Patience {
    /// By scale (63 % have given up by then) and shape (below 1, many give up at once).
    pub fn new(scale_seconds: f64, shape: f64) -> Patience {
        let seconds = Weibull::new(scale_seconds, shape)
            .expect("a simulation's patience has scale and shape above zero");
        Patience { seconds }
    }
}

impl Dice {
    /// A generator for a seed.
    pub fn new(seed: u64) -> Dice {
        Dice { rng: Pcg64Dxsm::seed_from_u64(seed) }
    }

    /// Evenly in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        StandardUniform.sample(&mut self.rng)
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Evenly in `[from, to)`.
    pub fn between(&mut self, from: Millis, to: Millis) -> Millis {
        from + (self.unit() * (to - from) as f64) as Millis
    }

    /// Evenly one of `0..count`.
    pub fn pick(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    /// The gap to the next event of a Poisson process, at least 1 ms.
    pub fn gap(&mut self, mean_ms: f64) -> Millis {
        let exp: f64 = Exp1.sample(&mut self.rng);
        ((exp * mean_ms) as Millis).max(1)
    }

    /// A length of time, at least 1 ms.
    pub fn spread(&mut self, spread: Spread) -> Millis {
        let ms = (spread.seconds.sample(&mut self.rng) * 1_000.0) as Millis;
        ms.clamp(1, spread.ms_max)
    }

    /// A customer's patience, at least 1 ms and at most a day.
    pub fn patience(&mut self, patience: Patience) -> Millis {
        let ms = (patience.seconds.sample(&mut self.rng) * 1_000.0) as Millis;
        ms.clamp(1, 86_400_000)
    }
}
