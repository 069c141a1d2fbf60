//! All files of a data set, a few at a time.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::client::Client;
use crate::config::FetchConfig;
use crate::digest::Hasher;
use crate::download::{Download, check, locked};
use crate::error::{Error, Result};
use crate::lock::{Lock, LockedFile, with_suffix};
use crate::manifest::Manifest;
use crate::plan::{self, Item};

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// How far a fetch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files that are there and checked.
    pub files: usize,
    /// All files.
    pub files_total: usize,
    /// Bytes that are there.
    pub bytes: u64,
    /// Bytes of all files, where all lengths are known.
    pub bytes_total: Option<u64>,
    /// Bytes that came over the network in this fetch.
    pub bytes_loaded: u64,
}

/// What a fetch brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchReport {
    /// The folder of the data set in the cache.
    pub folder: PathBuf,
    /// The commit of the Hub repository.
    pub revision: Option<String>,
    /// The files, in the order of the manifest or the list.
    pub files: Vec<FetchedFile>,
    /// Bytes that came over the network.
    pub bytes_loaded: u64,
}

/// A file that is there, complete and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// Whether it was compared with a published checksum, rather than with what an
    /// earlier fetch recorded, or (the first time) with nothing.
    pub published_checksum: bool,
    /// Whether this fetch loaded it.
    pub fresh: bool,
}

