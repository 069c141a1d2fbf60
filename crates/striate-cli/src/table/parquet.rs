//! Parquet, a batch of rows at a time within each row group.

use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use parquet::basic::Repetition;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::{BATCH, Batch, Column};
use crate::input::{Error, Result};

/// A wanted column: its name and place in the file.
struct Wanted {
    name: String,
    index: usize,
    /// Definition level of a value that is there.
    top: i16,
    /// Of a list: the definition level of an element that is there, null or not.
    element: Option<i16>,
}

pub(super) fn read(
    path: &Path,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(&Batch) -> Result<()>,
) -> Result<()> {
    let file = path.display().to_string();
    let input = File::open(path).map_err(|e| Error::io("read", path, e))?;
    let reader = guarded(&file, || SerializedFileReader::new(input))?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let columns: Vec<Wanted> = schema
        .columns()
        .iter()
        .enumerate()
        .filter_map(|(index, column)| describe(index, column))
        .filter(|column| wanted(&column.name))
        .collect();
    let mut first = 0;
    for group in 0..reader.num_row_groups() {
        let place = format!("{file}, row group {group}");
        let group = guarded(&place, || reader.get_row_group(group))?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let mut readers = columns
            .iter()
            .map(|c| guarded(&place, || group.get_column_reader(c.index)))
            .collect::<Result<Vec<_>>>()?;
        let mut done = 0;
        while done < rows {
            let count = BATCH.min(rows - done);
            let mut batch = BTreeMap::new();
            for (column, reader) in columns.iter().zip(&mut readers) {
                let place = format!("{place}, column {}", column.name);
                let values = guarded(&place, || take(reader, column, count))?;
                let Some(values) = values else {
                    let found = schema.column(column.index).physical_type();
                    return Err(Error::content(
                        place,
                        "text, whole numbers, numbers or lists of numbers",
                        found,
                    ));
                };
                let found = length(&values);
                if found != count {
                    return Err(Error::content(place, format!("{rows} rows"), done + found));
                }
                batch.insert(column.name.clone(), values);
            }
            each(&Batch {
                file: file.clone(),
                unit: "row",
                first,
                rows: count,
                columns: batch,
            })?;
            done += count;
            first += count;
        }
    }
    if first == 0 {
        // Whoever reads still learns the columns, and that there are no rows.
        let empty = columns
            .iter()
            .map(|c| (c.name.clone(), Column::Text(Vec::new())));
        each(&Batch {
            file: file.clone(),
            unit: "row",
            first: 0,
            rows: 0,
            columns: empty.collect(),
        })?;
    }
    Ok(())
}

/// Flat columns by their dotted name, lists by the name of the list.
fn describe(index: usize, column: &ColumnDescriptor) -> Option<Wanted> {
    let parts = column.path().parts();
    let top = column.max_def_level();
    match column.max_rep_level() {
        0 => Some(Wanted {
            name: parts.join("."),
            index,
            top,
            element: None,
        }),
        1 => {
            let info = column.self_type().get_basic_info();
            let nullable = info.has_repetition() && info.repetition() == Repetition::OPTIONAL;
            Some(Wanted {
                name: parts.first()?.clone(),
                index,
                top,
                element: Some(top - i16::from(nullable)),
            })
        }
        _ => None,
    }
}

fn length(column: &Column) -> usize {
    match column {
        Column::Text(v) => v.len(),
        Column::Integer(v) => v.len(),
        Column::Float(v) => v.len(),
        Column::List { ends, .. } => ends.len(),
    }
}

