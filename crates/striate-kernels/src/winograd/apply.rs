//! Forward pass and input gradient: transform, 36 matrix products, transform back.
//!
//! Few channels: the weights are transformed once, and a task does all three steps
//! for a block of tiles that stays in the second-level cache. Many channels: a
//! block's inputs are transformed first; then a task takes some columns, transforms
//! their weights, multiplies and transforms back, so that transformed weights and
//! outputs are only ever in its scratch memory.

use std::ops::Range;

use rayon::prelude::*;

use super::POSITIONS;
use super::enter::{Source, enter_inputs};
use super::layout::{Domain, Tiles};
use super::leave::{Map, leave};
use super::weights::{Direction, Filters, WeightLayout, enter_weights, transform_weights};
use crate::conv::Reading;
use crate::cpu::Isa;
use crate::norm::{Moments, Part};
use crate::pack::pack_bias;
use crate::shape::ConvShape;
use crate::shared::{SharedMut, with_scratch};
use crate::simd::{PANEL, Simd, Task, dispatch};
use crate::tile::{Left, Panels, Size, Start, Target, multiply};

/// The output and, if they are wanted, the moments of its channels.
pub(crate) fn forward(
    shape: &ConvShape,
    input: &Reading<'_>,
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
    moments: Option<&mut Moments>,
) {
    let filters = Filters::new(shape, Direction::Forward, weight);
    let zeros = vec![0.0; filters.depth];
    let source = Source::reading(input, &zeros);
    convolve(shape, filters, source, bias, output, moments);
}

pub(crate) fn backward_input(
    shape: &ConvShape,
    weight: &[f32],
    grad_output: &[f32],
    grad_input: &mut [f32],
) {
    let filters = Filters::new(shape, Direction::Backward, weight);
    let zeros = vec![0.0; filters.depth];
    let source = Source::plain(grad_output, &zeros);
    convolve(shape, filters, source, None, grad_input, None);
}

/// Products of channels above which the weights are transformed by columns.
const FEW: usize = 128 * 128;

fn convolve(
    shape: &ConvShape,
    filters: Filters<'_>,
    source: Source<'_>,
    bias: Option<&[f32]>,
    output: &mut [f32],
    moments: Option<&mut Moments>,
) {
    let isa = Isa::current();
    let bias = pack_bias(filters.columns, bias);
    let pass = Pass {
        tiles: Tiles::new(shape),
        source,
        filters,
        bias: bias.as_deref(),
        output: SharedMut::new(output),
    };
    if filters.depth * filters.columns <= FEW {
        by_tiles(isa, pass, moments);
    } else {
        by_columns(isa, pass, moments);
    }
}

/// What all tasks share.
#[derive(Clone, Copy)]
struct Pass<'a> {
    tiles: Tiles,
    source: Source<'a>,
    filters: Filters<'a>,
    bias: Option<&'a [f32]>,
    output: SharedMut<'a>,
}

impl Pass<'_> {
    /// The map that is written, from a channel on.
    ///
    /// # Safety
    ///
    /// As [`SharedMut::at`].
    unsafe fn map(&self, first: usize, moments: Option<&mut Part>) -> Map {
        Map {
            // SAFETY: by the caller.
            start: unsafe { self.output.at(0, 0) },
            channels: self.filters.columns,
            first,
            moments: moments.map(|part| part.values.as_mut_ptr()),
        }
    }
}

/// The products of some tiles at all positions.
///
/// # Safety
///
/// Below `dispatch` for `S`. The inputs and outputs are valid for `rows` tiles, the
/// weights for the columns of the output; nobody else uses the outputs.
#[inline(always)]
unsafe fn multiply_all<S: Simd>(
    rows: usize,
    (input, inputs): (&Domain, *const f32),
    (layout, weights): (&WeightLayout, *const f32),
    start: Start,
    (output, outputs): (&Domain, *mut f32),
) {
    let size = Size {
        rows,
        columns: output.padded(),
        depth: layout.depth,
    };
    for position in 0..POSITIONS {
        // SAFETY: by the caller; all three hold whole panels.
        unsafe {
            let a = Left::Rows {
                start: inputs.add(position * input.position),
                stride: PANEL,
                panel: input.panel,
            };
            let b = Panels {
                start: weights.add(position * layout.position),
                stride: PANEL,
                panel: layout.panel(),
            };
            let c = Target {
                start: outputs.add(position * output.position),
                stride: PANEL,
                panel: output.panel,
            };
            multiply::<S>(size, a, b, start, c);
        }
    }
}

