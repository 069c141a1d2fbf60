//! Convolution, batch normalisation, ReLU and pooling as one operation.
//! Invariant: the backward pass reads the convolution's output and its
//! statistics as the forward pass left them.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use striate_kernels as kernels;
use striate_kernels::{Activation, ConvShape, MapShape, NormBlock, NormParameters, Pooling, owned};

use super::conv2d::{backward, shape_of};
use super::{Saved, failed, gradient, stored, values, with_values};
use crate::ops::Conv2dGeometry;

const PLACE: &str = "conv_block";

/// Mean and variance of each channel.
#[derive(Clone, Debug)]
pub(crate) struct Statistics {
    pub(crate) mean: Vec<f32>,
    /// Biased if it is of a batch.
    pub(crate) variance: Vec<f32>,
}

/// Where the statistics come from.
pub(crate) enum Normalisation {
    /// The batch: gradients flow through them.
    Batch,
    /// Given, constant.
    Given(Statistics),
}

/// The operation's settings.
pub(crate) struct Block<'a> {
    pub(crate) geometry: &'a Conv2dGeometry,
    pub(crate) eps: f64,
    pub(crate) pool: bool,
}

/// `pool(relu(norm(conv(x))))`, and the statistics that were used.
/// `affine` is the convolution's bias, the norm's scale and its shift, one behind the other.
pub(crate) fn conv_block(
    x: &Tensor,
    weight: &Tensor,
    affine: &Tensor,
    block: &Block<'_>,
    normalisation: Normalisation,
) -> Result<(Tensor, Arc<Statistics>)> {
    let conv = shape_of(block.geometry)?;
    let geometry = block.geometry;
    let shape = MapShape::new([
        geometry.batch,
        geometry.out_height,
        geometry.out_width,
        geometry.out_channels,
    ])
    .map_err(failed(PLACE))?;
    let state = Arc::new(Saved::empty());
    let op = ConvNormRelu {
        conv,
        norm: NormBlock {
            shape,
            activation: Activation::Relu,
            pooling: if block.pool {
                Pooling::Max2x2
            } else {
                Pooling::None
            },
        },
        eps: block.eps as f32,
        normalisation,
        state: Arc::clone(&state),
    };
    let y = x
        .contiguous()?
        .apply_op3(&weight.contiguous()?, &affine.contiguous()?, op)?;
    let statistics = state.with(|kept| Ok(Arc::clone(&kept.statistics)))?;
    Ok((y, statistics))
}

struct ConvNormRelu {
    conv: ConvShape,
    norm: NormBlock,
    eps: f32,
    normalisation: Normalisation,
    state: Arc<Saved<Kept>>,
}

/// What the backward pass needs.
struct Kept {
    /// The convolution's output.
    map: Vec<f32>,
    statistics: Arc<Statistics>,
}

impl ConvNormRelu {
    fn parameters<'a>(&self, statistics: &'a Statistics, affine: &'a [f32]) -> NormParameters<'a> {
        let channels = self.norm.shape.dims()[3];
        NormParameters {
            mean: &statistics.mean,
            variance: &statistics.variance,
            gamma: &affine[channels..2 * channels],
            beta: &affine[2 * channels..],
            epsilon: self.eps,
        }
    }
}

impl CustomOp3 for ConvNormRelu {
    fn name(&self) -> &'static str {
        PLACE
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        affine: &CpuStorage,
        affine_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, weight) = (values(x, x_layout)?, values(weight, weight_layout)?);
        let affine = values(affine, affine_layout)?;
        let [batch, height, width, channels] = self.norm.shape.dims();
        let map = owned::conv2d_forward(&self.conv, x, weight, Some(&affine[..channels]))
            .map_err(failed(PLACE))?;
        let statistics = Arc::new(match &self.normalisation {
            Normalisation::Given(statistics) => statistics.clone(),
            Normalisation::Batch => {
                let mut mean = vec![0.0; channels];
                let mut variance = vec![0.0; channels];
                kernels::batch_norm_statistics(&self.norm.shape, &map, &mut mean, &mut variance)
                    .map_err(failed(PLACE))?;
                Statistics { mean, variance }
            }
        });
        let parameters = self.parameters(&statistics, affine);
        let y = owned::batch_norm_forward(&self.norm, &map, &parameters).map_err(failed(PLACE))?;
        self.state.keep(Kept { map, statistics });
        let dims = match self.norm.pooling {
            Pooling::None => [batch, height, width, channels],
            Pooling::Max2x2 => [batch, height / 2, width / 2, channels],
        };
        Ok(stored(y, &dims))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        affine: &Tensor,
        _y: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let channels = self.norm.shape.dims()[3];
        let mut grad_affine = vec![0.0; 3 * channels];
        let (grad_bias, grad_norm) = grad_affine.split_at_mut(channels);
        let (grad_gamma, grad_beta) = grad_norm.split_at_mut(channels);
        let of_batch = matches!(self.normalisation, Normalisation::Batch);
        let grad = grad.contiguous()?;
        let grad_map = with_values(&grad, |grad| {
            with_values(affine, |affine_values| {
                self.state.with(|kept| {
                    let (norm, map) = (&self.norm, &kept.map);
                    let parameters = self.parameters(&kept.statistics, affine_values);
                    if of_batch {
                        owned::batch_norm_backward_training(
                            norm,
                            map,
                            &parameters,
                            grad,
                            grad_gamma,
                            grad_beta,
                        )
                    } else {
                        let wanted = affine.track_op().then_some([grad_gamma, grad_beta]);
                        owned::batch_norm_backward_frozen(norm, map, &parameters, grad, wanted)
                    }
                    .map_err(failed(PLACE))
                })
            })
        })?;
        // The batch's mean takes the convolution's bias out again: its gradient is 0.
        let with_bias = affine.track_op() && !of_batch;
        let (x_grad, weight_grad, bias_grad) =
            backward(&self.conv, x, weight, with_bias, &grad_map)?;
        if let Some(bias) = bias_grad {
            grad_bias.copy_from_slice(&bias);
        }
        let affine_grad = if affine.track_op() {
            gradient(grad_affine, affine)?
        } else {
            None
        };
        Ok((x_grad, weight_grad, affine_grad))
    }
}
