//! Convolution.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_random::Stream;

use crate::error::config_error;
use crate::ops::Conv2dGeometry;
use crate::{Context, Param, Result, Scope, init, ops};

/// The sizes of a [`Conv2d`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2dConfig {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Rows and columns of the kernel.
    #[serde(default = "one")]
    pub kernel: usize,
    /// Step between windows.
    #[serde(default = "one")]
    pub stride: usize,
    /// Zeros on each side.
    #[serde(default)]
    pub padding: usize,
    /// Whether a bias is added.
    #[serde(default = "yes")]
    pub bias: bool,
}

fn one() -> usize {
    1
}

fn yes() -> bool {
    true
}

impl Conv2dConfig {
    /// A convolution with bias, stride 1 and the padding that keeps the size
    /// for an odd `kernel`.
    pub fn same(in_channels: usize, out_channels: usize, kernel: usize) -> Self {
        Self {
            in_channels,
            out_channels,
            kernel,
            stride: 1,
            padding: kernel / 2,
            bias: true,
        }
    }
}

/// A convolution with square kernel.
#[derive(Clone, Debug)]
pub struct Conv2d {
    name: String,
    config: Conv2dConfig,
    /// `[out, kernel, kernel, in]`.
    pub weight: Param,
    /// `[out]`.
    pub bias: Option<Param>,
}

impl Conv2d {
    /// Creates `weight` (Kaiming normal over the fan-out, drawn from `stream`)
    /// and `bias` (0) in `scope`.
    ///
    /// # Errors
    ///
    /// If a size is 0 or the names are taken.
    pub fn new(config: Conv2dConfig, scope: &Scope, stream: &mut Stream) -> Result<Self> {
        let Conv2dConfig {
            in_channels,
            out_channels,
            kernel,
            stride,
            ..
        } = config;
        if in_channels * out_channels * kernel * stride == 0 {
            return Err(config_error(
                scope.name(),
                "channels, kernel and stride of at least 1",
                format!("{config:?}"),
            ));
        }
        let device = scope.device();
        let shape = [out_channels, kernel, kernel, in_channels];
        let weight = scope.param("weight", &init::kaiming_fan_out(shape, stream, device)?)?;
        let bias = config
            .bias
            .then(|| scope.param("bias", &zeros(out_channels, device)?))
            .transpose()?;
        Ok(Self {
            name: scope.name().to_owned(),
            config,
            weight,
            bias,
        })
    }

    /// The sizes.
    pub fn config(&self) -> &Conv2dConfig {
        &self.config
    }

    /// Applies the convolution.
    ///
    /// # Shapes
    ///
    /// `[batch, height, width, in]` to `[batch, out height, out width, out]`.
    ///
    /// # Errors
    ///
    /// If the input has another number of channels or is smaller than the kernel.
    pub fn forward(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor> {
        let weight = self.weight.tensor();
        let bias = self.bias.as_ref().map(Param::tensor);
        let Conv2dConfig {
            stride, padding, ..
        } = self.config;
        self.check(x, &weight, bias.as_ref())?;
        ops::conv2d_with(cx.backend(), x, &weight, bias.as_ref(), stride, padding)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The sizes of a pass over `x`, checked.
    pub(crate) fn check(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Conv2dGeometry> {
        let Conv2dConfig {
            stride, padding, ..
        } = self.config;
        Conv2dGeometry::new(&self.name, x, weight, bias, stride, padding)
    }

    /// Switches training of weight and bias.
    pub fn set_trainable(&self, trainable: bool) {
        self.weight.set_trainable(trainable);
        if let Some(bias) = &self.bias {
            bias.set_trainable(trainable);
        }
    }
}

pub(crate) fn zeros(count: usize, device: &candle_core::Device) -> Result<Tensor> {
    Ok(Tensor::zeros(count, candle_core::DType::F32, device)?)
}

pub(crate) fn ones(count: usize, device: &candle_core::Device) -> Result<Tensor> {
    Ok(Tensor::ones(count, candle_core::DType::F32, device)?)
}
