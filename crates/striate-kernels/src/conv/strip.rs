//! Strips of a zero-padded map, which turn a convolution into matrix products
//! without copying each pixel once per tap.
//!
//! A strip serves one row of output pixels. It holds, for each column of the
//! padded map, the `kernel_h * channels` values above one another; the patch of
//! an output pixel is then one run of `kernel_w * kernel_h * channels` values,
//! and neighbouring patches overlap. Invariant: the order of a patch is
//! (column, row, channel), for which [`Strips::depth_order`] permutes weights.

use crate::shape::ConvShape;

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
    /// Spread of the source: its pixels stand at multiples of `spread`, with zeros between.
    spread: usize,
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
            spread: 1,
            before_y: shape.padding as isize,
            before_x: shape.padding as isize,
        }
    }

    /// For the input's gradient, over the output's gradient: a convolution with
    /// the kernel turned by 180 degrees.
    pub(super) fn backward(shape: &ConvShape) -> Self {
        Self {
            height: shape.out_height(),
            width: shape.out_width(),
            channels: shape.out_channels,
            out_height: shape.height,
            out_width: shape.width,
            kernel_h: shape.kernel_h,
            kernel_w: shape.kernel_w,
            step: 1,
            spread: shape.stride,
            before_y: shape.kernel_h as isize - 1 - shape.padding as isize,
            before_x: shape.kernel_w as isize - 1 - shape.padding as isize,
        }
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

    /// The source coordinate at `position` of the padded and spread source.
    fn source(&self, position: usize, before: isize, size: usize) -> Option<usize> {
        let at = usize::try_from(position as isize - before).ok()?;
        (at.is_multiple_of(self.spread) && at / self.spread < size).then(|| at / self.spread)
    }

    /// Cuts the strip of output row `y` of one image.
    #[inline(always)]
    pub(super) fn cut(&self, image: &[f32], y: usize, strip: &mut [f32]) {
        let channels = self.channels;
        let line = self.width * channels;
        for ky in 0..self.kernel_h {
            let row = self.source(y * self.step + ky, self.before_y, self.height);
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
        if self.spread == 1 && self.before_x >= 0 {
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
            match self.source(x, self.before_x, self.width) {
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
