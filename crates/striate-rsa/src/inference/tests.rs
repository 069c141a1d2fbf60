use striate_random::Seed;
use striate_testkit::{Golden, assert_close};

use super::*;

fn rdms(golden: &Golden, name: &str) -> Vec<Rdm> {
    let (shape, values) = golden.f64(name);
    let rows = values.chunks(shape[1]);
    rows.map(|v| Rdm::from_condensed(v.to_vec(), 16).unwrap())
        .collect()
}

fn draws(golden: &Golden, images: Option<&str>, subjects: Option<&str>) -> Vec<Draw> {
    let read = |name: Option<&str>| {
        name.map(|name| {
            let (shape, values) = golden.f64(name);
            let rows = values.chunks(shape[1]);
            rows.map(|r| r.iter().map(|i| *i as usize).collect())
                .collect::<Vec<Vec<usize>>>()
        })
    };
    let (images, subjects) = (read(images), read(subjects));
    (0..40)
        .map(|r| Draw {
            images: images.as_ref().map(|d| d[r].clone()),
            subjects: subjects.as_ref().map(|d| d[r].clone()),
        })
        .collect()
}

const CASES: [(&str, Resample, Option<&str>, Option<&str>); 3] = [
    ("images", Resample::Images, Some("draws.images"), None),
    ("subjects", Resample::Subjects, None, Some("draws.subjects")),
    (
        "dual",
        Resample::ImagesAndSubjects,
        Some("draws.dual.images"),
        Some("draws.dual.subjects"),
    ),
];

#[test]
fn bootstraps_agree_with_rsatoolbox() {
    // The same draws give the same evaluations, ceilings and variances.
    let golden = Golden::open("rsa/inference");
    let subjects = rdms(&golden, "data");
    let models: Vec<Candidate> = rdms(&golden, "models")
        .into_iter()
        .map(|rdm| Candidate {
            name: String::new(),
            rdms: vec![rdm],
        })
        .collect();
    for comparator in [
        "pearson",
        "cosine",
        "spearman",
        "tau-a",
        "rho-a",
        "corr-cov",
        "cosine-cov",
    ] {
        for (kind, resample, images, subject_draws) in CASES {
            let config = Inference {
                comparator: comparator.parse().unwrap(),
                resample,
                ..Inference::default()
            };
            let prepared = config.prepare(&models, &subjects).unwrap();
            let draws = draws(&golden, images, subject_draws);
            let key = |what: &str| format!("{kind}.{comparator}.{what}");
            let first: Vec<Replicate> = draws
                .iter()
                .map(|d| prepared.replicate(d).unwrap())
                .collect();
            let (shape, expected) = golden.f64(&key("evaluations"));
            let expected: Vec<f64> = expected.iter().step_by(shape[2]).copied().collect();
            let actual: Vec<f64> = first.iter().flat_map(|r| r.scores.concat()).collect();
            assert_close(&actual, &expected, 1e-12, 0.0);
            let (shape, expected) = golden.f64(&key("ceiling"));
            let expected: Vec<f64> = expected.iter().step_by(shape[2]).copied().collect();
            let lower = first.iter().map(|r| r.ceiling.unwrap().lower);
            let upper = first.iter().map(|r| r.ceiling.unwrap().upper);
            assert_close(
                &lower.chain(upper).collect::<Vec<_>>(),
                &expected,
                1e-12,
                0.0,
            );
            let root = Seed::new(0);
            let result = config.summarise(&models, &prepared, &draws, &root).unwrap();
            let variances: Vec<f64> = result.models.iter().map(|m| m.sampling_variance).collect();
            assert_close(
                &variances,
                &golden.f64(&key("model_variances")).1,
                1e-14,
                1e-9,
            );
            let variances: Vec<f64> = result
                .differences
                .iter()
                .map(|d| d.sampling_variance)
                .collect();
            assert_close(
                &variances,
                &golden.f64(&key("difference_variances")).1,
                1e-14,
                1e-9,
            );
            // rsatoolbox drops the ceiling from its bootstrap over subjects.
            if resample != Resample::Subjects {
                let pairs = result
                    .models
                    .iter()
                    .flat_map(|m| m.ceiling_variances.unwrap());
                let expected = golden.f64(&key("ceiling_variances")).1;
                assert_close(&pairs.collect::<Vec<_>>(), &expected, 1e-14, 1e-9);
            }
        }
    }
}

