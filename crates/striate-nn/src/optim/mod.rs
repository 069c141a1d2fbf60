//! Optimisers. Invariant: weight decay is coupled (added to the gradient, as
//! PyTorch's `SGD` and `Adam` do); a variable without gradient is left alone.

mod adam;
mod sgd;

use std::collections::BTreeMap;

use candle_core::Tensor;

use crate::{Gradients, Result};

pub use adam::{Adam, AdamConfig};
pub use sgd::{Sgd, SgdConfig};

/// An optimiser of a fixed list of named variables.
pub trait Optimizer {
    /// Updates the variables in place with learning rate `lr`.
    ///
    /// # Errors
    ///
    /// If a gradient has another shape than its variable.
    fn step(&mut self, gradients: &Gradients, lr: f64) -> Result<()>;

    /// A deep copy of the moments, under names that begin with the variable's name.
    ///
    /// # Errors
    ///
    /// If the device has no memory for the copy.
    fn state(&self) -> Result<BTreeMap<String, Tensor>>;

    /// Restores what [`Optimizer::state`] gave.
    ///
    /// # Errors
    ///
    /// [`Error::State`](crate::Error::State) if it belongs to other variables;
    /// then nothing is changed.
    fn load_state(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()>;
}

#[cfg(test)]
mod tests;
