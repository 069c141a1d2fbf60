//! The zip layout (PyTorch 1.6 and later): `NAME/data.pkl`, `NAME/data/KEY` for each
//! storage, and `NAME/byteorder`. Invariant: a storage is given out only if it is as long
//! as the pickle says.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{Read, Seek},
};

use ::zip::ZipArchive;

use super::state_dict::Storages;
use crate::{
    Error, Result,
    pickle::{Pickle, Window},
    zipped,
};

/// The archive's name for its pickle, within its folder.
const PICKLE: &str = "data.pkl";

pub(super) struct Zip<R> {
    archive: ZipArchive<R>,
    place: String,
    /// The number of each entry, by its name within the folder.
    entries: BTreeMap<String, usize>,
    max_bytes: u64,
    big_endian: bool,
}

impl<R: Read + Seek> Zip<R> {
    /// Opens an archive and reads its pickle; no entry may take more than `max_bytes`.
    pub(super) fn open(source: R, place: &str, max_bytes: u64) -> Result<(Self, Pickle)> {
        let mut archive = zipped::open(source, place)?;
        let names = zipped::names(&mut archive, place)?;
        let folder = names
            .iter()
            .filter_map(|(name, _)| name.strip_suffix(PICKLE))
            .find(|folder| folder.is_empty() || folder.find('/') == Some(folder.len() - 1));
        let Some(folder) = folder.map(str::to_owned) else {
            return Err(Error::format(
                place,
                "a checkpoint of PyTorch with an entry NAME/data.pkl",
                format!("an archive of {} other files", names.len()),
            ));
        };
        let strip = |(name, index): (String, usize)| {
            Some((name.strip_prefix(folder.as_str())?.to_owned(), index))
        };
        let mut zip = Self {
            archive,
            place: place.to_owned(),
            entries: names.into_iter().filter_map(strip).collect(),
            max_bytes,
            big_endian: false,
        };
        if zip.entries.contains_key("constants.pkl") {
            return Err(Error::format(
                place,
                "a checkpoint of PyTorch (of a TorchScript module, save its state_dict())",
                "a TorchScript archive",
            ));
        }
        if zip.entries.contains_key("byteorder") {
            zip.big_endian = match zip.entry("byteorder")?.as_slice() {
                b"little" => false,
                b"big" => true,
                other => {
                    let found = String::from_utf8_lossy(other).into_owned();
                    let place = format!("{place}, byteorder");
                    return Err(Error::format(place, "little or big", found));
                }
            };
        }
        let bytes = zip.entry(PICKLE)?;
        let (pickle, _) = Pickle::of_torch(&bytes, &format!("{place}, {folder}{PICKLE}"))?;
        Ok((zip, pickle))
    }

    fn entry(&mut self, name: &str) -> Result<Vec<u8>> {
        let place = format!("{}, entry {name}", self.place);
        let Some(index) = self.entries.get(name) else {
            let found = format!("{} other entries", self.entries.len());
            return Err(Error::format(
                &self.place,
                format!("an entry {name}"),
                found,
            ));
        };
        zipped::packed(&mut self.archive, *index, &place, self.max_bytes)?.unpack(&place)
    }
}

impl<R: Read + Seek> Storages for Zip<R> {
    fn read(&mut self, window: &Window) -> Result<Cow<'_, [u8]>> {
        self.entry(&format!("data/{}", window.storage))
            .map(Cow::Owned)
    }

    fn big_endian(&self) -> bool {
        self.big_endian
    }
}
