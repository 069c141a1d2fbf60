//! The fused block, backward.

use rayon::prelude::*;

use super::{Affine, NormBlock, NormParameters, Pooling};
use crate::cpu::Isa;
use crate::error::{Result, check_length};
use crate::map::MapShape;
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
/// `x` as `block.shape` (overwritten by its gradient), `grad_y` as the block's output,
/// `grad_gamma` and `grad_beta` `[channels]` (overwritten).
///
/// # Errors
///
/// A length that does not fit the shape.
pub fn batch_norm_backward_training(
    block: &NormBlock,
    x: &mut [f32],
    parameters: &NormParameters<'_>,
    grad_y: &[f32],
    grad_gamma: &mut [f32],
    grad_beta: &mut [f32],
) -> Result<()> {
    const NAME: &str = "batch_norm_backward_training";
    let channels = block.shape.channels;
    let affine = Affine::new(NAME, channels, parameters)?;
    let pass = Pass::new(NAME, block, &affine, x, grad_y)?;
    let sums = pass.sums(x, parameters.mean);
    store_gradients(NAME, &sums, &affine, [grad_gamma, grad_beta])?;
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
    pass.apply(&slope, &offset, x);
    Ok(())
}

/// The gradients of the block with fixed statistics (running ones, frozen).
///
/// # Shapes
///
/// As [`batch_norm_backward_training`]; `grad_parameters` are those of gamma and beta,
/// which cost a pass over the map.
///
/// # Errors
///
/// A length that does not fit the shape.
pub fn batch_norm_backward_frozen(
    block: &NormBlock,
    x: &mut [f32],
    parameters: &NormParameters<'_>,
    grad_y: &[f32],
    grad_parameters: Option<[&mut [f32]; 2]>,
) -> Result<()> {
    const NAME: &str = "batch_norm_backward_frozen";
    let affine = Affine::new(NAME, block.shape.channels, parameters)?;
    let pass = Pass::new(NAME, block, &affine, x, grad_y)?;
    if let Some(gradients) = grad_parameters {
        let sums = pass.sums(x, parameters.mean);
        store_gradients(NAME, &sums, &affine, gradients)?;
    }
    let zeros = vec![0.0; block.shape.channels];
    pass.apply(&zeros, &zeros, x);
    Ok(())
}

fn store_gradients(
    kernel: &'static str,
    sums: &[f64],
    affine: &Affine,
    [grad_gamma, grad_beta]: [&mut [f32]; 2],
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

/// The two passes over the map. The gradient behind pooling and activation is found in
/// each of them: cheaper than to write it in one and to read it in the other.
struct Pass<'a> {
    isa: Isa,
    shape: MapShape,
    pooling: Pooling,
    scale: &'a [f32],
    shift: &'a [f32],
    floor: f32,
    grad_y: &'a [f32],
}

impl<'a> Pass<'a> {
    fn new(
        kernel: &'static str,
        block: &NormBlock,
        affine: &'a Affine,
        x: &[f32],
        grad_y: &'a [f32],
    ) -> Result<Self> {
        check_length(kernel, "x", x.len(), block.shape.len())?;
        check_length(kernel, "grad_y", grad_y.len(), block.output_len())?;
        Ok(Self {
            isa: Isa::current(),
            shape: block.shape,
            pooling: block.pooling,
            scale: &affine.scale,
            shift: &affine.shift,
            floor: block.floor(),
            grad_y,
        })
    }

