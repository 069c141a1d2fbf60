//! Canny edges and the distance to the nearest one, with OpenCV's arithmetic.
//!
//! Invariant: gradients are integers; distances are f32 sums of the steps 1, 1.4
//! and 2.1969, as Intel's library, which OpenCV calls, forms them.

use crate::simd::vectorised;

/// Thresholds on the gradient's magnitude |dx| + |dy|.
const LOW: i32 = 50;
const HIGH: i32 = 150;

/// Distances are cut here, in pixels.
const FAR: f32 = 20.0;

/// Scratch of [`distance_to_edges`].
#[derive(Default)]
pub(super) struct Scratch {
    dx: Vec<i32>,
    dy: Vec<i32>,
    magnitude: Vec<i32>,
    state: Vec<u8>,
    stack: Vec<usize>,
    distance: Vec<f32>,
}

const NOTHING: u8 = 0;
const CANDIDATE: u8 = 1;
const EDGE: u8 = 2;

/// The distance of each pixel to the nearest edge, at most 20 px.
pub(super) fn distance_to_edges(
    image: &[u8],
    height: usize,
    width: usize,
    s: &mut Scratch,
    out: &mut [f32],
) {
    canny(image, height, width, s);
    transform(height, width, s, out);
}

/// Marks edges in `s.state`, which has a border of one pixel.
fn canny(image: &[u8], height: usize, width: usize, s: &mut Scratch) {
    let stride = width + 2;
    let size = (height + 2) * stride;
    for plane in [&mut s.dx, &mut s.dy, &mut s.magnitude] {
        plane.clear();
        plane.resize(size, 0);
    }
    s.state.clear();
    s.state.resize(size, NOTHING);
    for y in 0..height {
        let row = |y: usize| &image[y * width..][..width];
        let (above, here, below) = (
            row(y.saturating_sub(1)),
            row(y),
            row((y + 1).min(height - 1)),
        );
        for x in 0..width {
            let (l, r) = (x.saturating_sub(1), (x + 1).min(width - 1));
            let v = |row: &[u8], x: usize| i32::from(row[x]);
            let at = (y + 1) * stride + x + 1;
            s.dx[at] = v(above, r) + 2 * v(here, r) + v(below, r)
                - v(above, l)
                - 2 * v(here, l)
                - v(below, l);
            s.dy[at] = v(below, l) + 2 * v(below, x) + v(below, r)
                - v(above, l)
                - 2 * v(above, x)
                - v(above, r);
            s.magnitude[at] = s.dx[at].abs() + s.dy[at].abs();
        }
    }
    s.stack.clear();
    // Each pixel comes at most once.
    s.stack.reserve(height * width);
    for y in 1..=height {
        for at in y * stride + 1..=y * stride + width {
            let m = s.magnitude[at];
            if m > LOW && is_ridge(s, at, stride, m) {
                if m > HIGH {
                    s.state[at] = EDGE;
                    s.stack.push(at);
                } else {
                    s.state[at] = CANDIDATE;
                }
            }
        }
    }
    // Candidates that touch an edge become edges.
    while let Some(at) = s.stack.pop() {
        for near in [
            at - stride - 1,
            at - stride,
            at - stride + 1,
            at - 1,
            at + 1,
            at + stride - 1,
            at + stride,
            at + stride + 1,
        ] {
            if s.state[near] == CANDIDATE {
                s.state[near] = EDGE;
                s.stack.push(near);
            }
        }
    }
}

/// Whether the magnitude is a maximum across the edge.
fn is_ridge(s: &Scratch, at: usize, stride: usize, m: i32) -> bool {
    // tan(22.5 degrees), in units of 2^-15.
    const TANGENT: i64 = 13_573;
    let (dx, dy) = (s.dx[at], s.dy[at]);
    let x = i64::from(dx.abs());
    let y = i64::from(dy.abs()) << 15;
    let flat = x * TANGENT;
    let mag = &s.magnitude;
    if y < flat {
        m > mag[at - 1] && m >= mag[at + 1]
    } else if y > flat + (x << 16) {
        m > mag[at - stride] && m >= mag[at + stride]
    } else if (dx ^ dy) < 0 {
        m > mag[at - stride + 1] && m > mag[at + stride - 1]
    } else {
        m > mag[at - stride - 1] && m > mag[at + stride + 1]
    }
}

const STRAIGHT: f32 = 1.0;
const DIAGONAL: f32 = 1.4;
const KNIGHT: f32 = 2.1969;
const LIMIT: f32 = 1e30;

/// Two passes with a 5x5 mask (Borgefors 1986).
fn transform(height: usize, width: usize, s: &mut Scratch, out: &mut [f32]) {
    // Two columns and two rows of border on each side.
    let stride = width + 4;
    let distance = &mut s.distance;
    distance.clear();
    distance.resize((height + 4) * stride, LIMIT);
    for y in 0..height {
        let (above, rows) = distance.split_at_mut((y + 2) * stride);
        let (two, one) = above[y * stride..].split_at(stride);
        let row = &mut rows[..stride];
        let edges = &s.state[(y + 1) * (width + 2) + 1..];
        for (d, state) in row[2..width + 2].iter_mut().zip(edges) {
            if *state == EDGE {
                *d = 0.0;
            }
        }
        from_rows(two, one, &mut row[2..width + 2]);
        for x in 2..width + 2 {
            row[x] = row[x].min(row[x - 1] + STRAIGHT);
        }
    }
    for (y, out) in out.chunks_exact_mut(width).enumerate().rev() {
        let (rows, below) = distance.split_at_mut((y + 3) * stride);
        let (one, two) = below.split_at(stride);
        let row = &mut rows[(y + 2) * stride..];
        from_rows(&two[..stride], one, &mut row[2..width + 2]);
        for x in (2..width + 2).rev() {
            row[x] = row[x].min(row[x + 1] + STRAIGHT);
        }
        for (o, d) in out.iter_mut().zip(&row[2..]) {
            *o = d.min(FAR);
        }
    }
}

/// Shortens the distances of a row by the ways over the rows one and two away,
/// which have two columns of border.
fn from_rows(two: &[f32], one: &[f32], row: &mut [f32]) {
    let width = row.len();
    let ways = [
        (&two[1..][..width], KNIGHT),
        (&two[3..][..width], KNIGHT),
        (&one[..width], KNIGHT),
        (&one[1..][..width], DIAGONAL),
        (&one[2..][..width], STRAIGHT),
        (&one[3..][..width], DIAGONAL),
        (&one[4..][..width], KNIGHT),
    ];
    vectorised(
        #[inline(always)]
        || {
            for (line, step) in ways {
                for (d, from) in row.iter_mut().zip(line) {
                    let way = from + step;
                    *d = if way < *d { way } else { *d };
                }
            }
        },
    );
}
