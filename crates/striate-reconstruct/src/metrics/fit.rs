//! The feature fit over budgets (metric 2).

use crate::{Error, Result};

/// Area under the curve of the feature fit over the budget, divided by the
/// range of budgets: the mean fit, by trapezoids.
///
/// `points` are budgets (fractions or norms) with the
/// [`feature_fit`](crate::Reconstruction::feature_fit) there, in any order.
/// 0 is a perfect fit at all budgets; a network that buys much with little
/// contrast has a small area.
///
/// # Errors
///
/// If there are fewer than two different budgets, one budget stands twice, or a
/// value is not finite.
pub fn area_under_fit(points: &[(f64, f64)]) -> Result<f64> {
    let undefined = |reason| {
        Err(Error::Undefined {
            metric: "area under the fit",
            reason,
        })
    };
    if points
        .iter()
        .any(|(q, fit)| !(q.is_finite() && fit.is_finite()))
    {
        return undefined("a budget or a fit is not finite");
    }
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return undefined("there are no budgets");
    };
    if sorted.len() < 2 || sorted.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return undefined("there must be two budgets or more, all different");
    }
    let area: f64 = sorted
        .windows(2)
        .map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0)
        .sum();
    Ok(area / (last.0 - first.0))
}
