//! Responses that have nothing of the images.

use striate_random::Stream;

use super::Moments;
use crate::Error;

/// Keeps a covariance of fewer images than neurons invertible, as a part of its mean
/// variance.
const RIDGE: f64 = 1e-9;

/// Normal responses with the mean and the covariance of `responses`, independent from
/// image to image. They may be negative.
///
/// # Shapes
///
/// `responses` `[images, neurons]`; the result `[count, neurons]`.
///
/// # Errors
///
/// If the responses are not whole.
pub fn gaussian_like(
    responses: &[f32],
    neurons: usize,
    count: usize,
    stream: &mut Stream,
) -> Result<Vec<f32>, Error> {
    let mean = Moments::of(responses, neurons)?.mean;
    let images = (responses.len() / neurons) as f64;
    let mut covariance = vec![0.0; neurons * neurons];
    for row in responses.chunks_exact(neurons) {
        let centred: Vec<f64> = row
            .iter()
            .zip(&mean)
            .map(|(value, mean)| f64::from(*value) - mean)
            .collect();
        for (i, a) in centred.iter().enumerate() {
            let line = &mut covariance[i * neurons..][..=i];
            for (sum, b) in line.iter_mut().zip(&centred) {
                *sum += a * b / images;
            }
        }
    }
    let trace: f64 = (0..neurons).map(|i| covariance[i * neurons + i]).sum();
    for i in 0..neurons {
        covariance[i * neurons + i] += RIDGE * trace / neurons as f64;
    }
    let factor = lower_factor(covariance, neurons);
    let mut out = Vec::with_capacity(count * neurons);
    for _ in 0..count {
        let noise: Vec<f64> = (0..neurons).map(|_| stream.normal()).collect();
        for (i, mean) in mean.iter().enumerate() {
            let line = factor[i * neurons..][..=i].iter().zip(&noise);
            out.push((mean + line.map(|(f, z)| f * z).sum::<f64>()) as f32);
        }
    }
    Ok(out)
}

/// The Cholesky factor of a positive semidefinite matrix, of which the lower triangle is
/// given. A pivot that is not positive (a neuron that the ones before determine, or one
/// that never varies) makes a column of zeros.
fn lower_factor(mut matrix: Vec<f64>, n: usize) -> Vec<f64> {
    for column in 0..n {
        let above = &matrix[column * n..][..column];
        let pivot = matrix[column * n + column] - above.iter().map(|v| v * v).sum::<f64>();
        let root = pivot.max(0.0).sqrt();
        matrix[column * n + column] = root;
        for row in column + 1..n {
            let (left, right) = (
                &matrix[row * n..][..column],
                &matrix[column * n..][..column],
            );
            let rest =
                matrix[row * n + column] - left.iter().zip(right).map(|(a, b)| a * b).sum::<f64>();
            matrix[row * n + column] = if root > 0.0 { rest / root } else { 0.0 };
        }
    }
    matrix
}
