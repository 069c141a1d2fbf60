//! The neural targets of co-training: predictions of a model of the recordings.

use serde::Serialize;
use striate_models::VggConfig;

use super::benchmark::inputs;
use super::dataset::Dataset;
use super::network::Network;
use super::tensors::{TensorFile, Tensors};
use crate::Result;
use crate::engine::{Estimate, Finished, Status, StepContext, Task};

const TARGETS: &str = "targets.safetensors";
pub(crate) const SETS: [&str; 2] = ["train", "test"];

/// Predicts the responses to all stimuli with fitted readouts, noise-free
/// (reference/training.md 1.4, procedure 1).
#[derive(Serialize)]
pub(crate) struct Predict {
    pub(crate) network: VggConfig,
}

impl Task for Predict {
    const KIND: &'static str = "targets";
    const VERSION: u32 = 2;

    fn estimate(&self) -> Estimate {
        Estimate {
            seconds: 2.0,
            memory_bytes: 100 << 20,
            disk_bytes: 4 << 20,
            ..Estimate::default()
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let data = Dataset::open(cx.input("data")?)?;
        let network = Network::open(&self.network, cx.input("readouts")?, cx.device())?;
        let preprocess = data.stimuli_preprocess();
        let predict = |images| network.responses(&inputs(images, &preprocess)?);
        let train = predict(&data.stimuli_train)?;
        let targets = Targets {
            neurons: train.len() / data.stimuli_train.count.max(1),
            train,
            test: predict(&data.stimuli_test)?,
        };
        targets.write(cx)?;
        Ok(Status::Done)
    }
}

/// Targets in memory.
pub(crate) struct Targets {
    /// `[training stimuli, neurons]` rates.
    pub(crate) train: Vec<f32>,
    /// `[test stimuli, neurons]` rates.
    pub(crate) test: Vec<f32>,
    pub(crate) neurons: usize,
}

impl Targets {
    /// Writes them as the result of a step.
    pub(crate) fn write(&self, cx: &StepContext<'_>) -> Result<()> {
        let mut tensors = Tensors::default();
        for (name, rows) in SETS.iter().zip([&self.train, &self.test]) {
            let count = rows.len() / self.neurons.max(1);
            tensors.f32(name, &[count, self.neurons], rows);
        }
        tensors.write(&cx.file(TARGETS))
    }

    /// Reads what [`Targets::write`] wrote.
    pub(crate) fn open(step: &Finished) -> Result<Self> {
        let tensors = TensorFile::read(&step.file(TARGETS))?;
        let (shape, train) = tensors.get_f32("train")?;
        Ok(Self {
            train,
            test: tensors.get_f32("test")?.1,
            neurons: shape[1],
        })
    }
}
