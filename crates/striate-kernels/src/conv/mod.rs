//! Convolutions: which algorithm runs for which shape. Invariants: the choice
//! depends on the shape alone, so equal calls give equal bits; the output and the
//! input's gradient of an image do not depend on its batch.

mod direct;
mod input;
mod strip;
mod taps;
#[cfg(test)]
mod tests;

use std::cell::Cell;

pub use input::ConvInput;
pub(crate) use input::{Reading, Rectifier};

use crate::error::{Result, check_length};
use crate::gemm::{GemmShape, gemm_nn, gemm_nt};
use crate::map::MapShape;
use crate::norm::{Moments, batch_norm_statistics};
use crate::reduce::column_sums;
use crate::shape::ConvShape;
use crate::winograd;

/// How a convolution is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// One matrix product: 1x1 kernels at stride 1 without padding.
    Gemm,
    /// Matrix products over strips of the padded map (implicit GEMM); for the input's
    /// gradient of few channels, over all taps at once.
    Direct,
    /// Winograd F(4x4, 3x3): 3x3 kernels at stride 1 and padding 1.
    Winograd,
}

/// One of the three products of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Product {
    /// The output from input and weights.
    Forward,
    /// The input's gradient from weights and the output's gradient.
    InputGradient,
    /// The weights' gradient from input and the output's gradient.
    WeightGradient,
}

/// Channels that are summed or tiled over from which on Winograd is faster
/// (measured: `cargo bench -p striate-kernels --bench layers -- choose`).
const WINOGRAD_CHANNELS: usize = 8;

thread_local! {
    static FORCED: Cell<Option<Algorithm>> = const { Cell::new(None) };
}

