//! The objective and its gradient. Invariant: an image's gradient does not depend on the other images of the batch.

use candle_core::{Tensor, Var};

use crate::{Error, Result};

/// A network: a batch of images `[batch, height, width, channels]` in
/// normalised pixel space to features of any shape `[batch, ...]`.
///
/// It must be differentiable, treat each image by itself (batch norm on running
/// statistics), and give the same features for the same image.
/// Weights given as plain tensors, not variables, save candle their gradients.
pub type Network<'a> = dyn Fn(&Tensor) -> candle_core::Result<Tensor> + 'a;

/// The objective of each image and its gradient.
pub(crate) struct Evaluation {
    /// `[batch]`: mean squared difference of the features, `-J` of analyses.md 3.2.
    pub(crate) loss: Tensor,
    /// `[batch, height, width, channels]`.
    pub(crate) gradient: Tensor,
}

/// The features of a batch as a matrix `[batch, activations]`, outside the graph.
pub(crate) fn features(network: &Network<'_>, images: &Tensor) -> Result<Tensor> {
    flat(&network(images)?, images.dim(0)?).map(|f| f.detach())
}

/// Evaluates the objective at `x` against target features `[batch, activations]`.
///
/// The gradient is that of the sum over the batch of per-image means, so that
/// the step of an image does not shrink with the batch (analyses.md 3.6).
pub(crate) fn evaluate(network: &Network<'_>, x: &Tensor, target: &Tensor) -> Result<Evaluation> {
    let x = Var::from_tensor(x)?;
    let loss = loss(network, x.as_tensor(), target)?;
    let gradients = loss.sum_all()?.backward()?;
    let gradient = gradients.get(x.as_tensor()).ok_or(Error::NoGradient)?;
    Ok(Evaluation {
        loss: loss.detach(),
        gradient: gradient.detach(),
    })
}

/// The objective of each image, `[batch]`.
pub(crate) fn loss(network: &Network<'_>, x: &Tensor, target: &Tensor) -> Result<Tensor> {
    let features = flat(&network(x)?, x.dim(0)?)?;
    Ok(features.sub(target)?.sqr()?.mean(1)?)
}

fn flat(features: &Tensor, images: usize) -> Result<Tensor> {
    let dims = features.dims();
    if dims.first() != Some(&images) || dims.contains(&0) {
        return Err(Error::Features {
            images,
            found: dims.to_vec(),
        });
    }
    Ok(features.reshape((images, features.elem_count() / images))?)
}
