use candle_core::{Device, Tensor};
use striate_kernels::{Dft, dft2};
use striate_nn::Context;
use striate_testkit::assert_close;

use super::*;
use crate::VggConfig;

fn normal(count: usize, seed: u64) -> Vec<f32> {
    let mut stream = Seed::new(seed).stream();
    (0..count).map(|_| stream.normal() as f32).collect()
}

#[test]
fn permutations_keep_rows_and_groups() {
    let rows: Vec<f32> = (0..60).map(|v| v as f32).collect();
    let groups: Vec<u32> = (0..20).map(|i| i % 3).collect();
    let mut stream = Seed::new(1).stream();
    for groups in [None, Some(groups.as_slice())] {
        let moved = permuted(&rows, 3, groups, &mut stream).unwrap();
        let from: Vec<usize> = moved.chunks(3).map(|row| row[0] as usize / 3).collect();
        for (place, (row, from)) in moved.chunks(3).zip(&from).enumerate() {
            assert_eq!(row, &rows[from * 3..(from + 1) * 3]);
            if let Some(groups) = groups {
                assert_eq!(groups[place], groups[*from]);
            }
        }
        let mut sorted = from.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
        assert_ne!(from, sorted);
    }
    assert!(permuted(&rows, 3, Some(&[1, 2]), &mut stream).is_err());
    assert!(permuted(&rows, 7, None, &mut stream).is_err());
}

#[test]
fn the_gaussian_has_mean_and_covariance() {
    // Three neurons, the third the sum of the others plus its mean.
    let drawn = normal(2 * 500, 3);
    let rows: Vec<f32> = drawn
        .chunks(2)
        .flat_map(|z| [2.0 + z[0], 1.0 + 0.5 * z[0] + z[1], 3.0 + z[0] + z[1]])
        .collect();
    let found = gaussian_like(&rows, 3, 40_000, &mut Seed::new(2).stream()).unwrap();
    let (ours, theirs) = (
        Moments::of(&found, 3).unwrap(),
        Moments::of(&rows, 3).unwrap(),
    );
    // Standard errors of 40,000 draws: 0.5 % of a deviation; four of them.
    assert_close(&ours.mean, &theirs.mean, 0.03, 0.0);
    assert_close(&ours.deviation, &theirs.deviation, 0.0, 0.02);
    let correlation = |rows: &[f32], a: usize, b: usize| {
        let m = Moments::of(rows, 3).unwrap();
        let count = rows.len() as f64 / 3.0;
        let products = rows
            .chunks(3)
            .map(|row| (f64::from(row[a]) - m.mean[a]) * (f64::from(row[b]) - m.mean[b]) / count);
        products.sum::<f64>() / (m.deviation[a] * m.deviation[b])
    };
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        let (ours, theirs) = (correlation(&found, a, b), correlation(&rows, a, b));
        assert!((ours - theirs).abs() < 0.02, "{a} {b}: {ours} {theirs}");
    }
    // Nothing varies, or everything is one neuron: no error, and the right values.
    let same = gaussian_like(&[2.0; 6], 2, 3, &mut Seed::new(2).stream()).unwrap();
    assert_eq!(same, [2.0; 6]);
}

#[test]
fn scrambling_keeps_spectrum_and_mean_and_nothing_else() {
    let (height, width) = (12, 10);
    let images: Vec<f32> = normal(3 * 120, 4).iter().map(|v| v.abs()).collect();
    let seed = Seed::new(5);
    let scrambled = phase_scrambled(&images, [height, width], &seed).unwrap();
    let spectrum = |image: &[f32]| {
        let mut re: Vec<f64> = image.iter().map(|v| f64::from(*v)).collect();
        let mut im = vec![0.0; re.len()];
        dft2(Dft::Forward, [height, width], &mut re, &mut im).unwrap();
        re.iter()
            .zip(&im)
            .map(|(a, b)| a.hypot(*b))
            .collect::<Vec<f64>>()
    };
    for (before, after) in images.chunks(120).zip(scrambled.chunks(120)) {
        assert_close(&spectrum(after), &spectrum(before), 1e-4, 1e-4);
        let mean = |image: &[f32]| image.iter().map(|v| f64::from(*v)).sum::<f64>() / 120.0;
        assert!((mean(before) - mean(after)).abs() < 1e-5);
        let pair = [before, after].concat();
        let rows: Vec<f32> = (0..120).flat_map(|i| [pair[i], pair[120 + i]]).collect();
        let m = Moments::of(&rows, 2).unwrap();
        let products = rows
            .chunks(2)
            .map(|r| (f64::from(r[0]) - m.mean[0]) * (f64::from(r[1]) - m.mean[1]) / 120.0);
        let correlation = products.sum::<f64>() / (m.deviation[0] * m.deviation[1]);
        assert!(correlation.abs() < 0.5, "{correlation}");
    }
    // An image's noise is its own, whatever comes with it.
    let second = phase_scrambled(&images[..240], [height, width], &seed).unwrap();
    assert_eq!(second, scrambled[..240]);
}

