//! Counter mode against NumPy mode: the same distribution of results.
//!
//! For each random corruption many draws of both modes are summarised per draw
//! (mean, variance, and the power of the result's horizontal differences at
//! three distances: its spectrum), and the means of the summaries compared.

use striate_corruptions::{Corruption, Corruptor, ImageRef, Random, Severity, Table};
use striate_random::Seed;

const SIDE: usize = 32;
const SUMMARIES: usize = 5;

fn summary(pixels: &[u8]) -> [f64; SUMMARIES] {
    let n = pixels.len() as f64;
    let mean = pixels.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let variance = pixels
        .iter()
        .map(|v| (f64::from(*v) - mean).powi(2))
        .sum::<f64>()
        / n;
    let power = |distance: usize| {
        let (mut sum, mut count) = (0.0, 0.0);
        for row in pixels.chunks_exact(SIDE * 3) {
            for i in 0..row.len() - 3 * distance {
                sum += (f64::from(row[i]) - f64::from(row[i + 3 * distance])).powi(2);
                count += 1.0;
            }
        }
        sum / count
    };
    [mean, variance, power(1), power(3), power(9)]
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
                        for (m, v) in moments.iter_mut().zip(summary(&out)) {
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
                    // Five standard errors of the difference (2,000 comparisons:
                    // one in 3,500 by chance, with these fixed seeds never); the
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
