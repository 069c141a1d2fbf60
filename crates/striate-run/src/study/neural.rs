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
    /// The same of each neuron, session after session.
    pub(crate) of_neurons: Vec<f64>,
    /// With the true rates of the simulation.
    pub(crate) correlation_with_rates: Option<f64>,
    /// What the true rates themselves reach with the mean over repeats; of recordings,
    /// an estimate from the repeats. None where no test stimulus was repeated.
    pub(crate) ceiling: Option<f64>,
    /// Mean over neurons of correlation over ceiling.
    pub(crate) fraction_of_ceiling: Option<f64>,
    /// Fraction of explainable variance explained.
    pub(crate) feve: Option<f64>,
}

impl Task for NeuralPrediction {
    const KIND: &'static str = "neural";
    const VERSION: u32 = 2;

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
        let network = Network::open(
            &self.network.for_readouts(),
            cx.input("readouts")?,
            cx.device(),
        )?;
        let recordings = Recordings::open(cx.input("recording")?)?;
        let predicted =
            network.responses(&inputs(&data.stimuli_test, &data.stimuli_preprocess())?)?;
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
    let neurons = recordings.info.neurons();
    let means = recordings.test_means();
    let correlation = measures::correlation(predicted, &means, neurons)?;
    let rates = recordings.test_rates.as_deref();
    let with_rates = rates
        .map(|rates| measures::correlation(predicted, rates, neurons))
        .transpose()?;
    let repeated = Repeats::of(predicted, recordings)?;
    let ceiling = match rates {
        Some(rates) => measures::correlation(rates, &means, neurons)?,
        None => repeated.ceiling,
    };
    // A neuron whose own rates do not correlate with its responses has no ceiling.
    let fractions: Vec<f64> = correlation
        .iter()
        .zip(&ceiling)
        .filter(|(_, ceiling)| **ceiling > 0.1)
        .map(|(correlation, ceiling)| correlation / ceiling)
        .collect();
    Ok(NeuralScores {
        neurons,
        correlation: measures::mean(&correlation),
        of_neurons: correlation,
        correlation_with_rates: with_rates.as_deref().map(measures::mean),
        ceiling: mean_of_finite(&ceiling),
        fraction_of_ceiling: mean_of_finite(&fractions),
        feve: mean_of_finite(&repeated.feve),
    })
}

/// What the repeats of the test stimuli tell, per neuron; NaN where there are none.
struct Repeats {
    ceiling: Vec<f64>,
    feve: Vec<f64>,
}

impl Repeats {
    fn of(predicted: &[f32], recordings: &Recordings) -> Result<Self> {
        let all = recordings.info.neurons();
        let (mut ceiling, mut feve) = (Vec::new(), Vec::new());
        let mut first = 0;
        for session in &recordings.sessions {
            let (neurons, trials) = (session.neurons, &session.test);
            let of_trials: Vec<f32> = trials
                .stimuli
                .iter()
                .flat_map(|stimulus| {
                    let start = *stimulus as usize * all + first;
                    predicted[start..start + neurons].iter().copied()
                })
                .collect();
            let repeated = measures::Repeated::new(&trials.responses, neurons, &trials.stimuli)?;
            let ceilings = repeated.max_correlation();
            let explained = repeated.fraction_explained(&of_trials)?;
            // Without repeats the noise is not known, and neither is what it leaves.
            feve.extend(explained.iter().zip(&ceilings).map(|(explained, ceiling)| {
                if ceiling.is_nan() {
                    f64::NAN
                } else {
                    *explained
                }
            }));
            ceiling.extend(ceilings);
            first += neurons;
        }
        Ok(Self { ceiling, feve })
    }
}

fn mean_of_finite(values: &[f64]) -> Option<f64> {
    let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    (!finite.is_empty()).then(|| measures::mean(&finite))
}
