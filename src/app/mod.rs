//! Composition: wires the rooms together from configuration, clock and random source.

mod clock;
pub mod config;
mod random;

pub use clock::SystemClock;
pub use random::OsRandom;
