//! The neural targets of co-training: predictions of a model of the recordings,
//! and their permutation over images.

use serde::Serialize;
use striate_models::VggConfig;
use striate_random::Seed;

use super::benchmark::inputs;
use super::dataset::Dataset;
use super::network::Network;
use super::tensors::{TensorFile, Tensors};
use crate::Result;
use crate::engine::{Estimate, Finished, Status, StepContext, Task};

const TARGETS: &str = "targets.safetensors";
const SETS: [&str; 2] = ["train", "test"];

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
        let mut tensors = Tensors::default();
        for (name, images) in SETS.iter().zip([&data.stimuli_train, &data.stimuli_test]) {
            let responses = network.responses(&inputs(images, &preprocess)?)?;
            let neurons = responses.len() / images.count.max(1);
            tensors.f32(name, &[images.count, neurons], &responses);
        }
        tensors.write(&cx.file(TARGETS))?;
        Ok(Status::Done)
    }
}

/// Permutes responses over images: whole rows, so that what the neurons have in
/// common is kept; training and test stimuli each among themselves.
#[derive(Serialize)]
pub(crate) struct Shuffle {
    pub(crate) seed: u64,
}

impl Task for Shuffle {
    const KIND: &'static str = "shuffled-targets";
    const VERSION: u32 = 1;

    fn estimate(&self) -> Estimate {
        Estimate {
            seconds: 0.1,
            memory_bytes: 32 << 20,
            disk_bytes: 4 << 20,
            ..Estimate::default()
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let targets = Targets::open(cx.input("targets")?)?;
        let neurons = targets.neurons;
        let mut tensors = Tensors::default();
        for (name, rows) in SETS.iter().zip([&targets.train, &targets.test]) {
            let count = rows.len() / neurons;
            let order = Seed::new(self.seed)
                .child("shuffle targets")
                .child(name)
                .stream()
                .permutation(count);
            let shuffled: Vec<f32> = order
                .iter()
                .flat_map(|i| rows[i * neurons..(i + 1) * neurons].iter().copied())
                .collect();
            tensors.f32(name, &[count, neurons], &shuffled);
        }
        tensors.write(&cx.file(TARGETS))?;
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
    /// Reads what [`Predict`] or [`Shuffle`] wrote.
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
