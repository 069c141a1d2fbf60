//! S4, the gradient of a class. Invariant: the gradient is that of the logit, not of a loss.

use candle_core::{DType, Tensor, Var};

use super::network::{channel_mean, dimensions, features, one_each};
use super::{Network, Sensitivity, SensitivityMap};
use crate::{Error, Result};

/// S4 of each image: `|d logit_y / d x|` for its class `y`, averaged over channels
/// (Simonyan et al. 2014, with the mean instead of the maximum).
///
/// # Shapes
///
/// `images` is `[images, height, width, channels]`, one label per image; the
/// network gives logits `[images, classes]`.
///
/// # Errors
///
/// If the inputs do not fit, a label is no class of the network, the network
/// fails, or the gradient of an image is 0 everywhere.
pub fn class_gradient(
    network: &Network<'_>,
    images: &Tensor,
    labels: &[u32],
    smoothing_px: f64,
) -> Result<Vec<SensitivityMap>> {
    let [count, height, width, _] = dimensions(images)?;
    one_each("labels of the images", count, labels.len())?;
    let x = Var::from_tensor(&images.detach().copy()?)?;
    let logits = features(network, x.as_tensor())?;
    let classes = logits.dim(1)?;
    if let Some(label) = labels.iter().find(|label| **label as usize >= classes) {
        return Err(Error::Setting {
            name: "label",
            expected: "a class of the network",
            found: format!("{label} of {classes} classes"),
        });
    }
    let mut chosen = vec![0f32; count * classes];
    for (row, label) in labels.iter().enumerate() {
        chosen[row * classes + *label as usize] = 1.0;
    }
    let chosen = Tensor::from_vec(chosen, (count, classes), images.device())?;
    let logit = (logits.to_dtype(DType::F32)? * chosen)?.sum_all()?;
    let gradients = logit.backward()?;
    let gradient = gradients.get(x.as_tensor()).ok_or(Error::NoGradient)?;
    let rows = gradient.abs()?.flatten_from(1)?.to_vec2::<f32>()?;
    rows.iter()
        .map(|row| {
            let energy = channel_mean(row, height, width)?;
            SensitivityMap::new(Sensitivity::ClassGradient, energy, None, smoothing_px)
        })
        .collect()
}
