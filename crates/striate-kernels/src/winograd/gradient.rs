//! The weight gradient: for each position the product of the transformed
//! gradients of outputs and the transformed inputs, summed over tiles.
//!
//! Many tiles of few channels: groups of blocks of tiles each sum on their own, in
//! one task each, and the groups' sums are added in order. Otherwise: one sum,
//! whose positions and rows are divided over tasks.

use std::ops::Range;

use rayon::prelude::*;

use super::POSITIONS;
use super::layout::{Domain, Source, Tiles, enter_gradients, enter_inputs};
use super::weights::{GradientLayout, transform_gradients};
use crate::cpu::Isa;
use crate::shape::ConvShape;
use crate::shared::{SharedMut, with_scratch};
use crate::simd::{PANEL, Simd, Task, dispatch};
use crate::tile::{Left, Panels, Size, Start, Target, multiply};

/// Values of the groups' sums together (16 MiB).
const SUMS: usize = 4 << 20;

pub(crate) fn backward_weight(
    shape: &ConvShape,
    input: &[f32],
    grad_output: &[f32],
    grad_weight: &mut [f32],
) {
    let isa = Isa::current();
    let zeros = vec![0.0; shape.in_channels.max(shape.out_channels)];
    let pass = Pass {
        tiles: Tiles::new(shape),
        input: Source {
            map: input,
            zeros: &zeros,
        },
        gradient: Source {
            map: grad_output,
            zeros: &zeros,
        },
        layout: GradientLayout::new(shape),
    };
    let (block, groups) = pass.groups();
    // Sums of their own pay where they are small beside the transformed tiles.
    if groups * pass.layout.len() <= pass.tiles.count * pass.tile_len() / 2 {
        grouped(isa, pass, block, groups, grad_weight);
    } else {
        stepwise(isa, pass, grad_weight);
    }
}

/// What all tasks share.
#[derive(Clone, Copy)]
struct Pass<'a> {
    tiles: Tiles,
    input: Source<'a>,
    gradient: Source<'a>,
    layout: GradientLayout,
}

impl Pass<'_> {
    fn tile_len(&self) -> usize {
        POSITIONS * (self.layout.in_channels + self.layout.out)
    }

    /// Tiles of a block that stays in the second-level cache, and the number of
    /// groups of blocks.
    fn groups(&self) -> (usize, usize) {
        let block = ((128 << 10) / self.tile_len()).clamp(24, 192);
        let groups = (SUMS / self.layout.len()).clamp(2, 16);
        (block, groups.min(self.tiles.count.div_ceil(block)))
    }

    /// Adds (or stores, for `Start::Zero`) the products of `tiles` tiles at one
    /// position, for some output channels.
    #[inline(always)]
    unsafe fn position<S: Simd>(
        &self,
        position: usize,
        tiles: usize,
        outputs: Range<usize>,
        (gradient, gradients): (Domain, *const f32),
        (input, inputs): (Domain, *const f32),
        (start, sums): (Start, *mut f32),
    ) {
        let layout = self.layout;
        let size = Size {
            rows: outputs.len(),
            columns: layout.stride,
            depth: tiles,
        };
        // SAFETY: by the caller, both domains hold the tiles; rows of inputs and of the
        // sums hold whole panels.
        unsafe {
            let a = Left::Columns {
                start: gradients.add(position * gradient.position + outputs.start),
                stride: gradient.stride,
            };
            let b = Panels {
                start: inputs.add(position * input.position),
                stride: input.stride,
                panel: PANEL,
            };
            let c = Target {
                start: sums.add(position * layout.position + outputs.start * layout.stride),
                stride: layout.stride,
            };
            multiply::<S>(size, a, b, start, c);
        }
    }
}

fn grouped(isa: Isa, pass: Pass<'_>, block: usize, groups: usize, grad_weight: &mut [f32]) {
    let tiles = pass.tiles.count;
    let gradient = Domain::new(pass.layout.out, block);
    let input = Domain::new(pass.layout.in_channels, block);
    with_scratch(groups * pass.layout.len(), |sums| {
        let tasks = sums.par_chunks_exact_mut(pass.layout.len()).enumerate();
        tasks.for_each(|(group, sums)| {
            with_scratch(gradient.len() + input.len(), |scratch| {
                let task = Group {
                    pass,
                    range: tiles * group / groups..tiles * (group + 1) / groups,
                    block,
                    gradient,
                    input,
                    scratch,
                    sums,
                };
                dispatch(isa, task);
            });
        });
        transform_gradients(&pass.layout, groups, sums, grad_weight);
    });
}

/// The sum over some tiles.
struct Group<'a> {
    pass: Pass<'a>,
    range: Range<usize>,
    block: usize,
    gradient: Domain,
    input: Domain,
    scratch: &'a mut [f32],
    sums: &'a mut [f32],
}

