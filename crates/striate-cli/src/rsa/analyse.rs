//! Comparisons of the matrices of all files. Invariant: all matrices are over
//! the same images in the order of the first file's; where ids say otherwise the
//! comparison stops and lists them.

use serde::Serialize;
use striate_rsa::{
    Candidate, Comparator, Evaluation, Features, Inference, NoiseCeiling, Rdm, compare,
    debiased_cka, linear_cka, noise_ceiling, partial_compare,
};

use super::Arguments;
use super::features::{Source, read_ids};
use super::matrix::{Kind, matrix};
use crate::input::{Error, Result};

/// Everything that `striate rsa` says.
#[derive(Debug, Serialize)]
pub(super) struct Analysis {
    /// Of this layout; it grows when a field changes its meaning.
    pub format: u32,
    /// The files.
    pub files: Vec<File>,
    /// Images of each.
    pub images: usize,
    /// How unlike two images are.
    pub dissimilarity: &'static str,
    /// How many of the first files are subjects.
    pub subjects: usize,
    /// Pairs of files and comparators.
    pub comparisons: Vec<Comparison>,
    /// With several subjects, or a bootstrap and several other files: one per
    /// comparator, the other files against the first.
    pub evaluations: Vec<Evaluation>,
    /// With several subjects: the noise ceiling of each comparator.
    pub ceilings: Vec<(Comparator, NoiseCeiling)>,
    /// What was not computed, and what was changed, and why.
    pub notes: Vec<String>,
    /// The matrices, for figures.
    #[serde(skip)]
    pub matrices: Vec<Rdm>,
    /// As asked for.
    #[serde(skip)]
    pub comparators: Vec<Comparator>,
}

/// One file.
#[derive(Debug, Serialize)]
pub(super) struct File {
    pub file: String,
    pub name: String,
    pub features: usize,
    /// Rows of each image, if as many for all.
    pub repeats: Option<usize>,
}

/// How alike two files are.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    pub first: String,
    pub second: String,
    /// A comparator, `partial ...`, `cka` or `debiased cka`.
    pub comparator: String,
    pub value: f64,
    /// From drawn images, with rsatoolbox's correction for few images.
    pub standard_error: Option<f64>,
    /// Percentile interval, 95 %.
    pub interval: Option<(f64, f64)>,
}

pub(super) fn analyse(
    arguments: &Arguments,
    kind: Kind,
    comparators: &[Comparator],
) -> Result<Analysis> {
    let mut notes = Vec::new();
    let mut sources = open(arguments)?;
    let shrinkage = arguments.shrinkage.shrinkage();
    let mut matrices = Vec::new();
    for source in &mut sources {
        matrices.push(matrix(source, kind, shrinkage)?);
    }
    let partial = match &arguments.partial {
        Some(path) => {
            let mut source = Source::open(path, ids_of(arguments, 0)?.as_deref())?;
            Some((matrix(&mut source, kind, shrinkage)?, source))
        }
        None => None,
    };
    let (first, others) = matrices.split_at_mut(1);
    for (other, source) in others.iter_mut().zip(&sources[1..]) {
        align(&first[0], other, &sources[0], source, &mut notes)?;
    }
    let partial = match partial {
        Some((mut given, source)) => {
            align(&first[0], &mut given, &sources[0], &source, &mut notes)?;
            Some(given)
        }
        None => None,
    };
    let mut analysis = Analysis {
        format: 1,
        images: matrices[0].images(),
        files: sources.iter().map(file).collect(),
        dissimilarity: kind.name(),
        subjects: arguments.subjects,
        comparisons: Vec::new(),
        evaluations: Vec::new(),
        ceilings: Vec::new(),
        notes,
        matrices,
        comparators: comparators.to_vec(),
    };
    for comparator in comparators {
        analysis.pairs(*comparator, arguments)?;
        if let Some(given) = &partial {
            analysis.partial(*comparator, given)?;
        }
        analysis.evaluate(*comparator, arguments)?;
    }
    if arguments.cka {
        analysis.cka(&mut sources)?;
    }
    Ok(analysis)
}

fn file(source: &Source) -> File {
    File {
        file: source.file.clone(),
        name: source.name.clone(),
        features: source.features,
        repeats: source.repeats(),
    }
}

/// The ids of the file at a place, if they are given.
fn ids_of(arguments: &Arguments, place: usize) -> Result<Option<Vec<String>>> {
    match arguments.ids.as_slice() {
        [] => Ok(None),
        [only] => read_ids(only).map(Some),
        many => read_ids(&many[place]).map(Some),
    }
}

fn open(arguments: &Arguments) -> Result<Vec<Source>> {
    let (files, ids) = (arguments.files.len(), arguments.ids.len());
    if ids > 1 && ids != files {
        return Err(Error::Usage(format!(
            "--ids: expected one file, or one for each of the {files} files of features, found {ids}"
        )));
    }
    let mut sources: Vec<Source> = Vec::new();
    for (place, path) in arguments.files.iter().enumerate() {
        let mut source = Source::open(path, ids_of(arguments, place)?.as_deref())?;
        // Files of the same name in different folders keep different names.
        if sources.iter().any(|s| s.name == source.name) {
            source.name = source.file.clone();
        }
        sources.push(source);
    }
    Ok(sources)
}

