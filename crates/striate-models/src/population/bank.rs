//! Gabor filters and their windows as dense rows over the pixels. Invariant: the
//! sums of one row are taken in one fixed order, whatever the number of threads.

use super::{Cell, PopulationConfig};

/// Lanes of the partial sums: a fixed grouping that the compiler can vectorise.
const LANES: usize = 16;

/// What one cell measures in one image.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measured {
    /// Response of the cosine filter.
    pub(super) even: f32,
    /// Response of the sine filter.
    pub(super) odd: f32,
    /// Variance of the image under the normalisation window.
    pub(super) variance: f32,
}

/// One cell's filters, each one value per pixel.
pub(super) struct Filters {
    even: Vec<f32>,
    odd: Vec<f32>,
    window: Vec<f32>,
}

impl Filters {
    /// The quadrature pair and the window of a cell.
    ///
    /// Both filters sum to zero, so a uniform image moves nothing, and are scaled
    /// so that the best grating of amplitude `a` gives an energy
    /// `even^2 + odd^2` of `a^2`. The window sums to one.
    pub(super) fn new(cell: &Cell, config: &PopulationConfig) -> Self {
        let size = config.image_size;
        let ratio = 2f64.powf(f64::from(config.bandwidth_octaves));
        let wavelength = f64::from(cell.wavelength_px);
        // Width of the envelope of a given bandwidth at half height.
        let across = wavelength / std::f64::consts::PI
            * (std::f64::consts::LN_2 / 2.0).sqrt()
            * (ratio + 1.0)
            / (ratio - 1.0);
        let along = across * f64::from(config.elongation);
        let pooled = across * f64::from(config.normalisation.pool_ratio);
        let (sin, cos) = f64::from(cell.orientation_rad).sin_cos();
        let frequency = 2.0 * std::f64::consts::PI / wavelength;

        let count = size * size;
        let (mut even, mut odd) = (vec![0f64; count], vec![0f64; count]);
        let (mut envelope, mut window) = (vec![0f64; count], vec![0f64; count]);
        for i in 0..count {
            let dx = (i % size) as f64 - f64::from(cell.x_px);
            let dy = (i / size) as f64 - f64::from(cell.y_px);
            // `u` runs across the stripes, `v` along them.
            let (u, v) = (dx * cos + dy * sin, dy * cos - dx * sin);
            envelope[i] = (-0.5 * ((u / across).powi(2) + (v / along).powi(2))).exp();
            even[i] = envelope[i] * (frequency * u).cos();
            odd[i] = envelope[i] * (frequency * u).sin();
            window[i] = (-0.5 * (dx * dx + dy * dy) / (pooled * pooled)).exp();
        }
        let weight: f64 = envelope.iter().sum();
        for filter in [&mut even, &mut odd] {
            let mean = filter.iter().sum::<f64>() / weight;
            for (value, envelope) in filter.iter_mut().zip(&envelope) {
                // A grating meets itself with a mean of one half under the envelope.
                *value = (*value - mean * envelope) * 2.0 / weight;
            }
        }
        let total: f64 = window.iter().sum();
        let narrow = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect();
        Self {
            even: narrow(even),
            odd: narrow(odd),
            window: window.into_iter().map(|v| (v / total) as f32).collect(),
        }
    }

    /// Applies the filters to one image, values in `[0, 1]`, row by row.
    pub(super) fn measure(&self, image: &[f32]) -> Measured {
        let mut sums = [[0f32; LANES]; 4];
        let whole = image.len() / LANES * LANES;
        for start in (0..whole).step_by(LANES) {
            let range = start..start + LANES;
            let x = &image[range.clone()];
            let (e, o) = (&self.even[range.clone()], &self.odd[range.clone()]);
            let w = &self.window[range];
            for lane in 0..LANES {
                // Around mid-gray the squares lose less precision.
                let centred = x[lane] - 0.5;
                let weighted = w[lane] * centred;
                sums[0][lane] += e[lane] * centred;
                sums[1][lane] += o[lane] * centred;
                sums[2][lane] += weighted;
                sums[3][lane] += weighted * centred;
            }
        }
        for (i, pixel) in image.iter().enumerate().skip(whole) {
            let centred = pixel - 0.5;
            let weighted = self.window[i] * centred;
            sums[0][0] += self.even[i] * centred;
            sums[1][0] += self.odd[i] * centred;
            sums[2][0] += weighted;
            sums[3][0] += weighted * centred;
        }
        let [even, odd, mean, square] = sums.map(|lanes| lanes.iter().sum::<f32>());
        Measured {
            even,
            odd,
            variance: (square - mean * mean).max(0.0),
        }
    }
}
