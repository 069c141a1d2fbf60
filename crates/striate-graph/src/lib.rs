//! Networks of PyTorch, exported as graphs, on candle.
//!
//! `python/striate_export.py` traces a network with `torch.export` and writes one safetensors
//! file: the weights, the operations in order as JSON in its metadata, and a sample of what
//! PyTorch computes. [`Graph::open`] reads such a file and refuses whatever it does not know,
//! [`Graph::check`] compares with the sample, and [`Graph::run`] computes any of the named
//! outputs for any number of images, differentiably.
//!
//! Invariant: a graph is data. Nothing in a file is executed but the operations of [`Op`], and
//! a value that does not have the shape that the file promises is an error that names the node.
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use striate_graph::Graph;
//!
//! # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/resnet.striate");
//! let graph = Graph::open(file.as_ref(), &Device::Cpu)?;
//! assert!(graph.check()?.is_within());
//! let (channels, height, width) = graph.input().dims();
//! let images = Tensor::zeros((5, channels, height, width), candle_core::DType::F32, &Device::Cpu)?;
//! let logits = graph.run_one("logits", &images)?;
//! assert_eq!(logits.dim(0)?, 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod error;
mod file;
mod format;
mod graph;
mod op;
mod ops;
mod plan;
mod value;

pub use check::{Check, Deviation, TOLERANCE};
pub use error::{Error, Result};
pub use file::is_graph;
pub use format::{Axis, Input};
pub use graph::Graph;
pub use op::Op;
