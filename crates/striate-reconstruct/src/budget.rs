//! The contrast budget: how much L2 norm an image may spend. Invariant: an amount is finite and positive.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How the norm of the image is bound (analyses.md 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// `||x|| = B`: the study's demonstration (`ChangeNorm`).
    Equal,
    /// `||x|| <= B`: its later form (`ChangeNormConditional`).
    AtMost,
}

/// How large the norm is, over all pixels and channels in normalised pixel space.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// An L2 norm; the study used 5, 10, 20, 40 and 60 for 64x64 images of three channels.
    Norm(f64),
    /// A fraction q of the original image's own norm, comparable between images and networks.
    Fraction(f64),
}

/// The contrast budget of one reconstruction.
///
/// ```
/// use striate_reconstruct::Budget;
///
/// let budget = Budget::fraction(0.2)?.at_most();
/// assert_eq!(budget.resolve(50.0), 10.0);
/// assert_eq!(budget.to_string(), "<= 0.2 of the norm");
/// # Ok::<(), striate_reconstruct::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Plain", into = "Plain")]
pub struct Budget {
    amount: Amount,
    constraint: Constraint,
}

impl Budget {
    /// The absolute norm `norm`, reached exactly.
    ///
    /// # Errors
    ///
    /// If the norm is not finite and positive.
    pub fn norm(norm: f64) -> Result<Self> {
        Self::new(Amount::Norm(norm), Constraint::Equal)
    }

    /// The fraction `q` of the original's norm, reached exactly.
    ///
    /// # Errors
    ///
    /// If the fraction is not finite and positive.
    pub fn fraction(q: f64) -> Result<Self> {
        Self::new(Amount::Fraction(q), Constraint::Equal)
    }

    /// A budget of any kind.
    ///
    /// # Errors
    ///
    /// If the amount is not finite and positive.
    pub fn new(amount: Amount, constraint: Constraint) -> Result<Self> {
        let (Amount::Norm(value) | Amount::Fraction(value)) = amount;
        if !(value.is_finite() && value > 0.0) {
            return Err(Error::Setting {
                name: "budget",
                expected: "a finite, positive amount",
                found: value.to_string(),
            });
        }
        Ok(Self { amount, constraint })
    }

    /// The same amount as an upper bound.
    #[must_use]
    pub fn at_most(mut self) -> Self {
        self.constraint = Constraint::AtMost;
        self
    }

    /// The amount.
    pub fn amount(&self) -> Amount {
        self.amount
    }

    /// Whether the norm is reached or only bound.
    pub fn constraint(&self) -> Constraint {
        self.constraint
    }

    /// The absolute norm for an image whose own norm is `original_norm`.
    pub fn resolve(&self, original_norm: f64) -> f64 {
        match self.amount {
            Amount::Norm(norm) => norm,
            Amount::Fraction(q) => q * original_norm,
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relation = match self.constraint {
            Constraint::Equal => "=",
            Constraint::AtMost => "<=",
        };
        match self.amount {
            Amount::Norm(norm) => write!(f, "{relation} {norm}"),
            Amount::Fraction(q) => write!(f, "{relation} {q} of the norm"),
        }
    }
}

/// The root mean square of `values` numbers with L2 norm `norm`, to print beside a budget.
///
/// An image of one channel has the contrast of one with three when their root
/// mean squares agree, not their norms (analyses.md 3.3).
pub fn rms(norm: f64, values: usize) -> f64 {
    norm / (values.max(1) as f64).sqrt()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    amount: Amount,
    constraint: Constraint,
}

impl TryFrom<Plain> for Budget {
    type Error = Error;

    fn try_from(plain: Plain) -> Result<Self> {
        Self::new(plain.amount, plain.constraint)
    }
}

impl From<Budget> for Plain {
    fn from(budget: Budget) -> Self {
        Self {
            amount: budget.amount,
            constraint: budget.constraint,
        }
    }
}
