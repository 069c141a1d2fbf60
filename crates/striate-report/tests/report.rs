//! A whole report of made-up data, as the demo writes it.

#[path = "../examples/demo/made_up.rs"]
mod made_up;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use striate_report::{Table, write};

/// The files of a report with their bytes.
fn contents(folder: &Path, files: &[PathBuf]) -> std::io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let read = |f: &PathBuf| Ok((f.clone(), std::fs::read(folder.join(f))?));
    files.iter().map(read).collect()
}

#[test]
fn a_report_is_complete_self_contained_and_the_same_each_time() {
    let data = made_up::report().unwrap();
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let files = write(&data, a.path()).unwrap();
    let again = write(&data, &b.path().join("new/folder")).unwrap();
    assert_eq!(
        contents(a.path(), &files).unwrap(),
        contents(&b.path().join("new/folder"), &again).unwrap()
    );

    let page = std::fs::read_to_string(a.path().join("report.html")).unwrap();
    assert!(!page.contains("NaN"));
    for outside in ["<script", "<link", "@import", "url(", "http:", "https:"] {
        assert!(!page.contains(outside), "{outside}");
    }
    // Each link leads to a file or an anchor that is there.
    let mut links = 0;
    for part in page.split(" href=\"").skip(1) {
        let target = part.split('"').next().unwrap();
        links += 1;
        match target.strip_prefix('#') {
            Some(id) => assert!(page.contains(&format!(" id=\"{id}\"")), "{target}"),
            None if target.starts_with("data:") => links -= 1,
            None => assert!(a.path().join(target).is_file(), "{target}"),
        }
    }
    assert!(links > 60, "{links}");
}

#[test]
fn the_long_table_has_one_row_per_model_seed_corruption_and_severity() {
    let data = made_up::report().unwrap();
    let folder = tempfile::tempdir().unwrap();
    write(&data, folder.path()).unwrap();
    let table = Table::read_parquet(&folder.path().join("results/robustness.parquet")).unwrap();
    // 5 models, 3 seeds, 15 corruptions at 5 severities and clean.
    assert_eq!(table.rows(), 5 * 3 * (15 * 5 + 1));
    for column in [
        "accuracy",
        "images",
        "protocol",
        "severity",
        "corruption",
        "seed",
        "model",
    ] {
        table.values(column).unwrap();
    }
    assert!(
        table
            .get_f64("accuracy")
            .unwrap()
            .iter()
            .all(|a| (0.0..=1.0).contains(a))
    );
}

#[test]
fn a_table_may_not_take_the_name_of_one_of_the_reports_own() {
    let mut data = made_up::report().unwrap();
    data.tables
        .push(Table::new("scores").i64("x", [1]).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let error = write(&data, folder.path()).unwrap_err().to_string();
    assert!(error.contains("table `scores`"), "{error}");
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing is written"
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let data = made_up::report().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    std::fs::write(&file, b"a file").unwrap();
    let error = write(&data, &file).unwrap_err().to_string();
    assert!(
        error.starts_with("create ") && error.contains("taken"),
        "{error}"
    );
}
