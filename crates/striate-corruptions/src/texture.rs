//! The frost photographs and their scaling, with OpenCV's arithmetic.
//!
//! Invariant: the files decode to the pixels that OpenCV reads from the
//! package's files. Scaled textures that serve every image are kept; of the
//! others only the pixels of the crop are computed.

use std::sync::OnceLock;

use crate::simd::{sized_within, vectorised};
use crate::unit::whole_f32;
use crate::{Error, Result};

/// The five that are drawn. The original lists a sixth and never draws it; it
/// lies beside them, unused.
const FILES: [&[u8]; 5] = [
    include_bytes!("../frost/frost1.png"),
    include_bytes!("../frost/frost2.png"),
    include_bytes!("../frost/frost3.png"),
    include_bytes!("../frost/frost4.png"),
    include_bytes!("../frost/frost5.png"),
];

/// How many textures are drawn from.
pub(crate) const COUNT: usize = FILES.len();

/// A decoded photograph, RGB.
pub(crate) struct Texture {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pixels: Vec<u8>,
    /// Scaled by the factors that do not depend on the image, on first use.
    scaled: [OnceLock<Vec<u8>>; 3],
}

/// The texture `index` (0 to 4), decoded on first use.
pub(crate) fn texture(index: usize) -> Result<&'static Texture> {
    static DECODED: [OnceLock<std::result::Result<Texture, String>>; COUNT] =
        [const { OnceLock::new() }; COUNT];
    DECODED[index]
        .get_or_init(|| {
            let image = image::load_from_memory_with_format(FILES[index], image::ImageFormat::Png)
                .map_err(|e| e.to_string())?
                .into_rgb8();
            Ok(Texture {
                height: image.height() as usize,
                width: image.width() as usize,
                pixels: image.into_raw(),
                scaled: [const { OnceLock::new() }; 3],
            })
        })
        .as_ref()
        .map_err(|reason| Error::Texture {
            index: index + 1,
            reason: reason.clone(),
        })
}

/// A scaled texture: its size, the step between its pixels in original ones, and
/// the filter.
#[derive(Clone, Copy)]
pub(crate) struct Scaling {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) step_y: f64,
    pub(crate) step_x: f64,
    pub(crate) filter: Filter,
    /// Where the whole scaled texture is kept, if it serves every image.
    pub(crate) kept: Option<usize>,
}

/// The taps of one scaled coordinate: four for the cubic filter, the middle two
/// for the linear one.
#[derive(Clone, Copy, Default)]
pub(crate) struct Taps {
    first: isize,
    weights: [f32; 4],
}

/// Which interpolation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    Cubic,
    Linear,
}

/// The taps of the scaled coordinates `start..start + count` of an axis, where
/// one scaled pixel spans `step` original ones.
pub(crate) fn taps(start: usize, count: usize, step: f64, filter: Filter, out: &mut Vec<Taps>) {
    out.clear();
    out.extend((start..start + count).map(|i| {
        let place = ((i as f64 + 0.5) * step - 0.5) as f32;
        let first = place.floor();
        let x = place - first;
        let weights = match filter {
            Filter::Cubic => {
                const A: f32 = -0.75;
                let w0 = ((A * (x + 1.0) - 5.0 * A) * (x + 1.0) + 8.0 * A) * (x + 1.0) - 4.0 * A;
                let w1 = ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
                let y = 1.0 - x;
                let w2 = ((A + 2.0) * y - (A + 3.0)) * y * y + 1.0;
                [w0, w1, w2, 1.0 - w0 - w1 - w2]
            }
            Filter::Linear => [0.0, 1.0 - x, x, 0.0],
        };
        Taps {
            first: first as isize - 1,
            weights,
        }
    }));
}

/// Scratch of [`Texture::crop`].
#[derive(Default)]
pub(crate) struct Scratch {
    lines: Vec<f32>,
}

/// OpenCV's linear filter counts weights in units of 1/2048.
const FIXED: f32 = 2048.0;

