//! Writing files so that a reader sees the old or the new one, never half of one.
//!
//! Invariant: the final name appears by a rename, after the bytes are on disk.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use crate::{Error, Result};

/// Creates a folder and its parents.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|source| Error::Io {
        action: "create",
        path: path.to_owned(),
        source,
    })
}

/// Writes `bytes` to a file beside `path`, syncs it and renames it to `path`.
///
/// # Errors
///
/// [`Error::Io`] with the path; the half-written file is removed (a full disk
/// then leaves what was there before).
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let fail = |source| Error::Io {
        action: "write",
        path: path.to_owned(),
        source,
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = path.with_file_name(format!(".{name}.{}.partial", std::process::id()));
    let written = File::create(&partial)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // The cause is reported below; a partial file that was never made cannot be removed.
        drop(fs::remove_file(&partial));
    }
    written.map_err(fail)
}
