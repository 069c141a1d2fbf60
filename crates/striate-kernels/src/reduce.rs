//! Sums over rows. Invariant: rows are summed in fixed chunks, and the chunks
//! in ascending order, whatever the number of threads.

use rayon::prelude::*;

/// Values in one chunk of rows: small enough for the first-level cache.
const CHUNK: usize = 4096;

/// Rows in one chunk, for rows of `columns` values.
pub(crate) fn chunk_rows(columns: usize) -> usize {
    (CHUNK / columns).clamp(1, 256)
}

/// The sum over rows of a matrix `[rows, sums.len()]`: f32 within a chunk of
/// rows, f64 over the chunks.
pub(crate) fn column_sums(matrix: &[f32], sums: &mut [f32]) {
    let columns = sums.len();
    let partial: Vec<Vec<f32>> = matrix
        .par_chunks(chunk_rows(columns) * columns)
        .map(|rows| {
            let mut sum = vec![0.0f32; columns];
            for row in rows.chunks_exact(columns) {
                for (sum, value) in sum.iter_mut().zip(row) {
                    *sum += value;
                }
            }
            sum
        })
        .collect();
    let totals = sum_in_order(columns, partial.iter());
    for (sum, total) in sums.iter_mut().zip(totals) {
        *sum = total as f32;
    }
}

/// Adds partial sums in the order given, in f64.
pub(crate) fn sum_in_order<'a>(
    columns: usize,
    partial: impl Iterator<Item = &'a Vec<f32>>,
) -> Vec<f64> {
    let mut total = vec![0.0f64; columns];
    for part in partial {
        for (total, value) in total.iter_mut().zip(part) {
            *total += f64::from(*value);
        }
    }
    total
}
