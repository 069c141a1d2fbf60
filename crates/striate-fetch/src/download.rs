//! One file: asked for, gone on with after a cut, checked, and put in its place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::client::{Answer, Client, Failure, Request};
use crate::config::FetchConfig;
use crate::digest::{Digests, Hasher};
use crate::error::{Error, Mismatch, Result};
use crate::lock::{LockedFile, replace, with_suffix};
use crate::plan::Item;
use crate::retry::Attempts;

/// A download under way.
pub(crate) struct Download<'a> {
    pub(crate) item: &'a Item,
    pub(crate) target: &'a Path,
    pub(crate) page: &'a str,
    pub(crate) config: &'a FetchConfig,
    pub(crate) client: &'a Client<'a>,
    /// Bytes of the file that are there.
    pub(crate) position: &'a AtomicU64,
    /// Bytes that came over the network.
    pub(crate) loaded: &'a AtomicU64,
}

/// What the server said of the file whose beginning is in `NAME.partial`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Version {
    url: String,
    etag: Option<String>,
    linked_etag: Option<String>,
    modified: Option<String>,
    total: Option<u64>,
}

/// The beginning of the file on disk.
struct Partial {
    path: PathBuf,
    version: Option<Version>,
    have: u64,
    hasher: Hasher,
}

/// How the body of an answer ended.
enum End {
    Whole,
    Cut(String),
}

