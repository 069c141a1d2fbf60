//! What can go wrong. Invariant: each message names the place, what was expected and what was found.

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a reconstruction or a metric of one failed.
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
    /// Two inputs that belong together have different lengths.
    #[error("{what}: expected {expected} values, found {found}")]
    Length {
        /// Which input.
        what: &'static str,
        /// The length that the other inputs ask for.
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
    /// The network does not give one feature vector per image.
    #[error(
        "features of the network: expected {images} images in the first dimension, found shape {found:?}"
    )]
    Features {
        /// How many images went in.
        images: usize,
        /// The shape that came out.
        found: Vec<usize>,
    },
    /// The features do not depend on the image, so there is nothing to follow.
    #[error("features of the network: expected a gradient with respect to the image, found none")]
    NoGradient,
    /// The objective is not a number.
    #[error(
        "objective of image {id} at budget {budget}: not finite at step {step}; a smaller learning rate may help"
    )]
    NotFinite {
        /// The image.
        id: u64,
        /// Its budget.
        budget: String,
        /// The update after which it was seen.
        step: usize,
    },
    /// A quantity that the metric divides by is zero.
    #[error("{metric}: undefined, because {reason}")]
    Undefined {
        /// The metric.
        metric: &'static str,
        /// Which quantity is degenerate.
        reason: &'static str,
    },
    /// The observer asked to stop.
    #[error("interrupted by the caller after {finished} of {total} reconstructions")]
    Interrupted {
        /// Reconstructions that were complete.
        finished: usize,
        /// Reconstructions that were asked for.
        total: usize,
    },
    /// The blur of the gradient, or of a map, does not fit the image.
    #[error("{0}")]
    Blur(#[from] striate_nn::Error),
    /// The network, or a tensor operation of this crate, failed.
    #[error("network or tensor operation: {0}")]
    Candle(#[from] candle_core::Error),
}
