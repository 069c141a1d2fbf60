use std::path::PathBuf;

use striate_report::Table;

use super::*;

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

type Row = (usize, Option<String>, Option<i64>);

/// The rows of two columns, with their numbers.
fn rows(path: &Path) -> Result<Vec<Row>> {
    let mut out = Vec::new();
    read(path, &|name| name == "name" || name == "count", &mut |b| {
        for row in 0..b.rows {
            let name = b.text("name", row)?.map(Cow::into_owned);
            out.push((b.number(row), name, b.integer("count", row)?));
        }
        Ok(())
    })?;
    Ok(out)
}

#[test]
fn csv_knows_quotes_line_breaks_blank_lines_and_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "\u{feff}name,other,count\r\n\"a, \"\"b\"\"\",x,1\r\n\r\n\"two\nlines\",y,2.0\r\n,z,\r\n";
    let found = rows(&file(&folder, "t.csv", text)).unwrap();
    assert_eq!(
        found,
        [
            (2, Some("a, \"b\"".to_owned()), Some(1)),
            (4, Some("two\nlines".to_owned()), Some(2)),
            (6, None, None),
        ]
    );
}

#[test]
fn errors_name_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "t.csv", "name,count\na,1\nb,x\n");
    let error = rows(&path).unwrap_err().to_string();
    assert!(
        error.ends_with("t.csv, line 3, column count: expected a whole number, found `x`"),
        "{error}"
    );
    let path = file(&folder, "u.csv", "name,count\na,1,2\n");
    let error = rows(&path).unwrap_err().to_string();
    assert!(
        error.ends_with("u.csv, line 2: expected 2 fields, found 3"),
        "{error}"
    );
    let path = file(&folder, "v.txt", "name");
    assert!(
        rows(&path)
            .unwrap_err()
            .to_string()
            .contains("a parquet file")
    );
}

#[test]
fn parquet_comes_in_batches_with_running_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    let count = 2 * BATCH + 7;
    Table::new("t")
        .utf8("name", (0..count).map(|i| format!("n{i}")))
        .unwrap()
        .i64("count", (0..count as i64).map(|i| 3 * i))
        .unwrap()
        .f64("unused", (0..count).map(|_| 0.5))
        .unwrap()
        .write_parquet(&path)
        .unwrap();
    let found = rows(&path).unwrap();
    assert_eq!(found.len(), count);
    for (row, (number, name, value)) in found.iter().enumerate() {
        assert_eq!(*number, row);
        assert_eq!(name.as_deref(), Some(format!("n{row}").as_str()));
        assert_eq!(*value, Some(3 * row as i64));
    }
}

#[test]
fn damaged_parquet_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "t.parquet", "PAR1 and nothing more");
    assert!(rows(&path).unwrap_err().to_string().contains("t.parquet"));
}

#[test]
fn lists_are_read_from_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "t.csv", "l\n\"[1, 2.5,-3e1]\"\n1 2\n\"[1, x]\"\n");
    let mut lists = Vec::new();
    let result = read(&path, &|_| true, &mut |b| {
        for row in 0..b.rows {
            lists.push(b.list("l", row)?.into_owned());
        }
        Ok(())
    });
    assert_eq!(lists, [vec![1.0, 2.5, -30.0], vec![1.0, 2.0]]);
    assert!(result.unwrap_err().to_string().contains("line 4"));
}