/// Matrices around a common truth.
fn noisy(images: usize, count: usize, noise: f64, seed: u64) -> Vec<Rdm> {
    let mut truth = Seed::new(1).stream();
    let truth: Vec<f64> = (0..images * (images - 1) / 2)
        .map(|_| truth.uniform())
        .collect();
    (0..count)
        .map(|k| {
            let mut stream = Seed::new(seed).index(k as u64).stream();
            let values = truth.iter().map(|t| t + noise * stream.uniform()).collect();
            Rdm::from_condensed(values, images).unwrap()
        })
        .collect()
}

fn candidates(images: usize, seeds: usize) -> Vec<Candidate> {
    [("near", 0.5), ("far", 3.0)]
        .into_iter()
        .enumerate()
        .map(|(k, (name, noise))| Candidate {
            name: name.to_owned(),
            rdms: noisy(images, seeds, noise, 10 + k as u64),
        })
        .collect()
}

#[test]
fn a_better_model_is_found_better() {
    let config = Inference {
        replicates: 200,
        ..Inference::default()
    };
    let result = config
        .evaluate(&candidates(24, 3), &noisy(24, 4, 0.5, 3))
        .unwrap();
    let d = &result.differences[0];
    assert!(d.difference > 0.2 && d.p <= 0.01 + 1.0 / 200.0, "{d:?}");
    let near = &result.models[0];
    assert!(
        near.low < near.score && near.score < near.high + 0.02,
        "{near:?}"
    );
    assert!(near.seed_variance.is_some_and(|v| v > 0.0));
    let ceiling = result.ceiling.unwrap();
    assert!(ceiling.lower < ceiling.upper);
    assert_eq!(result.degrees, 23);
}

#[test]
fn threads_do_not_change_a_bit() {
    let (models, subjects) = (candidates(20, 2), noisy(20, 3, 0.5, 3));
    let run = |threads: usize| {
        let config = Inference {
            replicates: 30,
            resample: Resample::ImagesAndSubjects,
            ..Inference::default()
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| config.evaluate(&models, &subjects).unwrap())
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn one_seed_and_one_subject_are_said() {
    let config = Inference {
        replicates: 20,
        ..Inference::default()
    };
    let result = config
        .evaluate(&candidates(12, 1), &noisy(12, 1, 0.5, 3))
        .unwrap();
    assert_eq!(result.models[0].seed_variance, None);
    assert_eq!(result.ceiling, None);
    for resample in [Resample::Subjects, Resample::ImagesAndSubjects] {
        let config = Inference { resample, ..config };
        let error = config
            .evaluate(&candidates(12, 1), &noisy(12, 1, 0.5, 3))
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::TooFew {
                    needed: 2,
                    found: 1,
                    ..
                }
            ),
            "{error}"
        );
    }
    assert!(config.evaluate(&[], &noisy(12, 1, 0.5, 3)).is_err());
    assert!(
        config
            .evaluate(&candidates(11, 1), &noisy(12, 1, 0.5, 3))
            .is_err()
    );
}

#[test]
fn corrections_match_their_definitions() {
    // R's p.adjust.
    let p = [0.01, 0.04, 0.03, 0.005];
    assert_close(&holm(&p), &[0.03, 0.06, 0.06, 0.02], 1e-15, 0.0);
    assert_close(
        &benjamini_hochberg(&p),
        &[0.02, 0.04, 0.04, 0.02],
        1e-15,
        0.0,
    );
}

#[test]
fn a_partial_similarity_removes_the_third() {
    use crate::partial_compare;
    let pixel = noisy(14, 1, 0.0, 1).remove(0);
    let own = |seed| noisy(14, 1, 1.0, seed).remove(0);
    let (a, b) = (own(5), own(6));
    let raw = crate::compare(&a, &b, Comparator::Pearson).unwrap();
    let partial = partial_compare(&a, &b, &pixel, Comparator::Pearson).unwrap();
    // Both are the pixel matrix plus independent noise: nothing is left but
    // chance, three standard errors of a correlation over 91 pairs.
    assert!(
        raw > 0.4 && partial.abs() < 3.0 / 91.0_f64.sqrt(),
        "{raw} {partial}"
    );
    assert!(partial_compare(&a, &b, &a, Comparator::Pearson).is_err());
    assert!(partial_compare(&a, &b, &pixel, Comparator::Cosine).is_err());
}
