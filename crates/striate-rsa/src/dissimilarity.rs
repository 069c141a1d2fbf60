//! Dissimilarities that follow from inner products, in one pass over features.
//! Invariant: memory grows with the square of the images and not with the
//! features, and the result does not depend on how features are cut into chunks
//! (up to rounding) nor on threads (exactly).

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::gram::Gram;
use crate::{Error, Features, Rdm, Result};

/// How unlike two images are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dissimilarity {
    /// One minus the Pearson correlation over features: variant P of
    /// `analyses.md` 2. Blind to affine changes of an image's features.
    Correlation,
    /// One minus the cosine after each feature's mean over images was
    /// subtracted: variant C, the similarity of Li et al. 2019. Blind to a
    /// constant vector added to all images. The default of `analyses.md` 2.
    #[default]
    CentredCosine,
    /// One minus the cosine.
    Cosine,
    /// Squared Euclidean distance divided by the number of features, as
    /// rsatoolbox's `euclidean`.
    SquaredEuclidean,
    /// The square root of the above.
    Euclidean,
}

const NAMES: [(&str, Dissimilarity); 5] = [
    ("correlation", Dissimilarity::Correlation),
    ("centred-cosine", Dissimilarity::CentredCosine),
    ("cosine", Dissimilarity::Cosine),
    ("squared-euclidean", Dissimilarity::SquaredEuclidean),
    ("euclidean", Dissimilarity::Euclidean),
];

impl Dissimilarity {
    /// The name in configurations and on the command line.
    pub fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(_, d)| *d == self)
            .map_or("", |(name, _)| name)
    }
}

impl FromStr for Dissimilarity {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let found = NAMES.iter().find(|(n, _)| *n == name);
        found.map(|(_, d)| *d).ok_or_else(|| Error::Unknown {
            kind: "dissimilarity",
            name: name.to_owned(),
            known: NAMES.map(|(n, _)| n).join(", "),
        })
    }
}

/// Builds a matrix from features that come in chunks, e.g. one layer after the
/// other, or columns of a file larger than memory.
pub struct RdmBuilder {
    dissimilarity: Dissimilarity,
    images: usize,
    features: usize,
    gram: Gram,
    /// Per image: sum of its features after the shift.
    sums: Vec<f64>,
    /// Per image: a first guess of its mean, subtracted so that the variance
    /// does not drown in the mean's square.
    shifts: Option<Vec<f64>>,
}

impl RdmBuilder {
    /// For a number of images.
    pub fn new(images: usize, dissimilarity: Dissimilarity) -> Self {
        Self {
            dissimilarity,
            images,
            features: 0,
            gram: Gram::new(images),
            sums: vec![0.0; images],
            shifts: None,
        }
    }

    /// Adds further features of the same images.
    ///
    /// # Errors
    ///
    /// If the chunk has another number of images.
    pub fn push(&mut self, chunk: &Features<'_>) -> Result<()> {
        if chunk.images() != self.images {
            return Err(Error::Length {
                what: "images of a chunk of features".to_owned(),
                expected: self.images,
                found: chunk.images(),
            });
        }
        self.features += chunk.features();
        match self.dissimilarity {
            Dissimilarity::Correlation => self.push_shifted(chunk),
            Dissimilarity::Cosine => self.gram.add(chunk.features(), |image, range, out| {
                for (out, value) in out.iter_mut().zip(&chunk.image(image)[range]) {
                    *out = f64::from(*value);
                }
            }),
            // Distances do not change when all images move together, and the
            // products lose fewer digits when they move to the centre.
            Dissimilarity::CentredCosine
            | Dissimilarity::SquaredEuclidean
            | Dissimilarity::Euclidean => add_centred(&mut self.gram, chunk),
        }
        Ok(())
    }

    fn push_shifted(&mut self, chunk: &Features<'_>) {
        let width = chunk.features() as f64;
        let shifts = self.shifts.get_or_insert_with(|| {
            let means = (0..chunk.images()).map(|i| sum(chunk.image(i), 0.0) / width);
            means.collect()
        });
        for (image, total) in self.sums.iter_mut().enumerate() {
            *total += sum(chunk.image(image), shifts[image]);
        }
        let shifts = &*shifts;
        self.gram.add(chunk.features(), |image, range, out| {
            for (out, value) in out.iter_mut().zip(&chunk.image(image)[range]) {
                *out = f64::from(*value) - shifts[image];
            }
        });
    }

