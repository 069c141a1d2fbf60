//! Squeeze and excitation (Hu, Shen and Sun 2018): channels weighed by the whole map.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_random::Stream;

use super::{Linear, LinearConfig};
use crate::error::{config_error, dims};
use crate::{Context, Result, Scope, init, ops};

/// The sizes of a [`SqueezeExcitation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqueezeExcitationConfig {
    /// Channels.
    pub channels: usize,
    /// The hidden layer has as many features as there are channels, divided by this.
    pub reduction: usize,
}

/// Multiplies each channel by a number between 0 and 1, which follows from the means of all
/// channels: `x[b, i, j, c] sigmoid(W2 relu(W1 mean(x[b]) + b1) + b2)[c]`.
#[derive(Clone, Debug)]
pub struct SqueezeExcitation {
    name: String,
    channels: usize,
    /// Its variables are `<scope>.squeeze.weight` and `.bias`.
    pub squeeze: Linear,
    /// Its variables are `<scope>.excite.weight` and `.bias`.
    pub excite: Linear,
}

impl SqueezeExcitation {
    /// Creates the layers `squeeze` and `excite` in `scope`, weights and biases uniform
    /// within plus or minus `1 / sqrt(inputs)`, as PyTorch draws them.
    ///
    /// # Errors
    ///
    /// If the hidden layer has no feature, or the names are taken.
    pub fn new(
        config: SqueezeExcitationConfig,
        scope: &Scope,
        stream: &mut Stream,
    ) -> Result<Self> {
        let SqueezeExcitationConfig {
            channels,
            reduction,
        } = config;
        let hidden = channels.checked_div(reduction).unwrap_or(0);
        if hidden == 0 {
            let expected = "a reduction of at least 1 and at most the channels";
            return Err(config_error(scope.name(), expected, format!("{config:?}")));
        }
        let mut layer = |name: &str, inputs: usize, outputs: usize| -> Result<Linear> {
            let config = LinearConfig::new(inputs, outputs);
            let layer = Linear::new(config, &scope.sub(name), stream)?;
            let bound = 1.0 / (inputs as f64).sqrt();
            for param in [&layer.weight, &layer.bias] {
                let shape = param.var().shape().clone();
                let values = init::uniform(shape, -bound, bound, stream, scope.device())?;
                param.var().set(&values)?;
            }
            Ok(layer)
        };
        Ok(Self {
            name: scope.name().to_owned(),
            channels,
            squeeze: layer("squeeze", channels, hidden)?,
            excite: layer("excite", hidden, channels)?,
        })
    }

    /// Applies the layer.
    ///
    /// # Shapes
    ///
    /// `[batch, height, width, channels]` to the same.
    ///
    /// # Errors
    ///
    /// If the input has another number of channels.
    pub fn forward(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor> {
        let expected = format!("[batch, height, width, {}]", self.channels);
        let [batch, height, width, channels] = dims(x, &self.name, &expected)?;
        let places = (height * width).max(1) as f64;
        let mean = x.flatten(1, 2)?.sum(1)?.affine(1.0 / places, 0.0)?;
        let hidden = ops::relu_with(cx.backend(), &self.squeeze.forward(&mean, cx)?)?;
        let weights = sigmoid(&self.excite.forward(&hidden, cx)?)?;
        Ok(x.broadcast_mul(&weights.reshape((batch, 1, 1, channels))?)?)
    }
}

/// `1 / (1 + exp(-x))`, by way of the hyperbolic tangent, which does not overflow.
fn sigmoid(x: &Tensor) -> Result<Tensor> {
    Ok(x.affine(0.5, 0.0)?.tanh()?.affine(0.5, 0.5)?)
}
