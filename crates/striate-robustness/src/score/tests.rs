use proptest::prelude::*;
use striate_random::Seed;
use striate_testkit::assert_close;

use super::*;
use crate::bootstrap::Pairing;
use crate::corruptions::{CLEAN, COMMON};
use crate::grid::Row;

const TOTAL: u64 = 1_000_000;

/// A grid with accuracy `accuracy(model, seed, corruption, severity)`.
fn grid(
    models: &[&str],
    seeds: usize,
    corruptions: &[&str],
    accuracy: impl Fn(usize, usize, usize, usize) -> f64,
) -> AccuracyGrid {
    let mut rows = Vec::new();
    for (m, model) in models.iter().enumerate() {
        for seed in 0..seeds {
            let mut push = |corruption: &str, severity: usize, accuracy: f64| {
                rows.push(Row {
                    model: (*model).to_owned(),
                    seed: seed as u64,
                    corruption: corruption.to_owned(),
                    severity: severity as u8,
                    correct: (accuracy * TOTAL as f64).round() as u64,
                    total: TOTAL,
                });
            };
            push(CLEAN, 0, 0.9);
            for (c, corruption) in corruptions.iter().enumerate() {
                for severity in 1..=5 {
                    push(corruption, severity, accuracy(m, seed, c, severity));
                }
            }
        }
    }
    AccuracyGrid::from_rows(rows).unwrap()
}

fn config(overall: Selection, replicates: usize) -> ScoreConfig {
    ScoreConfig {
        overall,
        bootstrap: Bootstrap {
            replicates,
            ..Bootstrap::default()
        },
        ..ScoreConfig::default()
    }
}

#[test]
fn the_baseline_scores_one() {
    let grid = grid(&["baseline", "m"], 3, &COMMON, |m, i, c, s| {
        0.8 - 0.1 * s as f64 + 0.01 * (i + m) as f64 + 0.003 * c as f64
    });
    for pooling in [Pooling::RatioOfSums, Pooling::MeanOfRatios] {
        let config = ScoreConfig {
            pooling,
            ..config(Selection::Common, 50)
        };
        let result = robustness(&grid, &config).unwrap();
        let baseline = result.score("baseline").unwrap();
        assert_close(&[baseline.overall.value], &[1.0], 1e-12, 0.0);
        assert_eq!(baseline.overall.seeds, SeedUncertainty::ByDefinition);
        assert_eq!(baseline.overall.images.standard_error, 0.0);
        assert!(result.score("m").unwrap().overall.value > 1.0);
    }
}

#[test]
fn variants_agree_where_the_baseline_is_flat() {
    let grid = grid(&["baseline", "m"], 2, &["fog", "snow"], |m, i, _, s| {
        if m == 0 {
            0.4
        } else {
            0.7 - 0.1 * s as f64 + 0.02 * i as f64
        }
    });
    let value = |pooling| {
        let config = ScoreConfig {
            pooling,
            ..config(Selection::All, 2)
        };
        robustness(&grid, &config).unwrap().scores[1].overall.value
    };
    let (r, m) = (value(Pooling::RatioOfSums), value(Pooling::MeanOfRatios));
    assert_close(&[r], &[m], 1e-12, 0.0);
}

#[test]
fn one_seed_has_no_error_over_seeds() {
    let grid = grid(&["baseline", "m", "n"], 1, &["fog"], |m, _, _, _| {
        0.4 + 0.1 * m as f64
    });
    let result = robustness(&grid, &config(Selection::All, 100)).unwrap();
    let expected = SeedUncertainty::TooFewSeeds {
        model: 1,
        baseline: 1,
    };
    assert_eq!(result.scores[1].overall.seeds, expected);
    assert_eq!(result.differences[0].overall.seeds, expected);
    assert_eq!(result.scores[1].groups[0].rms_error, None);
    assert!(result.scores[1].overall.images.standard_error > 0.0);
    assert_eq!(result.scores[1].overall.detectable, None);
    assert_eq!(result.differences[0].overall.detectable, None);
}

