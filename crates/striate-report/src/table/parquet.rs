//! Parquet files of result tables, written and read column by column.
//!
//! Invariant: text and whole numbers are required columns, numbers are optional
//! ones whose nulls are NaN in memory; one row group, Snappy.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::{Column, Table, Values};
use crate::{Error, Result, files};

impl Table {
    /// The table as the bytes of a parquet file.
    ///
    /// # Errors
    ///
    /// [`Error::Parquet`], which names the table in the place of a file.
    pub fn to_parquet(&self) -> Result<Vec<u8>> {
        let whole = |source| self.parquet_error("-", source);
        let schema = Arc::new(self.schema().map_err(whole)?);
        let properties = Arc::new(
            WriterProperties::builder()
                .set_compression(Compression::SNAPPY)
                .set_created_by("striate".to_owned())
                .build(),
        );
        let mut writer =
            SerializedFileWriter::new(Vec::new(), schema, properties).map_err(whole)?;
        let mut group = writer.next_row_group().map_err(whole)?;
        for column in self.columns() {
            let fail = |source| self.parquet_error(&column.name, source);
            let Some(mut out) = group.next_column().map_err(fail)? else {
                return Err(fail(ParquetError::General("no column left".to_owned())));
            };
            match &column.values {
                Values::Utf8(v) => {
                    let v: Vec<ByteArray> = v.iter().map(|s| s.as_str().into()).collect();
                    out.typed::<ByteArrayType>().write_batch(&v, None, None)
                }
                Values::I64(v) => out.typed::<Int64Type>().write_batch(v, None, None),
                Values::F64(v) => {
                    let levels: Vec<i16> = v.iter().map(|x| i16::from(!x.is_nan())).collect();
                    let present: Vec<f64> = v.iter().copied().filter(|x| !x.is_nan()).collect();
                    out.typed::<DoubleType>()
                        .write_batch(&present, Some(&levels), None)
                }
            }
            .map_err(fail)?;
            out.close().map_err(fail)?;
        }
        group.close().map_err(whole)?;
        writer.into_inner().map_err(whole)
    }

    /// Writes the table as parquet, atomically.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] or [`Error::Parquet`] with the file and the column.
    pub fn write_parquet(&self, path: &Path) -> Result<()> {
        let bytes = self.to_parquet().map_err(|error| match error {
            Error::Parquet { column, source, .. } => Error::Parquet {
                path: path.to_owned(),
                column,
                source,
            },
            other => other,
        })?;
        files::write_atomically(path, &bytes)
    }

    /// Reads a table with columns of text, i64 and f64 (the name is the file's stem).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be opened, [`Error::Parquet`] if it is
    /// damaged, [`Error::ParquetType`] for a column of another type.
    pub fn read_parquet(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|source| Error::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        let fail = |column: &str, source| Error::Parquet {
            path: path.to_owned(),
            column: column.to_owned(),
            source,
        };
        let reader = SerializedFileReader::new(file).map_err(|e| fail("-", e))?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut table = Self::new(name);
        for (i, descriptor) in schema.columns().iter().enumerate() {
            let column = descriptor.name();
            let mut values = match descriptor.physical_type() {
                Physical::BYTE_ARRAY => Values::Utf8(Vec::new()),
                Physical::INT64 => Values::I64(Vec::new()),
                Physical::DOUBLE => Values::F64(Vec::new()),
                other => {
                    return Err(Error::ParquetType {
                        path: path.to_owned(),
                        column: column.to_owned(),
                        found: other.to_string(),
                    });
                }
            };
            for group in 0..reader.num_row_groups() {
                let group = reader.get_row_group(group).map_err(|e| fail(column, e))?;
                let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
                let input = group.get_column_reader(i).map_err(|e| fail(column, e))?;
                let optional = descriptor.max_def_level() > 0;
                read_into(&mut values, input, rows, optional).map_err(|e| fail(column, e))?;
            }
            table = table.column(column, values)?;
        }
        Ok(table)
    }

    fn schema(&self) -> std::result::Result<Type, ParquetError> {
        let field = |column: &Column| {
            let (physical, repetition) = match column.values {
                Values::Utf8(_) => (Physical::BYTE_ARRAY, Repetition::REQUIRED),
                Values::I64(_) => (Physical::INT64, Repetition::REQUIRED),
                Values::F64(_) => (Physical::DOUBLE, Repetition::OPTIONAL),
            };
            let logical = matches!(column.values, Values::Utf8(_)).then_some(LogicalType::String);
            Type::primitive_type_builder(&column.name, physical)
                .with_repetition(repetition)
                .with_logical_type(logical)
                .build()
                .map(Arc::new)
        };
        let fields = self
            .columns()
            .iter()
            .map(field)
            .collect::<std::result::Result<Vec<_>, _>>()?;
        Type::group_type_builder(self.name())
            .with_fields(fields)
            .build()
    }

    fn parquet_error(&self, column: &str, source: ParquetError) -> Error {
        Error::Parquet {
            path: self.name().into(),
            column: column.to_owned(),
            source,
        }
    }
}

fn read_into(
    values: &mut Values,
    input: ColumnReader,
    rows: usize,
    optional: bool,
) -> std::result::Result<(), ParquetError> {
    match (values, input) {
        (Values::Utf8(out), ColumnReader::ByteArrayColumnReader(r)) => {
            for value in read_rows(r, rows, optional)? {
                let bytes = value.unwrap_or_default();
                out.push(bytes.as_utf8()?.to_owned());
            }
        }
        (Values::I64(out), ColumnReader::Int64ColumnReader(r)) => {
            for value in read_rows(r, rows, optional)? {
                out.push(value.ok_or_else(|| {
                    ParquetError::General("null in a column of whole numbers".to_owned())
                })?);
            }
        }
        (Values::F64(out), ColumnReader::DoubleColumnReader(r)) => out.extend(
            read_rows(r, rows, optional)?
                .into_iter()
                .map(|v| v.unwrap_or(f64::NAN)),
        ),
        _ => return Err(ParquetError::General("column changes its type".to_owned())),
    }
    Ok(())
}

/// All `rows` values of one column of one row group; nulls are `None`.
fn read_rows<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
    optional: bool,
) -> std::result::Result<Vec<Option<T::T>>, ParquetError> {
    let (mut levels, mut present) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let levels = optional.then_some(&mut levels);
        let (records, _, _) = reader.read_records(rows - read, levels, None, &mut present)?;
        if records == 0 {
            return Err(ParquetError::EOF(format!(
                "expected {rows} rows, found {read}"
            )));
        }
        read += records;
    }
    let mut present = present.into_iter();
    Ok(if optional {
        levels
            .into_iter()
            .map(|level| (level > 0).then(|| present.next()).flatten())
            .collect()
    } else {
        present.map(Some).collect()
    })
}
