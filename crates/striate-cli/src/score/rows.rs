//! From the columns of a file to checked rows. Invariant: a row that is handed
//! on has a known corruption, a severity that fits it, a label, and a prediction
//! within the classes.

use std::path::Path;

use striate_robustness::corruptions::{CLEAN, COMMON, EXTRA};

use super::collect::{Collected, Row};
use crate::input::{Error, Result, some_of};
use crate::table::{self, Batch};

const IMAGE: &[&str] = &["image_id", "image", "id"];
const LABEL: &[&str] = &["label", "target"];
const PREDICTION: &[&str] = &["prediction", "predicted", "pred"];
const CONFIDENCE: &[&str] = &["confidence"];
const OTHERS: [&str; 4] = ["model", "seed", "corruption", "severity"];

/// How far from 1 probabilities may sum.
const SUM_TOLERANCE: f64 = 1e-3;

/// Where a file has what is scored.
enum Outputs {
    /// The predicted class alone.
    Prediction,
    /// One list column, and whether it holds probabilities.
    List(String, bool),
    /// One column per class, and whether they hold probabilities.
    Columns(Vec<String>, bool),
}

struct Layout {
    image: String,
    label: String,
    prediction: Option<String>,
    confidence: Option<String>,
    outputs: Outputs,
    model: bool,
    seed: bool,
}

fn numbered(name: &str) -> Option<(bool, usize)> {
    let (probability, number) = match name.strip_prefix("logit_") {
        Some(number) => (false, number),
        None => (true, name.strip_prefix("probability_")?),
    };
    Some((probability, number.parse().ok()?))
}

fn wanted(name: &str) -> bool {
    let known = [IMAGE, LABEL, PREDICTION, CONFIDENCE, &OTHERS];
    known.iter().any(|names| names.contains(&name))
        || matches!(name, "logits" | "probabilities")
        || numbered(name).is_some()
}

/// Reads a file of predictions into `collected`.
///
/// # Errors
///
/// The first thing that is wrong, with file, row, expected and found.
pub(super) fn read(path: &Path, collected: &mut Collected) -> Result<()> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let file = path.display().to_string();
    collected.file(&file);
    let mut layout = None;
    let before = collected.rows();
    table::read(path, &wanted, &mut |batch| {
        let layout = match &mut layout {
            Some(layout) => layout,
            none => none.insert(Layout::of(batch, &file)?),
        };
        (0..batch.rows).try_for_each(|row| layout.row(batch, row, &stem, collected))
    })?;
    if collected.rows() == before {
        return Err(Error::content(file, "at least one row", "none"));
    }
    Ok(())
}

impl Layout {
    fn of(batch: &Batch, file: &str) -> Result<Self> {
        let has = |name: &str| batch.columns.contains_key(name);
        let find = |names: &[&str]| {
            let found = names.iter().find(|n| has(n));
            found.map(|n| (*n).to_owned())
        };
        let known: Vec<String> = batch.columns.keys().cloned().collect();
        let need = |what: &str, found: Option<String>| {
            found.ok_or_else(|| {
                let found = if known.is_empty() {
                    "none of the known columns".to_owned()
                } else {
                    format!("only the known columns {}", some_of(&known, 12))
                };
                Error::content(file, format!("a column {what}"), found)
            })
        };
        for name in ["corruption", "severity"] {
            need(name, find(&[name]))?;
        }
        let prediction = find(PREDICTION);
        let outputs = match outputs(batch, file)? {
            Some(outputs) => outputs,
            None => {
                need(
                    "prediction, or logits (a list, or logit_0, logit_1, ...), or probabilities",
                    prediction.clone(),
                )?;
                Outputs::Prediction
            }
        };
        Ok(Self {
            image: need("image_id", find(IMAGE))?,
            label: need("label", find(LABEL))?,
            confidence: find(CONFIDENCE),
            prediction,
            outputs,
            model: has("model"),
            seed: has("seed"),
        })
    }

