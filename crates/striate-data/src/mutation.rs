//! Readers on damaged files: no panic, no hang, and memory within a stated bound.
//!
//! Each case takes a whole file of a format, changes some bytes, repeats or cuts a part,
//! and reads it. The files are made here, so the corpus is this module. By default some
//! hundred cases run; `PROPTEST_CASES=1000000 cargo test --release -p striate-data
//! mutation` runs for long (the crate's README says what ran for ten minutes each). Bounds
//! are checked on what a reader returns, at [`MAX_RESULT_BYTES`]; the readers' own bounds
//! are in their modules.

use std::{collections::BTreeMap, io::Cursor, sync::OnceLock, time::Instant};

use proptest::prelude::*;

use crate::{
    array::{self, Array, Values},
    inspect::{InspectConfig, Source},
    netcdf::{NetCdf, Variable},
    parquet::{ImageTable, Table},
    pickle::Pickle,
    recording::{Cadena, CadenaConfig, Recording, SessionConfig, SessionRecording},
    testing::{parquet_of_images, temporary},
    torch::StateDict,
};

/// The files are below 16 KiB: whatever is read from one must stay far below this.
const MAX_RESULT_BYTES: usize = 64 << 20;

/// No case takes longer than this, in seconds, on a machine that does other things too.
const MAX_SECONDS: u64 = 20;

/// One way to damage a file.
#[derive(Clone, Debug)]
enum Damage {
    Set(prop::sample::Index, u8),
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    /// Copies up to 64 bytes from one place over another.
    Copy(prop::sample::Index, prop::sample::Index, u8),
    /// Puts a number that is often a boundary over four bytes.
    Number(prop::sample::Index, u32),
    Insert(prop::sample::Index, u8),
}

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    let at = any::<prop::sample::Index>;
    let numbers = prop::sample::select(vec![
        0,
        1,
        0x7f,
        0xff,
        0xffff,
        1 << 31,
        u32::MAX,
        i32::MAX as u32,
    ]);
    let one = prop_oneof![
        (at(), any::<u8>()).prop_map(|(i, v)| Damage::Set(i, v)),
        (at(), 0..8u8).prop_map(|(i, bit)| Damage::Flip(i, bit)),
        at().prop_map(Damage::Cut),
        (at(), at(), 1..64u8).prop_map(|(i, j, n)| Damage::Copy(i, j, n)),
        (at(), numbers).prop_map(|(i, n)| Damage::Number(i, n)),
        (at(), any::<u8>()).prop_map(|(i, v)| Damage::Insert(i, v)),
    ];
    prop::collection::vec(one, 1..5)
}

fn damaged(file: &[u8], damage: &[Damage]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for one in damage {
        if bytes.is_empty() {
            break;
        }
        let len = bytes.len();
        match one {
            Damage::Set(i, v) => bytes[i.index(len)] = *v,
            Damage::Flip(i, bit) => bytes[i.index(len)] ^= 1 << bit,
            Damage::Cut(i) => bytes.truncate(i.index(len)),
            Damage::Copy(i, j, n) => {
                let (from, to) = (i.index(len), j.index(len));
                let n = usize::from(*n).min(len - from.max(to));
                bytes.copy_within(from..from + n, to);
            }
            Damage::Number(i, number) => {
                let at = i.index(len);
                for (byte, value) in bytes[at..].iter_mut().zip(number.to_le_bytes()) {
                    *byte = value;
                }
            }
            Damage::Insert(i, v) => bytes.insert(i.index(len), *v),
        }
    }
    bytes
}

/// Runs a reader on a damaged file, and holds its result and time against the bounds.
fn check(file: &[u8], changes: &[Damage], read: impl Fn(Vec<u8>) -> usize) {
    let start = Instant::now();
    let bytes_held = read(damaged(file, changes));
    assert!(
        bytes_held <= MAX_RESULT_BYTES,
        "{bytes_held} bytes from {}",
        file.len()
    );
    assert!(
        start.elapsed().as_secs() < MAX_SECONDS,
        "took {:?}",
        start.elapsed()
    );
}

fn size_of_array(array: &Array) -> usize {
    match &array.values {
        Values::U8(v) => v.len(),
        Values::F32(v) => v.len() * 4,
        Values::F64(v) => v.len() * 8,
        Values::I64(v) => v.len() * 8,
        Values::Text(v) => v.iter().map(|t| 24 + t.capacity()).sum(),
    }
}

fn size_of_recording(recording: &Recording) -> usize {
    recording.responses.len() * 4 + recording.image_of_trial.len() * 8
}

