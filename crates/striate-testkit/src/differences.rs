//! Central differences, the check of every gradient.

/// How to take the differences.
#[derive(Clone, Copy, Debug)]
pub struct Differences {
    /// Half the distance between the two evaluations.
    pub step: f32,
    /// Check each `stride`-th element only, for large inputs.
    pub stride: usize,
}

impl Default for Differences {
    fn default() -> Self {
        Self {
            step: 1e-2,
            stride: 1,
        }
    }
}

/// The central differences of a scalar function at `x`, as (index, derivative) pairs.
///
/// `f` should accumulate in f64 where it can: with f32 arithmetic and a step of
/// 1e-2 the differences of smooth functions are good to about 1e-3 relative.
pub fn finite_differences(
    x: &[f32],
    options: Differences,
    mut f: impl FnMut(&[f32]) -> f64,
) -> Vec<(usize, f64)> {
    let mut point = x.to_vec();
    (0..x.len())
        .step_by(options.stride)
        .map(|i| {
            point[i] = x[i] + options.step;
            let (high, x_high) = (f(&point), point[i]);
            point[i] = x[i] - options.step;
            let (low, x_low) = (f(&point), point[i]);
            point[i] = x[i];
            (i, (high - low) / f64::from(x_high - x_low))
        })
        .collect()
}
