//! The simulated population itself. Invariant: a cell depends on the seed and its
//! number alone, so a larger population contains the smaller one.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use striate_random::{Seed, Stream};

use super::PopulationConfig;
use super::bank::Filters;
use crate::Error;

/// Images and waves of the noise that sets the gains before any stimulus is known.
const CALIBRATION_IMAGES: usize = 48;
const CALIBRATION_WAVES: usize = 96;
/// Contrast (standard deviation) of that noise, that of natural photographs.
const CALIBRATION_CONTRAST: f32 = 0.2;

/// The two kinds of simulated cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellKind {
    /// Answers to one phase: half-wave rectified and squared.
    Simple,
    /// Answers to every phase: the energy of a quadrature pair (Adelson and Bergen 1985).
    Complex,
}

/// What one simulated cell prefers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Simple or complex.
    pub kind: CellKind,
    /// Direction across the preferred stripes, in radians, in `[0, pi)`.
    pub orientation_rad: f32,
    /// Preferred wavelength, in pixels per cycle.
    pub wavelength_px: f32,
    /// Preferred phase, in radians; without meaning for a complex cell.
    pub phase_rad: f32,
    /// Column of the receptive-field centre, in pixels.
    pub x_px: f32,
    /// Row of the receptive-field centre, in pixels.
    pub y_px: f32,
    /// Mean spikes per stimulus that its gain is set to.
    pub mean_spikes: f32,
}

/// A simulated V1 population: Gabor cells with divisive normalisation.
///
/// The rate of a cell is `spontaneous + gain * drive / (semi_saturation^2 + variance)`,
/// where the drive is the squared, half-wave rectified response of one Gabor filter
/// (simple) or the energy of a quadrature pair (complex), and the variance is that
/// of the image under a Gaussian window. The gain gives each cell its mean over the
/// images it was last calibrated to: pink noise at first, then whatever
/// [`Population::calibrate`] was given.
///
/// ```
/// use striate_models::population::{Population, PopulationConfig};
/// use striate_random::Seed;
///
/// let config = PopulationConfig { neurons: 8, image_size: 16, ..Default::default() };
/// let simulated = Population::new(&config, &Seed::new(1))?;
/// let gray = vec![0.5; 16 * 16];
/// let rates = simulated.rates(&gray)?;
/// assert_eq!(rates.len(), 8);
/// let spikes = simulated.sample(&rates, 3, &Seed::new(2))?;
/// assert_eq!(spikes.len(), 3 * 8);
/// # Ok::<(), striate_models::Error>(())
/// ```
pub struct Population {
    config: PopulationConfig,
    cells: Vec<Cell>,
    filters: Vec<Filters>,
    gains: Vec<f32>,
}

impl Population {
    /// Draws the cells and sets their gains on pink noise.
    ///
    /// # Errors
    ///
    /// If a parameter cannot be used.
    pub fn new(config: &PopulationConfig, seed: &Seed) -> Result<Self, Error> {
        config.check()?;
        let seed = seed.child("simulated population");
        let cells: Vec<Cell> = (0..config.neurons)
            .map(|i| draw(config, i, &mut seed.child("cell").index(i as u64).stream()))
            .collect();
        let filters: Vec<Filters> = cells
            .par_iter()
            .map(|cell| Filters::new(cell, config))
            .collect();
        let mut population = Self {
            config: config.clone(),
            gains: vec![1.0; cells.len()],
            cells,
            filters,
        };
        let noise: Vec<f32> = (0..CALIBRATION_IMAGES)
            .into_par_iter()
            .flat_map_iter(|i| {
                pink_noise(
                    config.image_size,
                    &mut seed.child("noise").index(i as u64).stream(),
                )
            })
            .collect();
        population.calibrate(&noise)?;
        Ok(population)
    }

    /// Sets the gains so that each cell has its mean over these images. A cell that
    /// none of them drives keeps its gain.
    ///
    /// # Shapes
    ///
    /// `images`: gray values in `[0, 1]`, image by image, `image_size^2` each.
    ///
    /// # Errors
    ///
    /// If the length is not a whole, positive number of images.
    pub fn calibrate(&mut self, images: &[f32]) -> Result<(), Error> {
        let drives = self.drives(images)?;
        let neurons = self.cells.len();
        let mut means = vec![0f64; neurons];
        for row in drives.chunks_exact(neurons) {
            for (mean, drive) in means.iter_mut().zip(row) {
                *mean += f64::from(*drive);
            }
        }
        let count = (drives.len() / neurons) as f64;
        for ((gain, cell), sum) in self.gains.iter_mut().zip(&self.cells).zip(means) {
            let evoked = f64::from(cell.mean_spikes * (1.0 - self.config.spontaneous));
            let updated = (evoked * count / sum) as f32;
            if updated.is_finite() {
                *gain = updated;
            }
        }
        Ok(())
    }

    /// Mean spikes per stimulus, without noise.
    ///
    /// # Shapes
    ///
    /// `images`: gray values in `[0, 1]`, image by image, `image_size^2` each. The
    /// result has one row of `neurons` rates per image.
    ///
    /// # Errors
    ///
    /// If the length is not a whole, positive number of images.
    pub fn rates(&self, images: &[f32]) -> Result<Vec<f32>, Error> {
        let mut rates = self.drives(images)?;
        for row in rates.chunks_exact_mut(self.cells.len()) {
            for ((rate, gain), cell) in row.iter_mut().zip(&self.gains).zip(&self.cells) {
                *rate = cell.mean_spikes * self.config.spontaneous + gain * *rate;
            }
        }
        Ok(rates)
    }

