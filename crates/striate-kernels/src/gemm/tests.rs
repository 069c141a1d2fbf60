//! Products against direct sums in f64.

use proptest::prelude::*;

use super::{GemmShape, gemm_nn, gemm_nt, gemm_tn};
use crate::testing::{check_error, everywhere, values};

fn transposed(rows: usize, columns: usize, x: &[f32]) -> Vec<f32> {
    (0..rows * columns)
        .map(|i| x[i % rows * columns + i / rows])
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn products_agree_with_direct_sums(
        seed in 0..1000u64,
        rows in 1..=210usize,
        columns in 1..=150usize,
        depth in 1..=300usize,
    ) {
        let shape = GemmShape { rows, columns, depth };
        let a = values(seed, "a", rows * depth);
        let b = values(seed, "b", depth * columns);
        let bias = values(seed, "bias", columns);
        let (mut sum, mut scale) = (vec![0.0f64; rows * columns], vec![0.0f64; rows * columns]);
        for r in 0..rows {
            for k in 0..depth {
                for c in 0..columns {
                    let product = f64::from(a[r * depth + k]) * f64::from(b[k * columns + c]);
                    sum[r * columns + c] += product;
                    scale[r * columns + c] += product.abs();
                }
            }
        }
        let (a_t, b_t) = (transposed(rows, depth, &a), transposed(depth, columns, &b));
        let with_bias: Vec<f64> = sum.iter().enumerate().map(|(i, s)| s + f64::from(bias[i % columns])).collect();
        let scale_with_bias: Vec<f64> =
            scale.iter().enumerate().map(|(i, s)| s + f64::from(bias[i % columns].abs())).collect();
        let nan = vec![f32::NAN; rows * columns];
        // At most 301 terms: the bound of random rounding is sqrt(301) x 2^-24 = 1e-6.
        let bound = 2e-6;
        for (_, c) in everywhere(|| { let mut c = nan.clone(); gemm_nn(shape, &a, &b, Some(&bias), &mut c).unwrap(); c }) {
            check_error(&c, &with_bias, &scale_with_bias, bound)?;
        }
        for (_, c) in everywhere(|| { let mut c = nan.clone(); gemm_nt(shape, &a, &b_t, Some(&bias), &mut c).unwrap(); c }) {
            check_error(&c, &with_bias, &scale_with_bias, bound)?;
        }
        for (_, c) in everywhere(|| { let mut c = nan.clone(); gemm_tn(shape, &a_t, &b, &mut c).unwrap(); c }) {
            check_error(&c, &sum, &scale, bound)?;
        }
    }
}

#[test]
fn wrong_lengths_are_named() {
    let shape = GemmShape {
        rows: 2,
        columns: 3,
        depth: 4,
    };
    let error = gemm_nn(shape, &[0.0; 7], &[0.0; 12], None, &mut [0.0; 6]).unwrap_err();
    assert_eq!(error.to_string(), "gemm_nn: a holds 7 values, expected 8");
}
