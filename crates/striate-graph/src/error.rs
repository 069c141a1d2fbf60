//! What can go wrong. Invariant: a message names the file or the node, and what was expected.

use std::path::PathBuf;

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with a graph. The texts fit after "failed to open: ".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that cannot be read, or is no graph.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A graph that cannot be used.
    #[error("the graph {problem}")]
    Graph {
        /// What is wrong with it.
        problem: String,
    },
    /// A node that cannot be used or computed.
    #[error("node {node} ({op}): {problem}")]
    Node {
        /// Its name.
        node: String,
        /// Its operation.
        op: String,
        /// What is wrong.
        problem: String,
    },
    /// An input of the wrong shape.
    #[error("the network takes images {expected:?} (channels, height, width), found {found:?}")]
    Input {
        /// Channels, height and width.
        expected: [usize; 3],
        /// The shape of the input.
        found: Vec<usize>,
    },
    /// An output that there is not.
    #[error("there is no output {name:?} (there are {})", known.join(", "))]
    NoOutput {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// A tensor operation.
    #[error("tensor operation: {0}")]
    Candle(#[from] candle_core::Error),
    /// An operation of the layers' crate.
    #[error(transparent)]
    Nn(#[from] striate_nn::Error),
}

impl Error {
    pub(crate) fn graph(problem: impl Into<String>) -> Self {
        Self::Graph {
            problem: problem.into(),
        }
    }
}
