//! The images of a run: the classification task and the stimuli.

use serde::{Deserialize, Serialize};
use striate_data::mini::{MiniConfig, MiniTask};
use striate_data::parquet::ImageTable;
use striate_data::{ImageSet, Images, Normalize, Preprocess};
use striate_random::Seed;

use super::tensors::Tensors;
use crate::Result;
use crate::engine::{Estimate, Finished, Key, Status, StepContext, Task};

/// The photographs that ship with Striate, in the Hugging Face image schema.
const PHOTOS: &[u8] = include_bytes!("../../../../datasets/mini/photos.parquet");

pub(crate) const IMAGES: &str = "images.safetensors";
const INFO: &str = "info.json";
const SETS: [&str; 3] = ["train", "validation", "test"];

/// Cuts the patches of the classification task and the stimuli.
#[derive(Serialize)]
pub(crate) struct PrepareData {
    photographs: Key,
    config: MiniConfig,
    seed: u64,
}

impl PrepareData {
    pub(crate) fn new(config: &MiniConfig, seed: u64) -> Self {
        Self {
            photographs: Key::of_bytes(PHOTOS),
            config: config.clone(),
            seed,
        }
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
}

impl Task for PrepareData {
    const KIND: &'static str = "data";
    const VERSION: u32 = 1;

    fn estimate(&self) -> Estimate {
        let c = &self.config;
        let patches = c.classes * (c.train_per_class + c.validation_per_class + c.test_per_class)
            + c.stimuli_train
            + c.stimuli_test;
        let bytes = (patches * c.patch_px * c.patch_px * 3) as u64;
        Estimate {
            seconds: 2.0 + patches as f64 * 1e-4,
            memory_bytes: 3 * bytes + (200 << 20),
            disk_bytes: bytes,
            ..Estimate::default()
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let table = ImageTable::from_bytes(PHOTOS.to_vec(), "datasets/mini/photos.parquet")?;
        cx.progress(0.1, "decoding photographs");
        let seed = Seed::new(self.seed).child("mini task");
        let task = MiniTask::build(&table, &self.config, seed)?;
        let mut tensors = Tensors::default();
        for (name, set) in SETS.iter().zip([&task.train, &task.validation, &task.test]) {
            put_images(&mut tensors, name, &set.images);
            tensors.u32(&format!("{name}.labels"), &set.labels);
        }
        put_images(&mut tensors, "stimuli_train", &task.stimuli_train);
        put_images(&mut tensors, "stimuli_test", &task.stimuli_test);
        tensors.write(&cx.file(IMAGES))?;
        cx.write_json(
            INFO,
            &DataInfo {
                class_names: task.train.class_names.clone(),
                counts: [task.train.len(), task.validation.len(), task.test.len()],
                stimuli: [task.stimuli_train.count, task.stimuli_test.count],
                normalize: Normalize::of_gray(&task.train.images)?,
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
    pub(crate) info: DataInfo,
}

impl Dataset {
    /// Reads what [`PrepareData`] wrote.
    pub(crate) fn open(step: &Finished) -> Result<Self> {
        let tensors = Tensors::read(&step.file(IMAGES))?;
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
            info,
        })
    }

    /// How an RGB image becomes the network's input: gray, then normalised.
    pub(crate) fn preprocess(&self) -> Preprocess {
        Preprocess {
            gray: true,
            normalize: self.info.normalize.clone(),
        }
    }
}

fn put_images(tensors: &mut Tensors, name: &str, images: &Images) {
    let shape = [images.count, images.height, images.width, images.channels];
    tensors.u8(&format!("{name}.images"), &shape, &images.pixels_u8);
}

fn take_images(tensors: &Tensors, name: &str) -> Result<Images> {
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
