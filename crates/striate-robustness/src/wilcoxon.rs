//! Wilcoxon's signed-rank test for paired values. Invariant: up to 50 pairs the
//! p-value is exact, also with ties, given the ranks at hand.

use serde::{Deserialize, Serialize};

use crate::correlation::ranks;
use crate::special::normal_two_sided;
use crate::{Error, Result};

/// Up to how many differences the null distribution is enumerated.
const EXACT: usize = 50;

/// The result of a signed-rank test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wilcoxon {
    /// Sum of the ranks of positive differences.
    pub positive: f64,
    /// Sum of the ranks of negative differences.
    pub negative: f64,
    /// Differences that are not zero.
    pub count: usize,
    /// Two-sided p-value.
    pub p: f64,
    /// Whether it is exact, or the normal approximation with tie correction.
    pub exact: bool,
    /// Matched-pairs rank-biserial correlation, in `[-1, 1]`.
    pub effect: f64,
}

/// Tests whether paired differences `x - y` are symmetric about zero.
///
/// Differences of zero are dropped (Wilcoxon 1945). With few pairs no p-value
/// can be small: five seeds give at least 0.0625.
///
/// # Errors
///
/// Different lengths, values that are not finite, no difference other than zero.
pub fn wilcoxon(x: &[f64], y: &[f64]) -> Result<Wilcoxon> {
    if x.len() != y.len() {
        return Err(Error::Length {
            what: "paired values".to_owned(),
            expected: x.len(),
            found: y.len(),
        });
    }
    let all: Vec<f64> = x.iter().zip(y).map(|(x, y)| x - y).collect();
    if let Some(row) = all.iter().position(|d| !d.is_finite()) {
        return Err(Error::NotFinite {
            what: "paired difference".to_owned(),
            row,
            value: all[row],
        });
    }
    let differences: Vec<f64> = all.into_iter().filter(|d| *d != 0.0).collect();
    if differences.is_empty() {
        return Err(Error::TooFew {
            analysis: "a signed-rank test",
            unit: "pairs that differ",
            needed: 1,
            found: 0,
        });
    }
    let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
    let ranks = ranks(&sizes);
    let signed = |positive: bool| -> f64 {
        let pairs = differences.iter().zip(&ranks);
        let chosen = pairs.filter(|(d, _)| (**d > 0.0) == positive);
        chosen.map(|(_, r)| r).sum()
    };
    let (positive, negative) = (signed(true), signed(false));
    let exact = differences.len() <= EXACT;
    Ok(Wilcoxon {
        positive,
        negative,
        count: differences.len(),
        p: if exact {
            exact_p(&ranks, positive.min(negative))
        } else {
            normal_p(&ranks, positive)
        },
        exact,
        effect: (positive - negative) / (positive + negative),
    })
}

/// Twice the share of sign assignments with a rank sum of at most `smaller`.
fn exact_p(ranks: &[f64], smaller: f64) -> f64 {
    // Mean ranks are multiples of one half.
    let doubled: Vec<usize> = ranks.iter().map(|r| (2.0 * r).round() as usize).collect();
    let total: usize = doubled.iter().sum();
    let mut share = vec![0.0; total + 1];
    share[0] = 1.0;
    let mut reached = 0;
    for rank in doubled {
        for sum in (0..=reached).rev() {
            let half = 0.5 * share[sum];
            share[sum] = half;
            share[sum + rank] += half;
        }
        reached += rank;
    }
    let tail: f64 = share[..=(2.0 * smaller).round() as usize].iter().sum();
    (2.0 * tail).min(1.0)
}

fn normal_p(ranks: &[f64], positive: f64) -> f64 {
    let mean = ranks.iter().sum::<f64>() / 2.0;
    // The sum of squared ranks already knows the ties.
    let variance = ranks.iter().map(|r| r * r).sum::<f64>() / 4.0;
    normal_two_sided((positive - mean) / variance.sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use striate_testkit::assert_close;

    use super::*;

    #[test]
    fn small_samples_are_exact() {
        let zeros = [0.0; 5];
        let all_up = wilcoxon(&[1.0, 2.0, 3.0, 4.0, 5.0], &zeros).unwrap();
        assert_close(&[all_up.p, all_up.effect], &[0.0625, 1.0], 1e-15, 0.0);
        // scipy.stats.wilcoxon(mode="exact"): ranks 1 2 4 5 against 3.
        let mixed = wilcoxon(&[1.0, 2.0, -3.0, 4.0, 5.0], &zeros).unwrap();
        assert_close(&[mixed.negative, mixed.p], &[3.0, 0.3125], 1e-15, 0.0);
        let dropped = wilcoxon(&[1.0, 0.0, 3.0], &[0.0, 0.0, 1.0]).unwrap();
        assert_eq!(dropped.count, 2);
    }

    #[test]
    fn ties_count_all_sign_assignments() {
        // |d| = 1 1 2, ranks 1.5 1.5 3; the sum of negatives is 1.5. Of eight
        // assignments sums 0, 1.5, 1.5 are at most that: p = 2 x 3 / 8.
        let test = wilcoxon(&[1.0, -1.0, 2.0], &[0.0; 3]).unwrap();
        assert_close(&[test.p], &[0.75], 1e-15, 0.0);
    }

    #[test]
    fn the_approximation_joins_the_exact_test() {
        let d: Vec<f64> = (1..=50)
            .map(|k| if k % 3 == 0 { -k as f64 } else { k as f64 })
            .collect();
        let exact = wilcoxon(&d, &vec![0.0; 50]).unwrap();
        assert!(exact.exact);
        let ranks: Vec<f64> = (1..=50).map(f64::from).collect();
        // Tolerance: the missing continuity correction.
        assert_close(&[normal_p(&ranks, exact.positive)], &[exact.p], 0.0, 0.05);
        let long: Vec<f64> = (1..=51).map(f64::from).collect();
        assert!(!wilcoxon(&long, &vec![0.0; 51]).unwrap().exact);
    }

    #[test]
    fn bad_pairs_are_refused() {
        assert!(wilcoxon(&[1.0], &[]).is_err());
        assert!(wilcoxon(&[1.0], &[1.0]).is_err());
        assert!(wilcoxon(&[f64::NAN], &[1.0]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn swapping_changes_the_sign_alone(d in proptest::collection::vec(-4_i32..5, 1..12)) {
            let x: Vec<f64> = d.iter().map(|v| f64::from(*v)).collect();
            let zeros = vec![0.0; x.len()];
            let (Ok(a), Ok(b)) = (wilcoxon(&x, &zeros), wilcoxon(&zeros, &x)) else { return Ok(()) };
            prop_assert_eq!(a.p, b.p);
            prop_assert_eq!(a.effect, -b.effect);
            prop_assert!(a.p > 0.0 && a.p <= 1.0);
        }
    }
}
