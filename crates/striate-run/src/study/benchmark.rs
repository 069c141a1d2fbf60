//! Accuracy on clean and corrupted images.

use candle_core::Tensor;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use striate_corruptions::{Corruption, Corruptor, ImageRef, Random, Severity, Table};
use striate_data::{ImageSet, Images, Preprocess};
use striate_models::{VggConfig, lowpass};
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
        let mut scorer = self.scorer(cx)?;
        let sets = self.test_sets();
        let mut cells = Vec::new();
        for (i, set) in sets.iter().enumerate() {
            cx.progress(i as f64 / sets.len() as f64, &named(*set));
            match scorer.score(*set, 0.0, cx)? {
                Some(cell) => cells.push(cell),
                None => return Ok(Status::Interrupted),
            }
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

    /// The clean images, then every corruption and severity.
    pub(crate) fn test_sets(&self) -> Vec<TestSet> {
        let corrupted = self
            .corruptions
            .iter()
            .flat_map(|corruption| at_all(*corruption));
        std::iter::once(None).chain(corrupted).collect()
    }

    /// The network `model` and the images of `data`, with the scores that an interrupted
    /// try has left.
    pub(crate) fn scorer(&self, cx: &StepContext<'_>) -> Result<Scorer<'_>> {
        let data = Dataset::open(cx.input("data")?)?;
        let set = match self.split {
            Split::Validation => &data.validation,
            Split::Test => &data.test,
        };
        let left = match std::fs::read(cx.file(RESUME)) {
            Ok(text) => serde_json::from_slice(&text).map_err(|e| Error::json(RESUME, e))?,
            Err(_) => Vec::new(),
        };
        Ok(Scorer {
            benchmark: self,
            set: spread(set, self.images)?,
            preprocess: data.preprocess(),
            network: Network::open(&self.network, cx.input("model")?, cx.device())?,
            cells: left,
            next: 0,
        })
    }
}

/// Clean images, or those of a corruption.
pub(crate) type TestSet = Option<(Corruption, Severity)>;

/// A corruption at each severity.
pub(crate) fn at_all(corruption: Corruption) -> impl Iterator<Item = TestSet> {
    let severities = Severity::ALL.into_iter();
    severities.map(move |severity| Some((corruption, severity)))
}

/// What progress says of a test set.
pub(crate) fn named(set: TestSet) -> String {
    match set {
        None => "clean".to_owned(),
        Some((corruption, severity)) => format!("{} {}", corruption.name(), severity.get()),
    }
}

/// Scores one test set after the other. A step that asks for them in the same order again
/// gets those at once that it had before it was interrupted.
pub(crate) struct Scorer<'a> {
    benchmark: &'a Benchmark,
    set: ImageSet,
    preprocess: Preprocess,
    network: Network,
    cells: Vec<Cell>,
    next: usize,
}

impl Scorer<'_> {
    /// The score of the network behind a blur (0: none); none if the work is to stop.
    pub(crate) fn score(
        &mut self,
        set: TestSet,
        blur_px: f64,
        cx: &StepContext<'_>,
    ) -> Result<Option<Cell>> {
        self.next += 1;
        if let Some(cell) = self.cells.get(self.next - 1) {
            return Ok(Some(cell.clone()));
        }
        if cx.stopped() {
            cx.write_json(RESUME, &self.cells)?;
            return Ok(None);
        }
        let benchmark = self.benchmark;
        let (name, severity) = match set {
            None => ("clean", 0),
            Some((corruption, severity)) => (corruption.name(), severity.get()),
        };
        let values = match set {
            None => inputs(&self.set.images, &self.preprocess)?,
            Some((corruption, severity)) => {
                let seed = Seed::new(benchmark.seed).child("benchmark");
                let table = benchmark.table;
                let images = corrupt(&self.set.images, table, corruption, severity, &seed)?;
                inputs(&images, &self.preprocess)?
            }
        };
        let values = self.blurred(values, blur_px)?;
        let cell = Cell {
            corruption: name.to_owned(),
            severity,
            correct: self.network.correct(&values, &self.set.labels)?,
            images: self.set.len() as u64,
            seen: set.is_some_and(|(corruption, _)| benchmark.seen.contains(&corruption)),
        };
        self.cells.push(cell.clone());
        Ok(Some(cell))
    }

    /// Inputs behind a Gaussian blur.
    fn blurred(&self, values: Vec<f32>, sigma_px: f64) -> Result<Vec<f32>> {
        if sigma_px == 0.0 {
            return Ok(values);
        }
        let size = self.network.input_size();
        let shape = (self.set.len(), size, size, 1);
        let x = Tensor::from_vec(values, shape, self.network.device())?;
        Ok(lowpass(&x, sigma_px)?.flatten_all()?.to_vec1()?)
    }
}

/// At most `count` images (0 for all), spread evenly over the set, which is sorted by class
/// as a rule.
///
/// # Errors
///
/// None for rows of the set itself; the type is that of a selection.
pub fn spread(set: &ImageSet, count: usize) -> Result<ImageSet> {
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
