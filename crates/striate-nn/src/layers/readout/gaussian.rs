//! The Gaussian readout (training.md 4.2): each neuron looks at one learned place.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_random::Stream;

use super::{ChannelWeights, clamp_positions, positions};
use crate::error::{config_error, shape_error};
use crate::{Context, Param, Result, Scope, init, ops};

/// The shape of the uncertainty about a neuron's position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covariance {
    /// One deviation.
    Isotropic,
    /// One along x and one along y; the study's.
    #[default]
    Diagonal,
    /// Any ellipse: a factor of two by two, which takes noise to offsets.
    Full,
}

/// Rates `ELU(sum_c F[c, n] z[b, g[b, n], c] + bias[n] - 1) + 1`, where `g` is the
/// neuron's position: in evaluation `mu`, in training drawn anew for each image
/// from a normal with mean `mu`.
#[derive(Clone, Debug)]
pub struct GaussianReadout {
    /// The weights over channels.
    pub weights: ChannelWeights,
    covariance: Covariance,
    /// Positions (x, y) `[neurons, 2]` in `[-1, 1]`.
    pub mu: Param,
    /// Deviations, at least 0: `[neurons, 1]` if isotropic, `[neurons, 2]` along x and y;
    /// of the full covariance its factor `[neurons, 2, 2]`, of any sign.
    pub sigma: Param,
}

impl GaussianReadout {
    /// Creates `mu`, `sigma`, `features` `[channels, neurons]` and `bias` in `scope`;
    /// `ranges` are those of the initial positions and deviations.
    ///
    /// # Errors
    ///
    /// If there are no neurons or channels, a range is negative, or the names are taken.
    pub fn new(
        covariance: Covariance,
        ranges: (f64, f64),
        channels: usize,
        bias: &[f32],
        scope: &Scope,
        stream: &mut Stream,
    ) -> Result<Self> {
        let (mu_range, sigma_range) = ranges;
        if !(sigma_range >= 0.0 && sigma_range.is_finite()) {
            return Err(config_error(
                scope.name(),
                "sigma_range of at least 0",
                format!("{sigma_range}"),
            ));
        }
        let (n, device) = (bias.len(), scope.device());
        let mu = positions(n, mu_range, scope, stream)?;
        let sigma = match covariance {
            Covariance::Isotropic => init::uniform((n, 1), 0.0, sigma_range, stream, device)?,
            Covariance::Diagonal => init::uniform((n, 2), 0.0, sigma_range, stream, device)?,
            Covariance::Full => {
                init::uniform((n, 2, 2), -sigma_range, sigma_range, stream, device)?
            }
        };
        Ok(Self {
            covariance,
            mu,
            sigma: scope.param("sigma", &sigma)?,
            weights: ChannelWeights::new(channels, channels, bias, scope)?,
        })
    }

    /// The shape of the uncertainty.
    pub fn covariance(&self) -> Covariance {
        self.covariance
    }

    /// The rates of the neurons. Before, `mu` is clamped to `[-1, 1]` and deviations to 0
    /// from below, in place.
    ///
    /// # Shapes
    ///
    /// `map` `[batch, height, width, channels]`; result `[batch, neurons]`, positive.
    ///
    /// # Errors
    ///
    /// If the map has another number of channels.
    pub fn forward(&self, map: &Tensor, cx: &mut Context) -> Result<Tensor> {
        let [batch, ..] = self.weights.check(map)?;
        let noise = match cx.stream() {
            Some(stream) => {
                let shape = (batch, self.weights.neurons, 2);
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
        let [batch, ..] = self.weights.check(map)?;
        self.clamp()?;
        let n = self.weights.neurons;
        let mu = self.mu.tensor();
        let grid = match noise {
            Some(noise) if noise.dims() == [batch, n, 2] => {
                let offset = self.offset(&noise.detach())?;
                clamp_inclusive(&offset.broadcast_add(&mu)?)?
            }
            Some(noise) => {
                return Err(shape_error(
                    noise,
                    &self.weights.name,
                    format!("[{batch}, {n}, 2] of the noise"),
                ));
            }
            None => mu.broadcast_as((batch, n, 2))?.contiguous()?,
        };
        let samples = ops::bilinear_sample_with(cx.backend(), map, &grid)?;
        self.weights.rates(&samples, cx)
    }

    /// Noise `[batch, neurons, 2]` as offsets from the positions.
    fn offset(&self, noise: &Tensor) -> Result<Tensor> {
        let sigma = self.sigma.tensor();
        Ok(match self.covariance {
            Covariance::Isotropic | Covariance::Diagonal => noise.broadcast_mul(&sigma)?,
            Covariance::Full => noise.unsqueeze(2)?.broadcast_mul(&sigma)?.sum(3)?,
        })
    }

    fn clamp(&self) -> Result<()> {
        clamp_positions(&self.mu)?;
        if self.covariance != Covariance::Full {
            let sigma = self.sigma.var().as_detached_tensor();
            self.sigma.var().set(&sigma.maximum(0.0)?)?;
        }
        Ok(())
    }
}

/// Clamps to `[-1, 1]`; the gradient is 1 inside and at the bounds, so that a
/// neuron on the border can leave it (training.md 4.2), and 0 outside.
fn clamp_inclusive(x: &Tensor) -> Result<Tensor> {
    let constant = x.detach();
    let clamped = constant.maximum(-1.0)?.minimum(1.0)?;
    Ok(clamped.eq(&constant)?.where_cond(x, &clamped)?)
}
