//! Accuracy on clean and corrupted images.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use striate_corruptions::{Corruption, Corruptor, ImageRef, Random, Severity, Table};
use striate_data::{ImageSet, Images, Preprocess};
use striate_models::VggConfig;
use striate_random::Seed;

use super::dataset::Dataset;
use super::network::Network;
use crate::engine::{Estimate, Finished, Status, StepContext, Task};
use crate::recipe::Split;
use crate::{Error, Result};

pub(crate) const ACCURACY: &str = "accuracy.json";
const RESUME: &str = "resume.json";

/// Scores a network on clean images and on every corruption and severity.
#[derive(Serialize)]
pub(crate) struct Benchmark {
    pub(crate) network: VggConfig,
    pub(crate) split: Split,
    pub(crate) corruptions: Vec<Corruption>,
    pub(crate) table: Table,
    /// Of the corruptions' random streams.
    pub(crate) seed: u64,
    /// Corruptions that the network saw in training.
    pub(crate) seen: Vec<Corruption>,
    /// At most this many images, spread evenly over the classes.
    pub(crate) images: usize,
}

/// Accuracy on one test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cell {
    /// `clean`, or the corruption.
    pub(crate) corruption: String,
    /// 0 for clean images.
    pub(crate) severity: u8,
    pub(crate) correct: u64,
    pub(crate) images: u64,
    /// Whether the network was trained on this corruption.
    pub(crate) seen: bool,
}

impl Task for Benchmark {
    const KIND: &'static str = "benchmark";
    const VERSION: u32 = 1;

    fn estimate(&self) -> Estimate {
        let sets = 1 + 5 * self.corruptions.len();
        let images = (sets * self.images) as f64;
        Estimate {
            operations: images * super::cost::forward(&self.network),
            seconds: images * 2e-4,
            memory_bytes: 200 << 20,
            disk_bytes: 16 << 10,
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let data = Dataset::open(cx.input("data")?)?;
        let network = Network::open(&self.network, cx.input("model")?, cx.device())?;
        let preprocess = data.preprocess();
        let set = match self.split {
            Split::Validation => &data.validation,
            Split::Test => &data.test,
        };
        let set = spread(set, self.images)?;
        let mut sets = vec![None];
        for corruption in &self.corruptions {
            for level in 1..=5 {
                sets.push(Some((*corruption, Severity::new(level)?)));
            }
        }
        // The cells that an interrupted try has left.
        let mut cells: Vec<Cell> = match std::fs::read(cx.file(RESUME)) {
            Ok(text) => serde_json::from_slice(&text).map_err(|e| Error::json(RESUME, e))?,
            Err(_) => Vec::new(),
        };
        let seed = Seed::new(self.seed).child("benchmark");
        for corrupted in sets.iter().skip(cells.len()) {
            if cx.stopped() {
                cx.write_json(RESUME, &cells)?;
                return Ok(Status::Interrupted);
            }
            let (name, severity) = match corrupted {
                None => ("clean", 0),
                Some((corruption, severity)) => (corruption.name(), severity.get()),
            };
            cx.progress(
                cells.len() as f64 / sets.len() as f64,
                &format!("{name} {severity}"),
            );
            let images = match corrupted {
                None => set.images.clone(),
                Some((corruption, severity)) => {
                    corrupt(&set.images, self.table, *corruption, *severity, &seed)?
                }
            };
            let correct = network.correct(&inputs(&images, &preprocess)?, &set.labels)?;
            cells.push(Cell {
                corruption: name.to_owned(),
                severity,
                correct,
                images: set.len() as u64,
                seen: corrupted.is_some_and(|(c, _)| self.seen.contains(&c)),
            });
        }
        cx.write_json(ACCURACY, &cells)?;
        Ok(Status::Done)
    }
}

impl Benchmark {
    /// Reads what the step wrote.
    pub(crate) fn open(step: &Finished) -> Result<Vec<Cell>> {
        step.json(ACCURACY)
    }
}

/// At most `count` images, spread evenly over the set (which is sorted by class).
pub(crate) fn spread(set: &ImageSet, count: usize) -> Result<ImageSet> {
    if count == 0 || count >= set.len() {
        return Ok(set.clone());
    }
    Ok(set.select(&spread_rows(set.len(), count))?)
}

/// The rows of at most `count` of `len` images, spread evenly; all for a count of 0.
pub(crate) fn spread_rows(len: usize, count: usize) -> Vec<usize> {
    if count == 0 || count >= len {
        return (0..len).collect();
    }
    (0..count).map(|i| i * len / count).collect()
}

/// The corrupted copies of RGB images; each has a stream of its own.
pub(crate) fn corrupt(
    images: &Images,
    table: Table,
    corruption: Corruption,
    severity: Severity,
    seed: &Seed,
) -> Result<Images> {
    let size = images.image_len();
    let mut pixels = vec![0; images.pixels_u8.len()];
    pixels
        .par_chunks_exact_mut(size)
        .enumerate()
        .try_for_each_init(
            || Corruptor::new(table),
            |corruptor, (i, out)| -> Result<()> {
                let image =
                    ImageRef::new(images.get(i), images.height, images.width, images.channels)?;
                let mut random = Random::counter(seed, i as u64, corruption, severity);
                Ok(corruptor.corrupt(image, corruption, severity, &mut random, out)?)
            },
        )?;
    Ok(Images::new(
        images.count,
        images.height,
        images.width,
        images.channels,
        pixels,
    )?)
}

/// The network's inputs: PIL's 8-bit gray, as the study converts test images
/// (reference/training.md 7.3), then normalised. `[count, height, width, 1]`.
pub(crate) fn inputs(images: &Images, preprocess: &Preprocess) -> Result<Vec<f32>> {
    let gray = images.to_gray_u8();
    let size = gray.image_len();
    let mut out = vec![0.0; gray.pixels_u8.len()];
    out.par_chunks_exact_mut(size)
        .zip(gray.pixels_u8.par_chunks_exact(size))
        .try_for_each(|(out, image)| preprocess.apply(image, 1, out))?;
    Ok(out)
}
