//! Named arrays in a zip archive, stored or deflated.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read, Seek, Write},
    path::Path,
};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{Array, read_npy, write_npy};
use crate::{Error, Result, write_atomically, zipped};

/// Largest array that is read, in bytes: beyond it the size is taken for damaged.
const MAX_BYTES: u64 = 1 << 36;

/// Reads all arrays of a `.npz` file.
///
/// # Errors
///
/// If the file cannot be read, is damaged, or holds an array that is neither of
/// numbers nor of text.
pub fn read_npz(path: &Path) -> Result<BTreeMap<String, Array>> {
    let file = std::fs::File::open(path).map_err(|e| Error::io(path, e))?;
    read(file, &path.display().to_string())
}

pub(crate) fn read(source: impl Read + Seek, place: &str) -> Result<BTreeMap<String, Array>> {
    let mut archive = zipped::open(source, place)?;
    let mut arrays = BTreeMap::new();
    for (name, index) in zipped::names(&mut archive, place)? {
        let place = format!("{place}, entry {name}");
        let Some(name) = name.strip_suffix(".npy").map(String::from) else {
            return Err(Error::format(&place, "a .npy entry", "another"));
        };
        let bytes = zipped::packed(&mut archive, index, &place, MAX_BYTES)?.unpack(&place)?;
        let array = read_npy(&bytes, &place)?;
        if arrays.insert(name, array).is_some() {
            return Err(Error::format(place, "each name once", "it twice"));
        }
    }
    Ok(arrays)
}

/// Writes a `.npz` file (stored, not compressed), whole or not at all. The same
/// arrays give the same bytes.
///
/// # Errors
///
/// If the file cannot be written.
pub fn write_npz(path: &Path, arrays: &BTreeMap<String, Array>) -> Result<()> {
    let bytes = bytes_of(arrays).map_err(|e| Error::io(path, e))?;
    write_atomically(path, &bytes)
}

pub(crate) fn bytes_of(arrays: &BTreeMap<String, Array>) -> std::io::Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    // A fixed date, so that the bytes depend on the arrays alone.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default())
        .large_file(true);
    for (name, array) in arrays {
        writer.start_file(format!("{name}.npy"), options)?;
        writer.write_all(&write_npy(array))?;
    }
    Ok(writer.finish()?.into_inner())
}
