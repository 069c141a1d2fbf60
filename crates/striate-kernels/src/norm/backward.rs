//! The fused block, backward.

use rayon::prelude::*;

use super::{Affine, NormBlock, NormParameters, Pooling};
use crate::cpu::Isa;
use crate::error::{Result, check_length};
use crate::reduce::{chunk_rows, sum_in_order};
use crate::simd::vectorised;

/// The gradients of the block with the statistics of this batch, through which
/// gradients flow too.
///
/// With `g` the gradient before the affine map, `n` values per channel and
/// `h = (x - mean) / sqrt(variance + epsilon)`: `grad_beta = sum g`,
/// `grad_gamma = sum g h`, `grad_x = gamma / sqrt(variance + epsilon) *
/// (g - grad_beta / n - h grad_gamma / n)`.
///
/// # Shapes
///
/// `x` and `grad_x` as `block.shape`, `grad_y` as the block's output,
/// `grad_gamma` and `grad_beta` `[channels]` (the gradients are overwritten).
///
/// # Errors
///
/// A length that does not fit the shape.
pub fn batch_norm_backward_training(
    block: &NormBlock,
    x: &[f32],
    parameters: &NormParameters<'_>,
    grad_y: &[f32],
    grad_x: &mut [f32],
    grad_gamma: &mut [f32],
    grad_beta: &mut [f32],
) -> Result<()> {
    const NAME: &str = "batch_norm_backward_training";
    let channels = block.shape.channels;
    let affine = Affine::new(NAME, channels, parameters)?;
    let ones = vec![1.0; channels];
    let sums = first_pass(NAME, block, x, parameters, &affine, &ones, grad_y, grad_x)?;
    store_gradients(NAME, &sums, &affine, grad_gamma, grad_beta)?;
    // grad_x = scale g + slope x + offset
    let count = (x.len() / channels) as f64;
    let mut slope = vec![0.0; channels];
    let mut offset = vec![0.0; channels];
    for c in 0..channels {
        let scale = f64::from(parameters.gamma[c]) * affine.inverse[c];
        let inverse = affine.inverse[c];
        let k = -scale * inverse * inverse * sums[channels + c] / count;
        slope[c] = k as f32;
        offset[c] = (-scale * sums[c] / count - k * f64::from(parameters.mean[c])) as f32;
    }
    let isa = Isa::current();
    let chunk = chunk_rows(channels) * channels;
    let chunks = grad_x.par_chunks_mut(chunk).zip(x.par_chunks(chunk));
    chunks.for_each(|(grad, x)| combine(isa, x, &affine.scale, &slope, &offset, grad));
    Ok(())
}

/// The gradients of the block with fixed statistics (running ones, frozen).
///
/// # Shapes
///
/// As [`batch_norm_backward_training`].
///
/// # Errors
///
/// A length that does not fit the shape.
pub fn batch_norm_backward_frozen(
    block: &NormBlock,
    x: &[f32],
    parameters: &NormParameters<'_>,
    grad_y: &[f32],
    grad_x: &mut [f32],
    grad_gamma: &mut [f32],
    grad_beta: &mut [f32],
) -> Result<()> {
    const NAME: &str = "batch_norm_backward_frozen";
    let affine = Affine::new(NAME, block.shape.channels, parameters)?;
    let factor = &affine.scale;
    let sums = first_pass(NAME, block, x, parameters, &affine, factor, grad_y, grad_x)?;
    store_gradients(NAME, &sums, &affine, grad_gamma, grad_beta)
}

fn store_gradients(
    kernel: &'static str,
    sums: &[f64],
    affine: &Affine,
    grad_gamma: &mut [f32],
    grad_beta: &mut [f32],
) -> Result<()> {
    let channels = affine.scale.len();
    check_length(kernel, "grad_gamma", grad_gamma.len(), channels)?;
    check_length(kernel, "grad_beta", grad_beta.len(), channels)?;
    for c in 0..channels {
        grad_beta[c] = sums[c] as f32;
        grad_gamma[c] = (sums[channels + c] * affine.inverse[c]) as f32;
    }
    Ok(())
}

/// Takes the gradient back through pooling and activation, stores it times
/// `factor` in `grad_x`, and returns for each channel the sum of it and, behind
/// these, the sum of its product with `x - mean`.
fn first_pass(
    kernel: &'static str,
    block: &NormBlock,
    x: &[f32],
    parameters: &NormParameters<'_>,
    affine: &Affine,
    factor: &[f32],
    grad_y: &[f32],
    grad_x: &mut [f32],
) -> Result<Vec<f64>> {
    let shape = block.shape;
    let channels = shape.channels;
    check_length(kernel, "x", x.len(), shape.len())?;
    check_length(kernel, "grad_y", grad_y.len(), block.output_len())?;
    check_length(kernel, "grad_x", grad_x.len(), shape.len())?;
    let (isa, floor) = (Isa::current(), block.floor());
    let Affine { scale, shift, .. } = affine;
    let mean = parameters.mean;
    let partial: Vec<Vec<f32>> = match block.pooling {
        Pooling::None => {
            let chunk = chunk_rows(channels) * channels;
            grad_x
                .par_chunks_mut(chunk)
                .zip(x.par_chunks(chunk).zip(grad_y.par_chunks(chunk)))
                .map(|(grad_x, (x, grad_y))| {
                    let mut sums = vec![0.0; 2 * channels];
                    rows(
                        isa, x, grad_y, scale, shift, mean, factor, floor, &mut sums, grad_x,
                    );
                    sums
                })
                .collect()
        }
        Pooling::Max2x2 => {
            let (row_len, out_len) = (shape.row_len(), shape.width / 2 * channels);
            let out_rows = shape.height / 2;
            grad_x
                .par_chunks_mut(shape.image_len())
                .enumerate()
                .flat_map(|(image, grad_x)| {
                    let pairs = grad_x.par_chunks_mut(2 * row_len).enumerate();
                    pairs.map(move |(pair, grad_x)| (image, pair, grad_x))
                })
                .map(|(image, pair, grad_x)| {
                    let mut sums = vec![0.0; 2 * channels];
                    if pair == out_rows {
                        // The odd last row is in no window.
                        grad_x.fill(0.0);
                        return sums;
                    }
                    let start = image * shape.image_len() + pair * 2 * row_len;
                    let x = &x[start..start + 2 * row_len];
                    let grad_y = &grad_y[(image * out_rows + pair) * out_len..][..out_len];
                    pooled(
                        isa, x, grad_y, scale, shift, mean, factor, floor, &mut sums, grad_x,
                    );
                    sums
                })
                .collect()
        }
    };
    Ok(sum_in_order(2 * channels, partial.iter()))
}

