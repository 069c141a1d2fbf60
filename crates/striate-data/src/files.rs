//! Writing files. Invariant: a file has its final name only when it is whole.

use std::{io::Write, path::Path};

use crate::{Error, Result};

/// Writes beside the target, then renames.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = std::fs::File::create(&part)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&part, path));
    written.map_err(|e| {
        // Whatever is left of the attempt is of no use; the first error counts.
        let _ = std::fs::remove_file(&part);
        Error::io(path, e)
    })
}
