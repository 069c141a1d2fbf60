//! `manifest.jsonl`: the configuration, then one line per source image.
//!
//! Invariant: a line is added after all results of its image are in place; a
//! last line that a crash cut short is dropped, any other damage is an error.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::TreeConfig;
use super::output::{MANIFEST, Output, io};
use crate::{Error, Result};

/// The first line.
#[derive(PartialEq, Serialize, Deserialize)]
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

pub(super) struct Manifest<'a> {
    output: &'a Output,
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

impl<'a> Manifest<'a> {
    /// Takes up what an earlier run with the same configuration has written.
    pub(super) fn open(output: &'a Output, config: &TreeConfig) -> Result<Self> {
        let path = output.path(MANIFEST);
        let header = Header {
            made_by: format!("striate-corruptions {}", env!("CARGO_PKG_VERSION")),
            config: config.clone(),
            constants: constants(config),
        };
        let records = match fs::read(&path) {
            Ok(bytes) => records(&bytes, &header, &path)?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(e) => return Err(io("read", &path)(e)),
        };
        let header = encode(&header, &path)?;
        output.write(MANIFEST, &lines(&header, &records, &path)?)?;
        let file = fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .map_err(io("open", &path))?;
        Ok(Self {
            output,
            header,
            file,
            records,
        })
    }

    /// The records of earlier runs, by source.
    pub(super) fn known(&self) -> BTreeMap<String, Record> {
        self.records.clone()
    }

    pub(super) fn append(&mut self, record: Record) -> Result<()> {
        let path = self.path();
        let line = encode(&record, &path)?;
        self.records.insert(record.source.clone(), record);
        self.file
            .write_all(line.as_bytes())
            .map_err(io("write", &path))
    }

    /// Brings the lines into order.
    pub(super) fn sort(&self) -> Result<()> {
        let text = lines(&self.header, &self.records, &self.path())?;
        self.output.write(MANIFEST, &text)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.output.path(MANIFEST)
    }
}

/// The records of a manifest, by source.
fn records(bytes: &[u8], expected: &Header, path: &Path) -> Result<BTreeMap<String, Record>> {
    let damaged = |line: usize, reason: String| Error::Manifest {
        path: path.to_owned(),
        reason: format!("line {line}: {reason}; remove it and its results to start again"),
    };
    let mut records = BTreeMap::new();
    if bytes.is_empty() {
        // What a power cut can leave of the very first write.
        return Ok(records);
    }
    // Without its end of line, a line was cut short.
    let whole = bytes.split_inclusive(|b| *b == b'\n');
    for (i, line) in whole.filter(|l| l.ends_with(b"\n")).enumerate() {
        if i == 0 {
            let found: Header =
                serde_json::from_slice(line).map_err(|e| damaged(1, e.to_string()))?;
            if found != *expected {
                return Err(Error::OtherConfiguration {
                    path: path.to_owned(),
                    found: found.made_by,
                });
            }
        } else {
            let record: Record =
                serde_json::from_slice(line).map_err(|e| damaged(i + 1, e.to_string()))?;
            records.insert(record.source.clone(), record);
        }
    }
    // The header is written in one piece: a file without is not ours.
    if !bytes.contains(&b'\n') {
        return Err(damaged(1, "not the header of a manifest".to_owned()));
    }
    Ok(records)
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
