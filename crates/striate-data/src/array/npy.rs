//! One array in NumPy's `.npy` format, versions 1 to 3.

use super::{Array, Dtype, Values, element_count};
use crate::{Error, Result};

const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads the bytes of a `.npy` file; `place` names it in messages.
///
/// # Errors
///
/// If the bytes are damaged or of a type other than numbers and text.
pub fn read_npy(bytes: &[u8], place: &str) -> Result<Array> {
    let wrong = |expected: &str, found: String| Error::format(place, expected, found);
    if !bytes.starts_with(MAGIC) {
        let head = &bytes[..bytes.len().min(6)];
        return Err(wrong("a .npy header", format!("bytes {head:02x?}")));
    }
    let version = bytes.get(6).copied().unwrap_or_default();
    let (len, start): (usize, usize) = match (version, bytes.get(8..12)) {
        (1, Some(b)) => (usize::from(u16::from_le_bytes([b[0], b[1]])), 10),
        (2 | 3, Some(b)) => (u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize, 12),
        _ => {
            return Err(wrong(
                "version 1 to 3 of .npy",
                format!("version {version}"),
            ));
        }
    };
    let header = bytes
        .get(start..start.saturating_add(len))
        .and_then(|header| std::str::from_utf8(header).ok())
        .ok_or_else(|| wrong("a header of text", "a header that is cut off".into()))?;
    let descr = value_of(header, "descr")
        .and_then(|v| v.strip_prefix('\''))
        .and_then(|v| v.split('\'').next())
        .ok_or_else(|| wrong("a plain type 'descr'", header.trim().to_string()))?;
    let fortran = value_of(header, "fortran_order")
        .map(|v| v.starts_with("True"))
        .ok_or_else(|| wrong("'fortran_order'", header.trim().to_string()))?;
    let shape = value_of(header, "shape")
        .and_then(|v| v.strip_prefix('('))
        .and_then(|v| v.split(')').next())
        .and_then(|inner| {
            let axes = inner
                .split(',')
                .map(str::trim)
                .filter(|axis| !axis.is_empty());
            axes.map(|axis| axis.parse().ok())
                .collect::<Option<Vec<usize>>>()
        })
        .filter(|shape| shape.len() <= 32)
        .ok_or_else(|| wrong("a 'shape'", header.trim().to_string()))?;
    let count = element_count(&shape)
        .ok_or_else(|| wrong("a shape that fits in memory", format!("{shape:?}")))?;
    let values = Dtype::parse(descr, place)?.decode(&bytes[start + len..], count, place)?;
    if fortran && shape.len() > 1 {
        Array::from_fortran(shape, &values)
    } else {
        Array::new(shape, values)
    }
}

/// What follows `'key':` in the header's dict.
fn value_of<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let at = header.find(&format!("'{key}'"))?;
    let rest = &header[at + key.len() + 2..];
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

/// The bytes of a `.npy` file, version 1, as NumPy writes it.
pub fn write_npy(array: &Array) -> Vec<u8> {
    let (descr, data): (String, Vec<u8>) = match &array.values {
        Values::F32(v) => (
            "<f4".into(),
            v.iter().flat_map(|v| v.to_le_bytes()).collect(),
        ),
        Values::F64(v) => (
            "<f8".into(),
            v.iter().flat_map(|v| v.to_le_bytes()).collect(),
        ),
        Values::I64(v) => (
            "<i8".into(),
            v.iter().flat_map(|v| v.to_le_bytes()).collect(),
        ),
        Values::U8(v) => ("|u1".into(), v.clone()),
        Values::Text(v) => {
            let chars = v
                .iter()
                .map(|t| t.chars().count())
                .max()
                .unwrap_or(0)
                .max(1);
            let fill = std::iter::repeat('\0');
            let codes = v
                .iter()
                .flat_map(|t| t.chars().chain(fill.clone()).take(chars));
            let data = codes.flat_map(|c| (c as u32).to_le_bytes()).collect();
            (format!("<U{chars}"), data)
        }
    };
    let axes: Vec<String> = array.shape.iter().map(ToString::to_string).collect();
    let comma = if axes.len() == 1 { "," } else { "" };
    let shape = format!("({}{comma})", axes.join(", "));
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // The data begin at a multiple of 64 bytes; the header ends with a line break.
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut out = Vec::with_capacity(10 + header.len() + data.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[1, 0]);
    out.extend_from_slice(&(header.len() as u16).to_le_bytes());
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(&data);
    out
}
