//! All metrics of one image at a time. Invariant: the shuffled values use the same functions as the real ones.

use serde::{Deserialize, Serialize};

use super::{
    Fixations, auc_judd, auc_shuffled, correlation, information_gain, kl_divergence, nss,
    partial_correlation, similarity, spearman,
};
use crate::{Density, Map, Result};

/// How a sensitivity map agrees with a saliency map of the same image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Pearson's correlation, the primary measure.
    pub correlation: f64,
    /// The same with the saliency map of another image.
    pub correlation_shuffled: f64,
    /// Correlation given local contrast and distance from the centre.
    pub partial_correlation: f64,
    /// Spearman's correlation.
    pub spearman: f64,
    /// Sum of the smaller probabilities.
    pub similarity: f64,
    /// Divergence of the sensitivity from the saliency, in nats.
    pub kl_divergence: f64,
    /// AUC (Judd) with the most salient pixels as positives.
    pub auc_judd: f64,
    /// AUC with the most salient pixels of the other image as negatives; `None`
    /// where these are the same pixels.
    pub auc_shuffled: Option<f64>,
    /// Normalised scan-path saliency at the most salient pixels.
    pub nss: f64,
    /// Information gain over the uniform density there, in bits.
    pub information_gain: f64,
}

/// Part of the pixels that count as fixated (analyses.md 4).
const TOP_FRACTION: f64 = 0.1;

/// Compares a sensitivity map with the saliency map of the image and of another one.
///
/// `controls` are maps that both may follow without more, such as
/// [`rms_contrast`](super::rms_contrast) and
/// [`centre_distance`](super::centre_distance).
///
/// # Errors
///
/// If the sizes differ, or a map is constant.
pub fn compare(
    sensitivity: &Density,
    saliency: &Density,
    shuffled: &Density,
    controls: &[&Map],
) -> Result<Comparison> {
    let (map, reference) = (sensitivity.map(), saliency.map());
    let fixations = Fixations::top_fraction(reference, TOP_FRACTION)?;
    let others = Fixations::top_fraction(shuffled.map(), TOP_FRACTION)?;
    let uniform = Density::uniform(map.height(), map.width())?;
    let auc_shuffled = if others == fixations {
        None
    } else {
        Some(auc_shuffled(map, &fixations, &[others])?)
    };
    Ok(Comparison {
        correlation: correlation(map, reference)?,
        correlation_shuffled: correlation(map, shuffled.map())?,
        partial_correlation: partial_correlation(map, reference, controls)?,
        spearman: spearman(map, reference)?,
        similarity: similarity(sensitivity, saliency)?,
        kl_divergence: kl_divergence(sensitivity, saliency)?,
        auc_judd: auc_judd(map, &fixations)?,
        auc_shuffled,
        nss: nss(map, &fixations)?,
        information_gain: information_gain(sensitivity, &uniform, &fixations)?,
    })
}
