use striate_testkit::assert_close;

use super::*;
use crate::corruptions::{COMMON, EXTRA, Selection};
use crate::{Bootstrap, Row};

/// A model that gains in proportion to the frequency of the corruption.
fn grid(corruptions: &[&str], seeds: u64, slope: f64) -> AccuracyGrid {
    let mut rows = Vec::new();
    for model in ["baseline", "blurred"] {
        for seed in 0..seeds {
            for corruption in corruptions {
                let gain = match model {
                    "baseline" => 0.0,
                    _ => slope * centre(corruption).unwrap(),
                };
                for severity in 1..=2_u8 {
                    rows.push(Row {
                        model: model.to_owned(),
                        seed,
                        corruption: (*corruption).to_owned(),
                        severity,
                        correct: (400.0 * (1.0 + gain)).round() as u64 + seed,
                        total: 1000,
                    });
                }
            }
        }
    }
    AccuracyGrid::from_rows(rows).unwrap()
}

fn config() -> ScoreConfig {
    ScoreConfig {
        overall: Selection::All,
        bootstrap: Bootstrap {
            replicates: 200,
            ..Bootstrap::default()
        },
        ..ScoreConfig::default()
    }
}

#[test]
fn every_corruption_has_a_frequency_and_noise_is_higher_than_fog() {
    for name in COMMON.iter().chain(&EXTRA) {
        let value = centre(name).unwrap();
        assert!((0.0..0.71).contains(&value), "{name}: {value}");
    }
    assert!(centre("gaussian_noise") > centre("pixelate"));
    assert!(centre("pixelate") > centre("fog"));
    assert_eq!(centre("clean"), None);
}

#[test]
fn a_gain_at_high_frequencies_shows_as_a_positive_difference() {
    let split = frequency_split(&grid(&COMMON, 3, 1.0), &config()).unwrap();
    assert_eq!((split.low.len(), split.high.len()), (7, 7));
    let score = &split.scores[0];
    let expected = |part: &[String]| {
        let gains = part.iter().map(|c| 1.0 + centre(c).unwrap());
        gains.sum::<f64>() / part.len() as f64
    };
    // Tolerance: whole images of 400, and a seed's one image more.
    assert_close(
        &[score.low, score.high],
        &[expected(&split.low), expected(&split.high)],
        5e-3,
        0.0,
    );
    assert!(score.difference.unwrap().low > 0.0);
    assert!(score.correlation.unwrap() > 0.99);
}

#[test]
fn one_seed_gives_no_interval_and_equal_scores_no_correlation() {
    let split = frequency_split(&grid(&COMMON, 1, 0.0), &config()).unwrap();
    assert_eq!(split.scores[0].difference, None);
    assert_eq!(split.scores[0].correlation, None);
}

#[test]
fn too_few_or_unmeasured_corruptions_are_refused() {
    let few = frequency_split(&grid(&["fog", "snow", "frost"], 1, 0.0), &config());
    assert!(
        few.unwrap_err()
            .to_string()
            .contains("at least 4 corruptions")
    );
}
