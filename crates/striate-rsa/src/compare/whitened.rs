//! Whitening of the entries of a matrix. Invariant: the result is the doubly
//! centred second-moment matrix with off-diagonal entries counted twice, in
//! which entries are uncorrelated under equal noise on all images.
//!
//! Entries that share an image covary; under isotropic noise the covariance is
//! that of squared distances, and the whitened inner product equals that of the
//! centred second moments (Diedrichsen et al. 2020). In a bootstrap sample the
//! pairs of copies are missing; the row sums are then made zero by the smallest
//! change of the remaining entries, as rsatoolbox does. Copies of one image get
//! the same correction, which gives a closed form instead of a linear system.

use crate::compare::represent::dot;
use crate::sample::Sample;

/// Unit vector of the whitened entries: pairs, then the diagonal. `None` if
/// nothing is left.
pub(super) fn whiten(mut values: Vec<f64>, sample: &Sample) -> Option<Vec<f64>> {
    let m = &sample.multiplicity;
    let images = m.len();
    let copies: f64 = m.iter().sum();
    values.iter_mut().for_each(|v| *v *= -0.5);
    // Row sums of one copy of each image.
    let mut rows = vec![0.0; images];
    let mut rest = values.as_slice();
    for i in 0..images {
        let (row, tail) = rest.split_at(images - 1 - i);
        rest = tail;
        rows[i] += dot(row, &m[i + 1..]);
        for (total, value) in rows[i + 1..].iter_mut().zip(row) {
            *total += m[i] * value;
        }
    }
    // Lagrange multipliers: (copies / 2 - m_i + 1) l_i + sum_j m_j l_j / 2 = rows_i.
    let pivots: Vec<f64> = m.iter().map(|m| 0.5 * copies - m + 1.0).collect();
    if pivots.iter().any(|p| p.abs() < 1e-9) {
        return None;
    }
    let weighted = |f: &dyn Fn(usize) -> f64| (0..images).map(|i| m[i] * f(i) / pivots[i]).sum();
    let ones: f64 = weighted(&|_| 1.0);
    let sums: f64 = weighted(&|i| rows[i]);
    let total = sums / (1.0 + 0.5 * ones);
    let multipliers: Vec<f64> = rows
        .iter()
        .zip(&pivots)
        .map(|(row, pivot)| (row - 0.5 * total) / pivot)
        .collect();
    let mut index = 0;
    for i in 0..images {
        for j in i + 1..images {
            let centred = values[index] - 0.5 * (multipliers[i] + multipliers[j]);
            values[index] = centred * (2.0 * sample.weights[index]).sqrt();
            index += 1;
        }
    }
    values.extend(multipliers.iter().zip(m).map(|(l, m)| -l * m.sqrt()));
    let norm = dot(&values, &values).sqrt();
    if norm == 0.0 {
        return None;
    }
    values.iter_mut().for_each(|v| *v /= norm);
    Some(values)
}
