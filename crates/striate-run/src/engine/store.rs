//! The run store: one folder a step, under its key.
//!
//! A step works in `<kind>-<key>.partial`; when it is done a manifest with the
//! hash of each file is written and the folder is renamed. Invariant: a folder
//! under its final name is complete, and its files are what the step wrote.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use striate_train::StopFlag;

use super::plan::Step;
use super::progress::StepProgress;
use super::{Key, hash_file};
use crate::{Error, Result};

const MANIFEST: &str = "step.json";
const PARTIAL: &str = ".partial";

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Its result is complete.
    Done,
    /// It was asked to stop; what it has is kept, and it goes on from there.
    Interrupted,
}

/// What a finished step says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// What people call the step.
    pub name: String,
    /// The kind of step.
    pub kind: String,
    /// The version of its code.
    pub version: u32,
    /// The hash of kind, version, configuration and inputs.
    pub key: Key,
    /// All that was set.
    pub config: Value,
    /// The keys of its inputs.
    pub inputs: BTreeMap<String, Key>,
    /// Size and hash of each file.
    pub files: BTreeMap<String, FileEntry>,
    /// Wall time, over all tries, in seconds.
    pub seconds: f64,
    /// The revision of the code.
    pub revision: String,
}

/// Size and hash of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes.
    pub sha256: Key,
}

/// A folder of results, held by one process at a time.
pub struct RunStore {
    root: PathBuf,
    /// Released when the store is dropped, also by the death of the process.
    _lock: File,
}

impl RunStore {
    /// Opens the store under `out`, making it if need be.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made or written, or another process holds it.
    pub fn open(out: &Path) -> Result<Self> {
        let root = out.join("store");
        fs::create_dir_all(&root).map_err(|e| Error::io("create", &root, e))?;
        let path = root.join("lock");
        let lock = File::create(&path).map_err(|e| Error::io("write", &path, e))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root, _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => Err(Error::StoreInUse { path: root }),
            Err(fs::TryLockError::Error(e)) => Err(Error::io("lock", &path, e)),
        }
    }

    /// The folder of the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn folder(&self, kind: &str, key: &Key) -> PathBuf {
        self.root.join(format!("{kind}-{}", key.short()))
    }

    /// The finished result of a step, if there is one, checked.
    ///
    /// # Errors
    ///
    /// If the result is damaged: a file is missing, cut or changed.
    pub(super) fn finished(&self, step: &Step) -> Result<Option<Finished>> {
        let folder = self.folder(step.kind, &step.key);
        if !folder.exists() {
            return Ok(None);
        }
        let finished = Finished::open(&folder)?;
        if finished.manifest.key != step.key {
            return Err(damaged(
                &folder.join(MANIFEST),
                format!(
                    "key {} instead of {}",
                    finished.manifest.key.short(),
                    step.key.short()
                ),
            ));
        }
        Ok(Some(finished))
    }

    /// The folder in which an unfinished step works.
    pub(super) fn partial(&self, step: &Step) -> Result<PathBuf> {
        let mut name = self.folder(step.kind, &step.key).into_os_string();
        name.push(PARTIAL);
        let path = PathBuf::from(name);
        fs::create_dir_all(&path).map_err(|e| Error::io("create", &path, e))?;
        Ok(path)
    }

    /// Seals the partial folder of a step under its final name.
    pub(super) fn seal(
        &self,
        step: &Step,
        inputs: BTreeMap<String, Key>,
        seconds: f64,
    ) -> Result<Finished> {
        let partial = self.partial(step)?;
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(&partial).map_err(|e| Error::io("list", &partial, e))? {
            let entry = entry.map_err(|e| Error::io("list", &partial, e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // A manifest is there if an earlier try was killed between its last two steps.
            if name.starts_with("resume.") || name == SECONDS || name == MANIFEST {
                let removed = if entry.path().is_dir() {
                    fs::remove_dir_all(entry.path())
                } else {
                    fs::remove_file(entry.path())
                };
                removed.map_err(|e| Error::io("remove", &entry.path(), e))?;
                continue;
            }
            let bytes = entry
                .metadata()
                .map_err(|e| Error::io("read", &entry.path(), e))?
                .len();
            let sha256 = hash_file(&entry.path())?;
            files.insert(name, FileEntry { bytes, sha256 });
        }
        let manifest = Manifest {
            name: step.name.clone(),
            kind: step.kind.to_owned(),
            version: step.version,
            key: step.key.clone(),
            config: step.config.clone(),
            inputs,
            files,
            seconds,
            revision: crate::REVISION.to_owned(),
        };
        let text = serde_json::to_vec_pretty(&manifest).map_err(|e| Error::json(MANIFEST, e))?;
        write_atomic(&partial.join(MANIFEST), &text)?;
        let folder = self.folder(step.kind, &step.key);
        fs::rename(&partial, &folder).map_err(|e| Error::io("rename", &partial, e))?;
        Ok(Finished { folder, manifest })
    }
}

const SECONDS: &str = "seconds";

/// Seconds spent on earlier tries of a step.
pub(super) fn seconds_spent(partial: &Path) -> f64 {
    fs::read_to_string(partial.join(SECONDS))
        .ok()
        .and_then(|s| s.trim().parse().ok())
        .unwrap_or(0.0)
}

/// Notes the seconds spent on a step that was interrupted.
pub(super) fn note_seconds(partial: &Path, seconds: f64) -> Result<()> {
    write_atomic(&partial.join(SECONDS), format!("{seconds}").as_bytes())
}

/// The result of a finished step.
#[derive(Clone, Debug)]
pub struct Finished {
    folder: PathBuf,
    manifest: Manifest,
}

impl Finished {
    /// Opens a finished step's folder and checks each file against the manifest.
    ///
    /// # Errors
    ///
    /// If a file is missing, cut or changed; the error names it.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let text = fs::read(&path).map_err(|e| damaged(&path, e.to_string()))?;
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|e| damaged(&path, e.to_string()))?;
        for (name, entry) in &manifest.files {
            let path = folder.join(name);
            let bytes = fs::metadata(&path)
                .map_err(|e| damaged(&path, e.to_string()))?
                .len();
            if bytes != entry.bytes {
                return Err(damaged(
                    &path,
                    format!("{bytes} bytes instead of {}", entry.bytes),
                ));
            }
            if hash_file(&path)? != entry.sha256 {
                return Err(damaged(&path, "its bytes have changed".to_owned()));
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            manifest,
        })
    }

    /// What the step says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The path of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Reads one of its JSON files.
    ///
    /// # Errors
    ///
    /// If the file is missing or is not what is expected.
    pub fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T> {
        let path = self.file(name);
        let text = fs::read(&path).map_err(|e| Error::io("read", &path, e))?;
        serde_json::from_slice(&text).map_err(|e| damaged(&path, e.to_string()))
    }
}

