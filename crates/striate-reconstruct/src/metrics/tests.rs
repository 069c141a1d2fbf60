//! Metrics against numpy, PyTorch and scikit-image, and closed forms.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use proptest::prelude::*;
use striate_random::Seed;
use striate_testkit::{Golden, assert_close};

use super::*;
use crate::{Budget, Network, Reconstruction};

const SHAPE: [usize; 3] = [20, 24, 3];

#[test]
fn every_metric_agrees_with_its_definition() {
    let golden = Golden::open("reconstruct/metrics");
    let [x0, x1, xr] = ["x0", "x1", "xr"].map(|name| golden.f32(name).1);
    // f64 on both sides unless said otherwise, over 1440 values.
    let close = |found: &[f64], name: &str, tolerance: f64| {
        assert_close(found, &golden.f64(name).1, tolerance, tolerance);
    };
    let split = content_noise(&xr, &x0, &x1).unwrap();
    let found = [
        split.joint.content,
        split.joint.noise,
        split.ratio,
        split.r2,
        split.content_first.content,
        split.noise_first.noise,
        split.content_first.content_share,
        split.noise_first.noise_share,
        split.cosine_content,
        split.cosine_noise,
    ];
    close(&found, "content_noise", 1e-10);
    close(
        &radial_spectrum(&xr, SHAPE).unwrap().power,
        "spectrum",
        1e-10,
    );
    let ratio = spectrum_ratio(&xr, &x0, SHAPE).unwrap();
    let ratio: Vec<f64> = ratio.into_iter().map(Option::unwrap).collect();
    close(&ratio, "ratio", 1e-10);
    // The taps of the blur are f32.
    close(
        &local_spending(&xr, &x0, SHAPE, 1.5).unwrap(),
        "spending",
        1e-6,
    );
    close(&[ssim(&x0, &xr, SHAPE, 4.0).unwrap()], "ssim", 1e-6);
    close(&[psnr(&x0, &xr, 4.0).unwrap()], "psnr", 1e-10);
    let matched = matched(&xr, &x0).unwrap();
    // The result is f32.
    assert_close(&matched, &golden.f64("matched").1, 1e-6, 1e-6);
}

#[test]
fn the_shares_of_either_order_sum_to_r2() {
    let golden = Golden::open("reconstruct/metrics");
    let [x0, x1, xr] = ["x0", "x1", "xr"].map(|name| golden.f32(name).1);
    let split = content_noise(&xr, &x0, &x1).unwrap();
    for order in [split.content_first, split.noise_first] {
        assert_close(
            &[order.content_share + order.noise_share],
            &[split.r2],
            1e-12,
            0.0,
        );
    }
    assert_eq!(split.content_first.noise, split.joint.noise);
    assert_eq!(split.noise_first.content, split.joint.content);
}

proptest! {
    #[test]
    fn a_mixture_is_taken_apart(a in -2.0f32..2.0, b in 0.1f32..2.0, seed in 0u64..1000) {
        let mut stream = Seed::new(seed).stream();
        let mut draw = || -> Vec<f32> { (0..200).map(|_| stream.normal() as f32).collect() };
        let (x0, x1) = (draw(), draw());
        let xr: Vec<f32> = x0.iter().zip(&x1).map(|(c, d)| a * c + b * (d - c)).collect();
        let split = content_noise(&xr, &x0, &x1).unwrap();
        // The mixture is rounded to f32.
        prop_assert!((split.joint.content - f64::from(a)).abs() < 1e-5);
        prop_assert!((split.joint.noise - f64::from(b)).abs() < 1e-5);
        prop_assert!((split.r2 - 1.0).abs() < 1e-5);
    }
}

#[test]
fn what_cannot_be_taken_apart_is_an_error() {
    let x0 = [1.0f32, -2.0, 3.0, 0.5];
    let text =
        |xr: &[f32], x0: &[f32], x1: &[f32]| content_noise(xr, x0, x1).unwrap_err().to_string();
    assert_eq!(
        text(&x0, &x0, &x0),
        "content and noise: undefined, because the image is not corrupted"
    );
    let half = x0.map(|v| v / 2.0);
    assert_eq!(
        text(&x0, &x0, &half),
        "content and noise: undefined, because the noise is a multiple of the clean image"
    );
    assert_eq!(
        text(&x0, &x0, &half[..3]),
        "corrupted image: expected 4 values, found 3"
    );
    assert!(content_noise(&[0.0; 4], &x0, &[1.0; 4]).is_err());
    assert!(cosine(&x0, &[0.0; 4]).is_err());
}

#[test]
fn the_area_is_the_mean_fit() {
    let line = [(0.5, 0.6), (0.1, 1.0), (0.9, 0.2)];
    assert_close(&[area_under_fit(&line).unwrap()], &[0.6], 1e-12, 0.0);
    assert!(area_under_fit(&line[..1]).is_err() && area_under_fit(&[]).is_err());
    assert!(area_under_fit(&[(0.1, 1.0), (0.1, 0.9)]).is_err());
    assert!(area_under_fit(&[(0.1, 1.0), (0.2, f64::NAN)]).is_err());
}

