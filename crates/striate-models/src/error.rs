//! What can go wrong in this crate. Messages are fragments that fit after "failed to".

use crate::LayerName;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A layer name that is not of the form `conv3_1`.
    #[error("layer name {0:?}: expected conv<block>_<layer>, both counted from 1")]
    LayerName(String),
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
    /// A layer that the network does not have.
    #[error("layer {name}: the network has {}", known.join(", "))]
    NoLayer {
        /// The name asked for.
        name: LayerName,
        /// The names there are.
        known: Vec<String>,
    },
    /// A session that has no readout.
    #[error("session {session:?}: the network has readouts for {known:?}")]
    NoSession {
        /// The session asked for.
        session: String,
        /// The sessions there are.
        known: Vec<String>,
    },
    /// A session that already has a readout.
    #[error("session {0:?}: the network has a readout for it already")]
    SessionTwice(String),
    /// Logits of a network without a head.
    #[error("logits: the network ends at {split} and has no classification head")]
    NoHead {
        /// The last layer.
        split: LayerName,
    },
    /// Data whose size does not fit.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// Which data.
        what: &'static str,
        /// The size that fits.
        expected: String,
        /// The size found.
        found: String,
    },
    /// A transform of images.
    #[error(transparent)]
    Kernels(#[from] striate_kernels::Error),
    /// A layer or an operation.
    #[error(transparent)]
    Nn(#[from] striate_nn::Error),
    /// A tensor operation.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}
