//! Convolution, batch normalisation, ReLU and pooling as one operation.
//!
//! Blocks that follow one another hand their maps over beside candle's graph: in it, a
//! token of one element stands for the map. Candle would add the gradient of each map to
//! zeros: memory is cleared, read and written once more. A hidden map is not kept for the
//! backward pass, either: it is made from the output of the convolution before it, which is
//! kept anyway, as the next convolution reads it.
//!
//! Invariant: the backward pass reads the convolution's output and its statistics as the
//! forward pass left them; a hidden map has one consumer, so its gradient is that of one.
//! If there is one backward pass at most, each block lets go of its maps when it is done.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor};
use striate_kernels::{
    Activation, ConvInput, ConvShape, MapShape, NormBlock, NormParameters, Pooling,
    batch_norm_backward_frozen, batch_norm_backward_training, owned,
};

use super::conv2d::{backward, shape_of};
use super::{Saved, failed, gradient, some_gradient, stored, values, with_values};
use crate::ops::Conv2dGeometry;

const PLACE: &str = "conv_block";

const NO_MAP: &str = "a backward pass has let go of this graph's maps: add several losses up first, \
                      or evaluate without `Context::single_backward`";

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
    /// Whether there is at most one backward pass.
    pub(crate) single_backward: bool,
}

/// What a block reads and writes.
#[derive(Clone)]
pub(crate) enum Map {
    /// A map of the graph.
    Tensor(Tensor),
    /// A map between two blocks, and the token that stands for it in the graph.
    Hidden(Tensor, Arc<Hidden>),
}

/// A map outside of the graph.
pub(crate) struct Hidden {
    /// The map itself if it is pooled: a quarter of what it is made from, it is cheaper to
    /// keep than to make.
    pooled: Mutex<Option<Vec<f32>>>,
    /// What it is made from.
    source: Arc<Source>,
    /// Its gradient between two steps of a backward pass.
    gradient: Mutex<Option<Vec<f32>>>,
}

/// What a block's output is made from once its convolution is done, and what the backward
/// pass needs.
struct Source {
    norm: NormBlock,
    eps: f32,
    /// The convolution's output, until the only backward pass has read it.
    map: Mutex<Option<Vec<f32>>>,
    statistics: Arc<Statistics>,
    /// The convolution's bias, the norm's scale and its shift.
    affine: Vec<f32>,
}

impl Source {
    fn parameters(&self) -> NormParameters<'_> {
        let channels = self.norm.shape.dims()[3];
        NormParameters {
            mean: &self.statistics.mean,
            variance: &self.statistics.variance,
            gamma: &self.affine[channels..2 * channels],
            beta: &self.affine[2 * channels..],
            epsilon: self.eps,
        }
    }

    /// Calls `work` with the convolution's output.
    fn with_map<R>(&self, work: impl FnOnce(&[f32]) -> Result<R>) -> Result<R> {
        match &*lock(&self.map) {
            Some(map) => work(map),
            None => candle_core::bail!("{NO_MAP}"),
        }
    }

    /// The convolution's output, to be changed.
    fn own_map(&self, single_backward: bool) -> Result<Vec<f32>> {
        let mut map = lock(&self.map);
        let map = match single_backward {
            true => map.take(),
            false => map.clone(),
        };
        map.map_or_else(|| candle_core::bail!("{NO_MAP}"), Ok)
    }

    /// The block's output.
    fn output(&self) -> Result<Vec<f32>> {
        self.with_map(|map| {
            owned::batch_norm_forward(&self.norm, map, &self.parameters()).map_err(failed(PLACE))
        })
    }
}

