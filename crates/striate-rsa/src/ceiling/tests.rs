use striate_testkit::{Golden, assert_close};

use super::*;

#[test]
fn ceilings_agree_with_rsatoolbox() {
    let golden = Golden::open("rsa/inference");
    let (shape, data) = golden.f64("data");
    let subjects: Vec<Rdm> = data
        .chunks(shape[1])
        .map(|v| Rdm::from_condensed(v.to_vec(), 16).unwrap())
        .collect();
    for comparator in Comparator::ALL
        .into_iter()
        .filter(|c| *c != Comparator::Arctanh)
    {
        let ceiling = noise_ceiling(&subjects, comparator).unwrap();
        let expected = golden.f64(&format!("ceiling.{}", comparator.name())).1;
        assert_close(&[ceiling.lower, ceiling.upper], &expected, 1e-12, 0.0);
    }
    assert!(matches!(
        noise_ceiling(&subjects[..1], Comparator::Pearson),
        Err(Error::TooFew { found: 1, .. })
    ));
}
