//! Where images and responses come from. Invariant: what a source gives for an index
//! depends on the index and the stream alone, so the order of the calls and the
//! number of threads do not matter.

mod memory;
mod set;
mod traits;

pub use memory::{MemoryImages, MemoryResponses};
pub use set::{Distort, SetImages};
pub use traits::{ImageSource, ResponseSource, mean_responses};
