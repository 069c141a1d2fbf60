//! Temporary home of the neural measures.

use crate::Result;

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

pub(super) fn correlation(predicted: &[f32], observed: &[f32], neurons: usize) -> Result<Vec<f64>> {
    let n = predicted.len() / neurons;
    Ok((0..neurons)
        .map(|c| {
            let col = |v: &[f32]| (0..n).map(|i| f64::from(v[i * neurons + c])).collect::<Vec<_>>();
            let (p, o) = (col(predicted), col(observed));
            let (mp, mo) = (mean(&p), mean(&o));
            let sd = |v: &[f64], m: f64| (v.iter().map(|x| (x - m).powi(2)).sum::<f64>() / n as f64).sqrt() + 1e-8;
            let cov = p.iter().zip(&o).map(|(a, b)| (a - mp) * (b - mo)).sum::<f64>() / n as f64;
            cov / (sd(&p, mp) * sd(&o, mo))
        })
        .collect())
}
