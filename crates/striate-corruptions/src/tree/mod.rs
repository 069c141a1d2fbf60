//! From an image, or a tree of images, to the published folder layout
//! `<corruption>/<severity>/<class>/<file>`.
//!
//! ```no_run
//! use striate_corruptions::tree::{self, TreeConfig};
//!
//! let config = TreeConfig::default();
//! let report = tree::corrupt_tree(
//!     "images".as_ref(),
//!     "images-c".as_ref(),
//!     &config,
//!     &mut |progress| println!("{} of {}", progress.done, progress.total),
//!     &|| false,
//! )?;
//! for bad in &report.bad {
//!     println!("{}: {}", bad.path.display(), bad.reason);
//! }
//! # Ok::<(), striate_corruptions::Error>(())
//! ```
//!
//! Invariant: a file under the output folder is complete (it is renamed into
//! place), and its bytes depend on the source image, its path below the input
//! folder and the configuration alone (in NumPy mode also on its place in the
//! sorted list): not on threads, nor on how often the run was interrupted.

mod decode;
mod files;
mod manifest;
mod work;

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Corruption, Corruptor, Error, Result, Severity, Table};
use manifest::Manifest;
use work::{Outcome, Worker};

pub use decode::{Decoded, decode};

/// Which random numbers a run uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RandomMode {
    /// A ChaCha8 stream per image (by its path), corruption and severity.
    #[default]
    Counter,
    /// NumPy's streams: image `i` of the sorted list (from 0) gets what the
    /// Python package gives right after `numpy.random.seed(seed + i)`.
    Numpy,
}

/// How results are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Without loss.
    #[default]
    Png,
    /// Baseline JPEG of the given quality (1 to 100): one more corruption on top.
    Jpeg(u8),
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg(_) => "JPEG",
        }
    }
}

/// What to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TreeConfig {
    /// The table of constants.
    pub table: Table,
    /// The corruptions.
    pub corruptions: Vec<Corruption>,
    /// The severities.
    pub severities: Vec<Severity>,
    /// The seed.
    pub seed: u64,
    /// The kind of random numbers.
    pub random: RandomMode,
    /// The kind of files.
    pub format: Format,
}

impl Default for TreeConfig {
    fn default() -> Self {
        Self {
            table: Table::ImageCorruptions,
            corruptions: Corruption::COMMON.to_vec(),
            severities: Severity::ALL.to_vec(),
            seed: 0,
            random: RandomMode::Counter,
            format: Format::Png,
        }
    }
}

/// How far a run is, in source images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Images finished, those of earlier runs and the bad ones included.
    pub done: usize,
    /// All images found.
    pub total: usize,
    /// Images that an earlier run had finished.
    pub resumed: usize,
    /// Images that could not be used.
    pub bad: usize,
}

/// A file that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFile {
    /// Where it is.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeReport {
    /// The last state.
    pub progress: Progress,
    /// The files that could not be used, by path.
    pub bad: Vec<BadFile>,
    /// Whether the stop flag ended the run; starting it again goes on.
    pub stopped: bool,
    /// The manifest: parameters, and the hashes of sources and results.
    pub manifest: PathBuf,
}

/// Corrupts `input`, an image or a folder tree of PNG and JPEG images, into
/// `output`.
///
/// `output/manifest.jsonl` holds the configuration and, per source image, the
/// SHA-256 of the source and of each result. A run that finds it goes on where
/// the last one ended; an image whose bytes have changed is made again.
///
/// Gray images stay gray, an alpha channel is dropped, palettes are resolved;
/// 16-bit, CMYK, truncated and too small images are reported in
/// [`TreeReport::bad`], and the run goes on.
///
/// `observe` is called after every few images; `stop` is asked before each.
///
/// # Errors
///
/// If the input holds no image, the output lies inside the input or was made
/// with another configuration, or a file cannot be written.
pub fn corrupt_tree(
    input: &Path,
    output: &Path,
    config: &TreeConfig,
    observe: &mut dyn FnMut(Progress),
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<TreeReport> {
    if config.random == RandomMode::Numpy && u32::try_from(config.seed).is_err() {
        return Err(Error::NumpySeed { found: config.seed });
    }
    let (sources, mut bad) = files::list(input, output, config.format)?;
    let mut manifest = Manifest::open(output, config)?;
    let mut progress = Progress {
        done: bad.len(),
        total: sources.len() + bad.len(),
        resumed: 0,
        bad: bad.len(),
    };
    let worker = Worker {
        config,
        output,
        known: manifest.known(),
    };
    let chunk = 4 * rayon::current_num_threads();
    let mut stopped = false;
    let mut records = Vec::new();
    for part in sources.chunks(chunk) {
        let outcomes: Vec<Option<Result<Outcome>>> = part
            .par_iter()
            .map_init(
                || Corruptor::new(config.table),
                |corruptor, source| (!stop()).then(|| worker.image(source, corruptor)),
            )
            .collect();
        for outcome in outcomes {
            let Some(outcome) = outcome else {
                stopped = true;
                continue;
            };
            match outcome? {
                Outcome::Made(record) => records.push(record),
                Outcome::Resumed => progress.resumed += 1,
                Outcome::Bad(file) => {
                    progress.bad += 1;
                    bad.push(file);
                }
            }
            progress.done += 1;
        }
        manifest.append(&records)?;
        records.clear();
        observe(progress);
        if stopped {
            break;
        }
    }
    bad.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(TreeReport {
        progress,
        bad,
        stopped,
        manifest: manifest.finish(stopped)?,
    })
}

#[cfg(test)]
mod tests;
