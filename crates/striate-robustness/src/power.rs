//! What differences can so few seeds show? Invariant: exact power of t tests by
//! the noncentral t distribution, not its normal approximation, which is far off
//! at five seeds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::special::{ln_gamma, normal_cdf, t_quantile};
use crate::summary::mean_sd;
use crate::{Error, Result};

/// The test behind a minimal detectable effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Design {
    /// Two models with `n` seeds each, unpaired: `2 n - 2` degrees of freedom.
    /// The deviation is that of one model over seeds.
    Unpaired,
    /// Two models on the same `n` seeds: `n - 1` degrees of freedom. The
    /// deviation is that of the differences.
    Paired,
}

/// Level of the two-sided tests behind a [`Detectable`] difference.
pub const LEVEL: f64 = 0.05;
/// Their power: the share of experiments in which the test finds the difference.
pub const POWER: f64 = 0.8;

/// The smallest true difference of two models that their seeds could have shown: at
/// [`LEVEL`] and with [`POWER`], in the unit of the scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detectable {
    /// Seeds of each model, of the one with fewer.
    pub seeds: usize,
    /// Seeds taken as unrelated, as the joint bootstrap draws them; the deviation is
    /// the root of the mean of both variances.
    pub unpaired: f64,
    /// Compared seed by seed; `None` unless both models have the same seeds.
    pub paired: Option<f64>,
}

/// Minimal detectable differences for some numbers of seeds, found once each.
#[derive(Clone, Debug)]
pub struct Detector {
    /// The effects for a deviation of 1.
    effects: BTreeMap<(usize, Design), f64>,
}

impl Detector {
    /// For these numbers of seeds; those below 2 show nothing and are left out.
    ///
    /// # Errors
    ///
    /// None for numbers of seeds that fit into memory; they are those of
    /// [`minimal_detectable_effect`].
    pub fn new(seeds: impl IntoIterator<Item = usize>) -> Result<Self> {
        let mut effects = BTreeMap::new();
        for seeds in seeds {
            for design in [Design::Unpaired, Design::Paired] {
                if seeds > 1 && !effects.contains_key(&(seeds, design)) {
                    let effect = minimal_detectable_effect(seeds, 1.0, design, LEVEL, POWER)?;
                    effects.insert((seeds, design), effect);
                }
            }
        }
        Ok(Self { effects })
    }

    /// What could have been seen between two models, from the seed and the score of
    /// each of their runs; `None` if one of them has a number of seeds that
    /// [`Detector::new`] was not given, a single one above all.
    pub fn difference(&self, first: &[(u64, f64)], second: &[(u64, f64)]) -> Option<Detectable> {
        let seeds = first.len().min(second.len());
        let unpaired = self.effects.get(&(seeds, Design::Unpaired))?;
        let paired = self.effects.get(&(seeds, Design::Paired))?;
        let variance = |runs: &[(u64, f64)]| {
            let scores: Vec<f64> = runs.iter().map(|(_, score)| *score).collect();
            mean_sd(&scores).1.powi(2)
        };
        let of_seed = |seed: u64| second.iter().find(|(other, _)| *other == seed);
        let differences: Option<Vec<f64>> = first
            .iter()
            .map(|(seed, score)| of_seed(*seed).map(|(_, other)| score - other))
            .collect();
        let differences = differences.filter(|_| first.len() == second.len());
        Some(Detectable {
            seeds,
            unpaired: unpaired * (0.5 * (variance(first) + variance(second))).sqrt(),
            paired: differences.map(|d| paired * mean_sd(&d).1),
        })
    }
}

