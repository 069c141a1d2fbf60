//! What a run over a folder makes. Invariant: a configuration that exists can be
//! carried out; it is the first line of the manifest.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Corruption, Error, Result, Severity, Table};

/// Which random numbers a run uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RandomMode {
    /// A ChaCha8 stream per image (by its path), corruption and severity.
    #[default]
    Counter,
    /// NumPy's streams: image `i` of the sorted list (from 0) gets what the
    /// Python package gives right after `numpy.random.seed(seed + i)`.
    Numpy,
}

impl FromStr for RandomMode {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "counter" => Ok(Self::Counter),
            "numpy" => Ok(Self::Numpy),
            _ => Err(Error::RandomName { found: name.into() }),
        }
    }
}

/// How results are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Without loss.
    #[default]
    Png,
    /// Baseline JPEG of the given quality (1 to 100): one more corruption on top.
    Jpeg(u8),
}

impl Format {
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg(_) => "JPEG",
        }
    }
}

impl FromStr for Format {
    type Err = Error;

    /// `png`, or `jpeg:Q` with a quality of 1 to 100.
    fn from_str(text: &str) -> Result<Self> {
        let quality = match text.split_once(':') {
            None if text == "png" => return Ok(Self::Png),
            Some(("jpeg", quality)) => quality.parse().ok(),
            _ => None,
        };
        match quality {
            Some(quality @ 1..=100) => Ok(Self::Jpeg(quality)),
            _ => Err(Error::Format { found: text.into() }),
        }
    }
}

/// What to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TreeConfig {
    /// The table of constants.
    pub table: Table,
    /// The corruptions.
    pub corruptions: Vec<Corruption>,
    /// The severities.
    pub severities: Vec<Severity>,
    /// The seed.
    pub seed: u64,
    /// The kind of random numbers.
    pub random: RandomMode,
    /// The kind of files.
    pub format: Format,
}

impl Default for TreeConfig {
    fn default() -> Self {
        Self {
            table: Table::ImageCorruptions,
            corruptions: Corruption::COMMON.to_vec(),
            severities: Severity::ALL.to_vec(),
            seed: 0,
            random: RandomMode::Counter,
            format: Format::Png,
        }
    }
}

impl TreeConfig {
    /// Each corruption with each severity.
    pub(super) fn cells(&self) -> impl Iterator<Item = (Corruption, Severity)> + '_ {
        self.corruptions
            .iter()
            .flat_map(|c| self.severities.iter().map(|s| (*c, *s)))
    }

    /// # Errors
    ///
    /// If there is no corruption or no severity, one is named twice, the seed
    /// is too large for NumPy, or the JPEG quality is not in 1..=100.
    pub(super) fn check(&self) -> Result<()> {
        if self.random == RandomMode::Numpy && u32::try_from(self.seed).is_err() {
            return Err(Error::NumpySeed { found: self.seed });
        }
        if let Format::Jpeg(quality) = self.format
            && !(1..=100).contains(&quality)
        {
            return Err(Error::Format {
                found: format!("jpeg:{quality}"),
            });
        }
        each_once("corruption", &self.corruptions)?;
        each_once("severity", &self.severities)
    }
}

fn each_once<T: Ord + std::fmt::Display>(what: &'static str, values: &[T]) -> Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    let repeated = values.iter().find(|v| !seen.insert(*v));
    let problem = match repeated {
        Some(value) => format!("{value} is named twice"),
        None if values.is_empty() => "none is named".to_owned(),
        None => return Ok(()),
    };
    Err(Error::Selection { what, problem })
}
