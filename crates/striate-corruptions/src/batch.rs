//! Many images on all cores.
//!
//! Invariant: the result is the same for any number of threads, because each
//! image has its own stream.

use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// Corrupts batches on the threads of the rayon pool that it is called in.
///
/// It keeps the scratch memory of each thread from batch to batch: once a thread
/// has met a corruption at a size, it allocates no more for them.
pub struct BatchCorruptor {
    threads: PerThread,
}

impl BatchCorruptor {
    /// A corruptor with the constants of `table`, for the pool of the calling thread.
    pub fn new(table: Table) -> Self {
        Self {
            threads: PerThread::new(table),
        }
    }

    /// Corrupts each image of a batch by one corruption at one severity, image
    /// `i` (from 0) with the random numbers `random(i)`.
    ///
    /// # Errors
    ///
    /// If the batch is not a whole number of images, an image is smaller than
    /// 16 px or has neither 1 nor 3 channels, or `out` has another length than the batch.
    pub fn corrupt(
        &self,
        batch: BatchRef<'_>,
        corruption: Corruption,
        severity: Severity,
        random: impl Fn(usize) -> Random + Sync,
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
            .try_for_each(|(i, (out, pixels))| {
                let image = ImageRef::new(pixels, height, width, channels)?;
                self.threads.with(|corruptor| {
                    corruptor.corrupt(image, corruption, severity, &mut random(i), out)
                })
            })
    }
}

/// Corrupts each image of a batch by one corruption at one severity.
///
/// Image `i` draws from `Random::counter(seed, first_id + i, ...)`. For one batch
/// after another, a [`BatchCorruptor`] keeps its scratch memory.
///
/// # Errors
///
/// As [`BatchCorruptor::corrupt`].
pub fn corrupt_batch(
    table: Table,
    batch: BatchRef<'_>,
    corruption: Corruption,
    severity: Severity,
    seed: &Seed,
    first_id: u64,
    out: &mut [u8],
) -> Result<()> {
    let random = |i| Random::counter(seed, first_id + i as u64, corruption, severity);
    BatchCorruptor::new(table).corrupt(batch, corruption, severity, random, out)
}

/// One [`Corruptor`] per thread.
pub(crate) struct PerThread(Vec<Mutex<Corruptor>>);

impl PerThread {
    pub(crate) fn new(table: Table) -> Self {
        let threads = rayon::current_num_threads().max(1);
        Self(
            (0..threads)
                .map(|_| Mutex::new(Corruptor::new(table)))
                .collect(),
        )
    }

    /// Lends the corruptor of the calling thread. A thread of another pool may
    /// have to wait for it: which one it gets makes no difference to the result.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Corruptor) -> R) -> R {
        let thread = rayon::current_thread_index().unwrap_or(0);
        work(&mut lock(&self.0[thread % self.0.len()]))
    }
}

/// Locks; after another thread's panic too, which is passed on elsewhere.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
