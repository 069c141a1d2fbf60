//! `manifest.jsonl`: the configuration, then one line per source image.
//!
//! Invariant: a line is added after all results of its image are in place; a
//! line that a crash cut short is dropped.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::TreeConfig;
use crate::{Error, Result};

/// The first line.
#[derive(Serialize, Deserialize)]
struct Header {
    made_by: String,
    config: TreeConfig,
    /// The constants of each corruption at each severity, in words.
    constants: BTreeMap<String, String>,
}

/// One source image.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) source: String,
    pub(super) sha256: String,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    /// The seed of `numpy.random.seed`, in NumPy mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) numpy_seed: Option<u32>,
    /// The SHA-256 of each result, by its path below the output folder.
    pub(super) results: BTreeMap<String, String>,
}

pub(super) struct Manifest {
    path: PathBuf,
    header: String,
    file: fs::File,
    records: BTreeMap<String, Record>,
}

/// The SHA-256 of some bytes, in hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

impl Manifest {
    pub(super) fn open(output: &Path, config: &TreeConfig) -> Result<Self> {
        let path = output.join("manifest.jsonl");
        fs::create_dir_all(output).map_err(io("create", output))?;
        let header = encode(
            &Header {
                made_by: format!("striate-corruptions {}", env!("CARGO_PKG_VERSION")),
                config: config.clone(),
                constants: constants(config),
            },
            &path,
        )?;
        let mut records = BTreeMap::new();
        match fs::read_to_string(&path) {
            Ok(text) => {
                let mut lines = text.lines();
                // An empty file is one that a crash left before its first line.
                if let Some(first) = lines.next() {
                    let found: Header =
                        serde_json::from_str(first).map_err(|e| Error::Manifest {
                            path: path.clone(),
                            reason: e.to_string(),
                        })?;
                    if found.config != *config {
                        return Err(Error::OtherConfiguration { path });
                    }
                }
                for line in lines {
                    if let Ok(record) = serde_json::from_str::<Record>(line) {
                        records.insert(record.source.clone(), record);
                    }
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(io("read", &path)(e)),
        }
        write_atomically(&path, &lines(&header, &records, &path)?)?;
        let file = fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .map_err(io("open", &path))?;
        Ok(Self {
            path,
            header,
            file,
            records,
        })
    }

    /// The records of earlier runs, by source.
    pub(super) fn known(&self) -> BTreeMap<String, Record> {
        self.records.clone()
    }

    pub(super) fn append(&mut self, records: &[Record]) -> Result<()> {
        let mut text = String::new();
        for record in records {
            text += &encode(record, &self.path)?;
            self.records.insert(record.source.clone(), record.clone());
        }
        self.file
            .write_all(text.as_bytes())
            .map_err(io("write", &self.path))
    }

    /// Brings the lines into order, unless the run was stopped.
    pub(super) fn finish(self, stopped: bool) -> Result<PathBuf> {
        if !stopped {
            let text = lines(&self.header, &self.records, &self.path)?;
            write_atomically(&self.path, &text)?;
        }
        Ok(self.path)
    }
}

fn constants(config: &TreeConfig) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for corruption in &config.corruptions {
        for severity in &config.severities {
            all.insert(
                format!("{corruption}/{severity}"),
                config.table.describe(*corruption, *severity),
            );
        }
    }
    all
}

fn encode<T: Serialize>(value: &T, path: &Path) -> Result<String> {
    serde_json::to_string(value)
        .map(|line| line + "\n")
        .map_err(|e| Error::Manifest {
            path: path.to_owned(),
            reason: e.to_string(),
        })
}

fn lines(header: &str, records: &BTreeMap<String, Record>, path: &Path) -> Result<Vec<u8>> {
    let mut text = header.to_owned();
    for record in records.values() {
        text += &encode(record, path)?;
    }
    Ok(text.into_bytes())
}

pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io {
        action,
        path,
        source,
    }
}

/// Writes beside the place and renames, so that the place holds all or nothing.
pub(super) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    fs::write(&part, bytes).map_err(io("write", &part))?;
    fs::rename(&part, path).map_err(io("rename", path))
}
