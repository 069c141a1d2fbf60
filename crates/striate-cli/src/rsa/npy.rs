//! Where the values of a `.npy` file lie, so that blocks of columns can be read
//! without the rest. Invariant: a header is believed only if the file is as long
//! as it says.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::input::{Error, Result};

/// Longest header that is read; NumPy's own limit is 10,000 bytes.
const MAX_HEADER: u64 = 1 << 16;

/// An open array of numbers, rows by flattened columns.
#[derive(Debug)]
pub struct NpyFile {
    file: File,
    offset: u64,
    kind: char,
    size: usize,
    big_endian: bool,
    fortran: bool,
    pub rows: usize,
    pub columns: usize,
}

impl NpyFile {
    /// Opens an array of two or more axes.
    ///
    /// # Errors
    ///
    /// A file that is no such array, or is cut off.
    pub fn open(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let io = |e| Error::io("read", path, e);
        let mut file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let mut head = Vec::new();
        (&mut file)
            .take(MAX_HEADER)
            .read_to_end(&mut head)
            .map_err(io)?;
        if !head.starts_with(b"\x93NUMPY") || head.len() < 12 {
            return Err(Error::content(
                place,
                "a .npy header",
                format!("bytes {:02x?}", &head[..head.len().min(6)]),
            ));
        }
        let (text_length, start): (usize, usize) = if head[6] == 1 {
            (usize::from(u16::from_le_bytes([head[8], head[9]])), 10)
        } else {
            let length = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
            (length as usize, 12)
        };
        let header = head
            .get(start..start.saturating_add(text_length))
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .ok_or_else(|| Error::content(&place, "a header of text", "one that is cut off"))?;
        let wrong = |expected: &str| Error::content(&place, expected, header.trim());
        let code = value_of(header, "descr")
            .and_then(|v| v.strip_prefix('\''))
            .and_then(|v| v.split('\'').next())
            .ok_or_else(|| wrong("a plain type"))?;
        let digits = code.trim_start_matches(['<', '>', '|', '=']);
        let kind = digits.chars().next().unwrap_or(' ');
        let size = digits.get(1..).and_then(|d| d.parse().ok()).unwrap_or(0);
        if !matches!(
            (kind, size),
            ('f', 2 | 4 | 8) | ('i' | 'u', 1 | 2 | 4 | 8) | ('b', 1)
        ) {
            return Err(Error::content(
                place,
                "numbers of type bool, (u)int8-64 or float16-64",
                code,
            ));
        }
        let shape: Vec<usize> = value_of(header, "shape")
            .and_then(|v| v.strip_prefix('('))
            .and_then(|v| v.split(')').next())
            .and_then(|inner| {
                let axes = inner.split(',').map(str::trim).filter(|a| !a.is_empty());
                axes.map(|axis| axis.parse().ok()).collect()
            })
            .ok_or_else(|| wrong("a shape"))?;
        let fortran = value_of(header, "fortran_order").is_some_and(|v| v.starts_with("True"));
        let [rows, rest @ ..] = shape.as_slice() else {
            return Err(Error::content(
                place,
                "images x features",
                "a single number",
            ));
        };
        if rest.is_empty() || (fortran && rest.len() > 1) {
            let found = if fortran {
                format!("shape {shape:?} in Fortran order (save it in C order)")
            } else {
                format!("shape {shape:?}")
            };
            return Err(Error::content(place, "images x features", found));
        }
        let columns = rest.iter().try_fold(1_usize, |p, n| p.checked_mul(*n));
        let offset = (start + text_length) as u64;
        let bytes = columns
            .and_then(|c| c.checked_mul(*rows))
            .and_then(|n| n.checked_mul(size))
            .and_then(|n| (n as u64).checked_add(offset));
        let (Some(columns), Some(bytes)) = (columns, bytes) else {
            return Err(Error::content(
                place,
                "a shape of some size",
                format!("{shape:?}"),
            ));
        };
        if bytes != length {
            return Err(Error::content(
                place,
                format!("{bytes} bytes for the shape {shape:?}"),
                length,
            ));
        }
        Ok(Self {
            file,
            offset,
            kind,
            size,
            big_endian: code.starts_with('>'),
            fortran,
            rows: *rows,
            columns,
        })
    }

    /// The columns `start..end` of all rows, row by row.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn block(&mut self, start: usize, end: usize) -> std::io::Result<Vec<f32>> {
        let width = end - start;
        let mut out = vec![0.0; self.rows * width];
        if self.fortran {
            let mut bytes = vec![0; self.rows * self.size];
            for column in start..end {
                self.fill(column * self.rows, &mut bytes)?;
                for (row, value) in bytes.chunks_exact(self.size).enumerate() {
                    out[row * width + column - start] = self.number(value);
                }
            }
        } else {
            let mut bytes = vec![0; width * self.size];
            for row in 0..self.rows {
                self.fill(row * self.columns + start, &mut bytes)?;
                let line = &mut out[row * width..(row + 1) * width];
                for (out, value) in line.iter_mut().zip(bytes.chunks_exact(self.size)) {
                    *out = self.number(value);
                }
            }
        }
        Ok(out)
    }

    fn fill(&mut self, element: usize, bytes: &mut [u8]) -> std::io::Result<()> {
        let at = self.offset + (element * self.size) as u64;
        self.file.seek(SeekFrom::Start(at))?;
        self.file.read_exact(bytes)
    }

    fn number(&self, bytes: &[u8]) -> f32 {
        let add = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
        let word = if self.big_endian {
            bytes.iter().fold(0, add)
        } else {
            bytes.iter().rev().fold(0, add)
        };
        match (self.kind, self.size) {
            ('f', 2) => half(word as u16),
            ('f', 4) => f32::from_bits(word as u32),
            ('f', _) => f64::from_bits(word) as f32,
            ('i', size) => {
                // The sign is in the highest bit of the value's own width.
                let shift = 64 - 8 * size as u32;
                ((word << shift) as i64 >> shift) as f32
            }
            _ => word as f32,
        }
    }
}

/// IEEE 754 half precision.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f32::from(bits & 0x3ff) / 1024.0;
    match i32::from(bits >> 10 & 0x1f) {
        0 => sign * fraction * 2.0_f32.powi(-14),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        exponent => sign * (1.0 + fraction) * 2.0_f32.powi(exponent - 15),
    }
}

/// What follows `'key':` in the header's dict.
fn value_of<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let at = header.find(&format!("'{key}'"))?;
    let rest = &header[at + key.len() + 2..];
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}
