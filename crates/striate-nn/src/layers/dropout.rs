//! Dropout.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use crate::{Context, Result, ops};

/// The setting of a [`Dropout`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropoutConfig {
    /// The probability of setting an element to 0, in `0..1`.
    pub probability: f64,
}

/// Drops single elements in training, and does nothing in evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    config: DropoutConfig,
}

impl Dropout {
    /// Checks the probability; dropout has no variables.
    ///
    /// # Errors
    ///
    /// If the probability is not in `0..1`.
    pub fn new(config: DropoutConfig) -> Result<Self> {
        ops::check_dropout(config.probability)?;
        Ok(Self { config })
    }

    /// The setting.
    pub fn config(&self) -> &DropoutConfig {
        &self.config
    }

    /// Applies dropout with a mask from the context's stream.
    ///
    /// # Shapes
    ///
    /// Any, kept.
    ///
    /// # Errors
    ///
    /// If the device has no memory for the result.
    pub fn forward(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor> {
        match cx.stream() {
            Some(stream) => ops::dropout(x, self.config.probability, stream),
            None => Ok(x.clone()),
        }
    }
}
