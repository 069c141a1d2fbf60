//! Telling formats apart.

use std::{
    fmt,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::InspectConfig;
use crate::{
    Error, ResizeCrop, Result,
    array::{Array, Values, read_npz},
    hdf5::{Hdf5, is_hdf5},
    parquet::{SplitName, Table, find_shards},
    pickle::Pickle,
    recording::{
        Cadena, Recording, SessionRecording, has_public_sessions, read_nwb, read_public_sessions,
        read_sessions, read_textures, read_things, session_pickles,
    },
    tree::{FileTree, ImageTree},
    zipped::is_zip,
};

/// A known format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Images in class folders, in parts (TinyImageNet, ImageFolder, ImageNet), in a
    /// folder or archive.
    ImageTree,
    /// Images by corruption, severity and class (Tiny-ImageNet-C, ImageNet-C).
    CorruptionTree,
    /// Hugging Face image tables in parquet.
    ImageTable,
    /// Images (and labels) as arrays in `.npz`.
    ImageArrays,
    /// One session of the Sinz lab as a pickle.
    SessionPickle,
    /// Session pickles in a folder or archive.
    SessionFolder,
    /// The public copy of the sessions as text.
    PublicSessions,
    /// The recordings of Cadena et al. 2019.
    Cadena,
    /// One recording as `.npz`.
    RecordingArrays,
    /// One recording as parquet.
    RecordingTable,
    /// The THINGS ventral stream spiking data set (MATLAB v7.3).
    Things,
    /// The textures of Freeman, Ziemba et al. 2013 (MATLAB v7.3).
    Textures,
    /// Spikes in NWB.
    Nwb,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ImageTree => "images in class folders",
            Self::CorruptionTree => "corrupted images by corruption, severity and class",
            Self::ImageTable => "Hugging Face image table (parquet)",
            Self::ImageArrays => "images as arrays (npz)",
            Self::SessionPickle => "one session of recordings (Sinz lab pickle)",
            Self::SessionFolder => "sessions of recordings (Sinz lab pickles)",
            Self::PublicSessions => "sessions of recordings (public copy, csv)",
            Self::Cadena => "recordings of Cadena et al. 2019 (pickle)",
            Self::RecordingArrays => "one recording (npz)",
            Self::RecordingTable => "one recording (parquet)",
            Self::Things => "THINGS ventral stream recordings (MATLAB v7.3)",
            Self::Textures => "texture recordings of Freeman, Ziemba et al. 2013 (MATLAB v7.3)",
            Self::Nwb => "spikes and presentations (NWB)",
        })
    }
}

/// A path whose format is known.
pub struct Source {
    path: PathBuf,
    format: Format,
    pub(super) holds: Holds,
    pub(super) fit: Option<ResizeCrop>,
}

/// What was read to know the format, so that it need not be read again.
pub(super) enum Holds {
    Images(ImageTree),
    Files(FileTree),
    /// Parts and their shards; of an image table.
    Shards(Vec<(String, Vec<PathBuf>)>),
    Arrays(std::collections::BTreeMap<String, Array>),
    Pickle(Pickle),
    Nothing,
}

impl Source {
    /// Detects the format.
    ///
    /// # Errors
    ///
    /// If the path cannot be read or is of no known format: the error says what was
    /// looked for and what is there.
    pub fn detect(path: &Path) -> Result<Self> {
        let (format, holds) = if path.is_dir() {
            of_folder(path)?
        } else {
            of_file(path)?
        };
        let path = path.to_path_buf();
        Ok(Self {
            path,
            format,
            holds,
            fit: None,
        })
    }

    /// The same source, whose class images are brought to one size when they are read.
    #[must_use]
    pub fn with_fit(mut self, fit: Option<ResizeCrop>) -> Self {
        self.fit = fit;
        self
    }

    /// The format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the recordings: part (`train`, `test` or `all`) and recording, session by
    /// session. Empty where the format has none. A part without trials is left out.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    pub fn recordings(&self, config: &InspectConfig) -> Result<Vec<(&'static str, Recording)>> {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let place = self.path.display().to_string();
        let both = |session: SessionRecording| [("train", session.train), ("test", session.test)];
        let parts: Vec<_> = match (&self.holds, self.format) {
            (Holds::Pickle(pickle), Format::SessionPickle) => {
                both(SessionRecording::from_pickle(pickle, &config.session)?).into()
            }
            (Holds::Pickle(pickle), Format::Cadena) => {
                let cadena = Cadena::from_pickle(pickle, &config.cadena)?;
                vec![("train", cadena.train), ("test", cadena.test)]
            }
            (Holds::Files(files), Format::SessionFolder) => {
                let sessions = read_sessions(files, &config.session)?;
                sessions.into_iter().flat_map(both).collect()
            }
            (Holds::Files(files), Format::PublicSessions) => {
                let sessions = read_public_sessions(files, &config.session)?;
                sessions.into_iter().flat_map(both).collect()
            }
            (Holds::Arrays(arrays), Format::RecordingArrays) => {
                vec![("all", Recording::from_arrays(arrays, &place, &stem)?)]
            }
            (_, Format::RecordingTable) => vec![("all", Recording::read_parquet(&self.path)?)],
            (_, Format::Things) => both(read_things(&self.path, &config.things)?).into(),
            (_, Format::Textures) => vec![("all", read_textures(&self.path, &config.textures)?)],
            (_, Format::Nwb) => vec![("all", read_nwb(&self.path, &config.nwb)?.recording)],
            _ => Vec::new(),
        };
        Ok(parts.into_iter().filter(|(_, r)| r.trials() > 0).collect())
    }
}

