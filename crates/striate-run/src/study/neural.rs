//! How well the shared layers predict the recordings. Readouts are fitted to the
//! recordings on the frozen layers of every model alike, so that models without
//! a neural task are measured by the same rule.

use serde::{Deserialize, Serialize};
use striate_models::VggConfig;
use striate_train::measures;

use super::benchmark::inputs;
use super::dataset::Dataset;
use super::network::Network;
use super::record::Recordings;
use crate::Result;
use crate::engine::{Estimate, Finished, Status, StepContext, Task};

const SCORES: &str = "neural.json";

/// Predicts the responses to the test stimuli.
#[derive(Serialize)]
pub(crate) struct NeuralPrediction {
    pub(crate) network: VggConfig,
}

/// How well they are predicted, means over neurons.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NeuralScores {
    pub(crate) neurons: usize,
    /// With the mean over repeats.
    pub(crate) correlation: f64,
    /// With the true rates of the simulation.
    pub(crate) correlation_with_rates: f64,
    /// What the true rates themselves reach with the mean over repeats.
    pub(crate) ceiling: f64,
    /// Mean over neurons of correlation over ceiling.
    pub(crate) fraction_of_ceiling: f64,
    /// Fraction of explainable variance explained.
    pub(crate) feve: f64,
}

impl Task for NeuralPrediction {
    const KIND: &'static str = "neural";
    const VERSION: u32 = 1;

    fn estimate(&self) -> Estimate {
        Estimate {
            seconds: 0.5,
            memory_bytes: 100 << 20,
            disk_bytes: 4 << 10,
            ..Estimate::default()
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let data = Dataset::open(cx.input("data")?)?;
        let network = Network::open(&self.network.headless(), cx.input("readouts")?, cx.device())?;
        let recordings = Recordings::open(cx.input("recording")?)?;
        let predicted = network.responses(&inputs(&data.stimuli_test, &data.preprocess())?)?;
        cx.write_json(SCORES, &score(&predicted, &recordings)?)?;
        Ok(Status::Done)
    }
}

impl NeuralPrediction {
    /// Reads what the step wrote.
    pub(crate) fn open(step: &Finished) -> Result<NeuralScores> {
        step.json(SCORES)
    }
}

/// Scores predictions for the test stimuli, `[stimuli, neurons]`.
pub(crate) fn score(predicted: &[f32], recordings: &Recordings) -> Result<NeuralScores> {
    let neurons = recordings.info.neurons;
    let means = recordings.test_means();
    let correlation = measures::correlation(predicted, &means, neurons)?;
    let with_rates = measures::correlation(predicted, &recordings.test_rates, neurons)?;
    let ceiling = measures::correlation(&recordings.test_rates, &means, neurons)?;
    // A neuron whose own rates do not correlate with its responses has no ceiling.
    let fractions: Vec<f64> = correlation
        .iter()
        .zip(&ceiling)
        .filter(|(_, ceiling)| **ceiling > 0.1)
        .map(|(correlation, ceiling)| correlation / ceiling)
        .collect();
    let repeats = recordings.info.test_repeats;
    let images: Vec<u32> = (0..means.len() / neurons)
        .flat_map(|i| std::iter::repeat_n(i as u32, repeats))
        .collect();
    let of_trials: Vec<f32> = predicted
        .chunks_exact(neurons)
        .flat_map(|row| std::iter::repeat_n(row, repeats).flatten().copied())
        .collect();
    let feve = measures::Repeated::new(&recordings.test, neurons, &images)?
        .fraction_explained(&of_trials)?;
    Ok(NeuralScores {
        neurons,
        correlation: measures::mean(&correlation),
        correlation_with_rates: measures::mean(&with_rates),
        ceiling: measures::mean(&ceiling),
        fraction_of_ceiling: measures::mean(&fractions),
        feve: measures::mean(&feve),
    })
}
