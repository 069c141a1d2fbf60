//! The five models of the study.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// A model of the study.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelName {
    /// Classification only.
    Baseline,
    /// Co-trained on the responses that the V1 model predicts.
    MtlMonkey,
    /// Co-trained on the same responses, permuted over images.
    MtlShuffled,
    /// Shared layers trained on corrupted images, then frozen.
    Oracle,
    /// Co-trained on responses predicted from the Oracle's shared layers.
    MtlOracle,
}

impl ModelName {
    /// All models, in the order of the study's figures.
    pub const ALL: [Self; 5] = [
        Self::Baseline,
        Self::MtlMonkey,
        Self::MtlShuffled,
        Self::MtlOracle,
        Self::Oracle,
    ];

    /// Whether it is trained on neural targets, too.
    pub fn co_trained(self) -> bool {
        match self {
            Self::Baseline | Self::Oracle => false,
            Self::MtlMonkey | Self::MtlShuffled | Self::MtlOracle => true,
        }
    }

    /// The name in recipes, tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::MtlMonkey => "mtl_monkey",
            Self::MtlShuffled => "mtl_shuffled",
            Self::Oracle => "oracle",
            Self::MtlOracle => "mtl_oracle",
        }
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ModelName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|m| m.name() == text)
            .ok_or_else(|| Error::UnknownModel {
                name: text.to_owned(),
                known: Self::ALL.map(Self::name).join(", "),
            })
    }
}
