//! The sensitivity maps on networks whose maps are known.

use candle_core::{Device, Tensor};
use striate_random::Seed;
use striate_testkit::assert_close;

use super::jacobian::energies;
use super::*;

fn random(length: usize, purpose: &str) -> Vec<f32> {
    let mut stream = Seed::new(11).child(purpose).stream();
    (0..length).map(|_| stream.normal() as f32).collect()
}

fn images(count: usize, size: usize, channels: usize) -> Tensor {
    let values = random(count * size * size * channels, "images");
    Tensor::from_vec(values, (count, size, size, channels), &Device::Cpu).unwrap()
}

/// Features = W x, with each image flattened.
fn linear(
    inputs: usize,
    outputs: usize,
) -> (Vec<f32>, impl Fn(&Tensor) -> candle_core::Result<Tensor>) {
    let weights = random(inputs * outputs, "weights");
    let matrix = Tensor::from_slice(&weights, (inputs, outputs), &Device::Cpu).unwrap();
    (weights, move |x: &Tensor| {
        x.flatten_from(1)?.matmul(&matrix)
    })
}

#[test]
fn the_jacobian_energy_is_unbiased_on_a_linear_layer() {
    // Acceptance test 7: against the exact diagonal of J^T J.
    let (weights, network) = linear(4 * 4 * 2, 6);
    let vectors = 8192;
    let x = images(1, 4, 2);
    let [even, odd] = energies(&network, &x, &[3], vectors, &Seed::new(1)).unwrap();
    let mean = ((even + odd).unwrap() * 0.5).unwrap();
    let mean = mean.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for (row, estimate) in weights.chunks(6).zip(mean) {
        let squares: Vec<f64> = row.iter().map(|w| f64::from(*w).powi(2)).collect();
        let exact: f64 = squares.iter().sum();
        // Var((w.v)^2) = 2 ((sum w^2)^2 - sum w^4) for independent signs.
        let fourth: f64 = squares.iter().map(|s| s * s).sum();
        let error = (2.0 * (exact * exact - fourth) / vectors as f64).sqrt();
        // Five standard errors over 32 pixels; the f32 sum adds 1e-4 relative.
        assert_close(&[f64::from(estimate)], &[exact], 5.0 * error, 1e-4);
    }
}

#[test]
fn one_feature_gives_the_squared_gradient_exactly() {
    let (weights, network) = linear(9 * 9, 1);
    let config = JacobianConfig::default();
    let maps =
        jacobian_energy(&network, &images(2, 9, 1), &[0, 1], &config, &Seed::new(1)).unwrap();
    let expected: Vec<f64> = weights.iter().map(|w| f64::from(*w).powi(2)).collect();
    for map in &maps {
        assert_close(map.energy.values(), &expected, 1e-6, 1e-5);
        // Both halves are the same, up to rounding.
        assert_close(&[map.reliability.unwrap()], &[1.0], 1e-6, 0.0);
        assert_close(
            &[map.density.values().iter().sum::<f64>()],
            &[1.0],
            1e-12,
            0.0,
        );
    }
}

#[test]
fn batches_and_order_do_not_matter() {
    let (_, network) = linear(8 * 8, 20);
    let network = |x: &Tensor| network(x)?.tanh();
    let x = (images(3, 8, 1) * 0.2).unwrap();
    let go = |x: &Tensor, ids: &[u64], batch| {
        let config = JacobianConfig {
            vectors: 8,
            batch,
            ..JacobianConfig::default()
        };
        jacobian_energy(&network, x, ids, &config, &Seed::new(1)).unwrap()
    };
    let together = go(&x, &[5, 6, 7], 64);
    let single = go(&x, &[5, 6, 7], 1);
    let last = go(&x.narrow(0, 2, 1).unwrap(), &[7], 64);
    for (a, b) in together
        .iter()
        .zip(&single)
        .chain([(&together[2], &last[0])])
    {
        // f32 sums of another blocking.
        assert_close(a.energy.values(), b.energy.values(), 1e-6, 1e-5);
    }
}

#[test]
fn reliability_grows_with_the_number_of_vectors() {
    // A linear layer whose weights decay from left to right.
    let weights: Vec<f32> = random(16 * 16 * 40, "weights")
        .iter()
        .enumerate()
        .map(|(i, w)| w * (-((i / 40 % 16) as f32) / 6.0).exp())
        .collect();
    let matrix = Tensor::from_vec(weights, (256, 40), &Device::Cpu).unwrap();
    let network = |x: &Tensor| x.flatten_from(1)?.matmul(&matrix);
    let reliability = |vectors| {
        let config = JacobianConfig {
            vectors,
            ..JacobianConfig::default()
        };
        let maps = jacobian_energy(&network, &images(1, 16, 1), &[0], &config, &Seed::new(1));
        maps.unwrap()[0].reliability.unwrap()
    };
    let [few, many] = [4, 256].map(reliability);
    assert!(few < many && many > 0.98, "{few} {many}");
}

