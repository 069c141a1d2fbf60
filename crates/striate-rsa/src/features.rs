//! Features of images, borrowed. Invariant: every value is finite.

use crate::{Error, Result};

/// What a network or a population answers to each image.
///
/// # Shapes
///
/// `images x features`, row-major: all features of the first image come first.
#[derive(Clone, Copy, Debug)]
pub struct Features<'a> {
    values: &'a [f32],
    images: usize,
    features: usize,
}

impl<'a> Features<'a> {
    /// Wraps and checks `images x features` values.
    ///
    /// # Errors
    ///
    /// A length that does not fit, no features, fewer than two images, and the
    /// first value that is NaN or infinite, naming its image.
    pub fn new(values: &'a [f32], images: usize, features: usize) -> Result<Self> {
        let expected = images * features;
        if values.len() != expected {
            return Err(Error::Length {
                what: format!("features of {images} images x {features} features"),
                expected,
                found: values.len(),
            });
        }
        if features == 0 {
            return Err(Error::TooFew {
                analysis: "a dissimilarity matrix",
                unit: "feature",
                needed: 1,
                found: 0,
            });
        }
        if images < 2 {
            return Err(Error::TooFew {
                analysis: "a dissimilarity matrix",
                unit: "images",
                needed: 2,
                found: images,
            });
        }
        if let Some(index) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::NotFinite {
                image: index / features,
                feature: index % features,
                value: f64::from(values[index]),
            });
        }
        Ok(Self {
            values,
            images,
            features,
        })
    }

    /// Number of images.
    pub fn images(&self) -> usize {
        self.images
    }

    /// Features per image.
    pub fn features(&self) -> usize {
        self.features
    }

    /// All features of one image.
    pub fn image(&self, image: usize) -> &'a [f32] {
        &self.values[image * self.features..(image + 1) * self.features]
    }
}
