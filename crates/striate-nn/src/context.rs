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
    statistics: usize,
    single_backward: bool,
}

impl Context {
    /// Evaluation: running statistics, no dropout, readouts look at their mean position.
    pub fn eval() -> Self {
        Self {
            stream: None,
            backend: Backend::Auto,
            statistics: 0,
            single_backward: false,
        }
    }

    /// Training: batch statistics, and dropout and readout positions drawn from `stream`;
    /// at most one backward pass, as after [`Context::single_backward`].
    pub fn train(stream: Stream) -> Self {
        Self {
            stream: Some(stream),
            single_backward: true,
            ..Self::eval()
        }
    }

    /// The same pass, gone through backwards once at most: a [`ConvBlock`](crate::ConvBlock)
    /// then lets go of what it kept. Another backward pass over the graph fails.
    #[must_use]
    pub fn single_backward(mut self) -> Self {
        self.single_backward = true;
        self
    }

    /// The same pass computed with candle's own operations.
    #[must_use]
    pub fn reference(mut self) -> Self {
        self.backend = Backend::Reference;
        self
    }

    /// The same pass with another set of running statistics, 0 being the first: where a
    /// [`BatchNorm`](crate::BatchNorm) keeps several, it uses and updates this one.
    #[must_use]
    pub fn with_statistics(mut self, set: usize) -> Self {
        self.statistics = set;
        self
    }

    /// Chooses the set of running statistics from here on, and gives the one before.
    pub fn set_statistics(&mut self, set: usize) -> usize {
        std::mem::replace(&mut self.statistics, set)
    }

    /// The set of running statistics that the pass uses.
    pub fn statistics(&self) -> usize {
        self.statistics
    }

    /// Whether this is a training pass.
    pub fn is_train(&self) -> bool {
        self.stream.is_some()
    }

    /// Whether there is at most one backward pass.
    pub(crate) fn is_single_backward(&self) -> bool {
        self.single_backward
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