    /// Poisson spike counts of `repeats` presentations of each image.
    ///
    /// # Shapes
    ///
    /// `rates`: rows as [`Population::rates`] gives them. The result has one row of
    /// counts per presentation, all repeats of an image together; each presentation
    /// has its own stream, `seed / image / repeat`.
    ///
    /// # Errors
    ///
    /// If `rates` is not a whole number of rows.
    pub fn sample(&self, rates: &[f32], repeats: usize, seed: &Seed) -> Result<Vec<f32>, Error> {
        let neurons = self.cells.len();
        if !rates.len().is_multiple_of(neurons) {
            return Err(Error::Shape {
                what: "rates of the simulated population",
                expected: format!("a multiple of {neurons} values"),
                found: rates.len().to_string(),
            });
        }
        let seed = seed.child("spikes");
        let mut counts = vec![0f32; rates.len() * repeats];
        counts
            .par_chunks_mut(neurons)
            .enumerate()
            .for_each(|(trial, row)| {
                let (image, repeat) = (trial / repeats, trial % repeats);
                let mut stream = seed.index(image as u64).index(repeat as u64).stream();
                let means = &rates[image * neurons..(image + 1) * neurons];
                for (count, rate) in row.iter_mut().zip(means) {
                    *count = stream.poisson(f64::from(*rate)) as f32;
                }
            });
        Ok(counts)
    }

    /// What the cells prefer, in the order of the columns.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The parameters.
    pub fn config(&self) -> &PopulationConfig {
        &self.config
    }

    /// Number of cells.
    pub fn neurons(&self) -> usize {
        self.cells.len()
    }

    /// Normalised drives, one row per image.
    fn drives(&self, images: &[f32]) -> Result<Vec<f32>, Error> {
        let pixels = self.config.image_size * self.config.image_size;
        if images.is_empty() || !images.len().is_multiple_of(pixels) {
            return Err(Error::Shape {
                what: "stimuli of the simulated population",
                expected: format!("a positive multiple of {pixels} gray values"),
                found: images.len().to_string(),
            });
        }
        let neurons = self.cells.len();
        let mut drives = vec![0f32; images.len() / pixels * neurons];
        let floor = self.config.normalisation.semi_saturation.powi(2);
        // Eight images at a time keep one cell's filters in the cache.
        drives
            .par_chunks_mut(8 * neurons)
            .zip(images.par_chunks(8 * pixels))
            .for_each(|(rows, images)| {
                for (n, (cell, filters)) in self.cells.iter().zip(&self.filters).enumerate() {
                    let (sin, cos) = cell.phase_rad.sin_cos();
                    for (i, image) in images.chunks_exact(pixels).enumerate() {
                        let seen = filters.measure(image);
                        let drive = match cell.kind {
                            CellKind::Simple => (cos * seen.even + sin * seen.odd).max(0.0).powi(2),
                            CellKind::Complex => seen.even.powi(2) + seen.odd.powi(2),
                        };
                        rows[i * neurons + n] = drive / (floor + seen.variance);
                    }
                }
            });
        Ok(drives)
    }
}

fn draw(config: &PopulationConfig, index: usize, stream: &mut Stream) -> Cell {
    // Kinds are spread evenly over the numbers, so any prefix has the same mixture.
    let complex = f64::from(config.complex_fraction);
    let before = (index as f64 * complex).floor();
    let kind = if ((index + 1) as f64 * complex).floor() > before {
        CellKind::Complex
    } else {
        CellKind::Simple
    };
    let tau = std::f64::consts::TAU;
    let orientation = stream.below(config.orientations) as f64 / config.orientations as f64;
    let wavelength_px = config.wavelengths_px[stream.below(config.wavelengths_px.len())];
    let phase = stream.below(config.phases) as f64 / config.phases as f64;
    let centre = (config.image_size as f64 - 1.0) / 2.0;
    let reach = f64::from(config.field) * config.image_size as f64 / 2.0;
    let x_px = (centre + reach * stream.range(-1.0, 1.0)) as f32;
    let y_px = (centre + reach * stream.range(-1.0, 1.0)) as f32;
    // A log-normal factor with mean one.
    let spread = f64::from(config.spread);
    let factor = (spread * stream.normal() - spread * spread / 2.0).exp();
    Cell {
        kind,
        orientation_rad: (orientation * tau / 2.0) as f32,
        wavelength_px,
        phase_rad: (phase * tau) as f32,
        x_px,
        y_px,
        mean_spikes: config.mean_spikes * factor as f32,
    }
}

/// An image with the 1/f amplitudes of natural scenes: a sum of random waves.
fn pink_noise(size: usize, stream: &mut Stream) -> Vec<f32> {
    let mut sum = vec![0f64; size * size];
    let tau = std::f64::consts::TAU;
    for _ in 0..CALIBRATION_WAVES {
        // Log-uniform frequencies with equal amplitudes: power falls as 1/f^2 over
        // the plane.
        let octaves = (size as f64 / 2.0).log2();
        let frequency = 2f64.powf(octaves * stream.uniform()) / size as f64;
        let (sin, cos) = (tau * stream.uniform()).sin_cos();
        let phase = tau * stream.uniform();
        for (i, value) in sum.iter_mut().enumerate() {
            let (x, y) = ((i % size) as f64, (i / size) as f64);
            *value += (tau * frequency * (x * cos + y * sin) + phase).cos();
        }
    }
    // A wave of amplitude one has a variance of one half.
    let scale = f64::from(CALIBRATION_CONTRAST) / (CALIBRATION_WAVES as f64 / 2.0).sqrt();
    sum.iter()
        .map(|value| (0.5 + scale * value).clamp(0.0, 1.0) as f32)
        .collect()
}
