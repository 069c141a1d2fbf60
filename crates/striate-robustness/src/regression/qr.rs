//! Least squares by Householder reflections. Invariant: columns are scaled to
//! unit length first, so "dependent" does not depend on their units.

/// A solved least-squares problem.
pub(super) struct Qr {
    pub(super) solution: Vec<f64>,
    /// Diagonal of (X'X)^-1.
    pub(super) inverse_diagonal: Vec<f64>,
    pub(super) residual_sum: f64,
}

impl Qr {
    /// Solves; the error is the index of the first dependent column.
    pub(super) fn solve(columns: &[Vec<f64>], y: &[f64]) -> Result<Self, usize> {
        // What is left of a unit column after projection, below which it counts
        // as a combination of the others.
        const TOLERANCE: f64 = 1e-10;
        let k = columns.len();
        let scales: Vec<f64> = columns.iter().map(|c| norm(c)).collect();
        let mut work: Vec<Vec<f64>> = Vec::with_capacity(k);
        for (index, (column, scale)) in columns.iter().zip(&scales).enumerate() {
            if *scale == 0.0 {
                return Err(index);
            }
            work.push(column.iter().map(|v| v / scale).collect());
        }
        let mut rhs = y.to_vec();
        for j in 0..k {
            let (done, rest) = work.split_at_mut(j + 1);
            let column = &mut done[j];
            let length = norm(&column[j..]);
            if length < TOLERANCE {
                return Err(j);
            }
            let alpha = -length.copysign(column[j]);
            // The reflector v, normalised so that H = I - 2 v v'.
            let mut v = column[j..].to_vec();
            v[0] -= alpha;
            let size = norm(&v);
            v.iter_mut().for_each(|x| *x /= size);
            for target in rest.iter_mut().chain([&mut rhs]) {
                let projection: f64 = v.iter().zip(&target[j..]).map(|(a, b)| a * b).sum();
                for (t, x) in target[j..].iter_mut().zip(&v) {
                    *t -= 2.0 * projection * x;
                }
            }
            column[j] = alpha;
            column[j + 1..].fill(0.0);
        }
        let mut solution = back_substitute(&work, &rhs[..k]);
        // Row norms of R^-1.
        let mut inverse_diagonal = vec![0.0; k];
        for j in 0..k {
            let mut unit = vec![0.0; k];
            unit[j] = 1.0;
            let column = back_substitute(&work, &unit);
            for (total, value) in inverse_diagonal.iter_mut().zip(column) {
                *total += value * value;
            }
        }
        for ((b, d), scale) in solution.iter_mut().zip(&mut inverse_diagonal).zip(&scales) {
            *b /= scale;
            *d /= scale * scale;
        }
        Ok(Self {
            solution,
            inverse_diagonal,
            residual_sum: rhs[k..].iter().map(|r| r * r).sum(),
        })
    }
}

/// Solves R x = b for the upper triangle held in columns.
fn back_substitute(r: &[Vec<f64>], b: &[f64]) -> Vec<f64> {
    let mut x = b.to_vec();
    for j in (0..x.len()).rev() {
        x[j] /= r[j][j];
        let pivot = x[j];
        for (value, entry) in x[..j].iter_mut().zip(&r[j]) {
            *value -= pivot * entry;
        }
    }
    x
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}
