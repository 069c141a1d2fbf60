//! Entries of a zip archive, stored or deflated. Invariant: an entry is given out only
//! when its length and checksum are as stated, and takes no more memory than stated.

use std::io::{Read, Seek};

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::{Error, Result};

/// Where a zip archive begins, empty ones included.
pub(crate) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

fn damaged(place: &str, reason: &dyn std::fmt::Display) -> Error {
    Error::format(place, "a zip archive", reason.to_string())
}

/// Opens an archive: its list of entries is read, nothing else.
pub(crate) fn open<R: Read + Seek>(source: R, place: &str) -> Result<ZipArchive<R>> {
    ZipArchive::new(source).map_err(|e| damaged(place, &e))
}

/// The names of the files (not folders), with their numbers.
pub(crate) fn names<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    place: &str,
) -> Result<Vec<(String, usize)>> {
    let mut names = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let entry = archive
            .by_index_raw(index)
            .map_err(|e| damaged(place, &e))?;
        let name = entry.name().map_err(|e| damaged(place, &e))?.into_owned();
        if !entry.is_dir() {
            names.push((name, index));
        }
    }
    Ok(names)
}

/// An entry as it lies in the archive.
pub(crate) struct Packed {
    bytes: Vec<u8>,
    size: u64,
    crc: u32,
    method: CompressionMethod,
}

/// Reads an entry without unpacking it.
pub(crate) fn packed<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    index: usize,
    place: &str,
    max_bytes: u64,
) -> Result<Packed> {
    // Raw, because the zip crate is built without decoders: flate2 is here anyway.
    let mut entry = archive
        .by_index_raw(index)
        .map_err(|e| damaged(place, &e))?;
    let (size, crc, method) = (entry.size(), entry.crc32(), entry.compression());
    if entry.encrypted() {
        return Err(Error::format(
            place,
            "an entry in clear",
            "an encrypted one",
        ));
    }
    if size > max_bytes {
        let expected = format!("at most {max_bytes} bytes");
        return Err(Error::format(place, expected, size.to_string()));
    }
    // The buffer grows as the data come: a false size costs nothing.
    let mut bytes = Vec::new();
    entry
        .read_to_end(&mut bytes)
        .map_err(|e| damaged(place, &e))?;
    Ok(Packed {
        bytes,
        size,
        crc,
        method,
    })
}

impl Packed {
    /// Unpacks the entry and checks it.
    pub(crate) fn unpack(self, place: &str) -> Result<Vec<u8>> {
        let bytes = if self.method == CompressionMethod::Stored {
            self.bytes
        } else if self.method == CompressionMethod::DEFLATE {
            let mut bytes = Vec::new();
            // One byte more than stated is asked for, to notice what is too long.
            DeflateDecoder::new(self.bytes.as_slice())
                .take(self.size + 1)
                .read_to_end(&mut bytes)
                .map_err(|e| damaged(place, &e))?;
            bytes
        } else {
            let found = self.method.to_string();
            return Err(Error::format(place, "stored or deflated data", found));
        };
        let crc = crc32fast::hash(&bytes);
        if bytes.len() as u64 == self.size && crc == self.crc {
            return Ok(bytes);
        }
        Err(Error::format(
            place,
            format!("{} bytes with checksum {:08x}", self.size, self.crc),
            format!("{} bytes with {crc:08x}", bytes.len()),
        ))
    }
}
