//! What lies at a path: its format, and what can be said of it.
//!
//! Invariants: the format is told by the bytes and the names of files, never by a file's
//! ending alone; what is wrong in one part is a problem in the summary and does not hide
//! the other parts.

mod images;
mod load;
mod recordings;
mod source;
mod stimuli;

pub use images::{ImageSummary, Sample};
pub use recordings::{RecordingSummary, StimulusSummary};
pub use source::{Format, Source};

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    recording::{CadenaConfig, NwbConfig, SessionConfig, TextureConfig, ThingsConfig},
};

/// How a data set is looked at and read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InspectConfig {
    /// At most so many images of a part are decoded, evenly spread; all are counted.
    pub decode: usize,
    /// So many of them are kept as samples.
    pub samples: usize,
    /// Problems beyond this many are counted only.
    pub problems: usize,
    /// How session pickles and their public copy are read.
    pub session: SessionConfig,
    /// How the recordings of Cadena et al. are read.
    pub cadena: CadenaConfig,
    /// How THINGS recordings are read.
    pub things: ThingsConfig,
    /// How the texture recordings are read.
    pub textures: TextureConfig,
    /// How NWB files are read.
    pub nwb: NwbConfig,
}

impl Default for InspectConfig {
    fn default() -> Self {
        Self {
            decode: 2000,
            samples: 12,
            problems: 20,
            session: SessionConfig::default(),
            // Only the images would be cropped, and here only responses are read.
            cadena: CadenaConfig {
                crop_px: 0,
                ..CadenaConfig::default()
            },
            things: ThingsConfig::default(),
            textures: TextureConfig::default(),
            nwb: NwbConfig::default(),
        }
    }
}

/// What was found at a path.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The format.
    pub format: Format,
    /// The image parts: training, validation, each corruption and severity.
    pub images: Vec<ImageSummary>,
    /// The parts of the recordings, session by session.
    pub recordings: Vec<RecordingSummary>,
    /// The images that were shown, where they lie beside the recordings.
    pub stimuli: Option<StimulusSummary>,
    /// The first problems.
    pub problems: Problems,
}

/// Things that are wrong, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The first of them, each with its place.
    pub first: Vec<String>,
    /// How many there are.
    pub count: usize,
    limit: usize,
}

impl Problems {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    fn add(&mut self, problem: impl ToString) {
        self.count += 1;
        if self.first.len() < self.limit {
            self.first.push(problem.to_string());
        }
    }
}

/// Detects the format of a file, folder or archive, and says what it holds.
///
/// # Errors
///
/// If the path cannot be read, is of no known format, or is damaged so that nothing can
/// be said of it.
pub fn inspect(path: &Path, config: &InspectConfig) -> Result<Summary> {
    let source = Source::detect(path)?;
    let mut summary = Summary {
        format: source.format(),
        images: Vec::new(),
        recordings: Vec::new(),
        stimuli: None,
        problems: Problems::new(config.problems),
    };
    images::add(&source, config, &mut summary)?;
    recordings::add(&source, config, &mut summary)?;
    Ok(summary)
}

#[cfg(test)]
mod tests;
