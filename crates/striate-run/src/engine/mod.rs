//! The engine: a graph of steps whose results are addressed by content.
//!
//! It knows nothing of vision. Invariants: a finished step is never run again;
//! a step that was killed goes on where it stood; a step whose configuration or
//! inputs changed never meets an old result.

mod key;
mod machine;
mod overview;
mod plan;
mod progress;
mod runner;
mod store;

pub use key::{Key, hash_file};
pub use machine::{Estimate, Machine};
pub use overview::{StepOverview, StepState, states};
pub use plan::{Plan, StepId, Task};
pub use progress::Progress;
pub(crate) use progress::clock;
pub use runner::{Outcome, Summary, run};
pub(crate) use store::write_atomic;
pub use store::{Finished, Manifest, RunStore, Status, StepContext};