#[test]
fn a_grating_has_its_power_in_one_ring() {
    let pixels: Vec<f32> = (0..32 * 32)
        .map(|i| (std::f32::consts::TAU * 5.0 * (i % 32) as f32 / 32.0).cos())
        .collect();
    let spectrum = radial_spectrum(&pixels, [32, 32, 1]).unwrap();
    assert_eq!(spectrum.cycles_per_pixel.len(), 17);
    assert_close(
        &[spectrum.cycles_per_pixel[5], spectrum.cycles_per_pixel[16]],
        &[5.0 / 32.0, 0.5],
        1e-12,
        0.0,
    );
    let total: f64 = spectrum.power.iter().sum();
    assert_close(&[spectrum.power[5]], &[total], 1e-9, 1e-9);
    let ratio = spectrum_ratio(&pixels, &pixels, [32, 32, 1]).unwrap();
    assert_eq!(ratio[5], Some(1.0));
    assert_eq!(ratio[7], None);
}

#[test]
fn equal_images_are_alike() {
    let golden = Golden::open("reconstruct/metrics");
    let x0 = golden.f32("x0").1;
    assert_close(&[ssim(&x0, &x0, SHAPE, 4.0).unwrap()], &[1.0], 1e-12, 0.0);
    assert_eq!(psnr(&x0, &x0, 4.0).unwrap(), f64::INFINITY);
    let scaled: Vec<f32> = x0.iter().map(|v| 0.1 * v + 3.0).collect();
    // One rounding to f32 at a value of 3 and its magnification by 10.
    assert_close(&matched(&scaled, &x0).unwrap(), &x0, 1e-5, 0.0);
    assert!(ssim(&x0[..300], &x0[..300], [10, 10, 3], 4.0).is_err());
    assert!(psnr(&x0, &x0, 0.0).is_err() && matched(&[1.0; 4], &x0[..4]).is_err());
}

#[test]
fn spending_of_a_scaled_image_is_flat() {
    let golden = Golden::open("reconstruct/metrics");
    let x0 = golden.f32("x0").1;
    let third: Vec<f32> = x0.iter().map(|v| v * 0.5).collect();
    let map = local_spending(&third, &x0, SHAPE, 1.0).unwrap();
    assert_close(&map, &vec![0.25; map.len()], 1e-9, 0.0);
    assert!(local_spending(&x0, &vec![0.0; x0.len()], SHAPE, 1.0).is_err());
}

fn reconstruction(id: u64, q: f64, pixels: [f32; 4]) -> Reconstruction {
    let norm = pixels.iter().map(|v| f64::from(v * v)).sum::<f64>().sqrt();
    Reconstruction {
        image: 0,
        id,
        budget: Budget::fraction(q).unwrap(),
        restart: 0,
        shape: [2, 2, 1],
        pixels: pixels.to_vec(),
        norm,
        norm_limit: norm,
        original_norm: 10.0,
        objective: 0.0,
        score: 0.0,
        feature_variance: 1.0,
        curve: Vec::new(),
        steps: 1,
    }
}

#[test]
fn networks_classify_what_others_show() {
    let first = [
        reconstruction(1, 0.1, [3.0, 0.0, 0.0, 0.0]),
        reconstruction(2, 0.1, [0.0, 3.0, 0.0, 0.0]),
        reconstruction(1, 0.2, [0.0, 0.0, 3.0, 0.0]),
        reconstruction(2, 0.2, [0.0, 3.0, 4.0, 0.0]),
    ];
    let second = [reconstruction(1, 0.1, [0.0; 4])];
    let labels = BTreeMap::from([(1, 0), (2, 1)]);
    // The class is the brightest pixel, or that after a turn.
    let plain = |x: &Tensor| x.flatten_from(1);
    let turned =
        |x: &Tensor| Tensor::cat(&[x.narrow(1, 1, 1)?, x.narrow(1, 0, 1)?], 1)?.flatten_from(1);
    let classifiers: [(&str, &Network<'_>); 2] = [("plain", &plain), ("turned", &turned)];
    let device = Device::Cpu;
    let cells = cross_classify(
        &[("first", &first), ("second", &second)],
        &classifiers,
        &labels,
        &device,
    )
    .unwrap();
    let summary: Vec<(&str, &str, usize, usize)> = cells
        .iter()
        .map(|c| {
            (
                &*c.reconstructed_from,
                &*c.classified_by,
                c.correct,
                c.count,
            )
        })
        .collect();
    assert_eq!(
        summary,
        [
            ("first", "plain", 2, 2),
            ("first", "plain", 0, 2),
            ("first", "turned", 0, 2),
            ("first", "turned", 1, 2),
            ("second", "plain", 1, 1),
            ("second", "turned", 1, 1),
        ]
    );
    assert_eq!(cells[0].accuracy(), 1.0);
    let labelled = classify(&plain, &first[..1], &labels, &device).unwrap();
    assert_eq!(labelled[0].logits, [10.0, 0.0, 0.0, 0.0]);
    assert_close(&[labelled[0].norm], &[10.0], 1e-6, 0.0);
    let unknown = classify(
        &plain,
        &[reconstruction(3, 0.1, [1.0; 4])],
        &labels,
        &device,
    );
    assert_eq!(
        unknown.unwrap_err().to_string(),
        "labels: expected a class for each image id, found none for 3"
    );
}
