//! Forward pass and input gradient: transform, 36 matrix products, transform back.
//!
//! Few channels: a task does all three steps for a block of tiles that stays in
//! the second-level cache. Many channels: the three steps run one after the other
//! over a larger block, each in parallel, so that each position's weights are
//! read by one thread while its matrices are in cache.

use rayon::prelude::*;

use super::POSITIONS;
use super::layout::{Domain, Source, Tiles, enter_inputs, leave};
use super::weights::{Direction, WeightLayout, transform_weights};
use crate::cpu::Isa;
use crate::pack::pack_bias;
use crate::shape::ConvShape;
use crate::shared::{SharedMut, with_scratch};
use crate::simd::{PANEL, Simd, Task, dispatch};
use crate::tile::{Left, Panels, Size, Start, Target, multiply};

pub(crate) fn forward(
    shape: &ConvShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) {
    let layout = WeightLayout::new(shape.in_channels, shape.out_channels);
    with_scratch(layout.len(), |weights| {
        transform_weights(shape, Direction::Forward, weight, &layout, weights);
        convolve(shape, &layout, weights, input, bias, output);
    });
}

pub(crate) fn backward_input(
    shape: &ConvShape,
    weight: &[f32],
    grad_output: &[f32],
    grad_input: &mut [f32],
) {
    let layout = WeightLayout::new(shape.out_channels, shape.in_channels);
    with_scratch(layout.len(), |weights| {
        transform_weights(shape, Direction::Backward, weight, &layout, weights);
        convolve(shape, &layout, weights, grad_output, None, grad_input);
    });
}

/// Products of channels above which the steps run one after the other.
const FUSED: usize = 128 * 128;

fn convolve(
    shape: &ConvShape,
    layout: &WeightLayout,
    weights: &[f32],
    source: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) {
    let isa = Isa::current();
    let tiles = Tiles::new(shape);
    let bias = pack_bias(layout.columns, bias);
    let zeros = vec![0.0; layout.depth];
    let pass = Pass {
        tiles,
        source: Source {
            map: source,
            zeros: &zeros,
        },
        layout: *layout,
        weights,
        bias: bias.as_deref(),
        output: SharedMut::new(output),
    };
    if layout.depth * layout.columns <= FUSED {
        fused(isa, pass);
    } else {
        stepwise(isa, pass);
    }
}

/// What all steps share.
#[derive(Clone, Copy)]
struct Pass<'a> {
    tiles: Tiles,
    source: Source<'a>,
    layout: WeightLayout,
    weights: &'a [f32],
    bias: Option<&'a [f32]>,
    output: SharedMut<'a>,
}

impl Pass<'_> {
    /// Values of a transformed tile, both sides.
    fn tile_len(&self) -> usize {
        POSITIONS * (self.layout.depth + self.layout.columns)
    }

    /// The products of `rows` tiles at one position.
    #[inline(always)]
    unsafe fn position<S: Simd>(
        &self,
        position: usize,
        rows: usize,
        columns: std::ops::Range<usize>,
        (input, from): (Domain, *const f32),
        (output, to): (Domain, *mut f32),
    ) {
        let layout = self.layout;
        let size = Size {
            rows,
            columns: columns.len(),
            depth: layout.depth,
        };
        let weights = position * layout.position + columns.start * layout.depth;
        let b = Panels {
            start: self.weights[weights..].as_ptr(),
            stride: PANEL,
            panel: layout.depth * PANEL,
        };
        // SAFETY: by the caller, both domains hold `rows` tiles; the columns are
        // whole panels, for which the weights and the rows of the output are padded.
        unsafe {
            let a = Left::Rows {
                start: from.add(position * input.position),
                stride: input.stride,
            };
            let c = Target {
                start: to.add(position * output.position + columns.start),
                stride: output.stride,
            };
            multiply::<S>(size, a, b, Start::Zero, c);
        }
    }
}

fn fused(isa: Isa, pass: Pass<'_>) {
    // Half of a typical second-level cache; at least as many tiles as amortise
    // reading the weights from the third level.
    let block = ((128 << 10) / pass.tile_len()).clamp(24, 192) / 12 * 12;
    let block = block.min(pass.tiles.count);
    let input = Domain::new(pass.layout.depth, block);
    let output = Domain::new(pass.layout.columns, block);
    let blocks = pass.tiles.count.div_ceil(block);
    (0..blocks).into_par_iter().for_each(|i| {
        let range = i * block..pass.tiles.count.min((i + 1) * block);
        with_scratch(input.len() + output.len(), |scratch| {
            let task = FusedBlock {
                pass,
                range,
                input,
                output,
                scratch,
            };
            dispatch(isa, task);
        });
    });
}

