//! The images of a training pass: augmented, corrupted, gray, normalised.

use rayon::prelude::*;
use serde::Serialize;
use striate_corruptions::{Corruption, Corruptor, ImageRef, Random, Severity, Table};
use striate_data::augment::AugmentConfig;
use striate_data::{ImageSet, Preprocess};
use striate_random::{Seed, Stream};

use crate::Result;

/// What the Oracle's images go through (reference/training.md 8.1). A type of its
/// own, so that corruptions of training and of the benchmark are never mixed up.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Corrupted {
    /// Probability that an image stays clean.
    pub(crate) clean_probability: f64,
    /// Else one of these, all equally likely, at any severity.
    pub(crate) corruptions: Vec<Corruption>,
    /// Their constants.
    pub(crate) table: Table,
}

impl Corrupted {
    /// Draws what happens to an image; `None` if it stays clean.
    fn draw(&self, stream: &mut Stream) -> Result<Option<(Corruption, Severity)>> {
        if stream.chance(self.clean_probability) || self.corruptions.is_empty() {
            return Ok(None);
        }
        let corruption = self.corruptions[stream.below(self.corruptions.len())];
        Ok(Some((corruption, Severity::new(1 + stream.below(5) as u8)?)))
    }
}

/// Training images: augmented, perhaps corrupted, then gray and normalised
/// (reference/training.md 1.1, in that order).
pub(crate) struct TrainingImages<'a> {
    pub(crate) set: &'a ImageSet,
    pub(crate) preprocess: &'a Preprocess,
    /// `None` for validation.
    pub(crate) augment: Option<&'a AugmentConfig>,
    pub(crate) corrupted: Option<&'a Corrupted>,
}

/// What a thread needs to make an image.
struct Scratch {
    augmented: Vec<u8>,
    corrupted: Vec<u8>,
    corruptor: Option<Corruptor>,
}

impl TrainingImages<'_> {
    /// The images of a batch, `[n, height, width, 1]`. Each image of each pass has
    /// a random stream of its own.
    pub(crate) fn batch(&self, indices: &[usize], pass: &Seed) -> Result<Vec<f32>> {
        let images = &self.set.images;
        let len = images.height * images.width;
        let mut out = vec![0.0; indices.len() * len];
        let scratch = || Scratch {
            augmented: vec![0; images.image_len()],
            corrupted: vec![0; images.image_len()],
            corruptor: self.corrupted.map(|c| Corruptor::new(c.table)),
        };
        out.par_chunks_exact_mut(len)
            .zip(indices)
            .try_for_each_init(scratch, |scratch, (out, index)| self.image(*index, pass, scratch, out))?;
        Ok(out)
    }

    fn image(&self, index: usize, pass: &Seed, scratch: &mut Scratch, out: &mut [f32]) -> Result<()> {
        let images = &self.set.images;
        let (height, width, channels) = (images.height, images.width, images.channels);
        let mut stream = pass.index(index as u64).stream();
        let mut pixels = images.get(index);
        if let Some(augment) = self.augment {
            augment.augment(&mut stream, pixels, (height, width), &mut scratch.augmented)?;
            pixels = &scratch.augmented;
        }
        if let (Some(corrupted), Some(corruptor)) = (self.corrupted, &mut scratch.corruptor)
            && let Some((corruption, severity)) = corrupted.draw(&mut stream)?
        {
            let seed = pass.child("corruption");
            let mut random = Random::counter(&seed, index as u64, corruption, severity);
            let image = ImageRef::new(pixels, height, width, channels)?;
            corruptor.corrupt(image, corruption, severity, &mut random, &mut scratch.corrupted)?;
            pixels = &scratch.corrupted;
        }
        Ok(self.preprocess.apply(pixels, channels, out)?)
    }
}
