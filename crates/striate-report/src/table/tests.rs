use proptest::prelude::*;

use super::{Table, Values};
use crate::Error;

fn sample() -> Table {
    Table::new("sample")
        .utf8("model", ["baseline", "a \"b\", c\nd", ""])
        .unwrap()
        .i64("seed", [i64::MIN, 0, i64::MAX])
        .unwrap()
        .f64("accuracy", [0.1, f64::NAN, -1e-300])
        .unwrap()
}

#[test]
fn csv_quotes_text_and_leaves_missing_numbers_empty() {
    assert_eq!(
        sample().to_csv().lines().next(),
        Some("model,seed,accuracy")
    );
    assert!(
        sample()
            .to_csv()
            .contains("\"a \"\"b\"\", c\nd\",0,\n,9223372036854775807,-0.0")
    );
}

#[test]
fn parquet_reads_back_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.parquet");
    sample().write_parquet(&path).unwrap();
    let back = Table::read_parquet(&path).unwrap();
    assert_eq!(format!("{back:?}"), format!("{:?}", sample()));
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "no partial file is left behind");
}

#[test]
fn a_table_without_rows_survives_parquet() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.parquet");
    let table = Table::new("empty").f64("x", []).unwrap();
    table.write_parquet(&path).unwrap();
    assert_eq!(Table::read_parquet(&path).unwrap(), table);
}

#[test]
fn columns_of_other_length_or_the_same_name_are_refused() {
    let error = sample().i64("images", [1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "table `sample`, column `images`: expected 3 rows, found 1"
    );
    let error = sample().i64("seed", [1, 2, 3]).unwrap_err();
    assert!(matches!(error, Error::DuplicateColumn { .. }));
    let error = sample().get_f64("seed").unwrap_err();
    assert_eq!(
        error.to_string(),
        "table `sample`, column `seed`: expected f64, found i64"
    );
}

#[test]
fn errors_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none").join("t.csv");
    let error = sample().write_csv(&missing).unwrap_err().to_string();
    assert!(
        error.starts_with("write ") && error.contains("t.csv"),
        "{error}"
    );
    let damaged = folder.path().join("damaged.parquet");
    std::fs::write(&damaged, b"PAR1 this is not a table PAR1").unwrap();
    let error = Table::read_parquet(&damaged).unwrap_err().to_string();
    assert!(error.contains("damaged.parquet"), "{error}");
}

proptest! {
    #[test]
    fn any_table_survives_parquet(rows in prop::collection::vec((".{0,12}", any::<i64>(), prop::option::of(-1e30..1e30)), 0..60)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        let table = Table::new("t")
            .utf8("s", rows.iter().map(|r| r.0.clone())).unwrap()
            .i64("i", rows.iter().map(|r| r.1)).unwrap()
            .f64("f", rows.iter().map(|r| r.2.unwrap_or(f64::NAN))).unwrap();
        table.write_parquet(&path).unwrap();
        let back = Table::read_parquet(&path).unwrap();
        prop_assert_eq!(back.get_utf8("s").unwrap(), table.get_utf8("s").unwrap());
        prop_assert_eq!(back.get_i64("i").unwrap(), table.get_i64("i").unwrap());
        let Values::F64(found) = back.values("f").unwrap() else { panic!("type changed") };
        for (found, row) in found.iter().zip(&rows) {
            prop_assert_eq!((!found.is_nan()).then_some(*found), row.2);
        }
    }
}
