//! Corruptions as training augmentation, kept apart from the benchmark by type.
//!
//! Invariant: an [`Augmentation`] knows the corruptions that training sees, so
//! that a report can say of a [`Benchmark`]'s corruption whether it was among them.

use serde::{Deserialize, Serialize};
use striate_random::Seed;

use crate::picture::ImageRef;
use crate::{Corruption, Corruptor, Error, Random, Result, Severity, Table};

/// The Oracle's augmentation: with some probability the clean image, else a
/// uniformly drawn corruption at a uniformly drawn severity (reference:
/// training 8.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Augmentation {
    table: Table,
    corruptions: Vec<Corruption>,
    clean_probability: f64,
}

#[derive(Deserialize)]
struct Unchecked {
    table: Table,
    corruptions: Vec<Corruption>,
    clean_probability: f64,
}

impl TryFrom<Unchecked> for Augmentation {
    type Error = Error;

    fn try_from(u: Unchecked) -> Result<Self> {
        Self::new(u.table, u.corruptions, u.clean_probability)
    }
}

/// What happened to one image.
pub type Choice = Option<(Corruption, Severity)>;

impl Augmentation {
    /// # Errors
    ///
    /// If there is no corruption to choose from, or the probability is not in
    /// `[0, 1]`.
    pub fn new(table: Table, corruptions: Vec<Corruption>, clean_probability: f64) -> Result<Self> {
        if corruptions.is_empty() {
            return Err(Error::NothingToChoose);
        }
        if !(0.0..=1.0).contains(&clean_probability) {
            return Err(Error::Probability {
                found: clean_probability,
            });
        }
        Ok(Self {
            table,
            corruptions,
            clean_probability,
        })
    }

    /// The Oracle of the study: half clean, else one of the 14 of
    /// [`Corruption::STUDY`] with the constants of `imagecorruptions`.
    pub fn oracle() -> Self {
        Self {
            table: Table::ImageCorruptions,
            corruptions: Corruption::STUDY.to_vec(),
            clean_probability: 0.5,
        }
    }

    /// The corruptions that training sees.
    pub fn corruptions(&self) -> &[Corruption] {
        &self.corruptions
    }

    /// The table of constants; make the [`Corruptor`] for [`Augmentation::apply`] with it.
    pub fn table(&self) -> Table {
        self.table
    }

    /// The probability that an image stays clean.
    pub fn clean_probability(&self) -> f64 {
        self.clean_probability
    }

    /// Whether training sees this corruption.
    pub fn has_seen(&self, corruption: Corruption) -> bool {
        self.corruptions.contains(&corruption)
    }

    /// Writes the image, corrupted or clean, into `out`, and says which.
    ///
    /// `node` is the place of this visit in the seed tree (epoch and image):
    /// the same node gives the same bytes.
    ///
    /// # Errors
    ///
    /// As [`Corruptor::corrupt`].
    pub fn apply(
        &self,
        image: ImageRef<'_>,
        corruptor: &mut Corruptor,
        node: &Seed,
        out: &mut [u8],
    ) -> Result<Choice> {
        let mut choice = node.child("choose corruption").stream();
        if choice.chance(self.clean_probability) {
            if out.len() != image.pixels().len() {
                return Err(Error::Length {
                    what: "output",
                    found: out.len(),
                    expected: image.pixels().len(),
                });
            }
            out.copy_from_slice(image.pixels());
            return Ok(None);
        }
        let corruption = self.corruptions[choice.below(self.corruptions.len())];
        let severity = Severity::ALL[choice.below(Severity::ALL.len())];
        let mut random = Random::counter(node, 0, corruption, severity);
        corruptor.corrupt(image, corruption, severity, &mut random, out)?;
        Ok(Some((corruption, severity)))
    }
}

/// A benchmark set: every listed corruption at every listed severity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Benchmark {
    /// The table of constants.
    pub table: Table,
    /// The corruptions, in the order of the result.
    pub corruptions: Vec<Corruption>,
    /// The severities.
    pub severities: Vec<Severity>,
}

impl Benchmark {
    /// The study's benchmark: 14 corruptions at 5 severities.
    pub fn study(table: Table) -> Self {
        Self {
            table,
            corruptions: Corruption::STUDY.to_vec(),
            severities: Severity::ALL.to_vec(),
        }
    }

    /// Each corruption with each severity.
    pub fn cells(&self) -> impl Iterator<Item = (Corruption, Severity)> + '_ {
        self.corruptions
            .iter()
            .flat_map(|c| self.severities.iter().map(|s| (*c, *s)))
    }

    /// For each corruption, whether `training` has seen it.
    pub fn seen_in<'a>(
        &'a self,
        training: &'a Augmentation,
    ) -> impl Iterator<Item = (Corruption, bool)> + 'a {
        self.corruptions.iter().map(|c| (*c, training.has_seen(*c)))
    }
}

#[cfg(test)]
mod tests;
