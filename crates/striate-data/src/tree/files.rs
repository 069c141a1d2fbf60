//! Files by name, from a folder or from inside a tar or zip archive. Invariant: names have `/`
//! between their parts, on every system, and are listed in byte order.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::Bound,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use zip::ZipArchive;

use super::tar::{Extent, index};
use crate::{
    Error, Result,
    zipped::{self, is_zip},
};

/// Deepest folder that is looked into: beyond it, links go in a circle.
const MAX_DEPTH: usize = 12;

/// Largest file of an archive, in bytes: beyond it the size is taken for damaged.
const MAX_BYTES: u64 = 1 << 30;

/// The files of a folder or of a tar or zip archive.
pub struct FileTree {
    place: String,
    store: Store,
    files: BTreeMap<String, Extent>,
}

enum Store {
    Folder(PathBuf),
    Tar(Mutex<File>),
    /// Here an extent is the number of the entry.
    Zip(Mutex<ZipArchive<File>>),
}

impl FileTree {
    /// Lists a folder, or indexes an archive without unpacking it.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is none of these.
    pub fn open(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let mut files = BTreeMap::new();
        let store = if path.is_dir() {
            walk(path, "", 0, &mut files)?;
            Store::Folder(path.to_path_buf())
        } else {
            let mut file = File::open(path).map_err(|e| Error::io(path, e))?;
            if is_zip(&head_of(&mut file, path)?) {
                let mut archive = zipped::open(file, &place)?;
                for (name, index) in zipped::names(&mut archive, &place)? {
                    files.insert(name, (index as u64, 0));
                }
                Store::Zip(Mutex::new(archive))
            } else {
                files = index(&mut file, &place)?;
                Store::Tar(Mutex::new(file))
            }
        };
        Ok(Self {
            place,
            store,
            files,
        })
    }

    /// The folder or the archive, for messages.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether there is such a file.
    pub fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// The files whose name begins with `prefix`, in byte order.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        self.files
            .range::<str, _>(from)
            .map(|(name, _)| name.as_str())
            .take_while(move |name| name.starts_with(prefix))
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If there is none of this name, or it cannot be read.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let place = format!("{}, file {name}", self.place);
        let Some((start, len)) = self.files.get(name) else {
            return Err(Error::format(&self.place, format!("a file {name}"), "none"));
        };
        let mut bytes = Vec::new();
        let read = match &self.store {
            Store::Folder(folder) => {
                File::open(folder.join(name)).and_then(|mut file| file.read_to_end(&mut bytes))
            }
            Store::Zip(archive) => {
                // Locked only to read: unpacking goes on in parallel.
                let packed = {
                    let mut archive = archive.lock().unwrap_or_else(PoisonError::into_inner);
                    zipped::packed(&mut archive, *start as usize, &place, MAX_BYTES)?
                };
                return packed.unpack(&place);
            }
            Store::Tar(file) => {
                // The position is set before each read: a poisoned lock does no harm.
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                bytes.reserve_exact(*len as usize);
                file.seek(SeekFrom::Start(*start))
                    .and_then(|_| (&mut *file).take(*len).read_to_end(&mut bytes))
            }
        };
        read.map_err(|source| Error::Io {
            place: place.clone(),
            source,
        })?;
        if matches!(self.store, Store::Tar(_)) && bytes.len() as u64 != *len {
            let found = format!("{} bytes", bytes.len());
            return Err(Error::format(place, format!("{len} bytes"), found));
        }
        Ok(bytes)
    }

    /// Reads a file of text.
    ///
    /// # Errors
    ///
    /// As [`FileTree::read`], and if it is not UTF-8.
    pub fn read_text(&self, name: &str) -> Result<String> {
        String::from_utf8(self.read(name)?).map_err(|_| {
            let place = format!("{}, file {name}", self.place);
            Error::format(place, "UTF-8 text", "other bytes")
        })
    }
}

/// The first bytes of a file; the position is set back.
fn head_of(file: &mut File, path: &Path) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    file.take(8)
        .read_to_end(&mut head)
        .and_then(|_| file.seek(SeekFrom::Start(0)))
        .map_err(|e| Error::io(path, e))?;
    Ok(head)
}

fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut BTreeMap<String, Extent>,
) -> Result<()> {
    if depth > MAX_DEPTH {
        let place = folder.display().to_string();
        return Err(Error::format(
            place,
            "folders at most 12 deep",
            "deeper ones",
        ));
    }
    for entry in std::fs::read_dir(folder).map_err(|e| Error::io(folder, e))? {
        let entry = entry.map_err(|e| Error::io(folder, e))?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        // Through links, as data sets are often linked together.
        if path.is_dir() {
            walk(&path, &format!("{name}/"), depth + 1, files)?;
        } else {
            files.insert(name, (0, 0));
        }
    }
    Ok(())
}