    fn row(&self, batch: &Batch, row: usize, stem: &str, collected: &mut Collected) -> Result<()> {
        let image = batch
            .text(&self.image, row)?
            .ok_or_else(|| batch.missing(&self.image, row, "an image id"))?;
        let model = if self.model {
            batch
                .text("model", row)?
                .ok_or_else(|| batch.missing("model", row, "the name of a model"))?
        } else {
            stem.into()
        };
        let seed = if self.seed {
            let found = batch.integer("seed", row)?;
            let value = found.ok_or_else(|| batch.missing("seed", row, "a seed"))?;
            u64::try_from(value)
                .map_err(|_| batch.wrong("seed", row, "a seed of at least 0".to_owned(), value))?
        } else {
            0
        };
        let (corruption, severity) = condition(batch, row, collected.any_corruption())?;
        let scores = self.scores(batch, row)?;
        let classes = collected.classes(scores.as_ref().map(|s| s.len()), || batch.place(row))?;
        let label = class(batch, &self.label, row, classes, "a label")?;
        let given = match &self.prediction {
            Some(column) => Some(class(batch, column, row, classes, "a predicted class")?),
            None => None,
        };
        let (predicted, confidence) = match &scores {
            Some(scores) => {
                let (best, confidence) = scores.best();
                if let (Some(given), Some(column)) = (given, &self.prediction)
                    && given != best
                    && scores.values[given as usize] < scores.values[best as usize]
                {
                    return Err(batch.wrong(
                        column,
                        row,
                        format!("{best}, the class with the highest value of this row"),
                        given,
                    ));
                }
                (best, Some(confidence))
            }
            None => (given.unwrap_or_default(), self.confidence(batch, row)?),
        };
        collected.push(
            Row {
                image: &image,
                model: &model,
                seed,
                corruption: &corruption,
                severity,
                label,
                predicted,
                confidence,
            },
            batch.number(row),
            || batch.place(row),
        )
    }

    fn confidence(&self, batch: &Batch, row: usize) -> Result<Option<f64>> {
        let Some(column) = &self.confidence else {
            return Ok(None);
        };
        let found = batch.float(column, row)?;
        let value = found.ok_or_else(|| batch.missing(column, row, "a confidence"))?;
        if (0.0..=1.0 + SUM_TOLERANCE).contains(&value) {
            Ok(Some(value.min(1.0)))
        } else {
            Err(batch.wrong(column, row, "a confidence in 0..=1".to_owned(), value))
        }
    }

    fn scores(&self, batch: &Batch, row: usize) -> Result<Option<Scores>> {
        let (name, values, probabilities) = match &self.outputs {
            Outputs::Prediction => return Ok(None),
            Outputs::List(name, probabilities) => {
                (name.as_str(), batch.list(name, row)?, *probabilities)
            }
            Outputs::Columns(names, probabilities) => {
                let values = names.iter().map(|name| {
                    let value = batch.float(name, row)?;
                    Ok(value.map_or(f32::NAN, |v| v as f32))
                });
                let values = values.collect::<Result<Vec<f32>>>()?;
                ("logit_0 and following", values.into(), *probabilities)
            }
        };
        if values.is_empty() {
            return Err(batch.missing(name, row, "one number per class"));
        }
        if let Some(class) = values.iter().position(|v| !v.is_finite()) {
            return Err(batch.wrong(
                name,
                row,
                "finite numbers".to_owned(),
                format!("{} for class {class}", values[class]),
            ));
        }
        let sum: f64 = values.iter().map(|v| f64::from(*v)).sum();
        if probabilities && ((sum - 1.0).abs() > SUM_TOLERANCE || values.iter().any(|v| *v < 0.0)) {
            return Err(batch.wrong(
                name,
                row,
                "probabilities of at least 0 that sum to 1".to_owned(),
                format!("a sum of {sum}"),
            ));
        }
        Ok(Some(Scores {
            values: values.into_owned(),
            probabilities,
        }))
    }
}

