//! Differences between two models that saw the same images with the same seeds.
//! Invariant: a draw of seeds and images is the same for both models, and one seed
//! is never drawn: its interval knows of the images alone.

use serde::{Deserialize, Serialize};
use striate_random::Seed;

use crate::wilcoxon::{Wilcoxon, wilcoxon};
use crate::{Bootstrap, BootstrapSummary, Error, Result};

/// How a measure of one image differs between two models.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    /// Mean of the first model less the second, over seeds and images.
    pub difference: f64,
    /// Its replicates: seeds and images drawn, each with replacement.
    pub bootstrap: BootstrapSummary,
    /// Signed-rank test over images, each averaged over seeds; `None` if no image differs.
    pub wilcoxon: Option<Wilcoxon>,
    /// Seeds of each model.
    pub seeds: usize,
    /// Images of each seed.
    pub images: usize,
}

/// Compares a measure that two models have for each seed and image: `first[s][i]`
/// against `second[s][i]`.
///
/// Seeds and images are crossed factors (each seed sees the same images), so both are
/// drawn and every drawn seed takes the same drawn images (Owen 2007, the pigeonhole
/// bootstrap: its intervals are rather too wide than too narrow). The pairing of
/// `bootstrap` is not used: a seed of one model always stays with that of the other.
///
/// # Errors
///
/// Without a seed, with fewer than two images, if the numbers differ, or if a value is
/// not finite.
pub fn paired_difference(
    first: &[Vec<f64>],
    second: &[Vec<f64>],
    bootstrap: &Bootstrap,
) -> Result<PairedDifference> {
    bootstrap.check()?;
    let differences = differences(first, second)?;
    let (seeds, images) = (differences.len(), differences[0].len());
    let root = Seed::new(bootstrap.seed).child("paired bootstrap over seeds and images");
    let replicates: Vec<f64> = (0..bootstrap.replicates)
        .map(|replicate| {
            let mut stream = root.index(replicate as u64).stream();
            let mut times = vec![0.0; images];
            for _ in 0..images {
                times[stream.below(images)] += 1.0;
            }
            let drawn = |row: &Vec<f64>| row.iter().zip(&times).map(|(d, n)| d * n).sum::<f64>();
            let total: f64 = match seeds {
                1 => drawn(&differences[0]),
                _ => (0..seeds)
                    .map(|_| drawn(&differences[stream.below(seeds)]))
                    .sum(),
            };
            total / (seeds * images) as f64
        })
        .collect();
    let of_image = |i: usize| differences.iter().map(|row| row[i]).sum::<f64>() / seeds as f64;
    let means: Vec<f64> = (0..images).map(of_image).collect();
    let test = match means.iter().all(|d| *d == 0.0) {
        true => None,
        false => Some(wilcoxon(&means, &vec![0.0; images])?),
    };
    // Finite values have finite means, and there are at least two replicates.
    let summary = BootstrapSummary::of(&replicates, bootstrap.confidence);
    let summary = summary.ok_or_else(|| too_few("replicates", 2, bootstrap.replicates))?;
    Ok(PairedDifference {
        difference: means.iter().sum::<f64>() / images as f64,
        bootstrap: summary,
        wilcoxon: test,
        seeds,
        images,
    })
}

fn too_few(unit: &'static str, needed: usize, found: usize) -> Error {
    Error::TooFew {
        analysis: "a paired difference",
        unit,
        needed,
        found,
    }
}

