//! Against the values that NumPy 1.26.4 gave (tests/golden/corruptions.py).

use striate_testkit::Golden;

use crate::numpy::{LegacyRng, Pcg64};

#[test]
fn distributions_equal_numpy() {
    let golden = Golden::open("corruptions/numpy");
    for seed in [0u32, 1, 1000, 123_456_789] {
        let check = |name: &str, draw: &mut dyn FnMut(&mut LegacyRng) -> f64| {
            let (_, expected) = golden.f64(&format!("{name}/{seed}"));
            let mut rng = LegacyRng::new(seed);
            let actual: Vec<f64> = expected.iter().map(|_| draw(&mut rng)).collect();
            // Equal to the last bit.
            assert_eq!(actual, expected, "{name} after seed {seed}");
        };
        check("random_sample", &mut |r| r.random_sample());
        check("uniform", &mut |r| r.uniform(-3.5, 10.25));
        check("normal", &mut |r| r.normal(0.55, 0.3));
        check("randint_5", &mut |r| r.randint(0, 5) as f64);
        check("randint_6", &mut |r| r.randint(-3, 3) as f64);
        check("randint_1000", &mut |r| r.randint(17, 1017) as f64);
        for mean in ["0.02", "0.7", "4.9", "9.99", "10.0", "37.3", "250.0"] {
            let value: f64 = mean.parse().unwrap();
            check(&format!("poisson_{mean}"), &mut |r| r.poisson(value) as f64);
        }
        let (_, expected) = golden.f64(&format!("pcg64/{seed}"));
        let mut rng = Pcg64::new(u64::from(seed));
        let actual: Vec<f64> = expected.iter().map(|_| rng.random()).collect();
        assert_eq!(actual, expected, "PCG64 after seed {seed}");
    }
}

#[test]
fn mixed_calls_equal_numpy() {
    let (_, expected) = Golden::open("corruptions/numpy").f64("mixed");
    let mut rng = LegacyRng::new(77);
    let mut actual = Vec::new();
    for _ in 0..expected.len() / 5 {
        actual.push(rng.normal(0.0, 1.0));
        actual.push(rng.randint(-2, 2) as f64);
        actual.push(rng.poisson(12.5) as f64);
        actual.push(rng.uniform(-45.0, 45.0));
        actual.push(rng.poisson(0.5) as f64);
    }
    assert_eq!(actual, expected);
}
