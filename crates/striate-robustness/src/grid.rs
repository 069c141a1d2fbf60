//! The accuracy grid. Invariant: a grid is complete (every run of every model
//! has every corruption at every severity) and each cell has possible counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::corruptions::{CLEAN, order};
use crate::{Error, Result};

/// One line of the long table: how often one run of one model was right on one
/// test set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The model: `baseline`, `mtl_monkey`, ...
    pub model: String,
    /// The seed of the run.
    pub seed: u64,
    /// The corruption, or [`CLEAN`] at severity 0.
    pub corruption: String,
    /// 1 to 5, or 0 for the clean test set.
    pub severity: u8,
    /// Images classified correctly.
    pub correct: u64,
    /// Images of the test set.
    pub total: u64,
}

impl Row {
    fn cell(&self) -> String {
        cell(&self.model, self.seed, &self.corruption, self.severity)
    }
}

pub(crate) fn cell(model: &str, seed: u64, corruption: &str, severity: u8) -> String {
    format!("{model}/seed {seed}/{corruption}/severity {severity}")
}

/// Correct and total of one test set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Images classified correctly.
    pub correct: u64,
    /// Images of the test set, at least 1.
    pub total: u64,
}

impl Counts {
    /// Top-1 accuracy in `[0, 1]`.
    pub fn accuracy(self) -> f64 {
        self.correct as f64 / self.total as f64
    }
}

/// One run: a model trained with one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// The clean test set, if the grid has one.
    pub clean: Option<Counts>,
    /// Corruption-major: cell `c * severities + s`.
    pub cells: Vec<Counts>,
}

impl Run {
    /// The accuracies of [`Run::cells`].
    pub fn accuracies(&self) -> impl Iterator<Item = f64> + '_ {
        self.cells.iter().map(|c| c.accuracy())
    }
}

/// Accuracies over models, seeds, corruptions and severities.
#[derive(Clone, Debug, PartialEq)]
pub struct AccuracyGrid {
    models: Vec<String>,
    corruptions: Vec<String>,
    severities: Vec<u8>,
    /// Per model, sorted by seed.
    runs: Vec<Vec<Run>>,
}

type Cells = BTreeMap<(String, u8), Counts>;

impl AccuracyGrid {
    /// Builds the grid from long rows in any order.
    ///
    /// Models keep the order of their first row; seeds and severities are
    /// sorted; corruptions come in the usual order, unknown names last. Models
    /// may have different seeds.
    ///
    /// # Errors
    ///
    /// Missing and duplicate cells, empty input, `correct > total`, `total == 0`,
    /// or a severity that does not fit (0 if and only if the corruption is
    /// `clean`), each naming the cell.
    pub fn from_rows(rows: impl IntoIterator<Item = Row>) -> Result<Self> {
        let mut models: Vec<String> = Vec::new();
        let mut runs: BTreeMap<(usize, u64), Cells> = BTreeMap::new();
        for row in rows {
            check(&row)?;
            let model = match models.iter().position(|m| *m == row.model) {
                Some(index) => index,
                None => {
                    models.push(row.model.clone());
                    models.len() - 1
                }
            };
            let counts = Counts {
                correct: row.correct,
                total: row.total,
            };
            let cells = runs.entry((model, row.seed)).or_default();
            if cells
                .insert((row.corruption.clone(), row.severity), counts)
                .is_some()
            {
                return Err(Error::DuplicateCell { cell: row.cell() });
            }
        }
        assemble(models, runs)
    }

    /// The models, in the order of their first row.
    pub fn models(&self) -> &[String] {
        &self.models
    }

    /// The corruptions, without `clean`.
    pub fn corruptions(&self) -> &[String] {
        &self.corruptions
    }

    /// The severities, sorted, without 0.
    pub fn severities(&self) -> &[u8] {
        &self.severities
    }

    /// The runs of a model, sorted by seed.
    ///
    /// # Errors
    ///
    /// If there is no such model.
    pub fn runs(&self, model: &str) -> Result<&[Run]> {
        Ok(&self.runs[self.model_index(model)?])
    }

    /// Top-1 accuracy in `[0, 1]` of one run on one corrupted test set.
    ///
    /// # Errors
    ///
    /// If the grid has no such cell.
    pub fn accuracy(&self, model: &str, seed: u64, corruption: &str, severity: u8) -> Result<f64> {
        let (c, s) = (
            self.corruption_index(corruption)?,
            self.severity_index(severity)?,
        );
        let runs = self.runs(model)?;
        let run = runs
            .iter()
            .find(|r| r.seed == seed)
            .ok_or_else(|| Error::Unknown {
                kind: "seed",
                name: format!("{model}/{seed}"),
                known: list(runs.iter().map(|r| r.seed)),
            })?;
        Ok(run.cells[c * self.severities.len() + s].accuracy())
    }

