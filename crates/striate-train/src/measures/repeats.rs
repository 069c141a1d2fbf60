//! Measures on repeated presentations. Invariant: images are told apart by their
//! ids, only images with at least two repeats count towards noise, and a trial in which
//! a neuron was not recorded (NaN) is no trial of that neuron.

use std::collections::BTreeMap;

use super::correlation::pearson;
use crate::{Error, Result};

/// The reference's guard in the denominator of the explainable variance.
const EPSILON: f64 = 1e-9;

/// Responses to images that were shown more than once.
#[derive(Clone, Debug)]
pub struct Repeated<'a> {
    responses: &'a [f32],
    neurons: usize,
    /// The trials of each image, in order.
    images: Vec<Vec<usize>>,
}

impl<'a> Repeated<'a> {
    /// Groups trials by image.
    ///
    /// # Shapes
    ///
    /// `responses`: trials x `neurons`; `image_of_trial`: trials.
    ///
    /// # Errors
    ///
    /// If the lengths do not agree.
    pub fn new(responses: &'a [f32], neurons: usize, image_of_trial: &[u32]) -> Result<Self> {
        if neurons == 0 || responses.len() != neurons * image_of_trial.len() {
            return Err(Error::shape(
                "responses",
                format!("{} x {neurons}", image_of_trial.len()),
                responses.len(),
            ));
        }
        let mut images: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (trial, image) in image_of_trial.iter().enumerate() {
            images.entry(*image).or_default().push(trial);
        }
        Ok(Self {
            responses,
            neurons,
            images: images.into_values().collect(),
        })
    }

    /// Correlates predictions with the mean over repeats, per neuron ("average
    /// correlation"). The prediction of an image is that of its first trial.
    ///
    /// # Shapes
    ///
    /// `predicted`: trials x neurons. The result: neurons.
    ///
    /// # Errors
    ///
    /// If the length is another one.
    pub fn average_correlation(&self, predicted: &[f32]) -> Result<Vec<f64>> {
        self.check(predicted)?;
        Ok(self.each(|n| {
            let images = self.images_of(n);
            pearson(
                images.len(),
                |i| f64::from(predicted[images[i][0] * self.neurons + n]),
                |i| super::mean(&self.column(&images[i], n)),
            )
        }))
    }

    /// The leave-one-out oracle: each trial against the mean of the other repeats of
    /// its image, Pearson over all such pairs, per neuron. It underestimates the
    /// ceiling. Images shown once are left out.
    pub fn oracle_correlation(&self) -> Vec<f64> {
        self.each(|n| {
            let mut pairs = Vec::new();
            for trials in self.images_of(n).iter().filter(|t| t.len() > 1) {
                let sum: f64 = trials.iter().map(|t| self.at(*t, n)).sum();
                for trial in trials {
                    let own = self.at(*trial, n);
                    pairs.push((own, (sum - own) / (trials.len() - 1) as f64));
                }
            }
            pearson(pairs.len(), |i| pairs[i].0, |i| pairs[i].1)
        })
    }

    /// The corrected oracle, `M / sqrt(M (M + N))`: `M` is the variance over images of
    /// the mean over repeats, `N` the mean over images of the variance over repeats
    /// (population variances). It overestimates the ceiling. A neuron without signal
    /// has 0, where the reference has NaN.
    pub fn corrected_oracle_correlation(&self) -> Vec<f64> {
        self.each(|n| {
            let columns: Vec<Vec<f64>> = self
                .images_of(n)
                .iter()
                .map(|trials| self.column(trials, n))
                .collect();
            let means: Vec<f64> = columns.iter().map(|column| super::mean(column)).collect();
            let signal = variance(&means, 0);
            let noise: f64 = columns.iter().map(|c| variance(c, 0)).sum();
            let noise = noise / columns.len().max(1) as f64;
            let corrected = signal / (signal * (signal + noise)).sqrt();
            if corrected.is_nan() { 0.0 } else { corrected }
        })
    }

    /// The largest correlation with the mean over repeats that any model can reach, per
    /// neuron: `sqrt((V - E) / V)`, where `V` is the unbiased variance over images of the
    /// mean over repeats, and `E` the mean over images of the unbiased variance over
    /// repeats divided by their number (`CC_max` of Schoppe et al. 2016). Images
    /// shown once are left out. NaN without repeats, 0 for a neuron without signal.
    pub fn max_correlation(&self) -> Vec<f64> {
        self.each(|n| {
            let columns: Vec<Vec<f64>> = self
                .images_of(n)
                .iter()
                .filter(|trials| trials.len() > 1)
                .map(|trials| self.column(trials, n))
                .collect();
            if columns.is_empty() {
                return f64::NAN;
            }
            let means: Vec<f64> = columns.iter().map(|column| super::mean(column)).collect();
            let of_mean = columns.iter().map(|c| variance(c, 1) / c.len() as f64);
            let error = of_mean.sum::<f64>() / columns.len() as f64;
            let total = variance(&means, 1);
            if total > error {
                ((total - error) / total).sqrt()
            } else {
                0.0
            }
        })
    }

