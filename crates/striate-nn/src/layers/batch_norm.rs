//! Batch normalisation (reference 3.1). Invariant: training normalises with the
//! biased variance of the batch and remembers the unbiased one, as PyTorch does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{Tensor, Var};
use serde::{Deserialize, Serialize};
use striate_random::Stream;

use super::conv2d::{ones, zeros};
use crate::error::{config_error, shape_error};
use crate::{Context, Param, Result, Scope, ops};

/// The settings of a [`BatchNorm`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNormConfig {
    /// Channels: the last axis.
    pub channels: usize,
    /// Added to the variance.
    pub eps: f64,
    /// The weight of the new batch in the running statistics.
    pub momentum: f64,
    /// Sets of running statistics, for inputs of several kinds that share the layer. Scale
    /// and shift are one. A pass uses the set that its [`Context`] names.
    pub sets: usize,
}

impl BatchNormConfig {
    /// PyTorch's defaults: eps 1e-5, momentum 0.1; one set of running statistics.
    pub fn new(channels: usize) -> Self {
        Self {
            channels,
            eps: 1e-5,
            momentum: 0.1,
            sets: 1,
        }
    }
}

/// Normalises each channel over all other axes, then scales and shifts it.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    name: String,
    config: BatchNormConfig,
    frozen: Arc<AtomicBool>,
    /// Scale `[channels]`, initially 1.
    pub weight: Param,
    /// Shift `[channels]`, initially 0.
    pub bias: Param,
    /// The sets of running statistics; at least one.
    pub running: Vec<Running>,
}

/// Running statistics of a [`BatchNorm`].
#[derive(Clone, Debug)]
pub struct Running {
    /// `[channels]`, initially 0.
    pub mean: Var,
    /// `[channels]`, initially 1; unbiased.
    pub variance: Var,
}

impl Running {
    /// The first set has PyTorch's names; those of the others end with their number.
    fn new(set: usize, channels: usize, scope: &Scope) -> Result<Self> {
        let name = |what: &str| match set {
            0 => what.to_owned(),
            set => format!("{what}_{set}"),
        };
        let device = scope.device();
        Ok(Self {
            mean: scope.buffer(&name("running_mean"), &zeros(channels, device)?)?,
            variance: scope.buffer(&name("running_var"), &ones(channels, device)?)?,
        })
    }
}

impl BatchNorm {
    /// Creates `weight`, `bias`, `running_mean` and `running_var` in `scope`, and
    /// `running_mean_1` and so on for further sets. Nothing is drawn from the stream.
    ///
    /// # Errors
    ///
    /// If there are no channels or no sets, `eps` is not positive, the momentum is not
    /// in `0..=1`, or the names are taken.
    pub fn new(config: BatchNormConfig, scope: &Scope, _stream: &mut Stream) -> Result<Self> {
        let BatchNormConfig {
            channels,
            eps,
            momentum,
            sets,
        } = config;
        if channels == 0
            || sets == 0
            || !(eps > 0.0 && eps.is_finite())
            || !(0.0..=1.0).contains(&momentum)
        {
            return Err(config_error(
                scope.name(),
                "channels and sets of at least 1, a positive eps and a momentum in 0..=1",
                format!("{config:?}"),
            ));
        }
        let device = scope.device();
        Ok(Self {
            name: scope.name().to_owned(),
            config,
            frozen: Arc::default(),
            weight: scope.param("weight", &ones(channels, device)?)?,
            bias: scope.param("bias", &zeros(channels, device)?)?,
            running: (0..sets)
                .map(|set| Running::new(set, channels, scope))
                .collect::<Result<_>>()?,
        })
    }

    /// The settings.
    pub fn config(&self) -> &BatchNormConfig {
        &self.config
    }

    /// A frozen layer uses its running statistics in training too, and leaves them as they are.
    pub fn set_frozen(&self, frozen: bool) {
        self.frozen.store(frozen, Ordering::Relaxed);
    }

    /// Switches training of scale and shift.
    pub fn set_trainable(&self, trainable: bool) {
        self.weight.set_trainable(trainable);
        self.bias.set_trainable(trainable);
    }

    /// Whether a pass in this context takes the statistics of its batch.
    pub(crate) fn uses_batch(&self, cx: &Context) -> bool {
        cx.is_train() && !self.frozen.load(Ordering::Relaxed)
    }

    /// The set of running statistics of a pass. A layer that has only one uses it always.
    pub(crate) fn running(&self, cx: &Context) -> Result<&Running> {
        let set = if self.running.len() == 1 {
            0
        } else {
            cx.statistics()
        };
        self.running.get(set).ok_or_else(|| {
            config_error(
                &self.name,
                "a set of statistics that the layer keeps",
                format!("set {set} of {}", self.running.len()),
            )
        })
    }

    /// Normalises; a training pass also updates the running statistics.
    ///
    /// # Shapes
    ///
    /// `[.., channels]` to the same.
    ///
    /// # Errors
    ///
    /// If the last axis has another size, a training batch has fewer than two elements
    /// per channel, or the context names a set of statistics that is not there.
    pub fn forward(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor> {
        let count = self.check(x, cx)?;
        let (weight, bias) = (self.weight.tensor(), self.bias.tensor());
        let eps = self.config.eps;
        if self.uses_batch(cx) {
            let (mean, variance) = ops::reference::batch_statistics(x)?;
            self.remember(&mean.detach(), &variance.detach(), count, cx)?;
            ops::reference::batch_norm(x, &mean, &variance, &weight, &bias, eps)
        } else {
            let running = self.running(cx)?;
            let mean = running.mean.as_detached_tensor();
            let variance = running.variance.as_detached_tensor();
            ops::reference::batch_norm(x, &mean, &variance, &weight, &bias, eps)
        }
    }

    /// The number of elements per channel, checked.
    fn check(&self, x: &Tensor, cx: &Context) -> Result<usize> {
        let channels = self.config.channels;
        if x.dims().last() != Some(&channels) {
            return Err(shape_error(x, &self.name, format!("[.., {channels}]")));
        }
        let count = x.elem_count() / channels;
        if self.uses_batch(cx) {
            self.check_count(x, count)?;
        }
        Ok(count)
    }

    /// A single element per channel has no variance.
    pub(crate) fn check_count(&self, x: &Tensor, count: usize) -> Result<()> {
        if count >= 2 {
            return Ok(());
        }
        let expected = "more than one element per channel in training";
        Err(shape_error(x, &self.name, expected))
    }

    /// Moves the running statistics towards those of a batch of `count`
    /// elements per channel with biased variance `variance`.
    pub(crate) fn remember(
        &self,
        mean: &Tensor,
        variance: &Tensor,
        count: usize,
        cx: &Context,
    ) -> Result<()> {
        let running = self.running(cx)?;
        let new = self.config.momentum;
        let unbiased = new * count as f64 / (count as f64 - 1.0);
        for (running, batch, factor) in [
            (&running.mean, mean, new),
            (&running.variance, variance, unbiased),
        ] {
            let old = running.as_detached_tensor().affine(1.0 - new, 0.0)?;
            running.set(&(old + batch.affine(factor, 0.0)?)?)?;
        }
        Ok(())
    }
}
