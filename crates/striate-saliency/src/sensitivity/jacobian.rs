//! S1, the energy of the Jacobian by random projections. Invariant: the estimate
//! is unbiased, since E[(J^T v)^2] = diag(J^T J) for independent signs v.

use candle_core::{Tensor, Var};
use serde::{Deserialize, Serialize};
use striate_random::Seed;

use super::network::{channel_mean, dimensions, features, one_each};
use super::{Network, SMOOTHING_PX, Sensitivity, SensitivityMap};
use crate::{Error, Result};

/// How to estimate the energy of the Jacobian.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JacobianConfig {
    /// Random sign vectors, an even number: one backward pass each.
    pub vectors: usize,
    /// Standard deviation of the smoothing in pixels.
    pub smoothing_px: f64,
    /// Images at one time.
    pub batch: usize,
}

impl Default for JacobianConfig {
    /// 32 vectors and a smoothing of 2 px, as analyses.md 4 proposes.
    fn default() -> Self {
        Self {
            vectors: 32,
            smoothing_px: SMOOTHING_PX,
            batch: 64,
        }
    }
}

/// S1 of each image: `sum_k (d f_k / d x_p)^2`, averaged over the channels of a pixel.
///
/// # Shapes
///
/// `images` is `[images, height, width, channels]`; one id per image, which
/// with `seed` decides the random vectors.
///
/// # Errors
///
/// If the inputs do not fit, the network fails, or an image has no energy at all.
pub fn jacobian_energy(
    network: &Network<'_>,
    images: &Tensor,
    ids: &[u64],
    config: &JacobianConfig,
    seed: &Seed,
) -> Result<Vec<SensitivityMap>> {
    let [count, height, width, _] = dimensions(images)?;
    one_each("ids of the images", count, ids.len())?;
    if config.vectors == 0 || !config.vectors.is_multiple_of(2) {
        return Err(Error::Setting {
            name: "vectors",
            expected: "an even number of at least 2",
            found: config.vectors.to_string(),
        });
    }
    let mut maps = Vec::with_capacity(count);
    for (batch, ids) in ids.chunks(config.batch.max(1)).enumerate() {
        let part = images.narrow(0, batch * config.batch.max(1), ids.len())?;
        let halves = energies(network, &part, ids, config.vectors, seed)?;
        let both = ((&halves[0] + &halves[1])? * 0.5)?;
        let [both, even, odd] = [&both, &halves[0], &halves[1]]
            .map(|energy| energy.flatten_from(1).and_then(|e| e.to_vec2::<f32>()));
        for ((both, even), odd) in both?.iter().zip(&even?).zip(&odd?) {
            maps.push(SensitivityMap::new(
                Sensitivity::JacobianEnergy,
                channel_mean(both, height, width)?,
                Some([
                    channel_mean(even, height, width)?,
                    channel_mean(odd, height, width)?,
                ]),
                config.smoothing_px,
            )?);
        }
    }
    Ok(maps)
}

/// The mean of `(J^T v)^2` over the vectors of even and of odd number, shaped as the images.
pub(crate) fn energies(
    network: &Network<'_>,
    images: &Tensor,
    ids: &[u64],
    vectors: usize,
    seed: &Seed,
) -> Result<[Tensor; 2]> {
    let x = Var::from_tensor(&images.detach().copy()?)?;
    // One forward pass serves all vectors.
    let features = features(network, x.as_tensor())?;
    let (count, length) = features.dims2()?;
    let mut halves = [images.zeros_like()?, images.zeros_like()?];
    for vector in 0..vectors {
        let mut signs = Vec::with_capacity(count * length);
        for id in ids {
            rademacher(seed, *id, vector, length, &mut signs);
        }
        let signs = Tensor::from_vec(signs, (count, length), images.device())?;
        let gradients = (&features * signs)?.sum_all()?.backward()?;
        let gradient = gradients.get(x.as_tensor()).ok_or(Error::NoGradient)?;
        let half = &mut halves[vector % 2];
        *half = half.add(&gradient.detach().sqr()?)?;
    }
    let [even, odd] = halves;
    let scale = 2.0 / vectors as f64;
    Ok([(even * scale)?, (odd * scale)?])
}

/// Appends `length` signs, which depend on the seed, the image and the vector alone.
fn rademacher(seed: &Seed, id: u64, vector: usize, length: usize, signs: &mut Vec<f32>) {
    let mut stream = seed
        .child("rademacher")
        .index(id)
        .index(vector as u64)
        .stream();
    let mut left = length;
    while left > 0 {
        let bits = stream.next_u64();
        let take = left.min(64);
        signs.extend((0..take).map(|k| if bits >> k & 1 == 1 { 1.0 } else { -1.0 }));
        left -= take;
    }
}
