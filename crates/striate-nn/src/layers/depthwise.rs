//! The depthwise convolution.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_random::Stream;

use crate::error::{config_error, shape_error};
use crate::{Context, Param, Result, Scope, init, ops};

/// The sizes of a [`DepthwiseConv2d`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepthwiseConv2dConfig {
    /// Channels.
    pub channels: usize,
    /// Rows and columns of the kernel.
    pub kernel: usize,
    /// Zeros on each side.
    pub padding: usize,
    /// Pixels from tap to tap.
    pub dilation: usize,
}

/// A convolution of each channel with a square kernel of its own, at stride 1, without bias.
#[derive(Clone, Debug)]
pub struct DepthwiseConv2d {
    name: String,
    config: DepthwiseConv2dConfig,
    /// `[kernel, kernel, channels]`.
    pub weight: Param,
}

impl DepthwiseConv2d {
    /// Creates `weight` in `scope`: normal with the variance of Glorot and Bengio (2010) as
    /// PyTorch counts it, `2 / (kernel^2 (1 + channels))`.
    ///
    /// # Errors
    ///
    /// If a size other than the padding is 0, or the name is taken.
    pub fn new(config: DepthwiseConv2dConfig, scope: &Scope, stream: &mut Stream) -> Result<Self> {
        let DepthwiseConv2dConfig {
            channels,
            kernel,
            dilation,
            ..
        } = config;
        if channels * kernel * dilation == 0 {
            let expected = "channels, kernel and dilation of at least 1";
            return Err(config_error(scope.name(), expected, format!("{config:?}")));
        }
        let deviation = (2.0 / (kernel * kernel * (1 + channels)) as f64).sqrt();
        let shape = (kernel, kernel, channels);
        let weight = init::normal(shape, deviation, stream, scope.device())?;
        Ok(Self {
            name: scope.name().to_owned(),
            config,
            weight: scope.param("weight", &weight)?,
        })
    }

    /// The sizes.
    pub fn config(&self) -> &DepthwiseConv2dConfig {
        &self.config
    }

    /// Applies the convolution.
    ///
    /// # Shapes
    ///
    /// `[batch, height, width, channels]` to the same, height and width more by twice the
    /// padding and less by `(kernel - 1) dilation`.
    ///
    /// # Errors
    ///
    /// If the input has another number of channels or is smaller than the kernel.
    pub fn forward(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor> {
        let DepthwiseConv2dConfig {
            channels,
            padding,
            dilation,
            ..
        } = self.config;
        if x.rank() != 4 || x.dims().last() != Some(&channels) {
            let expected = format!("[batch, height, width, {channels}]");
            return Err(shape_error(x, &self.name, expected));
        }
        let weight = self.weight.tensor();
        ops::depthwise_conv2d_with(cx.backend(), x, &weight, 1, padding, dilation)
    }
}
