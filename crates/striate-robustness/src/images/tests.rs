use striate_random::Seed;
use striate_testkit::assert_close;

use super::*;
use crate::corruptions::Selection;

/// Outcomes in which images have their own difficulty, shared by all test sets.
fn outcomes(images: usize, seeds: u64, shared: f64) -> Vec<Outcomes> {
    let root = Seed::new(3);
    let mut stream = root.child("difficulty").stream();
    let difficulty: Vec<f64> = (0..images).map(|_| stream.uniform()).collect();
    let mut out = Vec::new();
    for (m, model) in ["baseline", "a", "b"].into_iter().enumerate() {
        for seed in 0..seeds {
            for (c, corruption) in ["fog", "snow"].into_iter().enumerate() {
                for severity in 1..=3_u8 {
                    let node = root.index(m as u64).index(seed).index(c as u64);
                    let mut stream = node.index(u64::from(severity)).stream();
                    let skill = 0.5 + 0.05 * m as f64;
                    let correct = difficulty
                        .iter()
                        .map(|d| skill > shared * d + (1.0 - shared) * stream.uniform())
                        .collect();
                    out.push(Outcomes {
                        model: model.to_owned(),
                        seed,
                        corruption: corruption.to_owned(),
                        severity,
                        correct,
                    });
                }
            }
        }
    }
    out
}

fn config(replicates: usize) -> ScoreConfig {
    ScoreConfig {
        overall: Selection::All,
        bootstrap: Bootstrap {
            replicates,
            ..Bootstrap::default()
        },
        ..ScoreConfig::default()
    }
}

#[test]
fn independent_outcomes_match_the_counting_error() {
    let outcomes = outcomes(500, 1, 0.0);
    let result = bootstrap_images(&outcomes, &config(2_000), Level::Images).unwrap();
    let counted = crate::robustness(&grid(&outcomes).unwrap(), &config(2)).unwrap();
    let expected = counted.scores[1].overall;
    let (name, actual) = &result.scores[0];
    assert_eq!(name, "a");
    // Tolerances: 2,000 replicates know an error to 1.6 %, and chance
    // correlations between 12 test sets of 500 images shift it by some percent.
    assert_close(
        &[actual.standard_error],
        &[expected.images.standard_error],
        0.0,
        0.15,
    );
    assert_close(
        &[actual.mean],
        &[expected.value],
        0.1 * actual.standard_error,
        0.0,
    );
}

#[test]
fn shared_difficulty_helps_ratios() {
    let result = |shared| {
        let outcomes = outcomes(400, 1, shared);
        let summary = bootstrap_images(&outcomes, &config(500), Level::Images).unwrap();
        summary.differences[0].2.standard_error
    };
    assert!(result(0.9) < result(0.0));
}

#[test]
fn drawing_seeds_needs_seeds() {
    let result = bootstrap_images(&outcomes(50, 1, 0.5), &config(10), Level::SeedsAndImages);
    assert!(matches!(result, Err(Error::TooFew { found: 1, .. })));
    let images = bootstrap_images(&outcomes(200, 4, 0.2), &config(400), Level::Images).unwrap();
    let both = bootstrap_images(&outcomes(200, 4, 0.2), &config(400), Level::SeedsAndImages);
    // Further sources of error add to it.
    let (_, a) = images.scores[0];
    let (_, b) = both.unwrap().scores[0];
    assert!(b.standard_error > a.standard_error);
}

#[test]
fn threads_do_not_change_a_bit() {
    let outcomes = outcomes(100, 2, 0.5);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| bootstrap_images(&outcomes, &config(50), Level::SeedsAndImages).unwrap())
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn test_sets_of_another_length_are_named() {
    let mut outcomes = outcomes(20, 1, 0.5);
    outcomes[4].correct.pop();
    let error = grid(&outcomes).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("baseline/seed 0/snow/severity 2"),
        "{error}"
    );
}

#[test]
fn counting_with_weights_is_exact() {
    let mut stream = Seed::new(5).stream();
    let outcomes: Vec<u8> = (0..1000).map(|_| stream.below(2) as u8).collect();
    let counts: Vec<u8> = (0..1000).map(|_| stream.below(256) as u8).collect();
    let pairs = outcomes.iter().zip(&counts);
    let expected: u64 = pairs.map(|(o, c)| u64::from(*o) * u64::from(*c)).sum();
    assert_eq!(weighted_count(&outcomes, &counts), expected);
}

#[test]
fn mean_accuracies_match_the_counts_and_the_binomial_error() {
    let outcomes = outcomes(400, 1, 0.0);
    let config = config(2_000);
    let result = bootstrap_accuracy(&outcomes, &Selection::All, &config.bootstrap).unwrap();
    let grid = grid(&outcomes).unwrap();
    let fog = result
        .means
        .iter()
        .find(|m| m.model == "a" && m.over == "fog")
        .unwrap();
    let cells: Vec<f64> = (1..=3)
        .map(|s| grid.accuracy("a", 0, "fog", s).unwrap())
        .collect();
    let mean = cells.iter().sum::<f64>() / 3.0;
    // Tolerance: sums of quotients of small whole numbers.
    assert_close(&[fog.value], &[mean], 1e-12, 0.0);
    let binomial = (cells.iter().map(|p| p * (1.0 - p)).sum::<f64>() / 9.0 / 400.0).sqrt();
    // Tolerance: 1.6 % from 2,000 replicates, and chance correlations between
    // the three independent test sets.
    assert_close(&[fog.images.standard_error], &[binomial], 0.0, 0.12);
    // Clean images were not tested, so there are two corruptions and their mean.
    assert_eq!(result.means.len(), 3 * 3);
    assert_eq!(result.differences.len(), 3);
}

#[test]
fn shared_difficulty_pairs_the_accuracies() {
    let outcomes = outcomes(400, 1, 0.9);
    let config = config(500);
    let result = bootstrap_accuracy(&outcomes, &Selection::All, &config.bootstrap).unwrap();
    let overall = |model: &str| {
        let of = |m: &&MeanAccuracy| m.model == model && m.over == "overall";
        result.means.iter().find(of).unwrap().images.standard_error
    };
    let (a, b, _, difference) = &result.differences[2];
    assert_eq!((a.as_str(), b.as_str()), ("a", "b"));
    let unpaired = overall("a").hypot(overall("b"));
    assert!(difference.standard_error < 0.7 * unpaired);
}

#[test]
fn an_untested_corruption_is_named() {
    let outcomes = outcomes(10, 1, 0.0);
    let error = bootstrap_accuracy(&outcomes, &Selection::Study, &Bootstrap::default());
    assert!(error.unwrap_err().to_string().contains("gaussian_noise"));
}