fn of_folder(path: &Path) -> Result<(Format, Holds)> {
    let shards = image_shards(path)?;
    if !shards.is_empty() {
        return Ok((Format::ImageTable, Holds::Shards(shards)));
    }
    of_files(FileTree::open(path)?)
}

/// The shards of a folder by part; none where there is no parquet file.
fn image_shards(path: &Path) -> Result<Vec<(String, Vec<PathBuf>)>> {
    let mut parts = Vec::new();
    for split in [SplitName::Train, SplitName::Validation, SplitName::Test] {
        match find_shards(path, split) {
            Ok(shards) => parts.push((split.aliases()[0].to_string(), shards)),
            Err(Error::Format { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(parts)
}

fn of_files(files: FileTree) -> Result<(Format, Holds)> {
    if has_public_sessions(&files) {
        return Ok((Format::PublicSessions, Holds::Files(files)));
    }
    if !session_pickles(&files).is_empty() {
        return Ok((Format::SessionFolder, Holds::Files(files)));
    }
    let tree = ImageTree::new(files)?;
    let format = if tree.corruptions().is_empty() {
        Format::ImageTree
    } else {
        Format::CorruptionTree
    };
    Ok((format, Holds::Images(tree)))
}

fn of_file(path: &Path) -> Result<(Format, Holds)> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(1024).read_to_end(&mut head))
        .map_err(|e| Error::io(path, e))?;
    let place = path.display().to_string();
    let unknown = |found: &str| {
        Error::format(
            &place,
            "a tar, zip, npz, parquet, HDF5 or pickle (protocol 2 to 5) file",
            found,
        )
    };
    if head.starts_with(b"PAR1") {
        let table = Table::open(path)?;
        if table.has("image_id") {
            return Ok((Format::RecordingTable, Holds::Nothing));
        }
        let shards = vec![("all".to_string(), vec![path.to_path_buf()])];
        return Ok((Format::ImageTable, Holds::Shards(shards)));
    }
    if is_zip(&head) {
        let files = FileTree::open(path)?;
        // NumPy's archives hold arrays at the top and nothing else.
        let arrays = |name: &str| name.ends_with(".npy") && !name.contains('/');
        if !files.is_empty() && files.under("").all(arrays) {
            return of_arrays(path);
        }
        return of_files(files);
    }
    if head.starts_with(b"\x80") && head.get(1).is_some_and(|v| (2..=5).contains(v)) {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
        let pickle = Pickle::from_bytes(bytes, &place)?;
        let keys = pickle.root().keys()?;
        let has = |key: &str| keys.contains(&key);
        let format = if has("training_responses") {
            Format::SessionPickle
        } else if has("responses") && has("images") {
            Format::Cadena
        } else {
            let expected = "a pickle with training_responses, or with images and responses";
            let found = format!("keys [{}]", keys.join(", "));
            return Err(Error::format(place, expected, found));
        };
        return Ok((format, Holds::Pickle(pickle)));
    }
    if is_hdf5(&head) {
        return Ok((of_hdf5(path)?, Holds::Nothing));
    }
    // A tar has no mark at its start; its first header has a checksum.
    let known = [
        (&b"\x1f\x8b"[..], "a gzip file: unpack it first"),
        (b"MATLAB 5.0", "a MATLAB file of version 5"),
        (b"\x93NUMPY", "a single array (.npy)"),
        (b"\xff\xd8", "a single JPEG image"),
        (b"\x89PNG", "a single PNG image"),
        (b"(", "a pickle of protocol 0 or 1"),
        (b"}", "a pickle of protocol 1"),
    ];
    if let Some((_, found)) = known.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(unknown(found));
    }
    let begins = format!(
        "a file that begins with {:02x?}",
        &head[..head.len().min(8)]
    );
    if head.len() < 512 {
        return Err(unknown(&begins));
    }
    match FileTree::open(path) {
        Ok(files) => of_files(files),
        // An archive with a damaged entry is one all the same.
        Err(error) if head[257..].starts_with(b"ustar") => Err(error),
        Err(_) => Err(unknown(&begins)),
    }
}

fn of_hdf5(path: &Path) -> Result<Format> {
    let file = Hdf5::open(path)?;
    let names = file.names("")?;
    let has = |name: &str| names.iter().any(|n| n == name);
    if has("train_MUA") {
        Ok(Format::Things)
    } else if has("units") && has("intervals") {
        Ok(Format::Nwb)
    } else if has("v1") || has("v2") {
        Ok(Format::Textures)
    } else {
        Err(Error::format(
            path.display().to_string(),
            "train_MUA (THINGS), units and intervals (NWB), or v1 and v2 (textures)",
            format!("[{}]", names.join(", ")),
        ))
    }
}

fn of_arrays(path: &Path) -> Result<(Format, Holds)> {
    let arrays = read_npz(path)?;
    let format = if arrays.contains_key("responses") {
        Format::RecordingArrays
    } else if arrays
        .get("images")
        .is_some_and(|a| matches!(a.values, Values::U8(_)))
    {
        Format::ImageArrays
    } else {
        let names: Vec<String> = arrays
            .iter()
            .map(|(name, a)| format!("{name}: {} {:?}", a.values.kind(), a.shape))
            .collect();
        return Err(Error::format(
            path.display().to_string(),
            "an array responses, or an array images of uint8",
            format!("[{}]", names.join(", ")),
        ));
    };
    Ok((format, Holds::Arrays(arrays)))
}
