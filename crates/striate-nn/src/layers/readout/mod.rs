//! Readouts: from the map of a network to the rates of neurons. Each neuron has weights
//! over channels, and its own way to choose where it looks.

mod factorised;
mod gaussian;
mod point_pooled;
#[cfg(test)]
mod tests;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_random::Stream;

pub use factorised::FactorisedReadout;
pub use gaussian::{Covariance, GaussianReadout};
pub use point_pooled::PointPooledReadout;

use crate::error::{config_error, dims, shape_error};
use crate::{Context, Param, Result, Scope, cpu, init, ops};

/// How the neurons choose where they look, and the initial values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ReadoutConfig {
    /// One place, uncertain while it is learned (Lurz et al. 2021): [`GaussianReadout`].
    Gaussian {
        /// The shape of the uncertainty.
        #[serde(default)]
        covariance: Covariance,
        /// Initial positions are uniform within plus or minus this, in half maps.
        #[serde(default = "study_mu")]
        mu_range: f64,
        /// Initial deviations are uniform between 0 and this, in half maps; the elements
        /// of a full covariance's factor, within plus or minus this.
        #[serde(default = "study_sigma")]
        sigma_range: f64,
    },
    /// One place, on the map and on average-pooled copies of it (Sinz et al. 2018):
    /// [`PointPooledReadout`].
    PointPooled {
        /// Initial positions are uniform within plus or minus this, in half maps.
        #[serde(default = "point_mu")]
        mu_range: f64,
        /// Poolings, one after the other.
        #[serde(default = "point_steps")]
        steps: usize,
        /// Height, width and stride of each pooling, in pixels.
        #[serde(default = "point_kernel")]
        kernel: usize,
    },
    /// Weights over the whole map, the same for all channels (Klindt et al. 2017):
    /// [`FactorisedReadout`].
    Factorised {
        /// Deviation of the initial weights over the map.
        #[serde(default = "factorised_deviation")]
        deviation: f64,
    },
}

fn study_mu() -> f64 {
    0.3
}

fn study_sigma() -> f64 {
    0.6
}

fn point_mu() -> f64 {
    0.2
}

fn point_steps() -> usize {
    2
}

fn point_kernel() -> usize {
    3
}

fn factorised_deviation() -> f64 {
    0.01
}

impl ReadoutConfig {
    /// The study's: Gaussian, deviations along x and y, 0.3 and 0.6 (training.md 4.2).
    pub fn study() -> Self {
        Self::Gaussian {
            covariance: Covariance::Diagonal,
            mu_range: study_mu(),
            sigma_range: study_sigma(),
        }
    }
}

impl Default for ReadoutConfig {
    fn default() -> Self {
        Self::study()
    }
}

/// What every readout has: each neuron's weights over the channels of what it sees.
#[derive(Clone, Debug)]
pub struct ChannelWeights {
    name: String,
    /// Channels of the map.
    channels: usize,
    neurons: usize,
    /// `[inputs, neurons]`, initially `1 / channels`: one input for each channel, and of a
    /// point-pooled readout for each channel of each scale.
    pub features: Param,
    /// `[neurons]`.
    pub bias: Param,
}

impl ChannelWeights {
    /// Neurons.
    pub fn neurons(&self) -> usize {
        self.neurons
    }

    /// `sum |F|`, the regulariser of the V1 recipe before its factor (training.md 4.3).
    ///
    /// # Errors
    ///
    /// If the device has no memory for the result.
    pub fn l1(&self) -> Result<Tensor> {
        Ok(self.features.tensor().abs()?.sum_all()?)
    }

    /// Creates `features` of `inputs` rows and `bias` in `scope`.
    fn new(channels: usize, inputs: usize, bias: &[f32], scope: &Scope) -> Result<Self> {
        let neurons = bias.len();
        if neurons * channels == 0 {
            return Err(config_error(
                scope.name(),
                "neurons and channels of at least 1",
                format!("{neurons} neurons, {channels} channels"),
            ));
        }
        let device = scope.device();
        let features = Tensor::full(1.0 / channels as f32, (inputs, neurons), device)?;
        let bias = Tensor::from_slice(bias, neurons, device)?;
        Ok(Self {
            name: scope.name().to_owned(),
            channels,
            neurons,
            features: scope.param("features", &features)?,
            bias: scope.param("bias", &bias)?,
        })
    }

