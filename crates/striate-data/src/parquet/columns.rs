//! Flat columns of a parquet file as plain vectors. Invariant: every column has
//! one entry for each row, null is `None`, and a damaged file is an error.

use std::{
    collections::BTreeMap,
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use ::parquet::{
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::DataType,
    errors::ParquetError,
    file::reader::{ChunkReader, FileReader, SerializedFileReader},
};

use crate::{Error, Result};

/// Most rows that a row group may claim: beyond it the count is taken for damaged.
const MAX_ROWS: i64 = 1 << 31;

/// An open parquet file.
pub(crate) struct Table {
    place: String,
    reader: Box<dyn FileReader>,
    /// Dotted name to index, of the columns that do not repeat.
    columns: BTreeMap<String, usize>,
}

impl Table {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        Self::new(file, path.display().to_string())
    }

    pub(crate) fn new<R: ChunkReader + 'static>(source: R, place: String) -> Result<Self> {
        let reader = guarded(&place, || SerializedFileReader::new(source))?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let columns = schema
            .columns()
            .iter()
            .enumerate()
            .filter(|(_, column)| column.max_rep_level() == 0)
            .map(|(index, column)| (column.path().string(), index))
            .collect();
        for (index, group) in reader.metadata().row_groups().iter().enumerate() {
            let rows = group.num_rows();
            if !(0..=MAX_ROWS).contains(&rows) {
                return Err(Error::format(
                    format!("{place}, row group {index}"),
                    format!("0..={MAX_ROWS} rows"),
                    rows.to_string(),
                ));
            }
        }
        Ok(Self {
            place,
            reader: Box::new(reader),
            columns,
        })
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) fn rows(&self) -> usize {
        let groups = self.reader.metadata().row_groups();
        groups.iter().map(|group| group.num_rows() as usize).sum()
    }

    /// The dotted names of the columns that do not repeat.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.columns.contains_key(name)
    }

    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        let entries = self
            .reader
            .metadata()
            .file_metadata()
            .key_value_metadata()?;
        let entry = entries.iter().find(|entry| entry.key == key)?;
        entry.value.as_deref()
    }

    /// Whether a column holds text (UTF-8), as opposed to raw bytes or numbers.
    pub(crate) fn is_text(&self, name: &str) -> bool {
        let schema = self.reader.metadata().file_metadata().schema_descr();
        self.columns.get(name).is_some_and(|index| {
            let column = schema.column(*index);
            column.converted_type() == ::parquet::basic::ConvertedType::UTF8
                || column.logical_type_ref() == Some(&::parquet::basic::LogicalType::String)
        })
    }

    pub(crate) fn bytes(&self, name: &str) -> Result<Vec<Option<Vec<u8>>>> {
        self.read(name, "bytes", |reader, rows, out| match reader {
            ColumnReader::ByteArrayColumnReader(reader) => {
                fill(reader, rows, out, |v| v.data().to_vec()).map(|()| true)
            }
            _ => Ok(false),
        })
    }

    pub(crate) fn text(&self, name: &str) -> Result<Vec<Option<String>>> {
        let place = self.place();
        self.bytes(name)?
            .into_iter()
            .enumerate()
            .map(|(row, bytes)| {
                let text = bytes.map(String::from_utf8).transpose();
                text.map_err(|_| {
                    Error::format(
                        format!("{place}, row {row}, column {name}"),
                        "UTF-8 text",
                        "other bytes",
                    )
                })
            })
            .collect()
    }

    pub(crate) fn integers(&self, name: &str) -> Result<Vec<Option<i64>>> {
        self.read(name, "integers", |reader, rows, out| match reader {
            ColumnReader::Int64ColumnReader(reader) => {
                fill(reader, rows, out, |v| *v).map(|()| true)
            }
            ColumnReader::Int32ColumnReader(reader) => {
                fill(reader, rows, out, |v| i64::from(*v)).map(|()| true)
            }
            _ => Ok(false),
        })
    }

    pub(crate) fn floats(&self, name: &str) -> Result<Vec<Option<f32>>> {
        self.read(name, "floats", |reader, rows, out| match reader {
            ColumnReader::FloatColumnReader(reader) => {
                fill(reader, rows, out, |v| *v).map(|()| true)
            }
            ColumnReader::DoubleColumnReader(reader) => {
                fill(reader, rows, out, |v| *v as f32).map(|()| true)
            }
            _ => Ok(false),
        })
    }

    /// `take` reads one row group's chunk, and says whether the type fits.
    fn read<T>(
        &self,
        name: &str,
        expected: &str,
        take: impl Fn(ColumnReader, (usize, i16), &mut Vec<Option<T>>) -> Result<bool, ParquetError>,
    ) -> Result<Vec<Option<T>>> {
        let place = format!("{}, column {name}", self.place);
        let Some(&column) = self.columns.get(name) else {
            let names: Vec<&str> = self.names().collect();
            return Err(Error::format(
                &self.place,
                format!("a column {name}"),
                format!("columns [{}]", names.join(", ")),
            ));
        };
        let mut values = Vec::new();
        for index in 0..self.reader.num_row_groups() {
            let rows = self.reader.metadata().row_group(index).num_rows() as usize;
            let before = values.len();
            let place = format!("{place}, row group {index}");
            let fits = guarded(&place, || {
                let group = self.reader.get_row_group(index)?;
                let top_level = group
                    .metadata()
                    .column(column)
                    .column_descr()
                    .max_def_level();
                take(
                    group.get_column_reader(column)?,
                    (rows, top_level),
                    &mut values,
                )
            })?;
            if !fits {
                let schema = self.reader.metadata().file_metadata().schema_descr();
                let found = schema.column(column).physical_type();
                return Err(Error::format(place, expected, found.to_string()));
            }
            if values.len() - before != rows {
                return Err(Error::format(
                    place,
                    format!("{rows} rows"),
                    (values.len() - before).to_string(),
                ));
            }
        }
        Ok(values)
    }
}

/// Appends the rows of a chunk, nulls included. Reads at most one row beyond
/// `rows`, so that a chunk that is too long is noticed but not followed.
fn fill<D: DataType, T>(
    mut reader: ColumnReaderImpl<D>,
    (rows, top_level): (usize, i16),
    out: &mut Vec<Option<T>>,
    convert: impl Fn(&D::T) -> T,
) -> Result<(), ParquetError> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let mut left = rows + 1;
    while left > 0 {
        values.clear();
        levels.clear();
        let (records, present, _) =
            reader.read_records(left.min(1024), Some(&mut levels), None, &mut values)?;
        if records == 0 {
            break;
        }
        left -= records.min(left);
        if present == records {
            out.extend(values.iter().map(|v| Some(convert(v))));
        } else {
            // A level below the top means null, here or in the struct around it.
            let mut rest = values.iter();
            out.extend(levels.iter().map(|level| {
                let value = if *level == top_level {
                    rest.next()
                } else {
                    None
                };
                value.map(&convert)
            }));
        }
    }
    Ok(())
}

/// Calls into the parquet crate, which may panic on a damaged file: that too
/// becomes an error that names the place.
fn guarded<T>(place: &str, call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|e| Error::parquet(place, e)),
        Err(_) => Err(Error::format(
            place,
            "a well-formed parquet file",
            "damaged data on which the decoder gave up",
        )),
    }
}
