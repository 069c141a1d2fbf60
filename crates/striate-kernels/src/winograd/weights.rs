//! Weights in the transformed domain, and their gradients back from it.

use std::ops::Range;

use rayon::prelude::*;

use super::POSITIONS;
use super::layout::odd_lines;
use super::transform::{
    Positions, Strided, Tile, Transform, Weights, WeightsAdjoint, along_columns, store_positions,
};
use crate::cpu::Isa;
use crate::shape::ConvShape;
use crate::shared::SharedMut;
use crate::simd::{PANEL, Simd, Task, dispatch, store_some};

/// Which convolution the weights are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From input channels to output channels.
    Forward,
    /// From output channels to input channels, the kernel turned by 180 degrees.
    Backward,
}

/// The weights of a convolution: for each position a right matrix `[depth, columns]`.
#[derive(Clone, Copy)]
pub(super) struct Filters<'a> {
    weight: &'a [f32],
    in_channels: usize,
    direction: Direction,
    pub(super) depth: usize,
    pub(super) columns: usize,
}

impl<'a> Filters<'a> {
    pub(super) fn new(shape: &ConvShape, direction: Direction, weight: &'a [f32]) -> Self {
        let (depth, columns) = match direction {
            Direction::Forward => (shape.in_channels, shape.out_channels),
            Direction::Backward => (shape.out_channels, shape.in_channels),
        };
        Self {
            weight,
            in_channels: shape.in_channels,
            direction,
            depth,
            columns,
        }
    }

    /// Panels of columns.
    pub(super) fn panels(&self) -> usize {
        self.columns.div_ceil(PANEL)
    }
}

/// A part of the transformed weights: for each position `[panels][depth][PANEL]`.
#[derive(Clone, Copy)]
pub(super) struct WeightLayout {
    pub(super) depth: usize,
    /// Distance between positions.
    pub(super) position: usize,
}

impl WeightLayout {
    pub(super) fn new(depth: usize, panels: usize) -> Self {
        Self {
            depth,
            position: odd_lines(depth * panels * PANEL),
        }
    }

    pub(super) fn len(&self) -> usize {
        POSITIONS * self.position
    }

    /// Distance between panels.
    pub(super) fn panel(&self) -> usize {
        self.depth * PANEL
    }
}

/// `G w G^T` for all pairs of channels.
pub(super) fn transform_weights(
    isa: Isa,
    filters: Filters<'_>,
    layout: &WeightLayout,
    target: &mut [f32],
) {
    let target = SharedMut::new(target);
    (0..filters.panels()).into_par_iter().for_each(|panel| {
        let layout = *layout;
        let task = Panel {
            filters,
            layout,
            panel,
            target,
        };
        dispatch(isa, task);
    });
}

/// One panel of columns, all positions.
struct Panel<'a> {
    filters: Filters<'a>,
    layout: WeightLayout,
    panel: usize,
    target: SharedMut<'a>,
}

impl Task for Panel<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: this panel of the target belongs to this task.
        unsafe {
            let target = self.target.at(self.panel * self.layout.panel(), 0);
            let depths = 0..self.filters.depth;
            enter_weights::<S>(&self.filters, self.panel, depths, &self.layout, target);
        }
    }
}

/// Rows of the right matrix that are gathered together.
const DEPTHS: usize = 16;

/// Transforms one panel of columns over some of the depth.
///
/// # Safety
///
/// Below `dispatch` for `S`; `target` is valid for a panel of `layout` at all
/// positions, and nobody else uses it.
#[inline(always)]
pub(super) unsafe fn enter_weights<S: Simd>(
    filters: &Filters<'_>,
    panel: usize,
    depths: Range<usize>,
    layout: &WeightLayout,
    target: *mut f32,
) {
    let first = panel * PANEL;
    let count = PANEL.min(filters.columns - first);
    let channels = filters.in_channels;
    // [depth][tap][column]
    let mut taps = [[[0.0f32; PANEL]; 9]; DEPTHS];
    for k0 in depths.clone().step_by(DEPTHS) {
        let gathered = DEPTHS.min(depths.end - k0);
        match filters.direction {
            Direction::Forward if gathered == PANEL && count == PANEL => {
                for tap in 0..9 {
                    let from = (first * 9 + tap) * channels + k0;
                    let from = &filters.weight[from..from + 9 * (PANEL - 1) * channels + PANEL];
                    let to = taps.as_mut_ptr().cast::<f32>().wrapping_add(tap * PANEL);
                    // SAFETY: 16 columns lie `9 * channels` apart, each with 16 values of the
                    // depth; so do the rows of `taps`, one for each of these.
                    unsafe { S::transpose(from.as_ptr(), 9 * channels, to, 9 * PANEL) };
                }
            }
            Direction::Forward => {
                for column in 0..count {
                    for tap in 0..9 {
                        let from = ((first + column) * 9 + tap) * channels + k0;
                        let from = &filters.weight[from..from + gathered];
                        for (k, value) in from.iter().enumerate() {
                            taps[k][tap][column] = *value;
                        }
                    }
                }
            }
            Direction::Backward => {
                for k in 0..gathered {
                    for tap in 0..9 {
                        let from = ((k0 + k) * 9 + 8 - tap) * channels + first;
                        let from = &filters.weight[from..from + count];
                        taps[k][tap][..count].copy_from_slice(from);
                    }
                }
            }
        }
        for k in 0..gathered {
            for c in (0..PANEL).step_by(S::LANES) {
                // SAFETY: a row of the panel holds PANEL values at each position.
                unsafe {
                    let half = along_columns::<S, Weights, 3, 6>(&Strided {
                        start: taps[k].as_ptr().cast::<f32>().add(c),
                        row: 3 * PANEL,
                        column: PANEL,
                    });
                    let row = target.add((k0 - depths.start + k) * PANEL + c);
                    store_positions::<S, Weights, 3>(half, row, layout.position);
                }
            }
        }
    }
}

