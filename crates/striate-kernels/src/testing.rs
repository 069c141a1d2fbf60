//! What the tests of the kernels share.

use proptest::test_runner::TestCaseError;
use striate_random::Seed;

use crate::conv::{forced_algorithm, with_algorithm};
use crate::cpu::{Isa, with_isa};

/// `len` normal values of a named stream.
pub(crate) fn values(seed: u64, name: &str, len: usize) -> Vec<f32> {
    let mut stream = Seed::new(seed).child(name).stream();
    (0..len).map(|_| stream.normal() as f32).collect()
}

/// Runs `work` with each instruction set, on one thread and on three, and checks
/// that the number of threads changes no bit. Gives each instruction set's result.
pub(crate) fn everywhere(work: impl Fn() -> Vec<f32> + Sync) -> Vec<(Isa, Vec<f32>)> {
    let on = |threads: usize, isa| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let forced = forced_algorithm();
        pool.build().unwrap().install(|| {
            with_isa(isa, || match forced {
                Some(algorithm) => with_algorithm(algorithm, &work),
                None => work(),
            })
        })
    };
    let runs = Isa::available().iter().map(|isa| {
        let one = on(1, *isa);
        let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert!(
            bits(&one) == bits(&on(3, *isa)),
            "{isa}: threads change the result"
        );
        (*isa, one)
    });
    runs.collect()
}

/// The largest error beside the largest size of its sum of products: for each
/// element, `|actual - expected| / scale`, with `scale` the sum of the absolute
/// values of the products. Rounding bounds this by about (number of terms) x 2^-24.
pub(crate) fn check_error(
    actual: &[f32],
    expected: &[f64],
    scale: &[f64],
    bound: f64,
) -> Result<(), TestCaseError> {
    assert_eq!(actual.len(), expected.len());
    for i in 0..actual.len() {
        let error = (f64::from(actual[i]) - expected[i]).abs();
        if error.is_nan() || error > bound * scale[i] + 1e-30 {
            return Err(TestCaseError::fail(format!(
                "element {i} of {}: {} expected {}, error {error:e}, bound {:e}",
                actual.len(),
                actual[i],
                expected[i],
                bound * scale[i]
            )));
        }
    }
    Ok(())
}
