//! Class images and recordings from disk, as the study takes them. Invariant: what is
//! serialised, and so decides which step is found again, is what lies at a path and how
//! it is read; never the path.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Serialize;
use striate_data::inspect::Source;
use striate_data::recording::Recording;
use striate_data::split::{STUDY_SEED, image_split};
use striate_data::{ImageSet, Images, ResizeCrop};

use crate::engine::{Key, hash_file};
use crate::sources::{ImagesConfig, RecordingsConfig};
use crate::{Error, Result};

/// Files up to this size are known by all their bytes.
const WHOLE: u64 = 1 << 30;
/// Of larger files, so much at the start and at the end.
const PART: u64 = 1 << 20;

/// Labelled images on disk.
#[derive(Clone, Serialize)]
pub(crate) struct ImageFiles {
    content: Key,
    config: ImagesConfig,
    #[serde(skip)]
    path: PathBuf,
}

/// The images of [`ImageFiles`] by their use.
pub(crate) struct ImageParts {
    pub(crate) train: ImageSet,
    pub(crate) validation: ImageSet,
    pub(crate) test: ImageSet,
    pub(crate) stimuli_train: Images,
    pub(crate) stimuli_test: Images,
    /// The photograph or the class of each training and test stimulus.
    pub(crate) stimulus_groups: [Vec<u32>; 2],
}

impl ImageFiles {
    /// Finds them.
    pub(crate) fn find(config: &ImagesConfig) -> Result<Self> {
        given(&config.path, "images.path", "--images")?;
        Ok(Self {
            content: content(&config.path)?,
            config: ImagesConfig {
                path: PathBuf::new(),
                ..config.clone()
            },
            path: config.path.clone(),
        })
    }

    /// Number of training, validation and test images.
    pub(crate) fn counts(&self, classes: usize) -> Result<[usize; 3]> {
        let source = Source::detect(&self.path)?;
        let all = source.image_count(&self.config.part)?;
        let validation = (self.config.validation_fraction * all as f64).floor() as usize;
        let stimuli = self.config.stimuli_train + self.config.stimuli_test;
        let train = (all - validation).saturating_sub(stimuli);
        let train = match self.config.train_per_class {
            0 => train,
            limit => train.min(limit * classes),
        };
        Ok([
            train,
            validation,
            source.image_count(&self.config.test_part)?,
        ])
    }

    /// Reads and splits them; they must have this many classes and this size.
    pub(crate) fn read(&self, classes: usize, size: usize) -> Result<ImageParts> {
        let config = &self.config;
        let fit = ResizeCrop {
            resize_px: config.resize_px,
            crop_px: size,
        };
        let source = Source::detect(&self.path)?;
        let source = source.with_fit((config.resize_px > 0).then_some(fit));
        let all = source.image_set(&config.part)?;
        let test = source.image_set(&config.test_part)?;
        let wrong = |problem: String| Error::Source {
            path: self.path.clone(),
            problem,
        };
        if all.classes() != classes {
            let found = all.classes();
            return Err(wrong(format!(
                "{found} classes, where network.classes is {classes}"
            )));
        }
        if all.class_names != test.class_names {
            let (part, test_part) = (&config.part, &config.test_part);
            return Err(wrong(format!(
                "the classes of {part} and {test_part} differ"
            )));
        }
        for (part, set) in [(&config.part, &all), (&config.test_part, &test)] {
            self.check_size(part, &set.images, size)?;
        }
        let split = image_split(all.len(), config.validation_fraction, STUDY_SEED)?;
        let stimuli = config.stimuli_train + config.stimuli_test;
        if stimuli >= split.train.len() {
            let found = split.train.len();
            return Err(wrong(format!(
                "{found} training images, of which {stimuli} are to be stimuli"
            )));
        }
        let (stimuli, rest) = split.train.split_at(stimuli);
        let (stimuli_train, stimuli_test) = stimuli.split_at(config.stimuli_train);
        let mut taken = vec![0; classes];
        let mut train: Vec<usize> = rest
            .iter()
            .copied()
            .filter(|i| {
                let count = &mut taken[all.labels[*i] as usize];
                *count += 1;
                config.train_per_class == 0 || *count <= config.train_per_class
            })
            .collect();
        // Class by class again, as the images lie.
        train.sort_unstable();
        let mut validation = split.validation;
        validation.sort_unstable();
        Ok(ImageParts {
            train: all.select(&train)?,
            validation: all.select(&validation)?,
            test,
            stimuli_train: all.images.select(stimuli_train)?,
            stimuli_test: all.images.select(stimuli_test)?,
            stimulus_groups: [stimuli_train, stimuli_test]
                .map(|stimuli| stimuli.iter().map(|i| all.labels[*i]).collect()),
        })
    }

