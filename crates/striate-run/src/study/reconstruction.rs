//! Reconstructions of clean and corrupted images under a contrast budget.

use std::ops::ControlFlow;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_corruptions::{Severity, Table};
use striate_models::VggConfig;
use striate_random::Seed;
use striate_reconstruct::metrics::{self, ContentNoise};
use striate_reconstruct::{Budget, Reconstruction, Task as Job, reconstruct};

use super::benchmark::{corrupt, inputs, spread};
use super::dataset::Dataset;
use super::network::Network;
use super::tensors::{TensorFile, Tensors};
use crate::engine::{Estimate, Finished, Status, StepContext, Task};
use crate::recipe::ReconstructionConfig;
use crate::{Error, Result};

const FOUND: &str = "reconstruction.json";
const PICTURES: &str = "pictures.safetensors";
const FROM_CLEAN: &str = "from_clean";
const FROM_CORRUPTED: &str = "from_corrupted";

/// Reconstructs test images from the shared layers.
#[derive(Serialize)]
pub(crate) struct Reconstruct {
    pub(crate) network: VggConfig,
    pub(crate) config: ReconstructionConfig,
    pub(crate) table: Table,
    pub(crate) seed: u64,
}

/// The numbers of one image at one budget, from one start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReconstructionRow {
    pub(crate) image: usize,
    /// Fraction of the original's norm.
    pub(crate) budget: f64,
    /// Which noise the reconstruction started from.
    pub(crate) restart: usize,
    /// Mean squared error of the features over their variance, clean image.
    pub(crate) feature_fit: f64,
    /// The same for the corrupted image.
    pub(crate) feature_fit_corrupted: f64,
    /// Content and noise in the reconstruction of the corrupted image.
    pub(crate) split: ContentNoise,
    /// Structural similarity of the clean image and its reconstruction, with one mean and
    /// norm; of images of at least 11 px.
    pub(crate) ssim: Option<f64>,
    /// Peak signal-to-noise ratio of the two in dB.
    pub(crate) psnr_db: f64,
    /// Power of the clean image's reconstruction over the image's, by ring of frequencies.
    pub(crate) spectrum: Vec<Option<f64>>,
    /// Evaluations of the network for the clean image.
    pub(crate) steps: usize,
}

impl ReconstructionRow {
    /// `|a| / (|a| + |b|)`: the ratio of content to noise, from 0 to 1.
    pub(crate) fn content_share(&self) -> f64 {
        let (a, b) = (self.split.joint.content.abs(), self.split.joint.noise.abs());
        a / (a + b)
    }
}

impl Task for Reconstruct {
    const KIND: &'static str = "reconstruction";
    const VERSION: u32 = 2;

    fn estimate(&self) -> Estimate {
        let restarts = self.config.optimiser.restarts;
        let count = (2 * self.config.images * self.config.budgets.len() * restarts) as f64;
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
            let function = |x: &Tensor| network.features_once(x);
            reconstruct(&function, &job, &self.config.optimiser, &mut observer)
        };
        let found = match result {
            Err(striate_reconstruct::Error::Interrupted { .. }) => return Ok(Status::Interrupted),
            other => other?,
        };
        let (from_clean, from_noisy): (Vec<_>, Vec<_>) =
            found.iter().partition(|r| r.image < count);
        let restarts = self.config.optimiser.restarts.max(1);
        // The width of the range of valid pixels.
        let range = 1.0 / f64::from(data.info.normalize.std[0]);
        let len = size * size;
        let mut rows = Vec::new();
        for (k, (of_clean, of_noisy)) in from_clean.iter().zip(&from_noisy).enumerate() {
            let image = of_clean.image * len..(of_clean.image + 1) * len;
            let (clean, noisy) = (&clean[image.clone()], &noisy[image]);
            rows.push(ReconstructionRow {
                image: of_clean.image,
                budget: self.config.budgets[k / restarts % budgets.len()],
                restart: of_clean.restart,
                feature_fit: of_clean.feature_fit(),
                feature_fit_corrupted: of_noisy.feature_fit(),
                split: metrics::content_noise(&of_noisy.pixels, clean, noisy)?,
                ssim: likeness(&of_clean.pixels, clean, size, range)?,
                psnr_db: metrics::psnr(&metrics::matched(&of_clean.pixels, clean)?, clean, range)?,
                spectrum: metrics::spectrum_ratio(&of_clean.pixels, clean, [size, size, 1])?,
                steps: of_clean.steps,
            });
        }
        // Pictures of the first start.
        let first = |of: &[&Reconstruction]| -> Vec<f32> {
            let first = of.iter().filter(|r| r.restart == 0);
            first.flat_map(|r| r.pixels.iter().copied()).collect()
        };
        let mut tensors = Tensors::default();
        tensors.f32("originals", &[count, size, size], &clean);
        tensors.f32("corrupted", &[count, size, size], &noisy);
        let shape = [count, budgets.len(), size, size];
        tensors.f32(FROM_CLEAN, &shape, &first(&from_clean));
        tensors.f32(FROM_CORRUPTED, &shape, &first(&from_noisy));
        let spent = spending(&from_clean, &clean, size)?;
        tensors.f32("spending", &[count, size, size], &spent);
        tensors.write(&cx.file(PICTURES))?;
        cx.write_json(FOUND, &rows)?;
        Ok(Status::Done)
    }
}

