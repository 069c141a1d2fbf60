//! Convolutions. Invariant: images are channels last throughout; the kernels of striate-nn
//! compute all that they can, candle's convolution the rest.

use candle_core::Tensor;
use striate_nn::ops;

use super::binary::product;
use crate::value::Value;
use crate::{Error, Result};

/// Input channels of a group below which groups are computed together, as one convolution with
/// zeros between them: kernels need a certain width to be fast.
const LEAST_WIDTH: usize = 32;

/// `(weight [out, height, width, in / groups], bias [out] or none)`.
pub(super) fn conv2d(
    x: &Value,
    rest: &[Value],
    stride: usize,
    padding: [usize; 2],
    dilation: usize,
    groups: usize,
) -> Result<Value> {
    let [weight, bias @ ..] = rest else {
        return Err(Error::graph("lacks a weight"));
    };
    let (weight, bias) = (weight.stored(), bias.first().map(Value::stored));
    let dims = x.dims();
    let (&[_, channels, _, _], &[out, height, width, width_in]) = (&dims[..], weight.dims()) else {
        return Err(Error::graph(format!(
            "convolves {dims:?} with {:?}: expected four axes each",
            weight.dims()
        )));
    };
    if width_in * groups != channels || !out.is_multiple_of(groups) {
        return Err(Error::graph(format!(
            "has {channels} channels and {out} outputs in {groups} groups, and a weight for {width_in} channels each"
        )));
    }
    let mut image = x.to_channels_last()?;
    let square = height == width && padding[0] == padding[1];
    // Each of the kernels pads both axes alike.
    let mut pad = padding[0];
    if padding[0] != padding[1] {
        image = image
            .pad_with_zeros(1, padding[0], padding[0])?
            .pad_with_zeros(2, padding[1], padding[1])?;
        pad = 0;
    }
    let y = if groups == 1 {
        one(&image, weight, bias, stride, pad, dilation)?
    } else if width_in == 1 && square {
        let y = depthwise(&image, weight, stride, pad, dilation)?;
        match bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        }
    } else {
        grouped(&image, weight, bias, stride, pad, dilation, groups)?
    };
    Value::channels_last(y)
}

/// A convolution of all channels.
fn one(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
    dilation: usize,
) -> Result<Tensor> {
    let (_, height, width, _) = x.dims4()?;
    let (_, rows, columns, _) = weight.dims4()?;
    if dilation == 1 {
        let apart = stride > 1 && padding == 0 && [rows, columns] == [stride; 2];
        return match apart && height >= stride && width >= stride {
            true => patches(x, weight, bias, stride),
            false => Ok(ops::conv2d(x, weight, bias, stride, padding)?),
        };
    }
    let used = |length: usize, kernel: usize| -> Result<usize> {
        let span = (kernel - 1) * dilation + 1;
        let padded = length + 2 * padding;
        match padded.checked_sub(span) {
            Some(rest) => Ok(rest / stride * stride + span),
            None => Err(Error::graph(format!(
                "has a kernel of {span} pixels for an image of {padded}"
            ))),
        }
    };
    // candle's gradient assumes that nothing is left over behind the last window.
    let image = x
        .pad_with_zeros(1, padding, padding)?
        .pad_with_zeros(2, padding, padding)?
        .narrow(1, 0, used(height, rows)?)?
        .narrow(2, 0, used(width, columns)?)?;
    let y = image
        .permute((0, 3, 1, 2))?
        .contiguous()?
        .conv2d(
            &weight.permute((0, 3, 1, 2))?.contiguous()?,
            0,
            stride,
            dilation,
            1,
        )?
        .permute((0, 2, 3, 1))?
        .contiguous()?;
    Ok(match bias {
        Some(bias) => y.broadcast_add(bias)?,
        None => y,
    })
}

/// A convolution whose windows stand side by side: a product of each patch with the weights,
/// whose gradient is one as well, where that of a convolution runs over many zeros.
fn patches(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, side: usize) -> Result<Tensor> {
    let (batch, height, width, channels) = x.dims4()?;
    let (rows, columns) = (height / side, width / side);
    let out = weight.dim(0)?;
    let depth = side * side * channels;
    let patches = x
        .narrow(1, 0, rows * side)?
        .narrow(2, 0, columns * side)?
        .contiguous()?
        .reshape((batch * rows, side, columns, side * channels))?
        .transpose(1, 2)?
        .contiguous()?
        .reshape((batch * rows * columns, depth))?;
    let y = product(&patches, &weight.reshape((out, depth))?, bias)?;
    Ok(y.reshape((batch, rows, columns, out))?)
}

/// Each channel by itself; several outputs of a channel are channels that are repeated.
fn depthwise(
    x: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: usize,
    dilation: usize,
) -> Result<Tensor> {
    let (out, kernel, _, _) = weight.dims4()?;
    let channels = x.dim(3)?;
    let mut image = x.clone();
    if out != channels {
        let times = out / channels;
        let index: Vec<u32> = (0..out).map(|i| (i / times) as u32).collect();
        let index = Tensor::from_vec(index, out, x.device())?;
        image = image.index_select(&index, 3)?;
    }
    let weight = weight
        .reshape((out, kernel, kernel))?
        .permute((1, 2, 0))?
        .contiguous()?;
    Ok(ops::depthwise_conv2d(
        &image, &weight, stride, padding, dilation,
    )?)
}

/// Groups of channels, several of them as one convolution.
fn grouped(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
    dilation: usize,
    groups: usize,
) -> Result<Tensor> {
    let (out, height, width, width_in) = weight.dims4()?;
    let width_out = out / groups;
    // The most groups at once that divide all of them.
    let mut together = (LEAST_WIDTH / width_in).clamp(1, groups);
    while !groups.is_multiple_of(together) {
        together -= 1;
    }
    let mut parts = Vec::with_capacity(groups / together);
    for first in (0..groups).step_by(together) {
        let part = x
            .narrow(3, first * width_in, together * width_in)?
            .contiguous()?;
        let mut rows = Vec::with_capacity(together);
        for group in 0..together {
            let own = weight.narrow(0, (first + group) * width_out, width_out)?;
            let before = group * width_in;
            let after = (together - 1 - group) * width_in;
            rows.push(own.pad_with_zeros(3, before, after)?);
        }
        let kernel = Tensor::cat(&rows, 0)?.contiguous()?;
        debug_assert_eq!(kernel.dims()[1..3], [height, width]);
        let bias = match bias {
            Some(bias) => Some(
                bias.narrow(0, first * width_out, together * width_out)?
                    .contiguous()?,
            ),
            None => None,
        };
        parts.push(one(
            &part,
            &kernel,
            bias.as_ref(),
            stride,
            padding,
            dilation,
        )?);
    }
    Ok(Tensor::cat(&parts, 3)?)
}
