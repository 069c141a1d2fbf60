//! Gaussian, shot, impulse and speckle noise.
//!
//! Invariant: a value is clipped to [0, 1], scaled by 255 and truncated, as the
//! Python package's cast to u8 does.

use striate_random::Stream;
use striate_random::numpy::{LegacyRng, Pcg64, PoissonSet};

use crate::random::{BLOCK, Random, fill_standard_normal};
use crate::shot::ShotTable;
use crate::simd::vectorised;
use crate::unit::{round_trip, to_u8_of_many, unit, whole_f32};

pub(crate) fn gaussian(pixels: &[u8], deviation: f64, random: &mut Random, out: &mut [u8]) {
    match random {
        Random::Numpy(numpy) => {
            per_numpy_normal(
                &mut numpy.legacy,
                deviation,
                pixels,
                out,
                #[inline(always)]
                |x, n| x + n,
            );
        }
        Random::Counter(stream) => {
            let scale = (deviation * 255.0) as f32;
            per_normal(
                stream,
                pixels,
                out,
                #[inline(always)]
                move |x, n| x + n * scale,
            );
        }
    }
}

pub(crate) fn speckle(pixels: &[u8], deviation: f64, random: &mut Random, out: &mut [u8]) {
    match random {
        Random::Numpy(numpy) => {
            per_numpy_normal(
                &mut numpy.legacy,
                deviation,
                pixels,
                out,
                #[inline(always)]
                |x, n| x + x * n,
            );
        }
        Random::Counter(stream) => {
            let scale = deviation as f32;
            per_normal(
                stream,
                pixels,
                out,
                #[inline(always)]
                move |x, n| x + x * (n * scale),
            );
        }
    }
}

fn per_normal(stream: &mut Stream, pixels: &[u8], out: &mut [u8], value: impl Fn(f32, f32) -> f32) {
    let mut normals = [0f32; BLOCK];
    for (out, pixels) in out.chunks_mut(BLOCK).zip(pixels.chunks(BLOCK)) {
        fill_standard_normal(stream, &mut normals);
        vectorised(
            #[inline(always)]
            || {
                for ((o, x), n) in out.iter_mut().zip(pixels).zip(&normals) {
                    *o = whole_f32(value(f32::from(*x), *n).clamp(0.0, 255.0));
                }
            },
        );
    }
}

fn per_numpy_normal(
    rng: &mut LegacyRng,
    deviation: f64,
    pixels: &[u8],
    out: &mut [u8],
    value: impl Fn(f64, f64) -> f64,
) {
    let mut normals = [0f64; 2 * BLOCK];
    for (out, pixels) in out.chunks_mut(2 * BLOCK).zip(pixels.chunks(2 * BLOCK)) {
        let normals = &mut normals[..out.len()];
        rng.fill_normal(0.0, deviation, normals);
        vectorised(
            #[inline(always)]
            || {
                for ((o, x), n) in out.iter_mut().zip(pixels).zip(normals.iter()) {
                    let value = value(unit(*x), *n);
                    *o = to_u8_of_many(value);
                }
            },
        );
    }
}

/// What shot noise prepares once, for each kind of random numbers.
#[derive(Default)]
pub(crate) struct ShotTables {
    counter: Option<ShotTable>,
    numpy: Option<PoissonSet>,
}

pub(crate) fn shot(
    pixels: &[u8],
    photons: f64,
    random: &mut Random,
    tables: &mut ShotTables,
    out: &mut [u8],
) {
    match random {
        Random::Numpy(numpy) => {
            let set = tables.numpy.get_or_insert_with(|| {
                PoissonSet::new((0..=255u8).map(|x| f64::from(x) / 255.0 * photons))
            });
            let mut counts = [0f64; BLOCK];
            for (out, pixels) in out.chunks_mut(BLOCK).zip(pixels.chunks(BLOCK)) {
                numpy.legacy.fill_poisson(set, pixels, &mut counts);
                vectorised(
                    #[inline(always)]
                    || {
                        for (o, count) in out.iter_mut().zip(&counts) {
                            *o = to_u8_of_many(count / photons);
                        }
                    },
                );
            }
        }
        Random::Counter(stream) => {
            let table = tables
                .counter
                .get_or_insert_with(|| ShotTable::new(photons));
            let mut words = [0u32; 1024];
            for (out, pixels) in out.chunks_mut(1024).zip(pixels.chunks(1024)) {
                let words = &mut words[..pixels.len()];
                stream.fill_u32(words);
                for ((o, x), word) in out.iter_mut().zip(pixels).zip(words) {
                    *o = table.draw(*x, *word);
                }
            }
        }
    }
}

pub(crate) fn impulse(pixels: &[u8], fraction: f64, random: &mut Random, out: &mut [u8]) {
    let kept = round_trip();
    match random {
        Random::Numpy(numpy) => {
            // scikit-image draws all the flips, then all the signs.
            let mut flips = Pcg64::new(u64::from(numpy.seed));
            let mut signs = flips.clone();
            signs.advance(pixels.len() as u128);
            for (o, x) in out.iter_mut().zip(pixels) {
                let flipped = flips.random() <= fraction;
                let salted = signs.random() <= 0.5;
                *o = match (flipped, salted) {
                    (false, _) => kept[usize::from(*x)],
                    (true, true) => 255,
                    (true, false) => 0,
                };
            }
        }
        Random::Counter(stream) => {
            // 31 bits decide about the flip, the lowest about its sign.
            let threshold = (fraction * 2_147_483_648.0) as i32;
            let mut words = [0u32; 1024];
            for (out, pixels) in out.chunks_mut(1024).zip(pixels.chunks(1024)) {
                let words = &mut words[..pixels.len()];
                stream.fill_u32(words);
                vectorised(
                    #[inline(always)]
                    || {
                        for ((o, x), word) in out.iter_mut().zip(pixels).zip(words.iter()) {
                            let flip = (((*word >> 1) as i32) < threshold) as u8;
                            let sign = ((*word & 1) as u8).wrapping_neg();
                            let mask = flip.wrapping_neg();
                            *o = (*x & !mask) | (sign & mask);
                        }
                    },
                );
            }
        }
    }
}
