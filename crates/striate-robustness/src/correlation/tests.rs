use striate_testkit::assert_close;

use super::*;

#[test]
fn correlations_agree_with_scipy() {
    // scipy.stats.pearsonr and spearmanr 1.17.1 on these values.
    let x = [1.0, 2.0, 2.0, 4.0, 7.0, 3.0];
    let y = [2.0, 1.0, 3.0, 5.0, 6.0, 3.0];
    let actual = [pearson(&x, &y).unwrap(), spearman(&x, &y).unwrap()];
    assert_close(&actual, &EXPECTED, 1e-14, 0.0);
}

#[test]
fn a_partial_correlation_follows_from_three_simple_ones() {
    let x = [1.0, 2.0, 2.5, 4.0, 7.0, 3.0, 0.5];
    let y = [2.0, 1.0, 3.0, 5.0, 6.0, 3.0, 1.5];
    let z = [0.3, 0.1, 0.9, 0.4, 1.4, 0.2, 0.7];
    let r = |a: &[f64], b: &[f64]| pearson(a, b).unwrap();
    let (xy, xz, yz) = (r(&x, &y), r(&x, &z), r(&y, &z));
    let expected = (xy - xz * yz) / ((1.0 - xz * xz) * (1.0 - yz * yz)).sqrt();
    assert_close(&[partial(&x, &y, &[&z]).unwrap()], &[expected], 1e-12, 0.0);
}

#[test]
fn bad_input_is_named() {
    assert_eq!(
        pearson(&[1.0, 2.0], &[3.0, 3.0]),
        Err(Error::Constant { name: "y" })
    );
    assert!(matches!(
        pearson(&[1.0, 2.0], &[3.0]),
        Err(Error::Length { .. })
    ));
    assert!(matches!(
        spearman(&[1.0, f64::NAN], &[3.0, 4.0]),
        Err(Error::NotFinite { row: 1, .. })
    ));
}

const EXPECTED: [f64; 2] = [0.8880326058427501, 0.8676470588235294];
