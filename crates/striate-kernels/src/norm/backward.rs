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
        let (sum, product) = sums.split_at_mut(channels);
        let channel = Channels { scale, shift, mean, factor, floor };
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
            let mut c = 0;
            while c + 8 <= channels {
                window::<8>(&channel, c, [upper, lower], grad_y, sum, product, [grad_upper, grad_lower]);
                c += 8;
            }
            while c < channels {
                window::<1>(&channel, c, [upper, lower], grad_y, sum, product, [grad_upper, grad_lower]);
                c += 1;
            }
        }
    }
}

/// What the first pass needs of each channel.
struct Channels<'a> {
    scale: &'a [f32],
    shift: &'a [f32],
    mean: &'a [f32],
    factor: &'a [f32],
    floor: f32,
}

/// N channels from `c` on of one window. Copies them to arrays first: with so
/// many slices the compiler would not prove that they are disjoint.
#[inline(always)]
fn window<const N: usize>(
    channels: &Channels<'_>,
    c: usize,
    [upper, lower]: [&[f32]; 2],
    grad_y: &[f32],
    sum: &mut [f32],
    product: &mut [f32],
    [grad_upper, grad_lower]: [&mut [f32]; 2],
) {
    let count = channels.scale.len();
    let (scale, shift) = (take::<N>(channels.scale, c), take::<N>(channels.shift, c));
    let (mean, factor) = (take::<N>(channels.mean, c), take::<N>(channels.factor, c));
    let grad_y = take::<N>(grad_y, c);
    let x = [
        take::<N>(upper, c),
        take::<N>(upper, count + c),
        take::<N>(lower, c),
        take::<N>(lower, count + c),
    ];
    let (mut sums, mut products) = (take::<N>(sum, c), take::<N>(product, c));
    let mut grad = [[0.0; N]; 4];
    for i in 0..N {
        let z = [0, 1, 2, 3].map(|k| x[k][i] * scale[i] + shift[i]);
        let larger = |a: f32, b: f32| if b > a { b } else { a };
        let m = larger(larger(z[0], z[1]), larger(z[2], z[3]));
        // Selects without branches; what one of them takes, the next ones no longer see.
        let g = if m > channels.floor { grad_y[i] } else { 0.0 };
        let g0 = if z[0] == m { g } else { 0.0 };
        let rest = g - g0;
        let g1 = if z[1] == m { rest } else { 0.0 };
        let rest = rest - g1;
        let g2 = if z[2] == m { rest } else { 0.0 };
        let g3 = rest - g2;
        for (k, g) in [g0, g1, g2, g3].into_iter().enumerate() {
            grad[k][i] = g * factor[i];
            products[i] += g * (x[k][i] - mean[i]);
        }
        sums[i] += g;
    }
    grad_upper[c..c + N].copy_from_slice(&grad[0]);
    grad_upper[count + c..count + c + N].copy_from_slice(&grad[1]);
    grad_lower[c..c + N].copy_from_slice(&grad[2]);
    grad_lower[count + c..count + c + N].copy_from_slice(&grad[3]);
    sum[c..c + N].copy_from_slice(&sums);
    product[c..c + N].copy_from_slice(&products);
}

/// N values of a slice.
#[inline(always)]
fn take<const N: usize>(slice: &[f32], at: usize) -> [f32; N] {
    let mut values = [0.0; N];
    values.copy_from_slice(&slice[at..at + N]);
    values
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
