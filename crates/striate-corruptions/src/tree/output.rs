//! The output folder. Invariant: a file in it is complete, because it is written
//! in `.partial/` and renamed into place; one run at a time writes to it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Corruption, Error, Result};

/// The name of the manifest below the output folder.
pub(super) const MANIFEST: &str = "manifest.jsonl";
const PARTIAL: &str = ".partial";

pub(super) struct Output {
    root: PathBuf,
    partial: PathBuf,
    /// Locked as long as the run lasts.
    _lock: File,
    parts: AtomicU64,
}

pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io {
        action,
        path,
        source,
    }
}

impl Output {
    /// Creates the folder if need be, and takes it for this run. What a killed
    /// run left half-written is removed.
    pub(super) fn open(root: &Path) -> Result<Self> {
        let refuse = |problem| Error::Output {
            path: root.to_owned(),
            problem,
        };
        if root.exists() && !root.is_dir() {
            return Err(refuse("is not a folder"));
        }
        let partial = root.join(PARTIAL);
        fs::create_dir_all(&partial).map_err(io("create", &partial))?;
        let path = partial.join("lock");
        let lock = File::create(&path).map_err(io("create", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(refuse("another run is using it")),
            Err(TryLockError::Error(e)) => return Err(io("lock", &path)(e)),
        }
        let output = Self {
            root: root.to_owned(),
            partial,
            _lock: lock,
            parts: AtomicU64::new(0),
        };
        for entry in fs::read_dir(&output.partial).map_err(io("list", &output.partial))? {
            let part = entry.map_err(io("list", &output.partial))?.path();
            if part != path {
                fs::remove_file(&part).map_err(io("remove", &part))?;
            }
        }
        let foreign = |c: &Corruption| root.join(c.name()).exists();
        if !root.join(MANIFEST).exists() && Corruption::ALL.iter().any(foreign) {
            return Err(refuse(
                "holds results, but no manifest of the run that made them; choose another output folder",
            ));
        }
        Ok(output)
    }

    /// Where a file of this name is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Puts a file in place, all or nothing.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let number = self.parts.fetch_add(1, Ordering::Relaxed);
        let part = self.partial.join(number.to_string());
        fs::write(&part, bytes).map_err(io("write", &part))?;
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io("create", folder))?;
        }
        fs::rename(&part, &path).map_err(io("write", &path))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // If it stays, the next run clears it.
        let _ = fs::remove_dir_all(&self.partial);
    }
}
