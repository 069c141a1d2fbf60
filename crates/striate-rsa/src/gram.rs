//! Sums of products between all pairs of images, accumulated in f64 over blocks
//! of features. Invariant: each entry is summed in the order of the features,
//! whatever the number of threads, so results do not depend on it.

use rayon::prelude::*;

/// Images that one micro-kernel handles per side.
const LANES: usize = 4;
/// Features per packed block: 4 images x 512 features of f64 fill half of a
/// 32 KiB first-level cache.
const BLOCK: usize = 512;

/// The symmetric matrix of inner products, upper triangle of a square.
pub(crate) struct Gram {
    images: usize,
    /// `padded x padded`, by tiles of `LANES x LANES`.
    tiles: Vec<[f64; LANES * LANES]>,
    groups: usize,
}

impl Gram {
    pub(crate) fn new(images: usize) -> Self {
        let groups = images.div_ceil(LANES);
        Self {
            images,
            tiles: vec![[0.0; LANES * LANES]; groups * groups],
            groups,
        }
    }

    /// Adds the products of further features.
    ///
    /// `fill(image, range, out)` writes the features of one image.
    pub(crate) fn add(
        &mut self,
        features: usize,
        fill: impl Fn(usize, std::ops::Range<usize>, &mut [f64]) + Sync,
    ) {
        let images = self.images;
        let mut packed = vec![0.0; self.groups * LANES * BLOCK];
        for start in (0..features).step_by(BLOCK) {
            let range = start..(start + BLOCK).min(features);
            let width = range.len();
            packed
                .par_chunks_mut(LANES * BLOCK)
                .enumerate()
                .for_each(|(group, panel)| {
                    let mut row = [0.0; BLOCK];
                    for lane in 0..LANES {
                        let image = group * LANES + lane;
                        if image < images {
                            fill(image, range.clone(), &mut row[..width]);
                        } else {
                            row[..width].fill(0.0);
                        }
                        for (slot, value) in panel.chunks_exact_mut(LANES).zip(&row[..width]) {
                            slot[lane] = *value;
                        }
                    }
                });
            self.multiply(&packed, width);
        }
    }

    fn multiply(&mut self, packed: &[f64], width: usize) {
        let groups = self.groups;
        let panel = |group: usize| {
            let start = group * LANES * BLOCK;
            &packed[start..start + LANES * width]
        };
        self.tiles
            .par_chunks_mut(groups)
            .enumerate()
            .with_max_len(1)
            .for_each(|(i, row)| {
                let a = panel(i);
                for (j, tile) in row.iter_mut().enumerate().skip(i) {
                    kernel(a, panel(j), tile);
                }
            });
    }

    /// The inner product of two images.
    pub(crate) fn get(&self, i: usize, j: usize) -> f64 {
        let (i, j) = (i.min(j), i.max(j));
        let tile = &self.tiles[(i / LANES) * self.groups + j / LANES];
        tile[(i % LANES) * LANES + j % LANES]
    }
}

/// Adds the products of two packed panels.
fn kernel(a: &[f64], b: &[f64], out: &mut [f64; LANES * LANES]) {
    let mut sums = [[0.0; LANES]; LANES];
    for (x, y) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for (row, x) in sums.iter_mut().zip(x) {
            for (sum, y) in row.iter_mut().zip(y) {
                *sum += x * y;
            }
        }
    }
    for (total, sum) in out.iter_mut().zip(sums.as_flattened()) {
        *total += sum;
    }
}
