use super::*;

fn rdm() -> Rdm {
    Rdm::from_condensed(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 4).unwrap()
}

#[test]
fn condensed_and_square_agree() {
    let rdm = rdm();
    let square = rdm.square();
    assert_eq!(Rdm::from_square(&square, 4).unwrap(), rdm);
    for i in 0..4 {
        for j in 0..4 {
            assert_eq!(rdm.get(i, j), square[i * 4 + j]);
            assert_eq!(rdm.get(i, j), rdm.get(j, i));
        }
    }
    for (index, pair) in [(0, (0, 1)), (2, (0, 3)), (3, (1, 2)), (5, (2, 3))] {
        assert_eq!(rdm.pair(index), pair);
    }
}

#[test]
fn a_selection_keeps_entries_and_ids() {
    let ids = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
    let rdm = rdm().with_ids(ids).unwrap();
    let part = rdm.select(&[3, 0, 2]).unwrap();
    assert_eq!(part.values(), [3.0, 6.0, 2.0]);
    assert_eq!(part.ids().unwrap(), ["d", "a", "c"]);
    assert!(rdm.select(&[0, 0]).is_err());
    assert!(rdm.select(&[0, 4]).is_err());
}

#[test]
fn bad_matrices_are_refused() {
    assert!(Rdm::from_condensed(vec![1.0; 5], 4).is_err());
    assert!(Rdm::from_condensed(vec![], 1).is_err());
    let error = Rdm::from_condensed(vec![1.0, f64::NAN, 1.0], 3).unwrap_err();
    assert!(
        matches!(error, Error::BadEntry { i: 0, j: 2, .. }),
        "{error}"
    );
    let error = Rdm::from_square(&[0.0, 1.0, 2.0, 0.0], 2).unwrap_err();
    assert!(error.to_string().contains("1 above and 2 below"), "{error}");
    assert!(rdm().with_ids(vec![String::new()]).is_err());
}
