//! The weight gradient: for each position the product of the transformed
//! gradients of outputs and the transformed inputs, summed over tiles.
//!
//! Many tiles of few channels: groups of blocks of tiles each sum on their own, in
//! one task each, and the groups' sums are added in order. Otherwise: a block's
//! gradients and inputs are transformed first; then a task takes some pairs of
//! channels, whose sums stay in the second-level cache.

use std::ops::Range;

use rayon::prelude::*;

use super::POSITIONS;
use super::enter::{Source, enter_gradients, enter_inputs};
use super::layout::{Domain, Tiles};
use super::weights::{GradientLayout, WeightGradient, leave_gradients};
use crate::conv::Reading;
use crate::cpu::Isa;
use crate::shape::ConvShape;
use crate::shared::{SharedMut, with_scratch};
use crate::simd::{PANEL, Simd, Task, dispatch};
use crate::tile::{Left, Panels, Size, Start, Target, multiply};

/// Values of the groups' sums together (16 MiB).
const SUMS: usize = 4 << 20;

pub(crate) fn backward_weight(
    shape: &ConvShape,
    input: &Reading<'_>,
    grad_output: &[f32],
    grad_weight: &mut [f32],
) {
    let isa = Isa::current();
    let zeros = vec![0.0; shape.in_channels.max(shape.out_channels)];
    let pass = Pass {
        tiles: Tiles::new(shape),
        input: Source::reading(input, &zeros),
        gradient: Source::plain(grad_output, &zeros),
        channels: [shape.out_channels, shape.in_channels],
        weight: SharedMut::new(grad_weight),
    };
    let layout = GradientLayout::new(shape.out_channels, shape.in_channels);
    let (block, groups) = pass.groups(&layout);
    // Sums of their own pay where they are small beside the transformed tiles.
    if groups * layout.len() <= pass.tiles.count * pass.tile_len() / 2 {
        by_tiles(isa, pass, layout, block, groups);
    } else {
        by_channels(isa, pass);
    }
}

/// What all tasks share.
#[derive(Clone, Copy)]
struct Pass<'a> {
    tiles: Tiles,
    input: Source<'a>,
    gradient: Source<'a>,
    /// Of outputs and inputs.
    channels: [usize; 2],
    weight: SharedMut<'a>,
}

impl<'a> Pass<'a> {
    fn tile_len(&self) -> usize {
        POSITIONS * (self.channels[0] + self.channels[1])
    }

    /// Tiles of a block that stays in the second-level cache, and the number of
    /// groups of blocks.
    fn groups(&self, layout: &GradientLayout) -> (usize, usize) {
        let block = ((128 << 10) / self.tile_len()).clamp(24, 192);
        let groups = (SUMS / layout.len()).clamp(2, 16);
        (block, groups.min(self.tiles.count.div_ceil(block)))
    }

    /// The gradient of the weights, from a pair of channels on.
    fn weight(&self, first: [usize; 2]) -> WeightGradient<'a> {
        WeightGradient {
            weight: self.weight,
            in_channels: self.channels[1],
            first,
        }
    }
}

/// Adds (or stores, for `Start::Zero`) the products of some tiles at all positions.
///
/// # Safety
///
/// Below `dispatch` for `S`. Gradients and inputs are valid for `tiles` tiles and the
/// channels of `layout`; nobody else uses the sums.
#[inline(always)]
unsafe fn multiply_all<S: Simd>(
    tiles: usize,
    (gradient, gradients): (&Domain, *const f32),
    (input, inputs): (&Domain, *const f32),
    start: Start,
    (layout, sums): (&GradientLayout, *mut f32),
) {
    let size = Size {
        rows: layout.out,
        columns: layout.in_channels.div_ceil(PANEL) * PANEL,
        depth: tiles,
    };
    for position in 0..POSITIONS {
        // SAFETY: by the caller; all three hold whole panels.
        unsafe {
            let a = Left::Columns {
                start: gradients.add(position * gradient.position),
                stride: PANEL,
                panel: gradient.panel,
            };
            let b = Panels {
                start: inputs.add(position * input.position),
                stride: PANEL,
                panel: input.panel,
            };
            let c = Target {
                start: sums.add(position * layout.position),
                stride: PANEL,
                panel: layout.panel(),
            };
            multiply::<S>(size, a, b, start, c);
        }
    }
}

fn by_tiles(isa: Isa, pass: Pass<'_>, layout: GradientLayout, block: usize, groups: usize) {
    let tiles = pass.tiles.count;
    let [out, in_channels] = pass.channels;
    let gradient = Domain::new(out, block);
    let input = Domain::new(in_channels, block);
    with_scratch(groups * layout.len(), |sums| {
        let tasks = sums.par_chunks_exact_mut(layout.len()).enumerate();
        tasks.for_each(|(group, sums)| {
            with_scratch(gradient.len() + input.len(), |scratch| {
                let task = Group {
                    pass,
                    layout,
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
        (0..out).into_par_iter().for_each(|out| {
            let task = Leave {
                layout,
                groups,
                sums,
                out,
                to: pass.weight([0, 0]),
            };
            dispatch(isa, task);
        });
    });
}

/// The sum over some tiles.
struct Group<'a> {
    pass: Pass<'a>,
    layout: GradientLayout,
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
                multiply_all::<S>(
                    tiles.len(),
                    (&self.gradient, gradients.cast_const()),
                    (&self.input, inputs.cast_const()),
                    start,
                    (&self.layout, self.sums.as_mut_ptr()),
                );
            }
            start = Start::Add;
            tile = tiles.end;
        }
    }
}

/// The last step for one output channel: the groups' sums, added and transformed back.
struct Leave<'a> {
    layout: GradientLayout,
    groups: usize,
    sums: &'a [f32],
    out: usize,
    to: WeightGradient<'a>,
}

