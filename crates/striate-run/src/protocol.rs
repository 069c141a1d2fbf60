//! Where a number comes from. Invariant: a result row names the hash of one
//! [`Protocol`], and the file of protocols holds all of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::{Finished, Key, write_atomic};
use crate::{Error, Result};

/// The file of protocols, under `results/`.
const FILE: &str = "protocols.json";

/// All that led to a result row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Protocol {
    /// What was measured: `robustness`, `neural`, `rsa`, ...
    pub analysis: String,
    /// The recipe's name.
    pub recipe: String,
    /// The model.
    pub model: String,
    /// The seed of the network.
    pub seed: u64,
    /// The key of the step that measured, and its configuration.
    pub step: Key,
    /// What was set in that step: corruption table, random streams, budgets, ...
    pub config: Value,
    /// SHA-256 of the network's weights.
    pub weights: Key,
    /// How the weights were trained.
    pub training: Value,
    /// SHA-256 of the images.
    pub data: Key,
    /// How the images were made, and the statistics that normalise them.
    pub preprocessing: Value,
    /// The revision of the code that measured.
    pub revision: String,
}

impl Protocol {
    /// The hash that rows carry.
    ///
    /// # Errors
    ///
    /// If the protocol cannot be written as JSON.
    pub fn hash(&self) -> Result<String> {
        Ok(Key::of_value(self)?.short().to_owned())
    }
}

/// The SHA-256 of a file of a finished step, from its manifest.
pub(crate) fn file_hash(step: &Finished, name: &str) -> Result<Key> {
    step.manifest()
        .files
        .get(name)
        .map(|f| f.sha256.clone())
        .ok_or_else(|| Error::Damaged {
            path: step.file(name),
            problem: "not in the step's manifest".to_owned(),
        })
}

/// All protocols of a run, by hash.
#[derive(Debug, Default)]
pub(crate) struct Protocols(BTreeMap<String, Protocol>);

impl Protocols {
    /// Adds a protocol and gives its hash.
    pub(crate) fn add(&mut self, protocol: Protocol) -> Result<String> {
        let hash = protocol.hash()?;
        self.0.insert(hash.clone(), protocol);
        Ok(hash)
    }

    /// Writes the file of protocols into the folder of results.
    pub(crate) fn write(&self, results: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(&self.0).map_err(|e| Error::json(FILE, e))?;
        write_atomic(&results.join(FILE), &text)
    }
}

/// Says how the rows with a protocol hash came about, as JSON; `list` lists the
/// hashes there are.
///
/// # Errors
///
/// If the run has no protocols yet, or the digits fit none or several.
pub fn explain(out: &Path, row: &str) -> Result<String> {
    let path = out.join("results").join(FILE);
    let wrong = |problem: String| Error::Explain {
        path: path.clone(),
        problem,
    };
    let text = fs::read(&path).map_err(|e| wrong(format!("no results to explain: {e}")))?;
    let all: BTreeMap<String, Protocol> =
        serde_json::from_slice(&text).map_err(|e| wrong(e.to_string()))?;
    if row == "list" {
        return Ok(all
            .iter()
            .map(|(hash, p)| format!("{hash}  {:<14} {} seed {}\n", p.analysis, p.model, p.seed))
            .collect());
    }
    let found: Vec<_> = all
        .iter()
        .filter(|(hash, _)| hash.starts_with(row))
        .collect();
    match found[..] {
        [(hash, protocol)] => {
            let text = serde_json::to_string_pretty(protocol).map_err(|e| Error::json(hash, e))?;
            Ok(format!("{hash}\n{text}\n"))
        }
        [] => Err(wrong(format!(
            "no protocol hash begins with {row:?}; `list` lists all"
        ))),
        _ => Err(wrong(format!(
            "{} protocol hashes begin with {row:?}",
            found.len()
        ))),
    }
}
