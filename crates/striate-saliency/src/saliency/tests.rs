//! The built-in saliency models: against numpy, and on scenes with one odd element.

use striate_testkit::{Golden, assert_close};

use super::*;
use crate::Map;

/// Vertical bars on a grid, one of them turned; values on the scale of a u8 image.
fn odd_bar(size: usize, at: (usize, usize)) -> Vec<f32> {
    let mut pixels = vec![60f32; size * size];
    for gy in 0..size / 8 {
        for gx in 0..size / 8 {
            for k in 0..5 {
                let (y, x) = if (gy, gx) == at {
                    (3, 1 + k)
                } else {
                    (1 + k, 3)
                };
                pixels[(gy * 8 + y) * size + gx * 8 + x] = 190.0;
            }
        }
    }
    pixels
}

/// Share of the mass in one cell of the grid, in units of the chance level.
fn share(map: &SaliencyMap, size: usize, (gy, gx): (usize, usize)) -> f64 {
    let cells = size / 8;
    let mut sum = 0.0;
    for y in gy * 8..gy * 8 + 8 {
        sum += map.density.values()[y * size + gx * 8..][..8]
            .iter()
            .sum::<f64>();
    }
    sum * (cells * cells) as f64
}

#[test]
fn the_spectral_residual_agrees_with_numpy() {
    let golden = Golden::open("saliency/metrics");
    let (shape, values) = golden.f64("a");
    let image = Map::new(shape[0], shape[1], values).unwrap();
    let found = spectral_residual(&image, &SpectralResidualConfig::default()).unwrap();
    // f64 transforms by other algorithms, through a logarithm and its inverse;
    // the truncation of the kernel is at 10 pixels in both.
    assert_close(
        found.density.values(),
        &golden.f64("residual").1,
        1e-12,
        1e-8,
    );
}

/// Smooth noise with a textured patch of 8x8 pixels in one cell.
fn patch_on_clouds(at: (usize, usize)) -> Vec<f32> {
    let mut stream = striate_random::Seed::new(4).stream();
    let noise = (0..64 * 64).map(|_| stream.normal()).collect();
    let clouds = Map::new(64, 64, noise).unwrap().smoothed(4.0).unwrap();
    let mut pixels: Vec<f32> = clouds.values().iter().map(|v| *v as f32).collect();
    for y in 0..8 {
        for x in 0..8 {
            let sign = if (y / 2 + x / 2) % 2 == 0 { 0.2 } else { -0.2 };
            pixels[(at.0 * 8 + y) * 64 + at.1 * 8 + x] += sign;
        }
    }
    pixels
}

#[test]
fn the_built_in_models_find_what_is_odd() {
    let at = (2, 5);
    let patch = patch_on_clouds(at);
    let gray = Map::from_f32(64, 64, &patch).unwrap();
    let config = CentreSurroundConfig::default();
    let maps = [
        spectral_residual(&gray, &SpectralResidualConfig::default()).unwrap(),
        centre_surround(&patch, 64, 64, &config).unwrap(),
        // An exact grid has a spectrum of lines, which the residual cannot read.
        centre_surround(&odd_bar(64, at), 64, 64, &config).unwrap(),
    ];
    for map in &maps {
        let shares: Vec<f64> = (0..64).map(|i| share(map, 64, (i / 8, i % 8))).collect();
        let odd = share(map, 64, at);
        println!("{:?}: {odd}", map.source);
        assert!(
            odd > 1.5 && shares.iter().all(|s| *s <= odd),
            "{:?}: {odd} of {shares:?}",
            map.source
        );
    }
}

#[test]
fn centre_surround_finds_the_odd_colour() {
    // Green discs of the luminance of the red one.
    let size = 32;
    let mut pixels = vec![0f32; size * size * 3];
    for i in 0..size * size {
        let (y, x) = (i / size, i % size);
        let inside = (y % 8).abs_diff(4) <= 1 && (x % 8).abs_diff(4) <= 1;
        let odd = (y / 8, x / 8) == (1, 2);
        if inside {
            pixels[i * 3 + usize::from(!odd)] = 1.0;
        }
    }
    let map = centre_surround(&pixels, size, size, &CentreSurroundConfig::default()).unwrap();
    let odd = share(&map, size, (1, 2));
    for i in 0..16 {
        assert!(share(&map, size, (i / 4, i % 4)) <= odd);
    }
}

#[test]
fn scale_and_offset_of_the_pixels_do_not_matter() {
    let pixels = odd_bar(32, (1, 1));
    let moved: Vec<f32> = pixels.iter().map(|v| v / 64.0 - 1.0).collect();
    let both = |pixels: &[f32]| {
        let gray = Map::from_f32(32, 32, pixels).unwrap();
        let a = spectral_residual(&gray, &SpectralResidualConfig::default()).unwrap();
        let b = centre_surround(pixels, 32, 32, &CentreSurroundConfig::default()).unwrap();
        [a.density.values().to_vec(), b.density.values().to_vec()].concat()
    };
    // The moved values are rounded to f32; the residual divides by amplitudes near its floor.
    assert_close(&both(&pixels), &both(&moved), 1e-6, 1e-3);
}

#[test]
fn the_centre_bias_is_a_gaussian() {
    let map = centre_bias(4, 6, 0.25).unwrap();
    let values = map.density.values();
    // exp(-(1/8)^2 / 2 / 0.25^2) against exp(-(3/8)^2 / 2 / 0.25^2) along a column.
    assert_close(&[values[2] / values[6 + 2]], &[(-1.0f64).exp()], 1e-12, 0.0);
    assert_close(&[values[0]], &[values[23]], 1e-15, 0.0);
}

#[test]
fn given_maps_are_brought_to_size() {
    let map = Map::new(1, 2, vec![1.0, 3.0]).unwrap();
    let given = SaliencyMap::given("deepgaze_iie", &map, 2, 4).unwrap();
    let row = [0.0625, 0.0625, 0.1875, 0.1875];
    assert_close(given.density.values(), &row.repeat(2), 1e-15, 0.0);
}

#[test]
fn constant_images_are_an_error() {
    let flat = vec![5f32; 64];
    let gray = Map::from_f32(8, 8, &flat).unwrap();
    let residual = spectral_residual(&gray, &SpectralResidualConfig::default());
    assert_eq!(
        residual.unwrap_err().to_string(),
        "spectral residual: undefined, because the image is constant"
    );
    let config = CentreSurroundConfig::default();
    assert!(centre_surround(&flat, 8, 8, &config).is_err());
    assert_eq!(
        centre_surround(&flat, 8, 4, &config)
            .unwrap_err()
            .to_string(),
        "image: expected 8 x 4 x 1 or 3 values, found 64"
    );
}
