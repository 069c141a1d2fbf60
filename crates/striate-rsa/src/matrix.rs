//! Dense f64 helpers: a triangular factor and distances of rows. Invariant:
//! results do not depend on the number of threads.

use rayon::prelude::*;

use crate::Features;
use crate::gram::Gram;

/// Rows of f64.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) values: Vec<f64>,
}

impl Matrix {
    pub(crate) fn of(features: &Features<'_>) -> Self {
        let rows = features.images();
        let values = (0..rows).flat_map(|i| features.image(i).iter().map(|v| f64::from(*v)));
        Self {
            rows,
            columns: features.features(),
            values: values.collect(),
        }
    }

    pub(crate) fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// Subtracts the mean row, which changes no difference of rows but saves
    /// digits in their products.
    pub(crate) fn centre(&mut self) {
        let mut mean = vec![0.0; self.columns];
        for row in self.values.chunks(self.columns) {
            mean.iter_mut().zip(row).for_each(|(m, v)| *m += v);
        }
        mean.iter_mut().for_each(|m| *m /= self.rows as f64);
        for row in self.values.chunks_mut(self.columns) {
            row.iter_mut().zip(&mean).for_each(|(v, m)| *v -= m);
        }
    }

    /// Squared Euclidean distances of all pairs of rows, condensed.
    pub(crate) fn squared_distances(&self) -> Vec<f64> {
        let mut gram = Gram::new(self.rows);
        gram.add(self.columns, |row, range, out| {
            out.copy_from_slice(&self.row(row)[range]);
        });
        let mut distances = Vec::with_capacity(self.rows * (self.rows - 1) / 2);
        for i in 0..self.rows {
            for j in i + 1..self.rows {
                distances.push(gram.get(i, i) + gram.get(j, j) - 2.0 * gram.get(i, j));
            }
        }
        distances
    }
}

/// The lower factor L of a symmetric positive definite matrix L L'.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    size: usize,
    /// Row-major, zeros above the diagonal.
    lower: Vec<f64>,
}

impl Cholesky {
    /// The error is the first row that depends on those before it.
    pub(crate) fn new(matrix: &[f64], size: usize) -> Result<Self, usize> {
        let mut lower = vec![0.0; size * size];
        for i in 0..size {
            let (done, rest) = lower.split_at_mut(i * size);
            let row = &mut rest[..size];
            for j in 0..=i {
                let known = if j < i {
                    &done[j * size..j * size + j]
                } else {
                    &[]
                };
                let projected: f64 = if j < i {
                    row[..j].iter().zip(known).map(|(a, b)| a * b).sum()
                } else {
                    row[..j].iter().map(|a| a * a).sum()
                };
                let value = matrix[i * size + j] - projected;
                if j < i {
                    row[j] = value / done[j * size + j];
                } else if value > 1e-12 * matrix[i * size + i] {
                    row[i] = value.sqrt();
                } else {
                    return Err(i);
                }
            }
        }
        Ok(Self { size, lower })
    }

    /// Solves L y = x in place for every row x of a matrix: afterwards inner
    /// products of rows are those under the inverse of L L'.
    pub(crate) fn whiten(&self, matrix: &mut Matrix) {
        let size = self.size;
        matrix.values.par_chunks_mut(size).for_each(|x| {
            for i in 0..size {
                let row = &self.lower[i * size..i * size + i + 1];
                let known: f64 = row[..i].iter().zip(&*x).map(|(a, b)| a * b).sum();
                x[i] = (x[i] - known) / row[i];
            }
        });
    }

    /// The inverse of L L', row-major.
    pub(crate) fn inverse(&self) -> Vec<f64> {
        let size = self.size;
        let mut unit = Matrix {
            rows: size,
            columns: size,
            values: vec![0.0; size * size],
        };
        for i in 0..size {
            unit.values[i * size + i] = 1.0;
        }
        self.whiten(&mut unit);
        // Row i is now L^-1 e_i.
        let mut inverse = vec![0.0; size * size];
        for i in 0..size {
            for j in 0..size {
                let pairs = unit.row(i).iter().zip(unit.row(j));
                inverse[i * size + j] = pairs.map(|(a, b)| a * b).sum();
            }
        }
        inverse
    }
}
