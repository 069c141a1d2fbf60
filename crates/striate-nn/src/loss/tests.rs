use candle_core::{Device, Var};
use striate_testkit::{Differences, assert_close};

use super::*;
use crate::testing::{check_golden, check_gradients, flat, random, tensor};

/// f32 sums of a few dozen terms against f64.
const CLOSE: (f64, f64) = (1e-6, 1e-5);

fn value(x: f32) -> Tensor {
    Tensor::new(x, &Device::Cpu).unwrap()
}

#[test]
fn losses_agree_with_torch() {
    check_golden("cross_entropy", &["x"], CLOSE, |golden, args| {
        let labels = Tensor::new(golden.u32("labels"), &Device::Cpu)?;
        cross_entropy(&args[0], &labels)
    });
    check_golden("mse", &["x"], CLOSE, |golden, args| {
        mse(&args[0], &tensor(golden, "target"))
    });
    for (name, reduction) in [
        ("poisson_sum", Reduction::Sum),
        ("poisson_mean", Reduction::Mean),
    ] {
        check_golden(name, &["x"], CLOSE, |golden, args| {
            poisson(&args[0], &tensor(golden, "target"), 1e-12, reduction)
        });
    }
    check_golden("weighted_classification", &["x", "s"], CLOSE, |_, args| {
        weighted_classification(&args[0], &args[1])
    });
    check_golden("weighted_regression", &["x", "s"], CLOSE, |_, args| {
        weighted_regression(&args[0], &args[1])
    });
    check_golden("negative_binomial", &["x", "s"], CLOSE, |golden, args| {
        negative_binomial(
            &args[0],
            &tensor(golden, "target"),
            &args[1],
            Reduction::Mean,
        )
    });
}

/// In f64, by the definition.
fn similarity_by_hand(a: &Tensor, b: &Tensor) -> f64 {
    let cosines = |t: &Tensor| -> Vec<f64> {
        let (n, p) = t.dims2().unwrap();
        let rows: Vec<f64> = flat(t).iter().map(|v| f64::from(*v)).collect();
        let mean = |j: usize| (0..n).map(|i| rows[i * p + j]).sum::<f64>() / n as f64;
        let centred: Vec<f64> = (0..n * p).map(|k| rows[k] - mean(k % p)).collect();
        let dot = |i: usize, k: usize| -> f64 {
            (0..p)
                .map(|j| centred[i * p + j] * centred[k * p + j])
                .sum()
        };
        let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |k| (i, k)));
        pairs
            .map(|(i, k)| (dot(i, k) / (dot(i, i) * dot(k, k)).sqrt()).atanh())
            .collect()
    };
    let (a, b) = (cosines(a), cosines(b));
    a.iter().zip(&b).map(|(x, y)| (x - y).powi(2)).sum::<f64>() / a.len() as f64
}

#[test]
fn similarity_agrees_with_its_definition() {
    let (a, b) = (random(&[6, 5], 1), random(&[6, 9], 2));
    let found = f64::from(similarity(&a, &b).unwrap().to_scalar::<f32>().unwrap());
    let expected = similarity_by_hand(&a, &b);
    assert!(
        (found - expected).abs() < 1e-4 * expected,
        "{found} {expected}"
    );
    // Neither scale nor rotation nor a common offset matters.
    let moved = ((&a * 3.0).unwrap() + 2.0).unwrap();
    let same = similarity(&a, &moved).unwrap().to_scalar::<f32>().unwrap();
    assert!(same.abs() < 1e-6, "{same}");
    let options = Differences {
        step: 2e-3,
        stride: 1,
    };
    let inputs = std::slice::from_ref(&a);
    check_gradients(inputs, options, 0.02, |args| similarity(&args[0], &b));
    assert!(similarity(&a, &random(&[5, 9], 2)).is_err());
    assert!(similarity(&random(&[1, 9], 2), &random(&[1, 9], 2)).is_err());
    // Equal images have a finite loss and gradient.
    let twice = Tensor::cat(&[&a, &a], 0).unwrap();
    let var = Var::from_tensor(&twice).unwrap();
    let loss = similarity(var.as_tensor(), &random(&[12, 4], 3)).unwrap();
    let store = loss.backward().unwrap();
    assert!(flat(store.get(&var).unwrap()).iter().all(|g| g.is_finite()));
}