impl Texture {
    /// The whole scaled texture, RGB, if it is one of those that are kept.
    pub(crate) fn whole(&self, scaling: &Scaling) -> Option<&[u8]> {
        let kept = self.scaled[scaling.kept?].get_or_init(|| {
            let (mut down, mut across) = (Vec::new(), Vec::new());
            taps(0, scaling.height, scaling.step_y, scaling.filter, &mut down);
            taps(
                0,
                scaling.width,
                scaling.step_x,
                scaling.filter,
                &mut across,
            );
            let mut out = vec![0; scaling.height * scaling.width * 3];
            let mut scratch = Scratch::default();
            vectorised(
                #[inline(always)]
                || self.crop(&down, &across, scaling.filter, &mut scratch, &mut out),
            );
            out
        });
        Some(kept)
    }

    /// The scaled pixels at the given rows and columns, RGB.
    #[inline(always)]
    pub(crate) fn crop(
        &self,
        down: &[Taps],
        across: &[Taps],
        filter: Filter,
        s: &mut Scratch,
        out: &mut [u8],
    ) {
        let stride = across.len() * 3;
        let Some((first, last)) = down.first().zip(down.last()) else {
            return;
        };
        // Each original row under the crop is scaled along once.
        let (top, bottom) = (first.first, last.first + 3);
        // How many there are depends on where the crop begins; where the texture
        // is enlarged they are hardly more than the crop's.
        let count = (bottom - top + 1) as usize;
        let most = count.max(down.len() + 8);
        let lines = sized_within(&mut s.lines, count * stride, most * stride);
        for (y, line) in (top..=bottom).zip(lines.chunks_exact_mut(stride)) {
            let y = y.clamp(0, self.height as isize - 1) as usize;
            let pixels = &self.pixels[y * self.width * 3..][..self.width * 3];
            self.scale_row(pixels, across, filter, line);
        }
        for (taps, out) in down.iter().zip(out.chunks_exact_mut(stride)) {
            let at = (taps.first - top) as usize * stride;
            let line = |k: usize| &lines[at + k * stride..][..stride];
            let (l0, l1, l2, l3) = (line(0), line(1), line(2), line(3));
            let w = taps.weights;
            match filter {
                // As Intel's library, which OpenCV calls: floats throughout.
                Filter::Cubic => {
                    for (j, o) in out.iter_mut().enumerate() {
                        let sum = l0[j] * w[0] + l1[j] * w[1] + l2[j] * w[2] + l3[j] * w[3];
                        *o = whole_f32(sum.round_ties_even().clamp(0.0, 255.0));
                    }
                }
                // OpenCV's own integers, low bits cut on the way.
                Filter::Linear => {
                    let w = w.map(|w| (w * FIXED).round_ties_even() as i32);
                    for (j, o) in out.iter_mut().enumerate() {
                        let upper = (w[1] * (l1[j] as i32 >> 4)) >> 16;
                        let lower = (w[2] * (l2[j] as i32 >> 4)) >> 16;
                        *o = ((upper + lower + 2) >> 2) as u8;
                    }
                }
            }
        }
    }

    /// One original row at the scaled columns; for the linear filter as
    /// integers (below 2^24, so f32 holds them).
    #[inline(always)]
    fn scale_row(&self, pixels: &[u8], across: &[Taps], filter: Filter, line: &mut [f32]) {
        let last = self.width as isize - 1;
        for (taps, o) in across.iter().zip(line.chunks_exact_mut(3)) {
            let mut sum = [0f32; 3];
            for (k, weight) in taps.weights.iter().enumerate() {
                let x = (taps.first + k as isize).clamp(0, last) as usize;
                let weight = match filter {
                    Filter::Cubic => *weight,
                    Filter::Linear => (weight * FIXED).round_ties_even(),
                };
                for (s, p) in sum.iter_mut().zip(&pixels[x * 3..x * 3 + 3]) {
                    *s += f32::from(*p) * weight;
                }
            }
            o.copy_from_slice(&sum);
        }
    }
}
