//! Baseline behind a blur that makes it as robust against noise as MTL-Monkey is: what a
//! mere loss of high frequencies gains and costs (reference/analyses.md 7.4).

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_corruptions::{Corruption, Severity, Table};
use striate_data::{ImageSet, Preprocess};
use striate_models::VggConfig;
use striate_nn::ops::gaussian_blur;
use striate_random::Seed;
use striate_robustness::{Group, Grouping};

use super::benchmark::{Benchmark, Cell, corrupt, inputs, spread};
use super::dataset::Dataset;
use super::network::Network;
use crate::Result;
use crate::engine::{Estimate, Finished, Status, StepContext, Task};
use crate::recipe::Split;

const FOUND: &str = "blurred.json";
/// The blurs that are tried, in pixels; the matching one is interpolated.
const SIGMAS_PX: [f64; 8] = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0];
/// Taps of the blur on each side of the middle, in deviations.
const REACH: f64 = 4.0;

/// Matches the blur and scores Baseline behind it.
#[derive(Serialize)]
pub(crate) struct MatchBlur {
    pub(crate) network: VggConfig,
    pub(crate) split: Split,
    pub(crate) corruptions: Vec<Corruption>,
    pub(crate) table: Table,
    pub(crate) seed: u64,
    pub(crate) images: usize,
}

/// Baseline behind its blur.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Blurred {
    /// Deviation of the blur, in pixels; 0 if Baseline is as robust without.
    pub(crate) sigma_px: f64,
    /// Mean accuracy on noisy images: MTL-Monkey's, and what was reached.
    pub(crate) wanted: f64,
    pub(crate) reached: f64,
    pub(crate) cells: Vec<Cell>,
}

impl Task for MatchBlur {
    const KIND: &'static str = "blur-matched";
    const VERSION: u32 = 1;

    fn estimate(&self) -> Estimate {
        let noises = noises(&self.corruptions).len();
        let sets = 1 + 5 * (self.corruptions.len() + noises * SIGMAS_PX.len());
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
        let set = match self.split {
            Split::Validation => &data.validation,
            Split::Test => &data.test,
        };
        let bench = Bench {
            set: spread(set, self.images)?,
            preprocess: data.preprocess(),
            network,
            table: self.table,
            seed: Seed::new(self.seed).child("benchmark"),
        };
        let noises = noises(&self.corruptions);
        let of_step = |name: &str| -> Result<f64> {
            Ok(noise_accuracy(&Benchmark::open(cx.input(name)?)?, &noises))
        };
        let (wanted, plain) = (of_step("target")?, of_step("plain")?);
        // (deviation, accuracy on noise), up to the first that is robust enough.
        let mut tried = vec![(0.0, plain)];
        for (i, sigma) in SIGMAS_PX.iter().enumerate() {
            if tried
                .last()
                .is_some_and(|(_, accuracy)| *accuracy >= wanted)
            {
                break;
            }
            if cx.stopped() {
                return Ok(Status::Interrupted);
            }
            let message = format!("sigma {sigma} px");
            cx.progress(0.5 * i as f64 / SIGMAS_PX.len() as f64, &message);
            tried.push((
                *sigma,
                noise_accuracy(&bench.cells(&noises, *sigma)?, &noises),
            ));
        }
        let sigma_px = matching(&tried, wanted);
        cx.progress(0.5, &format!("all corruptions, sigma {sigma_px:.2} px"));
        let mut cells = vec![bench.cell(None, sigma_px)?];
        for corruption in &self.corruptions {
            if cx.stopped() {
                return Ok(Status::Interrupted);
            }
            cells.extend(bench.cells(&[*corruption], sigma_px)?);
        }
        let found = Blurred {
            sigma_px,
            wanted,
            reached: noise_accuracy(&cells, &noises),
            cells,
        };
        cx.write_json(FOUND, &found)?;
        Ok(Status::Done)
    }
}

impl MatchBlur {
    /// Whether there is noise among the corruptions to match.
    pub(crate) fn applies(corruptions: &[Corruption]) -> bool {
        !noises(corruptions).is_empty()
    }

    /// Reads what the step found.
    pub(crate) fn open(step: &Finished) -> Result<Blurred> {
        step.json(FOUND)
    }
}

