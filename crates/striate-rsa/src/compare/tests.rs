use proptest::prelude::*;
use striate_random::Seed;
use striate_testkit::{Golden, assert_close};

use super::*;
use crate::{Dissimilarity, Features};

/// The comparators that rsatoolbox has.
fn shared() -> impl Iterator<Item = Comparator> {
    Comparator::ALL
        .into_iter()
        .filter(|c| *c != Comparator::Arctanh)
}

fn images(pairs: usize) -> usize {
    (2..).find(|n| n * (n - 1) / 2 == pairs).unwrap()
}

#[test]
fn similarities_agree_with_rsatoolbox() {
    let golden = Golden::open("rsa/comparisons");
    let draws: Vec<Vec<usize>> = {
        let (shape, values) = golden.f64("draws");
        let draws = values.chunks(shape[1]);
        draws
            .map(|d| d.iter().map(|i| *i as usize).collect())
            .collect()
    };
    for (first, second) in [("a", "b"), ("tied_a", "tied_b"), ("a", "tied_b")] {
        let rdm = |name: &str| {
            let values = golden.f64(name).1;
            let images = images(values.len());
            Rdm::from_condensed(values, images).unwrap()
        };
        let (a, b) = (rdm(first), rdm(second));
        for comparator in shared() {
            let key = format!("{}.{first}.{second}", comparator.name());
            // Tolerance: both in f64; rounding alone.
            let value = compare(&a, &b, comparator).unwrap();
            assert_close(&[value], &golden.f64(&key).1, 1e-12, 0.0);
            let sampled: Vec<f64> = draws
                .iter()
                .map(|draw| compare_drawn(&a, &b, draw, comparator).unwrap())
                .collect();
            assert_close(&sampled, &golden.f64(&format!("{key}.draws")).1, 1e-12, 0.0);
        }
    }
}

fn random_rdm(images: usize, seed: u64, levels: Option<f64>) -> Rdm {
    let mut stream = Seed::new(seed).stream();
    let values = (0..images * (images - 1) / 2)
        .map(|_| {
            let value = 2.0 * stream.uniform();
            levels.map_or(value, |l| (value * l).floor() / l)
        })
        .collect();
    Rdm::from_condensed(values, images).unwrap()
}

/// Kendall's counts by looking at every pair.
fn tau_by_pairs(a: &[f64], b: &[f64], corrected: bool) -> f64 {
    let (mut score, mut untied_a, mut untied_b, mut all) = (0.0, 0.0, 0.0, 0.0);
    for i in 0..a.len() {
        for j in 0..i {
            let sign = |v: f64| if v == 0.0 { 0.0 } else { v.signum() };
            let (x, y) = (sign(a[i] - a[j]), sign(b[i] - b[j]));
            score += x * y;
            untied_a += x.abs();
            untied_b += y.abs();
            all += 1.0;
        }
    }
    if corrected {
        score / f64::sqrt(untied_a * untied_b)
    } else {
        score / all
    }
}

#[test]
fn arctanh_matches_its_formula() {
    let (a, b) = (random_rdm(6, 1, None), random_rdm(6, 2, None));
    let z = |r: &Rdm| {
        r.values()
            .iter()
            .map(|v| (1.0 - v).atanh())
            .collect::<Vec<_>>()
    };
    let as_rdm = |r: &Rdm| Rdm::from_condensed(z(r), 6).unwrap();
    let expected = compare(&as_rdm(&a), &as_rdm(&b), Comparator::Pearson).unwrap();
    assert_close(
        &[compare(&a, &b, Comparator::Arctanh).unwrap()],
        &[expected],
        1e-12,
        0.0,
    );
    let squares = z(&a)
        .iter()
        .zip(z(&b))
        .map(|(a, b)| (a - b).powi(2))
        .sum::<f64>()
        / 15.0;
    assert_close(&[arctanh_distance(&a, &b).unwrap()], &[squares], 1e-12, 0.0);
    let far = Rdm::from_condensed(vec![0.1, 7.0, 0.3], 3).unwrap();
    let error = compare(&far, &far, Comparator::Arctanh).unwrap_err();
    assert!(
        matches!(error, Error::NotACorrelation { i: 0, j: 2, .. }),
        "{error}"
    );
}

#[test]
fn whitened_cosine_of_distances_is_linear_cka() {
    let golden = Golden::open("rsa/cka");
    let rdm = |name: &str| {
        let (shape, values) = golden.f32(name);
        let features = Features::new(&values, shape[0], shape[1]).unwrap();
        Rdm::from_features(&features, Dissimilarity::SquaredEuclidean).unwrap()
    };
    let value = compare(&rdm("x"), &rdm("y"), Comparator::CosineCov).unwrap();
    assert_close(&[value], &golden.f64("value").1, 1e-12, 0.0);
}

