//! Images of one size in one buffer, and labelled sets of them. Invariant: the
//! buffer holds exactly `count x height x width x channels` bytes, and a set has
//! one label and one id for each image, each label below the number of classes.

use std::collections::BTreeMap;

use crate::{Error, Result};

/// Images of one size: u8, interleaved, one after the other.
///
/// # Shapes
///
/// `pixels_u8` is `[count, height, width, channels]`, channels 1 (gray) or 3 (RGB).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// Number of images.
    pub count: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// 1 for gray, 3 for RGB.
    pub channels: usize,
    /// The pixels, 0..=255.
    pub pixels_u8: Vec<u8>,
}

impl Images {
    /// Images from their pixels.
    ///
    /// # Errors
    ///
    /// If the buffer's length is not the product of the sizes.
    pub fn new(
        count: usize,
        height: usize,
        width: usize,
        channels: usize,
        pixels_u8: Vec<u8>,
    ) -> Result<Self> {
        let expected = [height, width, channels]
            .iter()
            .try_fold(count, |product, n| product.checked_mul(*n));
        if expected != Some(pixels_u8.len()) {
            return Err(Error::argument(
                "pixels_u8",
                format!("{count} x {height} x {width} x {channels} bytes"),
                format!("{} bytes", pixels_u8.len()),
            ));
        }
        Ok(Self {
            count,
            height,
            width,
            channels,
            pixels_u8,
        })
    }

    /// Bytes of one image.
    pub fn image_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// The pixels of one image; empty when there is no such image.
    pub fn get(&self, index: usize) -> &[u8] {
        let len = self.image_len();
        let start = index.saturating_mul(len);
        self.pixels_u8
            .get(start..start.saturating_add(len))
            .unwrap_or_default()
    }

    /// The images one after the other.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        // An image of no pixels would make an endless chunk size of zero.
        self.pixels_u8.chunks_exact(self.image_len().max(1))
    }

    /// The images at the given places, in that order.
    ///
    /// # Errors
    ///
    /// If an index is not below the number of images.
    pub fn select(&self, indices: &[usize]) -> Result<Self> {
        let mut pixels_u8 = Vec::with_capacity(indices.len() * self.image_len());
        for &index in indices {
            if index >= self.count {
                return Err(Error::argument(
                    "index of an image",
                    format!("below {}", self.count),
                    index,
                ));
            }
            pixels_u8.extend_from_slice(self.get(index));
        }
        Ok(Self {
            count: indices.len(),
            pixels_u8,
            ..*self
        })
    }

    /// The images in PIL's 8-bit gray (one channel); gray images stay as they are.
    #[must_use]
    pub fn to_gray_u8(&self) -> Self {
        if self.channels != 3 {
            return self.clone();
        }
        let mut pixels_u8 = vec![0; self.count * self.height * self.width];
        crate::gray::rgb_to_gray_u8(&self.pixels_u8, &mut pixels_u8);
        Self {
            channels: 1,
            pixels_u8,
            ..*self
        }
    }
}

/// Labelled images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageSet {
    /// The images.
    pub images: Images,
    /// The class of each image, an index into `class_names`.
    pub labels: Vec<u32>,
    /// The classes, in the order of their labels.
    pub class_names: Vec<String>,
    /// What each image is called: unique within the set.
    pub ids: Vec<String>,
}

impl ImageSet {
    /// A set from its parts.
    ///
    /// # Errors
    ///
    /// If there is not one label and one id for each image, if a label is not a
    /// class, or if two images share an id.
    pub fn new(
        images: Images,
        labels: Vec<u32>,
        class_names: Vec<String>,
        ids: Vec<String>,
    ) -> Result<Self> {
        for (name, len) in [("labels", labels.len()), ("ids", ids.len())] {
            if len != images.count {
                return Err(Error::argument(
                    name,
                    format!("one for each of {} images", images.count),
                    len,
                ));
            }
        }
        if let Some((index, label)) = labels
            .iter()
            .enumerate()
            .find(|(_, label)| **label as usize >= class_names.len())
        {
            return Err(Error::argument(
                format!("label of image {index} ({})", ids[index]),
                format!("below {} classes", class_names.len()),
                label,
            ));
        }
        let mut seen = BTreeMap::new();
        for (index, id) in ids.iter().enumerate() {
            if let Some(first) = seen.insert(id, index) {
                return Err(Error::argument(
                    "ids",
                    "each image id once",
                    format!("{id:?} at {first} and at {index}"),
                ));
            }
        }
        Ok(Self {
            images,
            labels,
            class_names,
            ids,
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.images.count
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.images.count == 0
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// Number of images of each class.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes()];
        for label in &self.labels {
            if let Some(count) = counts.get_mut(*label as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// The images at the given places, in that order, with the same classes.
    ///
    /// # Errors
    ///
    /// If an index is not below the number of images, or comes twice.
    pub fn select(&self, indices: &[usize]) -> Result<Self> {
        let images = self.images.select(indices)?;
        let labels = indices.iter().map(|i| self.labels[*i]).collect();
        let ids = indices.iter().map(|i| self.ids[*i].clone()).collect();
        Self::new(images, labels, self.class_names.clone(), ids)
    }
}

#[cfg(test)]
mod tests;
