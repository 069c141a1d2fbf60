//! Comma-separated text with quoted fields (RFC 4180), and Python's literal lists.
//! Invariant: a field is where the header says, or the error names the line.

use std::collections::BTreeMap;

use crate::{Error, Result};

/// The rows of a table with a header, read one at a time.
pub(super) struct Csv<'a> {
    place: &'a str,
    rest: &'a str,
    line: usize,
    columns: BTreeMap<String, usize>,
}

/// One row: its fields, and the line that it begins in.
pub(super) struct Row {
    pub(super) place: String,
    fields: Vec<String>,
}

impl<'a> Csv<'a> {
    pub(super) fn new(text: &'a str, place: &'a str) -> Result<Self> {
        let mut csv = Self {
            place,
            rest: text.strip_prefix('\u{feff}').unwrap_or(text),
            line: 1,
            columns: BTreeMap::new(),
        };
        let header = csv
            .next_row()?
            .ok_or_else(|| Error::format(place, "a header line", "an empty file"))?;
        for (index, name) in header.fields.into_iter().enumerate() {
            csv.columns.insert(name.trim().to_string(), index);
        }
        Ok(csv)
    }

    /// Which field a column is.
    pub(super) fn column(&self, name: &str) -> Result<usize> {
        self.columns.get(name).copied().ok_or_else(|| {
            let names: Vec<&str> = self.columns.keys().map(String::as_str).collect();
            let found = format!("columns [{}]", names.join(", "));
            Error::format(self.place, format!("a column {name}"), found)
        })
    }

    pub(super) fn next_row(&mut self) -> Result<Option<Row>> {
        // Empty lines between rows are none.
        while let Some(rest) = self.rest.strip_prefix(['\n', '\r']) {
            self.line += usize::from(self.rest.starts_with('\n'));
            self.rest = rest;
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let place = format!("{}, line {}", self.place, self.line);
        let mut fields = Vec::new();
        loop {
            let field = match self.rest.strip_prefix('"') {
                Some(rest) => self.quoted(rest, &place)?,
                None => {
                    let end = self.rest.find([',', '\n', '\r']).unwrap_or(self.rest.len());
                    let (field, rest) = self.rest.split_at(end);
                    self.rest = rest;
                    field.to_string()
                }
            };
            fields.push(field);
            match self.rest.strip_prefix(',') {
                Some(rest) => self.rest = rest,
                None if self.rest.is_empty() || self.rest.starts_with(['\n', '\r']) => break,
                None => return Err(Error::format(place, "a comma after a quoted field", "text")),
            }
        }
        Ok(Some(Row { place, fields }))
    }

    /// The field up to the closing quote; two quotes stand for one.
    fn quoted(&mut self, mut rest: &'a str, place: &str) -> Result<String> {
        let mut field = String::new();
        loop {
            let Some(end) = rest.find('"') else {
                return Err(Error::format(
                    place,
                    "a closing quote",
                    "the end of the file",
                ));
            };
            let part = &rest[..end];
            self.line += part.matches('\n').count();
            field.push_str(part);
            rest = &rest[end + 1..];
            match rest.strip_prefix('"') {
                Some(after) => {
                    field.push('"');
                    rest = after;
                }
                None => {
                    self.rest = rest;
                    return Ok(field);
                }
            }
        }
    }
}

impl Row {
    pub(super) fn field(&self, column: usize, name: &str) -> Result<&str> {
        let field = self.fields.get(column).map(|field| field.trim());
        field.ok_or_else(|| {
            let found = format!("{} fields", self.fields.len());
            Error::format(&self.place, format!("a field for {name}"), found)
        })
    }

    pub(super) fn number<T: std::str::FromStr>(&self, column: usize, name: &str) -> Result<T> {
        let text = self.field(column, name)?;
        // pandas writes whole numbers with a point where a column had gaps.
        let digits = text.strip_suffix(".0").unwrap_or(text);
        digits.parse().map_err(|_| {
            let place = format!("{}, column {name}", self.place);
            Error::format(place, "a number in 0..2^32", format!("{text:?}"))
        })
    }
}

/// A list of lists of numbers, all of one length: `[[1, 2], [3, 4]]`. Returned is the
/// number of inner lists, and all numbers. Commas may be missing, as in NumPy's print.
pub(super) fn nested_list(text: &str, place: &str) -> Result<(usize, Vec<f32>)> {
    let wrong = |expected: &str, found: &str| {
        let found: String = found.chars().take(24).collect();
        Error::format(place, expected, format!("{found:?}"))
    };
    let trimmed = text.trim();
    let inner = trimmed
        .strip_prefix('[')
        .and_then(|t| t.strip_suffix(']'))
        .ok_or_else(|| wrong("a list [[...], ...]", trimmed))?;
    let (mut lists, mut values) = (0, Vec::new());
    let mut rest = inner.trim_start();
    while !rest.is_empty() {
        let (list, after) = rest
            .strip_prefix('[')
            .and_then(|r| r.split_once(']'))
            .ok_or_else(|| wrong("an inner list [...]", rest))?;
        let before = values.len();
        for number in list.split([',', ' ', '\n']).filter(|n| !n.is_empty()) {
            values.push(number.parse().map_err(|_| wrong("a number", number))?);
        }
        lists += 1;
        // The first list sets the length.
        if (values.len() - before) * lists != values.len() {
            let expected = format!("inner lists of {} numbers", before / (lists - 1).max(1));
            return Err(wrong(&expected, list));
        }
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    if values.is_empty() {
        return Err(wrong("a list with numbers in it", trimmed));
    }
    Ok((lists, values))
}

#[cfg(test)]
mod tests;
