//! What can go wrong. Invariant: a message names the place, what was expected and what was found.

/// The error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A tensor operation of candle failed.
    #[error("tensor operation: {0}")]
    Candle(#[from] Box<candle_core::Error>),
    /// An input does not have the shape that a layer or an operation works on.
    #[error("{place}: expected an input of shape {expected}, found {found:?}")]
    Shape {
        /// The layer's name, or the operation.
        place: String,
        /// The shape in words and letters, such as `[batch, height, width, 64]`.
        expected: String,
        /// The shape of the input.
        found: Vec<usize>,
    },
    /// A setting is out of its range.
    #[error("{place}: expected {expected}, found {found}")]
    Config {
        /// The layer's name, or the operation.
        place: String,
        /// The admissible values.
        expected: String,
        /// The value that was given.
        found: String,
    },
    /// Two variables of one network were given the same name.
    #[error("parameter {0}: the name is already taken")]
    Duplicate(String),
    /// A saved state does not belong to this network or optimiser.
    #[error(
        "state of {place}: {} missing [{}], {} unexpected [{}], {} of another shape [{}]",
        missing.len(), missing.join(", "),
        unexpected.len(), unexpected.join(", "),
        shapes.len(), shapes.join(", ")
    )]
    State {
        /// What was being restored.
        place: &'static str,
        /// Names that the state lacks.
        missing: Vec<String>,
        /// Names that nothing here bears.
        unexpected: Vec<String>,
        /// Name, expected and found shape, in words.
        shapes: Vec<String>,
    },
    /// A kernel refused its arguments.
    #[error("{place}: {message}")]
    Kernel {
        /// The operation.
        place: &'static str,
        /// The kernel's own words.
        message: String,
    },
}

/// The result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Candle(Box::new(error))
    }
}

impl From<Error> for candle_core::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Candle(inner) => *inner,
            other => Self::wrap(other),
        }
    }
}

/// The dimensions of a rank-`R` tensor, or an error that names the place.
pub(crate) fn dims<const R: usize>(
    tensor: &candle_core::Tensor,
    place: &str,
    expected: &str,
) -> Result<[usize; R]> {
    tensor
        .dims()
        .try_into()
        .map_err(|_| shape_error(tensor, place, expected))
}

/// The error for a tensor of the wrong shape.
pub(crate) fn shape_error(
    tensor: &candle_core::Tensor,
    place: &str,
    expected: impl Into<String>,
) -> Error {
    Error::Shape {
        place: place.to_owned(),
        expected: expected.into(),
        found: tensor.dims().to_vec(),
    }
}

/// The error for a setting out of range.
pub(crate) fn config_error(place: &str, expected: &str, found: impl std::fmt::Display) -> Error {
    Error::Config {
        place: place.to_owned(),
        expected: expected.to_owned(),
        found: found.to_string(),
    }
}
