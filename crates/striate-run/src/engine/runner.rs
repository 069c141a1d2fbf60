//! Runs a plan on one machine, in order. Invariant: whatever happens, the steps
//! that were finished stay finished.

use std::collections::BTreeMap;
use std::time::Instant;

use candle_core::Device;
use striate_train::StopFlag;

use super::progress::Progress;
use super::store::{note_seconds, seconds_spent};
use super::{Finished, Machine, Plan, RunStore, Status, StepContext, StepId};
use crate::Result;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every step is finished.
    Finished,
    /// The run was asked to stop, and can go on.
    Interrupted,
}

/// What a run did.
#[derive(Debug)]
pub struct Summary {
    /// How it ended.
    pub outcome: Outcome,
    /// Steps that this run finished.
    pub ran: usize,
    /// Steps that were finished before.
    pub reused: usize,
    /// Wall time of this run in seconds.
    pub seconds: f64,
    /// The results, by step.
    pub results: BTreeMap<StepId, Finished>,
}

/// Runs every step of the plan that is not finished.
///
/// # Errors
///
/// The first error of a step, or of the store. All steps finished until then
/// stay, and the next run goes on after them.
pub fn run(
    plan: &Plan,
    store: &RunStore,
    machine: &Machine,
    device: &Device,
    stop: &StopFlag,
    progress: &mut Progress,
) -> Result<Summary> {
    let start = Instant::now();
    let mut results = BTreeMap::new();
    for (i, step) in plan.steps.iter().enumerate() {
        if let Some(finished) = store.finished(step)? {
            results.insert(StepId(i), finished);
        }
    }
    let reused = results.len();
    let missing: Vec<usize> = (0..plan.steps.len())
        .filter(|i| !results.contains_key(&StepId(*i)))
        .collect();
    let seconds = |i: &usize| plan.steps[*i].work.estimate().wall_seconds(machine);
    progress.begin(missing.len(), missing.iter().map(seconds).sum());
    if reused > 0 {
        progress.line(&format!(
            "{reused} of {} steps are finished already",
            plan.len()
        ));
    }
    let mut ran = 0;
    let mut outcome = Outcome::Finished;
    for i in missing {
        let step = &plan.steps[i];
        if stop.is_raised() {
            outcome = Outcome::Interrupted;
            break;
        }
        let inputs: BTreeMap<String, Finished> = step
            .inputs
            .iter()
            .filter_map(|(name, id)| Some((name.clone(), results.get(id)?.clone())))
            .collect();
        let keys = inputs
            .iter()
            .map(|(n, f)| (n.clone(), f.manifest().key.clone()))
            .collect();
        let folder = store.partial(step)?;
        let before = seconds_spent(&folder);
        let expected = step.work.estimate().wall_seconds(machine);
        let mut cx = StepContext {
            folder: folder.clone(),
            inputs,
            progress: progress.step(&step.name, expected),
            stop: stop.clone(),
            device: device.clone(),
        };
        let status = step.work.run(&mut cx);
        let done = matches!(status, Ok(Status::Done));
        let seconds = before + cx.progress.finish(done);
        match status? {
            Status::Done => {
                results.insert(StepId(i), store.seal(step, keys, seconds)?);
                ran += 1;
            }
            Status::Interrupted => {
                note_seconds(&folder, seconds)?;
                outcome = Outcome::Interrupted;
                break;
            }
        }
    }
    progress.finish();
    Ok(Summary {
        outcome,
        ran,
        reused,
        seconds: start.elapsed().as_secs_f64(),
        results,
    })
}
