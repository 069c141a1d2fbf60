//! A row of convolution blocks. Invariant: the last block of a shared trunk does not
//! pool; its pool opens the next trunk.

use candle_core::Tensor;
use striate_nn::{Context, ConvBlock, ConvBlockConfig, Scope, ops};
use striate_random::Seed;

use crate::{Error, LayerPlan};

/// Consecutive layers of a network: 3x3 convolution, batch norm, ReLU, and a 2x2 max
/// pool where a block of the VGG ends.
#[derive(Debug)]
pub(crate) struct Trunk {
    pool_first: bool,
    blocks: Vec<ConvBlock>,
}

impl Trunk {
    /// The layers of a plan; `pool_first` puts the pool of the layer before in front.
    /// Each block draws its weights from `seed / name`, and keeps `statistics` sets of
    /// running statistics.
    pub(crate) fn new(
        layers: &[LayerPlan],
        pool_first: bool,
        batch_norm: bool,
        statistics: usize,
        scope: &Scope,
        seed: &Seed,
    ) -> Result<Self, Error> {
        // The shared trunk is the one whose last pool is left to its successor.
        let shared = scope.name() == crate::net::part::SHARED;
        let last = layers.len().saturating_sub(1);
        let blocks = layers
            .iter()
            .enumerate()
            .map(|(i, layer)| {
                let name = layer.name.to_string();
                let config = ConvBlockConfig {
                    in_channels: layer.inputs,
                    out_channels: layer.outputs,
                    batch_norm,
                    statistics,
                    pool: layer.pool && !(shared && i == last),
                };
                let mut stream = seed.child(&name).stream();
                ConvBlock::new(config, &scope.sub(&name), &mut stream)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { pool_first, blocks })
    }

    /// # Shapes
    ///
    /// `[batch, height, width, in]` to `[batch, h, w, out]`.
    pub(crate) fn forward(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor, Error> {
        Ok(ConvBlock::forward_all(&self.blocks, &self.start(x)?, cx)?)
    }

    /// The map after the ReLU of the block with this index, before its pool.
    pub(crate) fn output_of(
        &self,
        index: usize,
        x: &Tensor,
        cx: &mut Context,
    ) -> Result<Tensor, Error> {
        let before = &self.blocks[..index.min(self.blocks.len())];
        let map = ConvBlock::forward_all(before, &self.start(x)?, cx)?;
        match self.blocks.get(index) {
            Some(block) => activation(block, &map, cx),
            None => Ok(map),
        }
    }

    /// Runs the first `count` blocks, hands the map after the ReLU of each to `keep`, and
    /// gives what comes after the last, its pool included.
    pub(crate) fn outputs(
        &self,
        count: usize,
        x: &Tensor,
        cx: &mut Context,
        mut keep: impl FnMut(usize, &Tensor),
    ) -> Result<Tensor, Error> {
        let mut map = self.start(x)?;
        for (i, block) in self.blocks.iter().enumerate().take(count) {
            map = activation(block, &map, cx)?;
            keep(i, &map);
            if block.config().pool {
                map = ops::max_pool_2x2(&map)?;
            }
        }
        Ok(map)
    }

    /// The kernels of the first block, `[out, 3, 3, in]`.
    pub(crate) fn first_kernels(&self) -> Option<Tensor> {
        self.blocks.first().map(|block| block.conv.weight.tensor())
    }

    pub(crate) fn set_frozen(&self, frozen: bool) {
        for block in &self.blocks {
            block.set_frozen(frozen);
        }
    }

    fn start(&self, x: &Tensor) -> Result<Tensor, Error> {
        if self.pool_first {
            Ok(ops::max_pool_2x2(x)?)
        } else {
            Ok(x.clone())
        }
    }
}

/// A block without its pool.
fn activation(block: &ConvBlock, x: &Tensor, cx: &mut Context) -> Result<Tensor, Error> {
    let mut map = block.conv.forward(x, cx)?;
    if let Some(bn) = &block.bn {
        map = bn.forward(&map, cx)?;
    }
    Ok(ops::relu(&map)?)
}
