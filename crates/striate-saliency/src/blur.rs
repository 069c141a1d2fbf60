//! Gaussian smoothing of a map in f64, on the CPU. Invariant: it keeps a constant map.
//!
//! Maps are small and few, and their metrics are compared at f64 precision; the
//! batched blur of image tensors is striate-nn's.

use crate::{Error, Result};

/// A normalised Gaussian of `2 * half + 1` taps, cut at 4 sigma.
pub(crate) struct Kernel {
    taps: Vec<f64>,
}

impl Kernel {
    pub(crate) fn new(sigma_px: f64) -> Result<Self> {
        if !(sigma_px.is_finite() && sigma_px > 0.0) {
            return Err(Error::Setting {
                name: "sigma_px",
                expected: "finite and positive",
                found: sigma_px.to_string(),
            });
        }
        let half = (4.0 * sigma_px).ceil() as i64;
        let taps: Vec<f64> = (-half..=half)
            .map(|k| (-0.5 * (k as f64 / sigma_px).powi(2)).exp())
            .collect();
        let sum: f64 = taps.iter().sum();
        Ok(Self {
            taps: taps.iter().map(|tap| tap / sum).collect(),
        })
    }

    /// Smooths a map, mirrored at the centres of its border pixels as often as needed.
    pub(crate) fn apply(&self, values: &[f64], height: usize, width: usize) -> Vec<f64> {
        let half = self.taps.len() as i64 / 2;
        let mut rows = vec![0.0; values.len()];
        for y in 0..height {
            for (k, tap) in self.taps.iter().enumerate() {
                let from = reflect(y as i64 + k as i64 - half, height) * width;
                let source = &values[from..from + width];
                for (out, value) in rows[y * width..(y + 1) * width].iter_mut().zip(source) {
                    *out += tap * value;
                }
            }
        }
        let mut smooth = vec![0.0; values.len()];
        for x in 0..width {
            for (k, tap) in self.taps.iter().enumerate() {
                let from = reflect(x as i64 + k as i64 - half, width);
                for y in 0..height {
                    smooth[y * width + x] += tap * rows[y * width + from];
                }
            }
        }
        smooth
    }
}

/// Mirrors an index at the ends of `0..size` without repeating them.
pub(crate) fn reflect(index: i64, size: usize) -> usize {
    let last = size as i64 - 1;
    if last == 0 {
        return 0;
    }
    let index = index.rem_euclid(2 * last);
    (if index > last {
        2 * last - index
    } else {
        index
    }) as usize
}
