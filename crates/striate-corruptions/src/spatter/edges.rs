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
        let at = (y + 1) * stride + 1;
        let out = Gradient {
            dx: &mut s.dx[at..at + width],
            dy: &mut s.dy[at..at + width],
            magnitude: &mut s.magnitude[at..at + width],
        };
        vectorised(
            #[inline(always)]
            || out.set([above, here, below]),
        );
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

/// A row of gradients.
struct Gradient<'a> {
    dx: &'a mut [i32],
    dy: &'a mut [i32],
    magnitude: &'a mut [i32],
}

impl Gradient<'_> {
    /// Sobel's operator on three rows of the image; the borders repeat.
    #[inline(always)]
    fn set(self, rows: [&[u8]; 3]) {
        let width = self.dx.len();
        let last = width - 1;
        let (dx, dy) = (&mut self.dx[..width], &mut self.dy[..width]);
        let magnitude = &mut self.magnitude[..width];
        let mut one = |x: usize, columns: [[u8; 3]; 3]| {
            let [a, b, c] = columns.map(|column| column.map(i32::from));
            dx[x] = c[0] + 2 * c[1] + c[2] - a[0] - 2 * a[1] - a[2];
            dy[x] = a[2] + 2 * b[2] + c[2] - a[0] - 2 * b[0] - c[0];
            magnitude[x] = dx[x].abs() + dy[x].abs();
        };
        let rows = rows.map(|row| &row[..width]);
        let column = |x: usize| rows.map(|row| row[x]);
        for x in 1..last {
            one(x, [column(x - 1), column(x), column(x + 1)]);
        }
        one(0, [column(0), column(0), column(1)]);
        one(last, [column(last - 1), column(last), column(last)]);
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
        step_along(row[2..width + 2].iter_mut());
    }
    for (y, out) in out.chunks_exact_mut(width).enumerate().rev() {
        let (rows, below) = distance.split_at_mut((y + 3) * stride);
        let (one, two) = below.split_at(stride);
        let row = &mut rows[(y + 2) * stride..];
        from_rows(&two[..stride], one, &mut row[2..width + 2]);
        step_along(row[2..width + 2].iter_mut().rev());
        for (o, d) in out.iter_mut().zip(&row[2..]) {
            *o = d.min(FAR);
        }
    }
}

/// Shortens the distances of a row by the ways along it.
fn step_along<'a>(row: impl Iterator<Item = &'a mut f32>) {
    let mut before = LIMIT;
    for d in row {
        let way = before + STRAIGHT;
        // Not `min`: that would look for NaN in the only chain of this loop.
        before = if way < *d { way } else { *d };
        *d = before;
    }
}

/// Shortens the distances of a row by the ways over the rows one and two away,
/// which have two columns of border.
fn from_rows(two: &[f32], one: &[f32], row: &mut [f32]) {
    let width = row.len();
    let (two, one) = (&two[..width + 4], &one[..width + 4]);
    vectorised(
        #[inline(always)]
        || {
            for x in 0..width {
                let ways = [
                    two[x + 1] + KNIGHT,
                    two[x + 3] + KNIGHT,
                    one[x] + KNIGHT,
                    one[x + 1] + DIAGONAL,
                    one[x + 2] + STRAIGHT,
                    one[x + 3] + DIAGONAL,
                    one[x + 4] + KNIGHT,
                ];
                let mut least = row[x];
                for way in ways {
                    least = if way < least { way } else { least };
                }
                row[x] = least;
            }
        },
    );
}
