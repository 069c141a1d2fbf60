//! The losses of a training run (training.md 5). Invariant: the loss of a batch depends
//! on that batch, the network and the learned weights alone.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor, Var};
use striate_models::MultiTaskNet;
use striate_nn::{Context, loss};

use crate::Result;
use crate::config::{NeuralLoss, Regularise, TrainConfig};

/// The guard inside the logarithm of the Poisson loss (training.md 2.1).
const POISSON_EPSILON: f64 = 1e-12;
/// Names of the learned loss weights in checkpoints and optimiser states.
const S_IMAGES: &str = "loss.s_c";
const S_NEURAL: &str = "loss.s_n";

/// The learned log-variances of the two tasks, initially 0.
#[derive(Debug)]
pub(crate) struct LossWeights {
    pub(crate) images: Option<Var>,
    pub(crate) neural: Option<Var>,
}

impl LossWeights {
    pub(crate) fn new(images: bool, neural: bool, device: &Device) -> Result<Self> {
        let zero = |wanted: bool| wanted.then(|| Var::new(0f32, device)).transpose();
        Ok(Self {
            images: zero(images)?,
            neural: zero(neural)?,
        })
    }

    pub(crate) fn named(&self) -> Vec<(String, Var)> {
        [(S_IMAGES, &self.images), (S_NEURAL, &self.neural)]
            .into_iter()
            .filter_map(|(name, var)| Some((name.to_owned(), var.clone()?)))
            .collect()
    }

    /// The values of `s_c` and `s_n`.
    pub(crate) fn values(&self) -> Result<(Option<f64>, Option<f64>)> {
        let value = |var: &Option<Var>| -> Result<Option<f64>> {
            Ok(match var {
                Some(var) => Some(f64::from(var.to_scalar::<f32>()?)),
                None => None,
            })
        };
        Ok((value(&self.images)?, value(&self.neural)?))
    }

    /// A deep copy.
    pub(crate) fn state(&self) -> Result<BTreeMap<String, Tensor>> {
        self.named()
            .into_iter()
            .map(|(name, var)| Ok((name, var.as_detached_tensor().copy()?)))
            .collect()
    }

    pub(crate) fn load_state(&self, state: &BTreeMap<String, Tensor>) -> Result<()> {
        for (name, var) in self.named() {
            if let Some(tensor) = state.get(&name) {
                var.set(&tensor.to_device(var.device())?.copy()?)?;
            }
        }
        Ok(())
    }
}

/// The loss of a batch: what is minimised, and the plain value for the record.
pub(crate) struct Losses {
    pub(crate) objective: Tensor,
    pub(crate) plain: Tensor,
}

/// Cross-entropy of a batch of images, weighted if so configured.
pub(crate) fn images(
    net: &MultiTaskNet,
    weights: &LossWeights,
    x: &Tensor,
    labels: &Tensor,
    cx: &mut Context,
) -> Result<Losses> {
    let plain = loss::cross_entropy(&net.logits(x, cx)?, labels)?;
    let objective = match &weights.images {
        Some(s) => loss::weighted_classification(&plain, s)?,
        None => plain.clone(),
    };
    Ok(Losses {
        objective,
        plain: plain.detach(),
    })
}

/// One session's batch, for [`neural`].
pub(crate) struct NeuralBatch<'a> {
    pub(crate) session: &'a str,
    /// Training trials of the session.
    pub(crate) trials: usize,
    pub(crate) x: &'a Tensor,
    pub(crate) responses: &'a Responses,
}

/// The responses of a batch; those that are missing are 0 and masked.
pub(crate) struct Responses {
    values: Tensor,
    /// 1 where there is a response, else 0, and the number of ones.
    mask: Option<(Tensor, usize)>,
}

impl Responses {
    /// `[trials, neurons]`; NaN where a neuron was not recorded.
    pub(crate) fn new(
        mut values: Vec<f32>,
        shape: (usize, usize),
        device: &Device,
    ) -> Result<Self> {
        let present = values.iter().filter(|v| !v.is_nan()).count();
        let mask = if present < values.len() {
            let mask: Vec<f32> = values.iter().map(|v| f32::from(!v.is_nan())).collect();
            values
                .iter_mut()
                .filter(|v| v.is_nan())
                .for_each(|v| *v = 0.0);
            Some((Tensor::from_vec(mask, shape, device)?, present))
        } else {
            None
        };
        Ok(Self {
            values: Tensor::from_vec(values, shape, device)?,
            mask,
        })
    }
}

