//! The classic formats: CDF-1, CDF-2 with offsets of 64 bits, CDF-5 with sizes of 64 bits.
//!
//! A header lists dimensions, attributes and variables. The values of a variable lie in one
//! piece, or, along the record dimension, one record at a time between those of the other
//! such variables; all are big-endian, the last axis fastest. (Unidata, "NetCDF Classic
//! Format Specification".)
//!
//! Invariant: a header is believed only as far as its file is long.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use super::{Marks, Variable};
use crate::{
    Error, Result,
    array::{Array, Dtype, Values, element_count},
};

/// Longest header that is read, in bytes.
const MAX_HEADER: u64 = 64 << 20;

/// A count of records that the writer left open.
const STREAMING: u64 = u64::MAX;

const DIMENSIONS: u32 = 10;
const VARIABLES: u32 = 11;
const ATTRIBUTES: u32 = 12;

/// NumPy's codes of the types 1 to 11, and their bytes.
const TYPES: [(&str, usize); 11] = [
    (">i1", 1),
    (CHARACTERS, 1),
    (">i2", 2),
    (">i4", 4),
    (">f4", 4),
    (">f8", 8),
    ("|u1", 1),
    (">u2", 2),
    (">u4", 4),
    (">i8", 8),
    (">u8", 8),
];

/// The code of characters.
const CHARACTERS: &str = "S1";

/// A file whose header was read.
pub(super) struct Classic {
    file: File,
    length: u64,
    layouts: Vec<Layout>,
}

/// Where the values of a variable are.
struct Layout {
    variable: Variable,
    marks: Marks,
    code: &'static str,
    /// Of the first value.
    begin: u64,
    /// Bytes of one entry of the first axis.
    entry: u64,
    /// Bytes from one entry to the next.
    stride: u64,
}

impl Classic {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let io = |e| Error::io(path, e);
        let mut file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let mut bytes = Vec::new();
        (&mut file)
            .take(MAX_HEADER)
            .read_to_end(&mut bytes)
            .map_err(io)?;
        let layouts = Header::new(&bytes, &place)?.layouts(length)?;
        Ok(Self {
            file,
            length,
            layouts,
        })
    }

    pub(super) fn variables(&self) -> Vec<Variable> {
        self.layouts.iter().map(|l| l.variable.clone()).collect()
    }

    pub(super) fn rows(
        &self,
        name: &str,
        start: usize,
        count: usize,
        place: &str,
    ) -> Result<(Vec<f32>, Marks)> {
        let layout = self.layout(name, place)?;
        let values = self.values(layout, start, count, place)?;
        let array = Array::new(vec![values.len()], values)?;
        Ok((array.to_f32(place)?, layout.marks.clone()))
    }

    pub(super) fn labels(&self, name: &str, place: &str) -> Result<Vec<String>> {
        let layout = self.layout(name, place)?;
        let entries = layout.variable.shape.first().copied().unwrap_or(1);
        if layout.code == CHARACTERS {
            let bytes = self.bytes(layout, 0, entries, place)?;
            let Ok(entry @ 1..) = usize::try_from(layout.entry) else {
                return Err(Error::format(place, "labels of some length", "empty ones"));
            };
            let text = |(index, bytes): (usize, &[u8])| match std::str::from_utf8(bytes) {
                Ok(text) => Ok(text.trim_end_matches('\0').to_owned()),
                Err(_) => {
                    let place = format!("{place}, element {index}");
                    Err(Error::format(place, "text in UTF-8", "other bytes"))
                }
            };
            return bytes.chunks(entry).enumerate().map(text).collect();
        }
        let values = self.values(layout, 0, entries, place)?;
        Ok(Array::new(vec![values.len()], values)?.to_labels())
    }

    fn layout(&self, name: &str, place: &str) -> Result<&Layout> {
        let mut layouts = self.layouts.iter();
        let found = layouts.find(|l| l.variable.name == name);
        found.ok_or_else(|| Error::format(place, "a variable", "none"))
    }

    fn values(&self, layout: &Layout, start: usize, count: usize, place: &str) -> Result<Values> {
        let bytes = self.bytes(layout, start, count, place)?;
        let rest: usize = layout.variable.shape.iter().skip(1).product();
        Dtype::parse(layout.code, place)?.decode(&bytes, count * rest, place)
    }

    /// The bytes of some entries of the first axis, without what lies between them.
    fn bytes(&self, layout: &Layout, start: usize, count: usize, place: &str) -> Result<Vec<u8>> {
        // The whole variable must be there, so that no size is believed that is not.
        let entries = layout.variable.shape.first().copied().unwrap_or(1) as u64;
        let end = match entries.checked_sub(1) {
            Some(before) => layout
                .stride
                .checked_mul(before)
                .and_then(|n| n.checked_add(layout.entry))
                .and_then(|n| n.checked_add(layout.begin)),
            None => Some(0),
        };
        if end.is_none_or(|end| end > self.length) {
            let end = end.map_or("more".to_owned(), |end| end.to_string());
            return Err(Error::format(
                place,
                format!("{end} bytes for the shape {:?}", layout.variable.shape),
                format!("a file of {} bytes", self.length),
            ));
        }
        let (entry, together) = (layout.entry as usize, layout.stride == layout.entry);
        let mut out = vec![0; entry * count];
        let mut file = &self.file;
        let mut fill = |from: usize, out: &mut [u8]| {
            file.seek(SeekFrom::Start(layout.begin + from as u64 * layout.stride))?;
            file.read_exact(out)
        };
        let read = match (together, entry) {
            (_, 0) => Ok(()),
            (true, _) => fill(start, &mut out),
            (false, _) => out
                .chunks_mut(entry)
                .enumerate()
                .try_for_each(|(i, out)| fill(start + i, out)),
        };
        read.map_err(|e| Error::io(Path::new(place), e))?;
        Ok(out)
    }
}

