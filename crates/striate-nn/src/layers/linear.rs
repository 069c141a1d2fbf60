//! The linear layer.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_random::Stream;

use super::conv2d::zeros;
use crate::error::config_error;
use crate::{Context, Param, Result, Scope, init, ops};

/// The sizes of a [`Linear`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearConfig {
    /// Features of the input.
    pub inputs: usize,
    /// Features of the output.
    pub outputs: usize,
    /// Standard deviation of the initial weights.
    pub init_deviation: f64,
}

impl LinearConfig {
    /// The study's initial deviation of 0.01 (reference 3.3).
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self {
            inputs,
            outputs,
            init_deviation: 0.01,
        }
    }
}

/// `x W^T + b`.
#[derive(Clone, Debug)]
pub struct Linear {
    name: String,
    config: LinearConfig,
    /// `[out, in]`.
    pub weight: Param,
    /// `[out]`.
    pub bias: Param,
}

impl Linear {
    /// Creates `weight` (normal, drawn from `stream`) and `bias` (0) in `scope`.
    ///
    /// # Errors
    ///
    /// If a size is 0 or the names are taken.
    pub fn new(config: LinearConfig, scope: &Scope, stream: &mut Stream) -> Result<Self> {
        let LinearConfig {
            inputs,
            outputs,
            init_deviation,
        } = config;
        if inputs * outputs == 0 || !(init_deviation >= 0.0 && init_deviation.is_finite()) {
            return Err(config_error(
                scope.name(),
                "features of at least 1 and an initial deviation of at least 0",
                format!("{config:?}"),
            ));
        }
        let device = scope.device();
        let weight = init::normal((outputs, inputs), init_deviation, stream, device)?;
        Ok(Self {
            name: scope.name().to_owned(),
            config,
            weight: scope.param("weight", &weight)?,
            bias: scope.param("bias", &zeros(outputs, device)?)?,
        })
    }

    /// The sizes.
    pub fn config(&self) -> &LinearConfig {
        &self.config
    }

    /// Applies the layer.
    ///
    /// # Shapes
    ///
    /// `[batch, in]` to `[batch, out]`.
    ///
    /// # Errors
    ///
    /// If the input has another shape.
    pub fn forward(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor> {
        let (weight, bias) = (self.weight.tensor(), self.bias.tensor());
        ops::check_linear(&self.name, x, &weight, Some(&bias))?;
        ops::linear_with(cx.backend(), x, &weight, Some(&bias))
    }

    /// Switches training of weight and bias.
    pub fn set_trainable(&self, trainable: bool) {
        self.weight.set_trainable(trainable);
        self.bias.set_trainable(trainable);
    }
}
