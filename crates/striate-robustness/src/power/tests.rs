use striate_random::Seed;
use striate_testkit::assert_close;

use super::*;
use crate::special::{t_survival, t_two_sided};

#[test]
fn the_noncentral_t_agrees_with_scipy() {
    // scipy.stats.nct.cdf 1.17.1.
    let actual = [
        noncentral_t_cdf(2.0, 4.0, 1.0),
        noncentral_t_cdf(2.306, 8.0, 3.2),
        noncentral_t_cdf(-2.0, 1.0, 0.5),
        noncentral_t_cdf(2.0, 98.0, 2.5),
    ];
    // Tolerance: the step of the quadrature.
    assert_close(&actual, &EXPECTED, 1e-9, 0.0);
    let central = noncentral_t_cdf(1.3, 6.0, 0.0);
    assert_close(&[central], &[1.0 - t_survival(1.3, 6.0)], 1e-9, 0.0);
}

#[test]
fn five_seeds_see_only_large_effects() {
    // The classical table: two groups of five, 80 % power at 5 %, d = 2.02.
    let unpaired = minimal_detectable_effect(5, 1.0, Design::Unpaired, 0.05, 0.8).unwrap();
    assert_close(&[unpaired], &[2.02], 5e-3, 0.0);
    let paired = minimal_detectable_effect(5, 1.0, Design::Paired, 0.05, 0.8).unwrap();
    assert_close(
        &[power(5, paired, 1.0, Design::Paired, 0.05).unwrap()],
        &[0.8],
        1e-6,
        0.0,
    );
    let more = minimal_detectable_effect(20, 1.0, Design::Unpaired, 0.05, 0.8).unwrap();
    assert!(more < 0.5 * unpaired);
    assert_close(
        &[minimal_detectable_effect(5, 3.0, Design::Unpaired, 0.05, 0.8).unwrap()],
        &[3.0 * unpaired],
        1e-9,
        0.0,
    );
}

#[test]
fn power_is_the_share_of_significant_tests() {
    // 4,000 paired experiments of 5 seeds; three standard errors are 0.024.
    let root = Seed::new(2);
    let (effect, count) = (1.5, 4000);
    let significant = (0..count)
        .filter(|k| {
            let mut stream = root.index(*k).stream();
            let values: Vec<f64> = (0..5).map(|_| effect + stream.normal()).collect();
            let (mean, sd) = mean_sd(&values);
            t_two_sided(mean / (sd / 5.0_f64.sqrt()), 4.0) < 0.05
        })
        .count();
    let expected = power(5, effect, 1.0, Design::Paired, 0.05).unwrap();
    assert_close(
        &[significant as f64 / count as f64],
        &[expected],
        0.024,
        0.0,
    );
}

#[test]
fn a_detectable_difference_follows_from_the_spread_over_seeds() {
    let detector = Detector::new([1, 3, 3]).unwrap();
    let first = [(1, 1.0), (2, 2.0), (3, 3.0)];
    // In another order: the differences by seed are -1, 0 and -1.
    let second = [(3, 4.0), (1, 2.0), (2, 2.0)];
    let found = detector.difference(&first, &second).unwrap();
    let effect =
        |deviation, design| minimal_detectable_effect(3, deviation, design, LEVEL, POWER).unwrap();
    assert_eq!(found.seeds, 3);
    let variance = |scores: [f64; 3]| mean_sd(&scores).1.powi(2);
    let deviation = (0.5 * (1.0 + variance([4.0, 2.0, 2.0]))).sqrt();
    // Tolerance: the end of the search for an effect.
    assert_close(
        &[found.unpaired],
        &[effect(deviation, Design::Unpaired)],
        1e-9,
        0.0,
    );
    let by_seed = mean_sd(&[1.0 - 2.0, 2.0 - 2.0, 3.0 - 4.0]).1;
    assert_close(
        &[found.paired.unwrap()],
        &[effect(by_seed, Design::Paired)],
        1e-9,
        0.0,
    );
    // Other seeds cannot be paired, and one seed shows nothing.
    let others = [(1, 1.0), (2, 2.0), (4, 3.0)];
    let unpaired = detector.difference(&first, &others).unwrap();
    assert_eq!(unpaired.paired, None);
    assert_close(
        &[unpaired.unpaired],
        &[effect(1.0, Design::Unpaired)],
        1e-9,
        0.0,
    );
    assert_eq!(detector.difference(&first, &others[..1]), None);
}

#[test]
fn one_seed_shows_nothing() {
    let result = minimal_detectable_effect(1, 1.0, Design::Unpaired, 0.05, 0.8);
    assert!(matches!(result, Err(Error::TooFew { found: 1, .. })));
    assert!(minimal_detectable_effect(5, 1.0, Design::Unpaired, 0.05, 1.0).is_err());
    assert!(minimal_detectable_effect(5, -1.0, Design::Unpaired, 0.05, 0.8).is_err());
    assert!(power(5, 1.0, 0.0, Design::Unpaired, 0.05).is_err());
    assert!(power(5, 1.0, 1.0, Design::Unpaired, 0.0).is_err());
}

const EXPECTED: [f64; 4] = [
    0.7645674538243243,
    0.20022158002185594,
    0.07457768951883127,
    0.3085174278893599,
];
