//! All rows of all files, by condition. Invariant: after [`Collected::finish`]
//! every condition has the same images in the same order, each once, and each
//! image one label.

use std::collections::{BTreeMap, HashMap};

use striate_robustness::images::Outcomes;

use crate::input::{Error, Result, some_of};

/// Conditions, and ids of each, that a message lists.
const LISTED: usize = 5;

/// One checked row.
pub(super) struct Row<'a> {
    pub image: &'a str,
    pub model: &'a str,
    pub seed: u64,
    pub corruption: &'a str,
    pub severity: u8,
    pub label: u32,
    pub predicted: u32,
    pub confidence: Option<f64>,
}

/// What is kept of a row.
#[derive(Clone, Copy)]
struct Entry {
    image: u32,
    /// As the user counts in its file.
    number: u32,
    /// NaN without one.
    confidence: f32,
    file: u16,
    correct: bool,
}

/// Model (by first appearance), seed, corruption, severity.
type Condition = (usize, u64, String, u8);

/// Rows as they come.
pub(super) struct Collected {
    classes: Option<usize>,
    any_corruption: bool,
    files: Vec<String>,
    models: Vec<String>,
    images: Vec<String>,
    index: HashMap<String, u32>,
    /// Per image: its label, and where it was first read.
    labels: Vec<(u32, String)>,
    conditions: BTreeMap<Condition, Vec<Entry>>,
    rows: usize,
}

/// One condition of the finished predictions.
pub(super) struct Tested {
    /// Right or wrong, image by image.
    pub outcomes: Outcomes,
    /// The confidence in the predicted class of each image, if all have one.
    pub confidences: Option<Vec<f64>>,
}

/// Checked predictions.
pub(super) struct Predictions {
    pub files: Vec<String>,
    pub rows: usize,
    pub images: usize,
    pub classes: Option<usize>,
    pub tested: Vec<Tested>,
}

impl Collected {
    pub(super) fn new(classes: Option<usize>, any_corruption: bool) -> Self {
        Self {
            classes,
            any_corruption,
            files: Vec::new(),
            models: Vec::new(),
            images: Vec::new(),
            index: HashMap::new(),
            labels: Vec::new(),
            conditions: BTreeMap::new(),
            rows: 0,
        }
    }

    /// The rows that follow are from this file.
    pub(super) fn file(&mut self, file: &str) {
        self.files.push(file.to_owned());
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn any_corruption(&self) -> bool {
        self.any_corruption
    }

    /// The number of classes, after a row with so many outputs.
    pub(super) fn classes(
        &mut self,
        outputs: Option<usize>,
        place: impl Fn() -> String,
    ) -> Result<Option<usize>> {
        match (self.classes, outputs) {
            (Some(known), Some(found)) if known != found => Err(Error::content(
                place(),
                format!("numbers for {known} classes, as given or in the rows before"),
                found,
            )),
            (None, Some(found)) => {
                self.classes = Some(found);
                Ok(self.classes)
            }
            _ => Ok(self.classes),
        }
    }

    pub(super) fn push(
        &mut self,
        row: Row<'_>,
        number: usize,
        place: impl Fn() -> String,
    ) -> Result<()> {
        let image = match self.index.get(row.image) {
            Some(image) => *image,
            None => {
                let image = u32::try_from(self.images.len()).unwrap_or(u32::MAX);
                self.images.push(row.image.to_owned());
                self.index.insert(row.image.to_owned(), image);
                self.labels.push((row.label, place()));
                image
            }
        };
        let (label, first) = &self.labels[image as usize];
        if *label != row.label {
            return Err(Error::content(
                place(),
                format!("label {label} for image `{}`, as in {first}", row.image),
                row.label,
            ));
        }
        let model = match self.models.iter().position(|m| m == row.model) {
            Some(model) => model,
            None => {
                self.models.push(row.model.to_owned());
                self.models.len() - 1
            }
        };
        let condition = (model, row.seed, row.corruption.to_owned(), row.severity);
        self.conditions.entry(condition).or_default().push(Entry {
            image,
            number: u32::try_from(number).unwrap_or(u32::MAX),
            confidence: row.confidence.map_or(f32::NAN, |c| c as f32),
            file: (self.files.len() - 1) as u16,
            correct: row.label == row.predicted,
        });
        self.rows += 1;
        Ok(())
    }

    fn name(&self, (model, seed, corruption, severity): &Condition) -> String {
        let model = &self.models[*model];
        format!("{model}/seed {seed}/{corruption}/severity {severity}")
    }

    /// Checks that the conditions are over the same images.
    ///
    /// # Errors
    ///
    /// Images that a condition has twice or not at all, listed.
    pub(super) fn finish(mut self) -> Result<Predictions> {
        for entries in self.conditions.values_mut() {
            entries.sort_by_key(|e| (e.image, e.file, e.number));
        }
        self.check_duplicates()?;
        self.check_missing()?;
        let tested = self.conditions.iter().map(|(condition, entries)| {
            let confidences = entries.iter().map(|e| f64::from(e.confidence));
            let all = entries.iter().all(|e| !e.confidence.is_nan());
            Tested {
                outcomes: Outcomes {
                    model: self.models[condition.0].clone(),
                    seed: condition.1,
                    corruption: condition.2.clone(),
                    severity: condition.3,
                    correct: entries.iter().map(|e| e.correct).collect(),
                },
                confidences: all.then(|| confidences.collect()),
            }
        });
        Ok(Predictions {
            tested: tested.collect(),
            rows: self.rows,
            images: self.images.len(),
            classes: self.classes,
            files: self.files,
        })
    }

    fn check_duplicates(&self) -> Result<()> {
        let mut listed = Vec::new();
        let mut place = None;
        for (condition, entries) in &self.conditions {
            let twice = entries.windows(2).filter(|w| w[0].image == w[1].image);
            for pair in twice {
                let at = |e: &Entry| format!("{} row {}", self.files[e.file as usize], e.number);
                place.get_or_insert_with(|| at(&pair[1]));
                listed.push(format!(
                    "`{}` in {} ({} and {})",
                    self.images[pair[0].image as usize],
                    self.name(condition),
                    at(&pair[0]),
                    at(&pair[1]),
                ));
            }
        }
        match place {
            None => Ok(()),
            Some(place) => Err(Error::content(
                place,
                "each image once in each condition",
                format!("{} repeated: {}", listed.len(), some_of(&listed, LISTED)),
            )),
        }
    }

    fn check_missing(&self) -> Result<()> {
        let mut listed = Vec::new();
        for (condition, entries) in &self.conditions {
            if entries.len() == self.images.len() {
                continue;
            }
            let mut has = vec![false; self.images.len()];
            entries.iter().for_each(|e| has[e.image as usize] = true);
            let ids: Vec<String> = (0..has.len())
                .filter(|i| !has[*i])
                .map(|i| format!("`{}`", self.images[i]))
                .collect();
            listed.push(format!(
                "{} lacks {} ({})",
                self.name(condition),
                ids.len(),
                some_of(&ids, LISTED)
            ));
        }
        if listed.is_empty() {
            return Ok(());
        }
        Err(Error::content(
            self.files.join(", "),
            format!("the same {} images in each condition", self.images.len()),
            format!(
                "{} conditions without all of them: {}",
                listed.len(),
                some_of(&listed, LISTED)
            ),
        ))
    }
}
