//! Winograd's minimal filtering F(4x4, 3x3): 3x3 convolutions at stride 1 and
//! padding 1 with a quarter of the multiplications (Lavin and Gray 2016,
//! arXiv 1509.09308).
//!
//! The map is cut into tiles of 4x4 outputs, each from 6x6 inputs. With the
//! matrices A, B and G of [`transform`]: output = A^T [(G w G^T) . (B^T x B)] A.
//! For each of the 36 positions, the sum over channels is one matrix product
//! over all tiles. The weight gradient is the adjoint: grad_w = G^T [sum over
//! tiles of (A grad_y A^T)(B^T x B)] G; the input gradient is the convolution of
//! the output's gradient with the turned kernel.
//!
//! Accuracy: errors are below 5e-6 of the largest sum of absolute products of the
//! tensor (the tests' bound); small elements beside large ones lose relative accuracy.
//!
//! Invariant: what a block of tiles holds depends on the shape only; forward
//! results do not even depend on the blocks.

mod apply;
mod enter;
mod gradient;
mod layout;
mod leave;
mod transform;
mod weights;

pub(crate) use apply::{backward_input, forward};
pub(crate) use gradient::backward_weight;

use crate::shape::ConvShape;

/// Positions of a transformed tile.
const POSITIONS: usize = 36;

/// Whether the algorithm can compute the shape.
pub(crate) fn supports(shape: &ConvShape) -> bool {
    shape.kernel_h == 3 && shape.kernel_w == 3 && shape.stride == 1 && shape.padding == 1
}
