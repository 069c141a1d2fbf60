//! Puts the task together. Invariant: each patch has its own place in the seed
//! tree, so the order of the work does not matter.

use rayon::prelude::*;
use striate_random::Seed;

use super::{MiniConfig, Photograph, Regions, choose::choose, patches};
use crate::{ImageSet, Images, Result, parquet::ImageTable, resize::Rect};

/// Where a patch comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Index of the photograph in the table.
    pub photograph: usize,
    /// The square that was cut out, before scaling.
    pub square: Rect,
}

/// The mini task: three labelled sets of RGB patches, and stimuli.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MiniTask {
    /// Training patches, class by class.
    pub train: ImageSet,
    /// Validation patches, class by class.
    pub validation: ImageSet,
    /// Test patches, class by class.
    pub test: ImageSet,
    /// Stimuli to fit models of the recordings with.
    pub stimuli_train: Images,
    /// Stimuli to test models of the recordings with, from other photographs.
    pub stimuli_test: Images,
    /// The photograph of each class, an index into the table, and its regions.
    pub classes: Vec<(usize, Regions)>,
    /// Origin of the patches: training, validation, test, training stimuli, test stimuli.
    pub origins: [Vec<Patch>; 5],
}

impl MiniTask {
    /// Builds the task from a table of photographs (`datasets/mini/photos.parquet`).
    ///
    /// # Errors
    ///
    /// If the configuration is out of range, an image does not decode, or there are
    /// not enough photographs of enough texture.
    pub fn build(table: &ImageTable, config: &MiniConfig, seed: Seed) -> Result<Self> {
        config.validate()?;
        Self::from_photographs(&Photograph::decode_all(table)?, config, seed)
    }

    /// Builds the task from decoded photographs.
    ///
    /// # Errors
    ///
    /// As [`MiniTask::build`].
    pub fn from_photographs(
        photos: &[Photograph],
        config: &MiniConfig,
        seed: Seed,
    ) -> Result<Self> {
        config.validate()?;
        let choice = choose(photos, config, &seed)?;
        let class_names: Vec<String> = choice
            .classes
            .iter()
            .map(|(index, _)| photos[*index].name.clone())
            .collect();
        let part = |name: &str, count: usize, region: fn(&Regions) -> Rect| {
            let jobs: Vec<(usize, Rect, Seed)> = choice
                .classes
                .iter()
                .flat_map(|(photo, regions)| {
                    let seed = seed.child(name).index(*photo as u64);
                    (0..count as u64).map(move |k| (*photo, region(regions), seed.index(k)))
                })
                .collect();
            let (images, origins) = run(photos, &jobs, config)?;
            let labels = (0..images.count)
                .map(|i| (i / count.max(1)) as u32)
                .collect();
            let ids = origins
                .iter()
                .enumerate()
                .map(|(i, patch)| id(&photos[patch.photograph].name, name, i % count.max(1)))
                .collect();
            let set = ImageSet::new(images, labels, class_names.clone(), ids)?;
            Ok::<_, crate::Error>((set, origins))
        };
        let stimuli = |name: &str, count: usize, chosen: &[usize]| {
            let seed = seed.child(name);
            // The photographs in turn, so that each gives as many as the next.
            let jobs: Vec<(usize, Rect, Seed)> = (0..count)
                .map(|k| {
                    let photo = chosen[k % chosen.len()];
                    (photo, photos[photo].whole(), seed.index(k as u64))
                })
                .collect();
            run(photos, &jobs, config)
        };
        let (train, from_train) = part("train", config.train_per_class, |r| r.train)?;
        let (validation, from_validation) =
            part("validation", config.validation_per_class, |r| r.validation)?;
        let (test, from_test) = part("test", config.test_per_class, |r| r.test)?;
        let (stimuli_train, from_stimuli_train) =
            stimuli("stimuli train", config.stimuli_train, &choice.stimuli_train)?;
        let (stimuli_test, from_stimuli_test) =
            stimuli("stimuli test", config.stimuli_test, &choice.stimuli_test)?;
        Ok(Self {
            train,
            validation,
            test,
            stimuli_train,
            stimuli_test,
            classes: choice.classes,
            origins: [
                from_train,
                from_validation,
                from_test,
                from_stimuli_train,
                from_stimuli_test,
            ],
        })
    }
}

fn id(photo: &str, part: &str, k: usize) -> String {
    format!("{photo}/{part}/{k:04}")
}

fn run(
    photos: &[Photograph],
    jobs: &[(usize, Rect, Seed)],
    config: &MiniConfig,
) -> Result<(Images, Vec<Patch>)> {
    let drawn: Vec<Result<(Rect, Vec<u8>)>> = jobs
        .par_iter()
        .map(|(photo, region, seed)| {
            patches::draw(&photos[*photo], *region, config, &mut seed.stream())
        })
        .collect();
    let side = config.patch_px;
    let mut pixels = Vec::with_capacity(jobs.len() * side * side * 3);
    let mut origins = Vec::with_capacity(jobs.len());
    for ((photograph, _, _), drawn) in jobs.iter().zip(drawn) {
        let (square, patch) = drawn?;
        pixels.extend_from_slice(&patch);
        origins.push(Patch {
            photograph: *photograph,
            square,
        });
    }
    Ok((Images::new(jobs.len(), side, side, 3, pixels)?, origins))
}
