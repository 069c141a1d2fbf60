use striate_testkit::assert_close;

use super::*;
use crate::corruptions::CLEAN;
use crate::grid::Row;

fn grid(seeds: u64) -> AccuracyGrid {
    let mut rows = Vec::new();
    for (model, step) in [("baseline", 10), ("m", 5)] {
        for seed in 0..seeds {
            let mut push = |corruption: &str, severity: u8, correct: u64| {
                rows.push(Row {
                    model: model.to_owned(),
                    seed,
                    corruption: corruption.to_owned(),
                    severity,
                    correct: correct + seed,
                    total: 100,
                });
            };
            push(CLEAN, 0, 80);
            for severity in 1..=2 {
                push("gaussian_noise", severity, 70 - step * u64::from(severity));
                push("shot_noise", severity, 60 - step * u64::from(severity));
            }
        }
    }
    AccuracyGrid::from_rows(rows).unwrap()
}

fn errors(seeds: u64, normaliser: Normaliser) -> Vec<CorruptionErrors> {
    let bootstrap = Bootstrap {
        replicates: 20,
        ..Bootstrap::default()
    };
    corruption_errors(&grid(seeds), &normaliser, &Selection::All, &bootstrap).unwrap()
}

#[test]
fn the_names_mean_what_they_say() {
    // Baseline errs 40, 50 (Gaussian) and 50, 60 %; the model 35, 40 and 45, 50 %.
    let m = |normaliser| errors(1, normaliser)[1].mean;
    let mean = |a: f64, b: f64| (a + b) / 2.0;
    let expected = [
        mean(0.375, 0.475),
        mean(0.375 / 0.886, 0.475 / 0.894),
        mean(0.375 / 0.45, 0.475 / 0.55),
        mean(0.175 / 0.25, 0.275 / 0.35),
    ];
    let actual = [
        m(Normaliser::Plain),
        m(Normaliser::AlexNet),
        m(Normaliser::Model("baseline".to_owned())),
        m(Normaliser::RelativeToModel("baseline".to_owned())),
    ];
    assert_close(&actual, &expected, 1e-12, 0.0);
}

#[test]
fn a_model_against_itself_is_one() {
    for normaliser in [
        Normaliser::Model("baseline".to_owned()),
        Normaliser::RelativeToModel("baseline".to_owned()),
    ] {
        assert_close(&[errors(3, normaliser)[0].mean], &[1.0], 1e-12, 0.0);
    }
}

#[test]
fn one_seed_has_no_error_bar() {
    assert!(errors(1, Normaliser::Plain)[0].seeds.is_none());
    assert!(
        errors(3, Normaliser::Plain)[0]
            .seeds
            .is_some_and(|s| s.standard_error > 0.0)
    );
}

#[test]
fn a_relative_error_needs_clean_images() {
    let rows = ["a", "b"].map(|model| Row {
        model: model.to_owned(),
        seed: 1,
        corruption: "fog".to_owned(),
        severity: 1,
        correct: 1,
        total: 2,
    });
    let grid = AccuracyGrid::from_rows(rows).unwrap();
    let normaliser = Normaliser::RelativeToModel("a".to_owned());
    let result = corruption_errors(&grid, &normaliser, &Selection::All, &Bootstrap::default());
    assert!(result.is_err());
}
