//! CSV as RFC 4180 has it, with `\n` line ends.
//!
//! Invariant: a number is written in the shortest form that reads back as the
//! same number; a missing number is an empty field.

use std::fmt::Write as _;
use std::path::Path;

use super::{Table, Values};
use crate::{Result, files};

impl Table {
    /// The table as CSV text with a head line.
    pub fn to_csv(&self) -> String {
        let mut out = String::new();
        for (i, column) in self.columns().iter().enumerate() {
            separate(&mut out, i);
            quote(&mut out, &column.name);
        }
        out.push('\n');
        for row in 0..self.rows() {
            for (i, column) in self.columns().iter().enumerate() {
                separate(&mut out, i);
                match &column.values {
                    Values::Utf8(v) => quote(&mut out, &v[row]),
                    // Writing to a String cannot fail.
                    Values::I64(v) => drop(write!(out, "{}", v[row])),
                    Values::F64(v) if v[row].is_nan() => {}
                    Values::F64(v) => drop(write!(out, "{}", v[row])),
                }
            }
            out.push('\n');
        }
        out
    }

    /// Writes the table as CSV, atomically.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Io`] with the file.
    pub fn write_csv(&self, path: &Path) -> Result<()> {
        files::write_atomically(path, self.to_csv().as_bytes())
    }
}

fn separate(out: &mut String, index: usize) {
    if index > 0 {
        out.push(',');
    }
}

fn quote(out: &mut String, text: &str) {
    if text.contains([',', '"', '\n', '\r']) {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}
