//! Representational similarity of all layers with V1, and of clean with corrupted images
//! in the shared layers. Invariant: V1's matrices are of the clean images.

use serde::{Deserialize, Serialize};
use striate_corruptions::{Severity, Table};
use striate_models::{LayerName, VggConfig};
use striate_random::Seed;
use striate_rsa::{
    Candidate, Comparator, Dissimilarity, Features, Inference, Rdm, compare, partial_compare,
    split_half,
};

use super::benchmark::{corrupt, inputs};
use super::dataset::Dataset;
use super::layers::{self, Layers};
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

/// The images as they are.
const CLEAN: &str = "clean";
/// The responses of V1, recorded or simulated.
const V1: &str = "v1";
/// What the V1 model predicts for the same images.
const V1_MODEL: &str = "v1 model";

/// Fewer neurons make no dissimilarities worth the name.
const FEWEST_NEURONS: usize = 3;

/// Compares the layers with V1 on the test stimuli.
#[derive(Serialize)]
pub(crate) struct CompareRepresentations {
    pub(crate) network: VggConfig,
    pub(crate) v1_network: VggConfig,
    pub(crate) config: RsaConfig,
    pub(crate) table: Table,
    pub(crate) seed: u64,
}

/// The agreement of two matrices.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Agreement {
    /// `clean`, or the corruption of the images.
    pub(crate) condition: String,
    /// `v1`, `v1 given pixels`, `v1 model` (its predictions), or `clean`.
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
    /// Of every layer, with `v1` and `v1 model`.
    pub(crate) layers: Vec<(LayerName, Agreement)>,
    /// What is not among `layers`, because images do not differ there: a layer and a
    /// condition, or `v1 model`.
    pub(crate) undefined: Vec<String>,
    /// What another recording, and a noise-free model, would reach with V1, by split
    /// halves, for the first comparator.
    pub(crate) ceiling: Option<(f64, f64)>,
}

impl Task for CompareRepresentations {
    const KIND: &'static str = "rsa";
    const VERSION: u32 = 3;

    fn estimate(&self) -> Estimate {
        let images = (self.config.images * (1 + self.config.corruptions.len())) as f64;
        let plan = self.network.check();
        let held = plan.map_or(0, |p| layers::held_bytes(p.layers(), self.config.images));
        Estimate {
            operations: images * super::cost::forward(&self.network),
            seconds: 1.0 + images * 1e-3,
            memory_bytes: (300 << 20) + held,
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
        let clean_inputs = inputs(&images, &preprocess)?;
        let mut undefined = Vec::new();
        let predicted = self.predicted(cx, &clean_inputs, count)?;
        if predicted.is_none() {
            undefined.push(V1_MODEL.to_owned());
        }
        let references: Vec<(&str, &Rdm)> = [(V1, &v1), (V1_MODEL, &predicted)]
            .into_iter()
            .filter_map(|(name, rdm)| Some((name, rdm.as_ref()?)))
            .collect();
        let of_layers = Layers::of(&network, &clean_inputs, count)?;
        let clean = of_layers.matrix(self.network.split)?;
        let bootstrap = self.bootstrap(COMPARATORS[0]);
        let mut layers = of_layers.agreements(CLEAN, &references, Some(&bootstrap))?;
        undefined.extend(unlike(&of_layers, CLEAN));

        let mut agreements = Vec::new();
        for comparator in COMPARATORS {
            let inference = self.bootstrap(comparator);
            let Some(v1) = &v1 else { continue };
            let model = Candidate {
                name: "model".to_owned(),
                rdms: vec![clean.clone()],
            };
            let found = inference.evaluate(&[model], std::slice::from_ref(v1))?;
            let agreement = |reference: &str, value, interval| Agreement {
                condition: CLEAN.to_owned(),
                reference: reference.to_owned(),
                comparator: comparator.name().to_owned(),
                value,
                interval,
            };
            let interval = found.models.first().map(|m| (m.low, m.high));
            agreements.push(agreement(V1, compare(clean, v1, comparator)?, interval));
            let partial = partial_compare(clean, v1, &pixels, comparator)?;
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
            let of_layers = Layers::of(&network, &inputs(&corrupted, &preprocess)?, count)?;
            layers.extend(of_layers.agreements(corruption.name(), &references, None)?);
            undefined.extend(unlike(&of_layers, corruption.name()));
            let rdm = of_layers.matrix(self.network.split)?;
            for (reference, matrix) in [(CLEAN, Some(clean)), (V1, v1.as_ref())] {
                let Some(matrix) = matrix else { continue };
                for comparator in COMPARATORS {
                    agreements.push(Agreement {
                        condition: corruption.name().to_owned(),
                        reference: reference.to_owned(),
                        comparator: comparator.name().to_owned(),
                        value: compare(rdm, matrix, comparator)?,
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
            ("model", Some(clean)),
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
                layers,
                undefined,
                ceiling,
            },
        )?;
        Ok(Status::Done)
    }
}

impl CompareRepresentations {
    fn bootstrap(&self, comparator: Comparator) -> Inference {
        Inference {
            comparator,
            replicates: self.config.bootstrap,
            seed: self.seed,
            ceiling: false,
            ..Inference::default()
        }
    }

    /// The matrix of what the V1 model predicts; None where it has too few neurons, or does
    /// not tell the images apart.
    fn predicted(&self, cx: &StepContext<'_>, inputs: &[f32], count: usize) -> Result<Option<Rdm>> {
        let network = self.v1_network.for_readouts();
        let model = Network::open(&network, cx.input("v1")?, cx.device())?;
        let rates = model.responses(inputs)?;
        if rates.len() < FEWEST_NEURONS * count {
            return Ok(None);
        }
        layers::defined(&rates, count)
    }

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

/// The layers without a matrix, as they are named to the reader.
fn unlike(layers: &Layers, condition: &str) -> Vec<String> {
    let name = |layer: &LayerName| format!("{layer} ({condition})");
    layers.undefined.iter().map(name).collect()
}
