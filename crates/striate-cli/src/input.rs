//! Errors of the commands that read a user's files. Invariant: a message names
//! the file and, where there is one, the row, what was expected and what was found.

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Why a command could not use its input, or not write its output.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something in a file is not as it must be.
    #[error("{place}: expected {expected}, found {found}")]
    Content {
        /// File, row, column.
        place: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A file or folder.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The parquet library refused a file.
    #[error("{place}: not a readable parquet file")]
    Parquet {
        /// File and column.
        place: String,
        /// Why not.
        source: parquet::errors::ParquetError,
    },
    /// Arguments that do not go together.
    #[error("{0}")]
    Usage(String),
    /// NumPy arrays.
    #[error(transparent)]
    Data(#[from] striate_data::Error),
    /// Robustness scores.
    #[error(transparent)]
    Robustness(#[from] striate_robustness::Error),
    /// Representational similarity of named files.
    #[error("{place}: {source}")]
    Rsa {
        /// The file or files.
        place: String,
        /// What is wrong.
        source: striate_rsa::Error,
    },
    /// Maps of a named file or image.
    #[error("{place}: {source}")]
    Saliency {
        /// The file, and the image.
        place: String,
        /// What is wrong.
        source: striate_saliency::Error,
    },
    /// The report.
    #[error(transparent)]
    Report(#[from] striate_report::Error),
    /// The result could not be written as JSON.
    #[error("could not write the result as JSON")]
    Json(#[from] serde_json::Error),
}

/// A result of these commands.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn content(
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl ToString,
    ) -> Self {
        Self::Content {
            place: place.into(),
            expected: expected.into(),
            found: found.to_string(),
        }
    }

    pub fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    pub fn rsa(place: impl Into<String>, source: striate_rsa::Error) -> Self {
        Self::Rsa {
            place: place.into(),
            source,
        }
    }

    pub fn saliency(place: impl Into<String>, source: striate_saliency::Error) -> Self {
        Self::Saliency {
            place: place.into(),
            source,
        }
    }
}

/// Prints an error with its causes and gives its exit code: 2 wrong usage, 1
/// output that could not be written, 3 input that is not right.
pub fn report(error: &Error) -> ExitCode {
    let mut text = format!("striate: {error}");
    // The `transparent` kinds and those with `{source}` already say their cause.
    let told = matches!(
        error,
        Error::Rsa { .. } | Error::Saliency { .. } | Error::Report(_)
    );
    let mut cause = error.source().filter(|_| !told);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    eprintln!("{text}");
    ExitCode::from(match error {
        Error::Usage(_) => 2,
        Error::Report(_) | Error::Json(_) => 1,
        _ => 3,
    })
}

/// Up to `limit` items, then how many more there are.
pub fn some_of(items: &[String], limit: usize) -> String {
    match items.len().checked_sub(limit) {
        Some(rest) if rest > 0 => format!("{} and {rest} more", items[..limit].join(", ")),
        _ => items.join(", "),
    }
}

/// `FILE.npz:NAME` or `FILE.nc:NAME` as file and name.
pub fn split_member(path: &Path) -> (PathBuf, Option<String>) {
    let text = path.to_string_lossy();
    for ending in [".npz", ".nc", ".nc4", ".cdf"] {
        if let Some((stem, key)) = text.rsplit_once(&format!("{ending}:")) {
            let file = PathBuf::from(format!("{stem}{ending}"));
            return (file, Some(key.to_owned()));
        }
    }
    (path.to_owned(), None)
}
