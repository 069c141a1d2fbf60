//! How well responses are predicted (training.md 7.2). Invariant: sums are taken in
//! f64 in the order of the samples, and an undefined value is 0, never NaN, where
//! the reference says so.
//!
//! Responses are slices with one row of `neurons` values per sample.

mod correlation;
mod repeats;
#[cfg(test)]
mod tests;

pub use correlation::{accuracy, correlation, mean, poisson_loss};
pub use repeats::{Repeated, fraction_of_oracle};
