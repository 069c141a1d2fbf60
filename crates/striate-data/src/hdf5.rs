//! Arrays and text in HDF5 files (MATLAB v7.3, NWB, netCDF-4). Invariants: errors name the
//! file and the data set in it; of files beyond 1 GiB large arrays are read in parts;
//! whatever the decoder does on a damaged file, an error comes out.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use hdf5_pure::{DType, Dataset, File, Object};

use crate::{Error, Result};

/// Most values that are read at once: beyond it the file's sizes are not believed.
const MAX_VALUES: usize = 1 << 28;

/// Files up to this size are held in memory while they are read. Then no damaged size asks
/// for more: read in parts, a file can claim chunks of up to 4 GiB, and the decoder takes
/// the memory for one before it looks (hdf5-pure 0.47).
const MAX_WHOLE_BYTES: u64 = 1 << 30;

/// One byte of deflated data stands for at most so many. A data set that claims more than
/// its whole file could hold is not believed: a chunk that is not there reads as zeros.
const MOST_INFLATED: u64 = 1032;

/// Whether a file begins as HDF5, behind MATLAB's header of 512 bytes where it has one.
pub(crate) fn is_hdf5(head: &[u8]) -> bool {
    let magic = b"\x89HDF\r\n\x1a\n";
    head.starts_with(magic) || head.get(512..).is_some_and(|rest| rest.starts_with(magic))
}

/// An open file.
pub(crate) struct Hdf5 {
    file: File,
    place: String,
    size: u64,
}

/// One data set of it.
pub(crate) struct Set {
    set: Dataset,
    pub(crate) shape: Vec<usize>,
    pub(crate) place: String,
    /// Values that its file can hold.
    most: u64,
}

/// What kind of values a data set has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Integers,
    Floats,
    /// Text, or what has no plain values.
    Other,
}

/// Calls the decoder; a panic becomes an error, as its data are then in doubt.
fn guarded<T>(place: &str, call: impl FnOnce() -> Result<T, hdf5_pure::Error>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|e| Error::format(place, "readable HDF5", e.to_string())),
        Err(_) => Err(Error::format(
            place,
            "readable HDF5",
            "damaged data on which the decoder gave up",
        )),
    }
}

impl Hdf5 {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let size = std::fs::metadata(path)
            .map_err(|e| Error::io(path, e))?
            .len();
        let file = guarded(&place, || {
            if size <= MAX_WHOLE_BYTES {
                File::open(path)
            } else {
                File::open_streaming(path)
            }
        })?;
        Ok(Self { file, place, size })
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// The names of groups and data sets in a group ("" is the root), in byte order.
    pub(crate) fn names(&self, group: &str) -> Result<Vec<String>> {
        let place = format!("{}, group /{group}", self.place);
        let mut names = guarded(&place, || {
            let group = if group.is_empty() {
                self.file.root()
            } else {
                self.file.group(group)?
            };
            let mut names = group.groups()?;
            names.extend(group.datasets()?);
            Ok(names)
        })?;
        names.sort();
        Ok(names)
    }

    /// The names of the data sets of the root, in byte order.
    pub(crate) fn sets(&self) -> Result<Vec<String>> {
        let mut names = guarded(&self.place, || self.file.root().datasets())?;
        names.sort();
        Ok(names)
    }

    pub(crate) fn has(&self, group: &str, name: &str) -> bool {
        self.names(group)
            .is_ok_and(|names| names.iter().any(|n| n == name))
    }

    /// A data set; the error lists what its group has.
    pub(crate) fn set(&self, group: &str, name: &str) -> Result<Set> {
        if !self.has(group, name) {
            let place = format!("{}, group /{group}", self.place);
            let found = format!("[{}]", self.names(group)?.join(", "));
            return Err(Error::format(place, format!("a data set {name}"), found));
        }
        let path = format!("{group}/{name}");
        let path = path.trim_start_matches('/');
        let place = format!("{}, data set /{path}", self.place);
        let set = guarded(&place, || self.file.dataset(path))?;
        Set::new(set, place, self.size)
    }
}

