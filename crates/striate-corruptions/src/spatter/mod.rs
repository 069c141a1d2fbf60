//! Spatter: drops of water or mud.
//!
//! Invariant: the layer of drops is smoothed noise above a threshold; the same
//! drops lie over all channels.

mod edges;
mod filters;

use crate::gauss::{self, Border, Kernel, Shape};
use crate::picture::ImageRef;
use crate::random::Random;
use crate::simd::{sized, vectorised};
use crate::table::Spatter;
use crate::unit::{to_u8, whole, whole_f32};

/// Scratch of the spatter.
#[derive(Default)]
pub(crate) struct Scratch {
    liquid: Vec<f64>,
    kernel: Kernel,
    gauss: gauss::Scratch,
    drops: Vec<u8>,
    edges: edges::Scratch,
    distance: Vec<f32>,
    smooth: Vec<f32>,
    bytes: [Vec<u8>; 2],
}

/// scikit-image cuts its Gaussians at four deviations.
const TRUNCATE: f64 = 4.0;

/// `single` computes the mud's colour in f32, as the small-image generators do.
pub(crate) fn spatter(
    image: ImageRef<'_>,
    row: &Spatter,
    single: bool,
    random: &mut Random,
    s: &mut Scratch,
    out: &mut [u8],
) {
    let shape = Shape {
        height: image.height(),
        width: image.width(),
        channels: 1,
    };
    let count = shape.height * shape.width;
    let liquid = sized(&mut s.liquid, count);
    random.fill_normal(row.mean, row.deviation, liquid);
    s.kernel.set(row.sigma, TRUNCATE);
    gauss::blur(
        liquid,
        shape,
        (&s.kernel, &s.kernel),
        Border::Nearest,
        false,
        &mut s.gauss,
    );
    vectorised(
        #[inline(always)]
        || {
            for value in liquid.iter_mut() {
                *value = if *value < row.threshold { 0.0 } else { *value };
            }
        },
    );
    if row.mud {
        mud(image, row, single, shape, s, out);
    } else {
        let exact = matches!(random, Random::Numpy(_));
        water(image, row, exact, shape, s, out);
    }
}

fn mud(
    image: ImageRef<'_>,
    row: &Spatter,
    single: bool,
    shape: Shape,
    s: &mut Scratch,
    out: &mut [u8],
) {
    let mask = &mut s.liquid[..shape.height * shape.width];
    for value in mask.iter_mut() {
        *value = f64::from(u8::from(*value > row.threshold));
    }
    s.kernel.set(row.strength, TRUNCATE);
    gauss::blur(
        mask,
        shape,
        (&s.kernel, &s.kernel),
        Border::Nearest,
        true,
        &mut s.gauss,
    );
    // Brown, RGB.
    const BROWN: [f64; 3] = [63.0 / 255.0, 42.0 / 255.0, 20.0 / 255.0];
    let channels = image.channels();
    let pixels = image.pixels().chunks_exact(channels);
    for ((o, p), m) in out.chunks_exact_mut(channels).zip(pixels).zip(mask.iter()) {
        let m = if *m < 0.8 { 0.0 } else { *m };
        let colour = BROWN.map(|c| {
            if single {
                f64::from(c as f32 * m as f32)
            } else {
                c * m
            }
        });
        let added = if channels == 1 {
            [gray(colour); 3]
        } else {
            colour
        };
        for ((o, x), a) in o.iter_mut().zip(p).zip(added) {
            let kept = f32::from(*x) / 255.0 * (1.0 - m as f32);
            *o = if single {
                ((kept + a as f32).clamp(0.0, 1.0) * 255.0) as u8
            } else {
                to_u8(f64::from(kept) + a)
            };
        }
    }
}

fn gray(rgb: [f64; 3]) -> f64 {
    rgb[0] * 0.2989 + rgb[1] * 0.5870 + rgb[2] * 0.1140
}

fn water(
    image: ImageRef<'_>,
    row: &Spatter,
    exact: bool,
    shape: Shape,
    s: &mut Scratch,
    out: &mut [u8],
) {
    let (height, width) = (shape.height, shape.width);
    let count = height * width;
    let drops = sized(&mut s.drops, count);
    vectorised(
        #[inline(always)]
        || {
            for (d, v) in drops.iter_mut().zip(&s.liquid) {
                *d = whole(v * 255.0);
            }
        },
    );
    let distance = sized(&mut s.distance, count);
    edges::distance_to_edges(drops, height, width, &mut s.edges, distance);
    let smooth = sized(&mut s.smooth, count);
    filters::mean_f32(distance, height, width, smooth);
    let [first, second] = &mut s.bytes;
    let (first, second) = (sized(first, count), sized(second, count));
    vectorised(
        #[inline(always)]
        || {
            for (b, v) in first.iter_mut().zip(smooth.iter()) {
                *b = whole_f32(*v);
            }
        },
    );
    filters::equalise(first);
    filters::emboss(first, height, width, second);
    filters::mean_u8(second, height, width, first);
    // The strength of the drops, from the products' maximum.
    let opacity = smooth;
    let mut highest = 0u16;
    vectorised(
        #[inline(always)]
        || {
            for ((o, d), b) in opacity.iter_mut().zip(drops.iter()).zip(first.iter()) {
                let product = u16::from(*d) * u16::from(*b);
                *o = f32::from(product);
                highest = highest.max(product);
            }
        },
    );
    let highest = f32::from(highest);
    if highest == 0.0 {
        // No drop at all. The package divides 0 by 0 and returns black; that
        // is kept only where its pixels are asked for.
        if exact {
            out.fill(0);
        } else {
            out.copy_from_slice(image.pixels());
        }
        return;
    }
    // Pale turquoise, RGB.
    const COLOUR: [f64; 3] = [175.0 / 255.0, 238.0 / 255.0, 238.0 / 255.0];
    let strength = row.strength as f32;
    let pixels = image.pixels();
    if image.channels() == 1 {
        for ((o, x), m) in out.iter_mut().zip(pixels).zip(opacity.iter()) {
            let m = m / highest * strength;
            let colour = COLOUR.map(|c| f64::from((m * c as f32).clamp(0.0, 1.0)));
            *o = to_u8(f64::from(f32::from(*x) / 255.0) + gray(colour));
        }
        return;
    }
    let colour = COLOUR.map(|c| c as f32);
    let mut added = [[0f32; 3]; BLOCK];
    vectorised(
        #[inline(always)]
        || {
            let blocks = out.chunks_mut(3 * BLOCK).zip(pixels.chunks(3 * BLOCK));
            for ((out, pixels), opacity) in blocks.zip(opacity.chunks_mut(BLOCK)) {
                for m in opacity.iter_mut() {
                    *m = *m / highest * strength;
                }
                for (added, m) in added.iter_mut().zip(opacity) {
                    *added = colour.map(|c| *m * c);
                }
                for ((o, x), c) in out.iter_mut().zip(pixels).zip(added.as_flattened()) {
                    let value = f32::from(*x) / 255.0 + c;
                    *o = whole_f32(value.clamp(0.0, 1.0) * 255.0);
                }
            }
        },
    );
}

/// Pixels coloured at a time.
const BLOCK: usize = 64;
