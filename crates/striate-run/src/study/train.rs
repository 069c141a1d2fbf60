//! Training of one network.

use serde::{Deserialize, Serialize};
use striate_data::augment::AugmentConfig;
use striate_data::split::neural_split;
use striate_models::{MultiTaskNet, ReadoutInit, VggConfig};
use striate_random::Seed;

use super::benchmark::inputs;
use super::dataset::Dataset;
use super::looper::{Classification, EpochRecord, Looper, Neural, Objective};
use super::measures;
use super::network::{SESSION, WEIGHTS, responses, save};
pub(crate) use super::sources::Corrupted;
use super::sources::TrainingImages;
use super::targets::Targets;
use crate::Result;
use crate::engine::{Estimate, Finished, Status, StepContext, Task};
use crate::recipe::TrainConfig;

pub(super) const HISTORY: &str = "history.json";
pub(super) const INFO: &str = "info.json";

/// Trains a network on images, and on neural targets if it has an input
/// `targets`. With an input `frozen`, the shared layers are taken from there and
/// frozen, statistics of their batch norms included.
#[derive(Clone, Serialize)]
pub(crate) struct TrainNetwork {
    pub(crate) network: VggConfig,
    pub(crate) train: TrainConfig,
    pub(crate) augment: AugmentConfig,
    pub(crate) corrupted: Option<Corrupted>,
    pub(crate) train_fraction: f64,
    /// Training images, for the estimate.
    pub(crate) images: usize,
    pub(crate) neurons: usize,
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
        let passes = (self.images * self.train.epochs) as f64;
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
            let state = candle_core::safetensors::load(frozen.file(WEIGHTS), cx.device())?;
            let state = state.into_iter().collect::<std::collections::BTreeMap<_, _>>();
            net.params().load_state_of(striate_models::part::SHARED, &state)?;
            net.freeze_shared(true);
        }
        let targets = cx.inputs().get("targets").map(Targets::open).transpose()?;
        let stimuli = match &targets {
            Some(_) => inputs(&data.stimuli_train, &preprocess)?,
            None => Vec::new(),
        };
        let neural = match &targets {
            Some(targets) => {
                let split = neural_split(
                    data.stimuli_train.count,
                    self.train_fraction,
                    striate_data::split::STUDY_SEED,
                )?;
                let first: Vec<usize> = split.train.iter().take(self.train.batch).copied().collect();
                let bias = mean_rows(&targets.train, targets.neurons, &first);
                net.add_readout(SESSION, &bias, ReadoutInit::default(), &seed.child("readout"))?;
                Some(Neural {
                    inputs: &stimuli,
                    responses: &targets.train,
                    neurons: targets.neurons,
                    train: split.train,
                    validation: split.validation,
                    objective: Objective::WeightedMse,
                })
            }
            None => None,
        };
        let looper = Looper {
            net: &net,
            config: &self.train,
            classification: Some(Classification {
                train: TrainingImages {
                    set: &data.train,
                    preprocess: &preprocess,
                    augment: Some(&self.augment),
                    corrupted: self.corrupted.as_ref(),
                },
                validation: TrainingImages {
                    set: &data.validation,
                    preprocess: &preprocess,
                    augment: None,
                    corrupted: self.corrupted.as_ref(),
                },
            }),
            neural,
            seed: seed.child("training"),
        };
        let Some(history) = looper.run(cx)? else {
            return Ok(Status::Interrupted);
        };
        let target_correlation = match &targets {
            Some(targets) => {
                let x = inputs(&data.stimuli_test, &preprocess)?;
                let predicted = responses(&net, &x, cx.device())?;
                let found = measures::correlation(&predicted, &targets.test, targets.neurons)?;
                Some(measures::mean(&found))
            }
            None => None,
        };
        save(&net, &cx.file(WEIGHTS))?;
        cx.write_json(HISTORY, &history)?;
        let parameters = net.params().count();
        cx.write_json(INFO, &TrainInfo { parameters, epochs: history.len(), target_correlation })?;
        Ok(Status::Done)
    }
}

impl TrainNetwork {
    /// Reads what is said of the network.
    pub(crate) fn info(step: &Finished) -> Result<TrainInfo> {
        step.json(INFO)
    }

    /// Reads its epochs.
    pub(crate) fn history(step: &Finished) -> Result<Vec<EpochRecord>> {
        step.json(HISTORY)
    }
}

/// The mean over some rows of each column: the initial bias of a readout
/// (reference/training.md 4.2, the first batch).
pub(super) fn mean_rows(values: &[f32], columns: usize, rows: &[usize]) -> Vec<f32> {
    (0..columns)
        .map(|c| {
            let sum: f64 = rows.iter().map(|r| f64::from(values[r * columns + c])).sum();
            (sum / rows.len().max(1) as f64) as f32
        })
        .collect()
}
