//! Small files for the tests of this crate.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use ::parquet::{
    data_type::{ByteArray, ByteArrayType, Int64Type},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use proptest::prelude::*;

/// A file with some bytes changed, and perhaps cut off.
pub(crate) fn damaged(file: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6);
    let cut = prop::option::of(any::<prop::sample::Index>());
    (changes, cut).prop_map(move |(changes, cut)| {
        let mut bytes = file.clone();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes
    })
}

/// An image table in the Hugging Face schema: bytes, path, label.
pub(crate) fn parquet_of_images(rows: &[(&[u8], Option<&str>, i64)]) -> Vec<u8> {
    let schema = "message schema {
        optional group image { optional binary bytes; optional binary path (STRING); }
        optional int64 label;
    }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().build());
    let mut out = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut out, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let bytes: Vec<ByteArray> = rows
        .iter()
        .map(|row| ByteArray::from(row.0.to_vec()))
        .collect();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<ByteArrayType>()
        .write_batch(&bytes, Some(&vec![2; rows.len()]), None)
        .unwrap();
    column.close().unwrap();
    let paths: Vec<ByteArray> = rows
        .iter()
        .filter_map(|row| row.1.map(ByteArray::from))
        .collect();
    let levels: Vec<i16> = rows
        .iter()
        .map(|row| 1 + i16::from(row.1.is_some()))
        .collect();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<ByteArrayType>()
        .write_batch(&paths, Some(&levels), None)
        .unwrap();
    column.close().unwrap();
    let labels: Vec<i64> = rows.iter().map(|row| row.2).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<Int64Type>()
        .write_batch(&labels, Some(&vec![1; rows.len()]), None)
        .unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    out
}

/// A file of the folder `shared/data` beside the checkout, where it is there; else a
/// line says that the test was skipped.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not here", path.display());
    None
}

/// A fresh folder for one test.
pub(crate) fn temporary(name: &str) -> PathBuf {
    let name = format!("striate-data-{name}-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
