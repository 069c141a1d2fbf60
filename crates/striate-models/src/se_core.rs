//! The squeeze-excitation core of the group's V1 models (training.md 2.2): a large first
//! kernel, then depth-separable convolutions whose channels the whole map weighs.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use striate_nn::{
    BatchNorm, BatchNormConfig, Context, Conv2d, Conv2dConfig, DepthwiseConv2d,
    DepthwiseConv2dConfig, Scope, SqueezeExcitation, SqueezeExcitationConfig, init, ops,
};
use striate_random::{Seed, Stream};

use crate::Error;

/// The sizes of the core. The default is the group's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeCoreConfig {
    /// Channels of every layer.
    pub channels: usize,
    /// Rows and columns of the first kernel, which is not padded.
    pub input_kernel: usize,
    /// Rows and columns of the other kernels; odd.
    pub hidden_kernel: usize,
    /// Pixels from tap to tap of the other kernels, which are padded to keep the size.
    pub dilation: usize,
    /// Layers, the first one included.
    pub layers: usize,
    /// The last so many layers end with squeeze and excitation.
    pub se_blocks: usize,
    /// Channels over the features of its hidden layer.
    pub se_reduction: usize,
    /// The weight of the new batch in the running statistics.
    pub momentum: f64,
}

impl Default for SeCoreConfig {
    fn default() -> Self {
        Self {
            channels: 32,
            input_kernel: 24,
            hidden_kernel: 9,
            dilation: 2,
            layers: 3,
            se_blocks: 2,
            se_reduction: 16,
            momentum: 0.9,
        }
    }
}

impl SeCoreConfig {
    /// Height and width of the map, for images of `input_size` pixels.
    pub(crate) fn map_size(&self, input_size: usize) -> usize {
        (input_size + 1).saturating_sub(self.input_kernel)
    }

    /// # Errors
    ///
    /// If a size does not fit; the message names it.
    pub(crate) fn check(&self, input_size: usize) -> Result<(), Error> {
        let wrong = |field: &str, expected: String, found: usize| Error::Field {
            field: format!("core.{field}"),
            expected,
            found: found.to_string(),
        };
        let least = |field, found: usize| match found {
            0 => Err(wrong(field, "at least 1".to_owned(), 0)),
            _ => Ok(()),
        };
        least("channels", self.channels)?;
        least("layers", self.layers)?;
        least("dilation", self.dilation)?;
        if !(1..=input_size).contains(&self.input_kernel) {
            let expected = format!("1 to {input_size}, the size of the images");
            return Err(wrong("input_kernel", expected, self.input_kernel));
        }
        if self.hidden_kernel.is_multiple_of(2) {
            let expected = "an odd number, so that padding keeps the size".to_owned();
            return Err(wrong("hidden_kernel", expected, self.hidden_kernel));
        }
        if self.se_blocks >= self.layers {
            let expected = format!("fewer than the {} layers", self.layers);
            return Err(wrong("se_blocks", expected, self.se_blocks));
        }
        if !(1..=self.channels).contains(&self.se_reduction) {
            let expected = format!("1 to {}, the channels", self.channels);
            return Err(wrong("se_reduction", expected, self.se_reduction));
        }
        if !(0.0..=1.0).contains(&self.momentum) {
            return Err(Error::Field {
                field: "core.momentum".to_owned(),
                expected: "a number in [0, 1]".to_owned(),
                found: self.momentum.to_string(),
            });
        }
        Ok(())
    }
}

/// The core as layers.
#[derive(Debug)]
pub(crate) struct SeCore {
    first: Conv2d,
    first_bn: BatchNorm,
    hidden: Vec<Hidden>,
}

/// A depth-separable convolution with what follows it.
#[derive(Debug)]
struct Hidden {
    inward: Conv2d,
    spatial: DepthwiseConv2d,
    outward: Conv2d,
    bn: BatchNorm,
    excitation: Option<SqueezeExcitation>,
}

