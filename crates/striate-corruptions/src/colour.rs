//! Brightness, saturation and contrast.
//!
//! Invariant: HSV conversions follow scikit-image's formulas in f64, operation
//! by operation.

use crate::picture::ImageRef;
use crate::unit::to_u8;

/// (hue, saturation, value), each in [0, 1].
fn hsv(r: f64, g: f64, b: f64) -> (f64, f64, f64) {
    let value = r.max(g).max(b);
    let delta = value - r.min(g).min(b);
    if delta == 0.0 {
        return (0.0, 0.0, value);
    }
    // A later maximum overrides an earlier one.
    let hue = if b == value {
        4.0 + (r - g) / delta
    } else if g == value {
        2.0 + (b - r) / delta
    } else {
        (g - b) / delta
    };
    let turns = hue / 6.0;
    // Python's remainder: of the divisor's sign.
    let turns = if turns < 0.0 { turns + 1.0 } else { turns };
    (turns, delta / value, value)
}

fn rgb(hue: f64, saturation: f64, value: f64) -> [f64; 3] {
    let sixth = (hue * 6.0).floor();
    let f = hue * 6.0 - sixth;
    let p = value * (1.0 - saturation);
    let q = value * (1.0 - f * saturation);
    let t = value * (1.0 - (1.0 - f) * saturation);
    match sixth as u8 % 6 {
        0 => [value, t, p],
        1 => [q, value, p],
        2 => [p, value, t],
        3 => [p, q, value],
        4 => [t, p, value],
        _ => [value, p, q],
    }
}

fn per_pixel(image: ImageRef<'_>, out: &mut [u8], change: impl Fn(f64, f64) -> (f64, f64)) {
    for (o, p) in out.chunks_exact_mut(3).zip(image.pixels().chunks_exact(3)) {
        let unit = |x: u8| f64::from(x) / 255.0;
        let (hue, saturation, value) = hsv(unit(p[0]), unit(p[1]), unit(p[2]));
        let (saturation, value) = change(saturation, value);
        for (o, v) in o.iter_mut().zip(rgb(hue, saturation, value)) {
            *o = to_u8(v);
        }
    }
}

pub(crate) fn brightness(image: ImageRef<'_>, added: f64, out: &mut [u8]) {
    if image.channels() == 1 {
        let levels: [u8; 256] = std::array::from_fn(|x| to_u8(x as f64 / 255.0 + added));
        map(image.pixels(), &levels, out);
    } else {
        per_pixel(image, out, |s, v| (s, (v + added).clamp(0.0, 1.0)));
    }
}

pub(crate) fn saturate(image: ImageRef<'_>, (scale, offset): (f64, f64), out: &mut [u8]) {
    if image.channels() == 1 {
        // A gray pixel has no hue; what is added to its saturation leaves the
        // first channel, which the original keeps, at the value.
        map(image.pixels(), &crate::unit::round_trip(), out);
    } else {
        per_pixel(image, out, |s, v| ((s * scale + offset).clamp(0.0, 1.0), v));
    }
}

pub(crate) fn contrast(image: ImageRef<'_>, scale: f64, out: &mut [u8]) {
    let channels = image.channels();
    let count = (image.height() * image.width()) as f64;
    for c in 0..channels {
        let sum: u64 = image.pixels()[c..]
            .iter()
            .step_by(channels)
            .map(|x| u64::from(*x))
            .sum();
        let mean = sum as f64 / 255.0 / count;
        let levels: [u8; 256] =
            std::array::from_fn(|x| to_u8((x as f64 / 255.0 - mean) * scale + mean));
        let pixels = image.pixels()[c..].iter().step_by(channels);
        for (o, x) in out[c..].iter_mut().step_by(channels).zip(pixels) {
            *o = levels[usize::from(*x)];
        }
    }
}

fn map(pixels: &[u8], levels: &[u8; 256], out: &mut [u8]) {
    for (o, x) in out.iter_mut().zip(pixels) {
        *o = levels[usize::from(*x)];
    }
}
