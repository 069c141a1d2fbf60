//! Convolution, batch normalisation, ReLU and pooling as one layer: the hot
//! path of the VGG networks. Invariant: the fused kernels and the chain of
//! reference operations give the same values and gradients up to rounding.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_random::Stream;

use super::{BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig};
use crate::cpu::{self, Map, Normalisation, Statistics};
use crate::error::shape_error;
use crate::{Context, Result, Scope, ops};

/// The sizes of a [`ConvBlock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvBlockConfig {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Whether a batch normalisation follows the convolution.
    #[serde(default = "yes")]
    pub batch_norm: bool,
    /// Its sets of running statistics: see [`BatchNormConfig::sets`].
    #[serde(default = "one")]
    pub statistics: usize,
    /// Whether a 2x2 maximum pooling ends the block.
    #[serde(default)]
    pub pool: bool,
}

fn yes() -> bool {
    true
}

fn one() -> usize {
    1
}

/// 3x3 convolution (padding 1, bias), batch normalisation, ReLU and, if
/// configured, 2x2 maximum pooling.
#[derive(Clone, Debug)]
pub struct ConvBlock {
    config: ConvBlockConfig,
    /// Its variables are `<scope>.conv.weight` and `<scope>.conv.bias`.
    pub conv: Conv2d,
    /// Its variables are `<scope>.bn.weight`, `<scope>.bn.bias` and so on.
    pub bn: Option<BatchNorm>,
}

impl ConvBlock {
    /// Creates the layers `conv` and `bn` in `scope`.
    ///
    /// # Errors
    ///
    /// If a size is 0 or the names are taken.
    pub fn new(config: ConvBlockConfig, scope: &Scope, stream: &mut Stream) -> Result<Self> {
        let conv = Conv2dConfig::same(config.in_channels, config.out_channels, 3);
        let bn = BatchNormConfig {
            sets: config.statistics,
            ..BatchNormConfig::new(config.out_channels)
        };
        Ok(Self {
            config,
            conv: Conv2d::new(conv, &scope.sub("conv"), stream)?,
            bn: config
                .batch_norm
                .then(|| BatchNorm::new(bn, &scope.sub("bn"), stream))
                .transpose()?,
        })
    }

    /// The sizes.
    pub fn config(&self) -> &ConvBlockConfig {
        &self.config
    }

    /// Applies the block. No gradient to the input is computed if `x` is a
    /// plain tensor, and none to a frozen layer's variables.
    ///
    /// # Shapes
    ///
    /// `[batch, height, width, in]` to `[batch, height, width, out]`, with
    /// pooling `[batch, height / 2, width / 2, out]`.
    ///
    /// # Errors
    ///
    /// If the input has another number of channels, or is too small to pool.
    pub fn forward(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor> {
        Self::forward_all(std::slice::from_ref(self), x, cx)
    }

    /// Applies blocks one after the other. What lies between them is hidden from candle,
    /// where the kernels compute them: cheaper than to call [`ConvBlock::forward`] of each.
    ///
    /// # Shapes
    ///
    /// From those of the first block to those of the last one.
    ///
    /// # Errors
    ///
    /// As [`ConvBlock::forward`] of each.
    pub fn forward_all(blocks: &[Self], x: &Tensor, cx: &mut Context) -> Result<Tensor> {
        let mut map = Map::Tensor(x.clone());
        for (i, block) in blocks.iter().enumerate() {
            let x = map.stand_in()?;
            let hide = blocks.get(i + 1).is_some_and(|next| next.is_fused(&x, cx));
            map = match &block.bn {
                Some(bn) if block.is_fused(&x, cx) => block.fused(bn, &map, hide, cx)?,
                // Nothing is hidden from a block that is not fused.
                _ => Map::Tensor(block.by_layers(&x, cx)?),
            };
        }
        Ok(map.stand_in()?)
    }

    /// Whether the kernels compute the block as one, on maps of this kind.
    fn is_fused(&self, x: &Tensor, cx: &Context) -> bool {
        self.bn.is_some() && cpu::applies(cx.backend(), &[x, self.conv.weight.var()])
    }

    fn by_layers(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor> {
        let y = self.conv.forward(x, cx)?;
        let y = match &self.bn {
            Some(bn) => bn.forward(&y, cx)?,
            None => y,
        };
        let y = ops::relu_with(cx.backend(), &y)?;
        if self.config.pool {
            ops::max_pool_2x2_with(cx.backend(), &y)
        } else {
            Ok(y)
        }
    }

    fn fused(&self, bn: &BatchNorm, map: &Map, hide: bool, cx: &mut Context) -> Result<Map> {
        let x = &map.stand_in()?;
        let weight = self.conv.weight.tensor();
        let geometry = self.conv.check(x, &weight, None)?;
        if self.config.pool && (geometry.out_height < 2 || geometry.out_width < 2) {
            return Err(shape_error(
                x,
                self.conv.name(),
                "[batch, height >= 2, width >= 2, channels] before the pooling",
            ));
        }
        let count = geometry.batch * geometry.out_height * geometry.out_width;
        let of_batch = bn.uses_batch(cx);
        let running = bn.running(cx)?;
        let normalisation = if of_batch {
            bn.check_count(x, count)?;
            Normalisation::Batch
        } else {
            Normalisation::Given(Statistics {
                mean: running.mean.to_vec1()?,
                variance: running.variance.to_vec1()?,
            })
        };
        let bias = match &self.conv.bias {
            Some(bias) => bias.tensor(),
            None => bn.bias.var().as_detached_tensor().zeros_like()?,
        };
        let affine = Tensor::cat(&[bias, bn.weight.tensor(), bn.bias.tensor()], 0)?;
        let block = cpu::Block {
            geometry: &geometry,
            eps: bn.config().eps,
            pool: self.config.pool,
            hide,
            single_backward: cx.is_single_backward(),
        };
        let (y, used) = cpu::conv_block(map, &weight, &affine, &block, normalisation)?;
        if of_batch {
            let mean = Tensor::from_slice(&used.mean, used.mean.len(), x.device())?;
            let variance = Tensor::from_slice(&used.variance, used.variance.len(), x.device())?;
            bn.remember(&mean, &variance, count, cx)?;
        }
        Ok(y)
    }

    /// Freezes the running statistics: see [`BatchNorm::set_frozen`].
    pub fn set_frozen(&self, frozen: bool) {
        if let Some(bn) = &self.bn {
            bn.set_frozen(frozen);
        }
    }

    /// Switches training of all its variables.
    pub fn set_trainable(&self, trainable: bool) {
        self.conv.set_trainable(trainable);
        if let Some(bn) = &self.bn {
            bn.set_trainable(trainable);
        }
    }
}

#[cfg(test)]
mod tests;
