//! The index of a tar archive: ustar, with GNU and pax long names. Invariant: only
//! headers are read, and each entry lies within the file.

use std::{
    collections::BTreeMap,
    io::{Read, Seek, SeekFrom},
};

use crate::{Error, Result};

const BLOCK: u64 = 512;

/// Longest name or pax header that is believed, in bytes.
const MAX_NAME: u64 = 1 << 16;

/// Where a file lies: offset and length.
pub(super) type Extent = (u64, u64);

/// The regular files of an archive, by their normalised names.
pub(super) fn index(
    source: &mut (impl Read + Seek),
    place: &str,
) -> Result<BTreeMap<String, Extent>> {
    let io = |at: u64, source: std::io::Error| Error::Io {
        place: format!("{place}, byte {at}"),
        source,
    };
    let total = source.seek(SeekFrom::End(0)).map_err(|e| io(0, e))?;
    let mut files = BTreeMap::new();
    let mut long_name: Option<String> = None;
    let mut at = 0;
    while at + BLOCK <= total {
        let mut header = [0u8; BLOCK as usize];
        source
            .seek(SeekFrom::Start(at))
            .and_then(|_| source.read_exact(&mut header))
            .map_err(|e| io(at, e))?;
        // Two blocks of zeros end an archive; one is enough to know.
        if header.iter().all(|b| *b == 0) {
            return Ok(files);
        }
        let here = format!("{place}, byte {at}");
        check_sum(&header, &here)?;
        let size = number(&header[124..136], &here)?;
        let start = at + BLOCK;
        if size > total - start {
            return Err(Error::format(
                here,
                format!("{size} bytes of {:?}", name(&header)),
                format!("{} bytes to the end of the file", total - start),
            ));
        }
        match header[156] {
            b'L' | b'x' => {
                if size > MAX_NAME {
                    let expected = format!("a name of at most {MAX_NAME} bytes");
                    return Err(Error::format(here, expected, size.to_string()));
                }
                let mut data = vec![0; size as usize];
                source.read_exact(&mut data).map_err(|e| io(start, e))?;
                if header[156] == b'L' {
                    let end = data.iter().position(|b| *b == 0).unwrap_or(data.len());
                    long_name = Some(String::from_utf8_lossy(&data[..end]).into_owned());
                } else if let Some(path) = pax_path(&data) {
                    long_name = Some(path);
                }
            }
            b'0' | 0 | b'7' => {
                let name = long_name.take().unwrap_or_else(|| name(&header));
                files.insert(normalise(&name), (start, size));
            }
            // A pax header for all that follows says nothing of names.
            b'g' => {}
            _ => long_name = None,
        }
        at = start + size.div_ceil(BLOCK) * BLOCK;
    }
    if at == 0 {
        return Err(Error::format(
            place,
            "a tar archive",
            format!("{total} bytes"),
        ));
    }
    Err(Error::format(
        format!("{place}, byte {at}"),
        "the end mark of a tar archive",
        "the end of the file: it is cut off",
    ))
}

/// Without `./` in front.
fn normalise(name: &str) -> String {
    name.trim_start_matches("./").to_string()
}

fn field(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn name(header: &[u8]) -> String {
    let name = field(&header[..100]);
    let prefix = field(&header[345..500]);
    // GNU archives use the prefix's place for something else.
    if &header[257..263] == b"ustar\0" && !prefix.is_empty() {
        format!("{prefix}/{name}")
    } else {
        name
    }
}

/// An octal number, or a binary one where the highest bit is set.
fn number(field: &[u8], place: &str) -> Result<u64> {
    if field[0] & 0x80 != 0 {
        let rest = &field[field.len() - 8..];
        return Ok(rest.iter().fold(0, |n, b| n << 8 | u64::from(*b)));
    }
    let text: String = field
        .iter()
        .map(|b| *b as char)
        .filter(|c| !matches!(c, '\0' | ' '))
        .collect();
    let number = u64::from_str_radix(&text, 8);
    number.map_err(|_| Error::format(place, "an octal number", format!("{text:?}")))
}

fn check_sum(header: &[u8], place: &str) -> Result<()> {
    let stated = number(&header[148..156], place)?;
    let sum = |(i, b): (usize, &u8)| {
        // The sum's own place counts as spaces.
        u64::from(if (148..156).contains(&i) { b' ' } else { *b })
    };
    let found: u64 = header.iter().enumerate().map(sum).sum();
    if stated == found {
        return Ok(());
    }
    Err(Error::format(
        place,
        format!("a tar header with checksum {stated}"),
        format!("one that sums to {found}"),
    ))
}

/// The record `path` of a pax header: lines of "length key=value".
fn pax_path(mut data: &[u8]) -> Option<String> {
    while let Some(space) = data.iter().position(|b| *b == b' ') {
        let len: usize = std::str::from_utf8(&data[..space]).ok()?.parse().ok()?;
        let record = data.get(space + 1..len)?;
        if let Some(path) = record.strip_prefix(b"path=") {
            let path = path.strip_suffix(b"\n").unwrap_or(path);
            return Some(String::from_utf8_lossy(path).into_owned());
        }
        data = data.get(len..)?;
    }
    None
}