/// Brings the files of a data set into the cache.
///
/// `on_progress` is called about ten times a second. When `stop` says so, the fetch
/// ends within the next piece of each file; the next fetch goes on from there.
///
/// # Errors
///
/// If a file is not there in the end. A failure that concerns one file lets the others
/// come; of several failures [`Error::Several`] is made.
pub fn fetch(
    manifest: &Manifest,
    config: &FetchConfig,
    on_progress: &mut dyn FnMut(&Progress),
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<FetchReport> {
    let folder = config.cache.join(&manifest.name);
    let switch = plan::switch(&manifest.source, config);
    // Without the network nothing is written: the cache may be of someone else.
    let _busy = match switch {
        None => Some(claim(&folder)?),
        Some(_) => None,
    };
    let abort = AtomicBool::new(false);
    let stop_any = || stop() || abort.load(Ordering::Relaxed);
    let client = Client::new(config, &stop_any)?;
    let mut lock = Lock::load(&folder)?;
    let items = plan::items(manifest, config, &client, &mut lock, &folder)?;
    let work = Work {
        manifest,
        config,
        client: &client,
        switch,
        folder: &folder,
        positions: items.iter().map(|_| AtomicU64::new(0)).collect(),
        loaded: AtomicU64::new(0),
        items,
    };
    let mut files = vec![None; work.items.len()];
    let mut failures = Vec::new();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..config.connections.clamp(1, work.items.len()) {
            let (send, next, work, stop_any) = (send.clone(), &next, &work, &stop_any);
            scope.spawn(move || {
                while !stop_any() {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= work.items.len() || send.send((i, work.obtain(i))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        loop {
            match receive.recv_timeout(TELL_EVERY) {
                Ok((i, Ok((file, fresh)))) => {
                    let name = &work.items[i].file.path;
                    let known = lock.files.get(name) == Some(&file);
                    if !known && switch.is_none() {
                        lock.files.insert(name.clone(), file.clone());
                        if let Err(error) = lock.save(&folder) {
                            abort.store(true, Ordering::Relaxed);
                            failures.push(error);
                        }
                    }
                    files[i] = Some(work.fetched(i, file, fresh));
                }
                Ok((_, Err(error))) => {
                    if error.concerns_all_files() {
                        abort.store(true, Ordering::Relaxed);
                    }
                    failures.push(error);
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            on_progress(&work.progress(files.iter().flatten().count()));
        }
    });
    finish(failures, files, &work, lock.revision)
}

fn finish(
    mut failures: Vec<Error>,
    files: Vec<Option<FetchedFile>>,
    work: &Work<'_>,
    revision: Option<String>,
) -> Result<FetchReport> {
    // Files that another's failure stopped have none of their own.
    failures.retain(|error| !matches!(error, Error::Stopped));
    if failures.len() > 1 {
        return Err(Error::Several { errors: failures });
    }
    if let Some(error) = failures.pop() {
        return Err(error);
    }
    Ok(FetchReport {
        folder: work.folder.to_owned(),
        revision,
        files: files
            .into_iter()
            .collect::<Option<_>>()
            .ok_or(Error::Stopped)?,
        bytes_loaded: work.loaded.load(Ordering::Relaxed),
    })
}

/// Claims the folder for this process, until the result is dropped.
fn claim(folder: &Path) -> Result<File> {
    fs::create_dir_all(folder).map_err(Error::io("make folder", folder))?;
    let path = folder.join(".busy");
    let file = File::create(&path).map_err(Error::io("write", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Busy {
            folder: folder.to_owned(),
        }),
        Err(TryLockError::Error(e)) => Err(Error::io("lock", &path)(e)),
    }
}

struct Work<'a> {
    manifest: &'a Manifest,
    config: &'a FetchConfig,
    client: &'a Client<'a>,
    switch: Option<&'static str>,
    folder: &'a Path,
    items: Vec<Item>,
    positions: Vec<AtomicU64>,
    loaded: AtomicU64,
}

impl Work<'_> {
    /// Has a file: finds it or loads it. Whether it was loaded.
    fn obtain(&self, i: usize) -> Result<(LockedFile, bool)> {
        let item = &self.items[i];
        let target = self.folder.join(&item.file.path);
        if !item.outdated
            && let Ok(found) = fs::metadata(&target)
        {
            return Ok((self.look_at(i, &target, found.len())?, false));
        }
        if let Some(switch) = self.switch {
            return Err(Error::Offline {
                what: item.file.path.clone(),
                folder: self.folder.to_owned(),
                switch,
            });
        }
        let download = Download {
            item,
            target: &target,
            page: &self.manifest.page,
            config: self.config,
            client: self.client,
            position: &self.positions[i],
            loaded: &self.loaded,
        };
        Ok((download.run()?, true))
    }

    /// Checks a file that is there: by its length, or by its checksums if it is not in
    /// the lock file (someone put it there) or is to be verified.
    fn look_at(&self, i: usize, target: &Path, size: u64) -> Result<LockedFile> {
        let item = &self.items[i];
        if let Some((expected, source)) = item.size()
            && expected != size
        {
            let kept = self.set_aside(target)?;
            return Err(Error::Damaged {
                path: target.to_owned(),
                message: format!("{size} bytes, expected {expected} ({source}); {kept}"),
            });
        }
        if let Some(locked) = item.locked.as_ref().filter(|_| !self.config.verify) {
            self.positions[i].store(size, Ordering::Relaxed);
            return Ok(locked.clone());
        }
        let mut hasher = Hasher::new(item.md5().is_some());
        hasher.update_from(target, &mut |n| {
            self.positions[i].fetch_add(n, Ordering::Relaxed);
            if (self.client.stop)() {
                return Err(Error::Stopped);
            }
            Ok(())
        })?;
        let digests = hasher.finish();
        if let Err(error) = check(item, &digests, target) {
            self.set_aside(target)?;
            return Err(error);
        }
        Ok(locked(item, size, digests))
    }

    /// Renames a wrong file, if anything may be written.
    fn set_aside(&self, target: &Path) -> Result<String> {
        if self.switch.is_some() {
            return Ok("it stays there, since the network is switched off".to_owned());
        }
        let rejected = with_suffix(target, ".rejected");
        fs::rename(target, &rejected).map_err(Error::io("set aside", target))?;
        Ok(format!(
            "kept as {}; the next fetch loads it again",
            rejected.display()
        ))
    }

    fn fetched(&self, i: usize, file: LockedFile, fresh: bool) -> FetchedFile {
        FetchedFile {
            path: self.folder.join(&self.items[i].file.path),
            size: file.size,
            sha256: file.sha256,
            published_checksum: file.published_checksum,
            fresh,
        }
    }

    fn progress(&self, files: usize) -> Progress {
        let positions = self.positions.iter().map(|p| p.load(Ordering::Relaxed));
        let sizes = self
            .items
            .iter()
            .map(|item| item.size().map(|(size, _)| size));
        Progress {
            files,
            files_total: self.items.len(),
            bytes: positions.sum(),
            bytes_total: sizes.sum(),
            bytes_loaded: self.loaded.load(Ordering::Relaxed),
        }
    }
}