/// A part of the transformed gradients of the weights: for each position
/// `[panels of in][out][PANEL]`.
#[derive(Clone, Copy)]
pub(super) struct GradientLayout {
    /// Output channels of the part.
    pub(super) out: usize,
    /// Input channels of the part.
    pub(super) in_channels: usize,
    /// Distance between positions.
    pub(super) position: usize,
}

impl GradientLayout {
    pub(super) fn new(out: usize, in_channels: usize) -> Self {
        Self {
            out,
            in_channels,
            position: odd_lines(out * in_channels.div_ceil(PANEL) * PANEL),
        }
    }

    pub(super) fn len(&self) -> usize {
        POSITIONS * self.position
    }

    /// Distance between panels.
    pub(super) fn panel(&self) -> usize {
        self.out * PANEL
    }
}

/// Where a part of the gradients is written: `[out][tap][in]`.
#[derive(Clone, Copy)]
pub(super) struct WeightGradient<'a> {
    pub(super) weight: SharedMut<'a>,
    pub(super) in_channels: usize,
    /// The part's first output and input channel.
    pub(super) first: [usize; 2],
}

/// `G^T u G` for some output channels of a part, with `u` the sum of `parts`
/// transformed gradients, each `layout.len()` values, added in their order.
///
/// # Safety
///
/// Below `dispatch` for `S`; `transformed` is valid for the parts, `first`s of `to`
/// are a part of its weights, and nobody else uses the gradients that are written.
#[inline(always)]
pub(super) unsafe fn leave_gradients<S: Simd>(
    layout: &GradientLayout,
    parts: usize,
    transformed: *const f32,
    outs: Range<usize>,
    to: WeightGradient<'_>,
) {
    for c in (0..layout.in_channels).step_by(S::LANES) {
        for out in outs.clone() {
            let from = c / PANEL * layout.panel() + out * PANEL + c % PANEL;
            let count = layout.in_channels - c;
            // SAFETY: panels are whole; `count` channels of each tap follow `c`.
            unsafe {
                let half = along_columns::<S, WeightsAdjoint, 6, 3>(&Sums {
                    start: transformed.add(from),
                    position: layout.position,
                    parts,
                    part: layout.len(),
                });
                for i in 0..3 {
                    let w = WeightsAdjoint::apply::<S>(half[i]);
                    for j in 0..3 {
                        let row = (to.first[0] + out) * 9 + i * 3 + j;
                        let at = row * to.in_channels + to.first[1] + c;
                        store_some::<S>(to.weight.at(at, count.min(S::LANES)), w[j], count);
                    }
                }
            }
        }
    }
}

/// The sum of `parts`, `part` apart, at each of the 36 positions.
struct Sums {
    start: *const f32,
    position: usize,
    parts: usize,
    part: usize,
}

impl<S: Simd> Tile<S> for Sums {
    #[inline(always)]
    unsafe fn load(&self, row: usize, column: usize) -> S::V {
        let position = Positions {
            start: self.start,
            position: self.position,
        };
        // SAFETY: as the caller.
        unsafe {
            let mut sum = Tile::<S>::load(&position, row, column);
            for part in 1..self.parts {
                let part = Positions {
                    start: self.start.add(part * self.part),
                    ..position
                };
                sum = S::add(sum, Tile::<S>::load(&part, row, column));
            }
            sum
        }
    }
}
