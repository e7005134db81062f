//! The only source of chance in a simulation: a seed gives the same throws again.

use rand_pcg::{
    Pcg64Dxsm,
    rand_core::{Rng, SeedableRng},
};

pub(crate) struct Dice(Pcg64Dxsm);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(Pcg64Dxsm::seed_from_u64(seed))
    }

    /// Evenly from 0 to below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    /// Happens so often among a hundred times.
    pub(crate) fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}
