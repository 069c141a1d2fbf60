use proptest::prelude::*;
use striate_random::Seed;
use striate_testkit::{Golden, assert_close};

use super::*;

const ALL: [Dissimilarity; 5] = [
    Dissimilarity::Correlation,
    Dissimilarity::CentredCosine,
    Dissimilarity::Cosine,
    Dissimilarity::SquaredEuclidean,
    Dissimilarity::Euclidean,
];

fn random(images: usize, features: usize, seed: u64) -> Vec<f32> {
    let mut stream = Seed::new(seed).stream();
    (0..images * features)
        .map(|_| stream.normal() as f32)
        .collect()
}

fn rdm(values: &[f32], images: usize, dissimilarity: Dissimilarity) -> Rdm {
    let features = Features::new(values, images, values.len() / images).unwrap();
    Rdm::from_features(&features, dissimilarity).unwrap()
}

#[test]
fn matrices_agree_with_rsatoolbox() {
    let golden = Golden::open("rsa/matrices");
    let (shape, repeats) = golden.f32("repeats");
    let first = &repeats[..shape[1] * shape[2]];
    for name in ["correlation", "squared-euclidean"] {
        let actual = rdm(first, shape[1], name.parse().unwrap());
        // Tolerance: the same f64 arithmetic in another order.
        assert_close(actual.values(), &golden.f64(name).1, 1e-12, 1e-12);
    }
}

