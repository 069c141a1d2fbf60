//! Labelled u8 images with the study's order of steps: augmentation, corruption, float,
//! gray, normalisation (training.md 1.1). Invariant: the set itself is never changed.

use striate_data::augment::AugmentConfig;
use striate_data::{ImageSet, Preprocess};
use striate_random::Stream;

use super::ImageSource;
use crate::error::SourceError;
use crate::{Error, Result};

/// Changes a u8 image at random after the augmentation: the corruptions of the Oracle.
/// It gets the image (height x width x channels), its height and width, its channels,
/// the stream of the image, and writes the result.
pub type Distort<'a> = dyn Fn(&[u8], (usize, usize), usize, &mut Stream, &mut [u8]) -> Result<(), SourceError>
    + Send
    + Sync
    + 'a;

/// An image set as a source.
pub struct SetImages<'a> {
    set: &'a ImageSet,
    preprocess: Preprocess,
    augment: Option<AugmentConfig>,
    distort: Option<Box<Distort<'a>>>,
}

impl<'a> SetImages<'a> {
    /// The images as they are, normalised.
    ///
    /// # Errors
    ///
    /// If the preprocessing does not fit the channels of the set.
    pub fn new(set: &'a ImageSet, preprocess: Preprocess) -> Result<Self> {
        let channels = set.images.channels;
        let fits = if preprocess.gray {
            preprocess.channels() == 1
        } else {
            preprocess.channels() == channels
        };
        if !fits {
            return Err(Error::shape(
                "channels after the preprocessing",
                if preprocess.gray { 1 } else { channels },
                preprocess.channels(),
            ));
        }
        Ok(Self {
            set,
            preprocess,
            augment: None,
            distort: None,
        })
    }

    /// Augments each image as it is loaded.
    ///
    /// # Errors
    ///
    /// If a parameter is out of its range.
    pub fn with_augmentation(mut self, augment: AugmentConfig) -> Result<Self> {
        augment
            .validate()
            .map_err(|e| Error::field("augment", "parameters in range", e))?;
        self.augment = Some(augment);
        Ok(self)
    }

    /// Distorts each image after its augmentation.
    #[must_use]
    pub fn with_distortion(mut self, distort: Box<Distort<'a>>) -> Self {
        self.distort = Some(distort);
        self
    }
}

impl ImageSource for SetImages<'_> {
    fn len(&self) -> usize {
        self.set.len()
    }

    fn shape(&self) -> [usize; 3] {
        let images = &self.set.images;
        [images.height, images.width, self.preprocess.channels()]
    }

    fn classes(&self) -> usize {
        self.set.classes()
    }

    fn label(&self, index: usize) -> u32 {
        self.set.labels[index]
    }

    fn load(&self, index: usize, stream: &mut Stream, out: &mut [f32]) -> Result<(), SourceError> {
        let images = &self.set.images;
        let size = (images.height, images.width);
        let original = images.get(index);
        let mut augmented = Vec::new();
        let mut distorted = Vec::new();
        let mut image = original;
        if let Some(augment) = &self.augment {
            augmented.resize(original.len(), 0);
            augment.augment(stream, image, size, &mut augmented)?;
            image = &augmented;
        }
        if let Some(distort) = &self.distort {
            distorted.resize(original.len(), 0);
            distort(image, size, images.channels, stream, &mut distorted)?;
            image = &distorted;
        }
        self.preprocess.apply(image, images.channels, out)?;
        Ok(())
    }
}
