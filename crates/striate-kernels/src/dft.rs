//! The two-dimensional discrete Fourier transform of small images, by sums of
//! products along each axis. Invariant: forward and inverse undo each other.
//!
//! In f64, unlike the other kernels: spectra are analysed as logarithms over many
//! decades. A side costs its square per line, which is nothing at the sizes of
//! images (a 64x64 image takes about a millisecond) and needs no restriction
//! on them.

use crate::Result;
use crate::error::{check_length, check_volume};

/// Which way to transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dft {
    /// `F[u, v] = sum_yx f[y, x] exp(-2 pi i (u y / height + v x / width))`.
    Forward,
    /// The same with the other sign, divided by `height * width`.
    Inverse,
}

/// Transforms a complex image in place; `re` and `im` are `height x width`.
///
/// # Errors
///
/// If a side is 0 or a length does not fit.
pub fn dft2(
    direction: Dft,
    [height, width]: [usize; 2],
    re: &mut [f64],
    im: &mut [f64],
) -> Result<()> {
    let volume = check_volume("DftShape", &[("height", height), ("width", width)])?;
    check_length("dft2", "re", re.len(), volume)?;
    check_length("dft2", "im", im.len(), volume)?;
    let sign = match direction {
        Dft::Forward => -1.0,
        Dft::Inverse => 1.0,
    };
    // The rows of an image are transformed along x, then those of its transpose.
    let rows = lines(re, im, height, width, sign);
    let columns = lines(&rows.0, &rows.1, width, height, sign);
    let scale = match direction {
        Dft::Forward => 1.0,
        Dft::Inverse => 1.0 / volume as f64,
    };
    for (out, value) in re.iter_mut().zip(&columns.0) {
        *out = value * scale;
    }
    for (out, value) in im.iter_mut().zip(&columns.1) {
        *out = value * scale;
    }
    Ok(())
}

/// Transforms each of `count` lines of `length` and returns them transposed.
fn lines(re: &[f64], im: &[f64], count: usize, length: usize, sign: f64) -> (Vec<f64>, Vec<f64>) {
    // One period of the roots of unity; the exponent is reduced as an integer.
    let roots: Vec<(f64, f64)> = (0..length)
        .map(|k| {
            let angle = sign * std::f64::consts::TAU * k as f64 / length as f64;
            (angle.cos(), angle.sin())
        })
        .collect();
    let mut out_re = vec![0.0; re.len()];
    let mut out_im = vec![0.0; im.len()];
    for line in 0..count {
        let from = line * length;
        let (re, im) = (&re[from..from + length], &im[from..from + length]);
        for frequency in 0..length {
            let (mut sum_re, mut sum_im, mut k) = (0.0, 0.0, 0);
            for (a, b) in re.iter().zip(im) {
                let (cos, sin) = roots[k];
                sum_re += a * cos - b * sin;
                sum_im += a * sin + b * cos;
                k += frequency;
                if k >= length {
                    k -= length;
                }
            }
            out_re[frequency * count + line] = sum_re;
            out_im[frequency * count + line] = sum_im;
        }
    }
    (out_re, out_im)
}

#[cfg(test)]
mod tests {
    use striate_testkit::assert_close;

    use super::*;

    #[test]
    fn a_wave_has_one_frequency() {
        let (height, width) = (6, 10);
        let wave = |y: usize, x: usize| {
            let phase = std::f64::consts::TAU * (2.0 * y as f64 / 6.0 + 3.0 * x as f64 / 10.0);
            (phase.cos(), phase.sin())
        };
        let (mut re, mut im): (Vec<f64>, Vec<f64>) = (0..60).map(|i| wave(i / 10, i % 10)).unzip();
        dft2(Dft::Forward, [height, width], &mut re, &mut im).unwrap();
        let mut expected = vec![0.0; 60];
        expected[2 * 10 + 3] = 60.0;
        // f64 rounding of 60 terms of size 1.
        assert_close(&re, &expected, 1e-12, 0.0);
        assert_close(&im, &[0.0; 60], 1e-12, 0.0);
    }

    #[test]
    fn the_inverse_undoes_the_transform() {
        let (mut re, mut im): (Vec<f64>, Vec<f64>) = (0..35)
            .map(|i| (f64::from(i * i % 11), f64::from(i * 7 % 5)))
            .unzip();
        let before = (re.clone(), im.clone());
        dft2(Dft::Forward, [7, 5], &mut re, &mut im).unwrap();
        // Parseval's identity.
        let power =
            |re: &[f64], im: &[f64]| -> f64 { re.iter().zip(im).map(|(a, b)| a * a + b * b).sum() };
        assert_close(
            &[power(&re, &im)],
            &[35.0 * power(&before.0, &before.1)],
            0.0,
            1e-12,
        );
        dft2(Dft::Inverse, [7, 5], &mut re, &mut im).unwrap();
        assert_close(&re, &before.0, 1e-12, 0.0);
        assert_close(&im, &before.1, 1e-12, 0.0);
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let error = dft2(Dft::Forward, [2, 3], &mut [0.0; 6], &mut [0.0; 5]).unwrap_err();
        assert_eq!(error.to_string(), "dft2: im holds 5 values, expected 6");
    }
}
