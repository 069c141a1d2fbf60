//! What earlier fetches found: revision, lengths and checksums, beside the files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::manifest::RemoteFile;

/// The name of the lock file in the folder of a data set.
pub const LOCK_NAME: &str = "fetch-lock.json";

/// What is known of the files of a data set in the cache.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The commit of the Hub repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The files that the server listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listing: Option<Listing>,
    /// The files that are there, by path.
    #[serde(default)]
    pub files: BTreeMap<String, LockedFile>,
}

/// The answer of a server to the question which files there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The question.
    pub asked: String,
    /// The answer.
    pub files: Vec<RemoteFile>,
}

/// What is known of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedFile {
    /// Where it came from.
    pub url: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Whether a checksum of the manifest or of the server's list was compared; if not,
    /// the first fetch had to be believed.
    pub published_checksum: bool,
}

impl Lock {
    /// Reads the lock file of a folder; an empty one if there is none.
    ///
    /// # Errors
    ///
    /// If it cannot be read or understood.
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK_NAME);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| Error::Damaged {
                path,
                message: format!("{e}; without it, the next fetch reads the files anew"),
            }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(Error::io("read", &path)(e)),
        }
    }

    pub(crate) fn save(&self, folder: &Path) -> Result<()> {
        let path = folder.join(LOCK_NAME);
        let mut text = serde_json::to_vec_pretty(self).map_err(|e| Error::Damaged {
            path: path.clone(),
            message: e.to_string(),
        })?;
        text.push(b'\n');
        replace(&path, &text)
    }
}

/// Writes a file through another name, so that a reader sees the old or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let other = with_suffix(path, ".tmp");
    let write = || {
        let mut file = File::create(&other)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&other, path)
    };
    write().map_err(|e| {
        // The first error is the one to tell.
        let _ = fs::remove_file(&other);
        Error::io("write", path)(e)
    })
}

/// `a/b.tar` and `.partial` give `a/b.tar.partial`.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
