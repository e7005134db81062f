//! A believable contact centre as events.

mod agenda;
mod centre;
mod curve;
mod desk;
mod dice;
mod directory;
mod handling;
mod local;
mod names;
mod plan;
mod roster;
mod routing;
mod shifts;
mod world;

#[cfg(test)]
mod tests;

pub use centre::Simulation;
pub use plan::Plan;
