//! Figures, result tables and the self-contained HTML report.
//!
//! The pipeline fills a [`ReportData`] with plain numbers and pictures, and
//! [`write()`] makes a folder of it. Analyses that were not run stay `None`, and
//! the page says so.
//!
//! ```
//! use striate_report::{ReportData, write};
//!
//! let data = ReportData {
//!     title: "Robustness by co-training".to_owned(),
//!     recipe: "smoke".to_owned(),
//!     protocol: vec![("seeds".to_owned(), "1".to_owned())],
//!     ..ReportData::default()
//! };
//! # let folder = tempfile::tempdir().map_err(|source| striate_report::Error::Io {
//! #     action: "create", path: "a temporary folder".into(), source })?;
//! # let out = folder.path();
//! let files = write(&data, out)?;
//! assert!(files.iter().any(|f| f.ends_with("protocol.csv")));
//! # Ok::<(), striate_report::Error>(())
//! ```

mod data;
mod error;
mod figure;
mod files;
mod findings;
mod html;
mod plots;
mod svg;
mod table;
mod tables;
mod write;

pub use data::*;
pub use error::{Error, Result};
pub use findings::findings;
pub use table::{Column, Table, Values};
pub use tables::tables;
pub use write::write;