    /// The row of windows that two rows of the map from `start` on are pooled to.
    fn pooled_row(&self, row: usize) -> &'a [f32] {
        let len = self.shape.width / 2 * self.shape.channels;
        &self.grad_y[row * len..][..len]
    }

    /// For each channel the sum of the gradient and, behind these, the sum of its product
    /// with `x - mean`.
    fn sums(&self, x: &[f32], mean: &[f32]) -> Vec<f64> {
        let channels = self.shape.channels;
        let (isa, scale, shift, floor) = (self.isa, self.scale, self.shift, self.floor);
        let partial: Vec<Vec<f32>> = match self.pooling {
            Pooling::None => {
                let chunk = chunk_rows(channels) * channels;
                let chunks = x.par_chunks(chunk).zip(self.grad_y.par_chunks(chunk));
                chunks
                    .map(|(x, grad_y)| {
                        let mut sums = vec![0.0; 2 * channels];
                        row_sums(isa, x, grad_y, scale, shift, mean, floor, &mut sums);
                        sums
                    })
                    .collect()
            }
            Pooling::Max2x2 => {
                let (row_len, out_rows) = (self.shape.row_len(), self.shape.height / 2);
                (0..self.shape.batch * out_rows)
                    .into_par_iter()
                    .map(|row| {
                        let (image, pair) = (row / out_rows, row % out_rows);
                        let start = image * self.shape.image_len() + pair * 2 * row_len;
                        let x = &x[start..start + 2 * row_len];
                        let grad_y = self.pooled_row(row);
                        let mut sums = vec![0.0; 2 * channels];
                        window_sums(isa, x, grad_y, scale, shift, mean, floor, &mut sums);
                        sums
                    })
                    .collect()
            }
        };
        sum_in_order(2 * channels, partial.iter())
    }

    /// `scale g + slope x + offset`, over `x`.
    fn apply(&self, slope: &[f32], offset: &[f32], x: &mut [f32]) {
        let channels = self.shape.channels;
        let (isa, scale, shift, floor) = (self.isa, self.scale, self.shift, self.floor);
        match self.pooling {
            Pooling::None => {
                let chunk = chunk_rows(channels) * channels;
                let grad_y = self.grad_y.par_chunks(chunk);
                x.par_chunks_mut(chunk).zip(grad_y).for_each(|(x, grad_y)| {
                    row_apply(isa, grad_y, scale, shift, slope, offset, floor, x);
                });
            }
            Pooling::Max2x2 => {
                let (row_len, out_rows) = (self.shape.row_len(), self.shape.height / 2);
                let image_len = self.shape.image_len();
                let images = x.par_chunks_mut(image_len).enumerate();
                let pairs = images.flat_map(|(image, x)| {
                    let pairs = x.par_chunks_mut(2 * row_len).enumerate();
                    pairs.map(move |(pair, x)| (image, pair, x))
                });
                pairs.for_each(|(image, pair, x)| {
                    if pair == out_rows {
                        // The odd last row is in no window.
                        outside(isa, slope, offset, x);
                    } else {
                        let grad_y = self.pooled_row(image * out_rows + pair);
                        window_apply(isa, grad_y, scale, shift, slope, offset, floor, x);
                    }
                });
            }
        }
    }
}

vectorised! {
    fn row_sums(
        x: &[f32],
        grad_y: &[f32],
        scale: &[f32],
        shift: &[f32],
        mean: &[f32],
        floor: f32,
        sums: &mut [f32],
    ) {
        let channels = scale.len();
        let (shift, mean) = (&shift[..channels], &mean[..channels]);
        let (sum, product) = sums.split_at_mut(channels);
        let product = &mut product[..channels];
        for (x, grad_y) in x.chunks_exact(channels).zip(grad_y.chunks_exact(channels)) {
            for c in 0..channels {
                let z = x[c] * scale[c] + shift[c];
                let g = if z > floor { grad_y[c] } else { 0.0 };
                sum[c] += g;
                product[c] += g * (x[c] - mean[c]);
            }
        }
    }
}

vectorised! {
    fn row_apply(
        grad_y: &[f32],
        scale: &[f32],
        shift: &[f32],
        slope: &[f32],
        offset: &[f32],
        floor: f32,
        x: &mut [f32],
    ) {
        let channels = scale.len();
        let (shift, slope, offset) = (&shift[..channels], &slope[..channels], &offset[..channels]);
        for (x, grad_y) in x.chunks_exact_mut(channels).zip(grad_y.chunks_exact(channels)) {
            for c in 0..channels {
                let z = x[c] * scale[c] + shift[c];
                let g = if z > floor { grad_y[c] } else { 0.0 };
                x[c] = scale[c] * g + (slope[c] * x[c] + offset[c]);
            }
        }
    }
}

vectorised! {
    /// Where no gradient comes from: `slope x + offset`.
    fn outside(slope: &[f32], offset: &[f32], x: &mut [f32]) {
        let channels = slope.len();
        let offset = &offset[..channels];
        for x in x.chunks_exact_mut(channels) {
            for c in 0..channels {
                x[c] = slope[c] * x[c] + offset[c];
            }
        }
    }
}

vectorised! {
    /// Two rows of `x`, one row of `grad_y`.
    fn window_sums(
        x: &[f32],
        grad_y: &[f32],
        scale: &[f32],
        shift: &[f32],
        mean: &[f32],
        floor: f32,
        sums: &mut [f32],
    ) {
        let channels = scale.len();
        let (sum, product) = sums.split_at_mut(channels);
        let (upper, lower) = x.split_at(x.len() / 2);
        let windows = upper.chunks_exact(2 * channels).zip(lower.chunks_exact(2 * channels));
        for (grad_y, (upper, lower)) in grad_y.chunks_exact(channels).zip(windows) {
            let mut c = 0;
            while c + LANES <= channels {
                add_window::<LANES>(scale, shift, mean, floor, c, [upper, lower], grad_y, sum, product);
                c += LANES;
            }
            while c < channels {
                add_window::<1>(scale, shift, mean, floor, c, [upper, lower], grad_y, sum, product);
                c += 1;
            }
        }
    }
}