/// Writing pickles of dicts of arrays, protocol 2 to 4 in turns, for the corpus.
fn pickle_of(entries: &[(&str, Array)]) -> Vec<u8> {
    let mut out = vec![0x80, 4, b'}', b'('];
    let text = |out: &mut Vec<u8>, t: &str| {
        out.extend([0x8c, t.len() as u8]);
        out.extend(t.as_bytes());
    };
    let int = |out: &mut Vec<u8>, v: usize| {
        out.push(b'J');
        out.extend((v as i32).to_le_bytes());
    };
    for (name, array) in entries {
        text(&mut out, name);
        out.extend(b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n");
        out.extend(b"K\x00\x85C\x01b\x87R(K\x01(");
        array.shape.iter().for_each(|n| int(&mut out, *n));
        out.push(b't');
        let (code, data) = match &array.values {
            Values::F64(v) => ("f8", v.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Values::F32(v) => ("f4", v.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Values::I64(v) => ("i8", v.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Values::U8(v) => ("u1", v.clone()),
            Values::Text(v) => (
                "S4",
                v.iter()
                    .flat_map(|t| format!("{t:\0<4}").into_bytes())
                    .collect::<Vec<u8>>(),
            ),
        };
        out.extend(b"cnumpy\ndtype\n");
        text(&mut out, code);
        out.extend(b"\x89\x88\x87R(K\x03");
        text(&mut out, "<");
        out.extend(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89B");
        out.extend((data.len() as u32).to_le_bytes());
        out.extend(data);
        out.extend(b"tb");
    }
    out.extend(b"u.");
    out
}

/// A folder of golden files.
fn golden(area: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.join("../../tests/golden").join(area)
}

fn floats(shape: &[usize]) -> Array {
    let values = (0..shape.iter().product())
        .map(|i: usize| i as f64)
        .collect();
    Array::new(shape.to_vec(), Values::F64(values)).unwrap()
}

fn ints(n: usize) -> Array {
    Array::new(vec![n], Values::I64((1..=n as i64).collect())).unwrap()
}

fn session() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        pickle_of(&[
            ("session_id", ints(1)),
            ("training_responses", floats(&[2, 12, 4])),
            ("training_image_ids", ints(4)),
            ("testing_responses", floats(&[2, 13, 3])),
            ("testing_image_ids", ints(3)),
        ])
    })
}

fn cadena() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let types = Array::new(vec![3, 1], Values::Text(vec!["orig".into(); 3])).unwrap();
        pickle_of(&[
            ("images", floats(&[3, 4, 4])),
            ("image_types", types),
            ("responses", floats(&[2, 3, 2])),
            ("unit_id", ints(2)),
            ("session_id", ints(2)),
        ])
    })
}

fn npz() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let ids = Values::Text(vec!["a".into(), "bc".into()]);
        let arrays = BTreeMap::from([
            ("responses".to_string(), floats(&[3, 4, 2])),
            ("image_ids".to_string(), ints(4)),
            ("neuron_ids".to_string(), Array::new(vec![2], ids).unwrap()),
        ]);
        array::npz_bytes(&arrays).unwrap()
    })
}

fn recording_parquet() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let responses = vec![1.0, f32::NAN, 2.0, 3.0, 4.0, 5.0];
        let recording = Recording::new("s", 2, vec![1, 2, 1], responses).unwrap();
        recording.parquet_bytes().unwrap()
    })
}

#[test]
fn the_corpus_is_read_before_it_is_damaged() {
    let read = |file: &[u8]| Pickle::from_bytes(file.to_vec(), "x").unwrap();
    let both = SessionRecording::from_pickle(&read(session()), &SessionConfig::default()).unwrap();
    assert_eq!((both.train.trials(), both.test.trials()), (4, 3));
    let config = CadenaConfig {
        crop_px: 1,
        test_fraction: 0.3,
    };
    let found = Cadena::from_pickle(&read(cadena()), &config).unwrap();
    assert_eq!((found.train.trials(), found.test.trials()), (4, 2));
    let arrays = array::read_npz_from(Cursor::new(npz()), "x").unwrap();
    assert_eq!(
        Recording::from_arrays(&arrays, "x", "s").unwrap().trials(),
        12
    );
    let table = Table::new(bytes::Bytes::from_static(recording_parquet()), "x".into()).unwrap();
    assert_eq!(Recording::from_table(&table, "s").unwrap().missing(), 1);
}

