//! Convolution, batch normalisation, ReLU and pooling as one operation.
//!
//! Blocks that follow one another hand their maps over beside candle's graph: in it, a
//! token of one element stands for the map. Candle would add the gradient of each map to
//! zeros, in two passes over memory that cost as much as a small convolution.
//!
//! Invariant: the backward pass reads the convolution's output and its statistics as the
//! forward pass left them; a hidden map has one consumer, so its gradient is that of one.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp3, Device, Layout, Result, Shape, Tensor};
use striate_kernels::{Activation, ConvShape, MapShape, NormBlock, NormParameters, Pooling, owned};

use super::conv2d::{backward, shape_of};
use super::{Saved, failed, gradient, some_gradient, stored, values, with_values};
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
    /// Whether the output is only for another block.
    pub(crate) hide: bool,
}

/// What a block reads and writes.
#[derive(Clone)]
pub(crate) enum Map {
    /// A map of the graph.
    Tensor(Tensor),
    /// A map between two blocks, and the token that stands for it in the graph.
    Hidden(Tensor, Arc<Hidden>),
}

/// A map outside of the graph, and its gradient between two steps of a backward pass.
pub(crate) struct Hidden {
    map: Tensor,
    gradient: Mutex<Option<Vec<f32>>>,
}

impl Map {
    /// The values; outside of the graph, if the map is hidden.
    pub(crate) fn values(&self) -> &Tensor {
        match self {
            Self::Tensor(map) => map,
            Self::Hidden(_, hidden) => &hidden.map,
        }
    }

    fn node(&self) -> Result<Tensor> {
        match self {
            Self::Tensor(map) => map.contiguous(),
            Self::Hidden(token, _) => Ok(token.clone()),
        }
    }

    fn hidden(&self) -> Option<Arc<Hidden>> {
        match self {
            Self::Tensor(_) => None,
            Self::Hidden(_, hidden) => Some(Arc::clone(hidden)),
        }
    }
}

/// `pool(relu(norm(conv(x))))`, and the statistics that were used.
/// `affine` is the convolution's bias, the norm's scale and its shift, one behind the other.
pub(crate) fn conv_block(
    x: &Map,
    weight: &Tensor,
    affine: &Tensor,
    block: &Block<'_>,
    normalisation: Normalisation,
) -> Result<(Map, Arc<Statistics>)> {
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
        source: x.hidden(),
        hide: block.hide,
        state: Arc::clone(&state),
    };
    let y = x
        .node()?
        .apply_op3(&weight.contiguous()?, &affine.contiguous()?, op)?;
    state.with(|kept| {
        let map = match &kept.hidden {
            Some(hidden) => Map::Hidden(y, Arc::clone(hidden)),
            None => Map::Tensor(y),
        };
        Ok((map, Arc::clone(&kept.statistics)))
    })
}

struct ConvNormRelu {
    conv: ConvShape,
    norm: NormBlock,
    eps: f32,
    normalisation: Normalisation,
    /// The input, if it is hidden behind the first argument.
    source: Option<Arc<Hidden>>,
    hide: bool,
    state: Arc<Saved<Kept>>,
}

/// What the backward pass needs.
struct Kept {
    /// The convolution's output.
    map: Vec<f32>,
    statistics: Arc<Statistics>,
    /// The block's output, if it is hidden.
    hidden: Option<Arc<Hidden>>,
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

