//! What can go wrong in training. Messages are fragments that fit after "failed to".

use std::path::PathBuf;

use crate::cycler::Task;

/// An error of a source, as its author gives it.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of a configuration that does not fit.
    #[error("{field}: expected {expected}, found {found}")]
    Field {
        /// Its path within the configuration.
        field: String,
        /// What would have fitted.
        expected: String,
        /// What was there.
        found: String,
    },
    /// Data whose size does not fit.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// Which data.
        what: String,
        /// The size that fits.
        expected: String,
        /// The size found.
        found: String,
    },
    /// A source failed to give an item.
    #[error("load item {index} of {of}: {source}")]
    Source {
        /// Which source.
        of: String,
        /// Which item.
        index: usize,
        /// Why.
        source: SourceError,
    },
    /// A loss that is not finite; the last good checkpoint is kept.
    #[error(
        "train: the loss of {task} is {value} at step {step} of epoch {epoch}{}",
        match kept {
            Some(path) => format!("; the last good checkpoint is {}", path.display()),
            None => "; there is no checkpoint yet".to_owned(),
        }
    )]
    NotFinite {
        /// The task whose loss it is.
        task: Task,
        /// The epoch, counted from 1.
        epoch: usize,
        /// The step within the epoch, counted from 1.
        step: usize,
        /// The loss.
        value: f64,
        /// Where the last good checkpoint lies.
        kept: Option<PathBuf>,
    },
    /// A file that cannot be read or written.
    #[error("{action} {path}: {source}", path = path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A checkpoint that cannot be used.
    #[error("use checkpoint {path}: {reason}", path = path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The background loader went away without a word.
    #[error("load batches: the loader stopped early")]
    Loader,
    /// A network.
    #[error(transparent)]
    Model(#[from] striate_models::Error),
    /// A layer or an optimiser.
    #[error(transparent)]
    Nn(#[from] striate_nn::Error),
    /// A tensor operation.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl Error {
    pub(crate) fn field(
        field: impl Into<String>,
        expected: impl Into<String>,
        found: impl std::fmt::Display,
    ) -> Self {
        Self::Field {
            field: field.into(),
            expected: expected.into(),
            found: found.to_string(),
        }
    }

    pub(crate) fn shape(
        what: impl Into<String>,
        expected: impl std::fmt::Display,
        found: impl std::fmt::Display,
    ) -> Self {
        Self::Shape {
            what: what.into(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}

/// The result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
