//! Small filters with OpenCV's roundings.
//!
//! Invariant: borders reflect without repeating the edge.

use crate::border::mirrored;

/// Hands each pixel's 3x3 neighbourhood to `store`.
#[inline(always)]
fn around<T: Copy>(
    image: &[T],
    height: usize,
    width: usize,
    mut store: impl FnMut(usize, [[T; 3]; 3]),
) {
    for y in 0..height {
        let rows = [-1, 0, 1].map(|d| &image[mirrored(y as isize + d, height) * width..][..width]);
        let [a, b, c] = rows;
        for x in 1..width - 1 {
            store(
                y * width + x,
                [
                    [a[x - 1], a[x], a[x + 1]],
                    [b[x - 1], b[x], b[x + 1]],
                    [c[x - 1], c[x], c[x + 1]],
                ],
            );
        }
        for x in [0, width - 1] {
            let columns = [-1, 0, 1].map(|d| mirrored(x as isize + d, width));
            store(y * width + x, rows.map(|row| columns.map(|c| row[c])));
        }
    }
}

/// The 3x3 mean, summed in f64.
pub(super) fn mean_f32(image: &[f32], height: usize, width: usize, out: &mut [f32]) {
    around(
        image,
        height,
        width,
        #[inline(always)]
        |i, n| {
            let sum: f64 = n.as_flattened().iter().map(|v| f64::from(*v)).sum();
            out[i] = (sum * (1.0 / 9.0)) as f32;
        },
    );
}

/// The 3x3 mean, rounded.
pub(super) fn mean_u8(image: &[u8], height: usize, width: usize, out: &mut [u8]) {
    around(image, height, width, |i, n| {
        let sum: u32 = n.as_flattened().iter().map(|v| u32::from(*v)).sum();
        out[i] = ((2 * sum + 9) / 18) as u8;
    });
}

/// The original's 3x3 relief filter.
pub(super) fn emboss(image: &[u8], height: usize, width: usize, out: &mut [u8]) {
    const WEIGHTS: [i32; 9] = [-2, -1, 0, -1, 1, 1, 0, 1, 2];
    around(image, height, width, |i, n| {
        let sum: i32 = n
            .as_flattened()
            .iter()
            .zip(WEIGHTS)
            .map(|(v, w)| i32::from(*v) * w)
            .sum();
        out[i] = sum.clamp(0, 255) as u8;
    });
}

/// Histogram equalisation.
pub(super) fn equalise(image: &mut [u8]) {
    let mut counts = [0u32; 256];
    for v in image.iter() {
        counts[usize::from(*v)] += 1;
    }
    let Some(first) = counts.iter().position(|c| *c > 0) else {
        return;
    };
    let rest = image.len() as u32 - counts[first];
    if rest == 0 {
        return;
    }
    let scale = 255.0 / rest as f32;
    let mut levels = [0u8; 256];
    let mut sum = 0;
    for (level, count) in levels.iter_mut().zip(counts).skip(first + 1) {
        sum += count;
        *level = (sum as f32 * scale).round_ties_even() as u8;
    }
    for v in image {
        *v = levels[usize::from(*v)];
    }
}