impl Download<'_> {
    /// Loads the file, or the rest of it.
    ///
    /// # Errors
    ///
    /// If it does not come, is not the expected one, or cannot be written. The target
    /// is then as it was.
    pub(crate) fn run(&self) -> Result<LockedFile> {
        if let Some(parent) = self.target.parent() {
            fs::create_dir_all(parent).map_err(Error::io("make folder", parent))?;
        }
        let mut partial = self.open_partial()?;
        let mut attempts = Attempts::new(&self.config.retry);
        let mut furthest = partial.have;
        loop {
            if (self.client.stop)() {
                return Err(Error::Stopped);
            }
            let total = partial.version.as_ref().and_then(|version| version.total);
            if partial.have > 0 && total == Some(partial.have) {
                break;
            }
            let headers = partial.range();
            let (message, asked) = match self.client.get(self.request(), &headers) {
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing { message, asked }) => (message, asked),
                Ok(answer) => {
                    let end = if self.accept(&mut partial, &answer)? {
                        self.stream(&mut partial, answer)?
                    } else if partial.have > 0 {
                        break;
                    } else {
                        End::Cut("the file changed on the server".to_owned())
                    };
                    match end {
                        End::Whole => break,
                        End::Cut(message) => (message, None),
                    }
                }
            };
            if partial.have > furthest {
                furthest = partial.have;
                attempts.reset();
            }
            let total = partial.version.as_ref().and_then(|version| version.total);
            attempts.wait(asked, self.client.stop, |attempts| match total {
                Some(announced) if partial.have > 0 => {
                    self.length(announced, partial.have, attempts)
                }
                _ => Error::GaveUp {
                    file: self.item.file.path.clone(),
                    url: self.item.file.url.clone(),
                    attempts,
                    message,
                },
            })?;
        }
        self.finish(partial)
    }

    fn request(&self) -> Request<'_> {
        let hub = self.item.of_hub;
        Request {
            url: &self.item.file.url,
            what: &self.item.file.path,
            token: self.config.token.as_ref().filter(|_| hub),
            page: hub.then_some(self.page),
        }
    }

    /// The beginning that an earlier fetch left, or an empty one.
    fn open_partial(&self) -> Result<Partial> {
        let path = with_suffix(self.target, ".partial");
        let mut hasher = Hasher::new(self.item.md5().is_some());
        let version = fs::read(with_suffix(&path, ".json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            // Without a validator only a checksum tells a mixture of two versions.
            .filter(|v: &Version| v.url == self.item.file.url)
            .filter(|v| v.has_validator() || self.item.has_checksum());
        let mut have = 0;
        if version.is_some() && path.exists() {
            hasher.update_from(&path, &mut |n| {
                have += n;
                self.position.store(have, Ordering::Relaxed);
                if (self.client.stop)() {
                    return Err(Error::Stopped);
                }
                Ok(())
            })?;
        }
        Ok(Partial {
            path,
            version: version.filter(|_| have > 0),
            have,
            hasher,
        })
    }

    /// Takes in what an answer says of the file. Whether its body is to be read; if not,
    /// the file is whole, or (with nothing left of it) to be begun anew.
    fn accept(&self, partial: &mut Partial, answer: &Answer) -> Result<bool> {
        let range = answer.header("content-range");
        let range = range.as_deref().and_then(parse_range);
        match answer.status {
            200 => {
                // Also where a range was asked for: the server knows none, or the file
                // is another one by now.
                self.restart(partial);
                let version = Version::of(answer, &self.item.file.url, answer.length());
                self.check_length(version.total)?;
                if version.total.is_none() && !answer.is_chunked() && !self.item.has_checksum() {
                    return Err(self.protocol(
                        "the server states no length, and no checksum is known: its end \
                        could not be told from a cut connection",
                    ));
                }
                partial.begin(version)?;
                Ok(true)
            }
            206 => {
                let Some((Some(start), total)) = range else {
                    return Err(self.protocol("status 206 without a usable Content-Range"));
                };
                let version = Version::of(answer, &self.item.file.url, total);
                let same = partial
                    .version
                    .as_ref()
                    .is_some_and(|v| v.is_same(&version));
                if start != partial.have || !same {
                    self.restart(partial);
                    return Ok(false);
                }
                self.check_length(version.total)?;
                if let Some(known) = &mut partial.version {
                    known.total = known.total.or(version.total);
                }
                Ok(true)
            }
            _ => {
                let total = range.and_then(|(_, total)| total);
                let announced = partial.version.as_ref().and_then(|v| v.total);
                match (total, announced) {
                    (Some(total), Some(announced)) if total != announced => {
                        let found = partial.have;
                        self.restart(partial);
                        if found == total {
                            // It is the same file still, of another length than was said.
                            partial.discard();
                            return Err(self.length(announced, total, 1));
                        }
                        Ok(false)
                    }
                    (Some(total), _) if total == partial.have => Ok(false),
                    _ => {
                        self.restart(partial);
                        Ok(false)
                    }
                }
            }
        }
    }

    fn restart(&self, partial: &mut Partial) {
        partial.have = 0;
        partial.version = None;
        partial.hasher = Hasher::new(self.item.md5().is_some());
        self.position.store(0, Ordering::Relaxed);
    }

    /// Refuses a file of another length before it is loaded.
    fn check_length(&self, found: Option<u64>) -> Result<()> {
        match (self.item.size(), found) {
            (Some((expected, source_of_size)), Some(found)) if expected != found => {
                Err(Error::Size {
                    file: self.item.file.path.clone(),
                    url: self.item.file.url.clone(),
                    expected,
                    found,
                    source_of_size,
                })
            }
            _ => Ok(()),
        }
    }

    /// Writes the body behind what is there.
    fn stream(&self, partial: &mut Partial, answer: Answer) -> Result<End> {
        let path = partial.path.clone();
        let mut file = OpenOptions::new()
            .append(true)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        let total = partial.version.as_ref().and_then(|version| version.total);
        let limit = total.or(self.item.size().map(|(size, _)| size));
        let mut body = answer.body();
        let mut buffer = vec![0; 1 << 16];
        loop {
            if (self.client.stop)() {
                return Err(Error::Stopped);
            }
            let n = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Ok(End::Cut(e.to_string())),
            };
            if let Some(limit) = limit
                && partial.have + n as u64 > limit
            {
                partial.discard();
                return Err(self.length(limit, partial.have + n as u64, 1));
            }
            file.write_all(&buffer[..n])
                .map_err(Error::io("write", &path))?;
            partial.hasher.update(&buffer[..n]);
            partial.have += n as u64;
            self.position.store(partial.have, Ordering::Relaxed);
            self.loaded.fetch_add(n as u64, Ordering::Relaxed);
        }
        Ok(match total {
            Some(total) if partial.have < total => {
                End::Cut(format!("ended after {} of {total} bytes", partial.have))
            }
            _ => End::Whole,
        })
    }

    /// Checks the whole file and gives it its name.
    fn finish(&self, partial: Partial) -> Result<LockedFile> {
        let Partial {
            path, have, hasher, ..
        } = partial;
        let digests = hasher.finish();
        let checked = self
            .check_length(Some(have))
            .and_then(|()| check(self.item, &digests, self.target));
        if let Err(error) = checked {
            let rejected = with_suffix(self.target, ".rejected");
            fs::rename(&path, &rejected).map_err(Error::io("set aside", &path))?;
            remove(&with_suffix(&path, ".json"))?;
            return Err(error);
        }
        File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(Error::io("write", &path))?;
        fs::rename(&path, self.target).map_err(Error::io("rename", &path))?;
        remove(&with_suffix(&path, ".json"))?;
        Ok(locked(self.item, have, digests))
    }

    fn length(&self, announced: u64, found: u64, attempts: u32) -> Error {
        Error::Length {
            file: self.item.file.path.clone(),
            url: self.item.file.url.clone(),
            announced,
            found,
            attempts,
        }
    }

    fn protocol(&self, message: &str) -> Error {
        Error::Protocol {
            file: self.item.file.path.clone(),
            url: self.item.file.url.clone(),
            message: message.to_owned(),
        }
    }
}

