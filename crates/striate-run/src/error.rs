//! What can go wrong in a run.

use std::path::{Path, PathBuf};

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong in a run. The texts fit after "failed to reproduce: ".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
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
    /// A value could not be written as JSON.
    #[error("could not write {what} as JSON")]
    Json {
        /// Which value.
        what: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// A recipe that cannot be read.
    #[error("recipe {name}: {problem}")]
    Recipe {
        /// Its name or path.
        name: String,
        /// What is wrong, with the place.
        problem: String,
    },
    /// A model that does not exist.
    #[error("there is no model {name:?} (there are {known})")]
    UnknownModel {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A finished result that is not what it was.
    #[error(
        "damaged run store: {}: {problem} (remove its folder to compute that step again; all other steps are kept)",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Two runs on one store.
    #[error("another run is using {}", path.display())]
    StoreInUse {
        /// The store.
        path: PathBuf,
    },
    /// A step asked for an input that the plan did not give it.
    #[error("the plan gives this step no input {name:?}")]
    NoInput {
        /// The input.
        name: String,
    },
    /// A file of tensors could not be written.
    #[error("could not write {}: {problem}", path.display())]
    Tensors {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// A tensor of a finished step is not what is expected.
    #[error("tensor {name} {problem}")]
    Tensor {
        /// Its name.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Images, recordings.
    #[error(transparent)]
    Data(#[from] striate_data::Error),
    /// Kernels.
    #[error(transparent)]
    Kernels(#[from] striate_kernels::Error),
    /// Layers.
    #[error(transparent)]
    Nn(#[from] striate_nn::Error),
    /// Networks, the simulated V1.
    #[error(transparent)]
    Models(#[from] striate_models::Error),
    /// Training.
    #[error(transparent)]
    Train(#[from] striate_train::Error),
    /// Corruptions.
    #[error(transparent)]
    Corruption(#[from] striate_corruptions::Error),
    /// Robustness scores.
    #[error(transparent)]
    Robustness(#[from] striate_robustness::Error),
    /// Representational similarity.
    #[error(transparent)]
    Rsa(#[from] striate_rsa::Error),
    /// Reconstruction.
    #[error(transparent)]
    Reconstruct(#[from] striate_reconstruct::Error),
    /// Saliency.
    #[error(transparent)]
    Saliency(#[from] striate_saliency::Error),
    /// Attacks.
    #[error(transparent)]
    Attack(#[from] striate_attack::Error),
    /// The report.
    #[error(transparent)]
    Report(#[from] striate_report::Error),
    /// The threads could not be started.
    #[error("could not start threads: {problem}")]
    Threads {
        /// Why not.
        problem: String,
    },
    /// A tensor operation.
    #[error("tensor operation")]
    Candle(#[from] candle_core::Error),
    /// Images or recordings on disk that do not fit the recipe.
    #[error("{}: {problem}", path.display())]
    Source {
        /// Where they lie.
        path: PathBuf,
        /// What is wrong with them.
        problem: String,
    },
    /// A recipe for real data was given none.
    #[error("{field}: expected the path of the data, there or as {option} PATH")]
    NoPath {
        /// The field of the recipe.
        field: String,
        /// The option of the command.
        option: String,
    },
    /// A file of a network that cannot be used.
    #[error("{}: {problem}", path.display())]
    NetworkFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Images of other classes than a network's.
    #[error(
        "the images and the network have different classes: only the images have {strange:?}, only the network {lacking:?}"
    )]
    Classes {
        /// Classes that the network does not know.
        strange: Vec<String>,
        /// Classes of the network that the images do not have.
        lacking: Vec<String>,
    },
    /// Class scores of a network that has none.
    #[error(
        "the network has no classes: it is a model of V1, which predicts responses (striate predict)"
    )]
    NoClasses,
    /// Class scores of a graph that gives none.
    #[error(
        "the network has no class scores: none of its outputs ({}) is named logits", outputs.join(", ")
    )]
    NoLogits {
        /// What it gives.
        outputs: Vec<String>,
    },
    /// An output that a graph does not have.
    #[error("the network has no output {name:?}; it has {}", outputs.join(", "))]
    NoOutput {
        /// What was asked for.
        name: String,
        /// What it gives.
        outputs: Vec<String>,
    },
    /// Class scores of another number than there are classes.
    #[error(
        "the images have {images} classes, the network {network} class scores without names (striate_export.py --class-names)"
    )]
    ClassCount {
        /// Classes of the images.
        images: usize,
        /// Class scores of the network.
        network: usize,
    },
    /// A network of PyTorch.
    #[error(transparent)]
    Graph(#[from] striate_graph::Error),
    /// No protocol begins with these digits.
    #[error("{}: {problem}", path.display())]
    Explain {
        /// The file of protocols.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// Who can mend an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The work itself failed.
    Work,
    /// A recipe or an input is not right.
    Input,
    /// The run store is damaged, in use or cannot be written.
    Store,
}

impl Error {
    /// Who can mend it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Recipe { .. }
            | Self::UnknownModel { .. }
            | Self::Explain { .. }
            | Self::NetworkFile { .. }
            | Self::Source { .. }
            | Self::NoPath { .. }
            | Self::Classes { .. }
            | Self::NoClasses
            | Self::NoLogits { .. }
            | Self::NoOutput { .. }
            | Self::ClassCount { .. }
            | Self::Graph(striate_graph::Error::File { .. })
            | Self::Data(_)
            | Self::Attack(striate_attack::Error::Setting { .. })
            | Self::Saliency(striate_saliency::Error::Setting { .. })
            | Self::Reconstruct(striate_reconstruct::Error::Setting { .. })
            | Self::Tensor { .. } => ErrorKind::Input,
            Self::Io { .. } | Self::Damaged { .. } | Self::StoreInUse { .. } => ErrorKind::Store,
            _ => ErrorKind::Work,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn network_file(path: &Path, problem: impl Into<String>) -> Self {
        Self::NetworkFile {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }

    pub(crate) fn json(what: impl Into<String>, source: serde_json::Error) -> Self {
        Self::Json {
            what: what.into(),
            source,
        }
    }
}
