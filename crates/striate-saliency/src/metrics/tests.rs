//! Metrics against independent definitions in numpy and scipy, and closed forms.

use proptest::prelude::*;
use striate_testkit::{Golden, assert_close};

use super::*;
use crate::{Density, Map};

/// f64 on both sides; the sums are over 768 pixels, in another order.
const ATOL: f64 = 1e-10;

fn map(golden: &Golden, name: &str) -> Map {
    let (shape, values) = golden.f64(name);
    Map::new(shape[0], shape[1], values).unwrap()
}

fn number(golden: &Golden, name: &str) -> f64 {
    golden.f64(name).1[0]
}

#[test]
fn every_metric_agrees_with_its_definition() {
    let golden = Golden::open("saliency/metrics");
    let [a, b, c, d, other] = ["a", "b", "c", "d", "other"].map(|name| map(&golden, name));
    let (p, q) = (a.to_density().unwrap(), b.to_density().unwrap());
    let fixations = Fixations::top_fraction(&b, 0.1).unwrap();
    let others = [Fixations::top_fraction(&other, 0.1).unwrap()];
    let uniform = Density::uniform(24, 32).unwrap();
    let distance = centre_distance(24, 32).unwrap();
    let found = [
        ("correlation", correlation(&a, &b)),
        ("spearman", spearman(&a, &b)),
        ("spearman_ties", spearman(&a, &d)),
        ("similarity", similarity(&p, &q)),
        ("kl", kl_divergence(&p, &q)),
        ("judd", auc_judd(&a, &fixations)),
        ("shuffled", auc_shuffled(&a, &fixations, &others)),
        ("shuffled_ties", auc_shuffled(&d, &fixations, &others)),
        ("nss", nss(&a, &fixations)),
        ("gain", information_gain(&p, &uniform, &fixations)),
        ("partial", partial_correlation(&a, &b, &[&c, &distance])),
    ];
    for (name, value) in found {
        println!("{name}");
        assert_close(&[value.unwrap()], &[number(&golden, name)], ATOL, ATOL);
    }
    assert_close(
        distance.values(),
        map(&golden, "distance").values(),
        ATOL,
        0.0,
    );
}

#[test]
fn one_call_gives_what_the_single_ones_give() {
    let golden = Golden::open("saliency/metrics");
    let [a, b, c, other] = ["a", "b", "c", "other"].map(|name| map(&golden, name));
    let [p, q, o] = [&a, &b, &other].map(|m| m.to_density().unwrap());
    let distance = centre_distance(24, 32).unwrap();
    let all = compare(&p, &q, &o, &[&c, &distance]).unwrap();
    let expected = [
        (all.correlation, "correlation"),
        (all.partial_correlation, "partial"),
        (all.spearman, "spearman"),
        (all.similarity, "similarity"),
        (all.kl_divergence, "kl"),
        (all.auc_judd, "judd"),
        (all.auc_shuffled.unwrap(), "shuffled"),
        (all.nss, "nss"),
        (all.information_gain, "gain"),
    ];
    for (value, name) in expected {
        assert_close(&[value], &[number(&golden, name)], ATOL, ATOL);
    }
    assert_close(
        &[all.correlation_shuffled],
        &[correlation(&a, &other).unwrap()],
        ATOL,
        0.0,
    );
    // The saliency map against itself has no other pixels as negatives.
    assert_eq!(compare(&p, &q, &q, &[]).unwrap().auc_shuffled, None);
}

#[test]
fn local_contrast_agrees_with_its_definition() {
    let golden = Golden::open("saliency/metrics");
    let (_, image) = golden.f32("image");
    let found = rms_contrast(&image, 24, 32, 2.0).unwrap();
    // The pixels are rounded to f32 first.
    assert_close(
        found.values(),
        map(&golden, "contrast").values(),
        1e-7,
        1e-6,
    );
}

