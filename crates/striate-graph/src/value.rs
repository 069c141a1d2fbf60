//! A value of the graph and how it lies in memory. Invariant: a tensor here is contiguous; an
//! image may lie channels last, which only the operations that profit from it see.

use candle_core::Tensor;

use crate::Result;

/// A tensor in PyTorch's order of axes, or an image as `[batch, height, width, channels]`.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    tensor: Tensor,
    channels_last: bool,
}

impl Value {
    /// A tensor in PyTorch's order of axes.
    pub(crate) fn plain(tensor: Tensor) -> Result<Self> {
        Ok(Self {
            tensor: tensor.contiguous()?,
            channels_last: false,
        })
    }

    /// An image given as `[batch, height, width, channels]`.
    pub(crate) fn channels_last(tensor: Tensor) -> Result<Self> {
        Ok(Self {
            tensor: tensor.contiguous()?,
            channels_last: true,
        })
    }

    /// A tensor that lies as `self` does.
    pub(crate) fn like(&self, tensor: Tensor) -> Result<Self> {
        Ok(Self {
            tensor: tensor.contiguous()?,
            channels_last: self.channels_last,
        })
    }

    /// Whether it lies channels last.
    pub(crate) fn is_channels_last(&self) -> bool {
        self.channels_last
    }

    /// The shape in PyTorch's order.
    pub(crate) fn dims(&self) -> Vec<usize> {
        match (self.channels_last, self.tensor.dims()) {
            (true, &[b, h, w, c]) => vec![b, c, h, w],
            (_, dims) => dims.to_vec(),
        }
    }

    /// The tensor as it lies.
    pub(crate) fn stored(&self) -> &Tensor {
        &self.tensor
    }

    /// Where an axis of PyTorch's order lies.
    pub(crate) fn place(&self, axis: usize) -> usize {
        match self.channels_last {
            true => [0, 3, 1, 2].get(axis).copied().unwrap_or(axis),
            false => axis,
        }
    }

    /// The tensor in PyTorch's order, contiguous.
    pub(crate) fn to_plain(&self) -> Result<Tensor> {
        match (self.channels_last, self.tensor.dims()) {
            // One pixel, or one channel: both orders are the same in memory.
            (true, &[b, h, w, c]) if c == 1 || h * w == 1 => {
                Ok(self.tensor.reshape((b, c, h, w))?)
            }
            (true, _) => Ok(self.tensor.permute((0, 3, 1, 2))?.contiguous()?),
            (false, _) => Ok(self.tensor.clone()),
        }
    }

    /// An image as `[batch, height, width, channels]`, contiguous.
    pub(crate) fn to_channels_last(&self) -> Result<Tensor> {
        match (self.channels_last, self.tensor.dims()) {
            (false, &[b, c, h, w]) if c == 1 || h * w == 1 => {
                Ok(self.tensor.reshape((b, h, w, c))?)
            }
            (false, [_, _, _, _]) => Ok(self.tensor.permute((0, 2, 3, 1))?.contiguous()?),
            _ => Ok(self.tensor.clone()),
        }
    }

    /// The axes in another order, without a copy where that only changes how they are read.
    pub(crate) fn permuted(&self, axes: &[usize]) -> Result<Self> {
        match (self.channels_last, axes) {
            (true, [0, 2, 3, 1]) => Self::plain(self.tensor.clone()),
            (false, [0, 3, 1, 2]) => Self::channels_last(self.tensor.clone()),
            (true, _) => Self::plain(self.tensor.permute((0, 3, 1, 2))?.permute(axes)?),
            (false, _) => Self::plain(self.tensor.permute(axes)?),
        }
    }
}
