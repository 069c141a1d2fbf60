//! Where a corruption's random numbers come from.
//!
//! Invariant: in counter mode the numbers depend on nothing but (seed, image
//! id, corruption, severity); in NumPy mode each corruption draws exactly what
//! the Python package draws, in its order.

use striate_random::numpy::LegacyRng;
use striate_random::{Seed, Stream};

use crate::simd::vectorised;
use crate::{Corruption, Severity};

/// The random numbers of one call.
#[derive(Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "made once per call on the stack: a box would be an allocation per call"
)]
pub enum Random {
    /// A ChaCha8 stream: the default, fast, independent of order and threads.
    Counter(Stream),
    /// NumPy's streams: the pixels of the Python package.
    Numpy(NumpyRandom),
}

/// NumPy's generators as they stand right after `numpy.random.seed(seed)`.
#[derive(Clone)]
pub struct NumpyRandom {
    pub(crate) legacy: LegacyRng,
    /// Seeds the `Generator` that scikit-image makes for impulse noise.
    pub(crate) seed: u32,
}

impl Random {
    /// The stream of one image, corruption and severity under `seed`.
    pub fn counter(seed: &Seed, image_id: u64, corruption: Corruption, severity: Severity) -> Self {
        let node = seed
            .child(corruption.name())
            .index(u64::from(severity.get()))
            .index(image_id);
        Self::Counter(node.stream())
    }

    /// The state after `numpy.random.seed(seed)`; for impulse noise,
    /// `random_noise(..., seed=seed)`.
    pub fn numpy(seed: u32) -> Self {
        Self::Numpy(NumpyRandom {
            legacy: LegacyRng::new(seed),
            seed,
        })
    }

    pub(crate) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        match self {
            Self::Counter(stream) => stream.range(low, high),
            Self::Numpy(numpy) => numpy.legacy.uniform(low, high),
        }
    }

    /// Uniform in `low..high`; `low` when that is empty.
    pub(crate) fn integer(&mut self, low: usize, high: usize) -> usize {
        match self {
            Self::Counter(stream) => low + stream.below(high.saturating_sub(low)),
            Self::Numpy(numpy) => numpy.legacy.randint(low as i64, high as i64) as usize,
        }
    }

    pub(crate) fn fill_uniform(&mut self, low: f64, high: f64, out: &mut [f64]) {
        match self {
            Self::Numpy(numpy) => numpy.legacy.fill_uniform(low, high, out),
            Self::Counter(stream) => {
                // 32 bits are enough for a displacement or a wibble.
                let scale = (high - low) / 4_294_967_296.0;
                let mut words = [0u32; 512];
                for part in out.chunks_mut(words.len()) {
                    stream.fill_u32(&mut words[..part.len()]);
                    vectorised(
                        #[inline(always)]
                        || {
                            for (value, word) in part.iter_mut().zip(&words) {
                                *value = low + scale * (f64::from(*word) + 0.5);
                            }
                        },
                    );
                }
            }
        }
    }

    pub(crate) fn fill_normal(&mut self, mean: f64, deviation: f64, out: &mut [f64]) {
        match self {
            Self::Numpy(numpy) => numpy.legacy.fill_normal(mean, deviation, out),
            Self::Counter(stream) => {
                let mut normals = [0f32; BLOCK];
                for part in out.chunks_mut(BLOCK) {
                    fill_standard_normal(stream, &mut normals);
                    for (value, normal) in part.iter_mut().zip(&normals) {
                        *value = mean + deviation * f64::from(*normal);
                    }
                }
            }
        }
    }
}

/// Normals made at a time.
pub(crate) const BLOCK: usize = 512;

/// A block of standard normals (f32, tails to 6.6 deviations).
pub(crate) fn fill_standard_normal(stream: &mut Stream, out: &mut [f32; BLOCK]) {
    let mut words = [0u32; BLOCK];
    stream.fill_u32(&mut words);
    vectorised(
        #[inline(always)]
        || box_muller(&words, out),
    );
}

/// The Box-Muller transform, written so that it vectorises: a uniform makes the
/// radius, three parts of a second one make the angle (which side, which axis,
/// how far off the axis).
#[inline(always)]
fn box_muller(words: &[u32; BLOCK], out: &mut [f32; BLOCK]) {
    let (radius_words, angle_words) = words.split_at(BLOCK / 2);
    let (first, second) = out.split_at_mut(BLOCK / 2);
    for i in 0..BLOCK / 2 {
        let uniform = ((radius_words[i] >> 1) as i32 as f32 + 0.5) * (1.0 / 2_147_483_648.0);
        let radius = (-2.0 * ln(uniform)).sqrt();
        let word = angle_words[i];
        // The low 30 bits: an angle in [-pi/4, pi/4).
        let offset = (word & 0x3fff_ffff) as i32 as f32 * (1.0 / 1_073_741_824.0) - 0.5;
        let angle = offset * std::f32::consts::FRAC_PI_2;
        let a2 = angle * angle;
        let sin = angle * (1.0 + a2 * (-1.0 / 6.0 + a2 * (1.0 / 120.0 + a2 * (-1.0 / 5040.0))));
        let cos =
            1.0 + a2 * (-0.5 + a2 * (1.0 / 24.0 + a2 * (-1.0 / 720.0 + a2 * (1.0 / 40_320.0))));
        let side = f32::from_bits((word & 0x8000_0000) | 0x3f80_0000);
        let (x, y) = (radius * cos * side, radius * sin);
        let swap = word & 0x4000_0000 != 0;
        first[i] = if swap { y } else { x };
        second[i] = if swap { x } else { y };
    }
}

/// The natural logarithm of a positive normal number, to 2 ulp.
#[inline(always)]
fn ln(x: f32) -> f32 {
    // x = m 2^e with m in [sqrt(1/2), sqrt(2)), ln m = 2 atanh((m-1)/(m+1)).
    let bits = x.to_bits().wrapping_sub(0x3f35_04f3);
    let exponent = (bits as i32) >> 23;
    let m = f32::from_bits((bits & 0x007f_ffff) + 0x3f35_04f3);
    let s = (m - 1.0) / (m + 1.0);
    let s2 = s * s;
    let series = 2.0 + s2 * (2.0 / 3.0 + s2 * (2.0 / 5.0 + s2 * (2.0 / 7.0 + s2 * (2.0 / 9.0))));
    exponent as f32 * std::f32::consts::LN_2 + s * series
}

#[cfg(test)]
mod tests;
