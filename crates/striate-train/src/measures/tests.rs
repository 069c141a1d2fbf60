use proptest::prelude::*;
use striate_testkit::{Golden, assert_close};

use super::*;

// The vectors are those of training.md 11, given to eight digits.

#[test]
fn correlation_of_the_reference() {
    let predicted = [1.0, 1.0, 2.0, 1.0, 4.0, 1.0];
    let observed = [1.0, 1.0, 3.0, 2.0, 3.0, 3.0];
    let found = correlation(&predicted, &observed, 2).unwrap();
    assert_close(&found, &[0.755_928_93, 0.0], 5e-8, 0.0);
}

#[test]
fn poisson_of_the_reference() {
    let found = poisson_loss(&[1.3, 0.4, 2.5], &[2.0, 0.0, 1.0]).unwrap();
    // The inputs are f32.
    assert_close(&[found], &[2.758_980_739_2], 1e-6, 0.0);
}

#[test]
fn explainable_variance_of_the_reference() {
    let repeated = Repeated::new(&[1.0, 3.0, 4.0, 6.0], 1, &[7, 7, 2, 2]).unwrap();
    let explained = repeated.fraction_explained(&[2.5, 2.5, 4.0, 4.0]).unwrap();
    assert_close(&repeated.explainable_variance(), &[0.538_461_54], 5e-9, 0.0);
    assert_close(&explained, &[1.160_714_29], 5e-9, 0.0);
}

#[test]
fn oracle_of_the_reference() {
    let repeated = Repeated::new(&[1.0, 2.0, 4.0, 5.0, 6.0, 4.0], 1, &[0, 0, 0, 1, 1, 1]).unwrap();
    assert_close(&repeated.oracle_correlation(), &[0.501_556_82], 5e-9, 0.0);
}

#[test]
fn repeats_need_not_lie_together() {
    let together = Repeated::new(&[1.0, 2.0, 4.0, 5.0, 6.0, 4.0], 1, &[0, 0, 0, 1, 1, 1]).unwrap();
    let mixed = Repeated::new(&[1.0, 5.0, 2.0, 6.0, 4.0, 4.0], 1, &[0, 1, 0, 1, 0, 1]).unwrap();
    assert_eq!(together.oracle_correlation(), mixed.oracle_correlation());
    assert_eq!(
        together.corrected_oracle_correlation(),
        mixed.corrected_oracle_correlation()
    );
}

#[test]
fn a_trial_without_a_response_is_no_trial() {
    let nan = f32::NAN;
    // The second neuron misses the third trial and all of image 5.
    let with = [
        1.0, 2.0, 3.0, 1.0, 4.0, nan, 6.0, 5.0, 2.0, 4.0, 0.0, nan, 1.0, nan,
    ];
    let images = [7, 7, 2, 2, 2, 5, 5];
    let whole = Repeated::new(&with, 2, &images).unwrap();
    let alone = [2.0, 1.0, 5.0, 4.0];
    let second = Repeated::new(&alone, 1, &[7, 7, 2, 2]).unwrap();
    let predicted = [
        0.5, 1.0, 0.5, 1.0, 3.0, 4.0, 3.0, 4.0, 3.0, 4.0, 1.0, 2.0, 1.0, 2.0,
    ];
    let of_second = [1.0, 1.0, 4.0, 4.0];
    let pairs = [
        (whole.oracle_correlation(), second.oracle_correlation()),
        (
            whole.corrected_oracle_correlation(),
            second.corrected_oracle_correlation(),
        ),
        (whole.explainable_variance(), second.explainable_variance()),
        (
            whole.fraction_explained(&predicted).unwrap(),
            second.fraction_explained(&of_second).unwrap(),
        ),
        (
            whole.average_correlation(&predicted).unwrap(),
            second.average_correlation(&of_second).unwrap(),
        ),
        (
            correlation(&predicted, &with, 2).unwrap(),
            correlation(&of_second, &alone, 1).unwrap(),
        ),
    ];
    for (whole, second) in pairs {
        assert!(whole.iter().all(|v| v.is_finite()));
        assert_eq!(whole[1], second[0]);
    }
}

