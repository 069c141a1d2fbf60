//! Training of one network.

use serde::{Deserialize, Serialize};
use striate_corruptions::Augmentation;
use striate_data::augment::AugmentConfig;
use striate_models::{MultiTaskNet, VggConfig, part};
use striate_random::Seed;
use striate_train::{History, ImageTask, NeuralTask, Tasks, TrainConfig, measures};

use super::benchmark::inputs;
use super::dataset::Dataset;
use super::network::{WEIGHTS, responses, save, state_of};
use super::targets::Targets;
use super::training::{HISTORY, Trials, images, train};
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
    /// Training images, for the estimate.
    pub(crate) images: usize,
    pub(crate) multi_task: bool,
    pub(crate) seed: u64,
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
    const VERSION: u32 = 1;

    fn estimate(&self) -> Estimate {
        let all = super::cost::forward(&self.network);
        let shared = super::cost::shared(&self.network);
        let neural = if self.multi_task { shared } else { 0.0 };
        let passes = (self.images * self.train.schedule.max_epochs()) as f64;
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
                let stimuli = inputs(&data.stimuli_train, &preprocess)?;
                let size = self.network.input_size;
                Some(Trials::new(
                    stimuli,
                    size,
                    &t.train,
                    t.neurons,
                    self.train_fraction,
                )?)
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
            neural: trials
                .iter()
                .map(|t| NeuralTask {
                    train: &t.train,
                    validation: &t.validation,
                })
                .collect(),
        };
        if !train(&net, tasks, &self.train, seed.child("training"), cx)? {
            return Ok(Status::Interrupted);
        }
        let target_correlation = match &targets {
            Some(targets) => {
                let stimuli = inputs(&data.stimuli_test, &preprocess)?;
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
