//! Losses (reference 5). Invariant: each is a scalar that can be summed with others.

use candle_core::{D, DType, Tensor};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::error::{dims, shape_error};
use crate::ops::ln_gamma;

/// How a loss is reduced to a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reduction {
    /// The sum over all elements.
    Sum,
    /// The mean over all elements.
    Mean,
}

impl Reduction {
    fn apply(self, x: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Sum => x.sum_all()?,
            Self::Mean => x.mean_all()?,
        })
    }
}

/// Mean cross-entropy of the softmax.
///
/// # Shapes
///
/// `logits` `[batch, classes]`, `labels` `[batch]` of u32; a scalar.
///
/// # Errors
///
/// If the shapes do not agree or a label is not below the number of classes.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let [batch, _] = dims(logits, "cross_entropy", "[batch, classes] of the logits")?;
    if labels.dims() != [batch] {
        return Err(shape_error(
            labels,
            "cross_entropy",
            format!("[{batch}] of the labels"),
        ));
    }
    let peak = logits.detach().max_keepdim(D::Minus1)?;
    let shifted = logits.broadcast_sub(&peak)?;
    let normaliser = shifted.exp()?.sum_keepdim(D::Minus1)?.log()?;
    let index = labels.to_dtype(DType::U32)?.reshape((batch, 1))?;
    let chosen = shifted.gather(&index, D::Minus1)?;
    Ok((normaliser - chosen)?.mean_all()?)
}

/// Mean squared difference over all elements.
///
/// # Shapes
///
/// Two equal shapes; a scalar.
///
/// # Errors
///
/// If the shapes differ.
pub fn mse(prediction: &Tensor, target: &Tensor) -> Result<Tensor> {
    check("mse", prediction, target)?;
    Ok((prediction - target)?.sqr()?.mean_all()?)
}

/// Poisson loss `p - t ln(p + eps)` of rates against counts, without the
/// terms that depend on the target alone (reference 2.1: eps 1e-12).
///
/// # Shapes
///
/// Two equal shapes; a scalar.
///
/// # Errors
///
/// If the shapes differ.
pub fn poisson(
    prediction: &Tensor,
    target: &Tensor,
    eps: f64,
    reduction: Reduction,
) -> Result<Tensor> {
    check("poisson", prediction, target)?;
    let log = (prediction + eps)?.log()?;
    reduction.apply(&(prediction - (target * log)?)?)
}

/// `exp(-s) ce + s / 2`: the classification loss with a learned log-variance
/// `s` (reference 5.1).
///
/// # Shapes
///
/// Both scalars, or `s` `[1]`; a scalar.
///
/// # Errors
///
/// If one of them has more than one element.
pub fn weighted_classification(ce: &Tensor, log_variance: &Tensor) -> Result<Tensor> {
    weighted(ce, log_variance, 1.0)
}

/// `exp(-s) / 2 mse + s / 2`: the regression loss with a learned log-variance
/// `s` (reference 5.1).
///
/// # Shapes
///
/// Both scalars, or `s` `[1]`; a scalar.
///
/// # Errors
///
/// If one of them has more than one element.
pub fn weighted_regression(mse: &Tensor, log_variance: &Tensor) -> Result<Tensor> {
    weighted(mse, log_variance, 0.5)
}

fn weighted(loss: &Tensor, log_variance: &Tensor, factor: f64) -> Result<Tensor> {
    let s = log_variance.reshape(())?;
    let scaled = (loss.reshape(())? * s.neg()?.exp()?)?.affine(factor, 0.0)?;
    Ok((scaled + s.affine(0.5, 0.0)?)?)
}

