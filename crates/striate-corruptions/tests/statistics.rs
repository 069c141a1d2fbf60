//! Counter mode against NumPy mode: the same distribution of results.
//!
//! For each random corruption many draws of both modes are summarised per draw
//! (mean, variance, and the power spectrum in octaves of frequency, along the
//! rows and along the columns), and the means of the summaries compared.

use std::f64::consts::TAU;

use striate_corruptions::{Corruption, Corruptor, ImageRef, Random, Severity, Table};
use striate_random::Seed;

const SIDE: usize = 32;
/// Octaves of frequency: 1, 2 to 3, 4 to 7 and 8 to 16 cycles per image.
const OCTAVES: usize = 4;
const SUMMARIES: usize = 2 + 2 * OCTAVES;

/// Sines and cosines of the discrete Fourier transform of `SIDE` values.
struct Fourier(Vec<(f64, f64)>);

impl Fourier {
    fn new() -> Self {
        let wave = |i: usize| (i as f64 * TAU / SIDE as f64).sin_cos();
        Self((0..SIDE).map(wave).collect())
    }

    /// The power at `frequency` cycles per image, over the square of `SIDE`.
    fn power(&self, values: &[f64; SIDE], frequency: usize) -> f64 {
        let (mut imaginary, mut real) = (0.0, 0.0);
        for (i, value) in values.iter().enumerate() {
            let (sin, cos) = self.0[i * frequency % SIDE];
            imaginary += value * sin;
            real += value * cos;
        }
        (imaginary * imaginary + real * real) / (SIDE * SIDE) as f64
    }

    fn summary(&self, pixels: &[u8]) -> [f64; SUMMARIES] {
        let n = pixels.len() as f64;
        let mean = pixels.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
        let squares = pixels.iter().map(|v| (f64::from(*v) - mean).powi(2));
        let mut summary = [0.0; SUMMARIES];
        summary[0] = mean;
        summary[1] = squares.sum::<f64>() / n;
        // The green channel: the others have its spectrum.
        let at = |y: usize, x: usize| f64::from(pixels[(y * SIDE + x) * 3 + 1]);
        for line in 0..SIDE {
            let row = std::array::from_fn(|i| at(line, i));
            let column = std::array::from_fn(|i| at(i, line));
            for frequency in 1..=SIDE / 2 {
                let octave = (frequency.ilog2() as usize).min(OCTAVES - 1);
                summary[2 + octave] += self.power(&row, frequency) / SIDE as f64;
                summary[2 + OCTAVES + octave] += self.power(&column, frequency) / SIDE as f64;
            }
        }
        summary
    }
}

#[test]
fn the_spectrum_finds_a_wave() {
    let wave = |i: usize| 128.0 + 50.0 * (i as f64 * 5.0 * TAU / SIDE as f64).cos();
    let pixels: Vec<u8> = (0..SIDE * SIDE * 3)
        .map(|i| wave(i / 3 % SIDE).round() as u8)
        .collect();
    let summary = Fourier::new().summary(&pixels);
    // A wave of amplitude 50 along the rows, in the third octave: 50^2 / 4; the
    // pixels are rounded.
    assert!((summary[4] - 625.0).abs() < 5.0, "{summary:?}");
    assert!(summary[5] < 0.2 && summary[6..].iter().all(|v| *v < 1e-9));
}

#[test]
fn both_random_modes_have_the_same_distribution() {
    let pixels: Vec<u8> = (0..SIDE * SIDE * 3)
        .map(|i| {
            let (y, x, c) = (i / 3 / SIDE, i / 3 % SIDE, i % 3);
            (x * 3 + y * 2 + (x / 6 + y / 9) % 2 * 60 + c * 8) as u8
        })
        .collect();
    let image = ImageRef::new(&pixels, SIDE, SIDE, 3).unwrap();
    let mut out = vec![0; pixels.len()];
    let fourier = Fourier::new();
    let seed = Seed::new(11);
    let draws = 200;
    for table in Table::ALL {
        let mut corruptor = Corruptor::new(table);
        for corruption in Corruption::ALL.into_iter().filter(|c| c.is_random()) {
            for severity in [Severity::ALL[0], Severity::ALL[2], Severity::ALL[4]] {
                let mut moments = [[(0.0, 0.0); SUMMARIES]; 2];
                for i in 0..draws {
                    for (mode, moments) in moments.iter_mut().enumerate() {
                        let mut random = if mode == 0 {
                            Random::numpy(i as u32 + 1)
                        } else {
                            Random::counter(&seed, i, corruption, severity)
                        };
                        corruptor
                            .corrupt(image, corruption, severity, &mut random, &mut out)
                            .unwrap();
                        for (m, v) in moments.iter_mut().zip(fourier.summary(&out)) {
                            m.0 += v;
                            m.1 += v * v;
                        }
                    }
                }
                let n = draws as f64;
                let [numpy, counter] = moments;
                for (k, pair) in numpy.into_iter().zip(counter).enumerate() {
                    let [a, b] = [pair.0, pair.1].map(|(sum, squares)| {
                        let mean = sum / n;
                        (mean, (squares / n - mean * mean).max(0.0) / n)
                    });
                    // Five standard errors of the difference (about 1,500
                    // comparisons, each beyond it by chance one in a million times); the
                    // second term is rounding where there is no variation.
                    let bound = 5.0 * (a.1 + b.1).sqrt() + 1e-6 * a.0.abs();
                    assert!(
                        (a.0 - b.0).abs() <= bound,
                        "{table} {corruption} {severity} summary {k}: {} and {}, bound {bound}",
                        a.0,
                        b.0
                    );
                }
            }
        }
    }
}
