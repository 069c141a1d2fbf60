//! In which order the batches of the tasks take turns. Invariant: a plan depends on
//! the epoch and on the numbers of batches alone.

mod config;
#[cfg(test)]
mod tests;

pub use config::{Cycler, Ratio, Task, Turn};
