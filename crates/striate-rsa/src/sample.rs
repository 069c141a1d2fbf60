//! A bootstrap sample of images. Invariant: a pair of copies of one image never
//! enters: its dissimilarity of zero is trivial to predict (rsatoolbox marks such
//! pairs as missing). A sample is stored as its distinct images with
//! multiplicities, so a pair of images that were drawn a and b times weighs a b.

use crate::compare::Dense;
use crate::{Error, Result};

/// Distinct images, their multiplicities, and the weights of their pairs.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Distinct images, sorted.
    images: Vec<usize>,
    /// How often each was drawn.
    pub(crate) multiplicity: Vec<f64>,
    /// Per pair of distinct images, condensed.
    pub(crate) weights: Vec<f64>,
    /// Sum of the weights: the number of pairs in the sample.
    pub(crate) total: f64,
    of: usize,
}

impl Sample {
    /// Every image once.
    pub(crate) fn full(images: usize) -> Self {
        Self {
            images: (0..images).collect(),
            multiplicity: vec![1.0; images],
            weights: vec![1.0; images * (images - 1) / 2],
            total: (images * (images - 1) / 2) as f64,
            of: images,
        }
    }

    /// A draw with replacement of images below `of`.
    pub(crate) fn of_draw(draw: &[usize], of: usize) -> Self {
        let mut counts = vec![0_u32; of];
        for image in draw {
            counts[*image] += 1;
        }
        let images: Vec<usize> = (0..of).filter(|i| counts[*i] > 0).collect();
        let multiplicity: Vec<f64> = images.iter().map(|i| f64::from(counts[*i])).collect();
        let mut weights = Vec::with_capacity(images.len() * images.len().saturating_sub(1) / 2);
        for (k, m) in multiplicity.iter().enumerate() {
            weights.extend(multiplicity[k + 1..].iter().map(|other| m * other));
        }
        let total = weights.iter().sum();
        Self {
            images,
            multiplicity,
            weights,
            total,
            of,
        }
    }

    /// As [`Sample::of_draw`], with the draw checked.
    pub(crate) fn checked(draw: &[usize], of: usize) -> Result<Self> {
        if let Some(image) = draw.iter().find(|image| **image >= of) {
            return Err(Error::Setting {
                name: "index of a drawn image",
                value: *image as f64,
                expected: "below the number of images",
            });
        }
        let sample = Self::of_draw(draw, of);
        if sample.images.len() < 3 {
            return Err(Error::TooFew {
                analysis: "a comparison of matrices in a draw",
                unit: "different images",
                needed: 3,
                found: sample.images.len(),
            });
        }
        Ok(sample)
    }

    /// Whether it is every image once.
    fn is_full(&self) -> bool {
        self.images.len() == self.of && self.total == (self.of * (self.of - 1) / 2) as f64
    }

    /// The entries of a condensed matrix over all images that are in the sample.
    pub(crate) fn gather<T: Copy>(&self, values: &[T]) -> Vec<T> {
        if self.is_full() {
            return values.to_vec();
        }
        let mut out = Vec::with_capacity(self.weights.len());
        for (k, i) in self.images.iter().enumerate() {
            // Entry (i, i + 1) is the first of its row.
            let row = &values[i * (2 * self.of - i - 1) / 2..];
            out.extend(self.images[k + 1..].iter().map(|j| row[j - i - 1]));
        }
        out
    }
}

/// A matrix made ready for one comparator.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// The entries, transformed if the comparator wants it.
    pub(crate) values: Vec<f64>,
    /// Their ranks, for rank comparators.
    pub(crate) dense: Option<Dense>,
}

impl Prepared {
    pub(crate) fn new(values: Vec<f64>, ranked: bool) -> Self {
        Self {
            dense: ranked.then(|| Dense::of(&values)),
            values,
        }
    }
}
