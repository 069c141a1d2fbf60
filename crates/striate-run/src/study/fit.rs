//! Readouts fitted to the recordings: with the shared layers (the single-task V1
//! model), or on shared layers that are frozen.

use serde::Serialize;
use striate_data::split::neural_split;
use striate_models::{MultiTaskNet, ReadoutInit, VggConfig, part};
use striate_random::Seed;

use super::benchmark::inputs;
use super::dataset::Dataset;
use super::looper::{Looper, Neural, Objective};
use super::network::{SESSION, WEIGHTS, save};
use super::record::Recordings;
use super::train::{HISTORY, mean_rows};
use crate::Result;
use crate::engine::{Estimate, Status, StepContext, Task};
use crate::recipe::TrainConfig;

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
    /// Training stimuli, for the estimate.
    pub(crate) stimuli: usize,
    pub(crate) neurons: usize,
    pub(crate) seed: u64,
}

impl Task for FitReadouts {
    const KIND: &'static str = "readouts";
    const VERSION: u32 = 1;

    fn estimate(&self) -> Estimate {
        let passes = self.stimuli as f64 * self.train_fraction * self.train.epochs as f64;
        let factor = if self.trunk == Trunk::Trained { 3.0 } else { 1.0 };
        Estimate {
            operations: passes * factor * super::cost::shared(&self.network),
            seconds: passes * self.neurons as f64 * 5e-7,
            memory_bytes: 300 << 20,
            disk_bytes: 2 << 20,
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let data = Dataset::open(cx.input("data")?)?;
        let recordings = Recordings::open(cx.input("recording")?)?;
        let seed = Seed::new(self.seed).child("readouts");
        let mut net = MultiTaskNet::new(&self.network, cx.device(), &seed)?;
        if self.trunk == Trunk::Frozen {
            let trained = cx.input("model")?.file(WEIGHTS);
            let state = candle_core::safetensors::load(trained, cx.device())?;
            let state = state.into_iter().collect::<std::collections::BTreeMap<_, _>>();
            net.params().load_state_of(part::SHARED, &state)?;
            net.freeze_shared(true);
        }
        let neurons = recordings.info.neurons;
        let split = neural_split(
            data.stimuli_train.count,
            self.train_fraction,
            striate_data::split::STUDY_SEED,
        )?;
        let first: Vec<usize> = split.train.iter().take(self.train.batch).copied().collect();
        let bias = mean_rows(&recordings.train, neurons, &first);
        net.add_readout(SESSION, &bias, ReadoutInit::default(), &seed.child("readout"))?;
        let stimuli = inputs(&data.stimuli_train, &data.preprocess())?;
        let looper = Looper {
            net: &net,
            config: &self.train,
            classification: None,
            neural: Some(Neural {
                inputs: &stimuli,
                responses: &recordings.train,
                neurons,
                train: split.train,
                validation: split.validation,
                objective: Objective::Poisson { l1: self.train.readout_l1 },
            }),
            seed: seed.child("training"),
        };
        let Some(history) = looper.run(cx)? else {
            return Ok(Status::Interrupted);
        };
        save(&net, &cx.file(WEIGHTS))?;
        cx.write_json(HISTORY, &history)?;
        Ok(Status::Done)
    }
}