    /// The accuracies of all runs of a model on one test set, sorted by seed.
    ///
    /// # Errors
    ///
    /// If the grid has no such cell.
    pub fn accuracies(&self, model: &str, corruption: &str, severity: u8) -> Result<Vec<f64>> {
        let cell = self.corruption_index(corruption)? * self.severities.len()
            + self.severity_index(severity)?;
        Ok(self
            .runs(model)?
            .iter()
            .map(|r| r.cells[cell].accuracy())
            .collect())
    }

    /// The clean accuracies of a model's runs, sorted by seed; `None` if the
    /// grid has no clean test set.
    ///
    /// # Errors
    ///
    /// If there is no such model.
    pub fn clean(&self, model: &str) -> Result<Option<Vec<f64>>> {
        let runs = self.runs(model)?;
        Ok(runs.iter().map(|r| r.clean.map(Counts::accuracy)).collect())
    }

    /// Whether there is a clean test set.
    pub fn has_clean(&self) -> bool {
        self.runs.iter().flatten().all(|r| r.clean.is_some())
    }

    pub(crate) fn model_index(&self, model: &str) -> Result<usize> {
        find("model", &self.models, model)
    }

    pub(crate) fn corruption_index(&self, corruption: &str) -> Result<usize> {
        find("corruption", &self.corruptions, corruption)
    }

    fn severity_index(&self, severity: u8) -> Result<usize> {
        self.severities
            .iter()
            .position(|s| *s == severity)
            .ok_or_else(|| Error::Unknown {
                kind: "severity",
                name: severity.to_string(),
                known: list(&self.severities),
            })
    }

    pub(crate) fn all_runs(&self) -> &[Vec<Run>] {
        &self.runs
    }
}

fn check(row: &Row) -> Result<()> {
    let problem = if row.total == 0 {
        "no images".to_owned()
    } else if row.correct > row.total {
        format!("{} correct of {} images", row.correct, row.total)
    } else if (row.severity == 0) != (row.corruption == CLEAN) {
        format!(
            "severity 0 belongs to `{CLEAN}` and to it alone, found severity {}",
            row.severity
        )
    } else {
        return Ok(());
    };
    Err(Error::BadCell {
        cell: row.cell(),
        problem,
    })
}

fn assemble(models: Vec<String>, runs: BTreeMap<(usize, u64), Cells>) -> Result<AccuracyGrid> {
    let mut corruptions: Vec<String> = Vec::new();
    let mut severities: Vec<u8> = Vec::new();
    for (corruption, severity) in runs.values().flat_map(BTreeMap::keys) {
        if *severity > 0 {
            corruptions.push(corruption.clone());
            severities.push(*severity);
        }
    }
    corruptions.sort_by(|a, b| (order(a), a).cmp(&(order(b), b)));
    corruptions.dedup();
    severities.sort_unstable();
    severities.dedup();
    if corruptions.is_empty() {
        return Err(Error::Empty {
            what: "corrupted test set",
        });
    }
    let clean_key = (CLEAN.to_owned(), 0);
    let has_clean = runs.values().any(|cells| cells.contains_key(&clean_key));
    let mut missing: Vec<String> = Vec::new();
    let mut sorted: Vec<Vec<Run>> = vec![Vec::new(); models.len()];
    for ((model, seed), cells) in &runs {
        let clean = cells.get(&clean_key).copied();
        if has_clean && clean.is_none() {
            missing.push(cell(&models[*model], *seed, CLEAN, 0));
        }
        let mut found = Vec::with_capacity(corruptions.len() * severities.len());
        for corruption in &corruptions {
            for severity in &severities {
                match cells.get(&(corruption.clone(), *severity)) {
                    Some(counts) => found.push(*counts),
                    None => missing.push(cell(&models[*model], *seed, corruption, *severity)),
                }
            }
        }
        sorted[*model].push(Run {
            seed: *seed,
            clean,
            cells: found,
        });
    }
    if !missing.is_empty() {
        return Err(Error::MissingCells {
            count: missing.len(),
            first: list(missing.iter().take(3)),
        });
    }
    Ok(AccuracyGrid {
        models,
        corruptions,
        severities,
        runs: sorted,
    })
}

fn find(kind: &'static str, names: &[String], name: &str) -> Result<usize> {
    names
        .iter()
        .position(|n| n == name)
        .ok_or_else(|| Error::Unknown {
            kind,
            name: name.to_owned(),
            known: list(names),
        })
}

pub(crate) fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|i| i.to_string()).collect();
    items.join(", ")
}

#[cfg(test)]
mod tests;