impl SeCore {
    /// Draws every layer's weights from `seed / layerN`, Xavier normal.
    pub(crate) fn new(
        config: &SeCoreConfig,
        in_channels: usize,
        scope: &Scope,
        seed: &Seed,
    ) -> Result<Self, Error> {
        let channels = config.channels;
        let bn = BatchNormConfig {
            momentum: config.momentum,
            ..BatchNormConfig::new(channels)
        };
        let mut stream = seed.child("layer0").stream();
        let layer0 = scope.sub("layer0");
        let (inputs, kernel) = (in_channels, config.input_kernel);
        let first = xavier(inputs, channels, kernel, &layer0.sub("conv"), &mut stream)?;
        let first_bn = BatchNorm::new(bn, &layer0.sub("bn"), &mut stream)?;
        let hidden = (1..config.layers)
            .map(|layer| {
                let name = format!("layer{layer}");
                let (scope, mut stream) = (scope.sub(&name), seed.child(&name).stream());
                let spatial = DepthwiseConv2dConfig {
                    channels,
                    kernel: config.hidden_kernel,
                    padding: config.hidden_kernel / 2 * config.dilation,
                    dilation: config.dilation,
                };
                let excitation = SqueezeExcitationConfig {
                    channels,
                    reduction: config.se_reduction,
                };
                let stream = &mut stream;
                Ok(Hidden {
                    inward: xavier(channels, channels, 1, &scope.sub("in"), stream)?,
                    spatial: DepthwiseConv2d::new(spatial, &scope.sub("spatial"), stream)?,
                    outward: xavier(channels, channels, 1, &scope.sub("out"), stream)?,
                    bn: BatchNorm::new(bn, &scope.sub("bn"), stream)?,
                    excitation: (config.layers - layer <= config.se_blocks)
                        .then(|| SqueezeExcitation::new(excitation, &scope.sub("se"), stream))
                        .transpose()?,
                })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            first,
            first_bn,
            hidden,
        })
    }

    /// # Shapes
    ///
    /// `[batch, size, size, in]` to `[batch, h, h, channels]`, `h` of
    /// [`SeCoreConfig::map_size`].
    pub(crate) fn forward(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor, Error> {
        let map = self.first.forward(x, cx)?;
        let mut map = elu(&self.first_bn.forward(&map, cx)?)?;
        for layer in &self.hidden {
            let wide = layer.inward.forward(&map, cx)?;
            let seen = layer.spatial.forward(&wide, cx)?;
            let mixed = layer.outward.forward(&seen, cx)?;
            map = elu(&layer.bn.forward(&mixed, cx)?)?;
            if let Some(excitation) = &layer.excitation {
                map = excitation.forward(&map, cx)?;
            }
        }
        Ok(map)
    }

    /// The kernels that see the image, `[channels, kernel, kernel, in]`.
    pub(crate) fn first_kernels(&self) -> Tensor {
        self.first.weight.tensor()
    }

    pub(crate) fn set_frozen(&self, frozen: bool) {
        self.first_bn.set_frozen(frozen);
        for layer in &self.hidden {
            layer.bn.set_frozen(frozen);
        }
    }
}

/// A convolution without bias and padding, its weights normal with the variance
/// `2 / (kernel^2 (in + out))`.
fn xavier(
    in_channels: usize,
    out_channels: usize,
    kernel: usize,
    scope: &Scope,
    stream: &mut Stream,
) -> Result<Conv2d, Error> {
    let config = Conv2dConfig {
        in_channels,
        out_channels,
        kernel,
        stride: 1,
        padding: 0,
        bias: false,
    };
    let conv = Conv2d::new(config, scope, stream)?;
    let deviation = (2.0 / (kernel * kernel * (in_channels + out_channels)) as f64).sqrt();
    let shape = conv.weight.var().shape().clone();
    let weight = init::normal(shape, deviation, stream, scope.device())?;
    conv.weight.var().set(&weight)?;
    Ok(conv)
}

fn elu(x: &Tensor) -> Result<Tensor, Error> {
    Ok((ops::elu_plus_one(x, 0.0)? - 1.0)?)
}

#[cfg(test)]
mod tests;
