//! Spatter: drops of water or mud.
//!
//! Invariant: the layer of drops is smoothed noise above a threshold; the same
//! drops lie over all channels.

mod edges;
mod filters;

use crate::gauss::{self, Border, Kernel, Shape};
use crate::noise::to_u8;
use crate::picture::ImageRef;
use crate::random::Random;
use crate::simd::sized;
use crate::table::Spatter;

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
    for value in liquid.iter_mut() {
        if *value < row.threshold {
            *value = 0.0;
        }
    }
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
    for (d, v) in drops.iter_mut().zip(&s.liquid) {
        *d = (v * 255.0) as i64 as u8;
    }
    let distance = sized(&mut s.distance, count);
    edges::distance_to_edges(drops, height, width, &mut s.edges, distance);
    let smooth = sized(&mut s.smooth, count);
    filters::mean_f32(distance, height, width, smooth);
    let [first, second] = &mut s.bytes;
    let (first, second) = (sized(first, count), sized(second, count));
    for (b, v) in first.iter_mut().zip(smooth.iter()) {
        *b = *v as u8;
    }
    filters::equalise(first);
    filters::emboss(first, height, width, second);
    filters::mean_u8(second, height, width, first);
    // The strength of the drops, from the products' maximum.
    let opacity = smooth;
    for ((o, d), b) in opacity.iter_mut().zip(drops.iter()).zip(first.iter()) {
        *o = f32::from(*d) * f32::from(*b);
    }
    let highest = opacity.iter().copied().fold(0f32, f32::max);
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
    let channels = image.channels();
    let pixels = image.pixels().chunks_exact(channels);
    for ((o, p), m) in out
        .chunks_exact_mut(channels)
        .zip(pixels)
        .zip(opacity.iter())
    {
        let m = m / highest * row.strength as f32;
        let colour = COLOUR.map(|c| m * c as f32);
        if channels == 1 {
            let added = gray(colour.map(|c| f64::from(c.clamp(0.0, 1.0))));
            o[0] = to_u8(f64::from(f32::from(p[0]) / 255.0) + added);
        } else {
            for ((o, x), c) in o.iter_mut().zip(p).zip(colour) {
                *o = ((f32::from(*x) / 255.0 + c).clamp(0.0, 1.0) * 255.0) as u8;
            }
        }
    }
}
