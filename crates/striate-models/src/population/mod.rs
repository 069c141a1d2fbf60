//! A simulated primary visual cortex, the stand-in for recordings where there are
//! none. Everything it gives is simulated and must be called so wherever it is
//! shown. Invariant: what a cell is and what it answers depend on the
//! configuration, the seed and the image alone.

mod bank;
mod ceiling;
mod config;
mod simulated;
#[cfg(test)]
mod tests;

pub use ceiling::noise_ceiling;
pub use config::{Normalisation, PopulationConfig};
pub use simulated::{Cell, CellKind, Population};
