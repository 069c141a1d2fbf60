//! The operations built of candle's own, on any device. Invariant: their
//! gradients are right (candle's pooling, clamping and ReLU at zero are avoided).

mod conv;
mod depthwise;
mod norm;
mod pool;
mod sample;

pub use conv::{conv2d, linear};
pub(crate) use depthwise::depthwise_conv2d;
pub use norm::{batch_norm, batch_statistics};
pub use pool::{global_max_pool, max_pool_2x2};
pub use sample::bilinear_sample;
