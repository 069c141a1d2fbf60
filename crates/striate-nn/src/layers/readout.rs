//! The Gaussian readout (reference 4.2): each neuron looks at one learned place.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_random::Stream;

use crate::error::{config_error, dims, shape_error};
use crate::{Context, Param, Result, Scope, cpu, init, ops};

/// The settings of a [`GaussianReadout`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianReadoutConfig {
    /// Neurons.
    pub neurons: usize,
    /// Channels of the map that it reads.
    pub channels: usize,
    /// Initial positions are uniform within plus or minus this, in units of half the map.
    pub init_mu_range: f64,
    /// Initial deviations are uniform between 0 and this, in the same units.
    pub init_sigma_range: f64,
    /// Initial bias of each neuron; the study takes its mean response.
    pub init_bias: Vec<f32>,
}

impl GaussianReadoutConfig {
    /// The study's ranges: 0.3 for the position, 0.6 for the deviation.
    pub fn new(channels: usize, init_bias: Vec<f32>) -> Self {
        Self {
            neurons: init_bias.len(),
            channels,
            init_mu_range: 0.3,
            init_sigma_range: 0.6,
            init_bias,
        }
    }
}

/// Rates `ELU(sum_c F[c, n] z[b, g[b, n], c] + bias[n] - 1) + 1`, where `g` is the
/// neuron's position: in evaluation `mu`, in training drawn anew for each image
/// from a normal with mean `mu` and deviation `sigma`.
#[derive(Clone, Debug)]
pub struct GaussianReadout {
    name: String,
    config: GaussianReadoutConfig,
    /// Positions (x, y) `[neurons, 2]` in `[-1, 1]`.
    pub mu: Param,
    /// Standard deviations along x and y `[neurons, 2]`, at least 0.
    pub sigma: Param,
    /// `[channels, neurons]`, initially `1 / channels`.
    pub features: Param,
    /// `[neurons]`.
    pub bias: Param,
}

impl GaussianReadout {
    /// Creates `mu`, `sigma`, `features` and `bias` in `scope`.
    ///
    /// # Errors
    ///
    /// If there are no neurons or channels, the bias has another length, a
    /// range is negative, or the names are taken.
    pub fn new(config: GaussianReadoutConfig, scope: &Scope, stream: &mut Stream) -> Result<Self> {
        let (n, c) = (config.neurons, config.channels);
        let (mu, sigma) = (config.init_mu_range, config.init_sigma_range);
        if n * c == 0 || config.init_bias.len() != n {
            return Err(config_error(
                scope.name(),
                "neurons and channels of at least 1 and one bias for each neuron",
                format!(
                    "{n} neurons, {c} channels, {} biases",
                    config.init_bias.len()
                ),
            ));
        }
        if !((0.0..=1.0).contains(&mu) && sigma >= 0.0 && sigma.is_finite()) {
            return Err(config_error(
                scope.name(),
                "init_mu_range in 0..=1 and init_sigma_range of at least 0",
                format!("{mu} and {sigma}"),
            ));
        }
        let device = scope.device();
        let mu = init::uniform((n, 2), -mu, mu, stream, device)?;
        let sigma = init::uniform((n, 2), 0.0, sigma, stream, device)?;
        let features = Tensor::full(1.0 / c as f32, (c, n), device)?;
        let bias = Tensor::from_slice(&config.init_bias, n, device)?;
        Ok(Self {
            name: scope.name().to_owned(),
            mu: scope.param("mu", &mu)?,
            sigma: scope.param("sigma", &sigma)?,
            features: scope.param("features", &features)?,
            bias: scope.param("bias", &bias)?,
            config,
        })
    }

    /// The settings.
    pub fn config(&self) -> &GaussianReadoutConfig {
        &self.config
    }

