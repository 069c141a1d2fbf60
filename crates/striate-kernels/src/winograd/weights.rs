//! Weights in the transformed domain, and their gradients back from it.

use rayon::prelude::*;

use super::POSITIONS;
use super::layout::odd_lines;
use super::transform::{Weights, WeightsAdjoint, both_axes, load, store};
use crate::cpu::Isa;
use crate::shape::ConvShape;
use crate::shared::SharedMut;
use crate::simd::{PANEL, Simd, Task, dispatch};

/// Which convolution the weights are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From input channels to output channels.
    Forward,
    /// From output channels to input channels, the kernel turned by 180 degrees.
    Backward,
}

/// Transformed weights: for each position a right matrix `[depth, columns]` in panels.
#[derive(Clone, Copy)]
pub(super) struct WeightLayout {
    pub(super) depth: usize,
    pub(super) columns: usize,
    /// Distance between positions.
    pub(super) position: usize,
}

impl WeightLayout {
    pub(super) fn new(depth: usize, columns: usize) -> Self {
        Self {
            depth,
            columns,
            position: odd_lines(depth * columns.div_ceil(PANEL) * PANEL),
        }
    }

    pub(super) fn len(&self) -> usize {
        POSITIONS * self.position
    }
}

/// `G w G^T` for all pairs of channels.
pub(super) fn transform_weights(
    shape: &ConvShape,
    direction: Direction,
    weight: &[f32],
    layout: &WeightLayout,
    target: &mut [f32],
) {
    let isa = Isa::current();
    let target = SharedMut::new(target);
    (0..layout.columns.div_ceil(PANEL))
        .into_par_iter()
        .for_each(|panel| {
            let layout = *layout;
            let in_channels = shape.in_channels;
            let task = Panel {
                in_channels,
                direction,
                weight,
                layout,
                panel,
                target,
            };
            dispatch(isa, task);
        });
}

/// One panel of columns, all positions.
struct Panel<'a> {
    in_channels: usize,
    direction: Direction,
    weight: &'a [f32],
    layout: WeightLayout,
    panel: usize,
    target: SharedMut<'a>,
}

/// Rows of the right matrix that are gathered together.
const DEPTHS: usize = 16;

impl Task for Panel<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let WeightLayout {
            depth,
            columns,
            position,
        } = self.layout;
        let first = self.panel * PANEL;
        let count = PANEL.min(columns - first);
        let channels = self.in_channels;
        // [depth][tap][column]
        let mut taps = [[[0.0f32; PANEL]; 9]; DEPTHS];
        for k0 in (0..depth).step_by(DEPTHS) {
            let depths = DEPTHS.min(depth - k0);
            match self.direction {
                Direction::Forward => {
                    for column in 0..count {
                        for tap in 0..9 {
                            let from = ((first + column) * 9 + tap) * channels + k0;
                            let from = &self.weight[from..from + depths];
                            for (k, value) in from.iter().enumerate() {
                                taps[k][tap][column] = *value;
                            }
                        }
                    }
                }
                Direction::Backward => {
                    for k in 0..depths {
                        for tap in 0..9 {
                            let from = ((k0 + k) * 9 + 8 - tap) * channels + first;
                            taps[k][tap][..count].copy_from_slice(&self.weight[from..from + count]);
                        }
                    }
                }
            }
            for k in 0..depths {
                for c in (0..PANEL).step_by(S::LANES) {
                    // SAFETY: panel `self.panel` belongs to this task; a row of it holds
                    // PANEL values at each position.
                    unsafe {
                        let mut w = [[S::splat(0.0); 3]; 3];
                        for i in 0..3 {
                            for j in 0..3 {
                                w[i][j] = S::load(taps[k][i * 3 + j].as_ptr().add(c));
                            }
                        }
                        let u = both_axes::<S, Weights, 3, 6>(w);
                        let row = first * depth + (k0 + k) * PANEL + c;
                        for i in 0..6 {
                            for j in 0..6 {
                                let at = (i * 6 + j) * position + row;
                                S::store(self.target.at(at, S::LANES), u[i][j]);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Transformed gradients of weights: for each position `[out, in]`.
#[derive(Clone, Copy)]
pub(super) struct GradientLayout {
    pub(super) out: usize,
    pub(super) in_channels: usize,
    /// Distance between output channels: whole panels.
    pub(super) stride: usize,
    /// Distance between positions.
    pub(super) position: usize,
}

impl GradientLayout {
    pub(super) fn new(shape: &ConvShape) -> Self {
        let stride = shape.in_channels.div_ceil(PANEL) * PANEL;
        Self {
            out: shape.out_channels,
            in_channels: shape.in_channels,
            stride,
            position: odd_lines(shape.out_channels * stride),
        }
    }

    pub(super) fn len(&self) -> usize {
        POSITIONS * self.position
    }
}

/// `G^T u G`, with `u` the sum of `parts` transformed gradients, each
/// `layout.len()` values, added in their order.
pub(super) fn transform_gradients(
    layout: &GradientLayout,
    parts: usize,
    transformed: &[f32],
    grad_weight: &mut [f32],
) {
    let isa = Isa::current();
    let outputs = grad_weight.par_chunks_exact_mut(9 * layout.in_channels);
    outputs.enumerate().for_each(|(out, grad_weight)| {
        let task = OutputGradient {
            layout: *layout,
            parts,
            transformed,
            out,
            grad_weight,
        };
        dispatch(isa, task);
    });
}

/// The gradient of one output channel's weights.
struct OutputGradient<'a> {
    layout: GradientLayout,
    parts: usize,
    transformed: &'a [f32],
    out: usize,
    grad_weight: &'a mut [f32],
}

impl Task for OutputGradient<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let layout = self.layout;
        assert!(self.transformed.len() >= self.parts * layout.len());
        for c in (0..layout.in_channels).step_by(S::LANES) {
            let from = self.out * layout.stride + c;
            let count = layout.in_channels - c;
            // SAFETY: rows of the transformed gradient hold whole panels; `count`
            // channels of each tap follow `c`.
            unsafe {
                let mut u = [[S::splat(0.0); 6]; 6];
                for part in 0..self.parts {
                    let from = self.transformed.as_ptr().add(part * layout.len() + from);
                    for i in 0..6 {
                        for j in 0..6 {
                            let value =
                                load::<S>(from.add((i * 6 + j) * layout.position), S::LANES);
                            u[i][j] = S::add(u[i][j], value);
                        }
                    }
                }
                let w = both_axes::<S, WeightsAdjoint, 6, 3>(u);
                for i in 0..3 {
                    for j in 0..3 {
                        let to = (i * 3 + j) * layout.in_channels + c;
                        store::<S>(self.grad_weight.as_mut_ptr().add(to), w[i][j], count);
                    }
                }
            }
        }
    }
}