vectorised! {
    /// Two rows of `x`, one row of `grad_y`.
    fn window_apply(
        grad_y: &[f32],
        scale: &[f32],
        shift: &[f32],
        slope: &[f32],
        offset: &[f32],
        floor: f32,
        x: &mut [f32],
    ) {
        let channels = scale.len();
        let (upper, lower) = x.split_at_mut(x.len() / 2);
        let windows = upper
            .chunks_exact_mut(2 * channels)
            .zip(lower.chunks_exact_mut(2 * channels));
        for (grad_y, (upper, lower)) in grad_y.chunks_exact(channels).zip(windows) {
            let mut c = 0;
            while c + LANES <= channels {
                write_window::<LANES>(scale, shift, slope, offset, floor, c, grad_y, [&mut *upper, &mut *lower]);
                c += LANES;
            }
            while c < channels {
                write_window::<1>(scale, shift, slope, offset, floor, c, grad_y, [&mut *upper, &mut *lower]);
                c += 1;
            }
        }
        // An odd last column is in no window.
        let start = upper.len() / (2 * channels) * 2 * channels;
        for row in [upper, lower] {
            for (i, x) in row[start..].iter_mut().enumerate() {
                *x = slope[i] * *x + offset[i];
            }
        }
    }
}

/// N channels from `c` on of one window: its values, and the gradient of each of them.
/// Copies to arrays first: with so many slices the compiler would not prove that they are
/// disjoint.
#[inline(always)]
fn window<const N: usize>(
    scale: &[f32],
    shift: &[f32],
    floor: f32,
    c: usize,
    [upper, lower]: [&[f32]; 2],
    grad_y: &[f32],
) -> [[[f32; N]; 4]; 2] {
    let count = scale.len();
    let (scale, shift) = (take::<N>(scale, c), take::<N>(shift, c));
    let grad_y = take::<N>(grad_y, c);
    let x = [
        take::<N>(upper, c),
        take::<N>(upper, count + c),
        take::<N>(lower, c),
        take::<N>(lower, count + c),
    ];
    let mut grad = [[0.0; N]; 4];
    for i in 0..N {
        let z = [0, 1, 2, 3].map(|k| x[k][i] * scale[i] + shift[i]);
        let larger = |a: f32, b: f32| if b > a { b } else { a };
        let m = larger(larger(z[0], z[1]), larger(z[2], z[3]));
        // Selects without branches; what one of them takes, the next ones no longer see.
        let g = if m > floor { grad_y[i] } else { 0.0 };
        let g0 = if z[0] == m { g } else { 0.0 };
        let rest = g - g0;
        let g1 = if z[1] == m { rest } else { 0.0 };
        let rest = rest - g1;
        let g2 = if z[2] == m { rest } else { 0.0 };
        let g3 = rest - g2;
        for (grad, g) in grad.iter_mut().zip([g0, g1, g2, g3]) {
            grad[i] = g;
        }
    }
    [x, grad]
}

/// Adds a window to the sums.
#[inline(always)]
fn add_window<const N: usize>(
    scale: &[f32],
    shift: &[f32],
    mean: &[f32],
    floor: f32,
    c: usize,
    rows: [&[f32]; 2],
    grad_y: &[f32],
    sum: &mut [f32],
    product: &mut [f32],
) {
    let [x, grad] = window::<N>(scale, shift, floor, c, rows, grad_y);
    let mean = take::<N>(mean, c);
    let (mut sums, mut products) = (take::<N>(sum, c), take::<N>(product, c));
    for i in 0..N {
        for k in 0..4 {
            sums[i] += grad[k][i];
            products[i] += grad[k][i] * (x[k][i] - mean[i]);
        }
    }
    sum[c..c + N].copy_from_slice(&sums);
    product[c..c + N].copy_from_slice(&products);
}

/// Writes the gradients of a window over its values.
#[inline(always)]
fn write_window<const N: usize>(
    scale: &[f32],
    shift: &[f32],
    slope: &[f32],
    offset: &[f32],
    floor: f32,
    c: usize,
    grad_y: &[f32],
    [upper, lower]: [&mut [f32]; 2],
) {
    let [x, mut grad] = window::<N>(scale, shift, floor, c, [&*upper, &*lower], grad_y);
    let count = scale.len();
    let (scale, slope, offset) = (
        take::<N>(scale, c),
        take::<N>(slope, c),
        take::<N>(offset, c),
    );
    for i in 0..N {
        for k in 0..4 {
            grad[k][i] = scale[i] * grad[k][i] + (slope[i] * x[k][i] + offset[i]);
        }
    }
    upper[c..c + N].copy_from_slice(&grad[0]);
    upper[count + c..count + c + N].copy_from_slice(&grad[1]);
    lower[c..c + N].copy_from_slice(&grad[2]);
    lower[count + c..count + c + N].copy_from_slice(&grad[3]);
}

/// N values of a slice.
#[inline(always)]
fn take<const N: usize>(slice: &[f32], at: usize) -> [f32; N] {
    let mut values = [0.0; N];
    values.copy_from_slice(&slice[at..at + N]);
    values
}
