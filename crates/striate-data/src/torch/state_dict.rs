//! The dict of weights in a checkpoint. Invariant: which dict that is depends on the
//! file alone, or on the name asked for, and never on the order of the file.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use super::{legacy::Legacy, zip::Zip};
use crate::{
    Error, Result,
    array::Array,
    pickle::{Node, Pickle, Window, listed},
    zipped,
};

/// How many keys below the root a dict of weights may be.
const MAX_DEPTH: usize = 3;
/// Dicts and names of one dict beyond these are no checkpoint, but a file made to fill
/// the memory.
const MAX_DICTS: usize = 1 << 12;
const MAX_NAMES: usize = 1 << 16;
/// The tensors may take so many times the bytes of the file (f16 is widened, storages
/// are shared, archives are packed) ...
const MAX_GROWTH: u64 = 8;
/// ... and this much more.
const SMALL_BYTES: u64 = 1 << 20;
/// What to call the root in messages and as an argument.
const ROOT: &str = ".";

/// Where the elements of tensors are.
pub(super) trait Storages {
    /// The bytes of the storage of a window.
    fn read(&mut self, window: &Window) -> Result<Cow<'_, [u8]>>;

    fn big_endian(&self) -> bool;
}

/// The weights of a checkpoint.
///
/// ```
/// use std::path::Path;
/// use striate_data::torch::StateDict;
///
/// let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/interop");
/// let weights = StateDict::open(&golden.join("nested.pth"), None)?;
/// assert_eq!(weights.part, "state_dict");
/// assert_eq!(weights.tensors["module.features.0.weight"].shape, [4, 1, 3, 3]);
/// # Ok::<(), striate_data::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StateDict {
    /// The keys that lead to it, with dots between them; `.` for the root.
    pub part: String,
    /// The tensors by name, each in C order: f32 for float16, bfloat16 and float32.
    pub tensors: BTreeMap<String, Array>,
}

impl StateDict {
    /// Reads the weights of a checkpoint; `part` says which dict, where there are
    /// several.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is no checkpoint of PyTorch, is cut off or damaged,
    /// or holds a global that is not known; if no dict holds weights, or several do and
    /// `part` names none of them.
    pub fn open(path: &Path, part: Option<&str>) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        Self::read(BufReader::new(file), &path.display().to_string(), part)
    }

    /// As [`StateDict::open`], from anything that can be read; `place` names it in
    /// messages.
    ///
    /// # Errors
    ///
    /// As [`StateDict::open`].
    pub fn read<R: Read + Seek>(mut source: R, place: &str, part: Option<&str>) -> Result<Self> {
        let io = |e| Error::io(Path::new(place), e);
        let len = source.seek(SeekFrom::End(0)).map_err(io)?;
        source.rewind().map_err(io)?;
        let mut head = Vec::new();
        source.by_ref().take(4).read_to_end(&mut head).map_err(io)?;
        source.rewind().map_err(io)?;
        let max_bytes = len.saturating_mul(MAX_GROWTH).saturating_add(SMALL_BYTES);
        if zipped::is_zip(&head) {
            let (mut storages, pickle) = Zip::open(source, place, max_bytes)?;
            return decode(&pickle, &mut storages, part, max_bytes);
        }
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes).map_err(io)?;
        let (mut storages, pickle) = Legacy::open(bytes, place)?;
        decode(&pickle, &mut storages, part, max_bytes)
    }
}

fn decode(
    pickle: &Pickle,
    storages: &mut impl Storages,
    part: Option<&str>,
    max_bytes: u64,
) -> Result<StateDict> {
    let root = pickle.root();
    let (part, dict) = choose(&root, part)?;
    let mut windows = BTreeMap::new();
    for (name, node) in dict.entries()?.filter(|(_, node)| node.is_tensor(0)) {
        windows.insert(name, node.window()?);
        if windows.len() > MAX_NAMES {
            let expected = format!("at most {MAX_NAMES} tensors");
            return Err(Error::format(dict.place(), expected, "more"));
        }
    }
    let bytes = |w: &Window| w.count()?.checked_mul(w.element.decoded_size());
    let total = windows
        .values()
        .try_fold(0u64, |sum, w| sum.checked_add(bytes(w)? as u64));
    if total.is_none_or(|total| total > max_bytes) {
        return Err(Error::format(
            dict.place(),
            format!("tensors of at most {max_bytes} bytes ({MAX_GROWTH} times the file's)"),
            total.map_or("more".to_owned(), |total| total.to_string()),
        ));
    }
    // A storage is read once for all its tensors.
    let mut by_storage: BTreeMap<&str, Vec<(&str, &Window)>> = BTreeMap::new();
    for (name, window) in &windows {
        let tensors = by_storage.entry(&window.storage).or_default();
        tensors.push((name, window));
    }
    let big_endian = storages.big_endian();
    let mut tensors = BTreeMap::new();
    for group in by_storage.values() {
        let Some((_, first)) = group.first() else {
            continue;
        };
        let bytes = storages.read(first)?;
        for (name, window) in group {
            tensors.insert((*name).to_owned(), array(window, &bytes, big_endian)?);
        }
    }
    Ok(StateDict { part, tensors })
}

