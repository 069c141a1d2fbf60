//! The training loop (training.md 6). Invariant: all that decides how a run goes on
//! stands in [`state::State`], the network, the optimiser and the loss weights; all
//! four are in every checkpoint, so a resumed run equals the uninterrupted one.

mod epoch;
mod run;
mod save;
mod state;
#[cfg(test)]
mod tests;
mod validate;

pub use run::{ImageTask, NeuralTask, Outcome, Summary, Tasks, Trainer};