#[test]
fn roughness_agrees_with_neuralpredictors() {
    check_golden("laplace_l2norm", &["weight"], CLOSE, |_, args| {
        laplace_l2norm(&args[0])
    });
    let kernels = random(&[3, 5, 4, 2], 8);
    let options = Differences {
        step: 1e-2,
        stride: 1,
    };
    check_gradients(&[kernels], options, 0.02, |args| laplace_l2norm(&args[0]));
    assert!(laplace_l2norm(&random(&[3, 4], 1)).is_err());
}

#[test]
fn losses_give_the_reference_vectors() {
    // Reference 11; f32 rounding.
    let p = Tensor::new(&[1.3f32, 0.4, 2.5], &Device::Cpu).unwrap();
    let t = Tensor::new(&[2f32, 0.0, 1.0], &Device::Cpu).unwrap();
    let loss = poisson(&p, &t, 1e-12, Reduction::Sum).unwrap();
    assert_close(&flat(&loss), &[2.758_980_739_2], 0.0, 1e-6);
    let s = value(0.3);
    let loss = weighted_classification(&value(2.0), &s).unwrap();
    assert_close(&flat(&loss), &[1.631_636_441_4], 0.0, 1e-6);
    let loss = weighted_regression(&value(0.8), &s).unwrap();
    assert_close(&flat(&loss), &[0.446_327_288_3], 0.0, 1e-6);
    for (p, t, s, expected) in [
        (1.3f32, 2f32, 0f32, 1.974_008_839_8),
        (0.4, 0.0, 0.5, 0.358_138_356_2),
    ] {
        let element = |v: f32| value(v).reshape((1, 1)).unwrap();
        let loss = negative_binomial(&element(p), &element(t), &value(s), Reduction::Sum).unwrap();
        assert_close(&flat(&loss), &[expected], 0.0, 2e-6);
    }
}

#[test]
fn gradients_agree_with_differences() {
    let options = Differences {
        step: 1e-2,
        stride: 1,
    };
    let logits = [random(&[4, 5], 1)];
    let labels = Tensor::new(&[0u32, 3, 4, 1], &Device::Cpu).unwrap();
    check_gradients(&logits, options, 5e-3, |a| cross_entropy(&a[0], &labels));
    let target = random(&[4, 5], 2).abs().unwrap();
    check_gradients(&logits, options, 5e-3, |a| mse(&a[0], &target));
    let rates = [(random(&[4, 5], 3).abs().unwrap() + 0.5).unwrap()];
    check_gradients(&rates, options, 5e-3, |a| {
        poisson(&a[0], &target, 1e-12, Reduction::Mean)
    });
    let inputs = [rates[0].clone(), value(0.4)];
    check_gradients(&inputs, options, 5e-3, |a| {
        negative_binomial(&a[0], &target, &a[1], Reduction::Mean)
    });
    let inputs = [value(0.7), value(-0.2)];
    check_gradients(&inputs, options, 5e-3, |a| {
        weighted_classification(&a[0], &a[1])
    });
    check_gradients(&inputs, options, 5e-3, |a| {
        weighted_regression(&a[0], &a[1])
    });
}

#[test]
fn large_logits_give_finite_losses() {
    let logits = Var::from_tensor(&(random(&[2, 3], 1) * 1e4).unwrap()).unwrap();
    let labels = Tensor::new(&[0u32, 1], &Device::Cpu).unwrap();
    let loss = cross_entropy(logits.as_tensor(), &labels).unwrap();
    assert!(loss.to_scalar::<f32>().unwrap().is_finite());
    let store = loss.backward().unwrap();
    assert!(
        flat(store.get(&logits).unwrap())
            .iter()
            .all(|g| g.is_finite())
    );
}

#[test]
fn shapes_that_differ_are_errors() {
    let (a, b) = (random(&[2, 3], 0), random(&[3, 2], 1));
    let message = mse(&a, &b).unwrap_err().to_string();
    assert_eq!(
        message,
        "mse: expected an input of shape [2, 3] of the target, found [3, 2]"
    );
    assert!(poisson(&a, &b, 1e-12, Reduction::Sum).is_err());
    let labels = Tensor::new(&[0u32, 1, 2], &Device::Cpu).unwrap();
    assert!(cross_entropy(&a, &labels).is_err());
    let labels = Tensor::new(&[0u32, 3], &Device::Cpu).unwrap();
    assert!(cross_entropy(&a, &labels).is_err());
}
