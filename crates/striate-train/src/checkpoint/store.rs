//! The folder of a run's checkpoints. Invariant: `last.safetensors` alone is enough to
//! go on; `best.safetensors` is for whoever wants the network.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use candle_core::Device;
use serde::{Deserialize, Serialize};

use super::Checkpoint;
use crate::{Error, Result};

/// How often to save within an epoch. At the end of each epoch is always saved.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointPolicy {
    /// After every so many steps.
    pub every_steps: Option<usize>,
    /// When so many seconds have passed since the last save.
    pub every_seconds: Option<f64>,
}

impl Default for CheckpointPolicy {
    fn default() -> Self {
        Self {
            every_steps: None,
            every_seconds: Some(60.0),
        }
    }
}

/// The folder of a run's checkpoints.
#[derive(Clone, Debug)]
pub struct CheckpointStore {
    folder: PathBuf,
}

impl CheckpointStore {
    /// Opens the folder, and makes it if need be.
    ///
    /// # Errors
    ///
    /// If it cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder).map_err(|source| file("make folder", &folder, source))?;
        Ok(Self { folder })
    }

    /// Where the latest checkpoint lies: network, optimiser, schedule, best weights.
    pub fn last(&self) -> PathBuf {
        self.folder.join("last.safetensors")
    }

    /// Where the best network lies.
    pub fn best(&self) -> PathBuf {
        self.folder.join("best.safetensors")
    }

    /// Where the history lies, one JSON object per line.
    pub fn history(&self) -> PathBuf {
        self.folder.join("history.jsonl")
    }

    /// Writes a checkpoint under its final name, all or nothing.
    ///
    /// # Errors
    ///
    /// If it cannot be written (a full disk, for one); the file before it stays.
    pub fn save(&self, path: &Path, checkpoint: &Checkpoint) -> Result<()> {
        let bytes = checkpoint.to_bytes().map_err(|reason| Error::Checkpoint {
            path: path.to_owned(),
            reason,
        })?;
        self.write(path, &bytes)
    }

    /// Reads a checkpoint; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// If it cannot be read or is damaged.
    pub fn load(&self, path: &Path, device: &Device) -> Result<Option<Checkpoint>> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(file("read", path, error)),
        };
        Checkpoint::from_bytes(&bytes, device)
            .map(Some)
            .map_err(|reason| Error::Checkpoint {
                path: path.to_owned(),
                reason,
            })
    }

    /// Writes a file: temporary name, flush to the disk, rename, flush the folder.
    ///
    /// # Errors
    ///
    /// If any of it fails; then the temporary file is removed.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(name);
        let written = File::create(&temporary)
            .and_then(|mut out| {
                out.write_all(bytes)?;
                out.sync_all()
            })
            .and_then(|()| fs::rename(&temporary, path));
        if let Err(source) = written {
            // The reason of the failure matters, not that of the cleaning up.
            let _ = fs::remove_file(&temporary);
            return Err(file("write", path, source));
        }
        #[cfg(unix)]
        if let Some(folder) = path.parent() {
            // Some file systems do not let a folder be flushed; the rename stands.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }
}

fn file(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::File {
        action,
        path: path.to_owned(),
        source,
    }
}
