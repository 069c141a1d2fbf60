use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use proptest::prelude::*;

use super::*;

fn checkpoint(values: &[f32]) -> Checkpoint {
    let tensor = Tensor::from_slice(values, values.len(), &Device::Cpu).unwrap();
    let steps = Tensor::new(3.5f64, &Device::Cpu).unwrap();
    let mut checkpoint = Checkpoint {
        header: r#"{"epoch": 3}"#.to_owned(),
        tensors: BTreeMap::new(),
    };
    checkpoint.insert_part(
        "network",
        &BTreeMap::from([("a.weight".to_owned(), tensor), ("steps".to_owned(), steps)]),
    );
    checkpoint
}

#[test]
fn a_failed_write_keeps_the_file_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = CheckpointStore::open(folder.path().join("a/b")).unwrap();
    store.save(&store.last(), &checkpoint(&[1.0])).unwrap();
    // A name that is too long for the file system: the write fails at its start.
    let long = store.last().with_file_name("x".repeat(300));
    let error = store.save(&long, &checkpoint(&[2.0])).unwrap_err();
    assert!(error.to_string().contains("write"), "{error}");
    let back = store.load(&store.last(), &Device::Cpu).unwrap().unwrap();
    assert_eq!(
        back.part("network")["a.weight"].to_vec1::<f32>().unwrap(),
        [1.0]
    );
    // Nothing temporary is left.
    let names: Vec<_> = std::fs::read_dir(folder.path().join("a/b"))
        .unwrap()
        .collect();
    assert_eq!(names.len(), 1);
}

#[test]
fn damage_is_reported_with_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let store = CheckpointStore::open(folder.path()).unwrap();
    assert!(store.load(&store.last(), &Device::Cpu).unwrap().is_none());
    let bytes = checkpoint(&[1.0, 2.0]).to_bytes().unwrap();
    for cut in [0, 5, 20, bytes.len() - 1] {
        std::fs::write(store.last(), &bytes[..cut]).unwrap();
        let message = store
            .load(&store.last(), &Device::Cpu)
            .unwrap_err()
            .to_string();
        assert!(message.contains("last.safetensors"), "{message}");
    }
}

proptest! {
    #[test]
    fn bits_survive(bits in prop::collection::vec(any::<u32>(), 1..40)) {
        let values: Vec<f32> = bits.iter().map(|b| f32::from_bits(*b)).collect();
        let bytes = checkpoint(&values).to_bytes().unwrap();
        let back = Checkpoint::from_bytes(&bytes, &Device::Cpu).unwrap();
        prop_assert_eq!(&back.header, r#"{"epoch": 3}"#);
        let part = back.part("network");
        let found: Vec<u32> = part["a.weight"].to_vec1::<f32>().unwrap().iter().map(|v| v.to_bits()).collect();
        prop_assert_eq!(found, bits);
        prop_assert_eq!(part["steps"].to_scalar::<f64>().unwrap(), 3.5);
    }

    /// No bytes make the reader panic.
    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Checkpoint::from_bytes(&bytes, &Device::Cpu).is_err());
    }
}