    fn check_size(&self, part: &str, images: &Images, size: usize) -> Result<()> {
        if (images.height, images.width) == (size, size) {
            return Ok(());
        }
        Err(Error::Source {
            path: self.path.clone(),
            problem: format!(
                "images of part {part} are {} x {} px, where network.input_size is {size} \
                 (images.resize_px brings images of any size to it)",
                images.height, images.width
            ),
        })
    }
}

/// Recordings on disk.
#[derive(Clone, Serialize)]
pub(crate) struct RecordingFiles {
    content: Key,
    images: Option<Key>,
    config: RecordingsConfig,
    #[serde(skip)]
    path: PathBuf,
    #[serde(skip)]
    images_path: Option<PathBuf>,
}

/// All sessions, and which images fit models and which test them.
pub(crate) struct Sessions {
    /// In the order of their names.
    pub(crate) sessions: Vec<Session>,
    /// Ids of the training images of all sessions, rising.
    pub(crate) train_ids: Vec<u32>,
    /// Ids of the test images, rising.
    pub(crate) test_ids: Vec<u32>,
}

/// One session.
pub(crate) struct Session {
    /// Its name, of letters, digits, `-` and `_`.
    pub(crate) name: String,
    pub(crate) train: Recording,
    pub(crate) test: Recording,
}

impl RecordingFiles {
    /// Finds them.
    pub(crate) fn find(config: &RecordingsConfig) -> Result<Self> {
        given(&config.path, "recording.source.path", "--recordings")?;
        Ok(Self {
            content: content(&config.path)?,
            images: config.images.as_deref().map(content).transpose()?,
            config: RecordingsConfig {
                path: PathBuf::new(),
                images: None,
                ..config.clone()
            },
            path: config.path.clone(),
            images_path: config.images.clone(),
        })
    }

