use std::{collections::BTreeMap, io::Cursor};

use proptest::prelude::*;

use super::*;
use crate::testing::shared;

fn samples() -> BTreeMap<String, Array> {
    let text = ["a", "", "neuron 7", "\u{e9}"].map(String::from).to_vec();
    [
        (
            "f4",
            Array::new(
                vec![2, 3],
                Values::F32(vec![0.0, -1.5, f32::NAN, 3.0, 4.0, 5.0]),
            ),
        ),
        (
            "f8",
            Array::new(vec![3], Values::F64(vec![0.1, 1e300, -0.0])),
        ),
        (
            "i8",
            Array::new(vec![2, 1, 2], Values::I64(vec![1, -2, i64::MAX, i64::MIN])),
        ),
        ("u1", Array::new(vec![0, 5], Values::U8(vec![]))),
        ("text", Array::new(vec![4], Values::Text(text))),
        ("scalar", Array::new(vec![], Values::U8(vec![7]))),
    ]
    .into_iter()
    .map(|(name, array)| (name.to_string(), array.unwrap()))
    .collect()
}

#[test]
fn what_is_written_is_read_back() {
    let bytes = npz::bytes_of(&samples()).unwrap();
    let read = npz::read(Cursor::new(bytes.clone()), "memory").unwrap();
    // NaN is not equal to itself: compare what is printed.
    assert_eq!(format!("{read:?}"), format!("{:?}", samples()));
    assert_eq!(bytes, npz::bytes_of(&samples()).unwrap());
}

#[test]
fn byte_order_and_fortran_order_are_undone() {
    let header = |descr: &str, fortran: &str, shape: &str, data: &[u8]| {
        let dict =
            format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        let mut npy = b"\x93NUMPY\x01\x00".to_vec();
        npy.extend_from_slice(&(dict.len() as u16).to_le_bytes());
        npy.extend_from_slice(dict.as_bytes());
        npy.extend_from_slice(data);
        npy
    };
    let npy = header(
        ">i2",
        "True",
        "(2, 3)",
        &[0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 255, 254],
    );
    let array = read_npy(&npy, "x").unwrap();
    assert_eq!(array.values, Values::I64(vec![1, 3, 5, 2, 4, -2]));
    let error = read_npy(&header("<c16", "False", "(1,)", &[0; 16]), "x.npy").unwrap_err();
    assert_eq!(
        error.to_string(),
        "x.npy: expected a type among bool, (u)int8-64, float32, float64, text, found \"<c16\""
    );
    let error = read_npy(&header("<f8", "False", "(4,)", &[0; 16]), "x.npy").unwrap_err();
    assert_eq!(
        error.to_string(),
        "x.npy: expected 4 values of 8 bytes, found 16 bytes"
    );
}

#[test]
fn the_macaque_patterns_are_read() {
    let Some(path) = shared("macaque-v1-patterns.npz") else {
        return;
    };
    let arrays = read_npz(&path).unwrap();
    assert_eq!(arrays["images"].shape, [9500, 40, 40]);
    let Values::U8(pixels) = &arrays["images"].values else {
        panic!("images are {}", arrays["images"].values.kind());
    };
    assert!(pixels.iter().all(|v| *v == 0 || *v == 255));
    let responses = arrays["responses"].to_f32("responses").unwrap();
    // The first values as NumPy prints them.
    let expected = [0.11872377, -0.00797153, -0.03487218, 0.07286281];
    striate_testkit::assert_close(&responses[..4], &expected, 5e-9, 0.0);
    let recording = crate::Recording::read_npz(&path).unwrap();
    assert_eq!((recording.trials(), recording.neurons), (9500, 2));
    assert_eq!(recording.neuron_ids, ["75", "255"]);
}

proptest! {
    #[test]
    fn a_damaged_archive_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = npz::bytes_of(&samples()).unwrap();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = npz::read(Cursor::new(bytes), "damaged");
    }

    #[test]
    fn a_damaged_array_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for array in samples().values() {
            let mut bytes = write_npy(array);
            for (place, value) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *value;
            }
            if let Ok(array) = read_npy(&bytes, "damaged") {
                prop_assert_eq!(element_count(&array.shape), Some(array.values.len()));
            }
        }
    }
}
