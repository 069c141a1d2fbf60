//! Representational similarity of the shared layers with V1, and of clean with
//! corrupted images.

use serde::{Deserialize, Serialize};
use striate_corruptions::{Severity, Table};
use striate_models::VggConfig;
use striate_random::Seed;
use striate_rsa::{
    Candidate, Comparator, Dissimilarity, Features, Inference, Rdm, compare, partial_compare,
    split_half,
};

use super::benchmark::{corrupt, inputs};
use super::dataset::Dataset;
use super::network::Network;
use super::record::{CompleteResponses, Recordings, gray};
use super::tensors::{TensorFile, Tensors};
use crate::Result;
use crate::engine::{Estimate, Finished, Status, StepContext, Task};
use crate::recipe::RsaConfig;

const AGREEMENTS: &str = "rsa.json";
const MATRICES: &str = "matrices.safetensors";
/// What the matrices hold: Li et al. 2019 (reference/analyses.md 2, variant C).
pub(crate) const DISSIMILARITY: Dissimilarity = Dissimilarity::CentredCosine;
/// How matrices are compared.
pub(crate) const COMPARATORS: [Comparator; 2] = [Comparator::Pearson, Comparator::Spearman];

/// Fewer neurons make no dissimilarities worth the name.
const FEWEST_NEURONS: usize = 3;

/// Compares the shared layers with V1 on the test stimuli.
#[derive(Serialize)]
pub(crate) struct CompareRepresentations {
    pub(crate) network: VggConfig,
    pub(crate) config: RsaConfig,
    pub(crate) table: Table,
    pub(crate) seed: u64,
}

/// The agreement of two matrices.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Agreement {
    /// `clean`, or the corruption of the images.
    pub(crate) condition: String,
    /// `v1`, `v1 given pixels`, or `clean`.
    pub(crate) reference: String,
    pub(crate) comparator: String,
    pub(crate) value: f64,
    /// Percentile interval of the bootstrap over images, where one was drawn.
    pub(crate) interval: Option<(f64, f64)>,
}

/// What the step found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Similarities {
    pub(crate) images: usize,
    /// Neurons of V1 that were recorded at all of them; None where they are too few to
    /// compare with.
    pub(crate) v1_neurons: Option<usize>,
    pub(crate) agreements: Vec<Agreement>,
    /// What another recording, and a noise-free model, would reach with V1, by split
    /// halves, for the first comparator.
    pub(crate) ceiling: Option<(f64, f64)>,
}

impl Task for CompareRepresentations {
    const KIND: &'static str = "rsa";
    const VERSION: u32 = 2;

