//! The numerical kernels of Striate for the CPU: convolutions, matrix products,
//! batch norm fused with ReLU and pooling, pooling, bilinear sampling, and
//! parameter updates. Slices in, slices out; no tensor library.
//!
//! * Maps are NHWC (`[batch, height, width, channels]`), convolution weights
//!   OHWI (`[out, kernel_h, kernel_w, in]`), everything f32.
//! * Output slices are overwritten; their old content does not matter.
//! * Results have the same bits for any number of threads (rayon's current
//!   pool): every sum has one order, given by the shapes alone.
//! * The fastest instruction set of the processor is used ([`cpu::Isa`]); the
//!   portable code runs on any target.
//! * Wrong lengths are an [`Error`], never a panic.
//!
//! ```
//! use striate_kernels::{ConvShape, conv2d_backward_weight, conv2d_forward};
//!
//! // One 4x4 image of 2 channels, 3x3 kernels to 3 channels, same size.
//! let shape = ConvShape::same([1, 4, 4, 2], 3, 3)?;
//! let (input, weight) = (vec![1.0; shape.input_len()], vec![0.5; shape.weight_len()]);
//! let mut output = vec![0.0; shape.output_len()];
//! conv2d_forward(&shape, &input, &weight, Some(&[0.0, 1.0, 2.0]), &mut output)?;
//! // The corner sees 2x2 pixels of 2 channels.
//! assert_eq!(output[..3], [4.0, 5.0, 6.0]);
//!
//! let grad_output = vec![1.0; shape.output_len()];
//! let mut grad_weight = vec![0.0; shape.weight_len()];
//! conv2d_backward_weight(&shape, &input, &grad_output, &mut grad_weight, None)?;
//! assert_eq!(grad_weight[0], 9.0);
//! # Ok::<(), striate_kernels::Error>(())
//! ```

mod conv;
pub mod cpu;
mod depthwise;
mod dft;
mod error;
mod gemm;
mod map;
mod norm;
mod optim;
pub mod owned;
mod pack;
mod peak;
mod pool;
mod reduce;
mod sample;
mod shape;
mod shared;
mod simd;
#[cfg(test)]
mod testing;
mod tile;
mod winograd;

pub use conv::{
    Algorithm, ConvInput, Product, algorithm, conv2d_backward_input, conv2d_backward_weight,
    conv2d_forward, conv2d_forward_with_statistics, with_algorithm,
};
pub use depthwise::{
    DepthwiseShape, depthwise_backward_input, depthwise_backward_weight, depthwise_forward,
};
pub use dft::{Dft, dft2};
pub use error::{Error, Result};
pub use gemm::{GemmShape, gemm_nn, gemm_nt, gemm_tn};
pub use map::MapShape;
pub use norm::{
    Activation, NormBlock, NormParameters, Pooling, batch_norm_backward_frozen,
    batch_norm_backward_training, batch_norm_forward, batch_norm_statistics,
};
pub use optim::{AdamStep, SgdStep, adam_step, sgd_momentum_step};
pub use pool::{
    global_max_pool_backward, global_max_pool_forward, max_pool_2x2_backward, max_pool_2x2_forward,
};
pub use sample::{Corners, bilinear_sample_backward, bilinear_sample_forward};
pub use shape::{ConvShape, ConvSizes};
