//! Updates against their formulas in f64, over several steps and chunks.

use striate_testkit::assert_close;

use super::{AdamStep, CHUNK, SgdStep, adam_step, sgd_momentum_step};
use crate::testing::{everywhere, values};

const LEN: usize = 2 * CHUNK + 37;
const STEPS: u64 = 4;

#[test]
fn sgd_follows_its_formula() {
    let step = SgdStep {
        learning_rate: 0.1,
        momentum: 0.9,
        weight_decay: 5e-4,
    };
    let start = values(1, "p", LEN);
    for (_, got) in everywhere(|| {
        let (mut p, mut v) = (start.clone(), vec![0.0; LEN]);
        for i in 0..STEPS {
            sgd_momentum_step(&step, &mut p, &values(i, "g", LEN), &mut v).unwrap();
        }
        p
    }) {
        let mut p: Vec<f64> = start.iter().map(|v| f64::from(*v)).collect();
        let mut v = vec![0.0; LEN];
        for i in 0..STEPS {
            for (k, g) in values(i, "g", LEN).iter().enumerate() {
                let g = f64::from(*g) + 5e-4 * p[k];
                v[k] = if i == 0 { g } else { 0.9 * v[k] + g };
                p[k] -= 0.1 * v[k];
            }
        }
        // Four steps of f32 rounding at values of size 4.
        assert_close(&got, &p, 3e-6, 0.0);
    }
}

#[test]
fn adam_follows_its_formula() {
    let start = values(1, "p", LEN);
    for (_, got) in everywhere(|| {
        let (mut p, mut m, mut v) = (start.clone(), vec![0.0; LEN], vec![0.0; LEN]);
        for i in 0..STEPS {
            let step = AdamStep {
                learning_rate: 1e-2,
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
                weight_decay: 0.01,
                step: i + 1,
            };
            adam_step(&step, &mut p, &values(i, "g", LEN), &mut m, &mut v).unwrap();
        }
        p
    }) {
        let mut p: Vec<f64> = start.iter().map(|v| f64::from(*v)).collect();
        let (mut m, mut v) = (vec![0.0; LEN], vec![0.0; LEN]);
        for i in 0..STEPS {
            let t = (i + 1) as i32;
            for (k, g) in values(i, "g", LEN).iter().enumerate() {
                let g = f64::from(*g) + 0.01 * p[k];
                m[k] = 0.9 * m[k] + 0.1 * g;
                v[k] = 0.999 * v[k] + 0.001 * g * g;
                let (m, v) = (
                    m[k] / (1.0 - 0.9f64.powi(t)),
                    v[k] / (1.0 - 0.999f64.powi(t)),
                );
                p[k] -= 1e-2 * m / (v.sqrt() + 1e-8);
            }
        }
        // Parameters of size 4 and steps of 0.01, rounded in f32 four times.
        assert_close(&got, &p, 3e-6, 0.0);
    }
}

#[test]
fn lengths_must_agree() {
    let step = SgdStep {
        learning_rate: 0.1,
        momentum: 0.9,
        weight_decay: 0.0,
    };
    let error = sgd_momentum_step(&step, &mut [0.0; 3], &[0.0; 2], &mut [0.0; 3]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "sgd_momentum_step: gradient holds 2 values, expected 3"
    );
}