impl Task for Group<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let pass = self.pass;
        let (gradients, inputs) = self.scratch.split_at_mut(self.gradient.len());
        let (gradients, inputs) = (gradients.as_mut_ptr(), inputs.as_mut_ptr());
        let mut start = Start::Zero;
        let mut tile = self.range.start;
        while tile < self.range.end {
            let tiles = tile..self.range.end.min(tile + self.block);
            // SAFETY: both halves of the scratch memory hold a block of tiles; they and
            // the sums are this task's own.
            unsafe {
                let (domain, source) = (&self.gradient, pass.gradient);
                enter_gradients::<S>(&pass.tiles, tiles.clone(), source, domain, gradients);
                let (domain, source) = (&self.input, pass.input);
                enter_inputs::<S>(&pass.tiles, tiles.clone(), source, domain, inputs);
                for position in 0..POSITIONS {
                    pass.position::<S>(
                        position,
                        tiles.len(),
                        0..pass.layout.out,
                        (self.gradient, gradients.cast_const()),
                        (self.input, inputs.cast_const()),
                        (start, self.sums.as_mut_ptr()),
                    );
                }
            }
            start = Start::Add;
            tile = tiles.end;
        }
    }
}

/// Values of the transformed blocks of the stepwise variant (32 MiB).
const STEPWISE: usize = 8 << 20;

/// Tiles in one task of the transforms.
const STEP_TILES: usize = 8;

/// Output channels in one task of the products.
const STEP_OUTPUTS: usize = 96;

fn stepwise(isa: Isa, pass: Pass<'_>, grad_weight: &mut [f32]) {
    let tiles = pass.tiles.count;
    let block = (STEPWISE / pass.tile_len()).max(48).min(tiles);
    let gradient = Domain::new(pass.layout.out, block);
    let input = Domain::new(pass.layout.in_channels, block);
    let len = pass.layout.len();
    with_scratch(len + gradient.len() + input.len(), |scratch| {
        let (sums, scratch) = scratch.split_at_mut(len);
        let (gradients, inputs) = scratch.split_at_mut(gradient.len());
        let gradients = (gradient, SharedMut::new(gradients));
        let inputs = (input, SharedMut::new(inputs));
        let shared = SharedMut::new(sums);
        for first in (0..tiles).step_by(block) {
            let count = block.min(tiles - first);
            let step = |tasks: usize, kind: StepKind| {
                (0..tasks).into_par_iter().for_each(|index| {
                    let task = Step {
                        pass,
                        kind,
                        index,
                        first,
                        count,
                        gradients,
                        inputs,
                        sums: shared,
                    };
                    dispatch(isa, task);
                });
            };
            step(2 * count.div_ceil(STEP_TILES), StepKind::Enter);
            let outputs = pass.layout.out.div_ceil(STEP_OUTPUTS);
            step(POSITIONS * outputs, StepKind::Multiply);
        }
        transform_gradients(&pass.layout, 1, sums, grad_weight);
    });
}

#[derive(Clone, Copy)]
enum StepKind {
    /// Even tasks transform gradients, odd ones inputs.
    Enter,
    Multiply,
}

/// A part of one step over a block of tiles.
struct Step<'a> {
    pass: Pass<'a>,
    kind: StepKind,
    index: usize,
    first: usize,
    count: usize,
    gradients: (Domain, SharedMut<'a>),
    inputs: (Domain, SharedMut<'a>),
    sums: SharedMut<'a>,
}

impl Task for Step<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let pass = self.pass;
        let ((gradient, gradients), (input, inputs)) = (self.gradients, self.inputs);
        // SAFETY: tasks of one step have their own tiles (transforms) or their own
        // position and output channels (products), and steps do not overlap in time.
        unsafe {
            match self.kind {
                StepKind::Enter => {
                    let start = self.index / 2 * STEP_TILES;
                    let tiles = self.first + start..self.first + self.count.min(start + STEP_TILES);
                    if self.index.is_multiple_of(2) {
                        let to = gradients.at(start * gradient.stride, 0);
                        enter_gradients::<S>(&pass.tiles, tiles, pass.gradient, &gradient, to);
                    } else {
                        let to = inputs.at(start * input.stride, 0);
                        enter_inputs::<S>(&pass.tiles, tiles, pass.input, &input, to);
                    }
                }
                StepKind::Multiply => {
                    let (position, group) = (self.index % POSITIONS, self.index / POSITIONS);
                    let start = group * STEP_OUTPUTS;
                    let outputs = start..pass.layout.out.min(start + STEP_OUTPUTS);
                    let sum = if self.first == 0 {
                        Start::Zero
                    } else {
                        Start::Add
                    };
                    pass.position::<S>(
                        position,
                        self.count,
                        outputs,
                        (gradient, gradients.at(0, 0).cast_const()),
                        (input, inputs.at(0, 0).cast_const()),
                        (sum, self.sums.at(0, 0)),
                    );
                }
            }
        }
    }
}
