//! Reconstructions of clean and corrupted images under a contrast budget.

use std::ops::ControlFlow;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_corruptions::{Severity, Table};
use striate_models::VggConfig;
use striate_random::Seed;
use striate_reconstruct::{Budget, Task as Job, metrics, reconstruct};

use super::benchmark::{corrupt, inputs, spread};
use super::dataset::Dataset;
use super::network::Network;
use super::tensors::{TensorFile, Tensors};
use crate::Result;
use crate::engine::{Estimate, Finished, Status, StepContext, Task};
use crate::recipe::ReconstructionConfig;

const FOUND: &str = "reconstruction.json";
const PICTURES: &str = "pictures.safetensors";

/// Reconstructs test images from the shared layers.
#[derive(Serialize)]
pub(crate) struct Reconstruct {
    pub(crate) network: VggConfig,
    pub(crate) config: ReconstructionConfig,
    pub(crate) table: Table,
    pub(crate) seed: u64,
}

/// The numbers of one image at one budget.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReconstructionRow {
    pub(crate) image: usize,
    /// Fraction of the original's norm.
    pub(crate) budget: f64,
    /// Mean squared error of the features over their variance, clean image.
    pub(crate) feature_fit: f64,
    /// Coefficient of the clean image in the reconstruction of the corrupted one.
    pub(crate) content: f64,
    /// Coefficient of the corruption's difference in it.
    pub(crate) noise: f64,
    /// Evaluations of the network.
    pub(crate) steps: usize,
}

impl Task for Reconstruct {
    const KIND: &'static str = "reconstruction";
    const VERSION: u32 = 1;

    fn estimate(&self) -> Estimate {
        let count = (2 * self.config.images * self.config.budgets.len()) as f64;
        // The fast mode stops early, at about half of its steps.
        let steps = self.config.optimiser.mode.max_steps() as f64 / 2.0;
        Estimate {
            operations: count * steps * 2.0 * super::cost::shared(&self.network),
            seconds: 1.0,
            memory_bytes: 300 << 20,
            disk_bytes: 4 << 20,
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let data = Dataset::open(cx.input("data")?)?;
        let network = Network::open(&self.network, cx.input("model")?, cx.device())?;
        let preprocess = data.preprocess();
        let set = spread(&data.test, self.config.images)?;
        let count = set.len();
        let severity = Severity::new(self.config.severity)?;
        let seed = Seed::new(self.seed).child("reconstruction");
        let corrupted = corrupt(
            &set.images,
            self.table,
            self.config.corruption,
            severity,
            &seed,
        )?;
        let clean = inputs(&set.images, &preprocess)?;
        let noisy = inputs(&corrupted, &preprocess)?;
        let size = network.input_size();
        let mut pixels = clean.clone();
        pixels.extend_from_slice(&noisy);
        let images = Tensor::from_vec(pixels, (2 * count, size, size, 1), cx.device())?;
        let ids: Vec<u64> = (0..2 * count as u64).collect();
        let budgets = self
            .config
            .budgets
            .iter()
            .map(|q| Budget::fraction(*q))
            .collect::<striate_reconstruct::Result<Vec<_>>>()?;
        let job = Job {
            images: &images,
            ids: &ids,
            budgets: &budgets,
            seed,
        };
        let stop = cx.stop_flag();
        let result = {
            let mut observer = |p: &striate_reconstruct::Progress<'_>| {
                let batch = p.step as f64 / p.max_steps as f64;
                let share = (p.finished as f64 + batch) / p.total as f64;
                cx.progress(share, &format!("step {}", p.step));
                if stop.is_raised() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            let function = |x: &Tensor| network.features_of(x);
            reconstruct(&function, &job, &self.config.optimiser, &mut observer)
        };
        let found = match result {
            Err(striate_reconstruct::Error::Interrupted { .. }) => return Ok(Status::Interrupted),
            other => other?,
        };
        let len = size * size;
        let (from_clean, from_noisy): (Vec<_>, Vec<_>) =
            found.iter().partition(|r| r.image < count);
        let mut rows = Vec::new();
        let mut pictures = vec![0f32; count * budgets.len() * len];
        for (k, (clean_r, noisy_r)) in from_clean.iter().zip(&from_noisy).enumerate() {
            let image = clean_r.image;
            let range = image * len..(image + 1) * len;
            let split =
                metrics::content_noise(&noisy_r.pixels, &clean[range.clone()], &noisy[range])?;
            pictures[k * len..(k + 1) * len].copy_from_slice(&clean_r.pixels);
            rows.push(ReconstructionRow {
                image,
                budget: self.config.budgets[k % budgets.len()],
                feature_fit: clean_r.feature_fit(),
                content: split.joint.content,
                noise: split.joint.noise,
                steps: clean_r.steps,
            });
        }
        let mut tensors = Tensors::default();
        tensors.f32("originals", &[count, size, size], &clean);
        tensors.f32(
            "reconstructions",
            &[count, budgets.len(), size, size],
            &pictures,
        );
        tensors.write(&cx.file(PICTURES))?;
        cx.write_json(FOUND, &rows)?;
        Ok(Status::Done)
    }
}

impl Reconstruct {
    /// Reads the numbers.
    pub(crate) fn open(step: &Finished) -> Result<Vec<ReconstructionRow>> {
        step.json(FOUND)
    }

    /// Reads originals `[images, h, w]` and reconstructions `[images, budgets, h, w]`,
    /// in normalised pixel space.
    pub(crate) fn pictures(step: &Finished) -> Result<(Vec<usize>, Vec<f32>, Vec<f32>)> {
        let tensors = TensorFile::read(&step.file(PICTURES))?;
        let (shape, reconstructions) = tensors.get_f32("reconstructions")?;
        Ok((shape, tensors.get_f32("originals")?.1, reconstructions))
    }
}
