//! S2, the local energy of reconstructions. Invariant: it works on plain pixels
//! and so on reconstructions from anywhere.

use super::network::channel_mean;
use super::{Sensitivity, SensitivityMap};
use crate::{Error, Map, Result};

/// S2 of one image: where its reconstructions under a small budget spend their
/// contrast (analyses.md 4 proposes a fraction of 0.1 to 0.2 of the norm).
///
/// `restarts` are reconstructions of the same image from different noise, each
/// `height x width x channels` in normalised pixel space, where 0 is mean gray.
/// The energy is their mean squared value; the reliability compares the
/// restarts of even with those of odd number.
///
/// # Errors
///
/// If there is no reconstruction, their lengths do not fit the size, or they
/// are all 0.
pub fn reconstruction_energy(
    restarts: &[&[f32]],
    height: usize,
    width: usize,
    smoothing_px: f64,
) -> Result<SensitivityMap> {
    let length = restarts.first().map_or(0, |pixels| pixels.len());
    let pixels = height * width;
    let fits = length > 0 && pixels > 0 && length.is_multiple_of(pixels);
    if !fits || restarts.iter().any(|other| other.len() != length) {
        let lengths: Vec<usize> = restarts.iter().map(|pixels| pixels.len()).collect();
        return Err(Error::Size {
            what: "reconstructions".into(),
            expected: format!("one or more of {height} x {width} x channels values"),
            found: format!("{lengths:?} values"),
        });
    }
    let energies = restarts
        .iter()
        .map(|pixels| {
            let squares: Vec<f32> = pixels.iter().map(|v| v * v).collect();
            channel_mean(&squares, height, width)
        })
        .collect::<Result<Vec<Map>>>()?;
    let all: Vec<&Map> = energies.iter().collect();
    let halves = if energies.len() < 2 {
        None
    } else {
        let half = |parity: usize| {
            mean(
                &all.iter()
                    .copied()
                    .skip(parity)
                    .step_by(2)
                    .collect::<Vec<_>>(),
            )
        };
        Some([half(0), half(1)])
    };
    SensitivityMap::new(
        Sensitivity::ReconstructionEnergy,
        mean(&all),
        halves,
        smoothing_px,
    )
}

/// The mean of maps of one size, of which there is at least one.
fn mean(maps: &[&Map]) -> Map {
    let mut sums = vec![0.0; maps[0].values().len()];
    for map in maps {
        for (sum, value) in sums.iter_mut().zip(map.values()) {
            *sum += value / maps.len() as f64;
        }
    }
    maps[0].with_values(sums)
}