#[test]
fn what_the_seeds_could_have_shown_follows_from_the_spread_of_runs() {
    use crate::power::{Design, LEVEL, POWER, minimal_detectable_effect};
    // Baseline at 0.5 on the mean, with deviation 0.05 over its three seeds; scores of
    // the runs of m: 0.9, 1.2, 1.2, and of n: 1.0, 1.3, 1.3.
    let accuracies = [[0.45, 0.5, 0.55], [0.45, 0.6, 0.6], [0.5, 0.65, 0.65]];
    let grid = grid(
        &["baseline", "m", "n"],
        3,
        &["fog", "snow"],
        |m, seed, _, _| accuracies[m][seed],
    );
    let result = robustness(&grid, &config(Selection::All, 10)).unwrap();
    let effect =
        |deviation, design| minimal_detectable_effect(3, deviation, design, LEVEL, POWER).unwrap();
    // Variances: 0.01 of Baseline's runs, 0.03 of the others'.
    let score = result.score("m").unwrap().overall.detectable.unwrap();
    assert_eq!(score.seeds, 3);
    let paired = crate::mean_sd(&[0.9 - 0.9, 1.2 - 1.0, 1.2 - 1.1]).1;
    let difference = result.difference("m", "n").unwrap();
    let both = difference.overall.detectable.unwrap();
    // Tolerance: accuracies are counts of a million images.
    assert_close(
        &[score.unpaired, score.paired.unwrap(), both.unpaired],
        &[
            effect(0.02f64.sqrt(), Design::Unpaired),
            effect(paired, Design::Paired),
            effect(0.03f64.sqrt(), Design::Unpaired),
        ],
        1e-5,
        0.0,
    );
    // Runs of n are those of m plus a constant: seed by seed, nothing hides it.
    assert_close(&[both.paired.unwrap()], &[0.0], 1e-5, 0.0);
    assert!(difference.groups[0].estimate.detectable.is_some());
    assert_eq!(result.score("baseline").unwrap().overall.detectable, None);
}

/// Synthetic Gaussian seeds: independent for each model and corruption.
fn gaussian(models: &[&str], seeds: usize, sd: f64) -> AccuracyGrid {
    let root = Seed::new(5);
    grid(models, seeds, &["fog", "snow"], |m, i, c, _| {
        let node = root.index(m as u64).index(i as u64).index(c as u64);
        0.5 + sd * node.stream().normal()
    })
}

#[test]
fn the_bootstrap_error_matches_the_delta_method() {
    // Acceptance test 4 of analyses.md 8. 40 seeds, so that the second order of
    // the ratio is far below the tolerance of 5 %.
    let grid = gaussian(&["baseline", "m"], 40, 0.02);
    let result = robustness(&grid, &config(Selection::All, 10_000)).unwrap();
    let moments = |model: &str| {
        let values = grid.accuracies(model, "fog", 1).unwrap();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        (mean, variance / n)
    };
    let ((a, va), (b, vb)) = (moments("m"), moments("baseline"));
    let expected = a / b * (va / (a * a) + vb / (b * b)).sqrt();
    let fog = result.scores[1]
        .corruptions
        .iter()
        .find(|c| c.corruption == "fog")
        .unwrap();
    let bootstrap = fog.estimate.seeds.bootstrap().unwrap();
    assert_close(&[bootstrap.standard_error], &[expected], 0.0, 0.05);
    assert!((bootstrap.mean - fog.estimate.value).abs() < 0.1 * expected);
    assert_close(
        &[bootstrap.high - bootstrap.low],
        &[2.0 * 1.96 * expected],
        0.0,
        0.08,
    );
}

