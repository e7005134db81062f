//! The parser through its public interface: what it accepts, what it refuses with which words, and that it agrees
//! with a plain checker over `serde_json` on whatever it is given.

mod arbitrary;
mod checks;
mod malformed;
mod properties;
mod reference;
mod seeds;
mod well_formed;
