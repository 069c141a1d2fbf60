use striate_random::Seed;
use striate_testkit::assert_close;

use super::*;

#[test]
fn the_logarithm_is_accurate() {
    let xs: Vec<f32> = (1..2000)
        .map(|i| (i as f32 / 2000.0).powi(3) + 1e-10)
        .collect();
    let actual: Vec<f32> = xs.iter().map(|x| ln(*x)).collect();
    let expected: Vec<f32> = xs.iter().map(|x| x.ln()).collect();
    // A few units in the last place of f32.
    assert_close(&actual, &expected, 1e-7, 3e-7);
}

#[test]
fn normals_are_normal() {
    let mut stream = Seed::new(5).child("normals").stream();
    let mut block = [0f32; BLOCK];
    let (mut moments, mut count) = ([0f64; 4], 0f64);
    let mut cells = [0f64; 4];
    let (mut products, mut beyond) = (0f64, 0f64);
    for _ in 0..2000 {
        fill_standard_normal(&mut stream, &mut block);
        for (i, value) in block.iter().enumerate() {
            let v = f64::from(*value);
            for (power, sum) in moments.iter_mut().enumerate() {
                *sum += v.powi(power as i32 + 1);
            }
            count += 1.0;
            beyond += f64::from(u8::from(v.abs() > 3.0));
            if i < BLOCK / 2 {
                let pair = block[i + BLOCK / 2];
                cells[usize::from(*value > 0.0) * 2 + usize::from(pair > 0.0)] += 1.0;
                products += v.powi(2) * f64::from(pair).powi(2);
            }
        }
    }
    let se = 1.0 / count.sqrt();
    // Five standard errors of each moment: variances 1, 2, 15, 96.
    assert!((moments[0] / count).abs() < 5.0 * se, "mean");
    assert!(
        (moments[1] / count - 1.0).abs() < 5.0 * 2f64.sqrt() * se,
        "variance"
    );
    assert!(
        (moments[2] / count).abs() < 5.0 * 15f64.sqrt() * se,
        "skewness"
    );
    assert!(
        (moments[3] / count - 3.0).abs() < 5.0 * 96f64.sqrt() * se,
        "kurtosis"
    );
    // Both halves of a pair: quadrants equally likely, squares uncorrelated
    // (variance of the product of squares: 8).
    for cell in cells {
        assert!((cell / (count / 2.0) - 0.25).abs() < 5.0 * se, "{cells:?}");
    }
    assert!((products / (count / 2.0) - 1.0).abs() < 5.0 * 16f64.sqrt() * se);
    assert!(
        (beyond / count - 0.0026998).abs() < 5.0 * 0.052 * se,
        "tails"
    );
}

#[test]
fn streams_are_kept_apart() {
    let seed = Seed::new(1);
    let first = |mut r: Random| r.uniform(0.0, 1.0);
    let severity = Severity::ALL;
    let base = first(Random::counter(&seed, 3, Corruption::Fog, severity[0]));
    assert_eq!(
        base,
        first(Random::counter(&seed, 3, Corruption::Fog, severity[0]))
    );
    for other in [
        Random::counter(&seed, 4, Corruption::Fog, severity[0]),
        Random::counter(&seed, 3, Corruption::Snow, severity[0]),
        Random::counter(&seed, 3, Corruption::Fog, severity[1]),
        Random::counter(&Seed::new(2), 3, Corruption::Fog, severity[0]),
    ] {
        assert_ne!(base, first(other));
    }
}