/// The dict of weights, with its name.
fn choose<'a>(root: &Node<'a>, part: Option<&str>) -> Result<(String, Node<'a>)> {
    let mut found = BTreeMap::new();
    let (mut seen, mut open) = (BTreeSet::new(), vec![(ROOT.to_owned(), root.clone())]);
    for depth in 0..=MAX_DEPTH {
        let mut below = Vec::new();
        for (name, node) in open {
            // A dict that several keys lead to is one dict.
            let (true, Ok(entries)) = (seen.insert(node.id()), node.entries()) else {
                continue;
            };
            let mut weights = false;
            for (key, value) in entries.take(MAX_NAMES) {
                weights |= value.is_tensor(2);
                if depth < MAX_DEPTH && value.is_dict() && below.len() <= MAX_DICTS {
                    let name = match name.as_str() {
                        ROOT => key.to_owned(),
                        name => format!("{name}.{key}"),
                    };
                    below.push((name, value));
                }
            }
            if weights {
                found.insert(name, node);
            }
        }
        if below.len() > MAX_DICTS {
            let found = below.len().to_string();
            return Err(Error::format(
                root.place(),
                format!("at most {MAX_DICTS} dicts"),
                found,
            ));
        }
        open = below;
    }
    let names = listed(&found.keys().map(String::as_str).collect::<Vec<_>>());
    let wrong = |expected: String, found: String| Err(Error::format(root.place(), expected, found));
    match (part, found.len()) {
        (_, 0) => wrong(
            "a dict with tensors of two or more axes".to_owned(),
            match root.keys() {
                Ok(keys) if !keys.is_empty() => format!("none under the {}", listed(&keys)),
                _ => format!("{} without any", root.kind()),
            },
        ),
        (Some(part), _) => match found.remove(part) {
            Some(node) => Ok((part.to_owned(), node)),
            None => wrong(format!("a dict of weights {part}"), names),
        },
        (None, 1) => match found.pop_first() {
            Some(only) => Ok(only),
            None => wrong("a dict of weights".to_owned(), names),
        },
        (None, _) => wrong("one dict of weights, or the name of one".to_owned(), names),
    }
}

/// A tensor from the bytes of its storage.
fn array(window: &Window, bytes: &[u8], big_endian: bool) -> Result<Array> {
    let (element, place) = (window.element, &window.place);
    let size = element.size();
    if window.stored.checked_mul(size) != Some(bytes.len()) {
        return Err(Error::format(
            format!("{place}, storage {}", window.storage),
            format!("{} elements of {size} bytes", window.stored),
            format!("{} bytes", bytes.len()),
        ));
    }
    let count = window.count().unwrap_or(0);
    let contiguous = {
        let mut step = 1;
        window
            .shape
            .iter()
            .zip(&window.strides)
            .rev()
            .all(|(len, stride)| {
                let fits = *len == 1 || *stride == step;
                step *= len;
                fits
            })
    };
    let values = if contiguous || count == 0 {
        let range = window.offset * size..(window.offset + count) * size;
        let bytes = if count == 0 { &[][..] } else { &bytes[range] };
        element.decode(bytes, big_endian, place)?
    } else {
        let mut gathered = Vec::with_capacity(count * size);
        let mut index = vec![0; window.shape.len()];
        let mut at = window.offset;
        for _ in 0..count {
            gathered.extend_from_slice(&bytes[at * size..(at + 1) * size]);
            // One further, the last axis fastest.
            let axes = index.iter_mut().zip(&window.shape).zip(&window.strides);
            for ((i, len), stride) in axes.rev().filter(|((_, len), _)| **len > 1) {
                *i += 1;
                at += stride;
                if *i < *len {
                    break;
                }
                at -= stride * len;
                *i = 0;
            }
        }
        element.decode(&gathered, big_endian, place)?
    };
    Array::new(window.shape.clone(), values)
}