#[test]
fn projections_keep_distances() {
    let (pixels, neurons) = (64, 4000);
    let images = normal(3 * pixels, 6);
    let found = project_pixels(&images, pixels, neurons, &Seed::new(7)).unwrap();
    let distance = |rows: &[f32], width: usize, a: usize, b: usize| {
        let of = |i: usize| &rows[i * width..(i + 1) * width];
        let square = |(x, y): (&f32, &f32)| f64::from(x - y).powi(2);
        of(a).iter().zip(of(b)).map(square).sum::<f64>() / width as f64
    };
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        let ratio = distance(&found, neurons, a, b) / distance(&images, pixels, a, b);
        // The standard error of 4,000 squares is 2.2 %; four of them.
        assert!((ratio - 1.0).abs() < 0.09, "{ratio}");
    }
}

#[test]
fn moments_are_matched_and_rates_stay_positive() {
    let reference: Vec<f32> = normal(400, 8).iter().map(|v| 3.0 + 0.5 * v).collect();
    let target = Moments::of(&reference, 2).unwrap();
    let mut rows: Vec<f32> = normal(400, 9).iter().map(|v| 10.0 * v - 70.0).collect();
    let own = Moments::of(&rows, 2).unwrap();
    let below = own.match_to(&target, &mut rows).unwrap();
    assert_eq!(below, 0.0);
    let matched = Moments::of(&rows, 2).unwrap();
    assert_close(&matched.mean, &target.mean, 0.0, 1e-5);
    assert_close(&matched.deviation, &target.deviation, 0.0, 1e-5);
    // A mean near 0 is cut, and said to be; a constant neuron gets the mean.
    let low = Moments {
        mean: vec![0.0, 2.0],
        deviation: vec![1.0, 1.0],
    };
    let mut rows: Vec<f32> = normal(100, 10).iter().flat_map(|v| [*v, 5.0]).collect();
    let own = Moments::of(&rows, 2).unwrap();
    let below = own.match_to(&low, &mut rows).unwrap();
    assert!(below > 0.15 && below < 0.35, "{below}");
    assert!(rows.iter().all(|v| *v >= 0.0));
    assert!(rows.chunks(2).all(|row| row[1] == 2.0));
    assert!(own.match_to(&target, &mut rows[1..]).is_err());
}

#[test]
fn a_random_network_answers_to_images() {
    let config = VggConfig {
        in_channels: 1,
        blocks: vec![vec![4, 4], vec![6, 6]],
        split: "conv2_1".parse().unwrap(),
        classes: 5,
        input_size: 8,
        ..VggConfig::default()
    };
    let images = Tensor::from_vec(normal(8 * 64, 11), (8, 8, 8, 1), &Device::Cpu).unwrap();
    let images = ((images * 2.0).unwrap() + 3.0).unwrap();
    let batches = [
        images.narrow(0, 0, 4).unwrap(),
        images.narrow(0, 4, 4).unwrap(),
    ];
    let net = random_network(&config, "v1", 5, &batches, &Seed::new(1)).unwrap();
    assert!(!net.has_head());
    let rates = net.responses("v1", &images, &mut Context::eval()).unwrap();
    let rates: Vec<f32> = rates.flatten_all().unwrap().to_vec1().unwrap();
    let moments = Moments::of(&rates, 5).unwrap();
    assert!(moments.deviation.iter().all(|d| *d > 0.05), "{moments:?}");
    // The statistics are those of the images, whose mean is 3 and not 0.
    let state = net.params().state().unwrap();
    let mean: Vec<f32> = state["shared.conv1_1.bn.running_mean"].to_vec1().unwrap();
    let bias: Vec<f32> = state["shared.conv1_1.conv.bias"].to_vec1().unwrap();
    assert!(mean.iter().zip(&bias).any(|(m, b)| (m - b).abs() > 0.3));
    assert!(random_network(&config, "v1", 5, &[], &Seed::new(1)).is_err());
}
