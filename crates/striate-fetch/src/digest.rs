//! Checksums of what was downloaded.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The checksums of the bytes seen so far.
#[derive(Clone)]
pub(crate) struct Hasher {
    sha256: Sha256,
    /// Only where someone will compare it.
    md5: Option<Md5>,
}

/// The checksums of a whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digests {
    pub(crate) sha256: String,
    pub(crate) md5: Option<String>,
}

impl Hasher {
    pub(crate) fn new(with_md5: bool) -> Self {
        Self {
            sha256: Sha256::new(),
            md5: with_md5.then(Md5::new),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
    }

    /// Takes in a whole file, piece by piece; `piece` hears the length of each and may stop.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or `piece` fails.
    pub(crate) fn update_from(
        &mut self,
        path: &Path,
        piece: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        let mut file = File::open(path).map_err(Error::io("read", path))?;
        let mut buffer = vec![0; 1 << 18];
        loop {
            let n = match file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Error::io("read", path)(e)),
            };
            self.update(&buffer[..n]);
            piece(n as u64)?;
        }
    }

    pub(crate) fn finish(self) -> Digests {
        Digests {
            sha256: hex(&self.sha256.finalize()),
            md5: self.md5.map(|md5| hex(&md5.finalize())),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_vectors_of_the_standards_hold() {
        let mut hasher = Hasher::new(true);
        hasher.update(b"a");
        hasher.update(b"bc");
        let digests = hasher.finish();
        assert_eq!(
            digests.sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            digests.md5.as_deref(),
            Some("900150983cd24fb0d6963f7d28e17f72")
        );
    }
}
