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

mod config;
mod decode;
mod files;
mod manifest;
mod output;
mod work;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rayon::prelude::*;

use crate::Result;
use crate::batch::{PerThread, lock};
use manifest::Manifest;
use output::Output;
use work::{Outcome, Worker};

pub use config::{Format, RandomMode, TreeConfig};
pub use decode::{Decoded, decode};

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Images finished, those of earlier runs and the bad ones included.
    pub done: usize,
    /// All images found.
    pub total: usize,
    /// Images that an earlier run had finished.
    pub resumed: usize,
    /// Images that could not be used.
    pub bad: usize,
    /// Results in place, with those that bad images will not have.
    pub results: usize,
    /// Results of all images.
    pub results_total: usize,
    /// Results that this run has made: what its speed follows from.
    pub made: usize,
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
/// `observe` is called after each result, from any thread of the rayon pool that
/// this is called in, one call at a time; `stop` is asked before each result.
///
/// # Errors
///
/// If the input holds no image, the output lies inside the input, was made with
/// another configuration, is in use or damaged, or a file cannot be written.
pub fn corrupt_tree(
    input: &Path,
    output: &Path,
    config: &TreeConfig,
    observe: &mut (dyn FnMut(Progress) + Send),
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<TreeReport> {
    config.check()?;
    let (sources, bad) = files::list(input, output, config.format)?;
    let output = Output::open(output)?;
    let manifest = Manifest::open(&output, config)?;
    let known = manifest.known();
    let cells = config.cells().count();
    let run = Mutex::new(Run {
        progress: Progress {
            done: bad.len(),
            total: sources.len() + bad.len(),
            bad: bad.len(),
            results_total: sources.len() * cells,
            ..Progress::default()
        },
        manifest,
        bad,
        stopped: false,
        observe,
    });
    let worker = Worker {
        config,
        output: &output,
        known,
        stop,
        made: &|| lock(&run).made(),
    };
    let corruptors = PerThread::new(config.table);
    sources.par_iter().try_for_each(|source| {
        if stop() {
            lock(&run).stopped = true;
            return Ok(());
        }
        let outcome = corruptors.with(|corruptor| worker.image(source, corruptor))?;
        lock(&run).take(outcome, cells)
    })?;
    let mut run = lock(&run);
    let mut bad = std::mem::take(&mut run.bad);
    bad.sort_by(|a, b| a.path.cmp(&b.path));
    if !run.stopped {
        run.manifest.sort()?;
    }
    Ok(TreeReport {
        progress: run.progress,
        bad,
        stopped: run.stopped,
        manifest: run.manifest.path(),
    })
}

/// What the threads share.
struct Run<'a> {
    manifest: Manifest<'a>,
    progress: Progress,
    bad: Vec<BadFile>,
    stopped: bool,
    observe: &'a mut (dyn FnMut(Progress) + Send),
}

impl Run<'_> {
    /// One more result is in place.
    fn made(&mut self) {
        self.progress.results += 1;
        self.progress.made += 1;
        (self.observe)(self.progress);
    }

    /// One more image of `cells` results has ended.
    fn take(&mut self, outcome: Outcome, cells: usize) -> Result<()> {
        match outcome {
            Outcome::Made(record) => self.manifest.append(record)?,
            Outcome::Resumed => {
                self.progress.resumed += 1;
                self.progress.results += cells;
            }
            Outcome::Bad(file) => {
                self.progress.bad += 1;
                self.progress.results += cells;
                self.bad.push(file);
            }
            Outcome::Stopped => {
                self.stopped = true;
                return Ok(());
            }
        }
        self.progress.done += 1;
        (self.observe)(self.progress);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