fn by_tiles(isa: Isa, pass: Pass<'_>, moments: Option<&mut Moments>) {
    let filters = pass.filters;
    let layout = WeightLayout::new(filters.depth, filters.panels());
    with_scratch(layout.len(), |weights| {
        transform_weights(isa, filters, &layout, weights);
        // Half of a typical second-level cache; at least as many tiles as amortise
        // reading the weights from the third level.
        let tile_len = POSITIONS * (filters.depth + filters.columns);
        let block = ((128 << 10) / tile_len).clamp(28, 196) / 14 * 14;
        let block = block.min(pass.tiles.count);
        let input = Domain::new(filters.depth, block);
        let output = Domain::new(filters.columns, block);
        let blocks = pass.tiles.count.div_ceil(block);
        let wanted = moments.is_some();
        let parts = (0..blocks).into_par_iter().map(|i| {
            let range = i * block..pass.tiles.count.min((i + 1) * block);
            let mut part = wanted.then(|| Part::new(0, output.padded()));
            with_scratch(input.len() + output.len(), |scratch| {
                let task = Block {
                    pass,
                    layout,
                    weights,
                    range,
                    input,
                    output,
                    scratch,
                    part: part.as_mut(),
                };
                dispatch(isa, task);
            });
            part
        });
        merge(parts.collect(), moments);
    });
}

/// Adds the moments of parts in their order.
fn merge(parts: Vec<Option<Part>>, moments: Option<&mut Moments>) {
    if let Some(moments) = moments {
        for part in parts.iter().flatten() {
            moments.add_part(part);
        }
    }
}

/// All three steps for some tiles.
struct Block<'a> {
    pass: Pass<'a>,
    layout: WeightLayout,
    weights: &'a [f32],
    range: Range<usize>,
    input: Domain,
    output: Domain,
    scratch: &'a mut [f32],
    part: Option<&'a mut Part>,
}

impl Task for Block<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (pass, tiles) = (self.pass, self.pass.tiles);
        let (input, output) = (&self.input, &self.output);
        let (inputs, outputs) = self.scratch.split_at_mut(input.len());
        let (inputs, outputs) = (inputs.as_mut_ptr(), outputs.as_mut_ptr());
        // SAFETY: both halves of the scratch memory hold the block, which is this
        // task's own, as are the pixels of its tiles.
        unsafe {
            enter_inputs::<S>(&tiles, self.range.clone(), pass.source, input, inputs);
            multiply_all::<S>(
                self.range.len(),
                (input, inputs),
                (&self.layout, self.weights.as_ptr()),
                Start::Zero,
                (output, outputs),
            );
            let mut part = self.part;
            let map = pass.map(0, part.as_deref_mut());
            let count = leave::<S>(&tiles, self.range, output, outputs, pass.bias, map);
            if let Some(part) = part {
                part.count = count;
            }
        }
    }
}

/// Values of the transformed inputs of a block (48 MiB).
const INPUTS: usize = 12 << 20;

/// Tiles in one task of the first step.
const ENTER: usize = 8;

/// Tiles whose products a task computes, at most: few enough that they, too, stay in
/// the second-level cache.
const TILES: usize = 140;

/// Panels of columns of a task, and the depth of the weights that it transforms at once.
const PANELS: usize = 4;
const DEPTH: usize = 64;

