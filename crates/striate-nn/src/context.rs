//! What one forward pass needs to know. Invariant: randomness is drawn in the
//! order of the calls from the one stream of the pass, on the host, so that a
//! pass is the same on every device and for any number of threads.

use striate_random::{Position, Stream};

/// Which implementation computes an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// The project's CPU kernels for f32 tensors on the CPU, candle's operations elsewhere.
    #[default]
    Auto,
    /// candle's operations everywhere: slow on the CPU, the oracle of the tests.
    Reference,
}

/// One forward pass: its mode, its randomness and its backend.
#[derive(Clone, Debug)]
pub struct Context {
    stream: Option<Stream>,
    backend: Backend,
}

impl Context {
    /// Evaluation: running statistics, no dropout, readouts look at their mean position.
    pub fn eval() -> Self {
        Self {
            stream: None,
            backend: Backend::Auto,
        }
    }

    /// Training: batch statistics, and dropout and readout positions drawn from `stream`.
    pub fn train(stream: Stream) -> Self {
        Self {
            stream: Some(stream),
            backend: Backend::Auto,
        }
    }

    /// The same pass computed with candle's own operations.
    #[must_use]
    pub fn reference(mut self) -> Self {
        self.backend = Backend::Reference;
        self
    }

    /// Whether this is a training pass.
    pub fn is_train(&self) -> bool {
        self.stream.is_some()
    }

    /// Which implementation computes the operations.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// The stream of a training pass.
    pub fn stream(&mut self) -> Option<&mut Stream> {
        self.stream.as_mut()
    }

    /// Where the stream of a training pass stands.
    pub fn position(&self) -> Option<Position> {
        self.stream.as_ref().map(Stream::position)
    }
}