impl Hidden {
    /// Calls `work` with the map.
    fn with_input<R>(&self, work: impl FnOnce(ConvInput<'_>) -> Result<R>) -> Result<R> {
        if let Some(map) = &*lock(&self.pooled) {
            return work(ConvInput::Map(map));
        }
        self.source.with_map(|x| {
            work(ConvInput::Block {
                block: &self.source.norm,
                x,
                parameters: &self.source.parameters(),
            })
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Map {
    /// The map, or for a hidden one a tensor of its shape without its values.
    pub(crate) fn stand_in(&self) -> Result<Tensor> {
        match self {
            Self::Tensor(map) => Ok(map.clone()),
            Self::Hidden(token, hidden) => token
                .detach()
                .broadcast_as(&hidden.source.norm.output_dims()),
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
        single_backward: block.single_backward,
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
        Ok((map, Arc::clone(&kept.source.statistics)))
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
    single_backward: bool,
    state: Arc<Saved<Kept>>,
}

/// What the backward pass needs.
struct Kept {
    source: Arc<Source>,
    /// The block's output, if it is hidden.
    hidden: Option<Arc<Hidden>>,
}

impl ConvNormRelu {
    /// The output; what the backward pass needs is kept.
    fn forward(
        &self,
        x: ConvInput<'_>,
        weight: &[f32],
        affine: &[f32],
    ) -> Result<(CpuStorage, Shape)> {
        let channels = self.norm.shape.dims()[3];
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
        let source = Arc::new(Source {
            norm: self.norm,
            eps: self.eps,
            map: Mutex::new(Some(map.map_err(failed(PLACE))?)),
            statistics: Arc::new(statistics),
            affine: affine.to_vec(),
        });
        let (hidden, output) = if self.hide {
            let pooled = match self.norm.pooling {
                Pooling::None => None,
                Pooling::Max2x2 => Some(source.output()?),
            };
            let hidden = Hidden {
                pooled: Mutex::new(pooled),
                source: Arc::clone(&source),
                gradient: Mutex::new(None),
            };
            (Some(Arc::new(hidden)), stored(vec![0.0], 1))
        } else {
            (None, stored(source.output()?, &source.norm.output_dims()))
        };
        self.state.keep(Kept { source, hidden });
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
            let norm = &kept.source.norm;
            let parameters = kept.source.parameters();
            // The map becomes its gradient.
            let mut map = kept.source.own_map(self.single_backward)?;
            let work = |grad: &[f32]| {
                match self.normalisation {
                    Normalisation::Batch => batch_norm_backward_training(
                        norm,
                        &mut map,
                        &parameters,
                        grad,
                        grad_gamma,
                        grad_beta,
                    ),
                    Normalisation::Given(_) => {
                        let wanted = affine.track_op().then_some([grad_gamma, grad_beta]);
                        batch_norm_backward_frozen(norm, &mut map, &parameters, grad, wanted)
                    }
                }
                .map_err(failed(PLACE))
            };
            match &kept.hidden {
                None => with_values(&grad.contiguous()?, work)?,
                Some(hidden) => {
                    if self.single_backward {
                        lock(&hidden.pooled).take();
                    }
                    match lock(&hidden.gradient).take() {
                        Some(grad) => work(&grad)?,
                        None => candle_core::bail!("a hidden map without its gradient"),
                    }
                }
            }
            Ok(map)
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
            None => self.forward(ConvInput::Map(values(x, x_layout)?), weight, affine),
            Some(hidden) => hidden.with_input(|x| self.forward(x, weight, affine)),
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
        let work = |input: ConvInput<'_>| {
            let input = (input, x.track_op());
            backward(&self.conv, input, weight, with_bias, &grad_map)
        };
        let (x_grad, weight_grad, bias_grad) = match &self.source {
            Some(hidden) => hidden.with_input(work)?,
            None => with_values(x, |x| work(ConvInput::Map(x)))?,
        };
        if let Some(bias) = bias_grad {
            grad_bias.copy_from_slice(&bias);
        }
        let x_grad = match (&self.source, x_grad) {
            (Some(hidden), Some(x_grad)) => {
                *lock(&hidden.gradient) = Some(x_grad);
                gradient(vec![0.0], x)?
            }
            (_, x_grad) => some_gradient(x_grad, x)?,
        };
        let affine_grad = affine.track_op().then_some(grad_affine);
        Ok((x_grad, weight_grad, some_gradient(affine_grad, affine)?))
    }
}
