//! Python pickles of plain data and NumPy arrays, read by a machine that executes
//! nothing (data-formats.md 2.1).
//!
//! Invariants: only the globals of a fixed list mean something, and each has its
//! meaning built in; any other is an error that names it. Nothing is imported or
//! called. Tensors of PyTorch mean something only where [`crate::torch`] reads.
//!
//! Memory: the file itself, once; its text, once more; and the objects and references
//! of the machine, less than 1 GiB whatever the file says, as their number is bounded.
//! References stay references, so nothing multiplies. An array is decoded when it is
//! asked for, and then takes at most eight times its bytes in the file (integers of one
//! byte are widened to i64) or, of text, some 60 times.

mod access;
mod machine;
mod objects;
mod operations;
mod window;

pub use access::Node;
pub(crate) use access::listed;
pub use objects::Pickle;
pub(crate) use window::Window;

#[cfg(test)]
mod tests;