#[test]
fn a_network_that_sees_one_quarter_is_sensitive_there() {
    let corner = |x: &Tensor| x.narrow(1, 0, 8)?.narrow(2, 8, 8)?.flatten_from(1);
    let x = images(2, 16, 1);
    let quarter = |map: &SensitivityMap| -> f64 {
        (0..8)
            .map(|y| {
                map.energy.values()[y * 16 + 8..y * 16 + 16]
                    .iter()
                    .sum::<f64>()
            })
            .sum()
    };
    let s1 = jacobian_energy(
        &corner,
        &x,
        &[0, 1],
        &JacobianConfig::default(),
        &Seed::new(1),
    );
    for map in s1.unwrap() {
        // Every pixel there has one feature of derivative 1.
        assert_close(&[quarter(&map)], &[64.0], 1e-4, 0.0);
        assert_close(
            &[map.energy.values().iter().sum::<f64>()],
            &[64.0],
            1e-4,
            0.0,
        );
    }
    let config = ContrastConfig {
        stride_px: 8,
        ..ContrastConfig::default()
    };
    let pixels = x.flatten_from(1).unwrap().to_vec2::<f32>().unwrap();
    for (map, pixels) in contrast_change(&corner, &x, &config)
        .unwrap()
        .iter()
        .zip(pixels)
    {
        // Only one window touches the features: their mean squared change is a
        // quarter of the window's variance.
        let inside: Vec<f64> = (0..8)
            .flat_map(|y| {
                pixels[y * 16 + 8..y * 16 + 16]
                    .iter()
                    .map(|v| f64::from(*v))
            })
            .collect();
        let mean = inside.iter().sum::<f64>() / 64.0;
        let variance = inside.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 64.0;
        assert_close(&[quarter(map)], &[64.0 * variance / 4.0], 1e-5, 1e-5);
        assert_close(
            &[map.energy.values().iter().sum::<f64>()],
            &[quarter(map)],
            1e-9,
            0.0,
        );
    }
}

#[test]
fn every_pixel_lies_in_a_window() {
    let (_, network) = linear(11 * 11 * 2, 5);
    let config = ContrastConfig {
        stride_px: 5,
        batch: 3,
        ..ContrastConfig::default()
    };
    let maps = contrast_change(&network, &images(1, 11, 2), &config).unwrap();
    assert!(maps[0].energy.values().iter().all(|v| *v > 0.0));
}

#[test]
fn the_class_gradient_is_that_of_the_chosen_logit() {
    let (weights, network) = linear(5 * 5 * 3, 4);
    let x = images(3, 5, 3);
    let maps = class_gradient(&network, &x, &[2, 0, 3], 1.0).unwrap();
    for (map, label) in maps.iter().zip([2usize, 0, 3]) {
        let column: Vec<f64> = weights
            .chunks(4)
            .map(|row| f64::from(row[label].abs()))
            .collect();
        let expected: Vec<f64> = column
            .chunks(3)
            .map(|c| c.iter().sum::<f64>() / 3.0)
            .collect();
        assert_close(map.energy.values(), &expected, 1e-6, 1e-6);
        assert_eq!(map.reliability, None);
    }
    assert_eq!(
        class_gradient(&network, &x, &[2, 4, 3], 1.0)
            .unwrap_err()
            .to_string(),
        "label: expected a class of the network, found 4 of 4 classes"
    );
}

#[test]
fn reconstructions_show_where_their_contrast_is() {
    let mut first = vec![0f32; 10 * 10 * 2];
    first[(3 * 10 + 4) * 2] = 2.0;
    let mut second = first.clone();
    second[(3 * 10 + 4) * 2 + 1] = -2.0;
    let map = reconstruction_energy(&[&first, &second], 10, 10, 2.0).unwrap();
    // Channel means of 2 and 4, then the mean over restarts.
    assert_close(&[map.energy.values()[34]], &[3.0], 1e-12, 0.0);
    assert_close(&[map.reliability.unwrap()], &[1.0], 1e-9, 0.0);
    assert_eq!(
        reconstruction_energy(&[&first], 10, 10, 2.0)
            .unwrap()
            .reliability,
        None
    );
    assert!(reconstruction_energy(&[], 10, 10, 2.0).is_err());
    assert!(reconstruction_energy(&[&first, &second[..100]], 10, 10, 2.0).is_err());
}

#[test]
fn bad_input_is_named() {
    let (_, network) = linear(8 * 8, 5);
    let x = images(2, 8, 1);
    let seed = Seed::new(1);
    let odd = JacobianConfig {
        vectors: 3,
        ..JacobianConfig::default()
    };
    let text = |result: crate::Result<Vec<SensitivityMap>>| result.unwrap_err().to_string();
    assert_eq!(
        text(jacobian_energy(&network, &x, &[0, 1], &odd, &seed)),
        "vectors: expected an even number of at least 2, found 3"
    );
    let config = JacobianConfig::default();
    assert_eq!(
        text(jacobian_energy(&network, &x, &[0], &config, &seed)),
        "ids of the images: expected 2, one for each image, found 1"
    );
    let constant = |x: &Tensor| Tensor::ones(x.dim(0)?, candle_core::DType::F32, x.device());
    assert_eq!(
        text(jacobian_energy(&constant, &x, &[0, 1], &config, &seed)),
        "features of the network: expected a gradient with respect to the image, found none"
    );
    let blind = |x: &Tensor| x.flatten_from(1)?.mul(&x.flatten_from(1)?.zeros_like()?);
    assert_eq!(
        text(jacobian_energy(&blind, &x, &[0, 1], &config, &seed)),
        "density: undefined, because all values of the map are 0"
    );
    let small = images(1, 6, 1);
    assert_eq!(
        text(contrast_change(&blind, &small, &ContrastConfig::default())),
        "window_px: expected at least 1 and at most the sides of the image, found 8 in 6 x 6"
    );
}
