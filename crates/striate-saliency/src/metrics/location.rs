//! Metrics that read a map at fixated places.

use super::distribution::{EPSILON, ranks};
use crate::{Density, Error, Map, Result};

/// Fixated pixels of one image: places where people looked, or the most salient
/// pixels of a saliency map as their stand-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixations {
    height: usize,
    width: usize,
    /// Sorted; a pixel that was fixated twice counts once, as in B19.
    indices: Vec<usize>,
}

impl Fixations {
    /// Fixations at (row, column) places.
    ///
    /// # Errors
    ///
    /// If there is none, one lies outside of the image, or they cover all of it.
    pub fn new(height: usize, width: usize, places: &[(usize, usize)]) -> Result<Self> {
        if let Some((y, x)) = places.iter().find(|(y, x)| *y >= height || *x >= width) {
            return Err(Error::Size {
                what: "fixation".into(),
                expected: format!("a place inside {height} x {width}"),
                found: format!("row {y}, column {x}"),
            });
        }
        Self::from_indices(
            height,
            width,
            places.iter().map(|(y, x)| y * width + x).collect(),
        )
    }

    /// The `fraction` of pixels where a map is largest (analyses.md 4: the top
    /// 10 %), at least one; of equal pixels, those that come first.
    ///
    /// # Errors
    ///
    /// If the fraction is not in `0.0..1.0`, or the map is constant.
    pub fn top_fraction(map: &Map, fraction: f64) -> Result<Self> {
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(Error::Setting {
                name: "fraction of fixated pixels",
                expected: "above 0 and below 1",
                found: fraction.to_string(),
            });
        }
        if map.is_constant() {
            return Err(Error::Undefined {
                metric: "most salient pixels",
                reason: "a map is constant".into(),
            });
        }
        let values = map.values();
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
        let count = ((values.len() as f64 * fraction).round() as usize).max(1);
        order.truncate(count);
        Self::from_indices(map.height(), map.width(), order)
    }

    fn from_indices(height: usize, width: usize, mut indices: Vec<usize>) -> Result<Self> {
        indices.sort_unstable();
        indices.dedup();
        if indices.is_empty() || indices.len() == height * width {
            return Err(Error::Undefined {
                metric: "fixations",
                reason: format!("{} of {} pixels are fixated", indices.len(), height * width),
            });
        }
        Ok(Self {
            height,
            width,
            indices,
        })
    }

    /// Number of fixated pixels.
    pub fn count(&self) -> usize {
        self.indices.len()
    }

    fn check(&self, map: &Map, what: &str) -> Result<()> {
        if (self.height, self.width) == (map.height(), map.width()) {
            return Ok(());
        }
        Err(Error::Size {
            what: what.into(),
            expected: format!(
                "{} x {}, the size of the fixations",
                self.height, self.width
            ),
            found: format!("{} x {}", map.height(), map.width()),
        })
    }

    fn values<'a>(&'a self, map: &'a Map) -> impl Iterator<Item = f64> + 'a {
        self.indices.iter().map(|i| map.values()[*i])
    }
}

/// Area under the ROC curve of telling fixated from other pixels by the map (B19, AUC-Judd).
///
/// The curve has a point for each value that the map takes at a fixation, and
/// straight lines between. B19 break ties by noise; here tied fixations make
/// one point, so the result is not random, and a constant map has 0.5. The
/// lines make a map that ranks every fixation last score above 0, the more so
/// the fewer fixations there are.
///
/// # Errors
///
/// If the sizes differ.
pub fn auc_judd(map: &Map, fixations: &Fixations) -> Result<f64> {
    fixations.check(map, "map")?;
    let descending = |a: &f64, b: &f64| b.total_cmp(a);
    let mut fixated: Vec<f64> = fixations.values(map).collect();
    fixated.sort_by(descending);
    let mut all = map.values().to_vec();
    all.sort_by(descending);
    let positives = fixated.len() as f64;
    let negatives = all.len() as f64 - positives;
    let (mut area, mut last, mut above) = (0.0, (0.0, 0.0), 0);
    let mut from = 0;
    while from < fixated.len() {
        let threshold = fixated[from];
        from += fixated[from..]
            .iter()
            .take_while(|v| **v == threshold)
            .count();
        above += all[above..].iter().take_while(|v| **v >= threshold).count();
        let point = ((above - from) as f64 / negatives, from as f64 / positives);
        area += (point.0 - last.0) * (point.1 + last.1) / 2.0;
        last = point;
    }
    Ok(area + (1.0 - last.0) * (1.0 + last.1) / 2.0)
}

/// Area under the ROC curve with the fixations of other images as negatives, so
/// that a mere centre bias gains nothing (B19, shuffled AUC).
///
/// Exact: the probability that a fixated pixel has a larger value than a
/// negative one, ties counting half, over all negatives (B19 sample from them).
///
/// # Errors
///
/// If the sizes differ, or there is no other fixation outside of the image's own.
pub fn auc_shuffled(map: &Map, fixations: &Fixations, others: &[Fixations]) -> Result<f64> {
    fixations.check(map, "map")?;
    let mut negatives = Vec::new();
    for other in others {
        other.check(map, "map")?;
        let new = other
            .indices
            .iter()
            .filter(|i| fixations.indices.binary_search(i).is_err());
        negatives.extend(new.map(|i| map.values()[*i]));
    }
    if negatives.is_empty() {
        return Err(Error::Undefined {
            metric: "shuffled AUC",
            reason: "no fixation of another image lies outside of this one's".into(),
        });
    }
    let positives = fixations.count();
    let mut values: Vec<f64> = fixations.values(map).collect();
    values.extend(&negatives);
    let rank_sum: f64 = ranks(&values)[..positives].iter().sum();
    let positives = positives as f64;
    let wins = rank_sum - positives * (positives + 1.0) / 2.0;
    Ok(wins / (positives * negatives.len() as f64))
}

/// Normalised scan-path saliency: the mean at the fixations of the map in units
/// of its standard deviation over pixels (n - 1), 0 at chance (B19, NSS).
///
/// # Errors
///
/// If the sizes differ or the map is constant.
pub fn nss(map: &Map, fixations: &Fixations) -> Result<f64> {
    fixations.check(map, "map")?;
    let values = super::distribution::centred("NSS", map.values())?;
    let squares: f64 = values.iter().map(|v| v * v).sum();
    let deviation = (squares / (values.len() as f64 - 1.0)).sqrt();
    let sum: f64 = fixations.indices.iter().map(|i| values[*i]).sum();
    Ok(sum / fixations.count() as f64 / deviation)
}

/// Information gain over a baseline density, in bits per fixation (B19, IG;
/// Kümmerer et al. 2015).
///
/// # Errors
///
/// If the sizes differ.
pub fn information_gain(
    prediction: &Density,
    baseline: &Density,
    fixations: &Fixations,
) -> Result<f64> {
    fixations.check(prediction.map(), "prediction")?;
    fixations.check(baseline.map(), "baseline")?;
    let gains = fixations
        .values(prediction.map())
        .zip(fixations.values(baseline.map()))
        .map(|(p, b)| (EPSILON + p).log2() - (EPSILON + b).log2());
    Ok(gains.sum::<f64>() / fixations.count() as f64)
}