/// Runs `work` with convolutions called from this thread computed by
/// `algorithm` where it can compute them, for tests and comparisons.
pub fn with_algorithm<R>(algorithm: Algorithm, work: impl FnOnce() -> R) -> R {
    struct Restore(Option<Algorithm>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    let _restore = Restore(FORCED.replace(Some(algorithm)));
    work()
}

/// The algorithm of an enclosing [`with_algorithm`].
#[cfg(test)]
pub(crate) fn forced_algorithm() -> Option<Algorithm> {
    FORCED.get()
}

/// The algorithm that the kernels use for one product of `shape`.
pub fn algorithm(shape: &ConvShape, product: Product) -> Algorithm {
    let gemm = shape.taps() == 1 && shape.stride == 1 && shape.padding == 0;
    let winograd = winograd::supports(shape);
    match FORCED.get() {
        Some(Algorithm::Direct) => return Algorithm::Direct,
        Some(Algorithm::Winograd) if winograd => return Algorithm::Winograd,
        _ if gemm => return Algorithm::Gemm,
        _ => {}
    }
    if product == Product::InputGradient && taps::supports(shape) {
        return Algorithm::Direct;
    }
    // Not by the batch: an image is computed alike in whatever company.
    let channels = match product {
        Product::Forward => shape.in_channels,
        Product::InputGradient => shape.out_channels,
        Product::WeightGradient => shape.in_channels.min(shape.out_channels),
    };
    if winograd && channels >= WINOGRAD_CHANNELS {
        Algorithm::Winograd
    } else {
        Algorithm::Direct
    }
}

fn pixels_gemm(shape: &ConvShape) -> GemmShape {
    GemmShape {
        rows: shape.out_pixels(),
        columns: shape.out_channels,
        depth: shape.in_channels,
    }
}

/// `output = convolution(input, weight) + bias`.
///
/// # Shapes
///
/// `input` `[batch, height, width, in_channels]`, `weight` `[out_channels,
/// kernel_h, kernel_w, in_channels]`, `bias` `[out_channels]`, `output`
/// `[batch, out_height, out_width, out_channels]` (overwritten).
///
/// # Errors
///
/// A length that does not fit `shape`.
pub fn conv2d_forward(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Result<()> {
    forward(shape, ConvInput::Map(input), weight, bias, output)
}

/// [`conv2d_forward`], and the mean and the biased variance of each output channel over
/// batch and pixels: as [`batch_norm_statistics`](crate::batch_norm_statistics) of the
/// output, mostly without reading it again.
///
/// # Shapes
///
/// As [`conv2d_forward`]; `mean` and `variance` `[out_channels]` (overwritten).
///
/// # Errors
///
/// A length that does not fit `shape`.
pub fn conv2d_forward_with_statistics(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
    mean: &mut [f32],
    variance: &mut [f32],
) -> Result<()> {
    forward_with_statistics(
        shape,
        ConvInput::Map(input),
        weight,
        bias,
        output,
        [mean, variance],
    )
}

/// [`conv2d_forward_with_statistics`] of any input.
pub(crate) fn forward_with_statistics(
    shape: &ConvShape,
    input: ConvInput<'_>,
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
    [mean, variance]: [&mut [f32]; 2],
) -> Result<()> {
    const NAME: &str = "conv2d_forward_with_statistics";
    let channels = shape.out_channels;
    check_length(NAME, "mean", mean.len(), channels)?;
    check_length(NAME, "variance", variance.len(), channels)?;
    if algorithm(shape, Product::Forward) == Algorithm::Winograd {
        let mut moments = Moments::new(channels);
        convolve(shape, input, weight, bias, output, Some(&mut moments))?;
        moments.store(mean, variance);
        return Ok(());
    }
    forward(shape, input, weight, bias, output)?;
    let (height, width) = (shape.out_height(), shape.out_width());
    let map = MapShape::new([shape.batch, height, width, channels])?;
    batch_norm_statistics(&map, output, mean, variance)
}

/// [`conv2d_forward`] of any input.
pub(crate) fn forward(
    shape: &ConvShape,
    input: ConvInput<'_>,
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Result<()> {
    convolve(shape, input, weight, bias, output, None)
}

/// The output; its moments, if they are wanted, by Winograd only.
fn convolve(
    shape: &ConvShape,
    input: ConvInput<'_>,
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
    moments: Option<&mut Moments>,
) -> Result<()> {
    const NAME: &str = "conv2d_forward";
    input.check(NAME, shape)?;
    check_length(NAME, "weight", weight.len(), shape.weight_len())?;
    check_length(NAME, "output", output.len(), shape.output_len())?;
    if let Some(bias) = bias {
        check_length(NAME, "bias", bias.len(), shape.out_channels)?;
    }
    match algorithm(shape, Product::Forward) {
        Algorithm::Gemm => gemm_nt(pixels_gemm(shape), &input.map()?, weight, bias, output)?,
        Algorithm::Direct => direct::forward(shape, &input.map()?, weight, bias, output),
        Algorithm::Winograd => {
            winograd::forward(shape, &input.read()?, weight, bias, output, moments);
        }
    }
    Ok(())
}

/// The gradient of a loss with respect to the input, from the gradient with
/// respect to the output.
///
/// # Shapes
///
/// `weight` and `grad_output` as in [`conv2d_forward`]; `grad_input` as the
/// input (overwritten).
///
/// # Errors
///
/// A length that does not fit `shape`.
pub fn conv2d_backward_input(
    shape: &ConvShape,
    weight: &[f32],
    grad_output: &[f32],
    grad_input: &mut [f32],
) -> Result<()> {
    const NAME: &str = "conv2d_backward_input";
    check_length(NAME, "weight", weight.len(), shape.weight_len())?;
    check_length(NAME, "grad_output", grad_output.len(), shape.output_len())?;
    check_length(NAME, "grad_input", grad_input.len(), shape.input_len())?;
    match algorithm(shape, Product::InputGradient) {
        Algorithm::Gemm => {
            let gemm = GemmShape {
                rows: shape.out_pixels(),
                columns: shape.in_channels,
                depth: shape.out_channels,
            };
            gemm_nn(gemm, grad_output, weight, None, grad_input)?;
        }
        Algorithm::Direct if taps::supports(shape) => {
            taps::backward_input(shape, weight, grad_output, grad_input);
        }
        Algorithm::Direct => direct::backward_input(shape, weight, grad_output, grad_input),
        Algorithm::Winograd => winograd::backward_input(shape, weight, grad_output, grad_input),
    }
    Ok(())
}

/// The gradients of a loss with respect to the weights and the bias, from the
/// gradient with respect to the output.
///
/// # Shapes
///
/// `input` and `grad_output` as in [`conv2d_forward`]; `grad_weight` as the
/// weights, `grad_bias` `[out_channels]` (both overwritten).
///
/// # Errors
///
/// A length that does not fit `shape`.
pub fn conv2d_backward_weight(
    shape: &ConvShape,
    input: &[f32],
    grad_output: &[f32],
    grad_weight: &mut [f32],
    grad_bias: Option<&mut [f32]>,
) -> Result<()> {
    let input = ConvInput::Map(input);
    backward_weight(shape, input, grad_output, grad_weight, grad_bias)
}

/// [`conv2d_backward_weight`] of any input.
pub(crate) fn backward_weight(
    shape: &ConvShape,
    input: ConvInput<'_>,
    grad_output: &[f32],
    grad_weight: &mut [f32],
    grad_bias: Option<&mut [f32]>,
) -> Result<()> {
    const NAME: &str = "conv2d_backward_weight";
    input.check(NAME, shape)?;
    check_length(NAME, "grad_output", grad_output.len(), shape.output_len())?;
    check_length(NAME, "grad_weight", grad_weight.len(), shape.weight_len())?;
    if let Some(grad_bias) = grad_bias {
        check_length(NAME, "grad_bias", grad_bias.len(), shape.out_channels)?;
        column_sums(grad_output, grad_bias);
    }
    match algorithm(shape, Product::WeightGradient) {
        Algorithm::Winograd => {
            winograd::backward_weight(shape, &input.read()?, grad_output, grad_weight);
        }
        // The products of 1x1 kernels are those of a strip of one row and column.
        _ => direct::backward_weight(shape, &input.map()?, grad_output, grad_weight),
    }
    Ok(())
}
