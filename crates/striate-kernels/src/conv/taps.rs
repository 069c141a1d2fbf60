//! The input's gradient of a convolution that takes few channels, at stride 1: one matrix
//! product gives, for each pixel of the output's gradient, what each tap and channel of the
//! kernel gets from it, and each input pixel adds up its taps. A product over strips would
//! have a panel of columns for one to three channels. Pixels lie side by side, so that
//! taps are added as vectors.
//!
//! Invariant: a pixel's sum is taken in the order of the taps, whatever the task.

use rayon::prelude::*;

use crate::cpu::Isa;
use crate::shape::ConvShape;
use crate::shared::with_scratch;
use crate::simd::{PANEL, Simd, Task, dispatch};
use crate::tile::{Left, Panels, Size, Start, Target, multiply};

/// Rows of input pixels of one task: the rows of the output's gradient around them are
/// multiplied twice.
const ROWS: usize = 16;

/// Input channels up to which this is less work than strips, with a panel of columns for
/// each tap, and than Winograd, with 36 values for each tile of 16 pixels and panel.
const CHANNELS: usize = 3;

/// Whether this is the way to the input's gradient.
pub(super) fn supports(shape: &ConvShape) -> bool {
    shape.stride == 1 && shape.in_channels <= CHANNELS
}

pub(super) fn backward_input(
    shape: &ConvShape,
    weight: &[f32],
    grad_output: &[f32],
    grad_input: &mut [f32],
) {
    let isa = Isa::current();
    let (depth, rows) = (shape.out_channels, shape.taps() * shape.in_channels);
    let row = shape.width * shape.in_channels;
    with_scratch(rows * depth, |left| {
        for (tap, line) in left.chunks_exact_mut(depth).enumerate() {
            for (out, value) in line.iter_mut().enumerate() {
                *value = weight[out * rows + tap];
            }
        }
        let left = &*left;
        let images = grad_input.par_chunks_exact_mut(shape.height * row);
        let tasks = images.enumerate().flat_map(|(image, grad_input)| {
            let chunks = grad_input.par_chunks_mut(ROWS * row).enumerate();
            chunks.map(move |(group, rows)| (image, group * ROWS, rows))
        });
        tasks.for_each(|(image, first, grad_input)| {
            let lines = grad_input.len() / row + shape.kernel_h - 1;
            let pixels = (lines * shape.out_width()).div_ceil(PANEL) * PANEL;
            with_scratch(pixels * (depth + rows) + row, |scratch| {
                let (right, scratch) = scratch.split_at_mut(pixels * depth);
                let (products, sums) = scratch.split_at_mut(pixels * rows);
                let task = Rows {
                    shape: *shape,
                    left,
                    grad_output,
                    image,
                    first,
                    right,
                    products,
                    sums,
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
    /// The weights, `[taps x in_channels][out_channels]`.
    left: &'a [f32],
    grad_output: &'a [f32],
    image: usize,
    first: usize,
    /// Panels of pixels of the output's gradient, `[panels][out_channels][PANEL]`.
    right: &'a mut [f32],
    /// `[taps x in_channels][pixels of the output's gradient, in whole panels]`.
    products: &'a mut [f32],
    /// A row of input pixels, `[in_channels][width]`.
    sums: &'a mut [f32],
    grad_input: &'a mut [f32],
}

impl Task for Rows<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let shape = &self.shape;
        let (channels, depth) = (shape.in_channels, shape.out_channels);
        let taps = shape.taps() * channels;
        let (height, width) = (shape.out_height(), shape.out_width());
        let row_len = shape.width * channels;
        let rows = self.grad_input.len() / row_len;
        // Row `y` of the input takes tap `ky` from row `y + padding - ky` of the output.
        let start = (self.first + shape.padding).saturating_sub(shape.kernel_h - 1);
        let end = height.min(self.first + rows + shape.padding);
        let start = start.min(end);
        let pixels = (end - start) * width;
        let padded = pixels.div_ceil(PANEL) * PANEL;
        let source = &self.grad_output[(self.image * height + start) * width * depth..];
        let source = &source[..pixels * depth];
        let panels = self.right.chunks_exact_mut(depth * PANEL);
        for (panel, source) in panels.zip(source.chunks(depth * PANEL)) {
            // SAFETY: below `dispatch` for `S`.
            unsafe { enter_panel::<S>(depth, source, panel) };
        }
        let size = Size {
            rows: taps,
            columns: padded,
            depth,
        };
        let a = Left::Rows {
            start: self.left.as_ptr(),
            stride: depth,
            panel: PANEL,
        };
        let b = Panels {
            start: self.right.as_ptr(),
            stride: PANEL,
            panel: depth * PANEL,
        };
        let c = Target {
            start: self.products.as_mut_ptr(),
            stride: padded,
            panel: PANEL,
        };
        // SAFETY: the weights hold `taps` rows of `depth` values; pixels and products come
        // in whole panels, for which their memory has room.
        unsafe { multiply::<S>(size, a, b, Start::Zero, c) };
        for (i, target) in self.grad_input.chunks_exact_mut(row_len).enumerate() {
            self.sums.fill(0.0);
            for ky in 0..shape.kernel_h {
                let y = (self.first + i + shape.padding).checked_sub(ky);
                let Some(y) = y.filter(|y| (start..end).contains(y)) else {
                    continue;
                };
                for kx in 0..shape.kernel_w {
                    // Pixel `x` takes the tap from pixel `x + padding - kx` of the output.
                    let (skip, from) = (
                        kx.saturating_sub(shape.padding),
                        shape.padding.saturating_sub(kx),
                    );
                    for channel in 0..channels {
                        let tap = (ky * shape.kernel_w + kx) * channels + channel;
                        let line = &self.products[tap * padded + (y - start) * width..][..width];
                        let sums = &mut self.sums[channel * shape.width..][..shape.width];
                        let sums = sums.iter_mut().skip(skip);
                        for (sum, value) in sums.zip(line.iter().skip(from)) {
                            *sum += value;
                        }
                    }
                }
            }
            for (channel, sums) in self.sums.chunks_exact(shape.width).enumerate() {
                let target = target[channel..].iter_mut().step_by(channels);
                for (target, sum) in target.zip(sums) {
                    *target = *sum;
                }
            }
        }
    }
}

/// Turns up to a panel of pixels, `[pixels][depth]`, into `[depth][PANEL]`; pixels that are
/// not there are 0.
///
/// # Safety
///
/// Below `dispatch` for `S`.
#[inline(always)]
unsafe fn enter_panel<S: Simd>(depth: usize, source: &[f32], panel: &mut [f32]) {
    let pixels = source.len() / depth;
    let whole = if pixels == PANEL {
        depth / PANEL * PANEL
    } else {
        0
    };
    for k in (0..whole).step_by(PANEL) {
        let (from, to) = (&source[k..], &mut panel[k * PANEL..]);
        // SAFETY: PANEL pixels lie `depth` apart, each with PANEL values from `k` on; so
        // many rows of PANEL values follow in the panel.
        unsafe { S::transpose(from.as_ptr(), depth, to.as_mut_ptr(), PANEL) };
    }
    for k in whole..depth {
        let line = &mut panel[k * PANEL..][..PANEL];
        line[pixels..].fill(0.0);
        for (pixel, value) in line[..pixels].iter_mut().enumerate() {
            *value = source[pixel * depth + k];
        }
    }
}