/// Where each clean image's first reconstruction at the smallest budget spends it: local
/// energy over that of the image.
fn spending(from_clean: &[&Reconstruction], clean: &[f32], size: usize) -> Result<Vec<f32>> {
    /// Of the blur of both energies.
    const SIGMA_PX: f64 = 2.0;
    let len = size * size;
    let mut spent = Vec::new();
    for of_image in from_clean.chunk_by(|a, b| a.image == b.image) {
        let first = of_image.iter().filter(|r| r.restart == 0);
        if let Some(r) = first.min_by(|a, b| a.norm_limit.total_cmp(&b.norm_limit)) {
            let original = &clean[r.image * len..(r.image + 1) * len];
            let map = metrics::local_spending(&r.pixels, original, [size, size, 1], SIGMA_PX)?;
            spent.extend(map.iter().map(|v| *v as f32));
        }
    }
    Ok(spent)
}

/// SSIM after both images have one mean and norm; `None` of images that are too small.
fn likeness(found: &[f32], original: &[f32], size: usize, range: f64) -> Result<Option<f64>> {
    /// Side of the windows.
    const WINDOW: usize = 11;
    if size < WINDOW {
        return Ok(None);
    }
    let matched = metrics::matched(found, original)?;
    Ok(Some(metrics::ssim(
        &matched,
        original,
        [size, size, 1],
        range,
    )?))
}

impl Reconstruct {
    /// Reads the numbers.
    pub(crate) fn open(step: &Finished) -> Result<Vec<ReconstructionRow>> {
        step.json(FOUND)
    }

    /// Reads images and their reconstructions from the first start.
    pub(crate) fn pictures(step: &Finished) -> Result<Pictures> {
        let tensors = TensorFile::read(&step.file(PICTURES))?;
        let (shape, from_clean) = tensors.get_f32(FROM_CLEAN)?;
        let &[images, budgets, size, _] = shape.as_slice() else {
            return Err(Error::Tensor {
                name: FROM_CLEAN.to_owned(),
                problem: format!("expected 4 axes, found {shape:?}"),
            });
        };
        Ok(Pictures {
            images,
            budgets,
            size,
            originals: tensors.get_f32("originals")?.1,
            corrupted: tensors.get_f32("corrupted")?.1,
            spending: tensors.get_f32("spending")?.1,
            from_clean,
            from_corrupted: tensors.get_f32(FROM_CORRUPTED)?.1,
        })
    }
}

/// Images and their reconstructions, in normalised pixel space.
pub(crate) struct Pictures {
    pub(crate) images: usize,
    pub(crate) budgets: usize,
    /// Height and width.
    pub(crate) size: usize,
    originals: Vec<f32>,
    corrupted: Vec<f32>,
    spending: Vec<f32>,
    from_clean: Vec<f32>,
    from_corrupted: Vec<f32>,
}

impl Pictures {
    /// A clean image.
    pub(crate) fn original(&self, image: usize) -> &[f32] {
        self.one(&self.originals, image)
    }

    /// Its corrupted version.
    pub(crate) fn corrupted(&self, image: usize) -> &[f32] {
        self.one(&self.corrupted, image)
    }

    /// Where the smallest budget is spent in the clean image.
    pub(crate) fn spending(&self, image: usize) -> &[f32] {
        self.one(&self.spending, image)
    }

    /// What was reconstructed from the clean image.
    pub(crate) fn of_clean(&self, image: usize, budget: usize) -> &[f32] {
        self.one(&self.from_clean, image * self.budgets + budget)
    }

    /// What was reconstructed from the corrupted image.
    pub(crate) fn of_corrupted(&self, image: usize, budget: usize) -> &[f32] {
        self.one(&self.from_corrupted, image * self.budgets + budget)
    }

    fn one<'a>(&self, values: &'a [f32], i: usize) -> &'a [f32] {
        let len = self.size * self.size;
        &values[i * len..(i + 1) * len]
    }
}
