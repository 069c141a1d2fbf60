//! Intervals of a single accuracy. Invariant: never empty and never outside
//! `[0, 1]`, not even with all or no images right.

use crate::grid::Counts;
use crate::special::normal_quantile;
use crate::summary::Interval;

/// Wilson's score interval of an accuracy (Wilson 1927), with the binomial
/// standard error at its centre.
///
/// `confidence` in `(0, 1)`; `counts.total` at least 1.
pub fn wilson(counts: Counts, confidence: f64) -> Interval {
    let n = counts.total as f64;
    let p = counts.accuracy();
    let z = normal_quantile(0.5 + confidence / 2.0);
    let z2 = z * z / n;
    let centre = (p + z2 / 2.0) / (1.0 + z2);
    let half = z / (1.0 + z2) * (p * (1.0 - p) / n + z2 / (4.0 * n)).sqrt();
    Interval {
        standard_error: (centre * (1.0 - centre) / n).sqrt(),
        low: (centre - half).max(0.0),
        high: (centre + half).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use striate_testkit::assert_close;

    use super::*;

    #[test]
    fn intervals_agree_with_statsmodels() {
        // statsmodels proportion_confint(count, nobs, method="wilson"): the
        // closed form at p = 0 is z^2 / (n + z^2).
        let interval = |correct, total| wilson(Counts { correct, total }, 0.95);
        let z2 = 1.959_963_984_540_054_f64.powi(2);
        let none = interval(0, 20);
        assert_close(&[none.low, none.high], &[0.0, z2 / (20.0 + z2)], 1e-12, 0.0);
        let all = interval(20, 20);
        assert_close(&[all.low, all.high], &[20.0 / (20.0 + z2), 1.0], 1e-12, 0.0);
        // Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662.
        let some = interval(81, 263);
        assert_close(&[some.low, some.high], &[0.2553, 0.3662], 5e-5, 0.0);
    }
}
