use super::*;

fn row(model: &str, seed: u64, corruption: &str, severity: u8, correct: u64) -> Row {
    Row {
        model: model.to_owned(),
        seed,
        corruption: corruption.to_owned(),
        severity,
        correct,
        total: 100,
    }
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (model, seed) in [("b", 2), ("b", 1), ("a", 1)] {
        rows.push(row(model, seed, CLEAN, 0, 90));
        for corruption in ["zzz", "snow", "shot_noise"] {
            for severity in [2, 1] {
                rows.push(row(
                    model,
                    seed,
                    corruption,
                    severity,
                    50 + seed - u64::from(severity),
                ));
            }
        }
    }
    rows
}

#[test]
fn a_grid_is_ordered_and_complete() {
    let grid = AccuracyGrid::from_rows(rows()).unwrap();
    assert_eq!(grid.models(), ["b", "a"]);
    assert_eq!(grid.corruptions(), ["shot_noise", "snow", "zzz"]);
    assert_eq!(grid.severities(), [1, 2]);
    assert_eq!(grid.runs("b").unwrap()[0].seed, 1);
    assert_eq!(grid.accuracy("b", 2, "snow", 1).unwrap(), 0.51);
    assert_eq!(grid.accuracies("b", "snow", 2).unwrap(), [0.49, 0.50]);
    assert_eq!(grid.clean("b").unwrap(), Some(vec![0.9, 0.9]));
}

#[test]
fn a_missing_cell_is_named() {
    let mut all = rows();
    all.retain(|r| !(r.model == "a" && r.corruption == "snow" && r.severity == 2));
    let error = AccuracyGrid::from_rows(all).unwrap_err();
    assert!(
        error.to_string().contains("a/seed 1/snow/severity 2"),
        "{error}"
    );
    let mut all = rows();
    all.retain(|r| !(r.model == "a" && r.severity == 0));
    let error = AccuracyGrid::from_rows(all).unwrap_err();
    assert!(
        error.to_string().contains("a/seed 1/clean/severity 0"),
        "{error}"
    );
}

#[test]
fn a_duplicate_cell_is_named() {
    let mut all = rows();
    all.push(row("b", 2, "snow", 1, 3));
    let error = AccuracyGrid::from_rows(all).unwrap_err();
    assert_eq!(
        error,
        Error::DuplicateCell {
            cell: "b/seed 2/snow/severity 1".to_owned()
        }
    );
}

#[test]
fn impossible_cells_are_refused() {
    for bad in [
        row("a", 1, "fog", 1, 101),
        row("a", 1, "fog", 0, 10),
        row("a", 1, CLEAN, 1, 10),
        Row {
            total: 0,
            ..row("a", 1, "fog", 1, 0)
        },
    ] {
        let error = AccuracyGrid::from_rows([bad]).unwrap_err();
        assert!(matches!(error, Error::BadCell { .. }), "{error}");
    }
    assert!(AccuracyGrid::from_rows([]).is_err());
    assert!(AccuracyGrid::from_rows([row("a", 1, CLEAN, 0, 1)]).is_err());
}

#[test]
fn unknown_names_are_listed() {
    let grid = AccuracyGrid::from_rows(rows()).unwrap();
    let error = grid.accuracy("b", 7, "snow", 1).unwrap_err();
    assert!(error.to_string().contains("b/7"), "{error}");
    let error = grid.runs("oracle").unwrap_err();
    assert!(error.to_string().contains("b, a"), "{error}");
}