#[test]
fn closed_forms() {
    let m = Map::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let reversed = m.with_values(m.values().iter().map(|v| 7.0 - v).collect());
    assert_close(&[correlation(&m, &m).unwrap()], &[1.0], ATOL, 0.0);
    assert_close(&[spearman(&m, &reversed).unwrap()], &[-1.0], ATOL, 0.0);
    let p = m.to_density().unwrap();
    assert_close(&[similarity(&p, &p).unwrap()], &[1.0], ATOL, 0.0);
    assert_close(&[kl_divergence(&p, &p).unwrap()], &[0.0], 1e-9, 0.0);
    // The two largest pixels are told apart perfectly, and by the reverse not at all.
    let best = Fixations::new(2, 3, &[(1, 1), (1, 2)]).unwrap();
    assert_close(&[auc_judd(&m, &best).unwrap()], &[1.0], ATOL, 0.0);
    // One fixation at the smallest value: the definition joins (0, 0) and (1, 1).
    let worst = Fixations::new(2, 3, &[(0, 0)]).unwrap();
    assert_close(&[auc_judd(&m, &worst).unwrap()], &[0.5], ATOL, 0.0);
    assert_close(
        &[auc_shuffled(&m, &best, &[worst]).unwrap()],
        &[1.0],
        ATOL,
        0.0,
    );
    let flat = Map::new(2, 3, vec![2.0; 6]).unwrap();
    assert_close(&[auc_judd(&flat, &best).unwrap()], &[0.5], ATOL, 0.0);
    // (5.5 - 3.5) over the deviation of 1..6, sqrt(3.5).
    assert_close(
        &[nss(&m, &best).unwrap()],
        &[2.0 / 3.5f64.sqrt()],
        ATOL,
        0.0,
    );
    // 11/21 of the mass on 2 of 6 pixels: log2(6 * 5/21) and log2(6 * 6/21), averaged.
    let uniform = Density::uniform(2, 3).unwrap();
    let expected = ((30.0f64 / 21.0).log2() + (36.0f64 / 21.0).log2()) / 2.0;
    let gain = information_gain(&p, &uniform, &best).unwrap();
    assert_close(&[gain], &[expected], ATOL, 0.0);
    // Two maps that share nothing but their control.
    let control = Map::new(1, 8, (0..8).map(f64::from).collect()).unwrap();
    let with = |signs: [f64; 8]| {
        let values = control.values().iter().zip(signs);
        control.with_values(values.map(|(c, s)| 3.0 * c + s).collect())
    };
    // Both are orthogonal to a constant, to the ramp and to each other.
    let x = with([1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0]);
    let y = with([1.0, -1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0]);
    assert!(correlation(&x, &y).unwrap() > 0.9);
    assert_close(
        &[partial_correlation(&x, &y, &[&control, &control]).unwrap()],
        &[0.0],
        ATOL,
        0.0,
    );
}

#[test]
fn what_has_no_value_is_an_error() {
    let m = Map::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let flat = Map::new(2, 3, vec![0.1; 6]).unwrap();
    let turned = Map::new(3, 2, m.values().to_vec()).unwrap();
    let place = Fixations::new(2, 3, &[(0, 1)]).unwrap();
    assert_eq!(
        correlation(&m, &flat).unwrap_err().to_string(),
        "correlation: undefined, because a map is constant"
    );
    assert_eq!(
        spearman(&m, &turned).unwrap_err().to_string(),
        "second map: expected 2 x 3, found 3 x 2"
    );
    assert_eq!(
        auc_judd(&turned, &place).unwrap_err().to_string(),
        "map: expected 2 x 3, the size of the fixations, found 3 x 2"
    );
    assert_eq!(
        nss(&flat, &place).unwrap_err().to_string(),
        "NSS: undefined, because a map is constant"
    );
    assert_eq!(
        partial_correlation(&m, &m, &[&m]).unwrap_err().to_string(),
        "partial correlation: undefined, because the controls explain a map altogether"
    );
    assert_eq!(
        Fixations::new(2, 3, &[(2, 0)]).unwrap_err().to_string(),
        "fixation: expected a place inside 2 x 3, found row 2, column 0"
    );
    assert!(Fixations::new(1, 1, &[(0, 0)]).is_err() && Fixations::new(2, 2, &[]).is_err());
    assert!(auc_shuffled(&m, &place, std::slice::from_ref(&place)).is_err());
}

proptest! {
    #[test]
    fn metrics_keep_their_ranges_and_invariances(
        values in prop::collection::vec((0.0f64..1.0, 0.0f64..1.0), 20),
        scale in 0.1f64..10.0,
        offset in -5.0f64..5.0,
    ) {
        let (a, b): (Vec<f64>, Vec<f64>) = values.into_iter().unzip();
        let a = Map::new(4, 5, a).unwrap();
        let b = Map::new(4, 5, b).unwrap();
        let moved = a.with_values(a.values().iter().map(|v| v * scale + offset).collect());
        let cc = correlation(&a, &b).unwrap();
        // Cancellation against the offset costs about three digits.
        prop_assert!((cc - correlation(&moved, &b).unwrap()).abs() < 1e-11);
        prop_assert!((cc - correlation(&b, &a).unwrap()).abs() < 1e-12);
        let grown = a.with_values(a.values().iter().map(|v| v.exp()).collect());
        prop_assert_eq!(spearman(&a, &b).unwrap(), spearman(&grown, &b).unwrap());
        let fixations = Fixations::top_fraction(&b, 0.2).unwrap();
        let auc = auc_judd(&a, &fixations).unwrap();
        prop_assert!((0.0..=1.0).contains(&auc));
        prop_assert_eq!(auc, auc_judd(&grown, &fixations).unwrap());
        let (p, q) = (a.to_density().unwrap(), b.to_density().unwrap());
        let sim = similarity(&p, &q).unwrap();
        prop_assert!((0.0..=1.0 + 1e-12).contains(&sim));
        prop_assert!(kl_divergence(&p, &q).unwrap() > -1e-9);
    }
}
