//! What can go wrong while a report is made.
//!
//! Invariant: an error about a file names the file, an error about a table
//! names the table and the column; messages are fragments that fit after
//! "failed to write the report: ".

use std::path::PathBuf;

/// Why a table, a figure or a report could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried: `write`, `create`, `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A column has another number of rows than the table.
    #[error("table `{table}`, column `{column}`: expected {expected} rows, found {found}")]
    Rows {
        /// Name of the table.
        table: String,
        /// Name of the column.
        column: String,
        /// Rows of the columns before it.
        expected: usize,
        /// Rows of this column.
        found: usize,
    },
    /// A second column of the same name.
    #[error("table `{table}`: column `{column}` is there twice")]
    DuplicateColumn {
        /// Name of the table.
        table: String,
        /// Name of the column.
        column: String,
    },
    /// A column that is not there, or is of another type.
    #[error("table `{table}`, column `{column}`: expected {expected}, found {found}")]
    Column {
        /// Name of the table.
        table: String,
        /// Name of the column.
        column: String,
        /// The type that was asked for.
        expected: &'static str,
        /// The type that is there, or `no such column`.
        found: String,
    },
    /// The parquet library refused a file or a column.
    #[error("{}, column `{column}`: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The column, or `-` when the whole file is meant.
        column: String,
        /// The cause.
        source: parquet::errors::ParquetError,
    },
    /// A parquet column of a type that result tables do not have.
    #[error("{}, column `{column}`: expected utf8, i64 or f64, found {found}", path.display())]
    ParquetType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The physical type found.
        found: String,
    },
    /// A picture whose pixels do not fill it.
    #[error(
        "picture {width} x {height} x {channels}: expected {} bytes with 1 or 3 channels, found {found}",
        width * height * channels
    )]
    Picture {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// 1 (gray) or 3 (RGB).
        channels: usize,
        /// Bytes found.
        found: usize,
    },
    /// The PNG encoder failed.
    #[error("encode a picture of {width} x {height} as PNG: {source}")]
    Png {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// The cause.
        source: png::EncodingError,
    },
    /// Two parts of the data do not fit together.
    #[error("{place}: expected {expected}, found {found}")]
    Shape {
        /// Which part of the report data.
        place: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
