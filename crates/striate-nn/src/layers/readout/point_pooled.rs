//! The point readout on several scales (training.md 2.2).

use candle_core::Tensor;
use striate_random::Stream;

use super::{ChannelWeights, clamp_positions, positions};
use crate::error::config_error;
use crate::{Context, Param, Result, Scope, ops};

/// Rates `ELU(sum_k F[k, n] z_k[b, mu[n]] + bias[n] - 1) + 1`, where `k` runs over the
/// channels of the map, then of the map after one average pooling, after two, and so on.
#[derive(Clone, Debug)]
pub struct PointPooledReadout {
    /// The weights over channels.
    pub weights: ChannelWeights,
    steps: usize,
    kernel: usize,
    /// Positions (x, y) `[neurons, 2]` in `[-1, 1]`, the same on every scale.
    pub mu: Param,
}

impl PointPooledReadout {
    /// Creates `mu`, `features` `[(steps + 1) * channels, neurons]` and `bias` in `scope`
    /// for a map of `[height, width, channels]`; `pooling` is the number of steps and
    /// their kernel.
    ///
    /// # Errors
    ///
    /// If there are no neurons or channels, the map does not last for all poolings, the
    /// range is not in `0..=1`, or the names are taken.
    pub fn new(
        mu_range: f64,
        pooling: (usize, usize),
        map: [usize; 3],
        bias: &[f32],
        scope: &Scope,
        stream: &mut Stream,
    ) -> Result<Self> {
        let ((steps, kernel), [height, width, channels]) = (pooling, map);
        let smallest = u32::try_from(steps)
            .ok()
            .and_then(|steps| kernel.checked_pow(steps));
        if kernel < 2 || smallest.is_none_or(|smallest| height.min(width) < smallest) {
            return Err(config_error(
                scope.name(),
                "a kernel of at least 2 that fits into the map at every step",
                format!("{steps} steps of {kernel} on a map of {height}x{width}"),
            ));
        }
        Ok(Self {
            steps,
            kernel,
            mu: positions(bias.len(), mu_range, scope, stream)?,
            weights: ChannelWeights::new(channels, (steps + 1) * channels, bias, scope)?,
        })
    }

    /// The rates of the neurons. Before, `mu` is clamped to `[-1, 1]`, in place.
    ///
    /// # Shapes
    ///
    /// `map` `[batch, height, width, channels]`; result `[batch, neurons]`, positive.
    ///
    /// # Errors
    ///
    /// If the map has another number of channels, or is too small for the poolings.
    pub fn forward(&self, map: &Tensor, cx: &mut Context) -> Result<Tensor> {
        let [batch, ..] = self.weights.check(map)?;
        clamp_positions(&self.mu)?;
        let shape = (batch, self.weights.neurons, 2);
        let grid = self.mu.tensor().broadcast_as(shape)?.contiguous()?;
        let mut map = map.clone();
        let mut scales = vec![ops::bilinear_sample_with(cx.backend(), &map, &grid)?];
        for _ in 0..self.steps {
            map = average_pool(&map, self.kernel)?;
            scales.push(ops::bilinear_sample_with(cx.backend(), &map, &grid)?);
        }
        self.weights.rates(&Tensor::cat(&scales, 2)?, cx)
    }
}

/// Means of windows of `kernel` by `kernel` pixels side by side; what remains at the
/// right and the bottom is left out.
fn average_pool(map: &Tensor, kernel: usize) -> Result<Tensor> {
    let (batch, height, width, channels) = map.dims4()?;
    let (rows, columns) = (height / kernel, width / kernel);
    Ok(map
        .narrow(1, 0, rows * kernel)?
        .narrow(2, 0, columns * kernel)?
        .contiguous()?
        .reshape(&[batch, rows, kernel, columns, kernel, channels])?
        .sum((2, 4))?
        .affine(1.0 / (kernel * kernel) as f64, 0.0)?)
}