    /// Reads the sessions.
    pub(crate) fn read(&self) -> Result<Sessions> {
        let mut sessions: Vec<Session> = Vec::new();
        for (part, recording) in Source::detect(&self.path)?.recordings(&self.config.read)? {
            let (train, test) = match part {
                "all" => self.divide(&recording)?,
                "test" => (recording.select_images(|_| false), recording),
                _ => (recording.clone(), recording.select_images(|_| false)),
            };
            let name = plain(&train.session);
            match sessions.iter_mut().find(|s| s.name == name) {
                None => sessions.push(Session { name, train, test }),
                Some(known) if known.train.trials() == 0 => known.train = train,
                Some(known) if known.test.trials() == 0 => known.test = test,
                Some(_) => return Err(self.wrong(format!("session {name} comes twice"))),
            }
        }
        sessions.sort_by(|a, b| a.name.cmp(&b.name));
        if sessions.is_empty() {
            return Err(self.wrong("no recordings, or none with a trial".to_owned()));
        }
        for session in &sessions {
            self.check(session)?;
        }
        let ids = |part: fn(&Session) -> &Recording| {
            let mut ids: Vec<u32> = sessions.iter().flat_map(|s| part(s).image_ids()).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        Ok(Sessions {
            train_ids: ids(|s| &s.train),
            test_ids: ids(|s| &s.test),
            sessions,
        })
    }

    /// The images of the ids, `size` x `size` pixels.
    pub(crate) fn stimuli(&self, ids: &[u32], size: usize) -> Result<Images> {
        let config = &self.config;
        let path = self.images_path.as_ref().unwrap_or(&self.path);
        let images = Source::detect(path)?.stimuli(ids, &config.stimuli, &config.read)?;
        if (images.height, images.width) != (size, size) {
            let fits = config.stimuli.scale * size as f64 / images.height as f64;
            return Err(Error::Source {
                path: path.clone(),
                problem: format!(
                    "the images that were shown are {} x {} px after cropping {} and scaling by {}, \
                     where network.input_size is {size}; scaling by {fits:.4} would give that height",
                    images.height, images.width, config.stimuli.crop_px, config.stimuli.scale
                ),
            });
        }
        Ok(images)
    }

    /// Draws the test images of a recording that does not say which they are.
    fn divide(&self, recording: &Recording) -> Result<(Recording, Recording)> {
        let ids = recording.image_ids();
        let split = image_split(ids.len(), self.config.test_fraction, STUDY_SEED)?;
        let mut test: Vec<u32> = split.validation.iter().map(|i| ids[*i]).collect();
        test.sort_unstable();
        let tests = |id: u32| test.binary_search(&id).is_ok();
        Ok((
            recording.select_images(|id| !tests(id)),
            recording.select_images(tests),
        ))
    }

    fn check(&self, session: &Session) -> Result<()> {
        let Session { name, train, test } = session;
        for (part, recording) in [("training", train), ("test", test)] {
            if recording.trials() == 0 {
                return Err(self.wrong(format!("session {name} has no {part} trials")));
            }
        }
        if train.neuron_ids != test.neuron_ids {
            return Err(self.wrong(format!(
                "session {name} has {} neurons in training and {} in the test, or others",
                train.neurons, test.neurons
            )));
        }
        let trained = train.image_ids();
        let both = |id: &u32| trained.binary_search(id).is_ok();
        if let Some(id) = test.image_ids().into_iter().find(both) {
            return Err(self.wrong(format!(
                "session {name}: image {id} is in training and test"
            )));
        }
        let silent = train.neuron_mean().iter().position(|mean| mean.is_nan());
        if let Some(neuron) = silent {
            let id = &train.neuron_ids[neuron];
            return Err(self.wrong(format!(
                "session {name}: neuron {id} has no response in any training trial"
            )));
        }
        Ok(())
    }

    fn wrong(&self, problem: String) -> Error {
        Error::Source {
            path: self.path.clone(),
            problem,
        }
    }
}

/// A name that can be a part of the name of a variable.
fn plain(name: &str) -> String {
    let keep = |c: char| c.is_ascii_alphanumeric() || c == '-';
    name.chars()
        .map(|c| if keep(c) { c } else { '_' })
        .collect()
}

fn given(path: &Path, field: &str, option: &str) -> Result<()> {
    if path.as_os_str().is_empty() {
        return Err(Error::NoPath {
            field: field.to_owned(),
            option: option.to_owned(),
        });
    }
    Ok(())
}

/// What lies at a path: all bytes of a file (of one above 1 GiB its length, start and
/// end), names and lengths of the files of a folder.
fn content(path: &Path) -> Result<Key> {
    if path.is_dir() {
        let mut files = Vec::new();
        list(path, "", &mut files)?;
        files.sort();
        return Key::of_value(&files);
    }
    let mut file = File::open(path).map_err(|e| Error::io("open", path, e))?;
    let len = file
        .metadata()
        .map_err(|e| Error::io("read", path, e))?
        .len();
    if len <= WHOLE {
        return hash_file(path);
    }
    let mut ends = Vec::new();
    let mut read = |from: SeekFrom| -> std::io::Result<()> {
        file.seek(from)?;
        (&mut file).take(PART).read_to_end(&mut ends)?;
        Ok(())
    };
    read(SeekFrom::Start(0))
        .and_then(|()| read(SeekFrom::End(-(PART as i64))))
        .map_err(|e| Error::io("read", path, e))?;
    Key::of_value(&(len, Key::of_bytes(&ends)))
}

fn list(folder: &Path, prefix: &str, files: &mut Vec<(String, u64)>) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|e| Error::io("read", folder, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Error::io("read", folder, e))?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let about = std::fs::metadata(&path).map_err(|e| Error::io("read", &path, e))?;
        if about.is_dir() {
            list(&path, &format!("{name}/"), files)?;
        } else {
            files.push((name, about.len()));
        }
    }
    Ok(())
}
