//! The attacks by name. Invariant: a name reads back as the attack that it was written for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How the size of a perturbation is measured, over all pixels and channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// The largest absolute value.
    Linf,
    /// The Euclidean length.
    L2,
}

/// An attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attack {
    /// One step of length epsilon along the sign of the gradient.
    FgsmLinf,
    /// One step of length epsilon along the gradient.
    FgsmL2,
    /// Projected gradient ascent in the ball of the maximum norm.
    PgdLinf,
    /// Projected gradient ascent in the ball of the L2 norm.
    PgdL2,
    /// A walk along the decision boundary that makes the L2 distance small.
    Boundary,
}

impl Attack {
    /// All attacks.
    pub const ALL: [Self; 5] = [
        Self::FgsmLinf,
        Self::FgsmL2,
        Self::PgdLinf,
        Self::PgdL2,
        Self::Boundary,
    ];

    /// Its name: `fgsm-linf`, `fgsm-l2`, `pgd-linf`, `pgd-l2` or `boundary`.
    pub fn name(self) -> &'static str {
        match self {
            Self::FgsmLinf => "fgsm-linf",
            Self::FgsmL2 => "fgsm-l2",
            Self::PgdLinf => "pgd-linf",
            Self::PgdL2 => "pgd-l2",
            Self::Boundary => "boundary",
        }
    }

    /// The norm that bounds, or measures, its perturbations.
    pub fn norm(self) -> Norm {
        match self {
            Self::FgsmLinf | Self::PgdLinf => Norm::Linf,
            Self::FgsmL2 | Self::PgdL2 | Self::Boundary => Norm::L2,
        }
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Attack {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|a| a.name() == text);
        known.ok_or_else(|| Error::Setting {
            name: "attack",
            expected: "fgsm-linf, fgsm-l2, pgd-linf, pgd-l2 or boundary",
            found: text.to_owned(),
        })
    }
}