/// All three steps for some tiles.
struct FusedBlock<'a> {
    pass: Pass<'a>,
    range: std::ops::Range<usize>,
    input: Domain,
    output: Domain,
    scratch: &'a mut [f32],
}

impl Task for FusedBlock<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (pass, rows) = (self.pass, self.range.len());
        let (inputs, outputs) = self.scratch.split_at_mut(self.input.len());
        let columns = 0..self.output.padded();
        // SAFETY: both halves of the scratch memory hold the block, which is this
        // task's own, as are the pixels of its tiles.
        unsafe {
            let tiles = self.range.clone();
            enter_inputs::<S>(
                &pass.tiles,
                tiles,
                pass.source,
                &self.input,
                inputs.as_mut_ptr(),
            );
            for position in 0..POSITIONS {
                let from = (self.input, inputs.as_ptr());
                let to = (self.output, outputs.as_mut_ptr());
                pass.position::<S>(position, rows, columns.clone(), from, to);
            }
            let (from, map) = (outputs.as_ptr(), pass.output.at(0, 0));
            leave::<S>(&pass.tiles, self.range, &self.output, from, pass.bias, map);
        }
    }
}

/// Values of the transformed blocks of the stepwise variant (24 MiB).
const STEPWISE: usize = 6 << 20;

/// Tiles in one task of the outer steps.
const STEP_TILES: usize = 8;

/// Columns in one task of the products.
const STEP_COLUMNS: usize = 256;

fn stepwise(isa: Isa, pass: Pass<'_>) {
    let block = (STEPWISE / pass.tile_len()).max(48).min(pass.tiles.count);
    let input = Domain::new(pass.layout.depth, block);
    let output = Domain::new(pass.layout.columns, block);
    with_scratch(input.len() + output.len(), |scratch| {
        let (inputs, outputs) = scratch.split_at_mut(input.len());
        let (inputs, outputs) = (SharedMut::new(inputs), SharedMut::new(outputs));
        for first in (0..pass.tiles.count).step_by(block) {
            let rows = block.min(pass.tiles.count - first);
            let groups = output.padded().div_ceil(STEP_COLUMNS);
            let step = |tasks: usize, kind: StepKind| {
                (0..tasks).into_par_iter().for_each(|index| {
                    let task = Step {
                        pass,
                        kind,
                        index,
                        first,
                        rows,
                        inputs: (input, inputs),
                        outputs: (output, outputs),
                    };
                    dispatch(isa, task);
                });
            };
            step(rows.div_ceil(STEP_TILES), StepKind::Enter);
            step(POSITIONS * groups, StepKind::Multiply);
            step(rows.div_ceil(STEP_TILES), StepKind::Leave);
        }
    });
}

#[derive(Clone, Copy)]
enum StepKind {
    Enter,
    Multiply,
    Leave,
}

/// A part of one step over a block of tiles.
struct Step<'a> {
    pass: Pass<'a>,
    kind: StepKind,
    index: usize,
    first: usize,
    rows: usize,
    inputs: (Domain, SharedMut<'a>),
    outputs: (Domain, SharedMut<'a>),
}

impl Task for Step<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let pass = self.pass;
        let ((input, inputs), (output, outputs)) = (self.inputs, self.outputs);
        let start = self.index * STEP_TILES;
        let tiles = self.first + start..self.first + self.rows.min(start + STEP_TILES);
        // SAFETY: tasks of one step have their own tiles (first and last step) or their
        // own position and columns (products), and steps do not overlap in time.
        unsafe {
            match self.kind {
                StepKind::Enter => {
                    let to = inputs.at(start * input.stride, 0);
                    enter_inputs::<S>(&pass.tiles, tiles, pass.source, &input, to);
                }
                StepKind::Multiply => {
                    let (position, group) = (self.index % POSITIONS, self.index / POSITIONS);
                    let start = group * STEP_COLUMNS;
                    let columns = start..output.padded().min(start + STEP_COLUMNS);
                    let from = (input, inputs.at(0, 0).cast_const());
                    let to = (output, outputs.at(0, 0));
                    pass.position::<S>(position, self.rows, columns, from, to);
                }
                StepKind::Leave => {
                    let from = outputs.at(start * output.stride, 0).cast_const();
                    let map = pass.output.at(0, 0);
                    leave::<S>(&pass.tiles, tiles, &output, from, pass.bias, map);
                }
            }
        }
    }
}
