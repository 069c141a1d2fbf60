//! The input's gradient of a convolution that takes few channels, at stride 1: one matrix
//! product gives, for each pixel of the output's gradient, what each tap and channel of the
//! kernel gets from it, and each input pixel adds up its taps. A product over strips would
//! have a panel of columns for one to three channels.
//!
//! Invariant: a pixel's sum is taken in the order of the taps, whatever the task.

use rayon::prelude::*;

use crate::cpu::Isa;
use crate::pack::{pack_rows, packed_len};
use crate::shape::ConvShape;
use crate::shared::with_scratch;
use crate::simd::{PANEL, Simd, Task, dispatch};
use crate::tile::{Left, Panels, Size, Start, Target, multiply};

/// Rows of input pixels of one task: the rows of the output's gradient around them are
/// multiplied twice.
const ROWS: usize = 16;

/// Whether this is less work than strips: panels of columns for all taps together are
/// fewer than half of those for each tap by itself.
pub(super) fn supports(shape: &ConvShape) -> bool {
    let panels = |columns: usize| columns.div_ceil(PANEL);
    shape.stride == 1
        && 2 * panels(shape.taps() * shape.in_channels) < shape.taps() * panels(shape.in_channels)
}

pub(super) fn backward_input(
    shape: &ConvShape,
    weight: &[f32],
    grad_output: &[f32],
    grad_input: &mut [f32],
) {
    let isa = Isa::current();
    let (depth, columns) = (shape.out_channels, shape.taps() * shape.in_channels);
    let row = shape.width * shape.in_channels;
    with_scratch(packed_len(depth, columns), |packed| {
        pack_rows(depth, columns, weight, |k| k * columns, packed);
        let images = grad_input.par_chunks_exact_mut(shape.height * row);
        let tasks = images.enumerate().flat_map(|(image, grad_input)| {
            let chunks = grad_input.par_chunks_mut(ROWS * row).enumerate();
            chunks.map(move |(group, rows)| (image, group * ROWS, rows))
        });
        tasks.for_each(|(image, first, grad_input)| {
            let rows = grad_input.len() / row;
            let padded = columns.div_ceil(PANEL) * PANEL;
            let len = (rows + shape.kernel_h - 1) * shape.out_width() * padded;
            with_scratch(len, |products| {
                let task = Rows {
                    shape: *shape,
                    packed,
                    grad_output,
                    image,
                    first,
                    products,
                    grad_input,
                };
                dispatch(isa, task);
            });
        });
    });
}

/// Some rows of input pixels of one image.
struct Rows<'a> {
    shape: ConvShape,
    packed: &'a [f32],
    grad_output: &'a [f32],
    image: usize,
    first: usize,
    /// `[rows of the output's gradient][out_width][taps x in_channels, in whole panels]`.
    products: &'a mut [f32],
    grad_input: &'a mut [f32],
}

impl Task for Rows<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let shape = &self.shape;
        let (channels, depth) = (shape.in_channels, shape.out_channels);
        let columns = shape.taps() * channels;
        let padded = columns.div_ceil(PANEL) * PANEL;
        let (height, width) = (shape.out_height(), shape.out_width());
        let row_len = shape.width * channels;
        let rows = self.grad_input.len() / row_len;
        // Row `y` of the input takes tap `ky` from row `y + padding - ky` of the output.
        let start = (self.first + shape.padding).saturating_sub(shape.kernel_h - 1);
        let end = height.min(self.first + rows + shape.padding);
        let start = start.min(end);
        let pixels = (end - start) * width;
        let source = &self.grad_output[(self.image * height + start) * width * depth..];
        let source = &source[..pixels * depth];
        for column in (0..padded).step_by(S::PANELS * PANEL) {
            let size = Size {
                rows: pixels,
                columns: (S::PANELS * PANEL).min(padded - column),
                depth,
            };
            let a = Left::Rows {
                start: source.as_ptr(),
                stride: depth,
                panel: PANEL,
            };
            let b = Panels {
                start: self.packed[column * depth..].as_ptr(),
                stride: PANEL,
                panel: depth * PANEL,
            };
            let c = Target {
                start: self.products[column..].as_mut_ptr(),
                stride: padded,
                panel: PANEL,
            };
            // SAFETY: the source holds `pixels` rows of `depth` values, B is packed to whole
            // panels, the products hold `pixels` rows of `padded` values.
            unsafe { multiply::<S>(size, a, b, Start::Zero, c) };
        }
        let rows = self.grad_input.chunks_exact_mut(row_len).enumerate();
        for (i, target) in rows {
            target.fill(0.0);
            for ky in 0..shape.kernel_h {
                let y = (self.first + i + shape.padding).checked_sub(ky);
                let Some(y) = y.filter(|y| (start..end).contains(y)) else {
                    continue;
                };
                let products = &self.products[(y - start) * width * padded..][..width * padded];
                for kx in 0..shape.kernel_w {
                    let tap = (ky * shape.kernel_w + kx) * channels;
                    add_tap(products, padded, tap, shape.padding, kx, channels, target);
                }
            }
        }
    }
}

/// Adds one tap of a row of products to a row of input pixels.
#[inline(always)]
fn add_tap(
    products: &[f32],
    padded: usize,
    tap: usize,
    padding: usize,
    kx: usize,
    channels: usize,
    target: &mut [f32],
) {
    // Input pixel `x` takes the tap from output pixel `x + padding - kx`.
    let (skip_targets, skip_products) = (kx.saturating_sub(padding), padding.saturating_sub(kx));
    let targets = target.chunks_exact_mut(channels).skip(skip_targets);
    let products = products.chunks_exact(padded).skip(skip_products);
    for (target, product) in targets.zip(products) {
        for (target, value) in target.iter_mut().zip(&product[tap..tap + channels]) {
            *target += value;
        }
    }
}
