//! Metrics that compare two maps value by value.

use crate::{Density, Error, Map, Result};

/// The regularisation that B19 use in KL and information gain: the f64 epsilon of their code.
pub(crate) const EPSILON: f64 = f64::EPSILON;

/// Pearson's linear correlation coefficient of two maps, in `-1..=1` (B19, CC).
///
/// # Errors
///
/// If the sizes differ or a map is constant.
pub fn correlation(a: &Map, b: &Map) -> Result<f64> {
    a.same_size(b, "second map")?;
    pearson("correlation", a.values(), b.values())
}

/// Spearman's rank correlation of two maps, ties sharing their mean rank.
///
/// # Errors
///
/// If the sizes differ or a map is constant.
pub fn spearman(a: &Map, b: &Map) -> Result<f64> {
    a.same_size(b, "second map")?;
    pearson("spearman", &ranks(a.values()), &ranks(b.values()))
}

/// Histogram intersection: the sum of the smaller probabilities, in `0..=1` (B19, SIM).
///
/// # Errors
///
/// If the sizes differ.
pub fn similarity(a: &Density, b: &Density) -> Result<f64> {
    a.map().same_size(b.map(), "second map")?;
    let pairs = a.values().iter().zip(b.values());
    Ok(pairs.map(|(p, q)| p.min(*q)).sum())
}

/// Kullback-Leibler divergence of a prediction from the reference, in nats:
/// `sum_i Q_i ln(eps + Q_i / (eps + P_i))`, 0 for equal maps (B19, KL).
///
/// # Errors
///
/// If the sizes differ.
pub fn kl_divergence(prediction: &Density, reference: &Density) -> Result<f64> {
    reference.map().same_size(prediction.map(), "prediction")?;
    let pairs = prediction.values().iter().zip(reference.values());
    Ok(pairs
        .map(|(p, q)| q * (EPSILON + q / (EPSILON + p)).ln())
        .sum())
}

/// Pearson's correlation of two series of one length.
pub(crate) fn pearson(metric: &'static str, a: &[f64], b: &[f64]) -> Result<f64> {
    let (a, b) = (centred(metric, a)?, centred(metric, b)?);
    let dot = |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| x * y).sum() };
    Ok((dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()).clamp(-1.0, 1.0))
}

/// The values less their mean, over their largest deviation.
pub(crate) fn centred(metric: &'static str, values: &[f64]) -> Result<Vec<f64>> {
    let constant = || Error::Undefined {
        metric,
        reason: "a map is constant".into(),
    };
    if values.iter().all(|v| *v == values[0]) {
        return Err(constant());
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let deviations: Vec<f64> = values.iter().map(|v| v - mean).collect();
    // The scale keeps the squares of very small or large maps in range.
    let scale = deviations.iter().fold(0.0, |m: f64, d| m.max(d.abs()));
    if scale == 0.0 || !scale.is_finite() {
        return Err(constant());
    }
    Ok(deviations.iter().map(|d| d / scale).collect())
}

/// Ranks from 1, ties sharing their mean rank.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let value = values[order[from]];
        let ties = order[from..].iter().take_while(|i| values[**i] == value);
        let to = from + ties.count();
        for &index in &order[from..to] {
            ranks[index] = (from + to + 1) as f64 / 2.0;
        }
        from = to;
    }
    ranks
}