/// A header on its way through.
struct Header<'a> {
    bytes: &'a [u8],
    place: &'a str,
    /// Whether sizes have 64 bits, and offsets.
    wide: (bool, bool),
}

impl<'a> Header<'a> {
    fn new(bytes: &'a [u8], place: &'a str) -> Result<Self> {
        let wide = match bytes.get(3) {
            Some(1) => (false, false),
            Some(2) => (false, true),
            Some(5) => (true, true),
            other => {
                let found = other.map_or("the file's end".to_owned(), u8::to_string);
                return Err(Error::format(place, "netCDF's version 1, 2 or 5", found));
            }
        };
        Ok(Self {
            bytes: bytes.get(4..).unwrap_or_default(),
            place,
            wide,
        })
    }

    /// Reads the header to its end; `length` is that of the file.
    fn layouts(mut self, length: u64) -> Result<Vec<Layout>> {
        let mut records = self.size()?;
        if !self.wide.0 && records == u64::from(u32::MAX) {
            records = STREAMING;
        }
        let mut dimensions = Vec::new();
        for _ in 0..self.list(DIMENSIONS, "dimensions")? {
            self.name()?;
            dimensions.push(self.size()?);
        }
        self.attributes()?;
        let mut drafts = Vec::new();
        for _ in 0..self.list(VARIABLES, "variables")? {
            drafts.push(self.variable(&dimensions)?);
        }
        // A lone variable's records are not filled up to four bytes.
        let recorded = || drafts.iter().filter(|d| d.recorded);
        let record = match recorded().count() {
            0 | 1 => recorded().map(|d| d.layout.entry).next(),
            _ => recorded().try_fold(0_u64, |sum, d| {
                sum.checked_add(d.layout.entry.checked_next_multiple_of(4)?)
            }),
        };
        let Some(record) = record.or_else(|| recorded().next().is_none().then_some(0)) else {
            return Err(self.wrong("records of some size", "larger ones"));
        };
        if records == STREAMING {
            let first = recorded().map(|d| d.layout.begin).min().unwrap_or(length);
            let bytes = length.saturating_sub(first);
            records = bytes.checked_div(record).unwrap_or(0);
        }
        let place = self.place;
        let finish = |draft: Draft| {
            let mut layout = draft.layout;
            if draft.recorded {
                layout.stride = record;
                let records = usize::try_from(records).unwrap_or(usize::MAX);
                if let Some(first) = layout.variable.shape.first_mut() {
                    *first = records;
                }
            }
            match element_count(&layout.variable.shape) {
                Some(_) => Ok(layout),
                None => {
                    let place = format!("{place}, variable {}", layout.variable.name);
                    let found = format!("shape {:?}", layout.variable.shape);
                    Err(Error::format(place, "sizes that fit in memory", found))
                }
            }
        };
        drafts.into_iter().map(finish).collect()
    }

