//! Published values and how this run's stand to them.
//!
//! Invariant: "inside" and "outside" are said of intervals over seeds, and only where
//! nothing that decides the value differs between both protocols.

use serde::{Deserialize, Serialize};

use super::{Estimate, Level};

/// One value of the paper beside this run's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PublishedValue {
    /// What was measured: `robustness`, `clean accuracy`, `neural prediction`, ...
    pub quantity: String,
    /// Of which model; empty where it is of none.
    pub model: String,
    /// Of a robustness score: what it is taken over.
    pub level: Option<Level>,
    /// Which one: `overall`, `gaussian_noise`, or a coefficient.
    pub name: String,
    /// The published value in the unit of `own`; `None` where none could be found.
    pub published: Option<f64>,
    /// Its error, as published.
    pub error: Option<f64>,
    /// How it was measured, and where it stands.
    pub published_protocol: String,
    /// This run's value with its 95 % interval; `None` where it was not measured.
    pub own: Option<Estimate>,
    /// How it was measured here.
    pub own_protocol: String,
    /// What makes both incomparable, one reason each; empty where nothing does.
    pub differs: Vec<String>,
}

/// How a published value stands to this run's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It lies in this run's interval.
    Inside,
    /// It does not.
    Outside,
    /// Nothing can be said, for these reasons.
    NotComparable(Vec<String>),
}

impl Standing {
    /// `inside`, `outside` or `not comparable`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Outside => "outside",
            Self::NotComparable(_) => "not comparable",
        }
    }
}

impl PublishedValue {
    /// The verdict.
    pub fn standing(&self) -> Standing {
        let mut reasons = self.differs.clone();
        if self.published.is_none() {
            if reasons.is_empty() {
                reasons.push("no published value could be found".to_owned());
            }
            return Standing::NotComparable(reasons);
        }
        match self.own {
            None => reasons.push("it was not measured in this run".to_owned()),
            Some(own) if own.interval.is_none() => {
                reasons.push("one seed gives no interval; at least 2 are needed".to_owned());
            }
            Some(_) => {}
        }
        match self.side() {
            Some("inside") if reasons.is_empty() => Standing::Inside,
            Some(_) if reasons.is_empty() => Standing::Outside,
            _ => Standing::NotComparable(reasons),
        }
    }

    /// Where the published value lies, `below`, `inside` or `above` this run's interval,
    /// comparable or not; `None` without one of both.
    pub fn side(&self) -> Option<&'static str> {
        let (low, high) = self.own?.interval?;
        let published = self.published?;
        Some(match published {
            p if p < low => "below",
            p if p > high => "above",
            _ => "inside",
        })
    }
}
