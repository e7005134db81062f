//! Seeded chance.

use std::time::Duration;

use rand_distr::{Distribution, Exp1, StandardUniform};
use rand_pcg::{Pcg64Dxsm, rand_core::SeedableRng};

/// The same seed, the same traffic.
pub struct Dice(Pcg64Dxsm);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(Pcg64Dxsm::seed_from_u64(seed))
    }

    /// From 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        StandardUniform.sample(&mut self.0)
    }

    /// Happens with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Evenly between two figures.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// One of them.
    pub fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[(self.unit() * choices.len() as f64) as usize]
    }

    /// The time until the next of things that happen so often on average.
    pub fn until_next(&mut self, per_minute: f64) -> Duration {
        let draw: f64 = Exp1.sample(&mut self.0);
        Duration::from_secs_f64(draw * 60.0 / per_minute)
    }

    pub fn seconds(&mut self, low: f64, high: f64) -> Duration {
        Duration::from_secs_f64(self.between(low, high))
    }
}
