//! NumPy's type codes. Invariant: a type that is not known is an error that names it.

use super::Values;
use crate::{Error, Result};

/// A type code such as `<f8`, `|u1`, `<U8`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dtype {
    kind: char,
    /// Bytes of one value.
    size: usize,
    big_endian: bool,
}

impl Dtype {
    /// Parses a code; one without byte order is little-endian.
    pub(crate) fn parse(code: &str, place: &str) -> Result<Self> {
        let refuse = || {
            Error::format(
                place,
                "a type among bool, (u)int8-64, float32, float64, text",
                format!("{code:?}"),
            )
        };
        let mut rest = code;
        let mut big_endian = false;
        if let Some(stripped) = code.strip_prefix(['<', '>', '|', '=']) {
            big_endian = code.starts_with('>');
            rest = stripped;
        }
        let kind = rest.chars().next().ok_or_else(refuse)?;
        let size: usize = rest
            .get(kind.len_utf8()..)
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(refuse)?;
        let known = match kind {
            'b' => size == 1,
            'i' | 'u' => matches!(size, 1 | 2 | 4 | 8),
            'f' => matches!(size, 4 | 8),
            'U' | 'S' => size <= 1 << 20,
            _ => false,
        };
        if !known {
            return Err(refuse());
        }
        // The code of text counts characters, of four bytes each.
        let size = if kind == 'U' { size * 4 } else { size };
        Ok(Self {
            kind,
            size,
            big_endian,
        })
    }

    pub(crate) fn set_byte_order(&mut self, order: &str) {
        if order == "<" || order == ">" {
            self.big_endian = order == ">";
        }
    }

    /// Sets the size of a text type, which pickles keep apart from the code.
    pub(crate) fn set_text_bytes(&mut self, size: usize) {
        if matches!(self.kind, 'U' | 'S') && size <= 1 << 22 {
            self.size = size;
        }
    }

    /// Decodes exactly `count` values.
    pub(crate) fn decode(&self, bytes: &[u8], count: usize, place: &str) -> Result<Values> {
        if count.checked_mul(self.size) != Some(bytes.len()) {
            return Err(Error::format(
                place,
                format!("{count} values of {} bytes", self.size),
                format!("{} bytes", bytes.len()),
            ));
        }
        if self.size == 0 {
            // Only empty text has no bytes; a count from a damaged header must not
            // decide how much memory that takes.
            return if count <= 1 << 20 {
                Ok(Values::Text(vec![String::new(); count]))
            } else {
                Err(Error::format(
                    place,
                    "values of some size",
                    format!("{count} of none"),
                ))
            };
        }
        let values = bytes.chunks_exact(self.size);
        Ok(match (self.kind, self.size) {
            ('b', _) => Values::I64(bytes.iter().map(|b| i64::from(*b != 0)).collect()),
            ('u', 1) => Values::U8(bytes.to_vec()),
            ('u', _) => Values::I64(
                values
                    .map(|v| i64::try_from(self.word(v)))
                    .collect::<Result<_, _>>()
                    .map_err(|_| Error::format(place, "integers below 2^63", "a larger one"))?,
            ),
            ('i', _) => {
                // The sign is in the highest bit of the value's own width.
                let shift = 64 - 8 * self.size as u32;
                Values::I64(
                    values
                        .map(|v| (self.word(v) << shift) as i64 >> shift)
                        .collect(),
                )
            }
            ('f', 4) => Values::F32(
                values
                    .map(|v| f32::from_bits(self.word(v) as u32))
                    .collect(),
            ),
            ('f', _) => Values::F64(values.map(|v| f64::from_bits(self.word(v))).collect()),
            ('S', _) => Values::Text(
                values
                    .map(|v| text(v.iter().map(|b| u32::from(*b))))
                    .collect(),
            ),
            _ => Values::Text(
                values
                    .map(|v| text(v.chunks_exact(4).map(|c| self.word(c) as u32)))
                    .collect(),
            ),
        })
    }

    fn word(&self, bytes: &[u8]) -> u64 {
        let add = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
        if self.big_endian {
            bytes.iter().fold(0, add)
        } else {
            bytes.iter().rev().fold(0, add)
        }
    }
}

/// Text without the zeros that fill it up.
fn text(codes: impl Iterator<Item = u32>) -> String {
    let text: String = codes
        .map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    text.trim_end_matches('\0').to_string()
}
