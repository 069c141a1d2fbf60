//! Many images on all cores.
//!
//! Invariant: the result is the same for any number of threads, because each
//! image has its own stream.

use rayon::prelude::*;
use striate_random::Seed;

use crate::picture::ImageRef;
use crate::{Corruption, Corruptor, Error, Random, Result, Severity, Table};

/// A batch of equally large images, `count x height x width x channels`.
#[derive(Clone, Copy, Debug)]
pub struct BatchRef<'a> {
    /// The bytes of all images.
    pub pixels_u8: &'a [u8],
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (gray) or 3 (RGB).
    pub channels: usize,
}

/// Corrupts each image of a batch by one corruption at one severity.
///
/// Image `i` draws from `Random::counter(seed, first_id + i, ...)`.
///
/// # Errors
///
/// If the batch is not a whole number of images, an image is smaller than
/// 16 px or has neither 1 nor 3 channels, or `out` has another length than the batch.
pub fn corrupt_batch(
    table: Table,
    batch: BatchRef<'_>,
    corruption: Corruption,
    severity: Severity,
    seed: &Seed,
    first_id: u64,
    out: &mut [u8],
) -> Result<()> {
    let BatchRef {
        pixels_u8,
        height,
        width,
        channels,
    } = batch;
    let size = height.saturating_mul(width).saturating_mul(channels);
    if size == 0 || !pixels_u8.len().is_multiple_of(size) {
        return Err(Error::Length {
            what: "batch",
            found: pixels_u8.len(),
            expected: size,
        });
    }
    if out.len() != pixels_u8.len() {
        return Err(Error::Length {
            what: "output",
            found: out.len(),
            expected: pixels_u8.len(),
        });
    }
    out.par_chunks_exact_mut(size)
        .zip(pixels_u8.par_chunks_exact(size))
        .enumerate()
        .try_for_each_init(
            || Corruptor::new(table),
            |corruptor, (i, (out, pixels))| {
                let image = ImageRef::new(pixels, height, width, channels)?;
                let mut random = Random::counter(seed, first_id + i as u64, corruption, severity);
                corruptor.corrupt(image, corruption, severity, &mut random, out)
            },
        )
}
