//! How a network is trained, as a recipe states it. Invariant: nothing in it depends
//! on the machine; what only affects safety (how often to save) stands elsewhere.

use serde::{Deserialize, Serialize};
use striate_nn::schedule::PlateauConfig;

use crate::cycler::{Cycler, Ratio};
use crate::schedule::Schedule;
use crate::stopping::EarlyStoppingConfig;
use crate::{Error, Result};

/// Settings of a training run. The default is the study's classification baseline;
/// [`TrainConfig::study_v1`] and [`TrainConfig::study_mtl`] are its two others
/// (training.md 0.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Images per batch of the classification.
    pub batch_size: usize,
    /// Images per batch of each session.
    pub neural_batch_size: usize,
    /// The optimiser with its first learning rate.
    pub optimizer: OptimizerConfig,
    /// How the learning rate falls and when training ends.
    pub schedule: Schedule,
    /// How the tasks take turns.
    pub cycler: Cycler,
    /// The loss of the neural task.
    pub neural_loss: NeuralLoss,
    /// Whether both losses carry learned weights (training.md 5.1); with `mse`,
    /// `similarity` or `negative_binomial` only.
    pub learned_weights: bool,
    /// Whether the neural loss is multiplied by `sqrt(trials / batch)` (training.md 5.3).
    pub scale_loss: bool,
    /// Factor of the L1 norm of the readout's features.
    pub gamma_readout: f64,
    /// Factor of the roughness of the kernels that see the image
    /// ([`laplace_l2norm`](striate_nn::loss::laplace_l2norm)), added when the L1 norm is.
    /// The group's V1 model with a squeeze-excitation core has 10.
    #[serde(skip_serializing_if = "is_zero")]
    pub gamma_input: f64,
    /// When these norms are added.
    pub regularise: Regularise,
    /// Whether the best weights' learned loss weights are restored with them. The
    /// study does not (training.md 9.4).
    pub restore_loss_weights: bool,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// The optimiser and its first learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// Stochastic gradient descent with momentum and coupled weight decay.
    Sgd {
        /// The first learning rate.
        lr: f64,
        /// The part of the velocity that is kept.
        momentum: f64,
        /// Coupled weight decay.
        weight_decay: f64,
    },
    /// Adam with coupled weight decay, betas 0.9 and 0.999, eps 1e-8.
    Adam {
        /// The first learning rate.
        lr: f64,
        /// Coupled weight decay.
        weight_decay: f64,
    },
}

impl OptimizerConfig {
    /// The first learning rate.
    pub fn lr(&self) -> f64 {
        match self {
            Self::Sgd { lr, .. } | Self::Adam { lr, .. } => *lr,
        }
    }
}

/// The loss of the neural task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeuralLoss {
    /// Mean squared error over batch and neurons.
    Mse,
    /// Poisson loss, summed over batch and neurons.
    PoissonSum,
    /// Poisson loss, averaged over batch and neurons.
    PoissonMean,
    /// Negative-binomial loss whose dispersion is the learned weight of the neural task,
    /// averaged over batch and neurons: what the study's code makes of a Poisson loss
    /// with learned weights (training.md 5.1).
    NegativeBinomial,
    /// Representation matching (Li et al. 2019): the shared map holds those images alike
    /// that the responses hold alike ([`similarity`](striate_nn::loss::similarity) over the
    /// batch). The readouts are not trained, so the correlation of a validation says
    /// nothing.
    Similarity,
}

/// When the L1 norm of the readout is added to the neural loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regularise {
    /// Only together with `scale_loss`, as the study's code does, so never in its
    /// multi-task recipe (training.md 5.5).
    WithScaling,
    /// Always.
    Always,
}

const STUDY_SGD: OptimizerConfig = OptimizerConfig::Sgd {
    lr: 0.1,
    momentum: 0.75,
    weight_decay: 5e-4,
};

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            batch_size: 128,
            neural_batch_size: 128,
            optimizer: STUDY_SGD,
            schedule: Schedule::study(0.4, 1e-4, 400, "accuracy"),
            cycler: Cycler::default(),
            neural_loss: NeuralLoss::Mse,
            learned_weights: false,
            scale_loss: false,
            gamma_readout: 0.5,
            gamma_input: 0.0,
            regularise: Regularise::WithScaling,
            restore_loss_weights: false,
        }
    }
}

impl TrainConfig {
    /// The study's single-task V1 model: Adam, summed and scaled Poisson loss, L1.
    pub fn study_v1() -> Self {
        Self {
            optimizer: OptimizerConfig::Adam {
                lr: 5e-4,
                weight_decay: 5e-4,
            },
            schedule: Schedule::study(0.5, 1e-6, 150, "correlation"),
            neural_loss: NeuralLoss::PoissonSum,
            scale_loss: true,
            ..Self::default()
        }
    }

    /// The study's multi-task models: learned weights, squared error, the given
    /// number of neural batches per image batch (the study's figure 1).
    pub fn study_mtl(ratio: Ratio) -> Self {
        Self {
            schedule: Schedule::study(0.3, 1e-4, 407, "accuracy"),
            cycler: Cycler::mtl(ratio),
            learned_weights: true,
            ..Self::default()
        }
    }

    /// # Errors
    ///
    /// If a field does not fit; the message names it.
    pub(crate) fn check(&self) -> Result<()> {
        for (name, size) in [
            ("batch_size", self.batch_size),
            ("neural_batch_size", self.neural_batch_size),
        ] {
            if size == 0 {
                return Err(Error::field(name, "at least 1", size));
            }
        }
        let (momentum, decay) = match self.optimizer {
            OptimizerConfig::Sgd {
                momentum,
                weight_decay,
                ..
            } => (momentum, weight_decay),
            OptimizerConfig::Adam { weight_decay, .. } => (0.0, weight_decay),
        };
        let lr = self.optimizer.lr();
        if !(lr > 0.0 && lr.is_finite()) {
            return Err(Error::field("optimizer.lr", "a positive number", lr));
        }
        if !(0.0..1.0).contains(&momentum) {
            return Err(Error::field(
                "optimizer.momentum",
                "a number in [0, 1)",
                momentum,
            ));
        }
        for (name, value) in [
            ("optimizer.weight_decay", decay),
            ("gamma_readout", self.gamma_readout),
            ("gamma_input", self.gamma_input),
        ] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::field(name, "a number not below 0", value));
            }
        }
        let expected = match (self.neural_loss, self.learned_weights) {
            (NeuralLoss::PoissonSum | NeuralLoss::PoissonMean, true) => {
                Some("mse, similarity or negative_binomial with learned_weights")
            }
            (NeuralLoss::NegativeBinomial, false) => Some("learned_weights with it"),
            _ => None,
        };
        if let Some(expected) = expected {
            let found = format!("{:?}", self.neural_loss);
            return Err(Error::field("neural_loss", expected, found));
        }
        self.schedule.check()
    }
}

impl Schedule {
    /// The study's rounds: five of them, each ended by six epochs without improvement.
    pub fn study(factor: f64, tolerance: f64, max_epochs: usize, monitor: &str) -> Self {
        Self::Rounds {
            plateau: PlateauConfig {
                factor,
                threshold: tolerance,
                ..PlateauConfig::default()
            },
            stopping: EarlyStoppingConfig {
                tolerance,
                max_epochs,
                monitor: vec![monitor.to_owned()],
                ..EarlyStoppingConfig::default()
            },
        }
    }
}