#[test]
fn matrices_without_variation_are_refused() {
    let flat = Rdm::from_condensed(vec![0.3; 6], 4).unwrap();
    let other = random_rdm(4, 1, None);
    for comparator in [
        Comparator::Pearson,
        Comparator::Spearman,
        Comparator::CorrCov,
    ] {
        let error = compare(&other, &flat, comparator).unwrap_err();
        let expected = Error::ConstantMatrix {
            which: "second",
            comparator: comparator.name(),
        };
        assert_eq!(error, expected);
    }
    assert!(compare(&flat, &flat, Comparator::Cosine).is_ok());
}

#[test]
fn different_images_are_listed() {
    let ids = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let a = random_rdm(3, 1, None)
        .with_ids(ids(&["x", "y", "z"]))
        .unwrap();
    let b = random_rdm(3, 1, None)
        .with_ids(ids(&["x", "z", "w"]))
        .unwrap();
    let error = compare(&a, &b, Comparator::Pearson)
        .unwrap_err()
        .to_string();
    assert!(error.contains("y only in the first") && error.contains("w only in the second"));
    let c = random_rdm(3, 1, None)
        .with_ids(ids(&["x", "z", "y"]))
        .unwrap();
    let error = compare(&a, &c, Comparator::Pearson).unwrap_err();
    assert!(
        matches!(error, Error::DifferentOrder { position: 1, .. }),
        "{error}"
    );
    assert!(compare(&a, &random_rdm(4, 1, None), Comparator::Pearson).is_err());
}

#[test]
fn names_parse() {
    for comparator in Comparator::ALL {
        assert_eq!(comparator.name().parse::<Comparator>().unwrap(), comparator);
    }
    assert!("kendall".parse::<Comparator>().is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn comparators_are_symmetric_and_bounded(n in 3_usize..9, s in 0_u64..10_000, coarse: bool) {
        let levels = coarse.then_some(3.0);
        let (a, b) = (random_rdm(n, s, levels), random_rdm(n, s + 1, None));
        for comparator in Comparator::ALL {
            let Ok(value) = compare(&a, &b, comparator) else { continue };
            let swapped = compare(&b, &a, comparator).unwrap();
            prop_assert!((value - swapped).abs() < 1e-12);
            prop_assert!(value.abs() <= 1.0 + 1e-12);
            // Without ties a matrix is perfectly similar to itself.
            let own = compare(&b, &b, comparator).unwrap();
            prop_assert!((own - 1.0).abs() < 1e-12, "{} {own}", comparator.name());
        }
    }

    #[test]
    fn rank_measures_see_order_alone(n in 3_usize..9, s in 0_u64..10_000) {
        let (a, b) = (random_rdm(n, s, Some(5.0)), random_rdm(n, s + 1, Some(4.0)));
        let cubed = Rdm::from_condensed(a.values().iter().map(|v| v.powi(3) + 7.0).collect(), n);
        let cubed = cubed.unwrap();
        for comparator in Comparator::ALL.into_iter().filter(|c| c.ranked()) {
            let (x, y) = (compare(&a, &b, comparator), compare(&cubed, &b, comparator));
            prop_assert_eq!(x.ok(), y.ok());
        }
    }

    #[test]
    fn tau_counts_every_pair(n in 3_usize..9, s in 0_u64..10_000, levels in 1_u8..6) {
        let levels = Some(f64::from(levels));
        let (a, b) = (random_rdm(n, s, levels), random_rdm(n, s + 1, levels));
        let value = compare(&a, &b, Comparator::TauA).unwrap();
        prop_assert!((value - tau_by_pairs(a.values(), b.values(), false)).abs() < 1e-12);
        if let Ok(value) = compare(&a, &b, Comparator::TauB) {
            prop_assert!((value - tau_by_pairs(a.values(), b.values(), true)).abs() < 1e-12);
        }
    }

    #[test]
    fn linear_measures_ignore_scale(n in 3_usize..9, s in 0_u64..10_000, scale in 0.1_f64..9.0) {
        let (a, b) = (random_rdm(n, s, None), random_rdm(n, s + 1, None));
        let scaled = Rdm::from_condensed(a.values().iter().map(|v| v * scale).collect(), n);
        let scaled = scaled.unwrap();
        use Comparator::{CorrCov, Cosine, CosineCov, Pearson};
        for comparator in [Pearson, Cosine, CorrCov, CosineCov] {
            let x = compare(&a, &b, comparator).unwrap();
            let y = compare(&scaled, &b, comparator).unwrap();
            prop_assert!((x - y).abs() < 1e-10);
        }
    }
}