fn by_columns(isa: Isa, pass: Pass<'_>, mut moments: Option<&mut Moments>) {
    let (filters, count) = (pass.filters, pass.tiles.count);
    let blocks = (count * POSITIONS * filters.depth).div_ceil(INPUTS);
    let input = Domain::new(filters.depth, count.div_ceil(blocks));
    let output = Domain::new(PANELS * PANEL, TILES.min(count));
    let layout = WeightLayout::new(DEPTH.min(filters.depth), PANELS);
    with_scratch(input.len(), |inputs| {
        let inputs = SharedMut::new(inputs);
        for block in 0..blocks {
            let first = count * block / blocks;
            let rows = count * (block + 1) / blocks - first;
            (0..rows.div_ceil(ENTER)).into_par_iter().for_each(|i| {
                let task = Enter {
                    pass,
                    input,
                    inputs,
                    first,
                    rows: i * ENTER..rows.min((i + 1) * ENTER),
                };
                dispatch(isa, task);
            });
            let groups = rows.div_ceil(TILES);
            let columns = filters.panels().div_ceil(PANELS);
            let wanted = moments.is_some();
            let parts = (0..groups * columns).into_par_iter().map(|i| {
                let (group, column) = (i / columns, i % columns);
                let channel = column * PANELS * PANEL;
                let mut part = wanted.then(|| Part::new(channel, output.padded()));
                with_scratch(layout.len() + output.len(), |scratch| {
                    let task = Columns {
                        pass,
                        input,
                        inputs,
                        first,
                        rows: rows * group / groups..rows * (group + 1) / groups,
                        panels: column * PANELS..filters.panels().min((column + 1) * PANELS),
                        layout,
                        output,
                        scratch,
                        part: part.as_mut(),
                    };
                    dispatch(isa, task);
                });
                part
            });
            merge(parts.collect(), moments.as_deref_mut());
        }
    });
}

/// The first step for some tiles of a block.
struct Enter<'a> {
    pass: Pass<'a>,
    input: Domain,
    inputs: SharedMut<'a>,
    first: usize,
    rows: Range<usize>,
}

impl Task for Enter<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let tiles = self.first + self.rows.start..self.first + self.rows.end;
        // SAFETY: each task has its own tiles.
        unsafe {
            let to = self.inputs.at(self.input.place(self.rows.start, 0), 0);
            enter_inputs::<S>(&self.pass.tiles, tiles, self.pass.source, &self.input, to);
        }
    }
}

/// The weights and the other two steps for some tiles of a block and some columns.
struct Columns<'a> {
    pass: Pass<'a>,
    input: Domain,
    inputs: SharedMut<'a>,
    first: usize,
    rows: Range<usize>,
    panels: Range<usize>,
    layout: WeightLayout,
    output: Domain,
    scratch: &'a mut [f32],
    part: Option<&'a mut Part>,
}

impl Task for Columns<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (pass, filters, rows) = (self.pass, self.pass.filters, self.rows);
        let (weights, outputs) = self.scratch.split_at_mut(self.layout.len());
        let (weights, outputs) = (weights.as_mut_ptr(), outputs.as_mut_ptr());
        let channel = self.panels.start * PANEL;
        let channels = filters.columns.min(self.panels.end * PANEL) - channel;
        let output = Domain {
            channels,
            ..self.output
        };
        for k in (0..filters.depth).step_by(DEPTH) {
            let depth = DEPTH.min(filters.depth - k);
            let layout = WeightLayout::new(depth, self.panels.len());
            // SAFETY: the scratch memory is this task's own and holds the largest task's
            // weights and outputs; the inputs were transformed in the step before.
            unsafe {
                for (i, panel) in self.panels.clone().enumerate() {
                    let to = weights.add(i * layout.panel());
                    enter_weights::<S>(&filters, panel, k..k + depth, &layout, to);
                }
                let start = if k == 0 { Start::Zero } else { Start::Add };
                let inputs = self.inputs.at(self.input.place(rows.start, k), 0);
                multiply_all::<S>(
                    rows.len(),
                    (&self.input, inputs.cast_const()),
                    (&layout, weights.cast_const()),
                    start,
                    (&output, outputs),
                );
            }
        }
        let tiles = self.first + rows.start..self.first + rows.end;
        // SAFETY: each task has its own tiles and columns.
        unsafe {
            let mut part = self.part;
            let map = pass.map(channel, part.as_deref_mut());
            let count = leave::<S>(&pass.tiles, tiles, &output, outputs, pass.bias, map);
            if let Some(part) = part {
                part.count = count;
                part.truncate(output.padded());
            }
        }
    }
}