fn damaged(path: &Path, problem: String) -> Error {
    Error::Damaged {
        path: path.to_owned(),
        problem,
    }
}

/// What a step sees while it runs.
pub struct StepContext<'a> {
    pub(super) folder: PathBuf,
    pub(super) inputs: BTreeMap<String, Finished>,
    pub(super) progress: StepProgress<'a>,
    pub(super) stop: StopFlag,
    pub(super) device: candle_core::Device,
}

impl StepContext<'_> {
    /// The folder to work in. Files whose name begins with `resume.` are for the
    /// next try of an interrupted step, and are removed when it is done.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The result of an input.
    ///
    /// # Errors
    ///
    /// If the step was not given such an input: a mistake in the plan.
    pub fn input(&self, name: &str) -> Result<&Finished> {
        self.inputs.get(name).ok_or_else(|| Error::NoInput {
            name: name.to_owned(),
        })
    }

    /// All inputs, by name.
    pub fn inputs(&self) -> &BTreeMap<String, Finished> {
        &self.inputs
    }

    /// Writes a JSON file, atomically.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_vec_pretty(value).map_err(|e| Error::json(name, e))?;
        write_atomic(&self.file(name), &text)
    }

    /// Says how far the step is: a share in `0..=1` and a word on the state.
    pub fn progress(&mut self, share: f64, message: &str) {
        self.progress.update(share, message);
    }

    /// Whether the run was asked to stop.
    pub fn stopped(&self) -> bool {
        self.stop.is_raised()
    }

    /// The flag itself, for what runs long inside a step.
    pub fn stop_flag(&self) -> StopFlag {
        self.stop.clone()
    }

    /// Where to compute.
    pub fn device(&self) -> &candle_core::Device {
        &self.device
    }
}

/// Writes a file so that it is either the old or the new one, never a part.
///
/// # Errors
///
/// If the file cannot be written, for instance on a full disk; then the old one
/// stands.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = PathBuf::from(name);
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|e| {
        // Best effort: the error that matters is the first one.
        let _ = fs::remove_file(&temporary);
        Error::io("write", path, e)
    })
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;
    use crate::engine::{Estimate, Plan, Task};

    #[derive(Serialize)]
    struct Nothing;

    impl Task for Nothing {
        const KIND: &'static str = "nothing";
        const VERSION: u32 = 1;

        fn estimate(&self) -> Estimate {
            Estimate::default()
        }

        fn run(&self, _: &mut StepContext<'_>) -> Result<Status> {
            Ok(Status::Done)
        }
    }

    #[test]
    fn a_step_that_was_killed_before_its_folder_got_its_name_is_sealed_again() {
        let out = tempfile::tempdir().unwrap();
        let store = RunStore::open(out.path()).unwrap();
        let mut plan = Plan::new();
        plan.add("nothing", Nothing, &[]).unwrap();
        let step = plan.steps.first().unwrap();
        let partial = store.partial(step).unwrap();
        // What an earlier try left: its manifest, and where it stood.
        for name in [MANIFEST, "resume.json", SECONDS] {
            fs::write(partial.join(name), "1").unwrap();
        }
        fs::write(partial.join("result"), "2").unwrap();
        store.seal(step, BTreeMap::new(), 1.0).unwrap();
        let found = store.finished(step).unwrap().unwrap();
        let files: Vec<&String> = found.manifest.files.keys().collect();
        assert_eq!(files, ["result"]);
    }
}