    /// `ELU(sum_c samples[b, n, c] features[c, n] + bias[n] - 1) + 1`.
    fn rates(&self, samples: &Tensor, cx: &Context) -> Result<Tensor> {
        let features = self.features.tensor().t()?.contiguous()?;
        let y = if cpu::applies(cx.backend(), &[samples, &features]) {
            cpu::weighted_sum(samples, &features)?
        } else {
            samples.broadcast_mul(&features)?.sum(2)?
        };
        ops::elu_plus_one(&y.broadcast_add(&self.bias.tensor())?, -1.0)
    }

    fn check(&self, map: &Tensor) -> Result<[usize; 4]> {
        let expected = format!("[batch, height, width, {}]", self.channels);
        let found = dims(map, &self.name, &expected)?;
        if found[3] == self.channels {
            Ok(found)
        } else {
            Err(shape_error(map, &self.name, expected))
        }
    }
}

/// Positions (x, y) `[neurons, 2]`, uniform within plus or minus `range`.
fn positions(neurons: usize, range: f64, scope: &Scope, stream: &mut Stream) -> Result<Param> {
    if !(0.0..=1.0).contains(&range) {
        return Err(config_error(
            scope.name(),
            "mu_range in 0..=1",
            format!("{range}"),
        ));
    }
    let mu = init::uniform((neurons, 2), -range, range, stream, scope.device())?;
    scope.param("mu", &mu)
}

/// Brings positions back to the map, in place.
fn clamp_positions(mu: &Param) -> Result<()> {
    let inside = mu.var().as_detached_tensor().maximum(-1.0)?.minimum(1.0)?;
    Ok(mu.var().set(&inside)?)
}

/// A readout of any kind.
#[derive(Clone, Debug)]
pub enum Readout {
    /// One place, uncertain while it is learned.
    Gaussian(GaussianReadout),
    /// One place on the map and its pooled copies.
    PointPooled(PointPooledReadout),
    /// Weights over the whole map.
    Factorised(FactorisedReadout),
}

impl Readout {
    /// Creates a readout of a map of `[height, width, channels]` in `scope`, for as many
    /// neurons as there are initial biases (the study takes mean responses).
    ///
    /// # Errors
    ///
    /// If there are no neurons, the map is empty, a setting does not fit, or the names
    /// are taken.
    pub fn new(
        config: &ReadoutConfig,
        map: [usize; 3],
        bias: &[f32],
        scope: &Scope,
        stream: &mut Stream,
    ) -> Result<Self> {
        let [height, width, channels] = map;
        Ok(match *config {
            ReadoutConfig::Gaussian {
                covariance,
                mu_range,
                sigma_range,
            } => {
                let ranges = (mu_range, sigma_range);
                let readout =
                    GaussianReadout::new(covariance, ranges, channels, bias, scope, stream)?;
                Self::Gaussian(readout)
            }
            ReadoutConfig::PointPooled {
                mu_range,
                steps,
                kernel,
            } => Self::PointPooled(PointPooledReadout::new(
                mu_range,
                (steps, kernel),
                map,
                bias,
                scope,
                stream,
            )?),
            ReadoutConfig::Factorised { deviation } => Self::Factorised(FactorisedReadout::new(
                deviation,
                [height, width, channels],
                bias,
                scope,
                stream,
            )?),
        })
    }

    /// The rates of the neurons, all positive. Positions that have left the map, and
    /// deviations below 0, are brought back before, in place.
    ///
    /// # Shapes
    ///
    /// `map` `[batch, height, width, channels]`; the result `[batch, neurons]`.
    ///
    /// # Errors
    ///
    /// If the map has another shape.
    pub fn forward(&self, map: &Tensor, cx: &mut Context) -> Result<Tensor> {
        match self {
            Self::Gaussian(readout) => readout.forward(map, cx),
            Self::PointPooled(readout) => readout.forward(map, cx),
            Self::Factorised(readout) => readout.forward(map, cx),
        }
    }

    /// The regulariser before its factor: `sum |F|` (training.md 4.3); of factorised
    /// weights, the sum of the absolute values of their products.
    ///
    /// # Errors
    ///
    /// If the device has no memory for the result.
    pub fn l1(&self) -> Result<Tensor> {
        match self {
            Self::Factorised(readout) => readout.l1(),
            Self::Gaussian(_) | Self::PointPooled(_) => self.weights().l1(),
        }
    }

    /// The weights over channels.
    pub fn weights(&self) -> &ChannelWeights {
        match self {
            Self::Gaussian(readout) => &readout.weights,
            Self::PointPooled(readout) => &readout.weights,
            Self::Factorised(readout) => &readout.weights,
        }
    }
}
