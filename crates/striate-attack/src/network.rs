//! What a network is here, its decisions and the gradient that attacks follow.
//!
//! Invariant: the gradient of an image has the direction of its cross-entropy's
//! gradient, however sure the network is.

use candle_core::{D, DType, Tensor, Var};

use crate::{Error, Result};

/// A network: a batch of images `[batch, height, width, channels]` in `[0, 1]` to
/// class scores `[batch, classes]`, differentiable, in evaluation mode.
///
/// Weights given as plain tensors, not variables, save candle their gradients.
pub type Network<'a> = dyn Fn(&Tensor) -> candle_core::Result<Tensor> + 'a;

/// What the network says of a batch, and where its error grows.
pub(crate) struct Evaluation {
    /// The class of each image.
    pub(crate) classes: Vec<u32>,
    /// `[batch, height, width, channels]`, of the log odds against the true class.
    pub(crate) gradient: Tensor,
}

/// The class of each image: the highest score, the first of equals.
pub(crate) fn classify(network: &Network<'_>, x: &Tensor, ids: &[u64]) -> Result<Vec<u32>> {
    decide(&scores(network, x)?, ids)
}

/// Classes, and the gradient of `logsumexp_{j != y} z_j - z_y` for the true class `y`.
///
/// With `r` for this log odds ratio the cross-entropy is `ln(1 + e^r)`, and its
/// gradient is that of `r` times a positive number, `1 / (1 + e^-r)`. Attacks use the
/// direction alone, so this is the cross-entropy's attack; but the factor rounds to
/// 0 where the softmax saturates, and with it the gradient (Carlini and Wagner 2017,
/// section IV), while `r` keeps its own.
///
/// The gradient is that of the sum over the batch, so an image's does not shrink
/// with the batch.
pub(crate) fn evaluate(
    network: &Network<'_>,
    x: &Tensor,
    labels: &[u32],
    ids: &[u64],
) -> Result<Evaluation> {
    let x = Var::from_tensor(&x.detach())?;
    let scores = scores(network, x.as_tensor())?;
    let classes = decide(&scores.detach(), ids)?;
    let odds = log_odds(&scores, labels)?;
    let gradients = odds.sum_all()?.backward()?;
    let gradient = gradients.get(x.as_tensor()).ok_or(Error::NoGradient)?;
    Ok(Evaluation {
        classes,
        gradient: gradient.detach(),
    })
}

/// The log odds against the true class, `[batch]`, of scores `[batch, classes]`.
pub(crate) fn log_odds(scores: &Tensor, labels: &[u32]) -> Result<Tensor> {
    let (batch, classes) = scores.dims2()?;
    let mut truth = vec![0f32; batch * classes];
    for (row, label) in labels.iter().enumerate() {
        truth[row * classes + *label as usize] = 1.0;
    }
    let truth = Tensor::from_vec(truth, (batch, classes), scores.device())?;
    // Far below any other score, so that its exponential is 0.
    let others = (scores - (&truth * 1e30)?)?;
    let largest = others.detach().max_keepdim(D::Minus1)?;
    let sum = others.broadcast_sub(&largest)?.exp()?.sum(D::Minus1)?;
    let others = (sum.log()? + largest.squeeze(D::Minus1)?)?;
    let own = (scores * truth)?.sum(D::Minus1)?;
    Ok((others - own)?)
}

fn scores(network: &Network<'_>, x: &Tensor) -> Result<Tensor> {
    let images = x.dim(0)?;
    let scores = network(x)?;
    match scores.dims() {
        &[rows, classes] if rows == images && classes >= 2 => Ok(scores.to_dtype(DType::F32)?),
        found => Err(Error::Scores {
            images,
            found: found.to_vec(),
        }),
    }
}

fn decide(scores: &Tensor, ids: &[u64]) -> Result<Vec<u32>> {
    let rows = scores.to_vec2::<f32>()?;
    let mut classes = Vec::with_capacity(rows.len());
    for (row, id) in rows.iter().zip(ids) {
        if row.iter().any(|score| !score.is_finite()) {
            let what = "class scores";
            return Err(Error::NotFinite { what, id: *id });
        }
        let mut best = 0;
        for (class, score) in row.iter().enumerate() {
            if *score > row[best] {
                best = class;
            }
        }
        classes.push(best as u32);
    }
    Ok(classes)
}
