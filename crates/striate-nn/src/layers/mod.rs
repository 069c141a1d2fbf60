//! Layers: a configuration, the variables, and `forward`. Invariant: maps are
//! `[batch, height, width, channels]`.

mod batch_norm;
mod conv2d;
mod conv_block;
mod depthwise;
mod dropout;
mod linear;
mod readout;
mod squeeze_excitation;

pub use batch_norm::{BatchNorm, BatchNormConfig, Running};
pub use conv_block::{ConvBlock, ConvBlockConfig};
pub use conv2d::{Conv2d, Conv2dConfig};
pub use depthwise::{DepthwiseConv2d, DepthwiseConv2dConfig};
pub use dropout::{Dropout, DropoutConfig};
pub use linear::{Linear, LinearConfig};
pub use readout::{
    ChannelWeights, Covariance, FactorisedReadout, GaussianReadout, PointPooledReadout, Readout,
    ReadoutConfig,
};
pub use squeeze_excitation::{SqueezeExcitation, SqueezeExcitationConfig};

#[cfg(test)]
mod tests;