    fn variable(&mut self, dimensions: &[u64]) -> Result<Draft> {
        let name = self.name()?;
        let mut own = Vec::new();
        for _ in 0..self.size()? {
            own.push(self.size()?);
        }
        let marks = self.attributes()?;
        let (code, bytes) = self.kind()?;
        // The size is what the shape says; that which is written here may be cut off.
        self.size()?;
        let begin = match self.wide.1 {
            true => self.u64()?,
            false => u64::from(self.u32()?),
        };
        let mut shape = Vec::new();
        for id in &own {
            let length = usize::try_from(*id).ok().and_then(|i| dimensions.get(i));
            let Some(length) = length.and_then(|n| usize::try_from(*n).ok()) else {
                let expected = format!("{} dimensions at most", dimensions.len());
                return Err(self.wrong(&expected, &format!("number {id} of variable {name}")));
            };
            shape.push(length);
        }
        // The record dimension is the one of length 0, and always the first.
        let first = own.first().and_then(|id| dimensions.get(*id as usize));
        let entry = shape
            .iter()
            .skip(1)
            .try_fold(bytes, |product, n| product.checked_mul(*n));
        let Some(entry) = entry else {
            return Err(self.wrong("sizes that fit in memory", &format!("those of {name}")));
        };
        Ok(Draft {
            recorded: first == Some(&0),
            layout: Layout {
                variable: Variable {
                    name,
                    shape,
                    dimensions: Some(own),
                    numeric: code != CHARACTERS,
                },
                marks,
                code,
                begin,
                entry: entry as u64,
                stride: entry as u64,
            },
        })
    }

    /// Reads a list of attributes for what they say about values.
    fn attributes(&mut self) -> Result<Marks> {
        let mut marks = Marks::default();
        for _ in 0..self.list(ATTRIBUTES, "attributes")? {
            let name = self.name()?;
            let (code, bytes) = self.kind()?;
            let count = self.size()?;
            let length = usize::try_from(count)
                .ok()
                .and_then(|n| n.checked_mul(bytes));
            let values = self.padded(length)?;
            if Marks::MISSING.contains(&name.as_str()) {
                // Text and integers beyond 2^63 are no values either, so none can be meant.
                let values = Dtype::parse(code, self.place)?
                    .decode(values, values.len() / bytes, self.place)
                    .and_then(|v| Array::new(vec![v.len()], v)?.to_f32(self.place));
                marks.missing.extend(values.unwrap_or_default());
            }
            if let Some(packed) = Marks::PACKED.iter().find(|p| **p == name) {
                marks.packed = Some(packed);
            }
        }
        Ok(marks)
    }

    /// The number of entries of a list that begins here.
    fn list(&mut self, tag: u32, what: &str) -> Result<u64> {
        let (found, count) = (self.u32()?, self.size()?);
        if found == tag || (found == 0 && count == 0) {
            return Ok(count);
        }
        let found = format!("tag {found} with {count} entries");
        Err(self.wrong(&format!("the list of {what}"), &found))
    }

    fn kind(&mut self) -> Result<(&'static str, usize)> {
        let kind = self.u32()?;
        let known = (kind as usize).checked_sub(1).and_then(|i| TYPES.get(i));
        known
            .copied()
            .ok_or_else(|| self.wrong("a type from 1 to 11", &kind.to_string()))
    }

    fn name(&mut self) -> Result<String> {
        let length = usize::try_from(self.size()?).ok();
        let bytes = self.padded(length)?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// So many bytes, behind which zeros fill up to a multiple of four.
    fn padded(&mut self, length: Option<usize>) -> Result<&'a [u8]> {
        let whole = length.and_then(|n| n.checked_next_multiple_of(4));
        let bytes = self.take(whole)?;
        Ok(&bytes[..length.unwrap_or(0).min(bytes.len())])
    }

    fn take(&mut self, count: Option<usize>) -> Result<&'a [u8]> {
        match count.and_then(|n| self.bytes.split_at_checked(n)) {
            Some((taken, rest)) => {
                self.bytes = rest;
                Ok(taken)
            }
            None => {
                let expected = count.map_or("a header".to_owned(), |n| format!("{n} bytes more"));
                Err(self.wrong(&expected, &format!("{} to the end", self.bytes.len())))
            }
        }
    }

    /// A number of 4 bytes, in CDF-5 of 8.
    fn size(&mut self) -> Result<u64> {
        match self.wide.0 {
            true => self.u64(),
            false => Ok(u64::from(self.u32()?)),
        }
    }

    fn u32(&mut self) -> Result<u32> {
        let bytes = self.take(Some(4))?;
        Ok(bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u32::from(*byte)))
    }

    fn u64(&mut self) -> Result<u64> {
        let bytes = self.take(Some(8))?;
        Ok(bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)))
    }

    fn wrong(&self, expected: &str, found: &str) -> Error {
        Error::format(format!("{}, header", self.place), expected, found)
    }
}

/// A variable before the number of records is known.
struct Draft {
    recorded: bool,
    layout: Layout,
}
