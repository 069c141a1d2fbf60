use proptest::prelude::*;

use super::*;

#[test]
fn rows_are_read_by_column() {
    let text = "\u{feff}a,b\r\n1,\"x \"\"y\"\",\nz\"\r\n\r\n2.0,w\r\n";
    let mut csv = Csv::new(text, "t.csv").unwrap();
    let (a, b) = (csv.column("a").unwrap(), csv.column("b").unwrap());
    let row = csv.next_row().unwrap().unwrap();
    assert_eq!(row.number::<u32>(a, "a").unwrap(), 1);
    assert_eq!(row.field(b, "b").unwrap(), "x \"y\",\nz");
    let row = csv.next_row().unwrap().unwrap();
    assert_eq!(row.place, "t.csv, line 5");
    assert_eq!(row.number::<u32>(a, "a").unwrap(), 2);
    let error = row.number::<u32>(b, "b").unwrap_err().to_string();
    assert_eq!(
        error,
        "t.csv, line 5, column b: expected a number in 0..2^32, found \"w\""
    );
    assert!(csv.next_row().unwrap().is_none());
    let error = csv.column("c").unwrap_err().to_string();
    assert_eq!(error, "t.csv: expected a column c, found columns [a, b]");
}

#[test]
fn lists_are_read_and_their_faults_named() {
    assert_eq!(
        nested_list("[[1, 2], [3, 4.5]]", "x").unwrap(),
        (2, vec![1.0, 2.0, 3.0, 4.5])
    );
    assert_eq!(nested_list("[[1 2]\n [3 4]]", "x").unwrap().0, 2);
    for (text, end) in [
        (
            "[[1, 2], [3]]",
            "expected inner lists of 2 numbers, found \"3\"",
        ),
        ("[1, 2]", "expected an inner list [...], found \"1, 2\""),
        ("[[1, a]]", "expected a number, found \"a\""),
        ("[]", "expected a list with numbers in it, found \"[]\""),
        ("1", "expected a list [[...], ...], found \"1\""),
    ] {
        let error = nested_list(text, "x").unwrap_err().to_string();
        assert_eq!(error, format!("x: {end}"));
    }
}

proptest! {
    #[test]
    fn any_text_never_panics(text in "[\\[\\]\",0-9a\n\r ]{0,60}") {
        if let Ok(mut csv) = Csv::new(&text, "x") {
            while let Ok(Some(_)) = csv.next_row() {}
        }
        let _ = nested_list(&text, "x");
    }
}