/// The neural loss of a batch, weighted, scaled and regularised as configured.
pub(crate) fn neural(
    net: &MultiTaskNet,
    config: &TrainConfig,
    weights: &LossWeights,
    batch: &NeuralBatch<'_>,
    cx: &mut Context,
) -> Result<Losses> {
    let plain = if config.neural_loss == NeuralLoss::Similarity {
        matched(net, batch, cx)?
    } else {
        let rates = net.responses(batch.session, batch.x, cx)?;
        plain_neural(config, weights, &rates, batch.responses)?
    };
    let mut objective = match &weights.neural {
        // Its learned weight is inside the loss.
        _ if config.neural_loss == NeuralLoss::NegativeBinomial => plain.clone(),
        Some(s) => loss::weighted_regression(&plain, s)?,
        None => plain.clone(),
    };
    if config.scale_loss {
        let size = batch.x.dim(0)? as f64;
        objective = (objective * (batch.trials as f64 / size).sqrt())?;
    }
    let regularised = config.scale_loss || config.regularise == Regularise::Always;
    let readout = config.neural_loss != NeuralLoss::Similarity;
    if regularised && readout && config.gamma_readout > 0.0 {
        let l1 = net.readout(batch.session)?.l1()?;
        objective = (objective + (l1 * config.gamma_readout)?)?;
    }
    if regularised && config.gamma_input > 0.0 {
        let rough = loss::laplace_l2norm(&net.first_kernels()?)?;
        objective = (objective + (rough * config.gamma_input)?)?;
    }
    Ok(Losses {
        objective,
        plain: plain.detach(),
    })
}

/// How far the shared map and the responses differ in which images they hold alike.
fn matched(net: &MultiTaskNet, batch: &NeuralBatch<'_>, cx: &mut Context) -> Result<Tensor> {
    if batch.responses.mask.is_some() {
        return Err(crate::Error::field(
            "neural_loss",
            "another loss where responses are missing",
            "similarity",
        ));
    }
    // The last batch of a pass may be one image, which is like no other.
    if batch.x.dim(0)? < 2 {
        return Ok(Tensor::zeros((), DType::F32, batch.x.device())?);
    }
    let map = net.stimulus_features(batch.x, cx)?.flatten_from(1)?;
    Ok(loss::similarity(&map, &batch.responses.values)?)
}

/// The loss over the responses that are there. Where a response is missing, rate and
/// response are 0, and so are the squared error and the Poisson loss; a mean is taken
/// over those that are there.
fn plain_neural(
    config: &TrainConfig,
    weights: &LossWeights,
    rates: &Tensor,
    responses: &Responses,
) -> Result<Tensor> {
    let targets = &responses.values;
    let (rates, share) = match &responses.mask {
        None => (rates.clone(), 1.0),
        Some((mask, present)) => (
            (rates * mask)?,
            targets.elem_count() as f64 / (*present).max(1) as f64,
        ),
    };
    let poisson = |reduction| loss::poisson(&rates, targets, POISSON_EPSILON, reduction);
    let mean = |loss: Tensor| -> Result<Tensor> {
        Ok(match responses.mask {
            None => loss,
            Some(_) => (loss * share)?,
        })
    };
    match config.neural_loss {
        NeuralLoss::Mse => mean(loss::mse(&rates, targets)?),
        NeuralLoss::PoissonSum => Ok(poisson(loss::Reduction::Sum)?),
        NeuralLoss::PoissonMean => mean(poisson(loss::Reduction::Mean)?),
        NeuralLoss::NegativeBinomial if responses.mask.is_some() => Err(crate::Error::field(
            "neural_loss",
            "another loss where responses are missing",
            "negative_binomial",
        )),
        // Without rates: see `matched`.
        NeuralLoss::Similarity => Err(crate::Error::field(
            "neural_loss",
            "a loss of rates",
            "similarity",
        )),
        NeuralLoss::NegativeBinomial => {
            let s = weights.neural.as_ref().ok_or_else(|| {
                crate::Error::field("neural_loss", "learned_weights with it", "none")
            })?;
            let reduction = loss::Reduction::Mean;
            Ok(loss::negative_binomial(&rates, targets, s, reduction)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss_of(kind: NeuralLoss, rates: &[f32], responses: &[f32]) -> f32 {
        let config = TrainConfig {
            neural_loss: kind,
            ..TrainConfig::default()
        };
        let weights = LossWeights::new(false, false, &Device::Cpu).unwrap();
        let shape = (rates.len() / 2, 2);
        let rates = Tensor::from_slice(rates, shape, &Device::Cpu).unwrap();
        let responses = Responses::new(responses.to_vec(), shape, &Device::Cpu).unwrap();
        let loss = plain_neural(&config, &weights, &rates, &responses).unwrap();
        loss.to_scalar().unwrap()
    }

    #[test]
    fn a_missing_response_has_no_say() {
        let nan = f32::NAN;
        let kinds = [
            NeuralLoss::Mse,
            NeuralLoss::PoissonSum,
            NeuralLoss::PoissonMean,
        ];
        for kind in kinds {
            let whole = loss_of(kind, &[1.0, 2.0, 0.5, 3.0], &[2.0, 1.0, 0.0, 4.0]);
            let missing = loss_of(
                kind,
                &[1.0, 2.0, 7.0, 0.5, 3.0, 9.0],
                &[2.0, 1.0, nan, 0.0, 4.0, nan],
            );
            assert!(
                (whole - missing).abs() < 1e-6,
                "{kind:?}: {whole} {missing}"
            );
        }
    }
}
