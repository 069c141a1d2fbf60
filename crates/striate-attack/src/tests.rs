//! The attacks on convolutional networks, against PyTorch and against differences.

use std::ops::ControlFlow;

use candle_core::{Device, Tensor};
use proptest::prelude::*;
use striate_models::{Head, MultiTaskNet, VggConfig};
use striate_nn::Context;
use striate_nn::ops::{conv2d, relu};
use striate_random::Seed;
use striate_testkit::{Differences, Golden, assert_close, finite_differences};

use crate::geometry::{ball_point, direction, distance, project};
use crate::gradient::take_step;
use crate::network::{classify, evaluate, log_odds};
use crate::{Attack, AttackConfig, BoundaryConfig, Error, Network, Norm, Outcome, Task, attack};

fn uniform(shape: &[usize], purpose: &str) -> Tensor {
    let mut stream = Seed::new(5).child(purpose).stream();
    let count = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| stream.uniform_f32()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn flat(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

/// A small VGG in evaluation mode, its batch norm's statistics those of random images.
pub(crate) fn vgg(channels: usize) -> impl Fn(&Tensor) -> candle_core::Result<Tensor> {
    let config = VggConfig {
        in_channels: channels,
        blocks: vec![vec![6, 6], vec![8, 8]],
        split: "conv2_1".parse().unwrap(),
        head: Head::Conv {
            hidden: vec![10],
            dropout: 0.5,
        },
        classes: 4,
        input_size: 12,
        ..VggConfig::default()
    };
    let net = MultiTaskNet::new(&config, &Device::Cpu, &Seed::new(3)).unwrap();
    for round in 0..20 {
        let x = uniform(&[32, 12, 12, channels], "statistics");
        let x = ((x - 0.5).unwrap() * 3.0).unwrap();
        let mut training = Context::train(Seed::new(round).stream());
        net.logits(&x, &mut training).unwrap();
    }
    net.params().set_trainable("", false);
    move |x: &Tensor| {
        net.logits(&((x - 0.5)? * 4.0)?, &mut Context::eval())
            .map_err(candle_core::Error::wrap)
    }
}

pub(crate) fn run(
    network: &Network<'_>,
    images: &Tensor,
    labels: &[u32],
    kind: Attack,
    epsilons: &[f64],
    config: &AttackConfig,
) -> Outcome {
    let ids: Vec<u64> = (0..labels.len() as u64).collect();
    let task = Task {
        images,
        labels,
        ids: &ids,
        seed: Seed::new(7),
    };
    attack(network, &task, kind, epsilons, config, &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap()
}

/// Random images and the classes that the network sees in them.
fn own_classes(network: &Network<'_>, count: usize, channels: usize) -> (Tensor, Vec<u32>) {
    let images = uniform(&[count, 12, 12, channels], "images");
    let labels = classify(network, &images, &vec![0; count]).unwrap();
    (images, labels)
}

fn kept() -> AttackConfig {
    AttackConfig {
        keep_images: true,
        ..AttackConfig::default()
    }
}

#[test]
fn the_gradient_through_a_gray_vgg_agrees_with_differences() {
    the_gradient_agrees_with_differences(1);
}

#[test]
fn the_gradient_through_a_colour_vgg_agrees_with_differences() {
    the_gradient_agrees_with_differences(3);
}

fn the_gradient_agrees_with_differences(channels: usize) {
    let network = vgg(channels);
    let (images, labels) = own_classes(&network, 2, channels);
    let found = evaluate(&network, &images, &labels, &[0, 1]).unwrap();
    // A small step, since the pools and ReLUs bend the function; the log odds are of
    // order 1, so that their rounding gives errors of about 1e-3 in a difference.
    let options = Differences {
        step: 1e-3,
        stride: 1,
    };
    let expected = finite_differences(&flat(&images), options, |x| {
        let x = Tensor::from_slice(x, images.shape(), &Device::Cpu).unwrap();
        let odds = log_odds(&network(&x).unwrap(), &labels).unwrap();
        odds.to_vec1::<f32>()
            .unwrap()
            .iter()
            .map(|v| f64::from(*v))
            .sum()
    });
    let gradient = flat(&found.gradient);
    let largest = gradient.iter().fold(0f32, |a, b| a.max(b.abs()));
    assert!(largest > 0.05, "{largest}");
    let close = expected
        .iter()
        .filter(|(i, d)| (f64::from(gradient[*i]) - d).abs() < 0.02 * f64::from(largest));
    // A kink within the step spoils a difference, not the gradient.
    let share = close.count() as f64 / expected.len() as f64;
    assert!(share > 0.97, "{share} of the pixels agree");
}

/// The network of `tests/golden/attack.py`.
fn golden_network(golden: &Golden) -> impl Fn(&Tensor) -> candle_core::Result<Tensor> {
    let tensor = |name: &str| {
        let (shape, values) = golden.f32(name);
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    };
    let [w1, w2, w3, mean, std] = ["w1", "w2", "w3", "mean", "std"].map(tensor);
    move |x: &Tensor| {
        let convolve = |x: &Tensor, w: &Tensor| {
            let y = conv2d(x, w, None, 1, 1).map_err(candle_core::Error::wrap)?;
            relu(&y).map_err(candle_core::Error::wrap)
        };
        let x = x.broadcast_sub(&mean)?.broadcast_div(&std)?;
        let x = convolve(&x, &w1)?;
        convolve(&x, &w2)?.flatten_from(1)?.matmul(&w3.t()?)
    }
}

#[test]
fn steps_on_gray_images_follow_pytorch() {
    steps_follow_pytorch("attack/pgd");
}

#[test]
fn steps_on_colour_images_follow_pytorch() {
    steps_follow_pytorch("attack/pgd_colour");
}

fn steps_follow_pytorch(name: &str) {
    let golden = Golden::open(name);
    let network = golden_network(&golden);
    let tensor = |name: &str| {
        let (shape, values) = golden.f32(name);
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    };
    let (images, labels) = (tensor("images"), golden.u32("labels"));
    let scores = network(&images).unwrap();
    assert_close(&flat(&scores), &golden.f64("logits").1, 1e-5, 1e-5);
    let ids = [0, 1, 2];
    // The cross-entropy's gradient is that of the log odds times their logistic function.
    let odds = log_odds(&scores, &labels).unwrap();
    let odds = odds.to_vec1::<f32>().unwrap();
    let loss: f64 = odds.iter().map(|r| f64::from(*r).exp().ln_1p()).sum();
    assert_close(&[loss], &golden.f64("loss").1, 1e-5, 1e-5);
    let found = evaluate(&network, &images, &labels, &ids).unwrap();
    let mut scaled = flat(&found.gradient);
    let pixels = scaled.len() / odds.len();
    for (row, odds) in scaled.chunks_mut(pixels).zip(&odds) {
        row.iter_mut().for_each(|g| *g /= 1.0 + (-odds).exp());
    }
    assert_close(&scaled, &golden.f64("gradient").1, 1e-5, 1e-4);

    for (norm, name) in [(Norm::Linf, "linf"), (Norm::L2, "l2")] {
        let epsilon = golden.f64(&format!("{name}_epsilon")).1[0];
        let mut x = tensor(&format!("{name}_start"));
        for _ in 0..12 {
            let gradient = evaluate(&network, &x, &labels, &ids).unwrap().gradient;
            x = take_step(norm, &images, &x, &gradient, 2.5 * epsilon / 12.0, epsilon).unwrap();
        }
        // f32 against f64 over 12 steps of at most 0.13.
        let expected = golden.f64(&format!("{name}_found")).1;
        assert_close(&flat(&x), &expected, 2e-6, 0.0);
    }
}

#[test]
fn pgd_falls_with_epsilon_and_is_no_weaker_than_fgsm() {
    pgd_is_no_weaker_than_fgsm(1);
    pgd_is_no_weaker_than_fgsm(3);
}

fn pgd_is_no_weaker_than_fgsm(channels: usize) {
    let network = vgg(channels);
    let (images, labels) = own_classes(&network, 24, channels);
    let epsilons = [0.002, 0.005, 0.01, 0.02, 0.04];
    for (single, many, scale) in [
        (Attack::FgsmLinf, Attack::PgdLinf, 1.0),
        // The norm of an image of ones.
        (
            Attack::FgsmL2,
            Attack::PgdL2,
            (144.0 * channels as f64).sqrt(),
        ),
    ] {
        let epsilons = epsilons.map(|e| e * scale);
        let go =
            |kind, config: &AttackConfig| run(&network, &images, &labels, kind, &epsilons, config);
        let single = go(single, &kept());
        let many = go(many, &kept());
        let twice = AttackConfig {
            restarts: 3,
            ..kept()
        };
        let thrice = go(many.attack, &twice);
        for which in 0..epsilons.len() {
            assert!(many.correct(which) <= single.correct(which), "{which}");
            assert!(thrice.correct(which) <= many.correct(which), "{which}");
            let before = which.checked_sub(1).map_or(24, |w| many.correct(w));
            assert!(many.correct(which) <= before, "{which}");
        }
        assert!(many.correct(0) > many.correct(4), "{many:?}");
        for found in [&single, &many, &thrice] {
            assert_eq!((found.clean(), found.zero_gradients()), (24, 0.0));
            sizes_are_true(found, &images, &network);
        }
    }
}

/// Each perturbed image is in `[0, 1]`, is misclassified, and is as near as it is said to be.
fn sizes_are_true(found: &Outcome, images: &Tensor, network: &Network<'_>) {
    for (row, image) in found.images.iter().enumerate() {
        let (Some(size), Some(perturbed)) = (image.distance, &image.perturbed) else {
            continue;
        };
        assert!(perturbed.iter().all(|v| (0.0..=1.0).contains(v)));
        let original = images.get(row).unwrap();
        let far = distance(found.attack.norm(), perturbed, &flat(&original));
        assert_close(&[far], &[size], 1e-12, 0.0);
        if found.attack != Attack::Boundary {
            let largest = found.epsilons.iter().copied().fold(0.0, f64::max);
            assert!(size <= largest + 1e-6);
        }
        let x = Tensor::from_slice(perturbed, original.shape(), &Device::Cpu).unwrap();
        let class = classify(network, &x.unsqueeze(0).unwrap(), &[0]).unwrap();
        assert_ne!(class[0], image.label);
    }
}

#[test]
fn place_and_company_do_not_matter() {
    let network = vgg(1);
    let (images, labels) = own_classes(&network, 9, 1);
    for kind in Attack::ALL {
        let go = |rows: &[usize], batch| {
            let index: Vec<u32> = rows.iter().map(|r| *r as u32).collect();
            let index = Tensor::new(index, &Device::Cpu).unwrap();
            let ids: Vec<u64> = rows.iter().map(|r| *r as u64).collect();
            let labels: Vec<u32> = rows.iter().map(|r| labels[*r]).collect();
            let task = Task {
                images: &images.index_select(&index, 0).unwrap(),
                labels: &labels,
                ids: &ids,
                seed: Seed::new(7),
            };
            let config = AttackConfig {
                batch,
                boundary: BoundaryConfig {
                    steps: 60,
                    // Enough for every image here; another image is company.
                    noise_draws: 300,
                    ..BoundaryConfig::default()
                },
                ..kept()
            };
            let mut go = |_: &_| ControlFlow::Continue(());
            attack(&network, &task, kind, &[0.01, 0.3], &config, &mut go).unwrap()
        };
        let all = go(&[0, 1, 2, 3, 4, 5, 6, 7, 8], 4);
        let some = go(&[6, 2], 1);
        for (some, row) in some.images.iter().zip([6, 2]) {
            assert_eq!(some.withstands, all.images[row].withstands, "{kind}");
            assert_eq!(some.queries, all.images[row].queries, "{kind}");
            // The kernels may group sums differently for another batch size.
            let size = |d: Option<f64>| d.unwrap_or(-1.0);
            let pair = (size(some.distance), size(all.images[row].distance));
            assert_close(&[pair.0], &[pair.1], 1e-6, 1e-4);
        }
    }
}

#[test]
fn the_boundary_attack_beats_one_step() {
    the_boundary_attack_is_nearer_than_one_step(1);
    the_boundary_attack_is_nearer_than_one_step(3);
}

fn the_boundary_attack_is_nearer_than_one_step(channels: usize) {
    let network = vgg(channels);
    let (images, labels) = own_classes(&network, 8, channels);
    let config = AttackConfig {
        boundary: BoundaryConfig {
            // The way is as long as there are dimensions.
            steps: 1500 * channels,
            ..BoundaryConfig::default()
        },
        ..kept()
    };
    let walked = run(&network, &images, &labels, Attack::Boundary, &[], &config);
    sizes_are_true(&walked, &images, &network);
    let sizes: Vec<f64> = (1..60).map(|i| 0.02 * f64::from(i)).collect();
    let stepped = run(&network, &images, &labels, Attack::FgsmL2, &sizes, &kept());
    let (walked, stepped) = (walked.median_distance(), stepped.median_distance());
    assert!(walked.unwrap() < stepped.unwrap(), "{walked:?} {stepped:?}");
}

#[test]
fn a_network_without_gradient_is_reported() {
    // Steps of 1/8: no gradient anywhere, though brightness decides.
    let network = |x: &Tensor| {
        let steps = (x.detach() * 8.0)?.round()?;
        let dead = relu(&(x - 2.0)?).map_err(candle_core::Error::wrap)?;
        let bright = ((steps + dead)?.flatten_from(1)?.mean_keepdim(1)? - 4.2)?;
        Tensor::cat(&[&bright.neg()?, &bright], 1)
    };
    let images = uniform(&[6, 4, 4, 1], "images");
    let labels = classify(&network, &images, &[0; 6]).unwrap();
    let go = |kind| {
        run(
            &network,
            &images,
            &labels,
            kind,
            &[0.5],
            &AttackConfig::default(),
        )
    };
    let found = go(Attack::FgsmLinf);
    assert_eq!((found.zero_gradients(), found.accuracy(0)), (1.0, 1.0));
    let walked = go(Attack::Boundary);
    assert!(walked.images.iter().all(|i| i.distance.is_some()));
    assert_eq!(walked.zero_gradients(), 0.0);
}

#[test]
fn a_sure_network_has_a_gradient() {
    // Scores of thousands: the softmax is exactly 1, its cross-entropy's gradient 0.
    let network = |x: &Tensor| {
        let bright = ((x.flatten_from(1)?.mean_keepdim(1)? - 0.5)? * 1e6)?;
        Tensor::cat(&[&bright.neg()?, &bright, &(&bright * 0.5)?], 1)
    };
    let images = Tensor::full(0.53f32, (1, 4, 4, 1), &Device::Cpu).unwrap();
    let config = AttackConfig::default();
    let found = run(
        &network,
        &images,
        &[1],
        Attack::FgsmL2,
        &[0.11, 0.13],
        &config,
    );
    assert_eq!(found.zero_gradients(), 0.0);
    // The boundary is 0.03 x 4 = 0.12 away.
    assert_eq!(found.images[0].withstands, [true, false]);
}

#[test]
fn what_does_not_fit_is_named() {
    let network = |x: &Tensor| x.flatten_from(1)?.narrow(1, 0, 3);
    let images = uniform(&[2, 4, 4, 1], "images");
    let go = |network: &Network<'_>, images: &Tensor, labels: &[u32], epsilons: &[f64]| {
        let task = Task {
            images,
            labels,
            ids: &[4, 9],
            seed: Seed::new(7),
        };
        let config = AttackConfig::default();
        let mut stop = |p: &crate::Progress| match p.share < 1.0 {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        };
        attack(network, &task, Attack::PgdL2, epsilons, &config, &mut stop)
            .unwrap_err()
            .to_string()
    };
    let fits = |e: &[f64]| go(&network, &images, &[0, 1], e);
    assert!(fits(&[]).starts_with("epsilon: expected finite, positive"));
    assert!(fits(&[0.1, -1.0]).ends_with("found -1"));
    let classes = classify(&network, &images, &[0, 0]).unwrap();
    let message = go(&network, &images, &classes, &[0.1]);
    assert_eq!(message, "interrupted by the caller after 2 of 2 images");
    let message = go(&network, &images, &[0, 3], &[0.1]);
    assert_eq!(
        message,
        "label: expected a class of the network, found 3 of 3 classes"
    );
    let message = go(&network, &images, &[0], &[0.1]);
    assert_eq!(message, "labels of the images: expected 2 values, found 1");
    let bright = (&images + 1.0).unwrap();
    let message = go(&network, &bright, &[0, 1], &[0.1]);
    assert!(message.starts_with("image 4: expected pixels in [0, 1], found 1."));
    let one = |x: &Tensor| x.flatten_from(1)?.narrow(1, 0, 1);
    let message = go(&one, &images, &[0, 0], &[0.1]);
    assert_eq!(
        message,
        "class scores: expected [2, 2 or more], found shape [2, 1]"
    );
    let constant = |x: &Tensor| x.detach().flatten_from(1)?.narrow(1, 0, 3);
    let message = go(&constant, &images, &classes, &[0.1]);
    assert!(message.contains("expected a gradient"), "{message}");
    let infinite = |x: &Tensor| (x.flatten_from(1)?.narrow(1, 0, 3)? * 1e39)?.sqr();
    let message = go(&infinite, &images, &[0, 0], &[0.1]);
    assert_eq!(message, "class scores of image 4: not finite");
    assert!("pgd".parse::<Attack>().is_err());
    for kind in Attack::ALL {
        assert_eq!(kind.name().parse::<Attack>().unwrap(), kind);
        let written = serde_json::to_string(&kind).unwrap();
        assert_eq!(written, format!("\"{kind}\""));
    }
    let none = AttackConfig {
        steps: 0,
        ..AttackConfig::default()
    };
    assert!(matches!(
        none.check(),
        Err(Error::Setting { name: "steps", .. })
    ));
}

proptest! {
    #[test]
    fn steps_stay_in_the_ball_and_in_range(
        pixels in prop::collection::vec(0f32..=1.0, 24),
        gradient in prop::collection::vec(-1e20f32..1e20, 24),
        scale in prop::sample::select(vec![1f32, 1e-25, 0.0]),
        epsilon in 1e-4f64..3.0,
        length in 1e-4f64..3.0,
        seed in 0u64..1000,
    ) {
        for norm in [Norm::Linf, Norm::L2] {
            let tensor = |v: &[f32]| Tensor::from_slice(v, (2, 12), &Device::Cpu).unwrap();
            let origin = tensor(&pixels);
            let gradient: Vec<f32> = gradient.iter().map(|g| g * scale).collect();
            let gradient = tensor(&gradient);
            let unit = flat(&direction(norm, &gradient).unwrap());
            prop_assert!(unit.iter().all(|v| v.abs() <= 1.0 + 1e-6));
            let mut stream = Seed::new(seed).stream();
            let point: Vec<f32> = (0..2)
                .flat_map(|_| ball_point(norm, 12, &mut stream))
                .collect();
            for point in point.chunks(12) {
                prop_assert!(distance(norm, point, &[0.0; 12]) <= 1.0 + 1e-6);
            }
            let moved = (tensor(&point) * epsilon).unwrap();
            let mut x = project(norm, &origin, &moved, epsilon).unwrap();
            for _ in 0..3 {
                x = take_step(norm, &origin, &x, &gradient, length, epsilon).unwrap();
                let x = flat(&x);
                prop_assert!(x.iter().all(|v| (0.0..=1.0).contains(v)));
                for (a, b) in x.chunks(12).zip(pixels.chunks(12)) {
                    prop_assert!(distance(norm, a, b) <= epsilon + 1e-6);
                }
            }
        }
    }
}
