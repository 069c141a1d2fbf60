//! The sizes of a convolution, checked once. Invariant: a [`ConvShape`] has no
//! zero dimension, at least one output pixel, and volumes that fit memory.

use crate::error::{Error, Result, check_volume};

/// The sizes of a two-dimensional convolution (cross-correlation, as in deep
/// learning) over NHWC maps with OHWI weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvShape {
    pub(crate) batch: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) in_channels: usize,
    pub(crate) out_channels: usize,
    pub(crate) kernel_h: usize,
    pub(crate) kernel_w: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

/// The fields of a [`ConvShape`], to name them where one is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvSizes {
    /// Images.
    pub batch: usize,
    /// Rows of the input map.
    pub height: usize,
    /// Columns of the input map.
    pub width: usize,
    /// Channels of the input map.
    pub in_channels: usize,
    /// Channels of the output map.
    pub out_channels: usize,
    /// Rows of the kernel.
    pub kernel_h: usize,
    /// Columns of the kernel.
    pub kernel_w: usize,
    /// Step between output pixels, in input pixels.
    pub stride: usize,
    /// Zeros added on each side of the input map.
    pub padding: usize,
}

impl ConvShape {
    /// Checks the sizes.
    ///
    /// # Errors
    ///
    /// A zero dimension, a kernel larger than the padded map, or a volume that
    /// does not fit memory.
    pub fn new(sizes: ConvSizes) -> Result<Self> {
        const NAME: &str = "ConvShape";
        let ConvSizes {
            batch,
            height,
            width,
            in_channels,
            out_channels,
            kernel_h,
            kernel_w,
            stride,
            padding,
        } = sizes;
        let taps = ("kernel_h", kernel_h);
        check_volume(
            NAME,
            &[
                ("out_channels", out_channels),
                taps,
                ("kernel_w", kernel_w),
                ("in_channels", in_channels),
            ],
        )?;
        check_volume(NAME, &[("stride", stride)])?;
        for (field, kernel, size) in [
            ("kernel_h", kernel_h, height),
            ("kernel_w", kernel_w, width),
        ] {
            if padding
                .checked_mul(2)
                .and_then(|p| p.checked_add(size))
                .is_none_or(|p| kernel > p)
            {
                return Err(Error::Dimension {
                    shape: NAME,
                    field,
                    expected: "at most the padded map's size",
                    found: kernel,
                });
            }
        }
        let shape = Self {
            batch,
            height,
            width,
            in_channels,
            out_channels,
            kernel_h,
            kernel_w,
            stride,
            padding,
        };
        check_volume(
            NAME,
            &[
                ("batch", batch),
                ("height", height),
                ("width", width),
                ("in_channels", in_channels),
            ],
        )?;
        check_volume(
            NAME,
            &[
                ("batch", batch),
                ("output height", shape.out_height()),
                ("output width", shape.out_width()),
                ("out_channels", out_channels),
            ],
        )?;
        Ok(shape)
    }

    /// A square kernel of size `kernel` with the padding that keeps the map's
    /// size at stride 1 (for odd kernels).
    ///
    /// # Errors
    ///
    /// As [`ConvShape::new`].
    pub fn same(
        [batch, height, width, in_channels]: [usize; 4],
        out_channels: usize,
        kernel: usize,
    ) -> Result<Self> {
        Self::new(ConvSizes {
            batch,
            height,
            width,
            in_channels,
            out_channels,
            kernel_h: kernel,
            kernel_w: kernel,
            stride: 1,
            padding: kernel / 2,
        })
    }

    /// The sizes.
    pub fn sizes(&self) -> ConvSizes {
        ConvSizes {
            batch: self.batch,
            height: self.height,
            width: self.width,
            in_channels: self.in_channels,
            out_channels: self.out_channels,
            kernel_h: self.kernel_h,
            kernel_w: self.kernel_w,
            stride: self.stride,
            padding: self.padding,
        }
    }

    /// Rows of the output map.
    pub fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel_h) / self.stride + 1
    }

    /// Columns of the output map.
    pub fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel_w) / self.stride + 1
    }

    /// Values of the input: `batch * height * width * in_channels`.
    pub fn input_len(&self) -> usize {
        self.batch * self.height * self.width * self.in_channels
    }

    /// Values of the weights: `out_channels * kernel_h * kernel_w * in_channels`.
    pub fn weight_len(&self) -> usize {
        self.out_channels * self.taps() * self.in_channels
    }

    /// Values of the output: `batch * out_height * out_width * out_channels`.
    pub fn output_len(&self) -> usize {
        self.out_pixels() * self.out_channels
    }

    /// Floating-point operations of the direct convolution (a multiplication
    /// and an addition count as two), the same for each of the three products.
    pub fn direct_flop(&self) -> f64 {
        2.0 * self.output_len() as f64 * (self.taps() * self.in_channels) as f64
    }

    pub(crate) fn taps(&self) -> usize {
        self.kernel_h * self.kernel_w
    }

    /// Pixels of the output, over the batch.
    pub(crate) fn out_pixels(&self) -> usize {
        self.batch * self.out_height() * self.out_width()
    }
}