/// The noises among corruptions.
fn noises(corruptions: &[Corruption]) -> Vec<Corruption> {
    let members = Grouping::default().members(Group::Noise);
    let all = corruptions.iter().copied();
    all.filter(|c| members.contains(&c.name())).collect()
}

/// Mean accuracy over the noises and their severities.
fn noise_accuracy(cells: &[Cell], noises: &[Corruption]) -> f64 {
    let of_noise = |cell: &&Cell| noises.iter().any(|c| c.name() == cell.corruption);
    let (mut correct, mut images) = (0, 0);
    for cell in cells.iter().filter(of_noise) {
        correct += cell.correct;
        images += cell.images;
    }
    correct as f64 / images.max(1) as f64
}

/// The deviation at which the accuracy is the wanted one, between the last two tried; the
/// most accurate of all, if none is accurate enough.
fn matching(tried: &[(f64, f64)], wanted: f64) -> f64 {
    match tried {
        [.., below, above] if above.1 >= wanted && above.1 > below.1 => {
            let part = ((wanted - below.1) / (above.1 - below.1)).clamp(0.0, 1.0);
            below.0 + part * (above.0 - below.0)
        }
        _ => {
            let best = tried.iter().max_by(|a, b| a.1.total_cmp(&b.1));
            best.map_or(0.0, |(sigma, _)| *sigma)
        }
    }
}

/// What images are scored on.
struct Bench {
    set: ImageSet,
    preprocess: Preprocess,
    network: Network,
    table: Table,
    seed: Seed,
}

impl Bench {
    fn cells(&self, corruptions: &[Corruption], sigma_px: f64) -> Result<Vec<Cell>> {
        let mut cells = Vec::new();
        for corruption in corruptions {
            for severity in Severity::ALL {
                cells.push(self.cell(Some((*corruption, severity)), sigma_px)?);
            }
        }
        Ok(cells)
    }

    /// Corrupts, converts, and blurs what the network sees.
    fn cell(&self, corrupted: Option<(Corruption, Severity)>, sigma_px: f64) -> Result<Cell> {
        let images = &self.set.images;
        let (name, severity, values) = match corrupted {
            None => ("clean", 0, inputs(images, &self.preprocess)?),
            Some((corruption, severity)) => {
                let images = corrupt(images, self.table, corruption, severity, &self.seed)?;
                let values = inputs(&images, &self.preprocess)?;
                (corruption.name(), severity.get(), values)
            }
        };
        let values = if sigma_px > 0.0 {
            let size = self.network.input_size();
            let shape = (images.count, size, size, 1);
            let x = Tensor::from_vec(values, shape, self.network.device())?;
            let reach = (REACH * sigma_px).ceil().min((size - 1) as f64) as usize;
            gaussian_blur(&x, 2 * reach + 1, sigma_px)?
                .flatten_all()?
                .to_vec1()?
        } else {
            values
        };
        Ok(Cell {
            corruption: name.to_owned(),
            severity,
            correct: self.network.correct(&values, &self.set.labels)?,
            images: images.count as u64,
            seen: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blur_is_interpolated_or_the_best_one() {
        assert_eq!(matching(&[(0.0, 0.2), (0.5, 0.4), (1.0, 0.6)], 0.5), 0.75);
        assert_eq!(matching(&[(0.0, 0.7)], 0.5), 0.0);
        // Never robust enough: as robust as it gets.
        assert_eq!(matching(&[(0.0, 0.2), (0.5, 0.4), (1.0, 0.3)], 0.5), 0.5);
        assert_eq!(matching(&[(0.0, 0.2), (0.5, 0.2)], 0.2), 0.5);
    }

    #[test]
    fn accuracy_on_noise_counts_noise_alone() {
        let cell = |corruption: &str, correct| Cell {
            corruption: corruption.to_owned(),
            severity: 1,
            correct,
            images: 10,
            seen: false,
        };
        let cells = [
            cell("gaussian_noise", 4),
            cell("shot_noise", 6),
            cell("fog", 1),
        ];
        let all = [
            Corruption::GaussianNoise,
            Corruption::ShotNoise,
            Corruption::Fog,
        ];
        assert_eq!(noise_accuracy(&cells, &noises(&all)), 0.5);
        assert!(!MatchBlur::applies(&[Corruption::Fog]));
    }
}
