//! The layout before PyTorch 1.6: pickles of a magic number, a protocol number, the
//! machine, the object, and the names of the storages; then each storage, as its number
//! of elements and its bytes, little-endian. Invariant: a storage is given out only if it
//! is as long as both say.

use std::{borrow::Cow, collections::BTreeMap, ops::Range};

use super::state_dict::Storages;
use crate::{
    Error, Result,
    pickle::{Pickle, Window},
};

/// The magic number 0x1950a86a20f9469cfc6c, as `LONG1` writes it.
const MAGIC: [u8; 12] = *b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
/// The protocol number that follows it.
const PROTOCOL: i64 = 1001;

pub(super) struct Legacy {
    bytes: Vec<u8>,
    place: String,
    /// Where the bytes of each storage are.
    storages: BTreeMap<String, Range<usize>>,
}

/// Where the pickle of the magic number ends, if the file begins with one.
fn magic_end(bytes: &[u8]) -> Option<usize> {
    // PROTO; from protocol 4 on FRAME with a length.
    let head = match bytes {
        [0x80, 2 | 3, ..] => 2,
        [0x80, 4 | 5, 0x95, ..] => 11,
        _ => return None,
    };
    let rest = bytes.get(head..)?.strip_prefix(&MAGIC)?;
    rest.starts_with(b".").then_some(head + MAGIC.len() + 1)
}

impl Legacy {
    /// Reads the pickles of a file.
    pub(super) fn open(bytes: Vec<u8>, place: &str) -> Result<(Self, Pickle)> {
        let Some(mut at) = magic_end(&bytes) else {
            let head: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
            return Err(Error::format(
                place,
                "a checkpoint of PyTorch: a zip archive, or a pickle of its magic number",
                format!("a file that begins with [{}]", head.join(" ")),
            ));
        };
        let mut next = |what: &str| -> Result<Pickle> {
            let place = format!("{place}, pickle of {what} at byte {at}");
            let (pickle, len) = Pickle::of_torch(&bytes[at..], &place)?;
            at += len;
            Ok(pickle)
        };
        let protocol = next("the protocol")?;
        let number = protocol.root().integer()?;
        if number != PROTOCOL {
            let (expected, found) = (PROTOCOL.to_string(), number.to_string());
            return Err(Error::format(protocol.root().place(), expected, found));
        }
        next("the machine")?;
        let pickle = next("the object")?;
        let names = next("the storages")?.root().texts()?;
        let elements = pickle.storages();
        let mut storages = BTreeMap::new();
        for name in names {
            let place = format!("{place}, storage {name} at byte {at}");
            let wrong = |expected: &str, found: String| Error::format(&place, expected, found);
            let Some(element) = elements.get(name.as_str()) else {
                return Err(wrong(
                    "a storage that the pickle refers to",
                    "none".to_owned(),
                ));
            };
            let left = bytes.len() - at;
            let count = bytes[at..].first_chunk().map(|n| u64::from_le_bytes(*n));
            let len = count
                .and_then(|count| usize::try_from(count).ok()?.checked_mul(element.size()))
                .filter(|len| *len <= left - 8);
            let Some(len) = len else {
                let expected = format!("{} elements", count.unwrap_or(0));
                return Err(wrong(
                    &expected,
                    format!("the last {left} bytes of the file"),
                ));
            };
            storages.insert(name, at + 8..at + 8 + len);
            at += 8 + len;
        }
        let legacy = Self {
            bytes,
            place: place.to_owned(),
            storages,
        };
        Ok((legacy, pickle))
    }
}

impl Storages for Legacy {
    fn read(&mut self, window: &Window) -> Result<Cow<'_, [u8]>> {
        match self.storages.get(&window.storage) {
            Some(range) => Ok(Cow::Borrowed(&self.bytes[range.clone()])),
            None => Err(Error::format(
                &self.place,
                format!("a storage {}", window.storage),
                format!("{} others", self.storages.len()),
            )),
        }
    }

    fn big_endian(&self) -> bool {
        false
    }
}