    /// The matrix of everything pushed.
    ///
    /// # Errors
    ///
    /// No features; for correlation and cosines an image without variation
    /// (constant, zero, or equal to the mean image), which has no direction.
    pub fn finish(self) -> Result<Rdm> {
        if self.features == 0 {
            return Err(Error::TooFew {
                analysis: "a dissimilarity matrix",
                unit: "feature",
                needed: 1,
                found: 0,
            });
        }
        let count = self.features as f64;
        let product = |i: usize, j: usize| {
            let raw = self.gram.get(i, j);
            match self.dissimilarity {
                Dissimilarity::Correlation => raw - self.sums[i] * self.sums[j] / count,
                _ => raw,
            }
        };
        let squares: Vec<f64> = (0..self.images).map(|i| product(i, i)).collect();
        let angular = matches!(
            self.dissimilarity,
            Dissimilarity::Correlation | Dissimilarity::CentredCosine | Dissimilarity::Cosine
        );
        if angular {
            self.check_directions(&squares)?;
        }
        let mut values = Vec::with_capacity(self.images * (self.images - 1) / 2);
        for i in 0..self.images {
            for j in i + 1..self.images {
                let value = if angular {
                    let cosine = product(i, j) / (squares[i] * squares[j]).sqrt();
                    1.0 - cosine.clamp(-1.0, 1.0)
                } else {
                    let square = (squares[i] + squares[j] - 2.0 * product(i, j)).max(0.0) / count;
                    match self.dissimilarity {
                        Dissimilarity::Euclidean => square.sqrt(),
                        _ => square,
                    }
                };
                values.push(value);
            }
        }
        Rdm::from_condensed(values, self.images)
    }

    fn check_directions(&self, squares: &[f64]) -> Result<()> {
        let largest = squares.iter().fold(0.0_f64, |m, s| m.max(*s));
        let (what, floor) = match self.dissimilarity {
            // Rounding leaves about 1e-16 of the square of the mean.
            Dissimilarity::Correlation => ("constant features", 1e-20),
            Dissimilarity::CentredCosine => ("features equal to the mean over images", 1e-20),
            _ => ("all features zero", 0.0),
        };
        match squares.iter().position(|s| *s <= floor * largest) {
            None => Ok(()),
            Some(image) => Err(Error::Undefined {
                what,
                image,
                dissimilarity: self.dissimilarity.name(),
            }),
        }
    }
}

impl Rdm {
    /// The matrix of a network's features.
    ///
    /// Products are accumulated in f64. Memory: the features as given, 8 bytes
    /// per pair of images twice, and 4 KiB per image.
    ///
    /// # Errors
    ///
    /// As [`RdmBuilder::finish`].
    pub fn from_features(features: &Features<'_>, dissimilarity: Dissimilarity) -> Result<Self> {
        let mut builder = RdmBuilder::new(features.images(), dissimilarity);
        builder.push(features)?;
        builder.finish()
    }
}

/// Adds products of features centred over images.
pub(crate) fn add_centred(gram: &mut Gram, chunk: &Features<'_>) {
    let mut means = vec![0.0; chunk.features()];
    for image in 0..chunk.images() {
        for (mean, value) in means.iter_mut().zip(chunk.image(image)) {
            *mean += f64::from(*value);
        }
    }
    let count = chunk.images() as f64;
    means.iter_mut().for_each(|m| *m /= count);
    gram.add(chunk.features(), |image, range, out| {
        let values = &chunk.image(image)[range.clone()];
        for ((out, value), mean) in out.iter_mut().zip(values).zip(&means[range]) {
            *out = f64::from(*value) - mean;
        }
    });
}

fn sum(values: &[f32], shift: f64) -> f64 {
    values.iter().map(|v| f64::from(*v) - shift).sum()
}

#[cfg(test)]
mod tests;
