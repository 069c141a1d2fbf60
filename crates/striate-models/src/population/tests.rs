use proptest::prelude::*;
use striate_random::Seed;
use striate_testkit::assert_close;

use super::bank::Filters;
use super::*;

fn config(neurons: usize) -> PopulationConfig {
    PopulationConfig {
        neurons,
        image_size: 24,
        ..PopulationConfig::default()
    }
}

fn grating(size: usize, cell: &Cell, turn_rad: f32, phase: f32, contrast: f32) -> Vec<f32> {
    let (sin, cos) = (cell.orientation_rad + turn_rad).sin_cos();
    let k = std::f32::consts::TAU / cell.wavelength_px;
    (0..size * size)
        .map(|i| {
            let (x, y) = ((i % size) as f32 - cell.x_px, (i / size) as f32 - cell.y_px);
            0.5 + contrast * (k * (x * cos + y * sin) - phase).cos()
        })
        .collect()
}

#[test]
fn a_filter_pair_measures_the_amplitude_of_its_grating() {
    let config = PopulationConfig {
        image_size: 48,
        ..config(1)
    };
    let cell = Cell {
        kind: CellKind::Complex,
        orientation_rad: 0.6,
        wavelength_px: 6.0,
        phase_rad: 0.0,
        x_px: 23.0,
        y_px: 24.5,
        mean_spikes: 1.0,
    };
    let filters = Filters::new(&cell, &config);
    for phase in [0.0f32, 1.0, 2.0, 4.0] {
        let seen = filters.measure(&grating(48, &cell, 0.0, phase, 0.3));
        let energy = seen.even.powi(2) + seen.odd.powi(2);
        // The envelope holds few cycles, so the quadrature is not perfect.
        assert_close(
            &[energy.sqrt(), seen.variance.sqrt()],
            &[0.3, 0.3 / 2f32.sqrt()],
            0.0,
            0.05,
        );
        let across = filters.measure(&grating(48, &cell, 1.57, phase, 0.3));
        assert!(across.even.hypot(across.odd) < 0.02 * 0.3);
    }
    let seen = filters.measure(&vec![0.8; 48 * 48]);
    // Rounding of some thousand f32 terms.
    assert_close(&[seen.even, seen.odd, seen.variance], &[0.0; 3], 1e-5, 0.0);
}

#[test]
fn simple_cells_have_a_phase_and_complex_cells_have_none() {
    let population = Population::new(&config(40), &Seed::new(1)).unwrap();
    let mut seen = [0, 0];
    for (n, cell) in population.cells().iter().enumerate() {
        let rate = |phase: f32| {
            let rates = population
                .rates(&grating(24, cell, 0.0, phase, 0.4))
                .unwrap();
            rates[n] - cell.mean_spikes * population.config().spontaneous
        };
        // Both filters are even or odd about the centre: a positive phase of the
        // grating against the sine filter has the same sign.
        let rates: Vec<f32> = (0..8)
            .map(|i| rate(cell.phase_rad + i as f32 * std::f32::consts::FRAC_PI_4))
            .collect();
        let most = rates.iter().copied().fold(0.0, f32::max);
        let least = rates.iter().copied().fold(f32::INFINITY, f32::min);
        match cell.kind {
            CellKind::Simple => {
                seen[0] += 1;
                assert!(
                    rates[0] > 0.9 * most && least < 0.01 * most,
                    "{cell:?} {rates:?}"
                );
            }
            CellKind::Complex => {
                seen[1] += 1;
                // Cells whose field leaves the image see part of their grating.
                assert!(least > 0.3 * most, "{cell:?} {rates:?}");
            }
        }
    }
    assert_eq!(seen, [20, 20]);
}

#[test]
fn responses_saturate_with_contrast() {
    let population = Population::new(&config(10), &Seed::new(1)).unwrap();
    for (n, cell) in population.cells().iter().enumerate() {
        let rate = |contrast: f32| {
            let image = grating(24, cell, 0.0, cell.phase_rad, contrast);
            population.rates(&image).unwrap()[n]
                - cell.mean_spikes * population.config().spontaneous
        };
        let [low, middle, high] = [0.05, 0.2, 0.4].map(rate);
        assert!(low < middle && middle < high, "{cell:?}");
        // Without normalisation, doubling the contrast would give four times the rate.
        assert!(high < 2.0 * middle, "{cell:?}: {middle} to {high}");
    }
}

#[test]
fn calibration_sets_the_means() {
    let mut population = Population::new(&config(30), &Seed::new(1)).unwrap();
    let mut stream = Seed::new(2).stream();
    let images: Vec<f32> = (0..50 * 24 * 24).map(|_| stream.uniform_f32()).collect();
    population.calibrate(&images).unwrap();
    let rates = population.rates(&images).unwrap();
    let means: Vec<f64> = (0..30)
        .map(|n| {
            rates
                .iter()
                .skip(n)
                .step_by(30)
                .map(|r| f64::from(*r))
                .sum::<f64>()
                / 50.0
        })
        .collect();
    let expected: Vec<f64> = population
        .cells()
        .iter()
        .map(|c| f64::from(c.mean_spikes))
        .collect();
    // f32 gains and rates.
    assert_close(&means, &expected, 0.0, 1e-5);
}

