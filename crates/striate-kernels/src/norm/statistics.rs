//! Mean and variance of each channel.

use rayon::prelude::*;

use crate::cpu::Isa;
use crate::error::{Result, check_length};
use crate::map::MapShape;
use crate::reduce::chunk_rows;
use crate::simd::vectorised;

/// The mean and the biased variance of each channel over batch and pixels.
///
/// Chunks of at most 256 pixels are summed about their own mean in f32, corrected
/// for its rounding and merged in f64 (Chan, Golub and LeVeque 1983), so a mean that is large beside
/// the deviation costs no precision.
///
/// # Shapes
///
/// `x` as `shape`; `mean` and `variance` `[channels]` (overwritten).
///
/// # Errors
///
/// A length that does not fit `shape`.
pub fn batch_norm_statistics(
    shape: &MapShape,
    x: &[f32],
    mean: &mut [f32],
    variance: &mut [f32],
) -> Result<()> {
    const NAME: &str = "batch_norm_statistics";
    let channels = shape.channels;
    check_length(NAME, "x", x.len(), shape.len())?;
    check_length(NAME, "mean", mean.len(), channels)?;
    check_length(NAME, "variance", variance.len(), channels)?;
    let isa = Isa::current();
    let chunk = chunk_rows(channels) * channels;
    let partial: Vec<Vec<f32>> = x
        .par_chunks(chunk)
        .map(|rows| {
            let mut moments = vec![0.0; 3 * channels];
            let (centre, sums) = moments.split_at_mut(channels);
            let (deviations, squares) = sums.split_at_mut(channels);
            chunk_moments(isa, rows, centre, deviations, squares);
            moments
        })
        .collect();
    let mut total = vec![(0.0f64, 0.0f64); channels];
    let mut before = 0.0;
    for (moments, rows) in partial.iter().zip(x.chunks(chunk)) {
        let count = (rows.len() / channels) as f64;
        let weight = count / (before + count);
        for (c, (mean, squares)) in total.iter_mut().enumerate() {
            let correction = f64::from(moments[channels + c]) / count;
            let difference = f64::from(moments[c]) + correction - *mean;
            *mean += difference * weight;
            *squares += f64::from(moments[2 * channels + c]) - correction * correction * count
                + difference * difference * before * weight;
        }
        before += count;
    }
    for (c, (m, squares)) in total.into_iter().enumerate() {
        mean[c] = m as f32;
        variance[c] = (squares / before).max(0.0) as f32;
    }
    Ok(())
}

vectorised! {
    /// About the mean of some rows as f32 gives it: the sum of the deviations
    /// from it, which corrects its rounding, and of their squares.
    fn chunk_moments(rows: &[f32], centre: &mut [f32], deviations: &mut [f32], squares: &mut [f32]) {
        let channels = centre.len();
        let (deviations, squares) = (&mut deviations[..channels], &mut squares[..channels]);
        for row in rows.chunks_exact(channels) {
            for (sum, x) in centre.iter_mut().zip(row) {
                *sum += x;
            }
        }
        let count = (rows.len() / channels) as f32;
        for sum in centre.iter_mut() {
            *sum /= count;
        }
        for row in rows.chunks_exact(channels) {
            for c in 0..channels {
                let deviation = row[c] - centre[c];
                deviations[c] += deviation;
                squares[c] += deviation * deviation;
            }
        }
    }
}
