//! What a plan has before it, without running or locking anything.

use std::path::Path;

use super::{Machine, Plan};

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Its result is there.
    Finished,
    /// It was begun and goes on.
    Begun,
    /// It has not been begun.
    Missing,
}

/// One step of an overview.
#[derive(Clone, Debug)]
pub struct StepOverview {
    /// What people call it.
    pub name: String,
    /// How far it is.
    pub state: StepState,
    /// Expected wall time in seconds.
    pub seconds: f64,
    /// Expected peak memory.
    pub memory_bytes: u64,
    /// Expected size of its results.
    pub disk_bytes: u64,
}

/// The steps of a plan, with estimates for this machine and what a store holds.
/// The store is looked at by names alone.
pub fn states(plan: &Plan, store: &Path, machine: &Machine) -> Vec<StepOverview> {
    plan.steps
        .iter()
        .map(|step| {
            let folder = store.join(format!("{}-{}", step.kind, step.key.short()));
            let partial = folder.with_extension("partial");
            let estimate = step.work.estimate();
            StepOverview {
                name: step.name.clone(),
                state: if folder.exists() {
                    StepState::Finished
                } else if partial.exists() {
                    StepState::Begun
                } else {
                    StepState::Missing
                },
                seconds: estimate.wall_seconds(machine),
                memory_bytes: estimate.memory_bytes,
                disk_bytes: estimate.disk_bytes,
            }
        })
        .collect()
}
