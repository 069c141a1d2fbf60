use std::path::{Path, PathBuf};

use proptest::prelude::*;
use striate_testkit::Golden;

use super::*;
use crate::testing::damaged;

fn mini() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/mini/photos.parquet")
}

#[test]
fn the_embedded_photographs_are_read() {
    let table = ImageTable::open(&mini()).unwrap();
    assert_eq!(table.records.len(), 208);
    assert_eq!(
        table.class_names,
        ["animal", "building", "energy", "fish", "household", "tool"]
    );
    let first = &table.records[0];
    assert_eq!(first.path.as_deref(), Some("bison.jpg"));
    assert_eq!((first.label, first.bytes.len()), (Some(0), 31_882));
    assert_eq!(first.text["author"], "Kurt Kaiser");
    let names: Vec<&String> = first.text.keys().collect();
    assert_eq!(names, ["author", "licence", "source", "title"]);
    let buildings = table.records.iter().filter(|r| r.label == Some(1)).count();
    assert_eq!(buildings, 72);
    let error = table.to_image_set().unwrap_err().to_string();
    assert!(
        error.contains("row 3: expected 240 x 320 pixels as in the first row, found 213 x 320"),
        "{error}"
    );
}

#[test]
fn decoded_photographs_are_near_pillows() {
    // zune-jpeg and libjpeg-turbo (Pillow 13.0.0) round the inverse DCT, the chroma
    // upsampling and the colour conversion differently. Measured: 8 to 21 % of the
    // values differ, by 4 levels at most, most of them by one.
    let golden = Golden::open("data/decoding");
    let table = ImageTable::open(&mini()).unwrap();
    for row in [0, 3, 57, 101, 207] {
        let image = table.records[row].decode().unwrap();
        let expected = golden.u32(&format!("row{row}"));
        let mut found = Vec::new();
        for y in (0..image.height).step_by(5) {
            for x in (0..image.width).step_by(5) {
                let start = (y * image.width + x) * 3;
                found.extend_from_slice(&image.pixels_u8[start..start + 3]);
            }
        }
        assert_eq!(found.len(), expected.len());
        let differences: Vec<u32> = found
            .iter()
            .zip(&expected)
            .map(|(a, b)| u32::from(*a).abs_diff(*b))
            .collect();
        let mean = f64::from(differences.iter().sum::<u32>()) / found.len() as f64;
        let most = differences.iter().max().unwrap();
        let share = differences.iter().filter(|d| **d > 0).count() as f64 / found.len() as f64;
        eprintln!(
            "row {row}: {:.2} % of the values differ, by {most} at most",
            share * 100.0
        );
        assert!(*most <= 4 && share < 0.25 && mean < 0.3);
    }
}

#[test]
fn a_file_of_the_datasets_library_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/sample_hf.parquet");
    if !path.exists() {
        eprintln!("skipped: {} is not here", path.display());
        return;
    }
    let table = ImageTable::open(&path).unwrap();
    assert_eq!(table.records.len(), 12);
    assert_eq!(table.class_names, ["alphabets", "fishes"]);
    assert!(table.decode().unwrap().iter().all(|image| image.height > 0));
}

#[test]
fn shards_are_found_under_their_names() {
    let folder = std::env::temp_dir().join(format!("striate-shards-{}", std::process::id()));
    let data = folder.join("data");
    std::fs::create_dir_all(&data).unwrap();
    for name in [
        "train-00001-of-00002.parquet",
        "train-00000-of-00002-1359597a978bc4fa.parquet",
        "valid-00000-of-00001.parquet",
        "training.parquet",
    ] {
        std::fs::write(data.join(name), b"").unwrap();
    }
    let train = find_shards(&folder, SplitName::Train).unwrap();
    assert_eq!(train.len(), 2);
    assert!(train[0].ends_with("train-00000-of-00002-1359597a978bc4fa.parquet"));
    assert_eq!(
        find_shards(&folder, SplitName::Validation).unwrap().len(),
        1
    );
    let error = find_shards(&folder, SplitName::Test)
        .unwrap_err()
        .to_string();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(
        error.contains("expected {test}*.parquet, found [train-0"),
        "{error}"
    );
    let error = ImageTable::open(&train[0]).unwrap_err().to_string();
    assert!(error.contains("train-00000"), "{error}");
}

/// A small table, to be damaged.
fn small() -> Vec<u8> {
    crate::testing::parquet_of_images(&[
        (b"first".as_slice(), Some("a.png"), 1),
        (b"second", None, 0),
    ])
}

#[test]
fn a_null_path_and_raw_bytes_are_kept() {
    let table = ImageTable::from_bytes(small(), "small").unwrap();
    assert_eq!(table.records[0].path.as_deref(), Some("a.png"));
    assert_eq!(table.records[1].path, None);
    assert_eq!(table.records[1].bytes, b"second");
    assert_eq!(table.records[1].label, Some(0));
    let error = table.records[0].decode().unwrap_err().to_string();
    assert!(
        error.starts_with("small, row 0: expected a PNG or JPEG"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn a_damaged_file_never_panics(bytes in damaged(small())) {
        if let Ok(table) = ImageTable::from_bytes(bytes, "damaged") {
            prop_assert!(table.records.len() < 1000);
        }
    }
}
