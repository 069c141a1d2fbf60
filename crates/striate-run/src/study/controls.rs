//! Targets of co-training that stand in for responses
//! ([`striate_models::controls`]), each with mean and deviation of the V1 model's.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_models::controls::{
    Moments, gaussian_like, permuted, phase_scrambled, project_pixels, random_network,
};
use striate_models::population::{Population, PopulationConfig};
use striate_models::{MultiTaskNet, VggConfig};
use striate_random::Seed;

use super::benchmark::inputs;
use super::dataset::Dataset;
use super::network::{Network, SESSION, responses};
use super::record::gray;
use super::targets::{SETS, Targets};
use crate::engine::{Estimate, Finished, Status, StepContext, Task};
use crate::{Error, Result};

const INFO: &str = "info.json";
/// Stimuli of one pass for the statistics of a random network.
const BATCH: usize = 64;

/// What stands in for the responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Control {
    /// The responses, permuted over images.
    Shuffled,
    /// The responses, permuted among stimuli of one group: of a photograph, or of a class.
    ShuffledWithin,
    /// Normal values with their mean and covariance.
    Gaussian,
    /// Random projections of the pixels.
    Pixels,
    /// A network of the same layers, untrained.
    RandomNetwork,
    /// Gabor cells that are not those of the simulated V1.
    Gabor,
    /// What the V1 model predicts for phase-scrambled stimuli.
    Scrambled,
}

/// Makes control targets for all stimuli.
#[derive(Serialize)]
pub(crate) struct MakeControl {
    pub(crate) control: Control,
    /// The V1 model's.
    pub(crate) network: VggConfig,
    /// The Gabor cells'; the number of neurons is that of the targets.
    pub(crate) population: PopulationConfig,
    pub(crate) seed: u64,
    #[serde(skip)]
    pub(crate) stimuli: usize,
}

/// What is said of control targets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ControlInfo {
    /// The part of the values that lay below 0 and became 0.
    pub(crate) below_zero: f64,
}

impl Task for MakeControl {
    const KIND: &'static str = "control-targets";
    const VERSION: u32 = 1;

    fn estimate(&self) -> Estimate {
        let shared = super::cost::shared(&self.network);
        Estimate {
            operations: self.stimuli as f64 * shared,
            seconds: 1.0 + self.stimuli as f64 * 2e-3,
            memory_bytes: 200 << 20,
            disk_bytes: 4 << 20,
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let targets = Targets::open(cx.input("targets")?)?;
        let neurons = targets.neurons;
        let reference = Moments::of(&targets.train, neurons)?;
        let [mut train, mut test] = self.make(&targets, cx)?;
        let mut below_zero = 0.0;
        let kept = matches!(
            self.control,
            Control::Shuffled | Control::ShuffledWithin | Control::Scrambled
        );
        if !kept {
            // Test stimuli are moved as training stimuli are.
            let own = Moments::of(&train, neurons)?;
            below_zero = own.match_to(&reference, &mut train)?;
            own.match_to(&reference, &mut test)?;
        }
        Targets {
            train,
            test,
            neurons,
        }
        .write(cx)?;
        cx.write_json(INFO, &ControlInfo { below_zero })?;
        Ok(Status::Done)
    }
}

impl MakeControl {
    /// Targets of training and test stimuli, before they are matched.
    fn make(&self, targets: &Targets, cx: &StepContext<'_>) -> Result<[Vec<f32>; 2]> {
        let neurons = targets.neurons;
        // The stream of the first version, whose results stay what they were.
        let seed = match self.control {
            Control::Shuffled => Seed::new(self.seed).child("shuffle targets"),
            _ => Seed::new(self.seed).child("control targets"),
        };
        let rows = [&targets.train, &targets.test];
        let of_rows = |work: &dyn Fn(usize, &Seed) -> Result<Vec<f32>>| -> Result<[Vec<f32>; 2]> {
            Ok([
                work(0, &seed.child(SETS[0]))?,
                work(1, &seed.child(SETS[1]))?,
            ])
        };
        let data = Dataset::open(cx.input("data")?)?;
        let sets = [&data.stimuli_train, &data.stimuli_test];
        let preprocess = data.stimuli_preprocess();
        let size = self.network.input_size;
        match self.control {
            Control::Shuffled => {
                of_rows(&|i, seed| Ok(permuted(rows[i], neurons, None, &mut seed.stream())?))
            }
            Control::Gaussian => of_rows(&|i, seed| {
                let count = rows[i].len() / neurons;
                let mut stream = seed.stream();
                Ok(gaussian_like(&targets.train, neurons, count, &mut stream)?)
            }),
            Control::ShuffledWithin => {
                let groups = [&data.stimulus_groups[0], &data.stimulus_groups[1]];
                if groups[0].is_empty() {
                    return Err(Error::Tensor {
                        name: "groups of stimuli".to_owned(),
                        problem: "are not known for recordings from disk; mtl_shuffled_within \
                                  needs stimuli of photographs or classes"
                            .to_owned(),
                    });
                }
                of_rows(&|i, seed| {
                    let groups = Some(groups[i].as_slice());
                    Ok(permuted(rows[i], neurons, groups, &mut seed.stream())?)
                })
            }
            Control::Pixels => of_rows(&|i, _| {
                // One projection for both sets.
                let images = inputs(sets[i], &preprocess)?;
                Ok(project_pixels(&images, size * size, neurons, &seed)?)
            }),
            Control::RandomNetwork => {
                let train = inputs(sets[0], &preprocess)?;
                let net = self.random_network(&train, neurons, &seed, cx)?;
                let test = inputs(sets[1], &preprocess)?;
                Ok([
                    responses(&net, &train, cx.device())?,
                    responses(&net, &test, cx.device())?,
                ])
            }
            Control::Gabor => {
                let config = PopulationConfig {
                    neurons,
                    image_size: size,
                    ..self.population.clone()
                };
                let population = Population::new(&config, &seed)?;
                of_rows(&|i, _| Ok(population.rates(&gray(sets[i]))?))
            }
            Control::Scrambled => {
                let network = Network::open(&self.network, cx.input("readouts")?, cx.device())?;
                of_rows(&|i, seed| {
                    let images = inputs(sets[i], &preprocess)?;
                    network.responses(&phase_scrambled(&images, [size, size], seed)?)
                })
            }
        }
    }

    fn random_network(
        &self,
        stimuli: &[f32],
        neurons: usize,
        seed: &Seed,
        cx: &StepContext<'_>,
    ) -> Result<MultiTaskNet> {
        let size = self.network.input_size;
        let batches = stimuli
            .chunks(BATCH * size * size)
            .map(|batch| {
                let shape = (batch.len() / (size * size), size, size, 1);
                Tensor::from_slice(batch, shape, cx.device())
            })
            .filter(|batch| !matches!(batch, Ok(batch) if batch.dims()[0] < 2))
            .collect::<candle_core::Result<Vec<_>>>()?;
        Ok(random_network(
            &self.network,
            SESSION,
            neurons,
            &batches,
            seed,
        )?)
    }

    /// Reads what is said of them.
    pub(crate) fn info(step: &Finished) -> Result<ControlInfo> {
        step.json(INFO)
    }
}
