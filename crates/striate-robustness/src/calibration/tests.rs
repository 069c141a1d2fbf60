use proptest::prelude::*;
use striate_random::Seed;
use striate_testkit::assert_close;

use super::*;

#[test]
fn two_bins_by_hand() {
    let confidences = [0.2, 0.4, 0.5, 0.9, 1.0];
    let correct = [false, true, false, true, true];
    let result = calibration(&confidences, &correct, 2, Binning::EqualWidth).unwrap();
    // (0, 0.5]: mean 11/30, accuracy 1/3; (0.5, 1]: 0.95 and 1.
    assert_eq!(
        result.bins.iter().map(|b| b.count).collect::<Vec<_>>(),
        [3, 2]
    );
    let expected = 0.6 * (1.1 / 3.0 - 1.0 / 3.0) + 0.4 * 0.05;
    assert_close(&[result.expected_error], &[expected], 1e-12, 0.0);
    assert_close(&[result.maximum_error], &[0.05], 1e-12, 0.0);
    assert_close(&[result.overconfidence], &[0.6 - 0.6], 1e-12, 0.0);
    let equal = calibration(&confidences, &correct, 2, Binning::EqualCount).unwrap();
    assert_eq!(
        equal.bins.iter().map(|b| b.count).collect::<Vec<_>>(),
        [3, 2]
    );
}

#[test]
fn honest_confidences_are_calibrated() {
    let mut stream = Seed::new(1).stream();
    let confidences: Vec<f64> = (0..100_000).map(|_| stream.uniform()).collect();
    let correct: Vec<bool> = confidences.iter().map(|c| stream.chance(*c)).collect();
    for binning in [Binning::EqualWidth, Binning::EqualCount] {
        let result = calibration(&confidences, &correct, 15, binning).unwrap();
        // Standard error of one bin of 6,667 images is at most 0.006.
        assert!(result.expected_error < 0.006, "{}", result.expected_error);
    }
}

#[test]
fn bad_probabilities_are_named() {
    let error = from_probabilities(&[0.5, 0.5, 0.9, 0.3], 2).unwrap_err();
    assert!(
        matches!(error, Error::NotADistribution { row: 1, .. }),
        "{error}"
    );
    assert!(from_probabilities(&[1.5, -0.5], 2).is_err());
    assert!(from_probabilities(&[0.5; 3], 2).is_err());
    assert!(from_logits(&[0.5, f32::NAN], 2).is_err());
    assert!(calibration(&[1.2], &[true], 3, Binning::EqualWidth).is_err());
    assert!(calibration(&[0.2], &[], 3, Binning::EqualWidth).is_err());
    assert!(calibration(&[], &[], 3, Binning::EqualWidth).is_err());
    assert!(calibration(&[0.2], &[true], 0, Binning::EqualWidth).is_err());
}

#[test]
fn logits_and_probabilities_agree() {
    let logits = [1.0, 3.0, 2.0, 1000.0, 0.0, 1000.0];
    let predictions = from_logits(&logits, 3).unwrap();
    assert_eq!(predictions[0].class, 1);
    let e = |v: f64| v.exp();
    assert_close(
        &[predictions[0].confidence],
        &[e(3.0) / (e(1.0) + e(2.0) + e(3.0))],
        1e-12,
        0.0,
    );
    // Large logits do not overflow, and the first of equals is taken.
    assert_eq!((predictions[1].class, predictions[1].confidence), (0, 0.5));
    let direct = from_probabilities(&[0.1, 0.7, 0.2], 3).unwrap();
    assert_eq!(direct[0].class, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn errors_are_bounded(values in proptest::collection::vec((0.0_f64..=1.0, any::<bool>()), 1..60), bins in 1_usize..20) {
        let (confidences, correct): (Vec<f64>, Vec<bool>) = values.into_iter().unzip();
        for binning in [Binning::EqualWidth, Binning::EqualCount] {
            let c = calibration(&confidences, &correct, bins, binning).unwrap();
            prop_assert_eq!(c.bins.iter().map(|b| b.count).sum::<usize>(), correct.len());
            prop_assert!(c.overconfidence.abs() <= c.expected_error + 1e-12);
            prop_assert!(c.expected_error <= c.maximum_error + 1e-12 && c.maximum_error <= 1.0);
        }
    }
}