    /// The output; what the backward pass needs is kept.
    fn forward(&self, x: &[f32], weight: &[f32], affine: &[f32]) -> Result<(CpuStorage, Shape)> {
        let [batch, height, width, channels] = self.norm.shape.dims();
        let (conv, bias) = (&self.conv, Some(&affine[..channels]));
        let (map, statistics) = match &self.normalisation {
            Normalisation::Given(statistics) => {
                let map = owned::conv2d_forward(conv, x, weight, bias);
                (map, statistics.clone())
            }
            Normalisation::Batch => {
                let (mut mean, mut variance) = (vec![0.0; channels], vec![0.0; channels]);
                let map = owned::conv2d_forward_with_statistics(
                    conv,
                    x,
                    weight,
                    bias,
                    &mut mean,
                    &mut variance,
                );
                (map, Statistics { mean, variance })
            }
        };
        let (map, statistics) = (map.map_err(failed(PLACE))?, Arc::new(statistics));
        let parameters = self.parameters(&statistics, affine);
        let y = owned::batch_norm_forward(&self.norm, &map, &parameters).map_err(failed(PLACE))?;
        let dims = match self.norm.pooling {
            Pooling::None => [batch, height, width, channels],
            Pooling::Max2x2 => [batch, height / 2, width / 2, channels],
        };
        let (hidden, output) = if self.hide {
            let hidden = Hidden {
                map: Tensor::from_vec(y, &dims, &Device::Cpu)?,
                gradient: Mutex::new(None),
            };
            (Some(Arc::new(hidden)), stored(vec![0.0], 1))
        } else {
            (None, stored(y, &dims))
        };
        self.state.keep(Kept {
            map,
            statistics,
            hidden,
        });
        Ok(output)
    }

    /// The gradient of the convolution's output, and of scale and shift where the graph
    /// asks for them.
    fn backward_of_norm(
        &self,
        affine: &Tensor,
        grad: &Tensor,
        [grad_gamma, grad_beta]: [&mut [f32]; 2],
    ) -> Result<Vec<f32>> {
        self.state.with(|kept| {
            let mut work = |grad: &[f32]| {
                with_values(affine, |affine_values| {
                    let (norm, map) = (&self.norm, &kept.map);
                    let parameters = self.parameters(&kept.statistics, affine_values);
                    match self.normalisation {
                        Normalisation::Batch => owned::batch_norm_backward_training(
                            norm,
                            map,
                            &parameters,
                            grad,
                            grad_gamma,
                            grad_beta,
                        ),
                        Normalisation::Given(_) => {
                            let wanted = affine
                                .track_op()
                                .then_some([&mut *grad_gamma, &mut *grad_beta]);
                            owned::batch_norm_backward_frozen(norm, map, &parameters, grad, wanted)
                        }
                    }
                    .map_err(failed(PLACE))
                })
            };
            match &kept.hidden {
                None => with_values(&grad.contiguous()?, work),
                Some(hidden) => {
                    let mut slot = hidden
                        .gradient
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner);
                    match slot.take() {
                        Some(grad) => work(&grad),
                        None => candle_core::bail!("a hidden map without its gradient"),
                    }
                }
            }
        })
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
        let weight = values(weight, weight_layout)?;
        let affine = values(affine, affine_layout)?;
        match &self.source {
            None => self.forward(values(x, x_layout)?, weight, affine),
            Some(hidden) => with_values(&hidden.map, |x| self.forward(x, weight, affine)),
        }
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
        let grad_norm = grad_norm.split_at_mut(channels);
        let grad_map = self.backward_of_norm(affine, grad, grad_norm.into())?;
        // The batch's mean takes the convolution's bias out again: its gradient is 0.
        let with_bias = affine.track_op() && matches!(self.normalisation, Normalisation::Given(_));
        let map = self.source.as_ref().map_or(x, |hidden| &hidden.map);
        let (x_grad, weight_grad, bias_grad) = backward(
            &self.conv,
            (map, x.track_op()),
            weight,
            with_bias,
            &grad_map,
        )?;
        if let Some(bias) = bias_grad {
            grad_bias.copy_from_slice(&bias);
        }
        let x_grad = match (&self.source, x_grad) {
            (Some(hidden), Some(x_grad)) => {
                let mut slot = hidden
                    .gradient
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                *slot = Some(x_grad);
                gradient(vec![0.0], x)?
            }
            (_, x_grad) => some_gradient(x_grad, x)?,
        };
        let affine_grad = affine.track_op().then_some(grad_affine);
        Ok((x_grad, weight_grad, some_gradient(affine_grad, affine)?))
    }
}
