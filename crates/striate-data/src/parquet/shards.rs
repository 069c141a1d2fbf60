//! Which files make a split. Invariant: shards come in the order of their names.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// A part of a data set, under the names it goes by on the Hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitName {
    /// `train`.
    Train,
    /// `valid`, `validation` or `val`.
    Validation,
    /// `test`.
    Test,
}

impl SplitName {
    /// The names that file names may begin with.
    pub fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Train => &["train"],
            Self::Validation => &["validation", "valid", "val"],
            Self::Test => &["test"],
        }
    }

    /// Whether a file name is a shard of this split: `train.parquet`,
    /// `train-00000-of-00014.parquet`, `train-00000-of-00001-1359597a978bc4fa.parquet`.
    pub fn matches(self, file_name: &str) -> bool {
        let Some(stem) = file_name.strip_suffix(".parquet") else {
            return false;
        };
        let name = stem.split(['-', '_', '.']).next().unwrap_or(stem);
        self.aliases().contains(&name)
    }
}

/// The shards of a split in a folder, or in its `data` folder as on the Hub.
///
/// # Errors
///
/// If the folder cannot be read or holds no such file.
pub fn find_shards(folder: &Path, split: SplitName) -> Result<Vec<PathBuf>> {
    let mut seen = Vec::new();
    for folder in [folder.join("data"), folder.to_path_buf()] {
        if !folder.is_dir() {
            continue;
        }
        let mut shards = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(|e| Error::io(&folder, e))? {
            let path = entry.map_err(|e| Error::io(&folder, e))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if split.matches(&name) {
                shards.push(path.clone());
            } else if name.ends_with(".parquet") {
                seen.push(name.into_owned());
            }
        }
        if !shards.is_empty() {
            shards.sort();
            return Ok(shards);
        }
    }
    seen.sort();
    Err(Error::format(
        folder.display().to_string(),
        format!("{{{}}}*.parquet", split.aliases().join(",")),
        if seen.is_empty() {
            "no parquet file".to_string()
        } else {
            format!("[{}]", seen.join(", "))
        },
    ))
}