/// Negative log-likelihood of counts under a negative binomial with mean
/// `prediction` and learned log-dispersion `s`, `r = exp(s)` (reference 5.1):
/// `(t + r) ln(p + r) - t ln p - r s + ln Gamma(r) - ln Gamma(t + r) + ln Gamma(t + 1) + 1e-5`.
///
/// # Shapes
///
/// `prediction` and `target` of equal shape, `s` a scalar or `[1]`; a scalar.
///
/// # Errors
///
/// If the shapes differ.
pub fn negative_binomial(
    prediction: &Tensor,
    target: &Tensor,
    log_dispersion: &Tensor,
    reduction: Reduction,
) -> Result<Tensor> {
    check("negative_binomial", prediction, target)?;
    let s = log_dispersion.reshape(())?;
    let r = s.exp()?;
    let shifted = target.broadcast_add(&r)?;
    let logs =
        ((&shifted * prediction.broadcast_add(&r)?.log()?)? - (target * prediction.log()?)?)?;
    let gammas = (ln_gamma(&(target + 1.0)?)? - ln_gamma(&shifted)?)?;
    let constant = (ln_gamma(&r)? - (&r * &s)?)?;
    // The study's code adds 1e-5 to each element.
    let elements = (logs + gammas)?.broadcast_add(&(constant + 1e-5)?)?;
    reduction.apply(&elements)
}

fn check(place: &str, prediction: &Tensor, target: &Tensor) -> Result<()> {
    if prediction.dims() == target.dims() {
        Ok(())
    } else {
        Err(shape_error(
            target,
            place,
            format!("{:?} of the target", prediction.dims()),
        ))
    }
}

/// How far two representations of the same images differ in which images they hold alike:
/// the mean over pairs of images of `(atanh r_a - atanh r_b)^2`, where `r` is the cosine of
/// two images' features after the mean over images is taken from each feature (Li et al.
/// 2019; analyses.md 2, variant C).
///
/// # Shapes
///
/// `a` `[images, features]`, `b` `[images, other features]`, at least two images; a scalar.
///
/// # Errors
///
/// If the two have other numbers of images, or fewer than two.
pub fn similarity(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    const PLACE: &str = "similarity";
    let [images, _] = dims(a, PLACE, "[images, features]")?;
    let expected = format!("[{images}, features], at least two images");
    let [others, _] = dims(b, PLACE, &expected)?;
    if others != images || images < 2 {
        return Err(shape_error(b, PLACE, expected));
    }
    let pairs = (images * (images - 1)) as f64;
    let difference = (similarities(a)? - similarities(b)?)?;
    Ok((difference.sqr()?.sum_all()? / pairs)?)
}

/// `atanh` of the cosines of centred features, 0 on the diagonal.
fn similarities(features: &Tensor) -> Result<Tensor> {
    let images = features.dim(0)?;
    let mean = (features.sum_keepdim(0)? / images as f64)?;
    let centred = features.broadcast_sub(&mean)?;
    // An image without features has no direction, and a cosine of 0 with all others.
    let norm = (centred.sqr()?.sum_keepdim(1)? + 1e-12)?.sqrt()?;
    let unit = centred.broadcast_div(&norm)?;
    let others = Tensor::ones((images, images), DType::F32, features.device())?;
    let others = (others - Tensor::eye(images, DType::F32, features.device())?)?;
    // Two equal images would lie at infinity.
    let cosine = (unit.matmul(&unit.t()?)? * others)?.affine(1.0 - 1e-6, 0.0)?;
    let (plus, minus) = ((&cosine + 1.0)?, (1.0 - &cosine)?);
    Ok(((plus.log()? - minus.log()?)? * 0.5)?)
}

/// How rough kernels are, whatever their size: `sum (L * w)^2 / sum w^2`, where `L` is the
/// 3x3 Laplace filter (4 in the middle, -1 beside it) over each slice of a kernel, with
/// zeros around it (training.md 2.2).
///
/// # Shapes
///
/// `weight` `[out, height, width, in]`; a scalar.
///
/// # Errors
///
/// If the weight has another rank.
pub fn laplace_l2norm(weight: &Tensor) -> Result<Tensor> {
    let [_, height, width, _] = dims(weight, "laplace_l2norm", "[out, height, width, in]")?;
    let padded = weight.pad_with_zeros(1, 1, 1)?.pad_with_zeros(2, 1, 1)?;
    let moved = |down: usize, right: usize| -> Result<Tensor> {
        Ok(padded.narrow(1, down, height)?.narrow(2, right, width)?)
    };
    let beside = ((moved(0, 1)? + moved(2, 1)?)? + (moved(1, 0)? + moved(1, 2)?)?)?;
    let rough = ((weight * 4.0)? - beside)?.sqr()?.sum_all()?;
    Ok((rough / weight.sqr()?.sum_all()?)?)
}

#[cfg(test)]
mod tests;
