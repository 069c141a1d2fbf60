//! Layers, losses and optimisers on candle, every gradient checked.
//!
//! Maps are `[batch, height, width, channels]` and convolution weights
//! `[out, height, width, in]`, in f32. A network registers its variables in a
//! [`Params`]; a [`Context`] says whether a pass is training or evaluation and
//! holds the pass's random stream; [`Gradients`] sums the gradients of one or
//! more losses, and an [`Optimizer`] applies them.
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use striate_nn::{
//!     Context, ConvBlock, ConvBlockConfig, Gradients, Optimizer, Params, Sgd, SgdConfig, loss, ops,
//! };
//! use striate_random::Seed;
//!
//! let seed = Seed::new(1);
//! let params = Params::new(&Device::Cpu);
//! let config = ConvBlockConfig { in_channels: 1, out_channels: 4, batch_norm: true, statistics: 1, pool: true };
//! let block = ConvBlock::new(config, &params.root().sub("block"), &mut seed.child("init").stream())?;
//!
//! let images = Tensor::arange(0f32, 128.0, &Device::Cpu)?.reshape((2, 8, 8, 1))?;
//! let labels = Tensor::new(&[0u32, 3], &Device::Cpu)?;
//! let mut gradients = Gradients::new(&params.trained());
//! let mut optimizer = Sgd::new(SgdConfig::default(), params.trained())?;
//!
//! let mut cx = Context::train(seed.child("pass").stream());
//! let logits = ops::global_max_pool(&block.forward(&images, &mut cx)?)?;
//! gradients.add(&loss::cross_entropy(&logits, &labels)?)?;
//! optimizer.step(&gradients, 0.1)?;
//! assert_eq!(params.count(), 4 * 9 + 4 + 2 * 4);
//! # Ok::<(), striate_nn::Error>(())
//! ```

mod context;
mod cpu;
mod device;
mod error;
mod gradients;
pub mod init;
pub mod layers;
pub mod loss;
pub mod ops;
pub mod optim;
mod params;
pub mod schedule;
#[cfg(test)]
mod testing;
mod threads;

pub use context::{Backend, Context};
pub use device::{DeviceKind, device};
pub use error::{Error, Result};
pub use gradients::Gradients;
pub use layers::{
    BatchNorm, BatchNormConfig, ChannelWeights, Conv2d, Conv2dConfig, ConvBlock, ConvBlockConfig,
    Covariance, DepthwiseConv2d, DepthwiseConv2dConfig, Dropout, DropoutConfig, FactorisedReadout,
    GaussianReadout, Linear, LinearConfig, PointPooledReadout, Readout, ReadoutConfig, Running,
    SqueezeExcitation, SqueezeExcitationConfig,
};
pub use optim::{Adam, AdamConfig, Optimizer, Sgd, SgdConfig};
pub use params::{Param, Params, Scope};
pub use threads::restart_with_one_pool;