/// The differences, checked.
fn differences(first: &[Vec<f64>], second: &[Vec<f64>]) -> Result<Vec<Vec<f64>>> {
    let length = |what: &str, expected: usize, found: usize| match expected == found {
        true => Ok(()),
        false => Err(Error::Length {
            what: what.to_owned(),
            expected,
            found,
        }),
    };
    length("seeds of the second model", first.len(), second.len())?;
    let images = first.first().map_or(0, Vec::len);
    if first.is_empty() {
        return Err(too_few("seeds", 1, 0));
    }
    if images < 2 {
        return Err(too_few("images", 2, images));
    }
    let rows = first.iter().zip(second).enumerate();
    rows.map(|(seed, (a, b))| {
        length(
            &format!("images of the first model's seed {seed}"),
            images,
            a.len(),
        )?;
        length(
            &format!("images of the second model's seed {seed}"),
            images,
            b.len(),
        )?;
        let row: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        match row.iter().position(|d| !d.is_finite()) {
            None => Ok(row),
            Some(image) => Err(Error::NotFinite {
                what: format!("difference of seed {seed}"),
                row: image,
                value: row[image],
            }),
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(seed: u64, seeds: usize, images: usize, shift: f64) -> Vec<Vec<f64>> {
        let mut stream = Seed::new(seed).stream();
        (0..seeds)
            .map(|_| (0..images).map(|_| stream.normal() + shift).collect())
            .collect()
    }

    #[test]
    fn the_standard_error_is_the_textbooks() {
        // One seed: the bootstrap over images, whose error is sd / sqrt(n) with the
        // variance over n. Crossed factors of independent values: variance about three
        // times as large over n (Owen 2007), for seeds and images together.
        let zero = vec![vec![0.0; 400]; 1];
        let values = normal(1, 1, 400, 0.0);
        let found = paired_difference(&values, &zero, &Bootstrap::default()).unwrap();
        let mean = values[0].iter().sum::<f64>() / 400.0;
        let variance = values[0].iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 400.0;
        let expected = (variance / 400.0).sqrt();
        assert!((found.difference - mean).abs() < 1e-12);
        // 10,000 replicates: a standard error of 0.7 % of the error, four of them.
        assert!((found.bootstrap.standard_error / expected - 1.0).abs() < 0.028);

        let (seeds, images) = (30, 40);
        let values = normal(2, seeds, images, 0.0);
        let zero = vec![vec![0.0; images]; seeds];
        let found = paired_difference(&values, &zero, &Bootstrap::default()).unwrap();
        let flat = values.concat();
        let mean = flat.iter().sum::<f64>() / flat.len() as f64;
        let variance = flat.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / flat.len() as f64;
        let naive = (variance / flat.len() as f64).sqrt();
        let ratio = found.bootstrap.standard_error / naive;
        assert!((ratio - 3f64.sqrt()).abs() < 0.25, "{ratio}");
    }

    #[test]
    fn a_shift_is_found_and_pairing_removes_what_images_share() {
        let shared = normal(3, 1, 100, 0.0).remove(0);
        let model = |seed: u64, shift: f64| -> Vec<Vec<f64>> {
            let noise = normal(seed, 3, 100, shift);
            let with = |row: Vec<f64>| row.iter().zip(&shared).map(|(n, s)| 0.1 * n + s).collect();
            noise.into_iter().map(with).collect()
        };
        let found = paired_difference(&model(4, 1.0), &model(5, 0.0), &Bootstrap::default());
        let found = found.unwrap();
        assert!(
            (found.difference - 0.1).abs() < 0.03,
            "{}",
            found.difference
        );
        assert!(found.bootstrap.low > 0.0 && found.bootstrap.high < 0.2);
        assert!(found.wilcoxon.unwrap().p < 1e-6);
        assert_eq!((found.seeds, found.images), (3, 100));
    }

    #[test]
    fn equal_models_differ_by_nothing_and_have_no_test() {
        let values = normal(6, 2, 10, 0.0);
        let found = paired_difference(&values, &values, &Bootstrap::default()).unwrap();
        assert_eq!(found.difference, 0.0);
        assert_eq!((found.bootstrap.low, found.bootstrap.high), (0.0, 0.0));
        assert_eq!(found.wilcoxon, None);
    }

    #[test]
    fn what_does_not_pair_is_refused() {
        let bootstrap = Bootstrap::default();
        let said = |a: &[Vec<f64>], b: &[Vec<f64>]| {
            paired_difference(a, b, &bootstrap).unwrap_err().to_string()
        };
        assert!(
            said(&[], &[]).contains("at least 1 seeds, found 0"),
            "{}",
            said(&[], &[])
        );
        let one = vec![vec![1.0]];
        assert!(said(&one, &one).contains("images"), "{}", said(&one, &one));
        let (two, three) = (vec![vec![1.0, 2.0]], vec![vec![1.0, 2.0, 3.0]]);
        let text = said(&two, &three);
        assert!(text.contains("second model's seed 0"), "{text}");
        let text = said(&two, &[vec![1.0, f64::NAN]]);
        assert!(text.contains("difference of seed 0"), "{text}");
    }
}