/// `None` if the column is of a type that is not read.
fn take(
    reader: &mut ColumnReader,
    column: &Wanted,
    rows: usize,
) -> std::result::Result<Option<Column>, ParquetError> {
    if let Some(element) = column.element {
        let levels = (column.top, element);
        return Ok(match reader {
            ColumnReader::FloatColumnReader(r) => Some(list(r, levels, rows, |v| *v)?),
            ColumnReader::DoubleColumnReader(r) => Some(list(r, levels, rows, |v| *v as f32)?),
            ColumnReader::Int32ColumnReader(r) => Some(list(r, levels, rows, |v| *v as f32)?),
            ColumnReader::Int64ColumnReader(r) => Some(list(r, levels, rows, |v| *v as f32)?),
            _ => None,
        });
    }
    let top = column.top;
    Ok(Some(match reader {
        ColumnReader::ByteArrayColumnReader(r) => {
            let values = flat(r, top, rows, |v| {
                String::from_utf8_lossy(v.data()).into_owned()
            })?;
            Column::Text(
                values
                    .into_iter()
                    .map(|v| v.filter(|t| !t.is_empty()))
                    .collect(),
            )
        }
        ColumnReader::Int32ColumnReader(r) => {
            Column::Integer(flat(r, top, rows, |v| i64::from(*v))?)
        }
        ColumnReader::Int64ColumnReader(r) => Column::Integer(flat(r, top, rows, |v| *v)?),
        ColumnReader::BoolColumnReader(r) => {
            Column::Integer(flat(r, top, rows, |v| i64::from(*v))?)
        }
        ColumnReader::FloatColumnReader(r) => Column::Float(flat(r, top, rows, |v| f64::from(*v))?),
        ColumnReader::DoubleColumnReader(r) => Column::Float(flat(r, top, rows, |v| *v)?),
        _ => return Ok(None),
    }))
}

fn flat<D: DataType, T>(
    reader: &mut ColumnReaderImpl<D>,
    top: i16,
    rows: usize,
    convert: impl Fn(&D::T) -> T,
) -> std::result::Result<Vec<Option<T>>, ParquetError> {
    let (mut out, mut values, mut levels) = (Vec::with_capacity(rows), Vec::new(), Vec::new());
    while out.len() < rows {
        values.clear();
        levels.clear();
        let left = rows - out.len();
        let (records, present, _) =
            reader.read_records(left, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            break;
        }
        if present == records {
            out.extend(values.iter().map(|v| Some(convert(v))));
        } else {
            let mut rest = values.iter();
            let one = |level: &i16| {
                let value = if *level == top { rest.next() } else { None };
                value.map(&convert)
            };
            out.extend(levels.iter().map(one));
        }
    }
    Ok(out)
}

fn list<D: DataType>(
    reader: &mut ColumnReaderImpl<D>,
    (top, element): (i16, i16),
    rows: usize,
    convert: impl Fn(&D::T) -> f32,
) -> std::result::Result<Column, ParquetError> {
    let (mut ends, mut out): (Vec<usize>, Vec<f32>) = (Vec::with_capacity(rows), Vec::new());
    let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
    while ends.len() < rows {
        values.clear();
        definitions.clear();
        repetitions.clear();
        let left = rows - ends.len();
        let (records, ..) = reader.read_records(
            left,
            Some(&mut definitions),
            Some(&mut repetitions),
            &mut values,
        )?;
        if records == 0 {
            break;
        }
        let mut rest = values.iter();
        for (definition, repetition) in definitions.iter().zip(&repetitions) {
            if *repetition == 0 {
                ends.push(out.len());
            }
            if *definition >= element {
                let value = if *definition == top {
                    rest.next()
                } else {
                    None
                };
                out.push(value.map_or(f32::NAN, &convert));
            }
            if let Some(end) = ends.last_mut() {
                *end = out.len();
            }
        }
    }
    Ok(Column::List { ends, values: out })
}

/// Calls into the parquet crate, which may panic on a damaged file: that too
/// becomes an error that names the place.
fn guarded<T>(
    place: &str,
    call: impl FnOnce() -> std::result::Result<T, ParquetError>,
) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|source| Error::Parquet {
            place: place.to_owned(),
            source,
        }),
        Err(_) => Err(Error::content(
            place,
            "a well-formed parquet file",
            "damaged data on which the decoder gave up",
        )),
    }
}
