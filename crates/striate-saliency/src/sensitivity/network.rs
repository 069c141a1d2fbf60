//! What a network is here, and the checks on its inputs and outputs.

use candle_core::{DType, Tensor};

use crate::{Error, Map, Result};

/// A network: a batch of images `[batch, height, width, channels]` in
/// normalised pixel space to features (or logits) of any shape `[batch, ...]`,
/// differentiable and treating each image by itself.
pub type Network<'a> = dyn Fn(&Tensor) -> candle_core::Result<Tensor> + 'a;

/// Count, height, width and channels of a batch of images.
pub(crate) fn dimensions(images: &Tensor) -> Result<[usize; 4]> {
    match images.dims() {
        &[count, height, width, channels]
            if images.elem_count() > 0 && images.dtype() == DType::F32 =>
        {
            Ok([count, height, width, channels])
        }
        dims => Err(Error::Images {
            found: format!("{} {dims:?}", images.dtype().as_str()),
        }),
    }
}

/// The features of a batch as a matrix `[batch, features]`.
pub(crate) fn features(network: &Network<'_>, images: &Tensor) -> Result<Tensor> {
    let count = images.dim(0)?;
    let features = network(images)?;
    let dims = features.dims();
    if dims.first() != Some(&count) || dims.contains(&0) {
        return Err(Error::Features {
            images: count,
            found: dims.to_vec(),
        });
    }
    Ok(features.reshape((count, features.elem_count() / count))?)
}

/// Averages `height x width x channels` values over channels.
pub(crate) fn channel_mean(values: &[f32], height: usize, width: usize) -> Result<Map> {
    let channels = values.len() / (height * width);
    let means = values
        .chunks(channels.max(1))
        .map(|pixel| pixel.iter().map(|v| f64::from(*v)).sum::<f64>() / channels as f64)
        .collect();
    Map::new(height, width, means)
}

/// Checks that there is one item for each image.
pub(crate) fn one_each(what: &str, images: usize, found: usize) -> Result<()> {
    if images == found {
        return Ok(());
    }
    Err(Error::Size {
        what: what.into(),
        expected: format!("{images}, one for each image"),
        found: found.to_string(),
    })
}
