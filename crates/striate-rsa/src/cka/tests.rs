use striate_random::Seed;
use striate_testkit::{Golden, assert_close};

use super::*;

fn random(images: usize, width: usize, seed: u64) -> Vec<f32> {
    let mut stream = Seed::new(seed).stream();
    (0..images * width)
        .map(|_| stream.normal() as f32)
        .collect()
}

#[test]
fn cka_agrees_with_numpy() {
    let golden = Golden::open("rsa/cka");
    let ((shape_x, x), (shape_y, y)) = (golden.f32("x"), golden.f32("y"));
    let x = Features::new(&x, shape_x[0], shape_x[1]).unwrap();
    let y = Features::new(&y, shape_y[0], shape_y[1]).unwrap();
    assert_close(
        &[linear_cka(&x, &y).unwrap()],
        &golden.f64("value").1,
        1e-12,
        0.0,
    );
    assert_close(
        &[debiased_cka(&x, &y).unwrap()],
        &golden.f64("debiased").1,
        1e-10,
        0.0,
    );
    assert_close(&[linear_cka(&x, &x).unwrap()], &[1.0], 1e-12, 0.0);
    assert_close(&[debiased_cka(&y, &y).unwrap()], &[1.0], 1e-12, 0.0);
}

#[test]
fn the_bias_goes() {
    // 200 pairs of unrelated representations with more features than images:
    // plain CKA is far from zero, the debiased one is zero within three standard
    // errors of its mean.
    let mut plain = 0.0;
    let mut debiased = Vec::new();
    for k in 0..200 {
        let (a, b) = (random(12, 40, 2 * k), random(12, 40, 2 * k + 1));
        let (a, b) = (
            Features::new(&a, 12, 40).unwrap(),
            Features::new(&b, 12, 40).unwrap(),
        );
        plain += linear_cka(&a, &b).unwrap() / 200.0;
        debiased.push(debiased_cka(&a, &b).unwrap());
    }
    let mean = debiased.iter().sum::<f64>() / 200.0;
    let sd = (debiased.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / 199.0).sqrt();
    assert!(plain > 0.5, "{plain}");
    assert!(mean.abs() < 3.0 * sd / 200.0_f64.sqrt(), "{mean} {sd}");
}

#[test]
fn bad_pairs_are_refused() {
    let (a, flat) = (random(5, 3, 1), vec![1.0; 15]);
    let (a, flat) = (
        Features::new(&a, 5, 3).unwrap(),
        Features::new(&flat, 5, 3).unwrap(),
    );
    assert!(matches!(
        linear_cka(&a, &flat),
        Err(Error::ConstantMatrix {
            which: "second",
            ..
        })
    ));
    let other = random(4, 3, 1);
    assert!(linear_cka(&a, &Features::new(&other, 4, 3).unwrap()).is_err());
}
