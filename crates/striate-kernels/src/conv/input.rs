//! What a convolution reads. Invariant: a map that is made while it is read has the values
//! of one that was made before.

use std::borrow::Cow;

use crate::error::{Error, Result, check_length};
use crate::norm::{Activation, Affine, NormBlock, NormParameters, Pooling, batch_norm_forward};
use crate::shape::ConvShape;
use crate::simd::PANEL;

/// What a convolution reads.
#[derive(Clone, Copy, Debug)]
pub enum ConvInput<'a> {
    /// A map.
    Map(&'a [f32]),
    /// The output of a block: where the algorithm allows, it is made as it is read and does
    /// not lie in memory.
    Block {
        /// The block, whose output has the shape of the convolution's input.
        block: &'a NormBlock,
        /// What it is made from, as `block.shape`.
        x: &'a [f32],
        /// As for [`batch_norm_forward`](crate::batch_norm_forward).
        parameters: &'a NormParameters<'a>,
    },
}

impl<'a> ConvInput<'a> {
    /// Refuses an input of another shape. What a block is made from is checked where it is read.
    pub(super) fn check(&self, kernel: &'static str, shape: &ConvShape) -> Result<()> {
        match self {
            Self::Map(map) => check_length(kernel, "input", map.len(), shape.input_len()),
            Self::Block { block, .. } => {
                let found = block.output_dims();
                let expected = [shape.batch, shape.height, shape.width, shape.in_channels];
                if found == expected {
                    return Ok(());
                }
                Err(Error::Map {
                    kernel,
                    argument: "input.block",
                    expected: Box::new(expected),
                    found: Box::new(found),
                })
            }
        }
    }

    /// The map in memory.
    pub(super) fn map(self) -> Result<Cow<'a, [f32]>> {
        Ok(match self {
            Self::Map(map) => Cow::Borrowed(map),
            Self::Block {
                block,
                x,
                parameters,
            } => {
                let mut map = vec![0.0; block.output_len()];
                batch_norm_forward(block, x, parameters, &mut map)?;
                Cow::Owned(map)
            }
        })
    }

    /// The map for an algorithm that can rectify what it reads.
    pub(super) fn read(self) -> Result<Reading<'a>> {
        if let Self::Block {
            block,
            x,
            parameters,
        } = self
            && let Some(rectifier) = Rectifier::new(block, parameters)?
        {
            check_length("conv2d", "input.x", x.len(), block.shape.len())?;
            return Ok(Reading {
                map: Cow::Borrowed(x),
                rectifier: Some(rectifier),
            });
        }
        Ok(Reading {
            map: self.map()?,
            rectifier: None,
        })
    }
}

/// A map, and what is done to its values as they are read.
pub(crate) struct Reading<'a> {
    pub(crate) map: Cow<'a, [f32]>,
    pub(crate) rectifier: Option<Rectifier>,
}

/// `max(scale x + shift, 0)` for each channel, all in whole panels.
pub(crate) struct Rectifier {
    pub(crate) scale: Vec<f32>,
    pub(crate) shift: Vec<f32>,
    /// The value for which the result is 0: what stands for pixels outside of the map.
    pub(crate) outside: Vec<f32>,
}

impl Rectifier {
    /// None if the block is another function, or has a channel that is never 0.
    fn new(block: &NormBlock, parameters: &NormParameters<'_>) -> Result<Option<Self>> {
        let channels = block.shape.channels;
        let Affine { scale, shift, .. } = Affine::new("conv2d", channels, parameters)?;
        let plain = block.pooling == Pooling::None && block.activation == Activation::Relu;
        if !plain || scale.contains(&0.0) {
            return Ok(None);
        }
        let outside = scale.iter().map(|s| f32::INFINITY.copysign(-s)).collect();
        let [scale, shift, outside] = [scale, shift, outside].map(|mut values: Vec<f32>| {
            values.resize(channels.div_ceil(PANEL) * PANEL, 0.0);
            values
        });
        Ok(Some(Self {
            scale,
            shift,
            outside,
        }))
    }
}
