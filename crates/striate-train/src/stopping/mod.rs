//! When to stop, in the study's rounds. Invariant: the state is plain data, so a
//! resumed run decides as the uninterrupted one.

mod rounds;
#[cfg(test)]
mod tests;

pub use rounds::{EarlyStopping, EarlyStoppingConfig, Scores, Stop, Verdict};
