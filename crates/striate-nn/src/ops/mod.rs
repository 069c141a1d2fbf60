//! Operations on tensors, each with a checked gradient. Invariant: on the CPU
//! and in f32 the project's kernels compute them; [`mod@reference`] holds the same
//! functions built of candle's operations, for other devices and as the oracle.

mod activation;
mod blur;
mod conv;
mod depthwise;
mod dropout;
mod gamma;
mod pool;
pub mod reference;
mod sample;

pub use activation::{elu_plus_one, relu, relu_with};
pub use blur::gaussian_blur;
pub use conv::{Conv2dGeometry, conv2d, conv2d_with, linear, linear_with};
pub use depthwise::{depthwise_conv2d, depthwise_conv2d_with};
pub use dropout::{dropout, dropout_with_mask};
pub use gamma::ln_gamma;
pub use pool::{global_max_pool, global_max_pool_with, max_pool_2x2, max_pool_2x2_with};
pub use sample::{bilinear_sample, bilinear_sample_with};

pub(crate) use conv::check_linear;
pub(crate) use depthwise::DepthwiseGeometry;
pub(crate) use dropout::check as check_dropout;

#[cfg(test)]
mod tests;
