//! Tables in files, read a batch of rows at a time. Invariant: memory holds one
//! batch of the wanted columns, whatever the size of the file; every value that
//! is asked for and is not there, or is of another kind, is an error with its
//! file, row and column.

mod csv;
mod parquet;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::input::{Error, Result};

/// Rows of a batch.
const BATCH: usize = 4096;

/// One column of a batch.
#[derive(Debug, PartialEq)]
pub enum Column {
    /// Text, and everything in CSV; empty is `None`.
    Text(Vec<Option<String>>),
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Numbers.
    Float(Vec<Option<f64>>),
    /// Lists of numbers: row `r` is `values[ends[r - 1]..ends[r]]`; a null list
    /// is empty, a null number is NaN.
    List {
        /// Where each row ends.
        ends: Vec<usize>,
        /// All values.
        values: Vec<f32>,
    },
}

/// Some rows of a table.
#[derive(Debug)]
pub struct Batch {
    /// The file.
    file: String,
    /// What a row is called: `row` (from 0, as in pandas) or `line` (as in an editor).
    unit: &'static str,
    /// Number of the first row.
    first: usize,
    /// Number of rows.
    pub rows: usize,
    /// The wanted columns that the file has.
    pub columns: BTreeMap<String, Column>,
}

impl Batch {
    /// The number of a row as the user counts.
    pub fn number(&self, row: usize) -> usize {
        self.first + row
    }

    /// File and row.
    pub fn place(&self, row: usize) -> String {
        format!("{}, {} {}", self.file, self.unit, self.number(row))
    }

    fn cell(&self, column: &str, row: usize) -> String {
        format!("{}, column {column}", self.place(row))
    }

    fn column(&self, name: &str) -> Result<&Column> {
        let missing = || {
            let known: Vec<&str> = self.columns.keys().map(String::as_str).collect();
            Error::content(
                &self.file,
                format!("a column {name}"),
                format!("columns {}", known.join(", ")),
            )
        };
        self.columns.get(name).ok_or_else(missing)
    }

    /// A value as text; whole numbers are written as such.
    pub fn text(&self, column: &str, row: usize) -> Result<Option<Cow<'_, str>>> {
        Ok(match self.column(column)? {
            Column::Text(v) => v[row].as_deref().map(Cow::Borrowed),
            Column::Integer(v) => v[row].map(|v| Cow::Owned(v.to_string())),
            // NaN is how pandas writes a missing value.
            Column::Float(v) => v[row]
                .filter(|v| !v.is_nan())
                .map(|v| Cow::Owned(v.to_string())),
            Column::List { .. } => {
                return Err(Error::content(self.cell(column, row), "text", "a list"));
            }
        })
    }

    /// A whole number.
    pub fn integer(&self, column: &str, row: usize) -> Result<Option<i64>> {
        let refuse = |found: String| {
            Error::content(
                self.cell(column, row),
                "a whole number",
                format!("`{found}`"),
            )
        };
        match self.column(column)? {
            Column::Integer(v) => Ok(v[row]),
            Column::Float(v) => match v[row] {
                None => Ok(None),
                Some(v) if v.is_nan() => Ok(None),
                Some(v) if v.fract() == 0.0 && v.abs() < 9e15 => Ok(Some(v as i64)),
                Some(v) => Err(refuse(v.to_string())),
            },
            Column::Text(v) => match v[row].as_deref() {
                None => Ok(None),
                Some(text) => match text.parse::<i64>() {
                    Ok(value) => Ok(Some(value)),
                    // `3.0`, as pandas writes a column of integers with a gap.
                    Err(_) => match text.parse::<f64>() {
                        Ok(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
                            Ok(Some(value as i64))
                        }
                        _ => Err(refuse(text.to_owned())),
                    },
                },
            },
            Column::List { .. } => Err(refuse("a list".to_owned())),
        }
    }

    /// A number, which may be NaN or infinite.
    pub fn float(&self, column: &str, row: usize) -> Result<Option<f64>> {
        let refuse =
            |found: &str| Error::content(self.cell(column, row), "a number", format!("`{found}`"));
        Ok(match self.column(column)? {
            Column::Float(v) => v[row],
            Column::Integer(v) => v[row].map(|v| v as f64),
            Column::Text(v) => match v[row].as_deref() {
                None => None,
                Some(text) => Some(text.trim().parse().map_err(|_| refuse(text))?),
            },
            Column::List { .. } => return Err(refuse("a list")),
        })
    }

    /// A list of numbers; in CSV as `[0.1, 2, -3]`, with or without brackets,
    /// separated by commas, semicolons or spaces.
    pub fn list(&self, column: &str, row: usize) -> Result<Cow<'_, [f32]>> {
        match self.column(column)? {
            Column::List { ends, values } => {
                let start = row.checked_sub(1).map_or(0, |r| ends[r]);
                Ok(Cow::Borrowed(&values[start..ends[row]]))
            }
            Column::Text(v) => {
                let text = v[row].as_deref().unwrap_or_default();
                let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
                let items = inner
                    .split([',', ';', ' ', '\n'])
                    .filter(|item| !item.is_empty());
                let values = items.map(|item| {
                    item.parse().map_err(|_| {
                        Error::content(
                            self.cell(column, row),
                            "a list of numbers",
                            format!("`{item}`"),
                        )
                    })
                });
                Ok(Cow::Owned(values.collect::<Result<_>>()?))
            }
            Column::Integer(_) | Column::Float(_) => Err(Error::content(
                self.cell(column, row),
                "a list of numbers",
                "one number",
            )),
        }
    }

    /// The error of a value that must not be missing.
    pub fn missing(&self, column: &str, row: usize, expected: &str) -> Error {
        Error::content(self.cell(column, row), expected, "nothing")
    }

    /// The error of a value that is not as it must be.
    pub fn wrong(&self, column: &str, row: usize, expected: String, found: impl ToString) -> Error {
        Error::content(self.cell(column, row), expected, found)
    }
}

/// Reads a `.parquet` or `.csv` file batch by batch.
///
/// # Errors
///
/// A file that cannot be read or is damaged, and whatever `each` returns.
pub fn read(
    path: &Path,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(&Batch) -> Result<()>,
) -> Result<()> {
    let mut file = File::open(path).map_err(|e| Error::io("read", path, e))?;
    let mut magic = [0; 4];
    let length = file
        .read(&mut magic)
        .map_err(|e| Error::io("read", path, e))?;
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    if &magic[..length] == b"PAR1" {
        return parquet::read(path, wanted, each);
    }
    match extension.to_str() {
        Some("csv") => csv::read(path, b',', wanted, each),
        Some("tsv") => csv::read(path, b'\t', wanted, each),
        _ => Err(Error::content(
            path.display().to_string(),
            "a parquet file, or a name that ends in .csv or .tsv",
            format!("a file that begins with {:02x?}", &magic[..length]),
        )),
    }
}
