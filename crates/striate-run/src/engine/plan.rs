//! The plan: a graph of steps. Invariant: a step comes after its inputs, so the
//! order of the list is an order to run them in.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::{Estimate, Key, Status, StepContext};
use crate::{Error, Result};

/// One unit of work, described by plain data.
///
/// Everything that decides the result must be in the value itself (it is
/// serialised into the key), in the inputs, or in [`Task::VERSION`].
pub trait Task: Serialize + Send + Sync + 'static {
    /// Names the kind of step: `train`, `evaluate`, ...
    const KIND: &'static str;
    /// Raised when the code changes what the step gives.
    const VERSION: u32;

    /// What the step will cost.
    fn estimate(&self) -> Estimate;

    /// Does the work, from where an earlier try left off, and leaves its files
    /// in [`StepContext::folder`].
    ///
    /// # Errors
    ///
    /// Whatever the work meets.
    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status>;
}

/// The part of [`Task`] that a list of different tasks can call.
pub(super) trait Work: Send + Sync {
    fn estimate(&self) -> Estimate;
    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status>;
}

impl<T: Task> Work for T {
    fn estimate(&self) -> Estimate {
        Task::estimate(self)
    }
    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        Task::run(self, cx)
    }
}

/// The place of a step in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepId(pub(super) usize);

pub(super) struct Step {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) version: u32,
    pub(super) key: Key,
    pub(super) config: Value,
    /// Name within the step, and the step that gives it.
    pub(super) inputs: Vec<(String, StepId)>,
    pub(super) work: Box<dyn Work>,
}

/// A graph of steps.
#[derive(Default)]
pub struct Plan {
    pub(super) steps: Vec<Step>,
}

impl Plan {
    /// A plan without steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step, or finds the one with the same key: two models that need the
    /// same thing share it. `name` is what people see (`train baseline, seed 1`).
    ///
    /// # Errors
    ///
    /// If the task cannot be written as JSON.
    pub fn add<T: Task>(
        &mut self,
        name: impl Into<String>,
        task: T,
        inputs: &[(&str, StepId)],
    ) -> Result<StepId> {
        let config =
            serde_json::to_value(&task).map_err(|e| Error::json("a step's configuration", e))?;
        let input_keys: Vec<Value> = inputs
            .iter()
            .map(|(name, id)| json!([name, self.steps[id.0].key]))
            .collect();
        let key = Key::of_value(&json!({
            "kind": T::KIND, "version": T::VERSION, "config": config, "inputs": input_keys,
        }))?;
        if let Some(i) = self.steps.iter().position(|s| s.key == key) {
            return Ok(StepId(i));
        }
        self.steps.push(Step {
            name: name.into(),
            kind: T::KIND,
            version: T::VERSION,
            key,
            config,
            inputs: inputs
                .iter()
                .map(|(n, id)| ((*n).to_owned(), *id))
                .collect(),
            work: Box::new(task),
        });
        Ok(StepId(self.steps.len() - 1))
    }

    /// The part of the plan that a step needs, the step last, and the new places of
    /// the steps that are left.
    pub fn towards(self, goal: StepId) -> (Self, BTreeMap<StepId, StepId>) {
        let mut needed = BTreeSet::from([goal]);
        for i in (0..=goal.0).rev() {
            if needed.contains(&StepId(i)) {
                needed.extend(self.steps[i].inputs.iter().map(|(_, id)| *id));
            }
        }
        let places: BTreeMap<StepId, StepId> = needed
            .iter()
            .enumerate()
            .map(|(place, id)| (*id, StepId(place)))
            .collect();
        let mut steps: Vec<Step> = Vec::with_capacity(needed.len());
        for (i, mut step) in self.steps.into_iter().enumerate() {
            if places.contains_key(&StepId(i)) {
                for (_, id) in &mut step.inputs {
                    *id = places[id];
                }
                steps.push(step);
            }
        }
        (Self { steps }, places)
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is no step.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The key of a step.
    pub fn key(&self, id: StepId) -> &Key {
        &self.steps[id.0].key
    }
}
