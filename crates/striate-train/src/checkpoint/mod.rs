//! Checkpoints: safetensors files with a JSON header. Invariant: a file under its final
//! name is complete and on the disk; whatever interrupts a write, the file before it
//! stays.

mod format;
mod store;
#[cfg(test)]
mod tests;

pub use format::Checkpoint;
pub use store::{CheckpointPolicy, CheckpointStore};