/// What a network says about each class.
struct Scores {
    values: Vec<f32>,
    probabilities: bool,
}

impl Scores {
    fn len(&self) -> usize {
        self.values.len()
    }

    /// The best class, the first of equals, and its probability.
    fn best(&self) -> (u32, f64) {
        let mut best = 0;
        for (class, value) in self.values.iter().enumerate() {
            if *value > self.values[best] {
                best = class;
            }
        }
        let top = f64::from(self.values[best]);
        let confidence = if self.probabilities {
            top.min(1.0)
        } else {
            let exps = self.values.iter().map(|v| (f64::from(*v) - top).exp());
            1.0 / exps.sum::<f64>()
        };
        (best as u32, confidence)
    }
}

fn outputs(batch: &Batch, file: &str) -> Result<Option<Outputs>> {
    for (name, probabilities) in [("logits", false), ("probabilities", true)] {
        if batch.columns.contains_key(name) {
            return Ok(Some(Outputs::List(name.to_owned(), probabilities)));
        }
    }
    for probabilities in [false, true] {
        let mut columns: Vec<(usize, String)> = batch
            .columns
            .keys()
            .filter_map(|name| match numbered(name) {
                Some((kind, number)) if kind == probabilities => Some((number, name.clone())),
                _ => None,
            })
            .collect();
        columns.sort();
        if let Some(gap) = (0..columns.len()).find(|k| columns[*k].0 != *k) {
            return Err(Error::content(
                file,
                format!("a column for each class from 0, next that of class {gap}"),
                format!("column {}", columns[gap].1),
            ));
        }
        if !columns.is_empty() {
            let names = columns.into_iter().map(|(_, name)| name).collect();
            return Ok(Some(Outputs::Columns(names, probabilities)));
        }
    }
    Ok(None)
}

fn condition(batch: &Batch, row: usize, any: bool) -> Result<(String, u8)> {
    let corruption = batch
        .text("corruption", row)?
        .ok_or_else(|| batch.missing("corruption", row, "a corruption, or `clean`"))?;
    let known = || COMMON.iter().chain(&EXTRA);
    if corruption != CLEAN && !any && !known().any(|k| *k == corruption) {
        let known: Vec<&str> = known().copied().collect();
        return Err(batch.wrong(
            "corruption",
            row,
            format!(
                "`{CLEAN}` or one of {} (or --any-corruption)",
                known.join(", ")
            ),
            format!("`{corruption}`"),
        ));
    }
    let clean = corruption == CLEAN;
    let severity = match batch.integer("severity", row)? {
        Some(severity) => severity,
        None if clean => 0,
        None => return Err(batch.missing("severity", row, "a severity of 1 to 5")),
    };
    let fits = if clean {
        severity == 0
    } else {
        (1..=5).contains(&severity)
    };
    if !fits {
        let expected = if clean {
            format!("severity 0 for `{CLEAN}`")
        } else {
            "a severity of 1 to 5".to_owned()
        };
        return Err(batch.wrong("severity", row, expected, severity));
    }
    Ok((corruption.into_owned(), severity as u8))
}

fn class(
    batch: &Batch,
    column: &str,
    row: usize,
    classes: Option<usize>,
    what: &str,
) -> Result<u32> {
    let found = batch.integer(column, row)?;
    let value = found.ok_or_else(|| batch.missing(column, row, what))?;
    let bound = classes.map_or(i64::from(u32::MAX), |c| c as i64);
    if (0..bound).contains(&value) {
        return Ok(value as u32);
    }
    let range = match classes {
        Some(classes) => format!("{what} in 0..{classes}"),
        None => format!("{what} of at least 0"),
    };
    Err(batch.wrong(column, row, range, value))
}
