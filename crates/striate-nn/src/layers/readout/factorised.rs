//! The factorised readout: weights over the map times weights over channels.

use candle_core::Tensor;
use striate_random::Stream;

use super::ChannelWeights;
use crate::error::{config_error, shape_error};
use crate::{Context, Param, Result, Scope, init};

/// Keeps a mask of zeros from being divided by 0.
const EPS: f64 = 1e-6;

/// Rates `ELU(sum_c F[c, n] sum_p s[n, p] z[b, p, c] + bias[n] - 1) + 1`, where `s` is the
/// neuron's mask over the places of the map, divided by its Euclidean norm.
#[derive(Clone, Debug)]
pub struct FactorisedReadout {
    /// The weights over channels.
    pub weights: ChannelWeights,
    height: usize,
    width: usize,
    /// The masks `[neurons, height, width]`, before normalisation.
    pub mask: Param,
}

impl FactorisedReadout {
    /// Creates `mask`, `features` `[channels, neurons]` and `bias` in `scope` for a map of
    /// `[height, width, channels]`; the masks are normal with this deviation.
    ///
    /// # Errors
    ///
    /// If there are no neurons, the map is empty, the deviation is not positive, or the
    /// names are taken.
    pub fn new(
        deviation: f64,
        map: [usize; 3],
        bias: &[f32],
        scope: &Scope,
        stream: &mut Stream,
    ) -> Result<Self> {
        let [height, width, channels] = map;
        if height * width == 0 || !(deviation > 0.0 && deviation.is_finite()) {
            return Err(config_error(
                scope.name(),
                "a map that is not empty and a positive deviation",
                format!("a map of {height}x{width}, deviation {deviation}"),
            ));
        }
        let shape = (bias.len(), height, width);
        let mask = init::normal(shape, deviation, stream, scope.device())?;
        Ok(Self {
            height,
            width,
            mask: scope.param("mask", &mask)?,
            weights: ChannelWeights::new(channels, channels, bias, scope)?,
        })
    }

    /// The rates of the neurons.
    ///
    /// # Shapes
    ///
    /// `map` `[batch, height, width, channels]`; result `[batch, neurons]`, positive.
    ///
    /// # Errors
    ///
    /// If the map has another shape than the masks.
    pub fn forward(&self, map: &Tensor, cx: &mut Context) -> Result<Tensor> {
        let [batch, height, width, channels] = self.weights.check(map)?;
        if (height, width) != (self.height, self.width) {
            let expected = format!("[batch, {}, {}, channels]", self.height, self.width);
            return Err(shape_error(map, &self.weights.name, expected));
        }
        // One product for all images: the places are the rows.
        let places = map
            .reshape((batch, height * width, channels))?
            .transpose(0, 1)?
            .contiguous()?
            .reshape((height * width, batch * channels))?;
        let samples = self
            .normalised()?
            .matmul(&places)?
            .reshape((self.weights.neurons, batch, channels))?
            .transpose(0, 1)?
            .contiguous()?;
        self.weights.rates(&samples, cx)
    }

    /// The sum over neurons of the absolute values of all products of mask and feature.
    /// (`neuralpredictors` 0.3.0 multiplies each neuron's mask with the features of all.)
    ///
    /// # Errors
    ///
    /// If the device has no memory for the result.
    pub fn l1(&self) -> Result<Tensor> {
        let mask = self.normalised()?.abs()?.sum(1)?;
        let features = self.weights.features.tensor().abs()?.sum(0)?;
        Ok((mask * features)?.sum_all()?)
    }

    /// The masks over their norms, `[neurons, places]`.
    fn normalised(&self) -> Result<Tensor> {
        let mask = self.mask.tensor().flatten_from(1)?;
        let norm = (mask.sqr()?.sum_keepdim(1)?.sqrt()? + EPS)?;
        Ok(mask.broadcast_div(&norm)?)
    }
}
