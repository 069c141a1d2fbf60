//! The images of a run: the classification task and the stimuli.

use serde::{Deserialize, Serialize};
use striate_data::mini::{MiniConfig, MiniTask, Patch};
use striate_data::parquet::ImageTable;
use striate_data::{ImageSet, Images, JPEG_DECODER, Normalize, Preprocess};
use striate_random::Seed;

use super::files::{ImageFiles, ImageParts, RecordingFiles};
use super::tensors::{TensorFile, Tensors};
use crate::engine::{Estimate, Finished, Key, Status, StepContext, Task};
use crate::{Recipe, Result};

/// The photographs that ship with Striate, in the Hugging Face image schema.
const PHOTOS: &[u8] = include_bytes!("../../../../datasets/mini/photos.parquet");

pub(crate) const IMAGES: &str = "images.safetensors";
const INFO: &str = "info.json";
const GROUPS: [&str; 2] = ["stimuli_train.groups", "stimuli_test.groups"];
const SETS: [&str; 3] = ["train", "validation", "test"];

/// How many there are of what, as far as the plan must know.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sizes {
    /// Training, validation and test images.
    pub(crate) images: [usize; 3],
    /// Training and test stimuli.
    pub(crate) stimuli: [usize; 2],
    /// Training trials of all sessions.
    pub(crate) trials: usize,
    /// Neurons of all sessions.
    pub(crate) neurons: usize,
}

/// Where the class images come from.
#[derive(Clone, Serialize)]
pub(crate) enum ClassImages {
    /// Patches of the photographs that ship with Striate.
    Photographs { content: Key, config: MiniConfig },
    /// Files.
    Files(ImageFiles),
}

/// The data of a recipe, found but not read.
pub(crate) struct Inputs {
    pub(crate) images: ClassImages,
    /// Recordings from disk, where the V1 is not a simulated one.
    pub(crate) recordings: Option<RecordingFiles>,
    pub(crate) sizes: Sizes,
}

impl Inputs {
    /// Finds the data of a recipe, so that what is wrong with them is known at once.
    pub(crate) fn find(recipe: &Recipe) -> Result<Self> {
        let mut sizes = Sizes::default();
        let (images, stimuli) = match (&recipe.data, &recipe.images) {
            (Some(config), _) => {
                let per_class = [
                    config.train_per_class,
                    config.validation_per_class,
                    config.test_per_class,
                ];
                sizes.images = per_class.map(|count| count * config.classes);
                let content = Key::of_bytes(PHOTOS);
                let config = config.clone();
                let stimuli = [config.stimuli_train, config.stimuli_test];
                (ClassImages::Photographs { content, config }, stimuli)
            }
            (None, config) => {
                let config = config.clone().unwrap_or_default();
                let files = ImageFiles::find(&config)?;
                sizes.images = files.counts(recipe.network.classes)?;
                let stimuli = [config.stimuli_train, config.stimuli_test];
                (ClassImages::Files(files), stimuli)
            }
        };
        let recordings = match (&recipe.recording.source, &recipe.population) {
            (Some(config), _) => {
                let files = RecordingFiles::find(config)?;
                let read = files.read()?;
                sizes.stimuli = [read.train_ids.len(), read.test_ids.len()];
                sizes.trials = read.sessions.iter().map(|s| s.train.trials()).sum();
                sizes.neurons = read.sessions.iter().map(|s| s.train.neurons).sum();
                Some(files)
            }
            (None, population) => {
                sizes.stimuli = stimuli;
                sizes.trials = stimuli[0];
                sizes.neurons = population.as_ref().map_or(0, |p| p.neurons);
                None
            }
        };
        Ok(Self {
            images,
            recordings,
            sizes,
        })
    }
}

/// Gathers the images of the classification task and the stimuli.
#[derive(Serialize)]
pub(crate) struct PrepareData {
    images: ClassImages,
    /// The recordings whose images are the stimuli.
    recordings: Option<RecordingFiles>,
    classes: usize,
    size: usize,
    seed: u64,
    /// Which decoder made the pixels of JPEGs, where that is not the default one.
    #[serde(skip_serializing_if = "is_default_decoder")]
    jpeg_decoder: &'static str,
    #[serde(skip)]
    sizes: Sizes,
}

/// Results of before there was another decoder keep their keys.
fn is_default_decoder(name: &&str) -> bool {
    *name == "zune-jpeg"
}

impl PrepareData {
    pub(crate) fn new(inputs: &Inputs, recipe: &Recipe) -> Self {
        Self {
            images: inputs.images.clone(),
            recordings: inputs.recordings.clone(),
            classes: recipe.network.classes,
            size: recipe.network.input_size,
            seed: recipe.shared_seed,
            jpeg_decoder: JPEG_DECODER,
            sizes: inputs.sizes,
        }
    }

    fn read(&self) -> Result<ImageParts> {
        let (config, seed) = match &self.images {
            ClassImages::Files(files) => return files.read(self.classes, self.size),
            ClassImages::Photographs { config, .. } => (config, Seed::new(self.seed)),
        };
        let table = ImageTable::from_bytes(PHOTOS.to_vec(), "datasets/mini/photos.parquet")?;
        let task = MiniTask::build(&table, config, seed.child("mini task"))?;
        let [.., from_train, from_test] = task.origins;
        let photographs = |origins: Vec<Patch>| {
            let all = origins.iter();
            all.map(|patch| patch.photograph as u32).collect()
        };
        Ok(ImageParts {
            train: task.train,
            validation: task.validation,
            test: task.test,
            stimuli_train: task.stimuli_train,
            stimuli_test: task.stimuli_test,
            stimulus_groups: [from_train, from_test].map(photographs),
        })
    }
}