/// What to record of a checked file.
pub(crate) fn locked(item: &Item, size: u64, digests: Digests) -> LockedFile {
    LockedFile {
        url: item.file.url.clone(),
        size,
        sha256: digests.sha256,
        published_checksum: item.file.checksums.sha256.is_some() || item.md5().is_some(),
    }
}

/// Compares checksums.
///
/// # Errors
///
/// If one is another; the caller has to set the file aside as `NAME.rejected`.
pub(crate) fn check(item: &Item, digests: &Digests, target: &Path) -> Result<()> {
    let sha256 = item.sha256().map(|sum| ("sha256", sum, &digests.sha256));
    let md5 = item.md5().zip(digests.md5.as_ref());
    let md5 = md5.map(|(sum, found)| ("md5", sum, found));
    for (kind, (expected, source_of_sum), found) in sha256.chain(md5) {
        if expected != found {
            return Err(Error::Checksum {
                file: item.file.path.clone(),
                url: item.file.url.clone(),
                mismatch: Box::new(Mismatch {
                    kind,
                    expected: expected.to_owned(),
                    found: found.clone(),
                    source_of_sum,
                }),
                kept: with_suffix(target, ".rejected"),
            });
        }
    }
    Ok(())
}

impl Partial {
    /// The headers that ask for the rest of the same file.
    fn range(&self) -> Vec<(&'static str, String)> {
        let Some(version) = self.version.as_ref().filter(|_| self.have > 0) else {
            return Vec::new();
        };
        let mut headers = vec![("Range", format!("bytes={}-", self.have))];
        // The Hub's own tag is compared when the answer comes; that of where it redirects
        // to may be another one each time. Weak tags may not stand in If-Range.
        let strong = version.etag.as_ref().filter(|tag| !tag.starts_with("W/"));
        if let (Some(validator), None) = (
            strong.or(version.modified.as_ref()),
            version.linked_etag.as_ref(),
        ) {
            headers.push(("If-Range", validator.clone()));
        }
        headers
    }

    /// Begins an empty file of a version.
    fn begin(&mut self, version: Version) -> Result<()> {
        // Not through another name: an old beginning must not outlive its version.
        File::create(&self.path).map_err(Error::io("write", &self.path))?;
        let text = serde_json::to_vec(&version).map_err(|e| Error::Damaged {
            path: self.path.clone(),
            message: e.to_string(),
        })?;
        replace(&with_suffix(&self.path, ".json"), &text)?;
        self.version = Some(version);
        Ok(())
    }

    /// Makes sure that the next fetch begins anew.
    fn discard(&self) {
        // What remains is discarded by the next fetch as well.
        let _ = fs::remove_file(with_suffix(&self.path, ".json"));
        let _ = fs::remove_file(&self.path);
    }
}

impl Version {
    fn of(answer: &Answer, url: &str, total: Option<u64>) -> Self {
        Self {
            url: url.to_owned(),
            etag: answer.header("etag"),
            linked_etag: answer.linked_etag.clone(),
            modified: answer.header("last-modified"),
            total,
        }
    }

    fn has_validator(&self) -> bool {
        self.linked_etag.is_some() || self.etag.is_some() || self.modified.is_some()
    }

    /// Whether both can be the same content: no validator that both have is another.
    fn is_same(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
            a.is_none() || b.is_none() || a == b
        }
        // Where the Hub redirects to may change, and the tags there with it.
        let linked = self.linked_etag.is_some() && other.linked_etag.is_some();
        agree(self.total.as_ref(), other.total.as_ref())
            && agree(self.linked_etag.as_ref(), other.linked_etag.as_ref())
            && (linked
                || (agree(self.etag.as_ref(), other.etag.as_ref())
                    && agree(self.modified.as_ref(), other.modified.as_ref())))
    }
}

/// `bytes 5-9/10` gives 5 and 10, `bytes */10` only 10.
fn parse_range(text: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let start = range
        .split_once('-')
        .and_then(|(start, _)| start.parse().ok());
    Some((start, total.parse().ok()))
}

/// Removes a file if it is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path)(e)),
        _ => Ok(()),
    }
}
