//! Helpers of the tests.

use candle_core::{Device, Tensor, Var};
use striate_random::Seed;
use striate_testkit::{Differences, Golden, assert_close, finite_differences};

use crate::{Context, Result, init};

/// f32 sums of up to a few hundred products against f64.
pub(crate) const ATOL: f64 = 2e-5;
pub(crate) const RTOL: f64 = 2e-5;

/// A normal tensor, the same for the same `index`.
pub(crate) fn random(shape: &[usize], index: u64) -> Tensor {
    let mut stream = Seed::new(11).child("test").index(index).stream();
    init::normal(shape, 1.0, &mut stream, &Device::Cpu).unwrap()
}

/// All values of a tensor.
pub(crate) fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// A golden tensor.
pub(crate) fn tensor(golden: &Golden, name: &str) -> Tensor {
    let (shape, values) = golden.f32(name);
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// A golden tensor, a map brought from torch's NCHW to NHWC, a weight from OIHW to OHWI.
pub(crate) fn map(golden: &Golden, name: &str) -> Tensor {
    let tensor = tensor(golden, name);
    if tensor.rank() == 4 {
        tensor.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
    } else {
        tensor
    }
}

/// Checks `f` of the named inputs, and the gradients to them, against a golden file.
#[track_caller]
pub(crate) fn check_golden(
    name: &str,
    inputs: &[&str],
    (atol, rtol): (f64, f64),
    f: impl Fn(&Golden, &[Tensor]) -> Result<Tensor>,
) {
    let golden = Golden::open(&format!("nn/{name}"));
    let vars: Vec<Var> = inputs
        .iter()
        .map(|input| Var::from_tensor(&map(&golden, input)).unwrap())
        .collect();
    let args: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    let y = f(&golden, &args).unwrap();
    assert_tensor(&y, &map(&golden, "y"), atol, rtol);
    let weighted = (&y * map(&golden, "weights")).unwrap();
    let store = weighted.sum_all().unwrap().backward().unwrap();
    for (input, var) in inputs.iter().zip(&vars) {
        println!("{name}: gradient of {input}");
        let expected = map(&golden, &format!("grad_{input}"));
        assert_tensor(store.get(var).unwrap(), &expected, atol, rtol);
    }
}

/// Asserts that two tensors agree in shape and, within the tolerances, in values.
#[track_caller]
pub(crate) fn assert_tensor(actual: &Tensor, expected: &Tensor, atol: f64, rtol: f64) {
    assert_eq!(actual.dims(), expected.dims());
    assert_close(&flat(actual), &flat(expected), atol, rtol);
}

/// The gradients of `sum(weights * f(inputs))` with fixed random weights, and the value of `f`.
pub(crate) fn gradients(
    inputs: &[Tensor],
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
) -> (Tensor, Vec<Tensor>) {
    let vars: Vec<Var> = inputs
        .iter()
        .map(|t| Var::from_tensor(t).unwrap())
        .collect();
    let args: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    let y = f(&args).unwrap();
    let weights = random(y.dims(), 999);
    let store = (&y * weights)
        .unwrap()
        .sum_all()
        .unwrap()
        .backward()
        .unwrap();
    let grads = vars
        .iter()
        .map(|v| {
            store
                .get(v)
                .cloned()
                .unwrap_or_else(|| v.zeros_like().unwrap())
        })
        .collect();
    (y.detach(), grads)
}

/// Checks the gradients of `f` to all inputs against central differences.
#[track_caller]
pub(crate) fn check_gradients(
    inputs: &[Tensor],
    options: Differences,
    tolerance: f64,
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    let (y, grads) = gradients(inputs, &f);
    let weights = flat(&random(y.dims(), 999));
    for (i, grad) in grads.iter().enumerate() {
        let expected = finite_differences(&flat(&inputs[i]), options, |values| {
            let mut changed = inputs.to_vec();
            changed[i] = Tensor::from_slice(values, inputs[i].shape(), &Device::Cpu).unwrap();
            let y = flat(&f(&changed).unwrap());
            y.iter()
                .zip(&weights)
                .map(|(y, w)| f64::from(*y) * f64::from(*w))
                .sum()
        });
        let grad = flat(grad);
        let (actual, expected): (Vec<f32>, Vec<f64>) =
            expected.into_iter().map(|(j, d)| (grad[j], d)).unzip();
        let scale = expected.iter().fold(0.0, |m: f64, d| m.max(d.abs()));
        // f32 rounding of the two evaluations, relative to the largest derivative.
        assert_close(&actual, &expected, tolerance * scale.max(1e-3), tolerance);
    }
}

/// The result of `work` with that many threads.
pub(crate) fn with_threads<R: Send>(count: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new()
        .num_threads(count)
        .build()
        .unwrap()
        .install(work)
}

/// A pass by the kernels, and one by candle's operations.
pub(crate) fn contexts(train: bool) -> [Context; 2] {
    let cx = if train {
        Context::train(Seed::new(1).stream())
    } else {
        Context::eval()
    };
    [cx.clone(), cx.reference()]
}

/// Runs backward with the golden weights and checks the gradients of the parameters.
pub(crate) fn check_backward(golden: &Golden, y: &Tensor, params: &[(&str, &Var)], atol: f64) {
    assert_tensor(y, &map(golden, "y"), atol, RTOL);
    let weighted = (y * map(golden, "weights")).unwrap();
    let store = weighted.sum_all().unwrap().backward().unwrap();
    for (name, var) in params {
        println!("gradient of {name}");
        let expected = map(golden, &format!("grad_{name}"));
        assert_tensor(store.get(var).unwrap(), &expected, atol, RTOL);
    }
}