/// What is said of the images in the report and in protocols.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DataInfo {
    /// Names of the classes.
    pub(crate) class_names: Vec<String>,
    /// Number of training, validation and test images.
    pub(crate) counts: [usize; 3],
    /// Number of training and test stimuli.
    pub(crate) stimuli: [usize; 2],
    /// Mean and standard deviation of gray training pixels, in `0..=1`.
    pub(crate) normalize: Normalize,
    /// The same for stimuli: their own where they belong to recordings from disk, else
    /// those of the training images.
    pub(crate) stimuli_normalize: Normalize,
}

impl Task for PrepareData {
    const KIND: &'static str = "data";
    const VERSION: u32 = 3;

    fn estimate(&self) -> Estimate {
        let images: usize = self.sizes.images.iter().chain(&self.sizes.stimuli).sum();
        let bytes = (images * self.size * self.size * 3) as u64;
        Estimate {
            seconds: 2.0 + images as f64 * 1e-4,
            memory_bytes: 3 * bytes + (200 << 20),
            disk_bytes: bytes,
            ..Estimate::default()
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        cx.progress(0.1, "decoding images");
        let mut parts = self.read()?;
        let normalize = Normalize::of_gray(&parts.train.images)?;
        let mut stimuli_normalize = normalize.clone();
        if let Some(recordings) = &self.recordings {
            cx.progress(0.6, "decoding stimuli");
            let sessions = recordings.read()?;
            parts.stimuli_train = recordings.stimuli(&sessions.train_ids, self.size)?;
            parts.stimuli_test = recordings.stimuli(&sessions.test_ids, self.size)?;
            parts.stimulus_groups = [Vec::new(), Vec::new()];
            stimuli_normalize = Normalize::of_gray(&parts.stimuli_train)?;
        }
        let mut tensors = Tensors::default();
        for (name, set) in SETS
            .iter()
            .zip([&parts.train, &parts.validation, &parts.test])
        {
            put_images(&mut tensors, name, &set.images);
            tensors.u32(&format!("{name}.labels"), &set.labels);
        }
        put_images(&mut tensors, "stimuli_train", &parts.stimuli_train);
        put_images(&mut tensors, "stimuli_test", &parts.stimuli_test);
        for (name, groups) in GROUPS.iter().zip(&parts.stimulus_groups) {
            tensors.u32(name, groups);
        }
        tensors.write(&cx.file(IMAGES))?;
        cx.write_json(
            INFO,
            &DataInfo {
                class_names: parts.train.class_names.clone(),
                counts: [parts.train.len(), parts.validation.len(), parts.test.len()],
                stimuli: [parts.stimuli_train.count, parts.stimuli_test.count],
                normalize,
                stimuli_normalize,
            },
        )?;
        Ok(Status::Done)
    }
}

/// The images of a run, in memory.
pub(crate) struct Dataset {
    pub(crate) train: ImageSet,
    pub(crate) validation: ImageSet,
    pub(crate) test: ImageSet,
    pub(crate) stimuli_train: Images,
    pub(crate) stimuli_test: Images,
    /// The photograph or the class of each training and test stimulus; empty for those of
    /// recordings from disk.
    pub(crate) stimulus_groups: [Vec<u32>; 2],
    pub(crate) info: DataInfo,
}

impl Dataset {
    /// Reads what [`PrepareData`] wrote.
    pub(crate) fn open(step: &Finished) -> Result<Self> {
        let tensors = TensorFile::read(&step.file(IMAGES))?;
        let info: DataInfo = step.json(INFO)?;
        let set = |name: &str| -> Result<ImageSet> {
            let images = take_images(&tensors, name)?;
            let ids = (0..images.count)
                .map(|i| format!("{name}/{i:05}"))
                .collect();
            let labels = tensors.get_u32(&format!("{name}.labels"))?;
            Ok(ImageSet::new(
                images,
                labels,
                info.class_names.clone(),
                ids,
            )?)
        };
        Ok(Self {
            train: set("train")?,
            validation: set("validation")?,
            test: set("test")?,
            stimuli_train: take_images(&tensors, "stimuli_train")?,
            stimuli_test: take_images(&tensors, "stimuli_test")?,
            stimulus_groups: [tensors.get_u32(GROUPS[0])?, tensors.get_u32(GROUPS[1])?],
            info,
        })
    }

    /// How an image becomes the network's input: gray, then normalised.
    pub(crate) fn preprocess(&self) -> Preprocess {
        to_gray(&self.info.normalize)
    }

    /// How a stimulus becomes the network's input.
    pub(crate) fn stimuli_preprocess(&self) -> Preprocess {
        to_gray(&self.info.stimuli_normalize)
    }
}

fn to_gray(normalize: &Normalize) -> Preprocess {
    Preprocess {
        gray: true,
        normalize: normalize.clone(),
    }
}

fn put_images<'a>(tensors: &mut Tensors<'a>, name: &str, images: &'a Images) {
    let shape = [images.count, images.height, images.width, images.channels];
    tensors.u8(&format!("{name}.images"), &shape, &images.pixels_u8);
}

fn take_images(tensors: &TensorFile, name: &str) -> Result<Images> {
    let name = format!("{name}.images");
    let (shape, pixels) = tensors.get_u8(&name)?;
    let &[count, height, width, channels] = shape else {
        return Err(crate::Error::Tensor {
            name,
            problem: format!("has the shape {shape:?}"),
        });
    };
    Ok(Images::new(
        count,
        height,
        width,
        channels,
        pixels.to_vec(),
    )?)
}