impl Set {
    fn new(set: Dataset, place: String, file_bytes: u64) -> Result<Self> {
        let shape = guarded(&place, || set.shape())?;
        let axes = shape.iter().map(|n| usize::try_from(*n).ok());
        let shape: Option<Vec<usize>> = axes.collect();
        let Some(shape) = shape.filter(|s| crate::array::element_count(s).is_some()) else {
            return Err(Error::format(
                place,
                "sizes that fit in memory",
                "larger ones",
            ));
        };
        let bytes = guarded(&place, || set.element_size())?.max(1);
        Ok(Self {
            set,
            shape,
            place,
            most: file_bytes.saturating_mul(MOST_INFLATED) / bytes,
        })
    }

    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    fn check(&self, count: usize, expected: usize) -> Result<()> {
        if count == expected {
            return Ok(());
        }
        let (expected, found) = (format!("{expected} values"), count.to_string());
        Err(Error::format(&self.place, expected, found))
    }

    fn bounded(&self, count: usize) -> Result<()> {
        let most = MAX_VALUES.min(usize::try_from(self.most).unwrap_or(usize::MAX));
        if count <= most {
            return Ok(());
        }
        let expected = format!("at most {most} values at once");
        Err(Error::format(&self.place, expected, count.to_string()))
    }

    /// All values, as f32.
    pub(crate) fn f32(&self) -> Result<Vec<f32>> {
        self.bounded(self.len())?;
        let values = guarded(&self.place, || self.set.read_f32())?;
        self.check(values.len(), self.len())?;
        Ok(values)
    }

    /// One entry of the first axis.
    pub(crate) fn f32_row(&self, row: usize) -> Result<Vec<f32>> {
        self.f32_rows(row, 1)
    }

    /// Entries of the first axis, from `start` on.
    pub(crate) fn f32_rows(&self, start: usize, count: usize) -> Result<Vec<f32>> {
        let entry: usize = self.shape.iter().skip(1).product();
        let expected = entry.saturating_mul(count);
        self.bounded(expected)?;
        let (start, count) = (start as u64, count as u64);
        let values = guarded(&self.place, || self.set.read_f32_rows(start, count))?;
        self.check(values.len(), expected)?;
        Ok(values)
    }

    /// All values, as i64.
    pub(crate) fn i64(&self) -> Result<Vec<i64>> {
        self.bounded(self.len())?;
        let values = guarded(&self.place, || self.set.read_i64())?;
        self.check(values.len(), self.len())?;
        Ok(values)
    }

    /// What kind of values it has.
    pub(crate) fn stored(&self) -> Result<Stored> {
        Ok(match guarded(&self.place, || self.set.dtype())? {
            DType::F32 | DType::F64 => Stored::Floats,
            DType::I8
            | DType::I16
            | DType::I32
            | DType::I64
            | DType::U8
            | DType::U16
            | DType::U32
            | DType::U64 => Stored::Integers,
            _ => Stored::Other,
        })
    }

    /// The numbers of an attribute; None where there is none, or where it holds no numbers.
    pub(crate) fn attribute(&self, name: &str) -> Result<Option<Vec<f64>>> {
        let attributes = guarded(&self.place, || self.set.attrs())?;
        Ok(attributes.get(name).and_then(|value| {
            let whole = || value.to_i64s();
            let widened = |v: Vec<i64>| v.into_iter().map(|v| v as f64).collect();
            value.to_f64s().or_else(|| whole().map(widened))
        }))
    }

    /// All values, as f64.
    pub(crate) fn f64(&self) -> Result<Vec<f64>> {
        self.bounded(self.len())?;
        let values = guarded(&self.place, || self.set.read_f64())?;
        self.check(values.len(), self.len())?;
        Ok(values)
    }

    /// All values, as text: strings, or what MATLAB's references to arrays of characters
    /// lead to.
    pub(crate) fn text(&self) -> Result<Vec<String>> {
        self.bounded(self.len())?;
        match guarded(&self.place, || self.set.read_string()) {
            Ok(text) => {
                self.check(text.len(), self.len())?;
                Ok(text)
            }
            Err(_) => self.referenced_text(),
        }
    }

    fn referenced_text(&self) -> Result<Vec<String>> {
        let objects = guarded(&self.place, || self.set.dereference())?;
        self.check(objects.len(), self.len())?;
        let text = objects.into_iter().enumerate().map(|(i, object)| {
            let place = format!("{}, element {i}", self.place);
            let Object::Dataset(characters) = object else {
                return Err(Error::format(
                    place,
                    "a reference to characters",
                    "to a group",
                ));
            };
            let codes = guarded(&place, || characters.read_u16())?;
            String::from_utf16(&codes)
                .map_err(|_| Error::format(place, "UTF-16 characters", "other values"))
        });
        text.collect()
    }
}
