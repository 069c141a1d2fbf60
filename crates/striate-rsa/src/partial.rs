//! Partial similarity: what two matrices share beyond a third, e.g. the pixel
//! model. Invariant: the formula of a partial correlation on the comparator's
//! own inner products, so it is defined for the correlation-like comparators.

use crate::compare::{Comparator, compare};
use crate::{Error, Rdm, Result};

/// The similarity of two matrices, given a third:
/// `(r12 - r13 r23) / sqrt((1 - r13^2) (1 - r23^2))`.
///
/// `analyses.md` 2.6: responses are alike for alike pixels, so a model-to-V1
/// similarity must be shown to survive the pixel matrix.
///
/// # Errors
///
/// As [`compare`]; a comparator that is no correlation (cosines, tau-a, rho-a);
/// a matrix that the given one determines.
pub fn partial_compare(
    first: &Rdm,
    second: &Rdm,
    given: &Rdm,
    comparator: Comparator,
) -> Result<f64> {
    use Comparator::{Arctanh, CorrCov, Pearson, Spearman, TauB};
    if !matches!(comparator, Pearson | Spearman | CorrCov | TauB | Arctanh) {
        return Err(Error::Unknown {
            kind: "comparator for a partial similarity",
            name: comparator.name().to_owned(),
            known: [Pearson, Spearman, CorrCov, TauB, Arctanh]
                .map(Comparator::name)
                .join(", "),
        });
    }
    let r12 = compare(first, second, comparator)?;
    let r13 = compare(first, given, comparator)?;
    let r23 = compare(second, given, comparator)?;
    let left = (1.0 - r13 * r13) * (1.0 - r23 * r23);
    if left < 1e-12 {
        return Err(Error::ConstantMatrix {
            which: "residual of a",
            comparator: comparator.name(),
        });
    }
    Ok((r12 - r13 * r23) / left.sqrt())
}
