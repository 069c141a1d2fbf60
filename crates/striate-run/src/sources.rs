//! Where a recipe's real data lie, and how they are read. Invariant: a path has no say
//! in a result, only what lies there.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use striate_data::inspect::InspectConfig;
use striate_data::recording::StimulusConfig;

/// Labelled images from disk, for the classification task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImagesConfig {
    /// A file, folder or archive that `striate data inspect` knows, relative to the
    /// working directory. Empty: `--images` says it.
    pub path: PathBuf,
    /// The part for training and validation.
    pub part: String,
    /// The part for testing.
    pub test_part: String,
    /// The share of the first part that validates, drawn as in the study
    /// (reference/training.md 1.1).
    pub validation_fraction: f64,
    /// Images of any size are brought to the network's: the shorter side to so many
    /// pixels, then the centre is cut out. 0: they have that size.
    pub resize_px: usize,
    /// At most so many training images of each class; 0 for all.
    pub train_per_class: usize,
    /// Training images that become stimuli of a simulated V1 instead, for training.
    pub stimuli_train: usize,
    /// The same, for testing.
    pub stimuli_test: usize,
}

impl Default for ImagesConfig {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            part: "train".to_owned(),
            test_part: "validation".to_owned(),
            validation_fraction: 0.1,
            resize_px: 0,
            train_per_class: 0,
            stimuli_train: 0,
            stimuli_test: 0,
        }
    }
}

/// Recordings from disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RecordingsConfig {
    /// A file, folder or archive that `striate data inspect` knows, relative to the
    /// working directory. Empty: `--recordings` says it.
    pub path: PathBuf,
    /// Where the images that were shown lie, if not beside the recordings: a folder or
    /// archive with files `images/ID.png` or `.npy`.
    pub images: Option<PathBuf>,
    /// What is done to the images.
    pub stimuli: StimulusConfig,
    /// The share of the images that tests, for formats that do not say which do.
    pub test_fraction: f64,
    /// How the format is read: time bins, areas, neurons.
    pub read: InspectConfig,
}

impl Default for RecordingsConfig {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            images: None,
            stimuli: StimulusConfig::default(),
            test_fraction: 0.2,
            read: InspectConfig::default(),
        }
    }
}

impl ImagesConfig {
    pub(crate) fn check(&self, input_size: usize) -> Result<(), String> {
        if self.resize_px != 0 && self.resize_px < input_size {
            return Err(format!(
                "images.resize_px: expected at least network.input_size = {input_size}, found {}",
                self.resize_px
            ));
        }
        fraction("images.validation_fraction", self.validation_fraction)
    }
}

impl RecordingsConfig {
    pub(crate) fn check(&self) -> Result<(), String> {
        fraction("recording.source.test_fraction", self.test_fraction)
    }
}

fn fraction(field: &str, value: f64) -> Result<(), String> {
    if value > 0.0 && value < 1.0 {
        Ok(())
    } else {
        Err(format!("{field}: expected between 0 and 1, found {value}"))
    }
}
