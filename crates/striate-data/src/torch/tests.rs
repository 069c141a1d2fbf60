use std::io::Cursor;
use std::path::PathBuf;

use striate_testkit::Golden;

use super::*;
use crate::array::{Array, Values};

fn golden(name: &str) -> PathBuf {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.join("../../tests/golden/interop").join(name)
}

fn read(bytes: &[u8], part: Option<&str>) -> Result<StateDict, String> {
    StateDict::read(Cursor::new(bytes), "x.pth", part).map_err(|e| e.to_string())
}

fn as_f64(array: &Array) -> Vec<f64> {
    match &array.values {
        Values::F32(v) => v.iter().map(|v| f64::from(*v)).collect(),
        Values::F64(v) => v.clone(),
        Values::I64(v) => v.iter().map(|v| *v as f64).collect(),
        Values::U8(v) => v.iter().map(|v| f64::from(*v)).collect(),
        Values::Text(_) => unreachable!("no tensor holds text"),
    }
}

/// Every value is the one that PyTorch has, exactly: widening rounds nothing.
#[test]
fn every_type_and_window_is_read_from_both_layouts() {
    let expected = Golden::open("interop/expected");
    let zip = StateDict::open(&golden("mixed.pth"), None).unwrap();
    let legacy = StateDict::open(&golden("mixed_legacy.pth"), Some("ema")).unwrap();
    assert_eq!((zip.part.as_str(), legacy.part.as_str()), (".", "ema"));
    let names: Vec<String> = expected.names();
    let names: Vec<&str> = names
        .iter()
        .filter_map(|name| name.strip_prefix("mixed."))
        .collect();
    for tensors in [&zip.tensors, &legacy.tensors] {
        assert_eq!(
            tensors.keys().map(String::as_str).collect::<Vec<_>>(),
            names
        );
        for name in &names {
            let (shape, values) = expected.f64(&format!("mixed.{name}"));
            assert_eq!(tensors[*name].shape, shape, "{name}");
            assert_eq!(as_f64(&tensors[*name]), values, "{name}");
        }
    }
    assert!(matches!(zip.tensors["bf16"].values, Values::F32(_)));
    assert!(matches!(zip.tensors["f64"].values, Values::F64(_)));
    assert!(matches!(zip.tensors["bool"].values, Values::I64(_)));
}

#[test]
fn the_weights_of_a_checkpoint_are_found() {
    let nested = StateDict::open(&golden("nested.pth"), None).unwrap();
    assert_eq!(nested.part, "state_dict");
    let names: Vec<&String> = nested.tensors.keys().collect();
    assert_eq!(names.len(), 10);
    assert!(names.iter().all(|name| name.starts_with("module.")));
    assert_eq!(
        StateDict::open(&golden("study.pth"), None).unwrap().part,
        "net"
    );
    let plain = StateDict::open(&golden("plain.pth"), None).unwrap();
    let tracked = &plain.tensors["features.1.num_batches_tracked"];
    assert_eq!(tracked.values, Values::I64(vec![17]));
    assert!(tracked.shape.is_empty());
}

#[test]
fn several_dicts_of_weights_are_listed() {
    let file = std::fs::read(golden("mixed_legacy.pth")).unwrap();
    let error = read(&file, None).unwrap_err();
    assert!(
        error.contains("one dict of weights, or the name of one, found keys [ema, model]"),
        "{error}"
    );
    let error = read(&file, Some("net")).unwrap_err();
    assert!(
        error.contains("a dict of weights net, found keys [ema, model]"),
        "{error}"
    );
}

/// A pickle that would call something; nothing of it is done.
#[test]
fn an_unknown_global_is_named() {
    let mut file = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec();
    file.extend(b"\x80\x02M\xe9\x03.\x80\x02}.\x80\x02ctorchvision.models.vgg\nVGG\n)R.");
    let error = read(&file, None).unwrap_err();
    assert!(
        error.starts_with("x.pth, pickle of the object at byte 25, byte"),
        "{error}"
    );
    assert!(
        error.contains("the global torchvision.models.vgg.VGG"),
        "{error}"
    );
    // Tensors mean something in files of PyTorch only.
    let plain = b"\x80\x02ctorch\nFloatStorage\n.".to_vec();
    let error = crate::pickle::Pickle::from_bytes(plain, "p").unwrap_err();
    assert!(error.to_string().contains("torch.FloatStorage"), "{error}");
}