proptest! {
    #[test]
    fn damaged_session_pickles_are_errors(changes in damage()) {
        check(session(), &changes, |bytes| {
            let Ok(pickle) = Pickle::from_bytes(bytes, "x") else { return 0 };
            let config = SessionConfig::default();
            let read = SessionRecording::from_pickle(&pickle, &config);
            read.map_or(0, |s| size_of_recording(&s.train) + size_of_recording(&s.test))
        });
    }

    #[test]
    fn damaged_cadena_pickles_are_errors(changes in damage()) {
        check(cadena(), &changes, |bytes| {
            let Ok(pickle) = Pickle::from_bytes(bytes, "x") else { return 0 };
            let config = CadenaConfig { crop_px: 1, test_fraction: 0.3 };
            Cadena::from_pickle(&pickle, &config).map_or(0, |c| {
                size_of_recording(&c.train) + size_of_recording(&c.test) + c.images.len() * 4
            })
        });
    }

    #[test]
    fn damaged_npz_files_are_errors(changes in damage()) {
        check(npz(), &changes, |bytes| {
            let Ok(arrays) = array::read_npz_from(Cursor::new(bytes), "x") else { return 0 };
            let held: usize = arrays.values().map(size_of_array).sum();
            let read = Recording::from_arrays(&arrays, "x", "s");
            held + read.map_or(0, |r| size_of_recording(&r))
        });
    }

    /// The checksum of the archive hides the array's header from most damage: here it
    /// is damaged itself.
    #[test]
    fn damaged_npy_files_are_errors(changes in damage()) {
        let file = array::write_npy(&floats(&[3, 2]));
        check(&file, &changes, |bytes| {
            array::read_npy(&bytes, "x").map_or(0, |a| size_of_array(&a))
        });
    }

    /// Both layouts: in the zip archive, checksums hide the pickle from most damage.
    #[test]
    fn damaged_checkpoints_are_errors(changes in damage(), which in 0..4usize) {
        static FILES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
        let files = FILES.get_or_init(|| {
            let names = ["mixed_legacy.pth", "legacy.pth", "mixed.pth", "nested.pth"];
            names.iter().map(|name| std::fs::read(golden("interop").join(name)).unwrap()).collect()
        });
        check(&files[which], &changes, |bytes| {
            let part = (which == 0).then_some("model");
            let read = StateDict::read(Cursor::new(bytes), "x", part);
            read.map_or(0, |s| s.tensors.values().map(size_of_array).sum())
        });
    }

    #[test]
    fn damaged_recording_tables_are_errors(changes in damage()) {
        check(recording_parquet(), &changes, |bytes| {
            let Ok(table) = Table::new(bytes::Bytes::from(bytes), "x".into()) else { return 0 };
            Recording::from_table(&table, "s").map_or(0, |r| size_of_recording(&r))
        });
    }

    #[test]
    fn damaged_image_tables_are_errors(changes in damage()) {
        static FILE: OnceLock<Vec<u8>> = OnceLock::new();
        let rows: [(&[u8], Option<&str>, i64); 3] =
            [(b"first", Some("a.png"), 0), (b"second", None, 2), (b"", Some("c"), -1)];
        let file = FILE.get_or_init(|| parquet_of_images(&rows));
        check(file, &changes, |bytes| {
            let table = ImageTable::from_bytes(bytes, "x");
            table.map_or(0, |t| t.records.iter().map(|r| r.bytes.len() + 64).sum())
        });
    }
}

proptest! {
    // Through the file system, so fewer cases.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 8, ..Default::default() })]
    #[test]
    fn damaged_hdf5_files_are_errors(changes in damage(), nwb in any::<bool>()) {
        let name = if nwb { "session.nwb" } else { "things.mat" };
        let file = std::fs::read(golden("data").join(name)).unwrap();
        let path = temporary("mutation").join(name);
        let mut config = InspectConfig::default();
        config.things.channels = 0..6;
        check(&file, &changes, |bytes| {
            std::fs::write(&path, bytes).unwrap();
            let read = Source::detect(&path).and_then(|source| source.recordings(&config));
            read.map_or(0, |parts| parts.iter().map(|(_, r)| size_of_recording(r)).sum())
        });
    }

    #[test]
    fn damaged_netcdf_files_are_errors(changes in damage(), which in 0..4usize) {
        let name = ["classic.nc", "records.nc", "wide.nc", "assembly.nc"][which];
        let file = std::fs::read(golden("netcdf").join(name)).unwrap();
        let path = temporary("mutation-netcdf").join(name);
        check(&file, &changes, |bytes| {
            std::fs::write(&path, bytes).unwrap();
            let Ok(open) = NetCdf::open(&path) else { return 0 };
            let held = |variable: &Variable| {
                let entries = variable.shape.first().copied().unwrap_or(1);
                let values = open.rows(&variable.name, 0, entries).unwrap_or_default();
                let text = open.labels(&variable.name).unwrap_or_default();
                values.len() * 4 + text.iter().map(|t| 24 + t.capacity()).sum::<usize>()
            };
            open.variables().iter().map(held).max().unwrap_or(0)
        });
    }
}
