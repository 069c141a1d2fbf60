//! What can go wrong. Invariant: each message names the place, what was expected and what was found.

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a map could not be made or compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Two maps, or a map and its values, differ in size.
    #[error("{what}: expected {expected}, found {found}")]
    Size {
        /// Which map.
        what: String,
        /// The size that the others ask for.
        expected: String,
        /// The size that was given.
        found: String,
    },
    /// A map holds a value that is not finite, or below zero where a density is needed.
    #[error("{what}: expected {expected}, found {value} at row {row}, column {column}")]
    Value {
        /// Which map.
        what: String,
        /// Its range, in words.
        expected: &'static str,
        /// The value.
        value: f64,
        /// Row of the first such value.
        row: usize,
        /// Column of the first such value.
        column: usize,
    },
    /// Probabilities do not sum to one.
    #[error("{what}: expected probabilities that sum to 1, found a sum of {sum}")]
    Sum {
        /// Which map.
        what: String,
        /// Their sum.
        sum: f64,
    },
    /// A metric has no value on these maps.
    #[error("{metric}: undefined, because {reason}")]
    Undefined {
        /// The metric.
        metric: &'static str,
        /// Which quantity is degenerate.
        reason: String,
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
    /// The images are not a batch `[images, height, width, channels]` of f32.
    #[error(
        "images: expected f32 [images, height, width, channels], none of them 0, found {found}"
    )]
    Images {
        /// Type and shape of what was given.
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
    /// The features do not depend on the image.
    #[error("features of the network: expected a gradient with respect to the image, found none")]
    NoGradient,
    /// The network, or a tensor operation of this crate, failed.
    #[error("network or tensor operation: {0}")]
    Candle(#[from] candle_core::Error),
}