#[test]
fn a_larger_population_contains_the_smaller() {
    let small = Population::new(&config(10), &Seed::new(1)).unwrap();
    let large = Population::new(&config(20), &Seed::new(1)).unwrap();
    assert_eq!(small.cells(), &large.cells()[..10]);
    let image = vec![0.3; 24 * 24];
    assert_eq!(
        small.rates(&image).unwrap(),
        large.rates(&image).unwrap()[..10]
    );
}

#[test]
fn spikes_are_poisson_and_addressed_by_image_and_repeat() {
    let population = Population::new(&config(4), &Seed::new(1)).unwrap();
    let rates = [0.5, 2.0, 8.0, 40.0];
    let repeats = 4000;
    let spikes = population.sample(&rates, repeats, &Seed::new(3)).unwrap();
    for (n, rate) in rates.iter().enumerate() {
        let column: Vec<f64> = spikes
            .iter()
            .skip(n)
            .step_by(4)
            .map(|s| f64::from(*s))
            .collect();
        let mean = column.iter().sum::<f64>() / repeats as f64;
        let variance = column.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / repeats as f64;
        // Five standard errors of the mean; of the variance, about sqrt(2/n).
        let error = (f64::from(*rate) / repeats as f64).sqrt();
        assert!(
            (mean - f64::from(*rate)).abs() < 5.0 * error,
            "{rate}: {mean}"
        );
        assert!((variance / mean - 1.0).abs() < 0.15, "{rate}: {variance}");
    }
    // A trial does not depend on how many others there are.
    let few = population.sample(&rates, 2, &Seed::new(3)).unwrap();
    assert_eq!(few, spikes[..8]);
}

#[test]
fn the_ceiling_is_what_the_true_rates_reach() {
    let population = Population::new(&config(6), &Seed::new(1)).unwrap();
    let mut stream = Seed::new(2).stream();
    let images: Vec<f32> = (0..3000 * 24 * 24).map(|_| stream.uniform_f32()).collect();
    let rates = population.rates(&images).unwrap();
    let spikes = population.sample(&rates, 1, &Seed::new(5)).unwrap();
    let ceiling = noise_ceiling(&rates, 6, 1).unwrap();
    for (n, ceiling) in ceiling.iter().enumerate() {
        let column = |all: &[f32]| -> Vec<f64> {
            all.iter()
                .skip(n)
                .step_by(6)
                .map(|v| f64::from(*v))
                .collect()
        };
        let (x, y) = (column(&rates), column(&spikes));
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let (mx, my) = (mean(&x), mean(&y));
        let sum = |a: &[f64], ma: f64, b: &[f64], mb: f64| {
            a.iter()
                .zip(b)
                .map(|(p, q)| (p - ma) * (q - mb))
                .sum::<f64>()
        };
        let r = sum(&x, mx, &y, my) / (sum(&x, mx, &x, mx) * sum(&y, my, &y, my)).sqrt();
        // Five standard errors of a correlation over 3000 trials.
        assert!(
            (r - ceiling).abs() < 5.0 / 3000f64.sqrt(),
            "{n}: {r} {ceiling}"
        );
    }
}

#[test]
fn what_cannot_be_built_is_named() {
    let with = |change: fn(&mut PopulationConfig)| {
        let mut config = config(3);
        change(&mut config);
        Population::new(&config, &Seed::new(1))
            .err()
            .unwrap()
            .to_string()
    };
    assert!(with(|c| c.neurons = 0).contains("population.neurons"));
    assert!(with(|c| c.wavelengths_px = vec![1.0]).contains("wavelengths_px"));
    assert!(with(|c| c.mean_spikes = f32::NAN).contains("mean_spikes"));
    assert!(with(|c| c.normalisation.pool_ratio = 0.0).contains("normalisation"));
    let population = Population::new(&config(3), &Seed::new(1)).unwrap();
    assert!(population.rates(&[0.0; 5]).is_err());
    assert!(population.rates(&[]).is_err());
    assert!(noise_ceiling(&[1.0], 2, 1).is_err());
}

proptest! {
    /// Rates are finite and not negative for any image.
    #[test]
    fn rates_are_rates(seed in any::<u64>(), dark in 0.0f32..1.0) {
        let population = Population::new(&config(5), &Seed::new(7)).unwrap();
        let mut stream = Seed::new(seed).stream();
        let image: Vec<f32> = (0..24 * 24).map(|_| stream.uniform_f32() * dark).collect();
        for rate in population.rates(&image).unwrap() {
            prop_assert!(rate.is_finite() && rate >= 0.0);
        }
    }
}
