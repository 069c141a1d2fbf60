//! Randomness for the whole of Striate: every consumer owns a stream, no state is global.
//!
//! * [`Seed`] is a node of the seed tree. A consumer derives its own node from
//!   the root by purpose, epoch and index, so what it draws depends on nothing
//!   but its place in the tree: not on the order of the calls, not on the
//!   number of threads, not on whether the run was interrupted.
//! * [`Stream`] is the ChaCha8 stream of one node, with the distributions that
//!   the project needs. Its position can be saved and restored.
//! * [`numpy`] holds bit-compatible ports of NumPy's generators, for the places
//!   where parity with published pixels or splits matters.
//!
//! ```
//! use striate_random::Seed;
//!
//! let seed = Seed::new(1).child("augment").index(3);
//! let mut a = seed.stream();
//! let mut b = Seed::new(1).child("augment").index(3).stream();
//! assert_eq!(a.next_u64(), b.next_u64());
//! ```

pub mod numpy;
mod seed;
mod stream;

pub use seed::Seed;
pub use stream::{Position, Stream};
