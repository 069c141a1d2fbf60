use striate_testkit::assert_close;

use super::*;
use crate::corruptions::Grouping;
use crate::score::aggregate;

const FIXTURE: &str = include_str!("../../tests/fixtures/fixture_per_corruption.csv");
const RUNS: &str = include_str!("../../tests/fixtures/fixture_mtl_runs.csv");

fn fixture(model: &str) -> (Vec<(String, f64)>, Vec<f64>) {
    let mut scores = Vec::new();
    let mut errors = Vec::new();
    for line in FIXTURE.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        if fields[0] == model {
            scores.push((fields[1].to_owned(), fields[2].parse().unwrap()));
            errors.push(fields[3].parse().unwrap());
        }
    }
    (scores, errors)
}

const NAMES: [&str; 4] = [
    "tin_mtl",
    "tin_mtl_shuffled",
    "tin_mtl_simulated",
    "tin_oracle",
];

#[test]
fn overall_scores_are_the_means_over_corruptions() {
    // Acceptance test 1 of analyses.md 8.
    let expected = [1.141074, 0.963281, 1.217437, 1.237472];
    for (name, expected) in NAMES.iter().zip(expected) {
        let overall = aggregate(&fixture(name).0, &STUDY).unwrap();
        // Tolerance: both sides are rounded to six digits.
        assert_close(&[overall], &[expected], 1e-6, 0.0);
    }
    let baseline = aggregate(&fixture("tin_baseline").0, &STUDY).unwrap();
    assert_close(&[baseline], &[1.0], 1e-12, 0.0);
}

#[test]
fn the_table_holds_the_fixture() {
    for (name, model) in NAMES.iter().zip(&SCORES) {
        let (scores, errors) = fixture(name);
        for ((corruption, score), error) in scores.iter().zip(errors) {
            let published = model.corruption(corruption).unwrap();
            assert_close(
                &[published.value, published.error],
                &[*score, error],
                1e-9,
                0.0,
            );
        }
        assert_eq!(scores.len(), STUDY.len());
    }
}

#[test]
fn groups_are_means_with_root_mean_square_errors() {
    for (name, model) in NAMES.iter().zip(&SCORES) {
        let (scores, errors) = fixture(name);
        let group = |members: &[&str]| {
            let squares = members.iter().map(|m| {
                let index = scores.iter().position(|(n, _)| n == m).unwrap();
                errors[index].powi(2)
            });
            let rms = (squares.sum::<f64>() / members.len() as f64).sqrt();
            [aggregate(&scores, members).unwrap(), rms]
        };
        // Tolerance: the table is rounded to 0.1 %.
        for g in Group::ALL {
            let p = model.group(g);
            assert_close(
                &group(Grouping::Study.members(g)),
                &[p.value, p.error],
                6e-4,
                0.0,
            );
        }
        let plotted = model.weather_as_plotted;
        let members = Grouping::StudyAsPlotted.members(Group::Weather);
        assert_close(&group(members), &[plotted.value, plotted.error], 6e-4, 0.0);
    }
}

#[test]
fn ratios_are_the_means_of_the_runs() {
    for ratio in &RATIOS {
        let rows: Vec<Vec<f64>> = RUNS
            .lines()
            .skip(1)
            .map(|l| l.split(',').map(|f| f.parse().unwrap()).collect())
            .filter(|r: &Vec<f64>| r[0] == f64::from(ratio.key))
            .collect();
        assert_eq!(rows.len(), 5);
        let column = |c: usize| rows.iter().map(|r| r[c]).collect::<Vec<_>>();
        let (score, sd) = crate::mean_sd(&column(2));
        // Tolerance: the table's digits.
        assert_close(
            &[score, sd],
            &[ratio.robustness.value, ratio.robustness.error],
            6e-4,
            0.0,
        );
        let neural = crate::mean_sd(&column(3)).0;
        let clean = crate::mean_sd(&column(4)).0 / 100.0;
        assert_close(
            &[neural, clean],
            &[ratio.neural_correlation, ratio.clean],
            6e-5,
            0.0,
        );
    }
}
