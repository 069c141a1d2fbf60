//! The one error of the crate. Invariant: a message names the file and the
//! place in it, and where a value is wrong, what was expected and what was found.

use std::path::Path;

/// What can go wrong while reading, decoding or writing data.
///
/// Messages are fragments that fit after "failed to read the data: ".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("{place}: {source}")]
    Io {
        /// The file.
        place: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file does not hold what its format promises.
    #[error("{place}: expected {expected}, found {found}")]
    Format {
        /// The file, and the place in it.
        place: String,
        /// What the format asks for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// An encoded image cannot be decoded.
    #[error("{place}: expected a PNG or JPEG image, found one that does not decode: {reason}")]
    Image {
        /// The file, and the place in it.
        place: String,
        /// What the decoder said.
        reason: String,
    },
    /// The parquet layer refused.
    #[error("{place}: {source}")]
    Parquet {
        /// The file, and the place in it.
        place: String,
        /// Why.
        #[source]
        source: ::parquet::errors::ParquetError,
    },
    /// A configuration or an argument is out of range.
    #[error("{name}: expected {expected}, found {found}")]
    Argument {
        /// The name of the key or argument.
        name: String,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
}

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            place: path.display().to_string(),
            source,
        }
    }

    pub(crate) fn format(
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::Format {
            place: place.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    pub(crate) fn argument(
        name: impl Into<String>,
        expected: impl Into<String>,
        found: impl ToString,
    ) -> Self {
        Self::Argument {
            name: name.into(),
            expected: expected.into(),
            found: found.to_string(),
        }
    }

    pub(crate) fn parquet(place: &str, source: ::parquet::errors::ParquetError) -> Self {
        Self::Parquet {
            place: place.to_string(),
            source,
        }
    }
}