    /// The explainable variance, `(T - N) / (T + 1e-9)`: `T` is the unbiased variance
    /// over all trials, `N` the mean over images of the unbiased variance over repeats.
    pub fn explainable_variance(&self) -> Vec<f64> {
        self.each(|n| {
            let (total, noise) = self.variances(n);
            (total - noise) / (total + EPSILON)
        })
    }

    /// The fraction of explainable variance explained, per neuron:
    /// `1 - (MSE - N) / (T - N)`. At most about 1; negative for a prediction worse than
    /// the mean. Where nothing is explainable it is meaningless, possibly infinite.
    ///
    /// # Shapes
    ///
    /// `predicted`: trials x neurons. The result: neurons.
    ///
    /// # Errors
    ///
    /// If the length is another one.
    pub fn fraction_explained(&self, predicted: &[f32]) -> Result<Vec<f64>> {
        self.check(predicted)?;
        Ok(self.each(|n| {
            let (total, noise) = self.variances(n);
            let trials = self.trials_of(n);
            let error: f64 = trials
                .iter()
                .map(|t| (self.at(*t, n) - f64::from(predicted[t * self.neurons + n])).powi(2))
                .sum::<f64>()
                / trials.len() as f64;
            1.0 - (error - noise) / (total - noise)
        }))
    }

    fn variances(&self, n: usize) -> (f64, f64) {
        let trials = self.column(&self.trials_of(n), n);
        let within: Vec<f64> = self
            .images_of(n)
            .iter()
            .filter(|trials| trials.len() > 1)
            .map(|trials| variance(&self.column(trials, n), 1))
            .collect();
        (
            variance(&trials, 1),
            within.iter().sum::<f64>() / within.len().max(1) as f64,
        )
    }

    fn each(&self, measure: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..self.neurons).map(measure).collect()
    }

    fn at(&self, trial: usize, neuron: usize) -> f64 {
        f64::from(self.responses[trial * self.neurons + neuron])
    }

    fn column(&self, trials: &[usize], neuron: usize) -> Vec<f64> {
        trials.iter().map(|t| self.at(*t, neuron)).collect()
    }

    /// The trials in which a neuron was recorded.
    fn trials_of(&self, neuron: usize) -> Vec<usize> {
        (0..self.responses.len() / self.neurons)
            .filter(|t| !self.at(*t, neuron).is_nan())
            .collect()
    }

    /// The images at which a neuron was recorded, with the trials of each.
    fn images_of(&self, neuron: usize) -> Vec<Vec<usize>> {
        self.images
            .iter()
            .map(|trials| {
                let kept = trials.iter().filter(|t| !self.at(**t, neuron).is_nan());
                kept.copied().collect::<Vec<_>>()
            })
            .filter(|trials| !trials.is_empty())
            .collect()
    }

    fn check(&self, predicted: &[f32]) -> Result<()> {
        if predicted.len() == self.responses.len() {
            Ok(())
        } else {
            Err(Error::shape(
                "predicted responses",
                self.responses.len(),
                predicted.len(),
            ))
        }
    }
}

/// The fraction of oracle: the slope, without intercept, of the least-squares line of
/// the model's correlations on the oracle's, over neurons.
///
/// # Errors
///
/// If the lengths differ.
pub fn fraction_of_oracle(model: &[f64], oracle: &[f64]) -> Result<f64> {
    if model.len() != oracle.len() {
        return Err(Error::shape(
            "oracle correlations",
            model.len(),
            oracle.len(),
        ));
    }
    let product: f64 = model.iter().zip(oracle).map(|(m, o)| m * o).sum();
    let square: f64 = oracle.iter().map(|o| o * o).sum();
    Ok(product / square)
}

/// Sum of squares about the mean over `count - lost`; 0 where that is not positive.
fn variance(values: &[f64], lost: usize) -> f64 {
    let mean = super::mean(values);
    let sum: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    if values.len() > lost {
        sum / (values.len() - lost) as f64
    } else {
        0.0
    }
}
