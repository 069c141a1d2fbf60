use std::path::PathBuf;

use super::*;
use crate::testing::temporary;

const IMAGES: usize = 6;
const UNITS: usize = 5;

/// A file that tests/golden/netcdf.py made.
fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/golden/netcdf")
        .join(name)
}

/// The features of a row, as the script has them.
fn row(r: usize, fraction: f32) -> Vec<f32> {
    let value = |c: usize| ((7 * r + 3 * c + 5 * r * c) % 11) as f32 + fraction;
    (0..UNITS).map(value).collect()
}

#[test]
fn every_format_gives_the_values_that_were_written() {
    for (file, name, fraction) in [
        ("classic.nc", "rates", 0.25),
        ("records.nc", "rates", 0.0),
        ("single.nc", "rates", 0.0),
        ("wide.nc", "rates", 0.0),
        ("assembly.nc", "x", 0.25),
        ("plain.nc", "rates", 0.25),
    ] {
        let open = NetCdf::open(&golden(file)).unwrap();
        let variable = open.variable(name).unwrap();
        assert_eq!(variable.shape[..2], [IMAGES, UNITS], "{file}");
        assert!(variable.numeric);
        let expected: Vec<f32> = (0..IMAGES).flat_map(|r| row(r, fraction)).collect();
        assert_eq!(open.rows(name, 0, IMAGES).unwrap(), expected, "{file}");
        let part = open.rows(name, 2, 3).unwrap();
        assert_eq!(part, expected[2 * UNITS..5 * UNITS], "{file}");
        let error = open.rows(name, 4, 3).unwrap_err().to_string();
        assert!(
            error.contains(name) && error.contains("6 entries"),
            "{error}"
        );
    }
}

#[test]
fn labels_are_strings_characters_or_numbers() {
    let named = ["im5", "im4", "im3", "im2", "im1", "im0"];
    let numbered = ["5", "4", "3", "2", "1", "0"];
    for (file, name, expected) in [
        ("classic.nc", "image_id", named),
        ("records.nc", "image_id", numbered),
        ("wide.nc", "image_id", numbered),
        ("assembly.nc", "image_id", named),
        ("plain.nc", "image_ids", named),
        ("several4.nc", "image_id", numbered),
    ] {
        let open = NetCdf::open(&golden(file)).unwrap();
        assert_eq!(open.labels(name).unwrap(), expected, "{file}");
    }
    let open = NetCdf::open(&golden("assembly.nc")).unwrap();
    let error = open.labels("x").unwrap_err().to_string();
    assert!(error.contains("variable x: expected a label"), "{error}");
    let error = open.rows("region", 0, 1).unwrap_err().to_string();
    assert!(
        error.contains("variable region: expected numbers"),
        "{error}"
    );
    let error = open.labels("image").unwrap_err().to_string();
    let listed = "expected a variable image, found [image_id, neuroid, neuroid_id,";
    assert!(error.contains(listed), "{error}");
}

#[test]
fn a_label_belongs_to_the_axis_of_its_dimension() {
    for file in ["several3.nc", "several4.nc"] {
        let open = NetCdf::open(&golden(file)).unwrap();
        let ids = open.variable("image_id").unwrap();
        assert!(ids.dimensions.is_some(), "{file}");
        let of = |name: &str, axis| ids.runs_along(open.variable(name).unwrap(), axis);
        assert_eq!((of("gappy", 0), of("gappy", 1)), (true, false), "{file}");
        assert_eq!((of("turned", 0), of("turned", 1)), (false, true), "{file}");
    }
    let square = |name: &str, dimensions: Option<Vec<u64>>| Variable {
        name: name.to_owned(),
        shape: vec![4; dimensions.as_ref().map_or(1, Vec::len)],
        dimensions,
        numeric: true,
    };
    let (x, id) = (square("x", Some(vec![0, 1])), square("id", Some(vec![1])));
    assert!(!id.runs_along(&x, 0) && id.runs_along(&x, 1));
    // Without numbers of dimensions there is only the length.
    assert!(square("id", None).runs_along(&x, 0));
}

#[test]
fn missing_values_are_nan_and_packed_ones_refused() {
    for file in ["several3.nc", "several4.nc"] {
        let open = NetCdf::open(&golden(file)).unwrap();
        let found = open.rows("gappy", 0, IMAGES).unwrap();
        for (i, value) in found.iter().enumerate() {
            let (r, c) = (i / UNITS, i % UNITS);
            if (r, c) == (2, 3) {
                assert!(value.is_nan(), "{file}");
            } else {
                assert_eq!(*value, row(r, 0.25)[c], "{file}");
            }
        }
        let found = open.rows("unwritten", 0, IMAGES).unwrap();
        assert!(found[25..].iter().all(|v| v.is_nan()), "{file}: {found:?}");
        assert_eq!(found[..5], row(0, 0.25), "{file}");
        let error = open.rows("packed", 0, 1).unwrap_err().to_string();
        assert!(
            error.contains("variable packed") && error.contains("scale_factor"),
            "{error}"
        );
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error_or_what_was_written() {
    let folder = temporary("netcdf-cut");
    let path = folder.join("cut.nc");
    for (file, fraction) in [("classic.nc", 0.25), ("records.nc", 0.0), ("wide.nc", 0.0)] {
        let bytes = std::fs::read(golden(file)).unwrap();
        let whole: Vec<f32> = (0..IMAGES).flat_map(|r| row(r, fraction)).collect();
        let mut refused = 0;
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let read = NetCdf::open(&path).and_then(|f| f.rows("rates", 0, IMAGES));
            match read {
                Ok(values) => assert_eq!(values, whole, "{file} cut at {length}"),
                Err(error) => {
                    refused += 1;
                    assert!(error.to_string().contains("cut.nc"), "{error}");
                }
            }
        }
        // What follows the values of the features may be missing, no more.
        assert!(refused > bytes.len() / 2, "{file}: {refused}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn other_files_and_versions_are_refused() {
    let folder = temporary("netcdf-other");
    for (name, bytes, expected) in [
        ("text.nc", &b"not a file"[..], "expected a netCDF file"),
        ("empty.nc", b"", "expected a netCDF file"),
        ("new.nc", b"CDF\x09\0\0\0\0", "version 1, 2 or 5, found 9"),
        (
            "head.nc",
            b"CDF\x01",
            "header: expected 4 bytes more, found 0 to the end",
        ),
        (
            "list.nc",
            b"CDF\x01\0\0\0\0\0\0\0\x0b\0\0\0\0\0\0\0\0\0\0\0\0",
            "expected the list of dimensions",
        ),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        let Err(error) = NetCdf::open(&path) else {
            panic!("{name} was opened");
        };
        let error = error.to_string();
        assert!(error.contains(name) && error.contains(expected), "{error}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
