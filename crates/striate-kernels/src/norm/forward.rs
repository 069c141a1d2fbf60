//! The fused block, forward.

use rayon::prelude::*;

use super::{Affine, NormBlock, NormParameters, Pooling};
use crate::cpu::Isa;
use crate::error::{Result, check_length};
use crate::reduce::chunk_rows;
use crate::simd::vectorised;

/// Batch norm with the given statistics, then activation and pooling.
///
/// For training, give the batch's statistics of
/// [`batch_norm_statistics`](super::batch_norm_statistics); for evaluation, the
/// running ones. A NaN stays a NaN.
///
/// # Shapes
///
/// `x` as `block.shape`; `y` `[batch, height, width, channels]`, or with
/// pooling `[batch, height / 2, width / 2, channels]` (overwritten).
///
/// # Errors
///
/// A length that does not fit the shape.
pub fn batch_norm_forward(
    block: &NormBlock,
    x: &[f32],
    parameters: &NormParameters<'_>,
    y: &mut [f32],
) -> Result<()> {
    const NAME: &str = "batch_norm_forward";
    let shape = block.shape;
    let channels = shape.channels;
    let Affine { scale, shift, .. } = Affine::new(NAME, channels, parameters)?;
    check_length(NAME, "x", x.len(), shape.len())?;
    check_length(NAME, "y", y.len(), block.output_len())?;
    let (isa, floor) = (Isa::current(), block.floor());
    match block.pooling {
        Pooling::None => {
            let chunk = chunk_rows(channels) * channels;
            let chunks = y.par_chunks_mut(chunk).zip(x.par_chunks(chunk));
            chunks.for_each(|(y, x)| rows(isa, x, &scale, &shift, floor, y));
        }
        Pooling::Max2x2 if y.is_empty() => {}
        Pooling::Max2x2 => {
            let row_len = shape.row_len();
            let out_rows = shape.height / 2;
            let chunks = y.par_chunks_mut(shape.width / 2 * channels).enumerate();
            chunks.for_each(|(row, y)| {
                let start = (row / out_rows * shape.height + row % out_rows * 2) * row_len;
                let (upper, lower) = x[start..start + 2 * row_len].split_at(row_len);
                pooled_row(isa, upper, lower, &scale, &shift, floor, y);
            });
        }
    }
    Ok(())
}

vectorised! {
    fn rows(x: &[f32], scale: &[f32], shift: &[f32], floor: f32, y: &mut [f32]) {
        let channels = scale.len();
        let shift = &shift[..channels];
        for (y, x) in y.chunks_exact_mut(channels).zip(x.chunks_exact(channels)) {
            for c in 0..channels {
                let z = x[c] * scale[c] + shift[c];
                y[c] = if z <= floor { floor } else { z };
            }
        }
    }
}

vectorised! {
    fn pooled_row(
        upper: &[f32],
        lower: &[f32],
        scale: &[f32],
        shift: &[f32],
        floor: f32,
        y: &mut [f32],
    ) {
        let channels = scale.len();
        let shift = &shift[..channels];
        let windows = upper.chunks_exact(2 * channels).zip(lower.chunks_exact(2 * channels));
        for (y, (upper, lower)) in y.chunks_exact_mut(channels).zip(windows) {
            let (a, b) = upper.split_at(channels);
            let (d, e) = lower.split_at(channels);
            let (a, b, d, e) = (&a[..channels], &b[..channels], &d[..channels], &e[..channels]);
            for c in 0..channels {
                let z = |x: f32| x * scale[c] + shift[c];
                let larger = |m: f32, z: f32| if z > m || z.is_nan() { z } else { m };
                let m = larger(larger(z(a[c]), z(b[c])), larger(z(d[c]), z(e[c])));
                y[c] = if m <= floor { floor } else { m };
            }
        }
    }
}