/// Each definition written out for one pair.
fn by_hand(values: &[f32], images: usize, i: usize, j: usize, d: Dissimilarity) -> f64 {
    let width = values.len() / images;
    let row = |i: usize| -> Vec<f64> {
        values[i * width..(i + 1) * width]
            .iter()
            .map(|v| f64::from(*v))
            .collect()
    };
    let (mut x, mut y) = (row(i), row(j));
    if d == Dissimilarity::CentredCosine {
        for f in 0..width {
            let mean = (0..images).map(|k| row(k)[f]).sum::<f64>() / images as f64;
            x[f] -= mean;
            y[f] -= mean;
        }
    }
    if d == Dissimilarity::Correlation {
        for v in [&mut x, &mut y] {
            let mean = v.iter().sum::<f64>() / width as f64;
            v.iter_mut().for_each(|v| *v -= mean);
        }
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let square = x.iter().zip(&y).map(|(x, y)| (x - y).powi(2)).sum::<f64>() / width as f64;
    match d {
        Dissimilarity::SquaredEuclidean => square,
        Dissimilarity::Euclidean => square.sqrt(),
        _ => 1.0 - dot(&x, &y) / (dot(&x, &x) * dot(&y, &y)).sqrt(),
    }
}

#[test]
fn every_definition_holds_across_tiles_and_blocks() {
    // 37 images and 1100 features: partial tiles, three feature blocks.
    let values: Vec<f32> = random(37, 1100, 4).iter().map(|v| v + 3.0).collect();
    for d in ALL {
        let rdm = rdm(&values, 37, d);
        for (i, j) in [(0, 1), (0, 36), (5, 30), (17, 18), (35, 36)] {
            assert_close(
                &[rdm.get(i, j)],
                &[by_hand(&values, 37, i, j, d)],
                1e-11,
                0.0,
            );
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let values = random(70, 1500, 6);
    let run = |threads: usize, d| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| rdm(&values, 70, d))
    };
    for d in ALL {
        assert_eq!(run(1, d), run(3, d));
    }
}

#[test]
fn chunks_give_the_same_matrix() {
    let (images, a, b) = (9, random(9, 700, 1), random(9, 30, 2));
    let joined: Vec<f32> = (0..images)
        .flat_map(|i| [&a[i * 700..(i + 1) * 700], &b[i * 30..(i + 1) * 30]].concat())
        .collect();
    for d in ALL {
        let mut builder = RdmBuilder::new(images, d);
        builder
            .push(&Features::new(&a, images, 700).unwrap())
            .unwrap();
        builder
            .push(&Features::new(&b, images, 30).unwrap())
            .unwrap();
        let chunked = builder.finish().unwrap();
        assert_close(
            chunked.values(),
            rdm(&joined, images, d).values(),
            1e-12,
            1e-12,
        );
    }
    let mut builder = RdmBuilder::new(8, Dissimilarity::Cosine);
    assert!(builder.push(&Features::new(&a, 9, 700).unwrap()).is_err());
    assert!(builder.finish().is_err());
}

#[test]
fn a_large_mean_does_not_drown_the_variance() {
    // Correlations are unchanged by the shift; f32 keeps 24 - 10 bits of the
    // features themselves, hence the tolerance.
    let values = random(6, 4000, 3);
    let shifted: Vec<f32> = values.iter().map(|v| v + 1024.0).collect();
    let (a, b) = (
        rdm(&values, 6, Dissimilarity::Correlation),
        rdm(&shifted, 6, Dissimilarity::Correlation),
    );
    assert_close(a.values(), b.values(), 1e-5, 0.0);
}

#[test]
fn images_without_direction_are_named() {
    let mut values = random(5, 40, 8);
    values[3 * 40..4 * 40].fill(0.7);
    let features = Features::new(&values, 5, 40).unwrap();
    let error = Rdm::from_features(&features, Dissimilarity::Correlation).unwrap_err();
    assert!(
        matches!(error, Error::Undefined { image: 3, .. }),
        "{error}"
    );
    values[3 * 40..4 * 40].fill(0.0);
    let features = Features::new(&values, 5, 40).unwrap();
    let error = Rdm::from_features(&features, Dissimilarity::Cosine).unwrap_err();
    assert!(
        matches!(error, Error::Undefined { image: 3, .. }),
        "{error}"
    );
    assert!(Rdm::from_features(&features, Dissimilarity::Euclidean).is_ok());
    let same = [1.0, 2.0, 1.0, 2.0, 1.0, 2.0];
    let features = Features::new(&same, 3, 2).unwrap();
    assert!(Rdm::from_features(&features, Dissimilarity::CentredCosine).is_err());
}

#[test]
fn bad_features_are_named() {
    let mut values = vec![1.0; 12];
    values[7] = f32::NAN;
    let error = Features::new(&values, 3, 4).unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotFinite {
                image: 1,
                feature: 3,
                ..
            }
        ),
        "{error}"
    );
    assert!(Features::new(&values, 3, 5).is_err());
    assert!(Features::new(&values, 1, 12).is_err());
    assert!(Features::new(&[], 3, 0).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    // Acceptance test 8 of analyses.md 8. Tolerances: f32 rounding of the
    // transformed features.
    #[test]
    fn correlation_ignores_affine_changes_of_an_image(s in 0_u64..1000, gain in 0.1_f32..5.0, offset in -3_f32..3.0) {
        let values = random(5, 30, s);
        let mut changed = values.clone();
        changed[..30].iter_mut().for_each(|v| *v = gain * *v + offset);
        let (a, b) = (rdm(&values, 5, Dissimilarity::Correlation), rdm(&changed, 5, Dissimilarity::Correlation));
        for (a, b) in a.values().iter().zip(b.values()) {
            prop_assert!((a - b).abs() < 1e-5);
        }
    }

    #[test]
    fn centred_measures_ignore_a_constant_vector(s in 0_u64..1000) {
        let (values, constant) = (random(5, 30, s), random(1, 30, s + 7));
        let mut changed = values.clone();
        for row in changed.chunks_mut(30) {
            row.iter_mut().zip(&constant).for_each(|(v, c)| *v += c);
        }
        for d in [Dissimilarity::CentredCosine, Dissimilarity::SquaredEuclidean] {
            let (a, b) = (rdm(&values, 5, d), rdm(&changed, 5, d));
            for (a, b) in a.values().iter().zip(b.values()) {
                prop_assert!((a - b).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn dissimilarities_keep_their_range(s in 0_u64..1000, n in 2_usize..7, f in 3_usize..20) {
        let values = random(n, f, s);
        for d in ALL {
            let rdm = rdm(&values, n, d);
            let high = if matches!(d, Dissimilarity::SquaredEuclidean | Dissimilarity::Euclidean) { f64::MAX } else { 2.0 };
            prop_assert!(rdm.values().iter().all(|v| (0.0..=high).contains(v)));
        }
    }
}
