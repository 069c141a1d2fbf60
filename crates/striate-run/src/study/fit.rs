//! Readouts fitted to the recordings: with the shared layers (the single-task V1
//! model), or on shared layers that are frozen.

use std::sync::Arc;

use serde::Serialize;
use striate_models::{MultiTaskNet, VggConfig, part, statistics};
use striate_random::Seed;
use striate_train::{Tasks, TrainConfig};

use super::benchmark::inputs;
use super::dataset::{Dataset, Sizes};
use super::network::{WEIGHTS, save, state_of};
use super::record::Recordings;
use super::training::{TrialSplit, train};
use crate::Result;
use crate::engine::{Estimate, Status, StepContext, Task};

/// What happens to the shared layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Trunk {
    /// They are trained, from fresh weights.
    Trained,
    /// They come from the input `model` and stay as they are.
    Frozen,
}

/// Fits Gaussian readouts to the training trials (reference/training.md 2.1).
#[derive(Clone, Serialize)]
pub(crate) struct FitReadouts {
    pub(crate) network: VggConfig,
    pub(crate) trunk: Trunk,
    pub(crate) train: TrainConfig,
    pub(crate) train_fraction: f64,
    pub(crate) seed: u64,
    #[serde(skip)]
    pub(crate) sizes: Sizes,
}

impl Task for FitReadouts {
    const KIND: &'static str = "readouts";
    const VERSION: u32 = 2;

    fn estimate(&self) -> Estimate {
        let passes = self.sizes.trials as f64
            * self.train_fraction
            * self.train.schedule.max_epochs() as f64;
        let factor = if self.trunk == Trunk::Trained {
            3.0
        } else {
            1.0
        };
        Estimate {
            operations: passes * factor * super::cost::shared(&self.network),
            seconds: passes * self.sizes.neurons as f64 * 5e-7,
            memory_bytes: super::cost::training_bytes(
                &self.network.headless(),
                self.train.neural_batch_size,
            ) + (300 << 20),
            disk_bytes: 2 << 20,
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let data = Dataset::open(cx.input("data")?)?;
        let recordings = Recordings::open(cx.input("recording")?)?;
        let seed = Seed::new(self.seed).child("readouts");
        let mut net = MultiTaskNet::new(&self.network, cx.device(), &seed)?;
        if self.trunk == Trunk::Frozen {
            let state = state_of(cx.input("model")?, cx.device())?;
            let state = statistics::of_stimuli(state);
            for part in [part::SHARED, part::UNSHARED, part::HEAD] {
                if part == part::SHARED || net.has_head() {
                    net.params().load_state_of(part, &state)?;
                }
            }
            net.freeze_layers(true);
        }
        let stimuli = Arc::new(inputs(&data.stimuli_train, &data.stimuli_preprocess())?);
        let sessions = recordings
            .sessions
            .iter()
            .map(|session| {
                TrialSplit::new(
                    &session.name,
                    &stimuli,
                    self.network.input_size,
                    &session.train,
                    session.neurons,
                    self.train_fraction,
                )
            })
            .collect::<Result<Vec<_>>>()?;
        for session in &sessions {
            session.add_readout(&mut net, &seed.child("readout"))?;
        }
        let tasks = Tasks {
            images: None,
            neural: sessions.iter().map(TrialSplit::task).collect(),
        };
        if train(&net, tasks, &self.train, seed.child("training"), cx)?.is_none() {
            return Ok(Status::Interrupted);
        }
        save(&net, &cx.file(WEIGHTS))?;
        Ok(Status::Done)
    }
}