#[test]
fn what_is_no_checkpoint_is_told() {
    let error = read(b"\x7fELF\x02\x01", None).unwrap_err();
    assert_eq!(
        error,
        "x.pth: expected a checkpoint of PyTorch: a zip archive, or a pickle of its magic \
         number, found a file that begins with [7f 45 4c 46 02 01]"
    );
    let npz = crate::array::npz_bytes(&Default::default()).unwrap();
    let error = read(&npz, None).unwrap_err();
    assert!(error.contains("an entry NAME/data.pkl"), "{error}");
    let missing = StateDict::open(&golden("absent.pth"), None).unwrap_err();
    assert!(missing.to_string().contains("absent.pth"), "{missing}");
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    for name in ["plain.pth", "legacy.pth"] {
        let file = std::fs::read(golden(name)).unwrap();
        read(&file, None).unwrap();
        for len in (0..file.len()).step_by(7) {
            let error = read(&file[..len], None).unwrap_err();
            assert!(error.starts_with("x.pth"), "{error}");
        }
    }
}

/// The legacy layout, written by hand: one storage of four f32 and one tensor on it.
fn by_hand(shape: &[u8], strides: &[u8], offset: u8, count: u8) -> Vec<u8> {
    let mut file = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec();
    file.extend(b"\x80\x02M\xe9\x03.\x80\x02}.\x80\x02}U\x01wctorch._utils\n_rebuild_tensor_v2\n");
    file.extend(b"((U\x07storagectorch\nFloatStorage\nU\x01kU\x03cpuK");
    file.push(count);
    file.extend(b"NtQK");
    file.push(offset);
    for axes in [shape, strides] {
        file.push(b'(');
        axes.iter().for_each(|n| file.extend([b'K', *n]));
        file.push(b't');
    }
    file.extend(b"\x89}tRs.\x80\x02]U\x01ka.");
    file.extend(4u64.to_le_bytes());
    for value in [1f32, 2.0, 3.0, 4.0] {
        file.extend(value.to_le_bytes());
    }
    file
}

#[test]
fn a_window_lies_within_its_storage() {
    let values = |file: &[u8]| as_f64(&read(file, None).unwrap().tensors["w"]);
    assert_eq!(
        values(&by_hand(&[2, 2], &[1, 2], 0, 4)),
        [1.0, 3.0, 2.0, 4.0]
    );
    assert_eq!(values(&by_hand(&[1, 2], &[99, 1], 2, 4)), [3.0, 4.0]);
    let cases = [
        ([2, 2], vec![2, 1], 1, 4, "within the 4 elements"),
        ([2, 2], vec![2], 0, 4, "a stride for each axis"),
        (
            [2, 2],
            vec![2, 1],
            0,
            5,
            "expected 5 elements of 4 bytes, found 16 bytes",
        ),
        ([255, 255], vec![255, 1], 0, 4, "within the 4 elements"),
    ];
    for (shape, strides, offset, count, part) in cases {
        let error = read(&by_hand(&shape, &strides, offset, count), None).unwrap_err();
        assert!(error.contains(part), "{part:?} is not in {error:?}");
        assert!(error.contains("key w"), "{error}");
    }
}

/// A storage of four elements that a tensor of 2^32 elements looks at.
#[test]
fn strides_of_0_do_not_fill_the_memory() {
    let file = by_hand(&[255, 255, 255, 255], &[0; 4], 0, 4);
    let error = read(&file, None).unwrap_err();
    assert!(error.contains("8 times the file's"), "{error}");
}

#[test]
fn big_endian_storages_are_turned_around() {
    let decode = |element: Element, bytes: &[u8]| element.decode(bytes, true, "x").unwrap();
    assert_eq!(decode(Element::F16, &[0x3c, 0x00]), Values::F32(vec![1.0]));
    assert_eq!(
        decode(Element::Bf16, &[0xc0, 0x20]),
        Values::F32(vec![-2.5])
    );
    assert_eq!(
        decode(Element::F32, &[0x3f, 0x80, 0, 0]),
        Values::F32(vec![1.0])
    );
    assert_eq!(decode(Element::I16, &[0xff, 0xfe]), Values::I64(vec![-2]));
}

/// Python 2 wrote an `OrderedDict` as a call with a list of pairs, and its text as bytes.
#[test]
fn files_of_python_2_are_read() {
    let mut file = by_hand(&[2, 2], &[2, 1], 0, 4);
    let dict = file.windows(4).position(|part| part == b"}U\x01w").unwrap();
    file.splice(dict..dict + 1, *b"ccollections\nOrderedDict\n](](");
    let end = file.windows(5).position(|part| part == b"}tRs.").unwrap();
    file.splice(end + 3..end + 4, *b"ee\x85R");
    let weights = read(&file, None).unwrap();
    assert_eq!(as_f64(&weights.tensors["w"]), [1.0, 2.0, 3.0, 4.0]);
}
