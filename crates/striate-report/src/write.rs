//! From data to a folder: `report.html` and a page for each analysis, `figures/*.svg`, `results/*.csv` and
//! `results/*.parquet`.
//!
//! Invariant: the same data give the same bytes; `report.html` is written last,
//! so that a page never links to a file that is not there.

use std::path::{Path, PathBuf};

use crate::data::ReportData;
use crate::html::{figures, pages, sections};
use crate::{Result, files, tables};

/// Writes the report into `out_dir`, which is made if it is not there, and
/// returns the files relative to it.
///
/// # Errors
///
/// [`crate::Error`] naming the file that could not be written or the part of the
/// data that does not fit; files that were written before stay.
pub fn write(data: &ReportData, out_dir: &Path) -> Result<Vec<PathBuf>> {
    // Everything is made before anything is written.
    let tables = tables(data)?;
    let sections = sections(data)?;
    let pages = pages(data, &sections, &tables)?;
    let mut texts = Vec::new();
    for figure in figures(&sections) {
        let file = Path::new("figures").join(&figure.id).with_extension("svg");
        texts.push((file, figure.standalone()?));
    }
    // `report.html` is the last of them.
    texts.extend(
        pages
            .into_iter()
            .map(|(name, page)| (PathBuf::from(name), page)),
    );

    let mut written = Vec::new();
    for folder in ["results", "figures"] {
        files::create_folder(&out_dir.join(folder))?;
    }
    for table in &tables {
        let stem = Path::new("results").join(table.name());
        let (csv, parquet) = (stem.with_extension("csv"), stem.with_extension("parquet"));
        table.write_csv(&out_dir.join(&csv))?;
        table.write_parquet(&out_dir.join(&parquet))?;
        written.extend([csv, parquet]);
    }
    for (file, text) in texts {
        files::write_atomically(&out_dir.join(&file), text.as_bytes())?;
        written.push(file);
    }
    Ok(written)
}
