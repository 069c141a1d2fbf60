use striate_testkit::assert_close;

use super::*;

#[test]
fn distributions_agree_with_scipy() {
    // scipy 1.17: stats.t.sf, stats.f.sf, stats.norm.cdf, special.erfc, gammaln.
    let actual = [
        t_survival(2.0, 5.0),
        t_two_sided(4.909, 57.0),
        f_survival(14.57, 2.0, 57.0),
        normal_cdf(-3.0),
        erfc(0.5),
        erfc(3.0),
        ln_gamma(0.3),
        ln_gamma(57.5),
        incomplete_beta(28.5, 0.5, 0.7),
        t_quantile(0.975, 4.0),
        normal_quantile(0.975),
    ];
    // Tolerance: the last digits of the printed reference values.
    assert_close(&actual, &EXPECTED, 0.0, 2e-12);
}

#[test]
fn tails_are_limits() {
    assert_eq!(incomplete_beta(2.0, 3.0, 0.0), 0.0);
    assert_eq!(incomplete_beta(2.0, 3.0, 1.0), 1.0);
    assert_eq!(t_survival(0.0, 3.0), 0.5);
    assert_eq!(normal_quantile(1.0), f64::INFINITY);
    assert!(normal_quantile(1.5).is_nan());
}

const EXPECTED: [f64; 11] = [
    0.050969739414929174,
    8.039520425299135e-06,
    7.746306289219272e-06,
    0.0013498980316300933,
    0.4795001221869535,
    2.2090496998585445e-05,
    1.0957979948180756,
    174.37212981874515,
    7.129336937458795e-06,
    2.7764451051977934,
    1.959963984540054,
];
