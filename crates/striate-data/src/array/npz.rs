//! Named arrays in a zip archive, stored or deflated.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read, Seek, Write},
    path::Path,
};

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

use super::{Array, read_npy, write_npy};
use crate::{Error, Result, write_atomically};

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
    let damaged = |place: &str, reason: &dyn std::fmt::Display| {
        Error::format(place, "a zip archive of arrays", reason.to_string())
    };
    let mut archive = ZipArchive::new(source).map_err(|e| damaged(place, &e))?;
    let mut arrays = BTreeMap::new();
    for index in 0..archive.len() {
        // Raw, because the zip crate is built without decoders: flate2 is here anyway.
        let entry = archive
            .by_index_raw(index)
            .map_err(|e| damaged(place, &e))?;
        let name = entry.name().map_err(|e| damaged(place, &e))?;
        let place = format!("{place}, entry {name}");
        let Some(name) = name.strip_suffix(".npy").map(String::from) else {
            return Err(Error::format(&place, "a .npy entry", "another"));
        };
        let (size, crc, method) = (entry.size(), entry.crc32(), entry.compression());
        if size > MAX_BYTES {
            return Err(Error::format(
                place,
                format!("at most {MAX_BYTES} bytes"),
                size.to_string(),
            ));
        }
        // The buffer grows as the data come: a false size costs nothing. One byte
        // more than stated is asked for, to notice what is too long.
        let mut bytes = Vec::new();
        let read = match method {
            CompressionMethod::Stored => entry.take(size + 1).read_to_end(&mut bytes),
            // Not a pattern of its own, as the zip crate has no decoder for it here.
            method if method == CompressionMethod::DEFLATE => DeflateDecoder::new(entry)
                .take(size + 1)
                .read_to_end(&mut bytes),
            other => {
                return Err(Error::format(
                    place,
                    "stored or deflated data",
                    other.to_string(),
                ));
            }
        };
        read.map_err(|e| damaged(&place, &e))?;
        if bytes.len() as u64 != size || crc32fast::hash(&bytes) != crc {
            return Err(Error::format(
                place,
                format!("{size} bytes with checksum {crc:08x}"),
                format!("{} bytes with {:08x}", bytes.len(), crc32fast::hash(&bytes)),
            ));
        }
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