    fn estimate(&self) -> Estimate {
        let images = (self.config.images * (1 + self.config.corruptions.len())) as f64;
        Estimate {
            operations: images * super::cost::shared(&self.network),
            seconds: 1.0 + images * 1e-3,
            memory_bytes: 300 << 20,
            disk_bytes: 1 << 20,
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let data = Dataset::open(cx.input("data")?)?;
        let recordings = Recordings::open(cx.input("recording")?)?;
        let network = Network::open(&self.network, cx.input("model")?, cx.device())?;
        let preprocess = data.stimuli_preprocess();
        let count = self.config.images.min(data.stimuli_test.count);
        let indices: Vec<usize> = (0..count).collect();
        let images = data.stimuli_test.select(&indices)?;
        let seed = Seed::new(self.seed).child("rsa");

        let recorded = recordings.complete(count);
        // Patterns of two neurons all agree or all disagree: no V1 to compare with.
        let v1 = if recorded.neurons < FEWEST_NEURONS {
            None
        } else {
            Some(rdm(&recorded.means, count)?)
        };
        let pixels = rdm(&gray(&images), count)?;
        let clean = network_rdm(&network, &inputs(&images, &preprocess)?, count)?;

        let mut agreements = Vec::new();
        for comparator in COMPARATORS {
            let inference = Inference {
                comparator,
                replicates: self.config.bootstrap,
                seed: self.seed,
                ceiling: false,
                ..Inference::default()
            };
            let Some(v1) = &v1 else { continue };
            let model = Candidate {
                name: "model".to_owned(),
                rdms: vec![clean.clone()],
            };
            let found = inference.evaluate(&[model], std::slice::from_ref(v1))?;
            let agreement = |reference: &str, value, interval| Agreement {
                condition: "clean".to_owned(),
                reference: reference.to_owned(),
                comparator: comparator.name().to_owned(),
                value,
                interval,
            };
            let interval = found.models.first().map(|m| (m.low, m.high));
            agreements.push(agreement("v1", compare(&clean, v1, comparator)?, interval));
            let partial = partial_compare(&clean, v1, &pixels, comparator)?;
            agreements.push(agreement("v1 given pixels", partial, None));
        }
        let severity = Severity::new(self.config.severity)?;
        for (i, corruption) in self.config.corruptions.iter().enumerate() {
            if cx.stopped() {
                return Ok(Status::Interrupted);
            }
            cx.progress(
                (i + 1) as f64 / (1 + self.config.corruptions.len()) as f64,
                corruption.name(),
            );
            let corrupted = corrupt(&images, self.table, *corruption, severity, &seed)?;
            let rdm = network_rdm(&network, &inputs(&corrupted, &preprocess)?, count)?;
            let references = [("clean", Some(&clean)), ("v1", v1.as_ref())];
            for (reference, matrix) in references {
                let Some(matrix) = matrix else { continue };
                for comparator in COMPARATORS {
                    agreements.push(Agreement {
                        condition: corruption.name().to_owned(),
                        reference: reference.to_owned(),
                        comparator: comparator.name().to_owned(),
                        value: compare(&rdm, matrix, comparator)?,
                        interval: None,
                    });
                }
            }
        }
        let ceiling = match (&v1, recorded.repeats.len()) {
            (Some(_), 2..) => Some(self.ceiling(&recorded, count)?),
            _ => None,
        };
        let mut tensors = Tensors::default();
        let matrices = [
            ("model", Some(&clean)),
            ("v1", v1.as_ref()),
            ("pixels", Some(&pixels)),
        ];
        for (name, rdm) in matrices {
            let Some(rdm) = rdm else { continue };
            tensors.f32(
                name,
                &[count, count],
                &rdm.square().iter().map(|v| *v as f32).collect::<Vec<_>>(),
            );
        }
        tensors.write(&cx.file(MATRICES))?;
        cx.write_json(
            AGREEMENTS,
            &Similarities {
                images: count,
                v1_neurons: v1.is_some().then_some(recorded.neurons),
                agreements,
                ceiling,
            },
        )?;
        Ok(Status::Done)
    }
}

impl CompareRepresentations {
    /// What split halves of the repeats reach.
    fn ceiling(&self, recorded: &CompleteResponses, count: usize) -> Result<(f64, f64)> {
        let by_repeat = recorded
            .repeats
            .iter()
            .map(|values| Features::new(values, count, values.len() / count.max(1)))
            .collect::<striate_rsa::Result<Vec<_>>>()?;
        let halves = split_half(&by_repeat, DISSIMILARITY, COMPARATORS[0], 100, self.seed)?;
        Ok((halves.spearman_brown, halves.model_ceiling))
    }

    /// Reads what the step found.
    pub(crate) fn open(step: &Finished) -> Result<Similarities> {
        step.json(AGREEMENTS)
    }

    /// Reads a matrix: `model`, `v1` or `pixels`.
    pub(crate) fn matrix(step: &Finished, name: &str) -> Result<(usize, Vec<f32>)> {
        let (shape, values) = TensorFile::read(&step.file(MATRICES))?.get_f32(name)?;
        Ok((shape[0], values))
    }
}

fn rdm(values: &[f32], count: usize) -> Result<Rdm> {
    let features = Features::new(values, count, values.len() / count.max(1))?;
    Ok(Rdm::from_features(&features, DISSIMILARITY)?)
}

fn network_rdm(network: &Network, inputs: &[f32], count: usize) -> Result<Rdm> {
    rdm(&network.stimulus_features(inputs)?, count)
}