/// The smallest true difference that a two-sided t test at level `alpha` finds
/// with the given power, in the unit of `deviation`.
///
/// # Errors
///
/// Fewer than two seeds; a level, power or deviation out of range.
pub fn minimal_detectable_effect(
    seeds: usize,
    deviation: f64,
    design: Design,
    alpha: f64,
    power: f64,
) -> Result<f64> {
    check(seeds, alpha)?;
    if !(power > alpha && power < 1.0) {
        return Err(Error::Setting {
            name: "power",
            value: power,
            expected: "between alpha and 1, exclusive",
        });
    }
    if !(deviation >= 0.0 && deviation.is_finite()) {
        return Err(Error::Setting {
            name: "deviation",
            value: deviation,
            expected: "at least 0",
        });
    }
    let (df, scale) = shape(seeds, design);
    let critical = t_quantile(1.0 - alpha / 2.0, df);
    let (mut low, mut high) = (0.0, 1.0);
    while two_sided_power(critical, df, high) < power {
        high *= 2.0;
    }
    while high - low > 1e-12 * high {
        let middle = 0.5 * (low + high);
        if two_sided_power(critical, df, middle) < power {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(0.5 * (low + high) * scale * deviation)
}

/// The power of a two-sided t test for a true difference.
///
/// # Errors
///
/// Fewer than two seeds; a level out of range; a deviation that is not positive.
pub fn power(seeds: usize, effect: f64, deviation: f64, design: Design, alpha: f64) -> Result<f64> {
    check(seeds, alpha)?;
    if !(deviation > 0.0 && deviation.is_finite()) {
        return Err(Error::Setting {
            name: "deviation",
            value: deviation,
            expected: "positive",
        });
    }
    let (df, scale) = shape(seeds, design);
    let critical = t_quantile(1.0 - alpha / 2.0, df);
    Ok(two_sided_power(
        critical,
        df,
        effect.abs() / (scale * deviation),
    ))
}

fn check(seeds: usize, alpha: f64) -> Result<()> {
    if seeds < 2 {
        return Err(Error::TooFew {
            analysis: "a minimal detectable effect",
            unit: "seeds",
            needed: 2,
            found: seeds,
        });
    }
    if !(alpha > 0.0 && alpha < 1.0) {
        return Err(Error::Setting {
            name: "alpha",
            value: alpha,
            expected: "between 0 and 1, exclusive",
        });
    }
    Ok(())
}

/// Degrees of freedom, and the standard error for a deviation of 1.
fn shape(seeds: usize, design: Design) -> (f64, f64) {
    let n = seeds as f64;
    match design {
        Design::Unpaired => (2.0 * n - 2.0, (2.0 / n).sqrt()),
        Design::Paired => (n - 1.0, (1.0 / n).sqrt()),
    }
}

fn two_sided_power(critical: f64, df: f64, noncentrality: f64) -> f64 {
    1.0 - noncentral_t_cdf(critical, df, noncentrality)
        + noncentral_t_cdf(-critical, df, noncentrality)
}

/// P(T <= t) of the noncentral t distribution: the mean of
/// `Phi(t s - delta)` over `s = sqrt(chi2_df / df)`, by Simpson's rule.
fn noncentral_t_cdf(t: f64, df: f64, noncentrality: f64) -> f64 {
    const STEPS: usize = 4000;
    // ln of the density of s, up to s^(df - 1) exp(-df s^2 / 2).
    let constant = std::f64::consts::LN_2 + 0.5 * df * (0.5 * df).ln() - ln_gamma(0.5 * df);
    let density = |s: f64| {
        if s == 0.0 {
            // The limit, not zero, for one degree of freedom.
            return if df == 1.0 { constant.exp() } else { 0.0 };
        }
        (constant + (df - 1.0) * s.ln() - 0.5 * df * s * s).exp()
    };
    // s has mean near 1 and deviation near 1 / sqrt(2 df).
    let high = 1.0 + 12.0 / (2.0 * df).sqrt();
    let step = high / STEPS as f64;
    let value = |k: usize| {
        let s = k as f64 * step;
        density(s) * normal_cdf(t * s - noncentrality)
    };
    let inner: f64 = (1..STEPS)
        .map(|k| value(k) * if k % 2 == 1 { 4.0 } else { 2.0 })
        .sum();
    (value(0) + inner + value(STEPS)) * step / 3.0
}

#[cfg(test)]
mod tests;
