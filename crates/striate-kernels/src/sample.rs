//! Bilinear samples of a map at real coordinates, for the Gaussian readout
//! (training.md 4.2). Invariant: pixels outside of the map count as zero.

use rayon::prelude::*;

use crate::error::{Result, check_length};
use crate::map::MapShape;

/// Which coordinates of the grid are the map's border.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Corners {
    /// -1 and 1 are the centres of the outermost pixels (torch: `align_corners=True`).
    #[default]
    Aligned,
    /// -1 and 1 are the outer edges of the outermost pixels.
    Edges,
}

impl Corners {
    /// The pixel coordinate of grid coordinate `g` and the derivative by `g`.
    fn pixel(self, g: f32, size: usize) -> (f32, f32) {
        let size = size as f32;
        match self {
            Self::Aligned => ((g + 1.0) * 0.5 * (size - 1.0), 0.5 * (size - 1.0)),
            Self::Edges => (((g + 1.0) * size - 1.0) * 0.5, 0.5 * size),
        }
    }
}

/// The four neighbours of a sample.
struct Neighbours {
    /// Offset of each neighbour's channels in its image, or `None` outside.
    /// Order: (x0, y0), (x1, y0), (x0, y1), (x1, y1).
    offset: [Option<usize>; 4],
    /// Fractions of the way to x1 and y1.
    fraction: [f32; 2],
    /// Pixels per unit of the grid, along x and y.
    scale: [f32; 2],
}

impl Neighbours {
    fn at(shape: &MapShape, corners: Corners, grid: &[f32]) -> Self {
        let (x, scale_x) = corners.pixel(grid[0], shape.width);
        let (y, scale_y) = corners.pixel(grid[1], shape.height);
        let (x0, y0) = (x.floor(), y.floor());
        let inside = |at: f32, size: usize| (at >= 0.0 && at < size as f32).then_some(at as usize);
        let offset = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)].map(|(dx, dy)| {
            let x = inside(x0 + dx, shape.width)?;
            let y = inside(y0 + dy, shape.height)?;
            Some((y * shape.width + x) * shape.channels)
        });
        Self {
            offset,
            fraction: [x - x0, y - y0],
            scale: [scale_x, scale_y],
        }
    }

    fn weights(&self) -> [f32; 4] {
        let [x, y] = self.fraction;
        [(1.0 - x) * (1.0 - y), x * (1.0 - y), (1.0 - x) * y, x * y]
    }
}

fn check(
    kernel: &'static str,
    shape: &MapShape,
    points: usize,
    lengths: [(&'static str, usize); 3],
) -> Result<()> {
    let [map, grid, out] = lengths;
    check_length(kernel, map.0, map.1, shape.len())?;
    check_length(kernel, grid.0, grid.1, shape.batch * points * 2)?;
    check_length(kernel, out.0, out.1, shape.batch * points * shape.channels)
}

/// Samples each image of `map` at `points` places.
///
/// # Shapes
///
/// `map` as `shape`, `grid` `[batch, points, 2]` of (x, y) in [-1, 1] (beyond it
/// the zero padding shows), `out` `[batch, points, channels]` (overwritten).
///
/// # Errors
///
/// A length that does not fit.
pub fn bilinear_sample_forward(
    shape: &MapShape,
    points: usize,
    corners: Corners,
    map: &[f32],
    grid: &[f32],
    out: &mut [f32],
) -> Result<()> {
    let lengths = [("map", map.len()), ("grid", grid.len()), ("out", out.len())];
    check("bilinear_sample_forward", shape, points, lengths)?;
    let channels = shape.channels;
    out.par_chunks_mut(channels)
        .zip(grid.par_chunks(2))
        .enumerate()
        .with_min_len(16)
        .for_each(|(i, (out, grid))| {
            let image = &map[i / points * shape.image_len()..][..shape.image_len()];
            let neighbours = Neighbours::at(shape, corners, grid);
            out.fill(0.0);
            for (offset, weight) in neighbours.offset.iter().zip(neighbours.weights()) {
                if let Some(offset) = offset {
                    for (out, value) in out.iter_mut().zip(&image[*offset..][..channels]) {
                        *out += weight * value;
                    }
                }
            }
        });
    Ok(())
}

/// The gradients of [`bilinear_sample_forward`]. The integer parts of the
/// coordinates are constants, as in torch's `grid_sample`.
///
/// # Shapes
///
/// `map`, `grid` as in the forward pass, `grad_out` as its output; `grad_map`
/// as `map` and `grad_grid` as `grid` (overwritten).
///
/// # Errors
///
/// A length that does not fit.
pub fn bilinear_sample_backward(
    shape: &MapShape,
    points: usize,
    corners: Corners,
    map: &[f32],
    grid: &[f32],
    grad_out: &[f32],
    grad_map: &mut [f32],
    grad_grid: &mut [f32],
) -> Result<()> {
    const NAME: &str = "bilinear_sample_backward";
    let lengths = [
        ("map", map.len()),
        ("grid", grid.len()),
        ("grad_out", grad_out.len()),
    ];
    check(NAME, shape, points, lengths)?;
    check_length(NAME, "grad_map", grad_map.len(), map.len())?;
    check_length(NAME, "grad_grid", grad_grid.len(), grid.len())?;
    if points == 0 {
        grad_map.fill(0.0);
        return Ok(());
    }
    let (channels, image_len) = (shape.channels, shape.image_len());
    // One image is one task: its points are added in their order.
    grad_map
        .par_chunks_mut(image_len)
        .zip(grad_grid.par_chunks_mut(2 * points))
        .enumerate()
        .for_each(|(image, (grad_map, grad_grid))| {
            grad_map.fill(0.0);
            let map = &map[image * image_len..][..image_len];
            let grid = &grid[image * 2 * points..][..2 * points];
            let grad_out = &grad_out[image * points * channels..][..points * channels];
            let values = grid.chunks_exact(2).zip(grad_out.chunks_exact(channels));
            for (grad_grid, (grid, grad_out)) in grad_grid.chunks_exact_mut(2).zip(values) {
                let neighbours = Neighbours::at(shape, corners, grid);
                let weights = neighbours.weights();
                // The gradient by each neighbour's weight.
                let mut by_weight = [0.0f64; 4];
                for (i, offset) in neighbours.offset.iter().enumerate() {
                    let Some(offset) = *offset else { continue };
                    let target = &mut grad_map[offset..offset + channels];
                    let source = &map[offset..offset + channels];
                    for ((target, value), g) in target.iter_mut().zip(source).zip(grad_out) {
                        *target += weights[i] * g;
                        by_weight[i] += f64::from(value * g);
                    }
                }
                let [x, y] = neighbours.fraction.map(f64::from);
                let [w00, w10, w01, w11] = by_weight;
                let by_x = (w10 - w00) * (1.0 - y) + (w11 - w01) * y;
                let by_y = (w01 - w00) * (1.0 - x) + (w11 - w10) * x;
                grad_grid[0] = by_x as f32 * neighbours.scale[0];
                grad_grid[1] = by_y as f32 * neighbours.scale[1];
            }
        });
    Ok(())
}

#[cfg(test)]
mod tests;
