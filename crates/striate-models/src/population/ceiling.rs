//! How well the noise of the spikes lets anyone do. Invariant: a ceiling lies in `[0, 1]`.

use crate::Error;

/// The correlation that the true rates reach, per neuron, with the mean of
/// `repeats` Poisson counts: `sqrt(V / (V + M / repeats))`, where `V` is the
/// variance over images of the rate and `M` its mean, which is the variance of a
/// Poisson count averaged over images.
///
/// Exact for many images; with few, a measured correlation scatters around it. A
/// neuron whose rate never changes has the ceiling 0.
///
/// # Shapes
///
/// `rates`: one row of `neurons` per image, spikes per stimulus.
///
/// # Errors
///
/// If `rates` is not a whole, positive number of rows, or `repeats` is 0.
pub fn noise_ceiling(rates: &[f32], neurons: usize, repeats: usize) -> Result<Vec<f64>, Error> {
    if neurons == 0 || rates.is_empty() || !rates.len().is_multiple_of(neurons) || repeats == 0 {
        return Err(Error::Shape {
            what: "rates and repeats of a noise ceiling",
            expected: format!("a positive multiple of {neurons} rates and at least one repeat"),
            found: format!("{} and {repeats}", rates.len()),
        });
    }
    let count = (rates.len() / neurons) as f64;
    Ok((0..neurons)
        .map(|n| {
            let column = || rates.iter().skip(n).step_by(neurons).map(|r| f64::from(*r));
            let mean = column().sum::<f64>() / count;
            let variance = column().map(|r| (r - mean).powi(2)).sum::<f64>() / count;
            if variance > 0.0 {
                (variance / (variance + mean / repeats as f64)).sqrt()
            } else {
                0.0
            }
        })
        .collect())
}
