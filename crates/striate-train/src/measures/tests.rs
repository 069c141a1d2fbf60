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
