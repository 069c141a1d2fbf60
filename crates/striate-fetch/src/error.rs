//! What can go wrong, each with the file, the address, and what was expected and found.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Who can mend an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The caller: a name, a manifest, a missing token.
    Input,
    /// The disk or the cache folder.
    Store,
    /// The network or the server.
    Remote,
}

/// A checksum that is not the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// sha256 or md5.
    pub kind: &'static str,
    /// As the manifest, the list or the lock file says.
    pub expected: String,
    /// Of what came.
    pub found: String,
    /// Who said what to expect.
    pub source_of_sum: &'static str,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            expected,
            found,
            source_of_sum,
        } = self;
        write!(
            f,
            "{kind} is {found}, expected {expected} ({source_of_sum})"
        )
    }
}

/// Why a data set could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No manifest has this name.
    #[error("no data set is called {name:?}; known are {known}")]
    UnknownDataset {
        /// What was asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// A manifest is not right.
    #[error("manifest {place}: {message}")]
    Manifest {
        /// The file, or the name within the catalogue.
        place: String,
        /// What is wrong.
        message: String,
    },
    /// No address is known from which a program may load the files.
    #[error("{dataset} cannot be fetched by a program: {how}")]
    Manual {
        /// The data set.
        dataset: String,
        /// What a person can do.
        how: String,
    },
    /// The network may not be used, and a file is not in the cache.
    #[error("{what} is not in {}, and the network is switched off ({switch})", folder.display())]
    Offline {
        /// A file, or the list of files.
        what: String,
        /// The folder of the data set.
        folder: PathBuf,
        /// What switched it off.
        switch: &'static str,
    },
    /// No file has a name that fits.
    #[error("no file of {dataset} fits the pattern {pattern:?}; there are {files}")]
    NothingSelected {
        /// The data set.
        dataset: String,
        /// The pattern.
        pattern: String,
        /// The names that exist, shortened.
        files: String,
    },
    /// The Hub gives the files only to accounts that were granted access.
    #[error("{file}: {url} is gated (status {status}: {message}); {advice}")]
    Gated {
        /// The file or list.
        file: String,
        /// Where it was asked for.
        url: String,
        /// 401 or 403.
        status: u16,
        /// What the server said.
        message: String,
        /// What to do about it.
        advice: String,
    },
    /// The server answered with an error that waiting does not mend.
    #[error("{file}: {url} answered with status {status}{}{message}, expected 200 or 206",
        if message.is_empty() { "" } else { ": " })]
    Status {
        /// The file or list.
        file: String,
        /// Where it was asked for.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the server said.
        message: String,
    },
    /// It was tried several times.
    #[error("{file}: {url} failed {attempts} times, at last: {message}")]
    GaveUp {
        /// The file or list.
        file: String,
        /// Where it was asked for.
        url: String,
        /// How often in vain.
        attempts: u32,
        /// The last failure.
        message: String,
    },
    /// The address itself, a redirect, or the form of an answer is not usable.
    #[error("{file}: {url}: {message}")]
    Protocol {
        /// The file or list.
        file: String,
        /// Where it was asked for.
        url: String,
        /// What is wrong.
        message: String,
    },
    /// The server's length is not the one in the manifest or the lock file.
    #[error("{file}: {url} has {found} bytes, expected {expected} ({source_of_size})")]
    Size {
        /// The file.
        file: String,
        /// Where it was asked for.
        url: String,
        /// As the manifest or the lock file says.
        expected: u64,
        /// As the server says.
        found: u64,
        /// Who said what to expect.
        source_of_size: &'static str,
    },
    /// The server announced a length that it did not keep to.
    #[error(
        "{file}: {url} announced {announced} bytes and ended after {found} ({attempts} attempts)"
    )]
    Length {
        /// The file.
        file: String,
        /// Where it was asked for.
        url: String,
        /// As the server said.
        announced: u64,
        /// What came.
        found: u64,
        /// How often in vain.
        attempts: u32,
    },
    /// The content is not the expected one.
    #[error("{file}: {mismatch}; from {url}; the file is kept as {} and not used", kept.display())]
    Checksum {
        /// The file.
        file: String,
        /// Where it came from.
        url: String,
        /// The checksums.
        mismatch: Box<Mismatch>,
        /// Where the wrong file is.
        kept: PathBuf,
    },
    /// Another process fetches into the same folder.
    #[error("another process is fetching into {}", folder.display())]
    Busy {
        /// The folder of the data set.
        folder: PathBuf,
    },
    /// The lock file or another file of the cache cannot be understood.
    #[error("{}: {message}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The disk did not do what was asked.
    #[error("could not {action} {}", path.display())]
    Io {
        /// As in "could not ...".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// More than one file failed.
    #[error("{} files failed:{}", errors.len(), lines(errors))]
    Several {
        /// One for each file.
        errors: Vec<Error>,
    },
    /// The caller's flag stopped the fetch; what came stays for the next one.
    #[error("stopped; the same command goes on from here")]
    Stopped,
}

impl Error {
    /// Who can mend it.
    pub fn fault(&self) -> Fault {
        match self {
            Self::UnknownDataset { .. }
            | Self::Manifest { .. }
            | Self::Manual { .. }
            | Self::Offline { .. }
            | Self::NothingSelected { .. }
            | Self::Gated { .. } => Fault::Input,
            Self::Busy { .. } | Self::Damaged { .. } | Self::Io { .. } => Fault::Store,
            Self::Status { .. }
            | Self::GaveUp { .. }
            | Self::Protocol { .. }
            | Self::Size { .. }
            | Self::Length { .. }
            | Self::Checksum { .. }
            | Self::Stopped => Fault::Remote,
            Self::Several { errors } => errors.first().map_or(Fault::Remote, Self::fault),
        }
    }

    /// Whether the other files of the data set would meet it as well.
    pub(crate) fn concerns_all_files(&self) -> bool {
        matches!(self, Self::Gated { .. } | Self::Stopped) || self.fault() == Fault::Store
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// Each error with its causes, on a line of its own.
fn lines(errors: &[Error]) -> String {
    let mut text = String::new();
    for error in errors {
        text.push_str(&format!("\n  {error}"));
        if let Some(cause) = std::error::Error::source(error) {
            text.push_str(&format!(": {cause}"));
        }
    }
    text
}