impl Task for Leave<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        assert!(self.sums.len() >= self.groups * self.layout.len());
        let (outs, sums) = (self.out..self.out + 1, self.sums.as_ptr());
        // SAFETY: the sums hold the groups; each task has its own output channel.
        unsafe { leave_gradients::<S>(&self.layout, self.groups, sums, outs, self.to) };
    }
}

/// Values of the transformed gradients and inputs of a block (48 MiB).
const TRANSFORMED: usize = 12 << 20;

/// Tiles in one task of the first step.
const ENTER: usize = 8;

/// Output and input channels of a task: whole panels.
const CHANNELS: [usize; 2] = [128, 64];

fn by_channels(isa: Isa, pass: Pass<'_>) {
    let count = pass.tiles.count;
    let [out, in_channels] = pass.channels;
    let blocks = (count * pass.tile_len()).div_ceil(TRANSFORMED);
    let gradient = Domain::new(out, count.div_ceil(blocks));
    let input = Domain::new(in_channels, count.div_ceil(blocks));
    let parts = [out.div_ceil(CHANNELS[0]), in_channels.div_ceil(CHANNELS[1])];
    let part_len = GradientLayout::new(CHANNELS[0].min(out), CHANNELS[1].min(in_channels)).len();
    // With one block, the sums of a task are done with when it ends.
    let kept = if blocks == 1 {
        0
    } else {
        parts[0] * parts[1] * part_len
    };
    with_scratch(gradient.len() + input.len() + kept, |scratch| {
        let (gradients, scratch) = scratch.split_at_mut(gradient.len());
        let (inputs, kept) = scratch.split_at_mut(input.len());
        let gradients = (gradient, SharedMut::new(gradients));
        let inputs = (input, SharedMut::new(inputs));
        let kept = (!kept.is_empty()).then(|| SharedMut::new(kept));
        for block in 0..blocks {
            let first = count * block / blocks;
            let tiles = count * (block + 1) / blocks - first;
            (0..2 * tiles.div_ceil(ENTER))
                .into_par_iter()
                .for_each(|i| {
                    let start = i / 2 * ENTER;
                    let task = Enter {
                        pass,
                        of_inputs: i % 2 == 1,
                        gradients,
                        inputs,
                        first,
                        tiles: start..tiles.min(start + ENTER),
                    };
                    dispatch(isa, task);
                });
            (0..parts[0] * parts[1]).into_par_iter().for_each(|i| {
                let channels = [i % parts[0] * CHANNELS[0], i / parts[0] * CHANNELS[1]];
                let len = if kept.is_some() { 0 } else { part_len };
                with_scratch(len, |own| {
                    // SAFETY: each task has its own part of the kept sums.
                    let kept = kept.map(|kept| unsafe { kept.at(i * part_len, part_len) });
                    let task = Part {
                        pass,
                        gradients,
                        inputs,
                        tiles,
                        channels,
                        block: [block, blocks],
                        sums: kept.unwrap_or(own.as_mut_ptr()),
                    };
                    dispatch(isa, task);
                });
            });
        }
    });
}

/// The first step for some tiles of a block.
struct Enter<'a> {
    pass: Pass<'a>,
    of_inputs: bool,
    gradients: (Domain, SharedMut<'a>),
    inputs: (Domain, SharedMut<'a>),
    first: usize,
    tiles: Range<usize>,
}

impl Task for Enter<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let pass = self.pass;
        let tiles = self.first + self.tiles.start..self.first + self.tiles.end;
        // SAFETY: each task has its own tiles of one of the two.
        unsafe {
            if self.of_inputs {
                let (domain, inputs) = self.inputs;
                let to = inputs.at(domain.place(self.tiles.start, 0), 0);
                enter_inputs::<S>(&pass.tiles, tiles, pass.input, &domain, to);
            } else {
                let (domain, gradients) = self.gradients;
                let to = gradients.at(domain.place(self.tiles.start, 0), 0);
                enter_gradients::<S>(&pass.tiles, tiles, pass.gradient, &domain, to);
            }
        }
    }
}

/// The products of some pairs of channels over a block of tiles, and their last step.
struct Part<'a> {
    pass: Pass<'a>,
    gradients: (Domain, SharedMut<'a>),
    inputs: (Domain, SharedMut<'a>),
    tiles: usize,
    /// The first output and input channel.
    channels: [usize; 2],
    /// This block, and how many there are.
    block: [usize; 2],
    sums: *mut f32,
}

impl Task for Part<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let pass = self.pass;
        let [out, in_channels] =
            [0, 1].map(|i| CHANNELS[i].min(pass.channels[i] - self.channels[i]));
        let layout = GradientLayout::new(out, in_channels);
        let ((gradient, gradients), (input, inputs)) = (self.gradients, self.inputs);
        let [block, blocks] = self.block;
        let start = if block == 0 { Start::Zero } else { Start::Add };
        // SAFETY: gradients and inputs were transformed in the step before; the sums and
        // the gradients of these channels' weights are this task's own.
        unsafe {
            let gradients = gradients.at(gradient.place(0, self.channels[0]), 0);
            let inputs = inputs.at(input.place(0, self.channels[1]), 0);
            multiply_all::<S>(
                self.tiles,
                (&gradient, gradients.cast_const()),
                (&input, inputs.cast_const()),
                start,
                (&layout, self.sums),
            );
            if block + 1 == blocks {
                let to = pass.weight(self.channels);
                leave_gradients::<S>(&layout, 1, self.sums, 0..out, to);
            }
        }
    }
}
