//! CSV as RFC 4180 has it, with a header line.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use super::{BATCH, Batch, Column};
use crate::input::{Error, Result};

pub(super) fn read(
    path: &Path,
    separator: u8,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(&Batch) -> Result<()>,
) -> Result<()> {
    let file = File::open(path).map_err(|e| Error::io("read", path, e))?;
    let mut lines = Lines {
        path,
        separator,
        reader: BufReader::new(file),
        line: 0,
    };
    let Some((_, header)) = lines.next()? else {
        return Err(Error::content(
            path.display().to_string(),
            "a header line",
            "an empty file",
        ));
    };
    let names: Vec<String> = header.iter().map(|n| n.trim().to_owned()).collect();
    let kept: Vec<usize> = (0..names.len()).filter(|c| wanted(&names[*c])).collect();
    for (k, c) in kept.iter().enumerate() {
        if kept[..k].iter().any(|other| names[*other] == names[*c]) {
            return Err(Error::content(
                format!("{}, line 1", path.display()),
                "different column names",
                format!("`{}` twice", names[*c]),
            ));
        }
    }
    let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); kept.len()];
    let mut first = 2;
    let mut flush = |columns: &mut Vec<Vec<Option<String>>>, first: usize| -> Result<()> {
        let rows = columns.first().map_or(0, Vec::len);
        let named = kept.iter().zip(columns.iter_mut());
        let batch = Batch {
            file: path.display().to_string(),
            unit: "line",
            first,
            rows,
            columns: named
                .map(|(c, v)| (names[*c].clone(), Column::Text(std::mem::take(v))))
                .collect::<BTreeMap<_, _>>(),
        };
        each(&batch)
    };
    let mut expected = first;
    while let Some((line, mut fields)) = lines.next()? {
        if fields.len() != names.len() {
            return Err(Error::content(
                format!("{}, line {line}", path.display()),
                format!("{} fields", names.len()),
                fields.len(),
            ));
        }
        // A field over several lines, or a blank line, ends a batch: within one,
        // rows are numbered one by one.
        let rows = columns.first().map_or(0, Vec::len);
        if rows == BATCH || (rows > 0 && line != expected) {
            flush(&mut columns, first)?;
        }
        if columns.first().is_none_or(Vec::is_empty) {
            first = line;
        }
        expected = line + 1;
        for (column, c) in columns.iter_mut().zip(&kept) {
            let field = std::mem::take(&mut fields[*c]);
            column.push(Some(field).filter(|f| !f.is_empty()));
        }
    }
    flush(&mut columns, first)
}

/// The records of a file with the number of their first line.
struct Lines<'a> {
    path: &'a Path,
    separator: u8,
    reader: BufReader<File>,
    line: usize,
}

impl Lines<'_> {
    fn next(&mut self) -> Result<Option<(usize, Vec<String>)>> {
        loop {
            let mut record = Vec::new();
            let start = self.line + 1;
            loop {
                let before = record.len();
                self.reader
                    .read_until(b'\n', &mut record)
                    .map_err(|e| Error::io("read", self.path, e))?;
                if record.len() == before {
                    break;
                }
                self.line += 1;
                // An odd number of quotes: the line break stands inside a field.
                if record.iter().filter(|b| **b == b'"').count() % 2 == 0 {
                    break;
                }
            }
            if record.is_empty() {
                return Ok(None);
            }
            while record.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
                record.pop();
            }
            if record.is_empty() {
                continue;
            }
            let text = String::from_utf8(record).map_err(|_| {
                Error::content(
                    format!("{}, line {start}", self.path.display()),
                    "UTF-8 text",
                    "other bytes",
                )
            })?;
            let text = text.trim_start_matches('\u{feff}');
            return Ok(Some((start, split(text, char::from(self.separator)))));
        }
    }
}

fn split(text: &str, separator: char) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut letters = text.chars().peekable();
    let mut quoted = false;
    while let Some(letter) = letters.next() {
        let Some(field) = fields.last_mut() else {
            break;
        };
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            other if other == separator && !quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    fields
}