/// Brings a matrix into the order of the first one's images.
fn align(
    first: &Rdm,
    other: &mut Rdm,
    first_source: &Source,
    source: &Source,
    notes: &mut Vec<String>,
) -> Result<()> {
    if let (Some(wanted), Some(found)) = (first.ids(), other.ids())
        && wanted != found
        && wanted.len() == found.len()
    {
        let places: std::collections::BTreeMap<&String, usize> =
            found.iter().enumerate().map(|(k, id)| (id, k)).collect();
        let order: Option<Vec<usize>> = wanted.iter().map(|id| places.get(id).copied()).collect();
        if let Some(order) = order {
            let place = || format!("{} and {}", first_source.file, source.file);
            *other = other.select(&order).map_err(|e| Error::rsa(place(), e))?;
            notes.push(format!(
                "{}: images put into the order of {}.",
                source.file, first_source.file
            ));
        }
    }
    Ok(())
}

impl Analysis {
    fn place(&self, a: usize, b: usize) -> String {
        format!("{} and {}", self.files[a].file, self.files[b].file)
    }

    fn pairs(&mut self, comparator: Comparator, arguments: &Arguments) -> Result<()> {
        for a in 0..self.files.len() {
            for b in a + 1..self.files.len() {
                let place = |e| Error::rsa(self.place(a, b), e);
                let (first, second) = (&self.matrices[a], &self.matrices[b]);
                let value = compare(first, second, comparator).map_err(place)?;
                let (mut standard_error, mut interval) = (None, None);
                if arguments.bootstrap > 0 {
                    let inference = Inference {
                        comparator,
                        replicates: arguments.bootstrap,
                        seed: arguments.seed,
                        ceiling: false,
                        ..Inference::default()
                    };
                    let candidate = Candidate {
                        name: self.files[b].name.clone(),
                        rdms: vec![second.clone()],
                    };
                    let found = inference
                        .evaluate(&[candidate], std::slice::from_ref(first))
                        .map_err(place)?;
                    standard_error = Some(found.models[0].standard_error());
                    interval = Some((found.models[0].low, found.models[0].high));
                    if found.degenerate > 0 {
                        self.notes.push(format!(
                            "{}, {}: {} replicates left out, with fewer than three different images.",
                            self.place(a, b),
                            comparator.name(),
                            found.degenerate
                        ));
                    }
                }
                self.comparisons.push(Comparison {
                    first: self.files[a].name.clone(),
                    second: self.files[b].name.clone(),
                    comparator: comparator.name().to_owned(),
                    value,
                    standard_error,
                    interval,
                });
            }
        }
        Ok(())
    }

    fn partial(&mut self, comparator: Comparator, given: &Rdm) -> Result<()> {
        for a in 0..self.files.len() {
            for b in a + 1..self.files.len() {
                match partial_compare(&self.matrices[a], &self.matrices[b], given, comparator) {
                    Ok(value) => self.comparisons.push(Comparison {
                        first: self.files[a].name.clone(),
                        second: self.files[b].name.clone(),
                        comparator: format!("partial {}", comparator.name()),
                        value,
                        standard_error: None,
                        interval: None,
                    }),
                    Err(error @ striate_rsa::Error::Unknown { .. }) => {
                        let note = format!("No partial {}: {error}.", comparator.name());
                        if !self.notes.contains(&note) {
                            self.notes.push(note);
                        }
                    }
                    Err(error) => return Err(Error::rsa(self.place(a, b), error)),
                }
            }
        }
        Ok(())
    }

    /// The files after the subjects, against all subjects.
    fn evaluate(&mut self, comparator: Comparator, arguments: &Arguments) -> Result<()> {
        let subjects = &self.matrices[..self.subjects];
        let place = |e| Error::rsa("the subjects and the files after them", e);
        if self.subjects > 1 {
            let ceiling = noise_ceiling(subjects, comparator).map_err(place)?;
            self.ceilings.push((comparator, ceiling));
        }
        let others = self.files.len() - self.subjects;
        if arguments.bootstrap == 0 || (self.subjects < 2 && others < 2) {
            return Ok(());
        }
        let models: Vec<Candidate> = self.files[self.subjects..]
            .iter()
            .zip(&self.matrices[self.subjects..])
            .map(|(file, rdm)| Candidate {
                name: file.name.clone(),
                rdms: vec![rdm.clone()],
            })
            .collect();
        let inference = Inference {
            comparator,
            replicates: arguments.bootstrap,
            seed: arguments.seed,
            resample: arguments.resample.resample(),
            ..Inference::default()
        };
        let found = inference.evaluate(&models, subjects).map_err(place)?;
        self.evaluations.push(found);
        Ok(())
    }

    fn cka(&mut self, sources: &mut [Source]) -> Result<()> {
        let images = self.images;
        for a in 0..sources.len() {
            let width = sources[a].features;
            let first = sources[a].block(0, width, None)?;
            for b in a + 1..sources.len() {
                if sources[a].ids.is_some() && sources[a].ids != sources[b].ids {
                    return Err(Error::content(
                        self.place(a, b),
                        "the same images in the same order, for --cka",
                        "another order",
                    ));
                }
                let other = sources[b].features;
                let second = sources[b].block(0, other, None)?;
                let both = || -> striate_rsa::Result<[f64; 2]> {
                    let x = Features::new(&first, images, width)?;
                    let y = Features::new(&second, images, other)?;
                    Ok([linear_cka(&x, &y)?, debiased_cka(&x, &y)?])
                };
                let values = both().map_err(|e| Error::rsa(self.place(a, b), e))?;
                for (name, value) in ["cka", "debiased cka"].into_iter().zip(values) {
                    self.comparisons.push(Comparison {
                        first: self.files[a].name.clone(),
                        second: self.files[b].name.clone(),
                        comparator: name.to_owned(),
                        value,
                        standard_error: None,
                        interval: None,
                    });
                }
            }
        }
        Ok(())
    }
}
