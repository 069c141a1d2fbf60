use proptest::prelude::*;

use super::*;
use crate::{
    array::Values,
    testing::{damaged, shared},
};

/// `{"x": array([[1, 2], [3, 4]], dtype="<i2"), "n": 5}` in protocol 4.
fn small() -> Vec<u8> {
    let mut out = vec![0x80, 4, b'}', b'('];
    let text = |out: &mut Vec<u8>, t: &str| {
        out.extend([0x8c, t.len() as u8]);
        out.extend(t.as_bytes());
    };
    text(&mut out, "x");
    text(&mut out, "numpy._core.multiarray");
    text(&mut out, "_reconstruct");
    out.push(0x93);
    text(&mut out, "numpy");
    text(&mut out, "ndarray");
    out.extend([0x93, b'K', 0, 0x85, b'C', 1, b'b', 0x87, b'R', 0x94]);
    out.extend([b'(', b'K', 1, b'K', 2, b'K', 2, 0x86]);
    text(&mut out, "numpy");
    text(&mut out, "dtype");
    out.push(0x93);
    text(&mut out, "i2");
    out.extend([0x89, 0x88, 0x87, b'R', b'(', b'K', 3]);
    text(&mut out, "<");
    out.extend(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb");
    out.extend([0x89, b'C', 8, 1, 0, 2, 0, 3, 0, 4, 0, b't', b'b']);
    text(&mut out, "n");
    out.extend([b'K', 5, b'u', b'.']);
    out
}

#[test]
fn an_array_is_read() {
    let pickle = Pickle::from_bytes(small(), "small").unwrap();
    let root = pickle.root();
    assert_eq!(root.keys().unwrap(), ["x", "n"]);
    let array = root.get("x").unwrap().array().unwrap();
    assert_eq!(array.shape, [2, 2]);
    assert_eq!(array.values, Values::I64(vec![1, 2, 3, 4]));
    assert_eq!(root.get("n").unwrap().integer().unwrap(), 5);
    let error = root.get("y").unwrap_err().to_string();
    assert_eq!(error, "small: expected a key y, found keys [x, n]");
    let error = root.get("n").unwrap().array().unwrap_err().to_string();
    assert_eq!(error, "small, key n: expected an array, found an integer");
}

#[test]
fn an_unknown_global_is_named_and_not_run() {
    let evil = b"cposix\nsystem\n(S'echo'\ntR.".to_vec();
    let error = Pickle::from_bytes(evil, "evil.pickle")
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "evil.pickle, byte 14: expected plain data and NumPy arrays only, found the global \
         posix.system, which is not on the list of the reader"
    );
    let error = Pickle::from_bytes(b"\x80\x04K".to_vec(), "cut")
        .unwrap_err()
        .to_string();
    assert_eq!(error, "cut, byte 3: expected 1 more bytes, found 0");
}

#[test]
fn repeated_references_do_not_multiply() {
    // Each list holds the one before it ten times: 10^60 elements if written out.
    let mut bytes = b"]q\x00".to_vec();
    for level in 0..60u8 {
        bytes.extend([b']', b'q', level + 1, b'(']);
        for _ in 0..10 {
            bytes.extend([b'h', level]);
        }
        bytes.push(b'e');
    }
    bytes.push(b'.');
    let pickle = Pickle::from_bytes(bytes, "lists").unwrap();
    assert_eq!(pickle.root().kind(), "a list");
}

#[test]
fn both_sample_files_are_taken_apart() {
    for (name, keys) in [("sample_csrf.pickle", 6), ("sample_cadena.pkl", 9)] {
        if let Some(path) = shared(name) {
            let pickle = Pickle::from_bytes(std::fs::read(path).unwrap(), name).unwrap();
            assert_eq!(pickle.root().keys().unwrap().len(), keys);
        }
    }
}

/// Asks everything of everything that the root holds.
fn visit(bytes: Vec<u8>) {
    if let Ok(pickle) = Pickle::from_bytes(bytes, "damaged") {
        let root = pickle.root();
        let _ = (root.array(), root.integer(), root.text());
        for key in root.keys().unwrap_or_default() {
            if let Ok(node) = root.get(key) {
                let _ = (node.array(), node.integer(), node.text());
            }
        }
    }
}

proptest! {
    #[test]
    fn a_damaged_pickle_never_panics(bytes in damaged(small())) {
        visit(bytes);
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        visit(bytes);
    }
}

#[test]
fn memory_is_bounded_whatever_the_file_says() {
    // Nothing but objects of one byte, and nothing but references.
    let objects = vec![b'N'; 1 << 22];
    let error = Pickle::from_bytes(objects, "many").unwrap_err().to_string();
    assert_eq!(
        error,
        "many, byte 2097153: expected at most 2097152 objects (numbers in arrays), found more"
    );
    let mut references = vec![b'2'; 9 << 20];
    references[0] = b'N';
    let error = Pickle::from_bytes(references, "deep")
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "deep, byte 8388608: expected at most 8388608 instructions, found more"
    );
    // One text of a megabyte, used as a key a hundred thousand times.
    let mut keys = b"}(X\x00\x00\x10\x00".to_vec();
    keys.extend(vec![b'k'; 1 << 20]);
    keys.extend(b"q\x00N");
    keys.extend(b"h\x00N".repeat(100_000));
    keys.extend(b"u.");
    let pickle = Pickle::from_bytes(keys, "keys").unwrap();
    assert!(pickle.root().keys().unwrap().is_empty());
    assert_eq!(
        pickle.root().get("x").unwrap_err().to_string(),
        "keys: expected a key x, found keys []"
    );
}
