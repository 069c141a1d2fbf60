//! Strips of a zero-padded map, which turn a convolution into matrix products
//! without copying each pixel once per tap.
//!
//! A strip serves one row of output pixels. It holds, for each column of the
//! padded map, the `kernel_h * channels` values above one another; the patch of
//! an output pixel is then one run of `kernel_w * kernel_h * channels` values,
//! and neighbouring patches overlap. Invariant: the order of a patch is
//! (column, row, channel), for which [`Strips::depth_order`] permutes weights.

use crate::shape::ConvShape;

/// The input pixels along one axis, `stride` apart, that the same taps of the kernel reach.
#[derive(Clone, Copy)]
pub(super) struct Phase {
    /// The first of them.
    pub(super) first: usize,
    /// How many there are.
    pub(super) count: usize,
    /// The first tap that reaches them, and how many do, `stride` apart.
    pub(super) tap: usize,
    pub(super) taps: usize,
    /// Zeros before the output's gradient.
    before: isize,
}

impl Phase {
    /// All that have pixels; some may be reached by no tap.
    pub(super) fn all(size: usize, kernel: usize, stride: usize, padding: usize) -> Vec<Self> {
        let phase = |first: usize| {
            // Pixel `y` gets tap `k` from output `(y + padding - k) / stride`.
            let tap = (first + padding) % stride;
            let taps = kernel.saturating_sub(tap).div_ceil(stride);
            let from = (first + padding - tap) / stride;
            Self {
                first,
                count: (size - first).div_ceil(stride),
                tap,
                taps,
                before: taps as isize - 1 - from as isize,
            }
        };
        (0..stride.min(size)).map(phase).collect()
    }
}

/// How strips are cut from a source map.
#[derive(Clone, Copy)]
pub(super) struct Strips {
    /// The source map.
    height: usize,
    width: usize,
    pub(super) channels: usize,
    /// Rows and columns of pixels that are computed.
    pub(super) out_height: usize,
    pub(super) out_width: usize,
    kernel_h: usize,
    kernel_w: usize,
    /// Steps between the computed pixels, in the padded source.
    step: usize,
    /// Zeros before the source; negative where the kernel starts inside of it.
    before_y: isize,
    before_x: isize,
}

impl Strips {
    /// For the output of a convolution, over its input.
    pub(super) fn forward(shape: &ConvShape) -> Self {
        Self {
            height: shape.height,
            width: shape.width,
            channels: shape.in_channels,
            out_height: shape.out_height(),
            out_width: shape.out_width(),
            kernel_h: shape.kernel_h,
            kernel_w: shape.kernel_w,
            step: shape.stride,
            before_y: shape.padding as isize,
            before_x: shape.padding as isize,
        }
    }

    /// For one phase of the input's gradient, over the output's gradient: a convolution
    /// with every `stride`th tap of the kernel, turned by 180 degrees.
    pub(super) fn backward(shape: &ConvShape, [y, x]: [Phase; 2]) -> Self {
        Self {
            height: shape.out_height(),
            width: shape.out_width(),
            channels: shape.out_channels,
            out_height: y.count,
            out_width: x.count,
            kernel_h: y.taps,
            kernel_w: x.taps,
            step: 1,
            before_y: y.before,
            before_x: x.before,
        }
    }

    /// Values of one image of the source.
    pub(super) fn source_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Values of one patch.
    pub(super) fn depth(&self) -> usize {
        self.kernel_h * self.kernel_w * self.channels
    }

    /// Distance between the patches of neighbouring pixels.
    pub(super) fn patch_stride(&self) -> usize {
        self.step * self.kernel_h * self.channels
    }

    /// Values of one strip.
    pub(super) fn strip_len(&self) -> usize {
        ((self.out_width - 1) * self.step + self.kernel_w) * self.kernel_h * self.channels
    }

    /// The kernel row, kernel column and channel of value `k` of a patch.
    pub(super) fn depth_order(&self, k: usize) -> [usize; 3] {
        let (tap, channel) = (k / self.channels, k % self.channels);
        [tap % self.kernel_h, tap / self.kernel_h, channel]
    }

    /// The source coordinate at `position` of the padded source.
    fn source(position: usize, before: isize, size: usize) -> Option<usize> {
        let at = usize::try_from(position as isize - before).ok()?;
        (at < size).then_some(at)
    }

    /// Cuts the strip of output row `y` of one image.
    #[inline(always)]
    pub(super) fn cut(&self, image: &[f32], y: usize, strip: &mut [f32]) {
        let channels = self.channels;
        let line = self.width * channels;
        for ky in 0..self.kernel_h {
            let row = Self::source(y * self.step + ky, self.before_y, self.height);
            let row = row.map(|row| &image[row * line..][..line]);
            let strip = &mut strip[ky * channels..];
            match (row, channels) {
                (Some(row), 1) => self.cut_row::<1>(row, strip),
                (Some(row), 3) => self.cut_row::<3>(row, strip),
                (Some(row), _) => self.cut_row::<0>(row, strip),
                (None, _) => {
                    for target in strip.chunks_mut(self.kernel_h * channels) {
                        target[..channels].fill(0.0);
                    }
                }
            }
        }
    }

    /// One row of the source, to the strip from the row's first place on. C is the
    /// number of channels, or 0 for any.
    #[inline(always)]
    fn cut_row<const C: usize>(&self, row: &[f32], strip: &mut [f32]) {
        let channels = if C == 0 { self.channels } else { C };
        let column = self.kernel_h * channels;
        if self.before_x >= 0 {
            let mut columns = strip.chunks_mut(column);
            let pixels = row.chunks_exact(channels);
            for target in columns.by_ref().take(self.before_x as usize) {
                target[..channels].fill(0.0);
            }
            for (pixel, target) in pixels.zip(columns.by_ref()) {
                copy(pixel, &mut target[..channels]);
            }
            for target in columns {
                target[..channels].fill(0.0);
            }
            return;
        }
        for (x, target) in strip.chunks_mut(column).enumerate() {
            let target = &mut target[..channels];
            match Self::source(x, self.before_x, self.width) {
                Some(x) => copy(&row[x * channels..][..channels], target),
                None => target.fill(0.0),
            }
        }
    }
}

/// Copies few values without the call of `memcpy`.
#[inline(always)]
fn copy(from: &[f32], to: &mut [f32]) {
    if from.len() < 16 {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    } else {
        to.copy_from_slice(from);
    }
}
