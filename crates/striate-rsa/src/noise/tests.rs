use striate_testkit::{Golden, assert_close};

use super::*;

#[test]
fn noise_aware_distances_agree_with_rsatoolbox() {
    let golden = Golden::open("rsa/matrices");
    let (shape, repeats) = golden.f32("repeats");
    let (images, width) = (shape[1], shape[2]);
    let folds: Vec<Features<'_>> = repeats
        .chunks(images * width)
        .map(|fold| Features::new(fold, images, width).unwrap())
        .collect();
    for (name, shrinkage) in [
        ("identity", Shrinkage::Identity),
        ("diagonal", Shrinkage::Diagonal),
    ] {
        let precision = NoisePrecision::from_repeats(&folds, shrinkage).unwrap();
        // Tolerance: f64 through an inverse of a well-conditioned matrix.
        let expected = golden.f64(&format!("precision.{name}")).1;
        assert_close(&precision.matrix(), &expected, 1e-10, 1e-10);
        let actual = mahalanobis(&folds[0], &precision).unwrap();
        let expected = golden.f64(&format!("mahalanobis.{name}")).1;
        assert_close(actual.values(), &expected, 1e-10, 1e-10);
        let actual = crossnobis(&folds, Some(&precision)).unwrap();
        let expected = golden.f64(&format!("crossnobis.{name}")).1;
        assert_close(actual.values(), &expected, 1e-10, 1e-10);
    }
}

#[test]
fn poisson_divergences_agree_with_rsatoolbox() {
    let golden = Golden::open("rsa/matrices");
    let (shape, rates) = golden.f32("rates");
    let features = Features::new(&rates, shape[0], shape[1]).unwrap();
    let actual = poisson_kl(&features, RatePrior::default()).unwrap();
    assert_close(actual.values(), &golden.f64("poisson").1, 1e-12, 1e-12);
}

#[test]
fn without_a_precision_crossnobis_is_between_folds() {
    let a = [1.0, 0.0, 0.0, 2.0, 3.0, 1.0];
    let b = [0.5, 0.5, 1.0, 2.0, 2.0, 0.0];
    let folds = [&a, &b].map(|v| Features::new(v, 3, 2).unwrap());
    let actual = crossnobis(&folds, None).unwrap();
    // (a_i - a_j) . (b_i - b_j) / 2.
    let expected = [
        (1.0 * -0.5 + -2.0 * -1.5) / 2.0,
        (-2.0 * -1.5 - 0.5) / 2.0,
        (-3.0 * -1.0 + 1.0 * 2.0) / 2.0,
    ];
    assert_close(actual.values(), &expected, 1e-12, 0.0);
}

#[test]
fn shrinkage_makes_few_residuals_invertible() {
    let values: Vec<f32> = (0..4 * 3 * 9)
        .map(|i| ((i * i * 7 + i) % 23) as f32)
        .collect();
    let folds: Vec<Features<'_>> = values
        .chunks(3 * 9)
        .take(2)
        .map(|v| Features::new(v, 3, 9).unwrap())
        .collect();
    let singular = NoisePrecision::from_repeats(&folds, Shrinkage::None).unwrap_err();
    assert!(matches!(singular, Error::Singular { .. }), "{singular}");
    assert!(NoisePrecision::from_repeats(&folds, Shrinkage::Identity).is_ok());
    assert!(NoisePrecision::from_repeats(&folds[..1], Shrinkage::Identity).is_err());
}

#[test]
fn bad_rates_and_features_are_named() {
    let values = [1.0, 2.0, -0.5, 3.0];
    let features = Features::new(&values, 2, 2).unwrap();
    let error = poisson_kl(&features, RatePrior::default()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::NegativeRate {
                image: 1,
                feature: 0,
                ..
            }
        ),
        "{error}"
    );
    let residuals = [
        1.0, 2.0, 3.0, -1.0, 0.5, 0.25, 0.3, -2.0, 0.1, 0.7, -0.4, 1.0,
    ];
    let precision = NoisePrecision::from_residuals(&residuals, 3, 3, Shrinkage::Identity).unwrap();
    assert!(mahalanobis(&features, &precision).is_err());
}
