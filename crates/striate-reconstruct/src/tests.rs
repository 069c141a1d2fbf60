//! The acceptance cases of analyses.md 8.6 and the behaviour of both modes.

use std::ops::ControlFlow;

use candle_core::{Device, Tensor};
use striate_nn::ops::{conv2d, gaussian_blur};
use striate_random::Seed;
use striate_testkit::{Golden, assert_close};

use crate::objective::features;
use crate::problem::Problem;
use crate::projection::Projection;
use crate::{
    Budget, Constraint, Error, GradientBlur, LearningRate, Mode, ReconstructConfig, Reconstruction,
    Start, Task, reconstruct,
};

fn random(shape: (usize, usize, usize, usize), purpose: &str) -> Tensor {
    let (a, b, c, d) = shape;
    let mut stream = Seed::new(5).child(purpose).stream();
    let values: Vec<f32> = (0..a * b * c * d).map(|_| stream.normal() as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Random images with the spectrum of photographs, roughly.
fn smooth_images(count: usize, size: usize, channels: usize) -> Tensor {
    let noise = random((count, size, size, channels), "images");
    let fine = random((count, size, size, channels), "fine");
    ((gaussian_blur(&noise, 7, 2.0).unwrap() * 5.0).unwrap() + (fine * 0.1).unwrap()).unwrap()
}

fn identity(x: &Tensor) -> candle_core::Result<Tensor> {
    Ok(x.clone())
}

/// A fixed random convolution, 3x3 with zero padding, without pooling.
fn convolution(channels: usize, out: usize) -> impl Fn(&Tensor) -> candle_core::Result<Tensor> {
    let scale = (2.0 / (9 * channels) as f64).sqrt();
    let weight = (random((out, 3, 3, channels), "weight") * scale).unwrap();
    move |x: &Tensor| conv2d(x, &weight, None, 1, 1).map_err(candle_core::Error::wrap)
}

fn run(
    network: &crate::Network<'_>,
    images: &Tensor,
    budgets: &[Budget],
    config: &ReconstructConfig,
) -> Vec<Reconstruction> {
    let ids: Vec<u64> = (0..images.dim(0).unwrap() as u64).collect();
    let task = Task {
        images,
        ids: &ids,
        budgets,
        seed: Seed::new(1000),
    };
    reconstruct(network, &task, config, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn pixels(images: &Tensor, i: usize) -> Vec<f32> {
    images
        .get(i)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1()
        .unwrap()
}

/// Steps that converge on the identity: its objective has curvature 2 per
/// activation, so a quarter of the inverse is safe.
fn identity_config(steps: usize) -> ReconstructConfig {
    ReconstructConfig {
        mode: Mode::Exact { steps },
        learning_rate: LearningRate::PerActivation(0.25),
        blur: None,
        ..ReconstructConfig::default()
    }
}

#[test]
fn a_bound_that_does_not_bind_gives_the_original() {
    // Acceptance test 6a.
    let images = smooth_images(2, 8, 3);
    let budgets = [
        Budget::fraction(1.0).unwrap().at_most(),
        Budget::norm(1e3).unwrap().at_most(),
    ];
    let fast = ReconstructConfig {
        mode: Mode::Fast {
            max_steps: 300,
            window: 100,
            tolerance: 0.0,
        },
        ..identity_config(0)
    };
    for config in [identity_config(100), fast] {
        for found in run(&identity, &images, &budgets, &config) {
            // f32 rounding; the fast mode stops where the objective, a square, no longer falls.
            let atol = if matches!(config.mode, Mode::Exact { .. }) {
                1e-5
            } else {
                1e-3
            };
            assert_close(&found.pixels, &pixels(&images, found.image), atol, 0.0);
        }
    }
}

#[test]
fn a_fixed_norm_gives_the_scaled_original() {
    // Acceptance test 6b: x = B x0 / ||x0||, below and above the original's norm.
    let images = smooth_images(2, 8, 1);
    let budgets = [Budget::norm(2.0).unwrap(), Budget::fraction(1.7).unwrap()];
    for found in run(&identity, &images, &budgets, &identity_config(100)) {
        let factor = (found.norm_limit / found.original_norm) as f32;
        let expected: Vec<f32> = pixels(&images, found.image)
            .iter()
            .map(|v| v * factor)
            .collect();
        // f32 rounding of values of order 1 over 100 updates.
        assert_close(&found.pixels, &expected, 1e-5, 1e-5);
        assert_close(&[found.norm], &[found.norm_limit], 0.0, 1e-5);
    }
}

#[test]
fn the_objective_does_not_rise_on_conv1_1() {
    // Acceptance test 6c, with the study's step, blur and budgets.
    let images = smooth_images(1, 32, 3);
    let network = convolution(3, 16);
    let budgets = [5.0, 20.0, 60.0].map(|b| Budget::norm(b).unwrap());
    let config = ReconstructConfig {
        mode: Mode::Exact { steps: 400 },
        log_every: 1,
        ..ReconstructConfig::default()
    };
    for found in run(&network, &images, &budgets, &config) {
        assert_eq!(found.curve.len(), 400);
        for pair in found.curve[50..].windows(2) {
            // f32 rounding of a mean over 16,384 activations.
            assert!(
                pair[1].1 <= pair[0].1 * (1.0 + 1e-5),
                "budget {}: {pair:?}",
                found.budget
            );
        }
        assert!(found.curve[399].1 < found.curve[0].1);
        assert_eq!(found.score, found.curve[399].1);
    }
}

#[test]
fn fifty_exact_steps_follow_pytorch() {
    let golden = Golden::open("reconstruct/exact");
    let tensor = |name: &str| {
        let (shape, values) = golden.f32(name);
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    };
    let layer = |name: &str| {
        tensor(name)
            .permute((0, 2, 3, 1))
            .and_then(|w| w.contiguous())
    };
    let (w1, w2) = (layer("w1").unwrap(), layer("w2").unwrap());
    let convolve =
        |x: &Tensor, w: &Tensor| conv2d(x, w, None, 1, 1).map_err(candle_core::Error::wrap);
    let network = |x: &Tensor| convolve(&striate_nn::ops::relu(&convolve(x, &w1)?)?, &w2);
    let rows = Tensor::new(&[0u32, 0, 1, 1], &Device::Cpu).unwrap();
    let originals = tensor("images").index_select(&rows, 0).unwrap();
    let target = features(&network, &originals).unwrap();
    let budgets = [
        Budget::norm(5.0).unwrap(),
        Budget::norm(12.0).unwrap().at_most(),
    ];
    let bounds = [
        (5.0, Constraint::Equal),
        (12.0, Constraint::AtMost),
        (5.0, Constraint::Equal),
        (1000.0, Constraint::AtMost),
    ];
    let config = ReconstructConfig::default();
    let problem = Problem {
        network: &network,
        start: tensor("start"),
        learning_rate: config.learning_rate.resolve(target.dim(1).unwrap()),
        target,
        variances: vec![1.0; 4],
        projection: Projection::new(&bounds, None, &Device::Cpu).unwrap(),
        blur: config.blur,
        labels: (0..4).map(|i| (i / 2, budgets[i as usize % 2])).collect(),
    };
    let solved = crate::exact::solve(&problem, 50, 1, &mut |_, _| Ok(())).unwrap();
    let (_, curves) = golden.f64("curves");
    let (_, found) = golden.f64("found");
    for (row, solved) in solved.iter().enumerate() {
        // PyTorch ran in f64, so this is the rounding of f32 over 50 steps; the
        // derivative of a ReLU jumps, which a rounded value near 0 can meet.
        let curve: Vec<f64> = solved.curve.iter().map(|(_, loss)| *loss).collect();
        assert_close(&curve, &curves[row * 50..][..50], 1e-6, 1e-4);
        let pixels = solved
            .image
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        assert_close(&pixels, &found[row * 768..][..768], 1e-4, 1e-4);
    }
}

#[test]
fn a_batch_gives_what_single_runs_give() {
    // Acceptance test 6d.
    let images = smooth_images(3, 12, 1);
    let network = convolution(1, 4);
    let budgets = [
        Budget::fraction(0.2).unwrap(),
        Budget::fraction(0.5).unwrap().at_most(),
    ];
    for mode in [Mode::Exact { steps: 60 }, Mode::fast()] {
        let config = |batch| ReconstructConfig {
            mode,
            batch,
            restarts: 2,
            ..ReconstructConfig::default()
        };
        let together = run(&network, &images, &budgets, &config(64));
        let single = run(&network, &images, &budgets, &config(1));
        assert_eq!(together.len(), 12);
        for (a, b) in together.iter().zip(&single) {
            assert_eq!(
                (a.image, a.budget, a.restart),
                (b.image, b.budget, b.restart)
            );
            assert_close(&a.pixels, &b.pixels, 1e-5, 1e-5);
        }
    }
}

#[test]
fn the_blur_keeps_a_constant() {
    // Acceptance test 6e: the gradient of the mean of the image is a constant,
    // so a flat image stays flat under any number of smoothed steps.
    let images = Tensor::full(0.7f32, (2, 6, 9, 3), &Device::Cpu).unwrap();
    let mean = |x: &Tensor| x.flatten_from(1)?.mean(1);
    let blur = GradientBlur::default();
    let x = gaussian_blur(&images, 2 * blur.half_width + 1, blur.sigma_px).unwrap();
    let x = x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_close(&x, &vec![0.7f32; x.len()], 1e-6, 0.0);
    let config = ReconstructConfig {
        start: Start::Original,
        blur: Some(blur),
        ..identity_config(20)
    };
    let budgets = [Budget::fraction(0.5).unwrap()];
    for found in run(&mean, &images, &budgets, &config) {
        assert_close(&found.pixels, &vec![0.35f32; found.pixels.len()], 1e-6, 0.0);
    }
}

#[test]
fn the_fast_mode_reaches_the_exact_objective() {
    let images = smooth_images(2, 16, 1);
    let first = convolution(1, 8);
    let deep = {
        let (first, second) = (convolution(1, 8), convolution(8, 8));
        move |x: &Tensor| {
            Ok(striate_nn::ops::relu(&second(&striate_nn::ops::relu(
                &first(x)?,
            )?)?)?)
        }
    };
    let networks: [&crate::Network<'_>; 2] = [&first, &deep];
    let budgets = [0.1, 0.4, 1.0].map(|q| Budget::fraction(q).unwrap());
    let exact = ReconstructConfig {
        mode: Mode::Exact { steps: 1500 },
        ..ReconstructConfig::default()
    };
    for network in networks {
        let exact = run(network, &images, &budgets, &exact);
        let fast = run(network, &images, &budgets, &ReconstructConfig::fast());
        for (exact, fast) in exact.iter().zip(&fast) {
            // Either may stop a little above the optimum; 0.005 of the variance
            // cannot be seen in a picture. The fast one may also find a better one.
            assert!(
                fast.feature_fit() <= exact.feature_fit() * 1.01 + 0.005,
                "{} {}: exact {} fast {} in {}",
                exact.image,
                exact.budget,
                exact.feature_fit(),
                fast.feature_fit(),
                fast.steps
            );
            assert!(fast.steps <= 600, "{} steps", fast.steps);
            assert!(fast.curve.windows(2).all(|pair| pair[1].1 <= pair[0].1));
        }
    }
}

#[test]
fn an_image_of_norm_zero_is_safe() {
    let images = Tensor::zeros((1, 6, 6, 1), candle_core::DType::F32, &Device::Cpu).unwrap();
    let budgets = [
        Budget::fraction(0.5).unwrap(),
        Budget::fraction(0.5).unwrap().at_most(),
    ];
    for config in [identity_config(5), ReconstructConfig::fast()] {
        for found in run(&identity, &images, &budgets, &config) {
            assert_close(&found.pixels, &[0f32; 36], 0.0, 0.0);
            assert!(found.feature_fit().is_nan());
        }
    }
}

#[test]
fn the_result_depends_on_the_id_and_not_on_the_place() {
    let images = smooth_images(2, 8, 1);
    let network = convolution(1, 4);
    let budgets = [Budget::norm(3.0).unwrap()];
    let config = ReconstructConfig {
        mode: Mode::Exact { steps: 10 },
        ..ReconstructConfig::default()
    };
    let go = |images: &Tensor, ids: &[u64]| {
        let task = Task {
            images,
            ids,
            budgets: &budgets,
            seed: Seed::new(3),
        };
        reconstruct(&network, &task, &config, &mut |_| ControlFlow::Continue(())).unwrap()
    };
    let both = go(&images, &[7, 9]);
    let second = go(&images.narrow(0, 1, 1).unwrap(), &[9]);
    assert_close(&both[1].pixels, &second[0].pixels, 1e-6, 1e-6);
    let other = go(&images.narrow(0, 1, 1).unwrap(), &[7]);
    assert_ne!(second[0].pixels, other[0].pixels);
}

#[test]
fn the_observer_can_stop_the_work() {
    let images = smooth_images(2, 8, 1);
    let budgets = [Budget::norm(3.0).unwrap()];
    let task = Task {
        images: &images,
        ids: &[0, 1],
        budgets: &budgets,
        seed: Seed::new(3),
    };
    let config = ReconstructConfig {
        batch: 1,
        ..identity_config(50)
    };
    let mut calls = 0;
    let outcome = reconstruct(&identity, &task, &config, &mut |progress| {
        calls += 1;
        if progress.finished == 1 && progress.step == 20 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(matches!(
        outcome,
        Err(Error::Interrupted {
            finished: 1,
            total: 2
        })
    ));
    // Steps 0, 10, ..., 40 and the last of the first image; 0, 10, 20 of the second.
    assert_eq!(calls, 6 + 3);
}

#[test]
fn bad_input_is_named() {
    let images = smooth_images(2, 8, 1);
    let budgets = [Budget::norm(3.0).unwrap()];
    let go =
        |network: &crate::Network<'_>, images: &Tensor, ids: &[u64], config: &ReconstructConfig| {
            let task = Task {
                images,
                ids,
                budgets: &budgets,
                seed: Seed::new(3),
            };
            reconstruct(network, &task, config, &mut |_| ControlFlow::Continue(()))
                .unwrap_err()
                .to_string()
        };
    let config = identity_config(3);
    assert_eq!(
        go(&identity, &images, &[0], &config),
        "ids of the images: expected 2 values, found 1"
    );
    assert_eq!(
        go(&identity, &images.get(0).unwrap(), &[0], &config),
        "images: expected f32 [images, height, width, channels], none of them 0, found f32 [8, 8, 1]"
    );
    let constant = |x: &Tensor| Tensor::ones(x.dim(0)?, candle_core::DType::F32, x.device());
    assert_eq!(
        go(&constant, &images, &[0, 1], &config),
        "features of the network: expected a gradient with respect to the image, found none"
    );
    let summed = |x: &Tensor| x.sum_all();
    assert_eq!(
        go(&summed, &images, &[0, 1], &config),
        "features of the network: expected 2 images in the first dimension, found shape []"
    );
    let wild = ReconstructConfig {
        learning_rate: LearningRate::Absolute(1e30),
        ..identity_config(30)
    };
    let squares = |x: &Tensor| x.sqr();
    let unbound = [Budget::norm(1e38).unwrap().at_most()];
    let task = Task {
        images: &images,
        ids: &[0, 1],
        budgets: &unbound,
        seed: Seed::new(3),
    };
    let outcome = reconstruct(&squares, &task, &wild, &mut |_| ControlFlow::Continue(()));
    assert!(
        matches!(outcome, Err(Error::NotFinite { id: 0, .. })),
        "{outcome:?}"
    );
    assert!(Budget::norm(f64::NAN).is_err() && Budget::fraction(0.0).is_err());
}

#[test]
fn the_configuration_round_trips_and_refuses_unknown_keys() {
    let config = ReconstructConfig::fast();
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(
        serde_json::from_str::<ReconstructConfig>(&text).unwrap(),
        config
    );
    assert!(serde_json::from_str::<ReconstructConfig>(r#"{"steps": 3}"#).is_err());
    let budget = r#"{"amount": {"fraction": -1.0}, "constraint": "equal"}"#;
    assert!(serde_json::from_str::<Budget>(budget).is_err());
}

#[test]
fn the_valid_range_is_kept() {
    let images = smooth_images(1, 8, 2);
    let config = ReconstructConfig {
        valid_range: Some(vec![[-0.5, 0.5], [-1.0, 0.25]]),
        ..identity_config(20)
    };
    let budgets = [Budget::norm(50.0).unwrap()];
    let found = run(&identity, &images, &budgets, &config);
    let (first, second): (Vec<_>, Vec<_>) = found[0].pixels.chunks(2).map(|p| (p[0], p[1])).unzip();
    assert!(first.iter().all(|v| (-0.5..=0.5).contains(v)));
    assert!(second.iter().all(|v| (-1.0..=0.25).contains(v)));
}
