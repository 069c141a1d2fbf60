//! Baseline behind a blur that makes it as robust against noise as MTL-Monkey is: what a
//! mere loss of high frequencies gains and costs (reference/analyses.md 7.4).

use serde::{Deserialize, Serialize};
use striate_corruptions::Corruption;
use striate_robustness::{Group, Grouping};

use super::benchmark::{Benchmark, Cell, Scorer, TestSet, at_all, named};
use crate::Result;
use crate::engine::{Estimate, Finished, Status, StepContext, Task};

const FOUND: &str = "blurred.json";
/// The blurs that are tried first, in pixels, up to the first that is robust enough.
const SIGMAS_PX: [f64; 8] = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0];
/// So often the interval before that one is halved: to 1/64 px.
const HALVINGS: usize = 4;

/// Matches the blur and scores Baseline behind it.
#[derive(Serialize)]
pub(crate) struct MatchBlur {
    /// Baseline's.
    pub(crate) benchmark: Benchmark,
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
    const VERSION: u32 = 2;

    fn estimate(&self) -> Estimate {
        let once = self.benchmark.estimate();
        let all = self.benchmark.test_sets().len() as f64;
        let noisy = noisy(&self.benchmark.corruptions).len() as f64;
        let times = 1.0 + noisy * (SIGMAS_PX.len() + HALVINGS) as f64 / all;
        Estimate {
            operations: once.operations * times,
            seconds: once.seconds * times,
            ..once
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let noisy = noisy(&self.benchmark.corruptions);
        let of_step = |name: &str| -> Result<f64> {
            let cells = Benchmark::open(cx.input(name)?)?;
            let of_noise = |cell: &Cell| {
                noisy
                    .iter()
                    .flatten()
                    .any(|(c, _)| c.name() == cell.corruption)
            };
            Ok(accuracy(
                &cells.into_iter().filter(of_noise).collect::<Vec<_>>(),
            ))
        };
        let (wanted, plain) = (of_step("target")?, of_step("plain")?);
        let mut scorer = self.benchmark.scorer(cx)?;
        let found = search(plain, wanted, |sigma_px| {
            let cells = all_of(&mut scorer, &noisy, sigma_px, cx)?;
            Ok(cells.map(|cells| accuracy(&cells)))
        })?;
        let Some((sigma_px, reached)) = found else {
            return Ok(Status::Interrupted);
        };
        let sets = self.benchmark.test_sets();
        let Some(cells) = all_of(&mut scorer, &sets, sigma_px, cx)? else {
            return Ok(Status::Interrupted);
        };
        let found = Blurred {
            sigma_px,
            wanted,
            reached,
            cells,
        };
        cx.write_json(FOUND, &found)?;
        Ok(Status::Done)
    }
}

impl MatchBlur {
    /// Whether there is noise among the corruptions to match.
    pub(crate) fn applies(corruptions: &[Corruption]) -> bool {
        !noisy(corruptions).is_empty()
    }