    /// The rates of the neurons. Before, `mu` is clamped to `[-1, 1]` and
    /// `sigma` to 0 from below, in place.
    ///
    /// # Shapes
    ///
    /// `map` `[batch, height, width, channels]`; result `[batch, neurons]`, positive.
    ///
    /// # Errors
    ///
    /// If the map has another number of channels.
    pub fn forward(&self, map: &Tensor, cx: &mut Context) -> Result<Tensor> {
        let [batch, ..] = self.check(map)?;
        let noise = match cx.stream() {
            Some(stream) => {
                let shape = (batch, self.config.neurons, 2);
                Some(init::normal(shape, 1.0, stream, map.device())?)
            }
            None => None,
        };
        self.forward_with_noise(map, noise.as_ref(), cx)
    }

    /// As [`GaussianReadout::forward`], with given standard normal noise for
    /// the positions, or at `mu` without.
    ///
    /// # Shapes
    ///
    /// `noise` `[batch, neurons, 2]`.
    ///
    /// # Errors
    ///
    /// If map or noise have another shape.
    pub fn forward_with_noise(
        &self,
        map: &Tensor,
        noise: Option<&Tensor>,
        cx: &mut Context,
    ) -> Result<Tensor> {
        let [batch, ..] = self.check(map)?;
        self.clamp()?;
        let n = self.config.neurons;
        let mu = self.mu.tensor();
        let grid = match noise {
            Some(noise) if noise.dims() == [batch, n, 2] => {
                let offset = noise.detach().broadcast_mul(&self.sigma.tensor())?;
                clamp_inclusive(&offset.broadcast_add(&mu)?)?
            }
            Some(noise) => {
                return Err(shape_error(
                    noise,
                    &self.name,
                    format!("[{batch}, {n}, 2] of the noise"),
                ));
            }
            None => mu.broadcast_as((batch, n, 2))?.contiguous()?,
        };
        let samples = ops::bilinear_sample_with(cx.backend(), map, &grid)?;
        let features = self.features.tensor().t()?.contiguous()?;
        let y = if cpu::applies(cx.backend(), &[&samples, &features]) {
            cpu::weighted_sum(&samples, &features)?
        } else {
            samples.broadcast_mul(&features)?.sum(2)?
        };
        ops::elu_plus_one(&y.broadcast_add(&self.bias.tensor())?, -1.0)
    }

    /// `sum |F|`, the regulariser of the V1 recipe before its factor (reference 4.3).
    ///
    /// # Errors
    ///
    /// If the device has no memory for the result.
    pub fn l1(&self) -> Result<Tensor> {
        Ok(self.features.tensor().abs()?.sum_all()?)
    }

    /// Switches training of all four parameters.
    pub fn set_trainable(&self, trainable: bool) {
        for param in [&self.mu, &self.sigma, &self.features, &self.bias] {
            param.set_trainable(trainable);
        }
    }

    fn check(&self, map: &Tensor) -> Result<[usize; 4]> {
        let expected = format!("[batch, height, width, {}]", self.config.channels);
        let found = dims(map, &self.name, &expected)?;
        if found[3] == self.config.channels {
            Ok(found)
        } else {
            Err(shape_error(map, &self.name, expected))
        }
    }

    fn clamp(&self) -> Result<()> {
        let mu = self.mu.var().as_detached_tensor();
        self.mu.var().set(&mu.maximum(-1.0)?.minimum(1.0)?)?;
        let sigma = self.sigma.var().as_detached_tensor();
        self.sigma.var().set(&sigma.maximum(0.0)?)?;
        Ok(())
    }
}

/// Clamps to `[-1, 1]`; the gradient is 1 inside and at the bounds, so that a
/// neuron on the border can leave it (reference 4.2), and 0 outside.
fn clamp_inclusive(x: &Tensor) -> Result<Tensor> {
    let constant = x.detach();
    let clamped = constant.maximum(-1.0)?.minimum(1.0)?;
    Ok(clamped.eq(&constant)?.where_cond(x, &clamped)?)
}