#[test]
fn the_mean_over_repeats_predicts_itself() {
    let repeated = Repeated::new(&[1.0, 3.0, 4.0, 6.0], 1, &[0, 0, 1, 1]).unwrap();
    let found = repeated.average_correlation(&[2.0, 2.0, 5.0, 5.0]).unwrap();
    // The 1e-8 in the denominator.
    assert_close(&found, &[1.0], 1e-7, 0.0);
}

#[test]
fn accuracy_counts_the_largest() {
    let logits = [1.0, 2.0, 0.0, 3.0, 3.0, 1.0, 0.0, 0.0, 0.5];
    // The first of equals wins.
    assert_eq!(accuracy(&logits, &[1, 0, 1], 3).unwrap(), 100.0 * 2.0 / 3.0);
    assert!(accuracy(&logits, &[1, 0], 3).is_err());
}

#[test]
fn fraction_of_oracle_is_a_slope() {
    let found = fraction_of_oracle(&[0.3, 0.6], &[0.5, 1.0]).unwrap();
    assert_close(&[found], &[0.6], 1e-12, 0.0);
}

/// The measures of neuralpredictors on random responses (tests/golden/train.py).
#[test]
fn measures_equal_neuralpredictors() {
    let golden = Golden::open("train/measures");
    let (responses, predictions) = (golden.f32("responses").1, golden.f32("predictions").1);
    let images: Vec<u32> = (0..60).map(|trial| trial / 5).collect();
    let repeated = Repeated::new(&responses, 4, &images).unwrap();
    let found = [
        (
            "correlation",
            correlation(&predictions, &responses, 4).unwrap(),
        ),
        (
            "average_correlation",
            repeated.average_correlation(&predictions).unwrap(),
        ),
        ("oracle", repeated.oracle_correlation()),
        ("corrected_oracle", repeated.corrected_oracle_correlation()),
        ("explainable", repeated.explainable_variance()),
        (
            "explained",
            repeated.fraction_explained(&predictions).unwrap(),
        ),
    ];
    for (name, values) in found {
        // Both in f64; only the order of the sums differs.
        assert_close(&values, &golden.f64(name).1, 1e-12, 1e-12);
    }
}

proptest! {
    /// Correlation does not change with scale and offset, and lies in [-1, 1].
    #[test]
    fn correlation_is_invariant(values in prop::collection::vec((0.0f32..9.0, 0.0f32..9.0), 4..30), scale in 0.5f32..4.0, offset in -3.0f32..3.0) {
        let (x, y): (Vec<f32>, Vec<f32>) = values.into_iter().unzip();
        let moved: Vec<f32> = x.iter().map(|v| scale * v + offset).collect();
        let (a, b) = (correlation(&x, &y, 1).unwrap()[0], correlation(&moved, &y, 1).unwrap()[0]);
        prop_assert!((-1.0..=1.0).contains(&a));
        // f32 rounding of the moved values, relative to a small spread.
        prop_assert!((a - b).abs() < 1e-3);
    }
}

#[test]
fn the_largest_correlation_is_that_of_the_true_rates() {
    let (images, repeats) = (2000, 5);
    let mut stream = striate_random::Seed::new(3).child("ceiling").stream();
    let rates: Vec<f32> = (0..images).map(|_| stream.normal() as f32).collect();
    let ids: Vec<u32> = (0..images as u32)
        .flat_map(|i| std::iter::repeat_n(i, repeats))
        .collect();
    let trials: Vec<f32> = ids
        .iter()
        .map(|i| rates[*i as usize] + 2.0 * stream.normal() as f32)
        .collect();
    let repeated = Repeated::new(&trials, 1, &ids).unwrap();
    let of_trials: Vec<f32> = ids.iter().map(|i| rates[*i as usize]).collect();
    let reached = repeated.average_correlation(&of_trials).unwrap();
    assert_close(&repeated.max_correlation(), &reached, 0.02, 0.0);
    // sqrt(1 / (1 + 4 / 5)), by the variances.
    assert_close(&reached, &[0.745_36], 0.02, 0.0);
    let once = Repeated::new(&trials[..3], 1, &[0, 1, 2]).unwrap();
    assert!(once.max_correlation()[0].is_nan());
}
