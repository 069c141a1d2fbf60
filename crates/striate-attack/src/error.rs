//! What can go wrong. Invariant: each message names the place, what was expected and what was found.

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an attack could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The images are not a batch `[images, height, width, channels]` of f32.
    #[error(
        "images: expected f32 [images, height, width, channels], none of them 0, found {found}"
    )]
    Images {
        /// Type and shape of what was given.
        found: String,
    },
    /// A pixel is out of its range.
    #[error("image {id}: expected pixels in [0, 1], found {value}")]
    Pixel {
        /// The image.
        id: u64,
        /// Its first pixel that is out of the range.
        value: f32,
    },
    /// Two inputs that belong together have different lengths.
    #[error("{what}: expected {expected} values, found {found}")]
    Length {
        /// Which input.
        what: &'static str,
        /// The number of images.
        expected: usize,
        /// The length that was given.
        found: usize,
    },
    /// A setting is out of its range.
    #[error("{name}: expected {expected}, found {found}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its range, in words.
        expected: &'static str,
        /// The value that was given.
        found: String,
    },
    /// The network does not give one row of at least two scores for each image.
    #[error("class scores: expected [{images}, 2 or more], found shape {found:?}")]
    Scores {
        /// How many images went in.
        images: usize,
        /// The shape that came out.
        found: Vec<usize>,
    },
    /// The network's class scores, or their gradient, are not numbers.
    #[error("{what} of image {id}: not finite")]
    NotFinite {
        /// Scores or gradient.
        what: &'static str,
        /// The image.
        id: u64,
    },
    /// The class scores do not depend on the image, so there is nothing to follow.
    #[error("class scores: expected a gradient with respect to the image, found none")]
    NoGradient,
    /// The observer asked to stop.
    #[error("interrupted by the caller after {finished} of {total} images")]
    Interrupted {
        /// Images that were complete.
        finished: usize,
        /// Images that were to be attacked.
        total: usize,
    },
    /// The network, or a tensor operation of this crate, failed.
    #[error("network or tensor operation: {0}")]
    Candle(#[from] candle_core::Error),
}
