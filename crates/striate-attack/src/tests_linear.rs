//! The attacks on a linear classifier, for which the best perturbations are known.

use candle_core::{Device, Tensor};
use striate_random::Seed;
use striate_testkit::assert_close;

use crate::geometry::{ball_point, project};
use crate::gradient::take_step;
use crate::network::{evaluate, log_odds};
use crate::tests::run;
use crate::{Attack, AttackConfig, BoundaryConfig, Norm};

const SIDE: usize = 8;
const PIXELS: usize = SIDE * SIDE;

/// Class 1 where `w . x + b > 0`, class 0 elsewhere.
struct Linear {
    w: Vec<f32>,
    b: f32,
}

impl Linear {
    fn new() -> Self {
        let mut stream = Seed::new(2).stream();
        let w: Vec<f32> = (0..PIXELS).map(|_| stream.normal() as f32).collect();
        let b = -0.5 * w.iter().sum::<f32>();
        Self { w, b }
    }

    fn network(&self) -> impl Fn(&Tensor) -> candle_core::Result<Tensor> {
        let w = Tensor::from_slice(&self.w, (PIXELS, 1), &Device::Cpu).unwrap();
        let b = f64::from(self.b);
        move |x: &Tensor| {
            let side = (x.flatten_from(1)?.matmul(&w)? + b)?;
            Tensor::cat(&[&side.neg()?, &side], 1)
        }
    }

    fn side(&self, image: &[f32]) -> f64 {
        let terms = self.w.iter().zip(image);
        f64::from(self.b) + terms.map(|(w, x)| f64::from(w * x)).sum::<f64>()
    }

    /// The distance of an image from the boundary: `|w . x + b|` over the dual norm of `w`.
    fn distance(&self, norm: Norm, image: &[f32]) -> f64 {
        let w = self.w.iter().map(|w| f64::from(*w));
        let dual = match norm {
            Norm::Linf => w.map(f64::abs).sum::<f64>(),
            Norm::L2 => w.map(|w| w * w).sum::<f64>().sqrt(),
        };
        self.side(image).abs() / dual
    }
}

/// Images around mid-gray: no perturbation below meets the bounds 0 and 1.
fn images(count: usize) -> (Vec<Vec<f32>>, Tensor) {
    let mut stream = Seed::new(9).stream();
    let rows: Vec<Vec<f32>> = (0..count)
        .map(|_| {
            (0..PIXELS)
                .map(|_| stream.range(0.35, 0.65) as f32)
                .collect()
        })
        .collect();
    let all: Vec<f32> = rows.iter().flatten().copied().collect();
    let shape = (count, SIDE, SIDE, 1);
    (rows, Tensor::from_vec(all, shape, &Device::Cpu).unwrap())
}

fn labels(linear: &Linear, rows: &[Vec<f32>]) -> Vec<u32> {
    rows.iter()
        .map(|r| u32::from(linear.side(r) > 0.0))
        .collect()
}

#[test]
fn an_image_falls_where_its_distance_says() {
    let linear = Linear::new();
    let network = linear.network();
    let (rows, x) = images(16);
    let labels = labels(&linear, &rows);
    for (kind, margin) in [
        (Attack::FgsmLinf, 1e-4),
        (Attack::FgsmL2, 1e-4),
        (Attack::PgdLinf, 1e-4),
        // PGD ends at the nearest point of the boundary up to what is left of its
        // random start, see below.
        (Attack::PgdL2, 0.01),
    ] {
        let distances: Vec<f64> = rows
            .iter()
            .map(|r| linear.distance(kind.norm(), r))
            .collect();
        let mut epsilons: Vec<f64> = distances.iter().map(|d| d * (1.0 - margin)).collect();
        epsilons.extend(distances.iter().map(|d| d * (1.0 + margin)));
        let config = AttackConfig {
            step_size: 5.0,
            steps: 40,
            ..AttackConfig::default()
        };
        let found = run(&network, &x, &labels, kind, &epsilons, &config);
        for (image, distance) in found.images.iter().zip(&distances) {
            for (withstands, epsilon) in image.withstands.iter().zip(&epsilons) {
                if (epsilon / distance - 1.0).abs() > 0.99 * margin {
                    assert_eq!(
                        *withstands,
                        epsilon < distance,
                        "{kind} {epsilon} {distance}"
                    );
                }
            }
        }
    }
}

#[test]
fn pgd_finds_the_best_of_the_ball() {
    let linear = Linear::new();
    let network = linear.network();
    let (rows, x) = images(4);
    let labels = labels(&linear, &rows);
    for (norm, epsilon, tolerance) in [
        // Every pixel reaches its bound: rounding only.
        (Norm::Linf, 0.03, 1e-5),
        // On the sphere the part at right angles to w shrinks by 1 + step / epsilon
        // with each step, to about e^-9 here; the loss lacks half its square.
        (Norm::L2, 0.5, 1e-5),
    ] {
        let mut stream = Seed::new(4).stream();
        let start: Vec<f32> = (0..4)
            .flat_map(|_| ball_point(norm, PIXELS, &mut stream))
            .collect();
        let start = Tensor::from_vec(start, x.shape(), &Device::Cpu).unwrap();
        let mut at = project(norm, &x, &(start * epsilon).unwrap(), epsilon).unwrap();
        for _ in 0..100 {
            let gradient = evaluate(&network, &at, &labels, &[0, 1, 2, 3])
                .unwrap()
                .gradient;
            at = take_step(norm, &x, &at, &gradient, epsilon * 0.1, epsilon).unwrap();
        }
        let odds = |x: &Tensor| {
            let odds = log_odds(&network(x).unwrap(), &labels).unwrap();
            odds.to_vec1::<f32>().unwrap()
        };
        let gained: Vec<f32> = odds(&at).iter().zip(odds(&x)).map(|(a, b)| a - b).collect();
        // Two scores of opposite sign: the odds change by twice epsilon times the dual norm.
        let dual = linear.side(&rows[0]).abs() / linear.distance(norm, &rows[0]);
        assert_close(&gained, &[2.0 * epsilon * dual; 4], 0.0, tolerance);
    }
}

#[test]
fn the_boundary_attack_comes_to_the_nearest_point() {
    let linear = Linear::new();
    let network = linear.network();
    let (rows, x) = images(12);
    let labels = labels(&linear, &rows);
    let config = AttackConfig {
        boundary: BoundaryConfig {
            steps: 3000,
            ..BoundaryConfig::default()
        },
        ..AttackConfig::default()
    };
    let found = run(&network, &x, &labels, Attack::Boundary, &[], &config);
    for (image, row) in found.images.iter().zip(&rows) {
        let ratio = image.distance.unwrap() / linear.distance(Norm::L2, row);
        // Never nearer than the nearest point, up to the rounding of f32 scores. In 64
        // dimensions 3,000 steps come within 0.02 % of it.
        assert!((1.0 - 1e-4..1.01).contains(&ratio), "{ratio}");
    }
}