vectorised! {
    fn rows(
        x: &[f32],
        grad_y: &[f32],
        scale: &[f32],
        shift: &[f32],
        mean: &[f32],
        factor: &[f32],
        floor: f32,
        sums: &mut [f32],
        grad_x: &mut [f32],
    ) {
        let channels = scale.len();
        let (shift, mean, factor) = (&shift[..channels], &mean[..channels], &factor[..channels]);
        let (sum, product) = sums.split_at_mut(channels);
        let product = &mut product[..channels];
        let values = x.chunks_exact(channels).zip(grad_y.chunks_exact(channels));
        for (grad_x, (x, grad_y)) in grad_x.chunks_exact_mut(channels).zip(values) {
            for c in 0..channels {
                let z = x[c] * scale[c] + shift[c];
                let g = if z > floor { grad_y[c] } else { 0.0 };
                grad_x[c] = g * factor[c];
                sum[c] += g;
                product[c] += g * (x[c] - mean[c]);
            }
        }
    }
}

vectorised! {
    /// Two rows of `x`, one row of `grad_y`.
    fn pooled(
        x: &[f32],
        grad_y: &[f32],
        scale: &[f32],
        shift: &[f32],
        mean: &[f32],
        factor: &[f32],
        floor: f32,
        sums: &mut [f32],
        grad_x: &mut [f32],
    ) {
        let channels = scale.len();
        let (shift, mean, factor) = (&shift[..channels], &mean[..channels], &factor[..channels]);
        let (sum, product) = sums.split_at_mut(channels);
        let product = &mut product[..channels];
        let (upper, lower) = x.split_at(x.len() / 2);
        let (grad_upper, grad_lower) = grad_x.split_at_mut(x.len() / 2);
        for grad in [&mut *grad_upper, &mut *grad_lower] {
            grad.chunks_exact_mut(2 * channels).into_remainder().fill(0.0);
        }
        let from = upper.chunks_exact(2 * channels).zip(lower.chunks_exact(2 * channels));
        let to = grad_upper
            .chunks_exact_mut(2 * channels)
            .zip(grad_lower.chunks_exact_mut(2 * channels));
        for ((grad_y, (upper, lower)), (grad_upper, grad_lower)) in
            grad_y.chunks_exact(channels).zip(from).zip(to)
        {
            let (x0, x1) = upper.split_at(channels);
            let (x2, x3) = lower.split_at(channels);
            let (x0, x1, x2, x3) = (&x0[..channels], &x1[..channels], &x2[..channels], &x3[..channels]);
            let (g0, g1) = grad_upper.split_at_mut(channels);
            let (g2, g3) = grad_lower.split_at_mut(channels);
            let (g0, g1) = (&mut g0[..channels], &mut g1[..channels]);
            let (g2, g3) = (&mut g2[..channels], &mut g3[..channels]);
            for c in 0..channels {
                let z = |x: f32| x * scale[c] + shift[c];
                let (z0, z1, z2, z3) = (z(x0[c]), z(x1[c]), z(x2[c]), z(x3[c]));
                let m = z0.max(z1).max(z2.max(z3));
                // Selects without branches; what one of them takes, the next ones no longer see.
                let g = if m > floor { grad_y[c] } else { 0.0 };
                let h0 = if z0 == m { g } else { 0.0 };
                let rest = g - h0;
                let h1 = if z1 == m { rest } else { 0.0 };
                let rest = rest - h1;
                let h2 = if z2 == m { rest } else { 0.0 };
                let h3 = rest - h2;
                g0[c] = h0 * factor[c];
                g1[c] = h1 * factor[c];
                g2[c] = h2 * factor[c];
                g3[c] = h3 * factor[c];
                sum[c] += g;
                let mean = mean[c];
                product[c] += h0 * (x0[c] - mean)
                    + h1 * (x1[c] - mean)
                    + h2 * (x2[c] - mean)
                    + h3 * (x3[c] - mean);
            }
        }
    }
}

vectorised! {
    fn combine(x: &[f32], scale: &[f32], slope: &[f32], offset: &[f32], grad: &mut [f32]) {
        let channels = scale.len();
        let (slope, offset) = (&slope[..channels], &offset[..channels]);
        for (grad, x) in grad.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
            for c in 0..channels {
                grad[c] = scale[c] * grad[c] + (slope[c] * x[c] + offset[c]);
            }
        }
    }
}