    /// Reads what the step found.
    pub(crate) fn open(step: &Finished) -> Result<Blurred> {
        step.json(FOUND)
    }
}

/// The test sets of the noises among corruptions.
fn noisy(corruptions: &[Corruption]) -> Vec<TestSet> {
    let members = Grouping::default().members(Group::Noise);
    let noises = corruptions.iter().filter(|c| members.contains(&c.name()));
    noises.flat_map(|corruption| at_all(*corruption)).collect()
}

/// The scores of test sets behind one blur; none if the work is to stop.
fn all_of(
    scorer: &mut Scorer<'_>,
    sets: &[TestSet],
    sigma_px: f64,
    cx: &mut StepContext<'_>,
) -> Result<Option<Vec<Cell>>> {
    let mut cells = Vec::new();
    for (i, set) in sets.iter().enumerate() {
        let message = format!("blur of {sigma_px:.3} px, {}", named(*set));
        cx.progress(i as f64 / sets.len() as f64, &message);
        match scorer.score(*set, sigma_px, cx)? {
            Some(cell) => cells.push(cell),
            None => return Ok(None),
        }
    }
    Ok(Some(cells))
}

/// Accuracy over all images of some test sets.
fn accuracy(cells: &[Cell]) -> f64 {
    let correct: u64 = cells.iter().map(|cell| cell.correct).sum();
    let images: u64 = cells.iter().map(|cell| cell.images).sum();
    correct as f64 / images.max(1) as f64
}

/// Deviation and accuracy of the blur whose accuracy is nearest to the wanted one; `plain`
/// is that without blur. None if a measurement was stopped.
fn search(
    plain: f64,
    wanted: f64,
    mut measure: impl FnMut(f64) -> Result<Option<f64>>,
) -> Result<Option<(f64, f64)>> {
    let mut tried = vec![(0.0, plain)];
    let (mut below, mut above) = (0.0, (plain >= wanted).then_some(0.0));
    let mut given = SIGMAS_PX.into_iter();
    let mut halvings = 0..HALVINGS;
    loop {
        let next = match above {
            None => given.next(),
            Some(above) if above > below => halvings.next().map(|_| (below + above) / 2.0),
            // Baseline is robust enough as it is.
            Some(_) => None,
        };
        let Some(sigma_px) = next else { break };
        let Some(accuracy) = measure(sigma_px)? else {
            return Ok(None);
        };
        tried.push((sigma_px, accuracy));
        if accuracy >= wanted {
            above = Some(sigma_px);
        } else {
            below = sigma_px;
        }
    }
    let distance = |(_, accuracy): &(f64, f64)| (accuracy - wanted).abs();
    let nearest = tried
        .into_iter()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)));
    Ok(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result for an accuracy that follows from the deviation, and what was tried.
    fn of(plain: f64, wanted: f64, accuracy: impl Fn(f64) -> f64) -> ((f64, f64), Vec<f64>) {
        let mut tried = Vec::new();
        let found = search(plain, wanted, |sigma| {
            tried.push(sigma);
            Ok(Some(accuracy(sigma)))
        });
        (found.unwrap().unwrap(), tried)
    }

    #[test]
    fn the_matching_blur_is_found_by_halving() {
        let ((sigma, accuracy), tried) = of(0.2, 0.43, |sigma| 0.2 + 0.4 * sigma * sigma);
        let exact = (0.23f64 / 0.4).sqrt();
        assert!((sigma - exact).abs() <= 0.25 / 16.0, "{sigma} {exact}");
        assert!((accuracy - 0.43).abs() < 0.01, "{accuracy}");
        assert_eq!(tried[..5], [0.25, 0.5, 0.75, 1.0, 0.875]);
        assert_eq!(tried.len(), 4 + HALVINGS);
    }

    #[test]
    fn no_blur_is_tried_where_none_is_needed_and_all_where_none_is_enough() {
        assert_eq!(of(0.7, 0.5, |_| 0.0), ((0.0, 0.7), Vec::new()));
        let (found, tried) = of(0.2, 0.9, |sigma| 0.5 - (sigma - 1.0).abs() / 10.0);
        assert_eq!(found, (1.0, 0.5));
        assert_eq!(tried, SIGMAS_PX);
        assert_eq!(search(0.2, 0.9, |_| Ok(None)).unwrap(), None);
    }

    #[test]
    fn accuracy_is_that_of_all_images_together() {
        let cell = |correct, images| Cell {
            corruption: "shot_noise".to_owned(),
            severity: 1,
            correct,
            images,
            seen: false,
        };
        assert_eq!(accuracy(&[cell(4, 10), cell(8, 10)]), 0.6);
        assert_eq!(noisy(&[Corruption::Fog, Corruption::ShotNoise]).len(), 5);
        assert!(!MatchBlur::applies(&[Corruption::Fog]));
    }
}
