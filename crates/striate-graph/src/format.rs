//! The JSON of a graph. Invariant: unknown fields are refused, so that a file of a later
//! version is not half understood.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The key of the JSON text in the safetensors metadata.
pub(crate) const KEY: &str = "striate_graph";
/// The version of the format.
pub(crate) const VERSION: u32 = 1;

/// The header as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    /// Checked before all else is read.
    #[serde(rename = "version")]
    pub(crate) _version: u32,
    pub(crate) name: String,
    pub(crate) made_with: String,
    pub(crate) input: Input,
    pub(crate) class_names: Vec<String>,
    pub(crate) nodes: Vec<RawNode>,
    /// The name of an output, and of the node that gives it.
    pub(crate) outputs: BTreeMap<String, String>,
}

/// One operation as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawNode {
    pub(crate) name: String,
    pub(crate) op: String,
    pub(crate) inputs: Vec<String>,
    pub(crate) shape: Vec<Axis>,
    #[serde(default)]
    pub(crate) with: Option<serde_json::Value>,
}

/// The images that a network takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// 3 for RGB, 1 for gray.
    pub channels: usize,
    /// In pixels.
    pub height: usize,
    /// In pixels.
    pub width: usize,
    /// What black and white are; the normalisation is part of the graph.
    pub range: [f32; 2],
}

impl Input {
    /// Channels, height and width.
    pub fn dims(&self) -> (usize, usize, usize) {
        (self.channels, self.height, self.width)
    }
}

/// The length of one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Axis {
    /// So many elements.
    Fixed(usize),
    /// So many times the number of images.
    Batch {
        /// The factor.
        batch: usize,
    },
}

impl Axis {
    /// Its length for so many images.
    pub fn of(self, images: usize) -> usize {
        match self {
            Self::Fixed(length) => length,
            Self::Batch { batch } => batch * images,
        }
    }
}

/// A shape for so many images.
pub(crate) fn lengths(shape: &[Axis], images: usize) -> Vec<usize> {
    shape.iter().map(|axis| axis.of(images)).collect()
}

/// A shape in words: `[batch, 64, 2 batch]`.
pub(crate) fn words(shape: &[Axis]) -> String {
    let axes: Vec<String> = shape
        .iter()
        .map(|axis| match axis {
            Axis::Fixed(length) => length.to_string(),
            Axis::Batch { batch: 1 } => "batch".to_owned(),
            Axis::Batch { batch } => format!("{batch} batch"),
        })
        .collect();
    format!("[{}]", axes.join(", "))
}
