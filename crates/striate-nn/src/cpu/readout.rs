//! The weighted sum over channels of the Gaussian readout.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::{gradient, stored, values, with_values};

/// `y[b, n] = sum_c samples[b, n, c] features[n, c]`.
pub(crate) fn weighted_sum(samples: &Tensor, features: &Tensor) -> Result<Tensor> {
    let (_, neurons, channels) = samples.dims3()?;
    samples
        .contiguous()?
        .apply_op2(&features.contiguous()?, WeightedSum { neurons, channels })
}

struct WeightedSum {
    neurons: usize,
    channels: usize,
}

impl CustomOp2 for WeightedSum {
    fn name(&self) -> &'static str {
        "weighted_sum"
    }

    fn cpu_fwd(
        &self,
        samples: &CpuStorage,
        samples_layout: &Layout,
        features: &CpuStorage,
        features_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let samples = values(samples, samples_layout)?;
        let features = values(features, features_layout)?;
        let (n, c) = (self.neurons, self.channels);
        let batch = samples.len() / (n * c);
        let mut y = vec![0.0; batch * n];
        y.par_chunks_mut(n)
            .zip(samples.par_chunks(n * c))
            .for_each(|(y, samples)| {
                let rows = samples.chunks_exact(c).zip(features.chunks_exact(c));
                for (y, (sample, feature)) in y.iter_mut().zip(rows) {
                    *y = dot(sample, feature);
                }
            });
        Ok(stored(y, (batch, n)))
    }

    fn bwd(
        &self,
        samples: &Tensor,
        features: &Tensor,
        _y: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (n, c) = (self.neurons, self.channels);
        let mut grad_samples = vec![0.0; samples.elem_count()];
        let mut grad_features = vec![0.0; n * c];
        with_values(&grad.contiguous()?, |grad| {
            with_values(features, |features| {
                grad_samples
                    .par_chunks_mut(n * c)
                    .zip(grad.par_chunks(n))
                    .for_each(|(grad_samples, grad)| {
                        let rows = grad_samples.chunks_exact_mut(c);
                        for ((out, g), feature) in rows.zip(grad).zip(features.chunks_exact(c)) {
                            for (out, f) in out.iter_mut().zip(feature) {
                                *out = g * f;
                            }
                        }
                    });
                Ok(())
            })?;
            with_values(samples, |samples| {
                // One neuron is one task: its images are added in their order.
                grad_features
                    .par_chunks_mut(c)
                    .enumerate()
                    .for_each(|(neuron, out)| {
                        for (image, samples) in samples.chunks_exact(n * c).enumerate() {
                            let g = grad[image * n + neuron];
                            for (out, s) in out.iter_mut().zip(&samples[neuron * c..][..c]) {
                                *out += g * s;
                            }
                        }
                    });
                Ok(())
            })
        })?;
        Ok((
            gradient(grad_samples, samples)?,
            gradient(grad_features, features)?,
        ))
    }
}

/// The dot product in eight interleaved sums, which the compiler vectorises.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a_chunks
        .remainder()
        .iter()
        .zip(b_chunks.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + rest
}