#[test]
fn joint_differences_are_better_determined() {
    // The baseline varies ten times more than the models.
    let root = Seed::new(9);
    let grid = grid(&["baseline", "m", "n"], 8, &["fog"], |m, i, _, _| {
        let sd = if m == 0 { 0.05 } else { 0.005 };
        0.5 + sd * root.index(m as u64).index(i as u64).stream().normal()
    });
    let result = robustness(&grid, &config(Selection::All, 2_000)).unwrap();
    let se = |e: &Estimate| e.seeds.bootstrap().unwrap().standard_error;
    let independent =
        (se(&result.scores[1].overall).powi(2) + se(&result.scores[2].overall).powi(2)).sqrt();
    assert!(se(&result.difference("m", "n").unwrap().overall) < 0.3 * independent);
}

#[test]
fn pairing_removes_a_shared_seed_effect() {
    // Model and baseline share the effect of their seed to 99 %.
    let root = Seed::new(11);
    let grid = grid(&["baseline", "m"], 6, &["fog"], |m, i, _, _| {
        let shared = root.index(i as u64).stream().normal();
        let own = root
            .index(99)
            .index(m as u64)
            .index(i as u64)
            .stream()
            .normal();
        0.5 + 0.03 * shared + 0.0003 * own
    });
    let run = |pairing| {
        let mut config = config(Selection::All, 2_000);
        config.bootstrap.pairing = pairing;
        let result = robustness(&grid, &config).unwrap();
        result.scores[1]
            .overall
            .seeds
            .bootstrap()
            .unwrap()
            .standard_error
    };
    assert!(run(Pairing::Paired) < 0.1 * run(Pairing::Independent));
}

