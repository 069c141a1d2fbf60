//! Training of one network.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use striate_corruptions::Augmentation;
use striate_data::augment::AugmentConfig;
use striate_models::{MultiTaskNet, VggConfig, part};
use striate_random::Seed;
use striate_train::{History, ImageTask, Tasks, TrainConfig, measures};

use super::benchmark::inputs;
use super::dataset::{Dataset, Sizes};
use super::network::{SESSION, WEIGHTS, responses, save, state_of};
use super::record::Trials;
use super::targets::Targets;
use super::training::{HISTORY, TrialSplit, images, train};
use crate::Result;
use crate::engine::{Estimate, Finished, Status, StepContext, Task};

const INFO: &str = "info.json";

/// Trains a network on images, and on neural targets if it has an input
/// `targets`. With an input `frozen`, the shared layers are taken from there and
/// frozen, statistics of their batch norms included.
#[derive(Clone, Serialize)]
pub(crate) struct TrainNetwork {
    pub(crate) network: VggConfig,
    pub(crate) train: TrainConfig,
    pub(crate) augment: AugmentConfig,
    pub(crate) corrupted: Option<Augmentation>,
    pub(crate) train_fraction: f64,
    pub(crate) seed: u64,
    /// Whether the input `targets` is given, for the estimate.
    #[serde(skip)]
    pub(crate) multi_task: bool,
    #[serde(skip)]
    pub(crate) sizes: Sizes,
}

/// What is said of a trained network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TrainInfo {
    pub(crate) parameters: usize,
    pub(crate) epochs: usize,
    /// Mean over neurons of the correlation of predicted and target responses to
    /// the test stimuli.
    pub(crate) target_correlation: Option<f64>,
}

impl Task for TrainNetwork {
    const KIND: &'static str = "train";
    const VERSION: u32 = 2;

    fn estimate(&self) -> Estimate {
        let all = super::cost::forward(&self.network);
        let shared = super::cost::shared(&self.network);
        let neural = if self.multi_task { shared } else { 0.0 };
        let passes = (self.sizes.images[0] * self.train.schedule.max_epochs()) as f64;
        Estimate {
            operations: passes * 3.0 * (all + neural),
            seconds: passes * 3e-5,
            memory_bytes: 400 << 20,
            disk_bytes: 4 << 20,
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let data = Dataset::open(cx.input("data")?)?;
        let preprocess = data.preprocess();
        let seed = Seed::new(self.seed).child("network");
        let mut net = MultiTaskNet::new(&self.network, cx.device(), &seed)?;
        if let Some(frozen) = cx.inputs().get("frozen") {
            net.params()
                .load_state_of(part::SHARED, &state_of(frozen, cx.device())?)?;
            net.freeze_shared(true);
        }
        let targets = cx.inputs().get("targets").map(Targets::open).transpose()?;
        let trials = match &targets {
            Some(t) => {
                let stimuli = Arc::new(inputs(&data.stimuli_train, &data.stimuli_preprocess())?);
                let size = self.network.input_size;
                let trials = Trials {
                    stimuli: (0..data.stimuli_train.count as u32).collect(),
                    responses: t.train.clone(),
                };
                let (neurons, fraction) = (t.neurons, self.train_fraction);
                let split = TrialSplit::new(SESSION, &stimuli, size, &trials, neurons, fraction)?;
                Some(split)
            }
            None => None,
        };
        if let Some(trials) = &trials {
            trials.add_readout(&mut net, &seed.child("readout"))?;
        }
        let corrupted = self.corrupted.as_ref();
        let training = images(&data.train, &preprocess, Some(&self.augment), corrupted)?;
        let validation = images(&data.validation, &preprocess, None, corrupted)?;
        let tasks = Tasks {
            images: Some(ImageTask {
                train: &training,
                validation: &validation,
            }),
            neural: trials.iter().map(TrialSplit::task).collect(),
        };
        if !train(&net, tasks, &self.train, seed.child("training"), cx)? {
            return Ok(Status::Interrupted);
        }
        let target_correlation = match &targets {
            Some(targets) => {
                let stimuli = inputs(&data.stimuli_test, &data.stimuli_preprocess())?;
                let predicted = responses(&net, &stimuli, cx.device())?;
                let found = measures::correlation(&predicted, &targets.test, targets.neurons)?;
                Some(measures::mean(&found))
            }
            None => None,
        };
        save(&net, &cx.file(WEIGHTS))?;
        cx.write_json(
            INFO,
            &TrainInfo {
                parameters: net.params().count(),
                epochs: self.train.schedule.max_epochs(),
                target_correlation,
            },
        )?;
        Ok(Status::Done)
    }
}

impl TrainNetwork {
    /// Reads what is said of the network.
    pub(crate) fn info(step: &Finished) -> Result<TrainInfo> {
        step.json(INFO)
    }

    /// Reads its epochs.
    pub(crate) fn history(step: &Finished) -> Result<History> {
        step.json(HISTORY)
    }
}
