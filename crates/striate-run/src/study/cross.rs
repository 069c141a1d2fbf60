//! Which network recognises what was reconstructed from which. Invariant: all networks
//! of a step are of one seed, and each classifies the same pictures.

use serde::{Deserialize, Serialize};
use striate_models::VggConfig;
use striate_reconstruct::metrics::rescaled_to;

use super::benchmark::spread;
use super::dataset::Dataset;
use super::network::Network;
use super::reconstruction::{Pictures, Reconstruct};
use crate::engine::{Estimate, Finished, Status, StepContext, Task};
use crate::{ModelName, Result};

const FOUND: &str = "cross.json";

/// Classifies the reconstructions of all models of a seed by all of them.
#[derive(Serialize)]
pub(crate) struct CrossClassify {
    /// The models and their networks; input `model NAME` is the trained network, input
    /// `from NAME` the reconstructions.
    pub(crate) models: Vec<(ModelName, VggConfig)>,
    /// Fractions of the original's norm, in the order of the reconstructions.
    pub(crate) budgets: Vec<f64>,
    /// Images that were reconstructed.
    pub(crate) images: usize,
}

/// One cell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CrossCell {
    pub(crate) reconstructed_from: ModelName,
    pub(crate) classified_by: ModelName,
    /// Whether the images were corrupted.
    pub(crate) corrupted: bool,
    pub(crate) budget: f64,
    pub(crate) correct: u64,
    pub(crate) images: u64,
}

impl Task for CrossClassify {
    const KIND: &'static str = "cross_classification";
    const VERSION: u32 = 1;

    fn estimate(&self) -> Estimate {
        let pictures = 2 * self.models.len() * self.budgets.len() * self.images;
        let networks = self.models.iter().map(|(_, network)| network);
        Estimate {
            operations: networks.map(super::cost::forward).sum::<f64>() * pictures as f64,
            seconds: 0.2,
            memory_bytes: 200 << 20,
            disk_bytes: 1 << 16,
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let data = Dataset::open(cx.input("data")?)?;
        let labels = spread(&data.test, self.images)?.labels;
        let mut cells = Vec::new();
        for (k, (by, config)) in self.models.iter().enumerate() {
            let network = Network::open(config, cx.input(&model_input(*by))?, cx.device())?;
            for (from, _) in &self.models {
                let pictures = Reconstruct::pictures(cx.input(&pictures_input(*from))?)?;
                for (b, budget) in self.budgets.iter().enumerate() {
                    for corrupted in [false, true] {
                        let inputs = rescaled(&pictures, b, corrupted);
                        cells.push(CrossCell {
                            reconstructed_from: *from,
                            classified_by: *by,
                            corrupted,
                            budget: *budget,
                            correct: network.correct(&inputs, &labels)?,
                            images: labels.len() as u64,
                        });
                    }
                }
            }
            let share = (k + 1) as f64 / self.models.len() as f64;
            cx.progress(share, &format!("classified by {by}"));
        }
        cx.write_json(FOUND, &cells)?;
        Ok(Status::Done)
    }
}

impl CrossClassify {
    /// Reads the cells.
    pub(crate) fn open(step: &Finished) -> Result<Vec<CrossCell>> {
        step.json(FOUND)
    }
}

/// The name of the input that is a trained network.
pub(crate) fn model_input(model: ModelName) -> String {
    format!("model {model}")
}

/// The name of the input that is a model's reconstructions.
pub(crate) fn pictures_input(model: ModelName) -> String {
    format!("from {model}")
}

/// All reconstructions at a budget, each scaled up to the norm of the image that it was
/// made from (analyses.md 3.5, metric 5).
fn rescaled(pictures: &Pictures, budget: usize, corrupted: bool) -> Vec<f32> {
    let one = |image: usize| match corrupted {
        false => rescaled_to(pictures.of_clean(image, budget), pictures.original(image)),
        true => rescaled_to(
            pictures.of_corrupted(image, budget),
            pictures.corrupted(image),
        ),
    };
    (0..pictures.images).flat_map(one).collect()
}