#[test]
fn unequal_seeds_cannot_be_paired() {
    let mut rows = Vec::new();
    for (model, seeds) in [("baseline", 3), ("m", 2)] {
        for seed in 0..seeds {
            rows.push(Row {
                model: model.to_owned(),
                seed,
                corruption: "fog".to_owned(),
                severity: 1,
                correct: 50,
                total: 100,
            });
        }
    }
    let grid = AccuracyGrid::from_rows(rows).unwrap();
    let mut config = config(Selection::All, 10);
    assert!(robustness(&grid, &config).is_ok());
    config.bootstrap.pairing = Pairing::Paired;
    let error = robustness(&grid, &config).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Unpaired {
                found: 2,
                expected: 3,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn groups_and_selections() {
    let grid = grid(&["baseline", "m"], 2, &COMMON, |m, _, c, _| {
        if m == 0 { 0.5 } else { 0.3 + 0.01 * c as f64 }
    });
    let mut config = config(Selection::Study, 10);
    let study = robustness(&grid, &config).unwrap();
    assert_eq!(study.selected.len(), 14);
    let weather = |r: &Robustness| r.scores[1].groups[2].clone();
    assert_eq!(
        weather(&study).members,
        ["snow", "frost", "fog", "brightness"]
    );
    config.grouping = Grouping::StudyAsPlotted;
    let plotted = robustness(&grid, &config).unwrap();
    assert_eq!(weather(&plotted).members, ["frost", "fog", "brightness"]);
    assert_eq!(
        plotted.scores[1].overall.value,
        study.scores[1].overall.value
    );
    config.grouping = Grouping::ImageNetC;
    config.overall = Selection::Common;
    let imagenet = robustness(&grid, &config).unwrap();
    assert!(
        imagenet.scores[1].groups[1]
            .members
            .contains(&"glass_blur".to_owned())
    );
    assert_eq!(imagenet.selected.len(), 15);
    config.overall = Selection::Only(vec!["spatter".to_owned()]);
    assert!(robustness(&grid, &config).is_err());
}

#[test]
fn a_baseline_at_zero_is_an_error() {
    let grid = grid(&["baseline", "m"], 2, &["fog", "snow"], |m, _, c, _| {
        if m == 0 && c == 0 { 0.0 } else { 0.5 }
    });
    let error = robustness(&grid, &config(Selection::All, 10)).unwrap_err();
    assert!(matches!(error, Error::ZeroReference { .. }), "{error}");
}

#[test]
fn counting_errors_match_simulation() {
    // 2,000 binomial draws of the counts: the spread of the score is known to
    // 1.6 %, tolerance four times that.
    let total = 400;
    let (p, q) = (0.3, 0.5);
    let make = |seed: u64| {
        let mut rows = Vec::new();
        let mut stream = Seed::new(seed).stream();
        for (model, p) in [("baseline", q), ("m", p)] {
            for corruption in ["fog", "snow"] {
                for severity in 1..=3 {
                    let hits = (0..total).filter(|_| stream.chance(p)).count();
                    rows.push(Row {
                        model: model.to_owned(),
                        seed: 0,
                        corruption: corruption.to_owned(),
                        severity,
                        correct: hits as u64,
                        total,
                    });
                }
            }
        }
        let grid = AccuracyGrid::from_rows(rows).unwrap();
        robustness(&grid, &config(Selection::All, 2))
            .unwrap()
            .scores[1]
            .overall
    };
    let draws: Vec<f64> = (0..2000).map(|i| make(i).value).collect();
    let (_, sd) = crate::mean_sd(&draws);
    assert_close(&[make(3000).images.standard_error], &[sd], 0.0, 0.065);
}

#[test]
fn the_increment_is_over_the_best_control() {
    let root = Seed::new(21);
    let grid = grid(
        &["baseline", "real", "shuffled", "random"],
        5,
        &["fog"],
        |m, i, _, _| {
            let noise = root.index(m as u64).index(i as u64).stream().normal();
            [0.4, 0.5, 0.45, 0.451][m] + 0.01 * noise
        },
    );
    let config = config(Selection::All, 1_000);
    let result = increment(&grid, &config, "real", &["shuffled", "random"]).unwrap();
    let scores = robustness(&grid, &config).unwrap();
    let value = |m: &str| scores.score(m).unwrap().overall.value;
    let best = value("shuffled").max(value("random"));
    assert_close(&[result.value], &[value("real") - best], 1e-12, 0.0);
    assert_close(&[value(&result.best_control)], &[best], 0.0, 0.0);
    let mean = |u: SeedUncertainty| u.bootstrap().unwrap().mean;
    // The best of two draws is above one of them.
    assert!(mean(result.against_any) < mean(result.against_best));
    assert!(increment(&grid, &config, "real", &[]).is_err());
    assert!(increment(&grid, &config, "real", &["oracle"]).is_err());
}

#[test]
fn run_scores_follow_their_reference() {
    let grid = grid(&["baseline", "m"], 2, &["fog"], |m, i, _, _| match (m, i) {
        (0, 0) => 0.4,
        (0, _) => 0.6,
        _ => 0.5,
    });
    let scores = |reference| {
        let rows = run_scores(
            &grid,
            "baseline",
            Pooling::RatioOfSums,
            &Selection::All,
            reference,
        );
        rows.unwrap().iter().map(|r| r.score).collect::<Vec<_>>()
    };
    assert_close(
        &scores(RunReference::SamePosition),
        &[1.0, 1.0, 1.25, 5.0 / 6.0],
        1e-12,
        0.0,
    );
    assert_close(
        &scores(RunReference::Mean),
        &[0.8, 1.2, 1.0, 1.0],
        1e-12,
        0.0,
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn scores_scale_with_accuracy(factor in 0.2_f64..1.0, seed in 0_u64..1000) {
        let root = Seed::new(seed);
        let grid = grid(&["baseline", "m"], 1, &["fog", "snow"], |m, _, c, s| {
            let base = 0.2 + 0.7 * root.index(c as u64).index(s as u64).stream().uniform();
            if m == 0 { base } else { factor * base }
        });
        for pooling in [Pooling::RatioOfSums, Pooling::MeanOfRatios] {
            let config = ScoreConfig { pooling, ..config(Selection::All, 2) };
            let score = robustness(&grid, &config).unwrap().scores[1].overall.value;
            // Tolerance: counts are rounded to one in a million.
            prop_assert!((score - factor).abs() < 1e-5);
        }
    }
}
