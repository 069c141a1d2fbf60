//! The elastic transform of the small-image generators: a random affine jitter
//! and then smooth displacements.
//!
//! Invariant: the jitter samples at places rounded to 1/32 px, as OpenCV's
//! `warpAffine` does.

use crate::elastic::{self, Field, Scratch};
use crate::picture::ImageRef;
use crate::random::Random;
use crate::simd::sized;

/// `row` is (alpha, sigma, jitter) as fractions of the side; of a rectangle,
/// the shorter one.
pub(crate) fn elastic(
    image: ImageRef<'_>,
    row: (f64, f64, f64),
    random: &mut Random,
    s: &mut Scratch,
    out: &mut [u8],
) {
    let (height, width) = (image.height(), image.width());
    let side = height.min(width) as f64;
    let (alpha, sigma, jitter) = (side * row.0, side * row.1, side * row.2);
    elastic::to_unit(image.pixels(), &mut s.image);
    // Three corners of a square in the middle, in the original's order; it
    // takes (rows, columns) for (x, y), which differs only for rectangles.
    let centre = [(height / 2) as f32, (width / 2) as f32];
    let reach = (height.min(width) / 3) as f32;
    let from = [
        [centre[0] + reach, centre[1] + reach],
        [centre[0] + reach, centre[1] - reach],
        [centre[0] - reach, centre[1] - reach],
    ];
    let mut moves = [0f64; 6];
    random.fill_uniform(-jitter, jitter, &mut moves);
    let to: [[f32; 2]; 3] =
        std::array::from_fn(|i| std::array::from_fn(|j| from[i][j] + moves[2 * i + j] as f32));
    let matrix = inverse(affine(&from, &to));
    warp(&image, &matrix, s);
    std::mem::swap(&mut s.image, &mut s.jittered);
    let field = Field {
        range: 1.0,
        sigma: (sigma, sigma),
        alpha,
    };
    elastic::displace(&image, &field, random, s, out);
}

type Matrix = [[f64; 3]; 2];

/// The affine map that takes the first three points to the second three.
fn affine(from: &[[f32; 2]; 3], to: &[[f32; 2]; 3]) -> Matrix {
    let f = from.map(|p| p.map(f64::from));
    let t = to.map(|p| p.map(f64::from));
    let (ax, ay) = (f[1][0] - f[0][0], f[1][1] - f[0][1]);
    let (bx, by) = (f[2][0] - f[0][0], f[2][1] - f[0][1]);
    let determinant = ax * by - ay * bx;
    std::array::from_fn(|i| {
        let (a, b) = (t[1][i] - t[0][i], t[2][i] - t[0][i]);
        let x = (a * by - b * ay) / determinant;
        let y = (ax * b - bx * a) / determinant;
        [x, y, t[0][i] - x * f[0][0] - y * f[0][1]]
    })
}

fn inverse(m: Matrix) -> Matrix {
    let scale = 1.0 / (m[0][0] * m[1][1] - m[0][1] * m[1][0]);
    let (a, b, c, d) = (
        m[1][1] * scale,
        -m[0][1] * scale,
        -m[1][0] * scale,
        m[0][0] * scale,
    );
    [
        [a, b, -a * m[0][2] - b * m[1][2]],
        [c, d, -c * m[0][2] - d * m[1][2]],
    ]
}

/// Warps `s.image` into `s.jittered`.
fn warp(shape: &ImageRef<'_>, matrix: &Matrix, s: &mut Scratch) {
    let (height, width, channels) = (shape.height(), shape.width(), shape.channels());
    let out = sized(&mut s.jittered, height * width * channels);
    // Places in units of 1/1024 px, then cut to 1/32 px.
    let fixed = |v: f64| (v * 1024.0).round_ties_even() as i64;
    let mut pixels = out.chunks_exact_mut(channels);
    for y in 0..height {
        let base = matrix.map(|row| fixed(row[1] * y as f64 + row[2]) + 16);
        for (x, out) in (0..width).zip(&mut pixels) {
            let place = |i: usize| (base[i] + fixed(matrix[i][0] * x as f64)) >> 5;
            let (px, py) = (place(0), place(1));
            let share = |p: i64| (p & 31) as f32 / 32.0;
            let (fx, fy) = (share(px), share(py));
            let column = |d: i64| mirrored((px >> 5) + d, width);
            let row = |d: i64| mirrored((py >> 5) + d, height);
            let pixel = |y: usize, x: usize| &s.image[(y * width + x) * channels..][..channels];
            let corners = [
                pixel(row(0), column(0)),
                pixel(row(0), column(1)),
                pixel(row(1), column(0)),
                pixel(row(1), column(1)),
            ];
            let weights = [
                (1.0 - fy) * (1.0 - fx),
                (1.0 - fy) * fx,
                fy * (1.0 - fx),
                fy * fx,
            ];
            for (c, o) in out.iter_mut().enumerate() {
                *o = corners[0][c] * weights[0]
                    + corners[1][c] * weights[1]
                    + corners[2][c] * weights[2]
                    + corners[3][c] * weights[3];
            }
        }
    }
}

/// Reflection without repeating the edge.
fn mirrored(i: i64, len: usize) -> usize {
    let period = 2 * (len as i64 - 1);
    let m = i.rem_euclid(period);
    (if m < len as i64 { m } else { period - m }) as usize
}
