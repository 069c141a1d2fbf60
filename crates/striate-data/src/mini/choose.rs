//! Which photographs serve as classes and which for stimuli. Invariant: each
//! photograph serves one purpose, and pictures of one source count as one.

use std::collections::BTreeSet;

use rayon::prelude::*;
use striate_random::Seed;

use super::{MiniConfig, Regions, patches};
use crate::{Error, Result, RgbImage, parquet::ImageTable, resize::Rect};

/// One photograph with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photograph {
    /// Its file name without the ending, else its title or row: unique in the set.
    pub name: String,
    /// Where the photograph was found, if the table says so. Two photographs of one
    /// source are taken for the same picture.
    pub source: Option<String>,
    /// The pixels.
    pub image: RgbImage,
}

impl Photograph {
    /// Decodes the photographs of a table, in parallel.
    ///
    /// # Errors
    ///
    /// If one does not decode.
    pub fn decode_all(table: &ImageTable) -> Result<Vec<Self>> {
        let images = table.decode()?;
        let mut taken = BTreeSet::new();
        let photos = images.into_iter().zip(&table.records).enumerate();
        let photos = photos.map(|(row, (image, record))| {
            let stem = record.path.as_deref().and_then(|path| {
                let name = path.rsplit('/').next()?;
                Some(name.rsplit_once('.').map_or(name, |(stem, _)| stem))
            });
            let title = record.text.get("title").map(String::as_str);
            let mut name = stem
                .or(title)
                .map_or_else(|| format!("row{row}"), String::from);
            if !taken.insert(name.clone()) {
                name = format!("{name}-row{row}");
                taken.insert(name.clone());
            }
            Self {
                name,
                source: record.text.get("source").cloned(),
                image,
            }
        });
        Ok(photos.collect())
    }

    /// The whole photograph as a rectangle.
    pub fn whole(&self) -> Rect {
        Rect {
            y: 0,
            x: 0,
            height: self.image.height,
            width: self.image.width,
        }
    }
}

/// Indices of photographs.
pub(super) struct Choice {
    /// The classes, in the order of their labels, with their regions.
    pub(super) classes: Vec<(usize, Regions)>,
    pub(super) stimuli_train: Vec<usize>,
    pub(super) stimuli_test: Vec<usize>,
}

pub(super) fn choose(photos: &[Photograph], config: &MiniConfig, seed: &Seed) -> Result<Choice> {
    let different = first_of_each_source(photos);
    let judged: Vec<Result<Option<Regions>>> = different
        .par_iter()
        .map(|&index| {
            judge(
                &photos[index],
                config,
                &seed.child("regions").index(index as u64),
            )
        })
        .collect();
    let mut eligible = Vec::new();
    for (index, regions) in different.iter().zip(judged) {
        if let Some(regions) = regions? {
            eligible.push((*index, regions));
        }
    }
    if eligible.len() < config.classes {
        return Err(Error::argument(
            "classes",
            format!(
                "at most the {} photographs (of {}) that are large and textured enough",
                eligible.len(),
                photos.len()
            ),
            config.classes,
        ));
    }
    seed.child("classes").stream().shuffle(&mut eligible);
    eligible.truncate(config.classes);
    // Labels follow the order of the table.
    eligible.sort_by_key(|(index, _)| *index);

    let candidates: Vec<usize> = different
        .into_iter()
        .filter(|index| eligible.iter().all(|(class, _)| class != index))
        .collect();
    let judged: Vec<Result<bool>> = candidates
        .par_iter()
        .map(|&index| gives_stimuli(&photos[index], config))
        .collect();
    let mut rest = Vec::new();
    for (index, fit) in candidates.into_iter().zip(judged) {
        if fit? {
            rest.push(index);
        }
    }
    seed.child("stimuli").stream().shuffle(&mut rest);
    // One photograph in five for the test stimuli.
    let stimuli_test = rest.split_off(rest.len() - rest.len().div_ceil(5));
    for (name, wanted, found) in [
        ("stimuli_train", config.stimuli_train, rest.len()),
        ("stimuli_test", config.stimuli_test, stimuli_test.len()),
    ] {
        if wanted > 0 && found == 0 {
            return Err(Error::argument(
                name,
                "0, as no photograph is left beside the classes",
                wanted,
            ));
        }
    }
    Ok(Choice {
        classes: eligible,
        stimuli_train: rest,
        stimuli_test,
    })
}

fn first_of_each_source(photos: &[Photograph]) -> Vec<usize> {
    let mut sources = BTreeSet::new();
    let mut pixels = BTreeSet::new();
    (0..photos.len())
        .filter(|&index| {
            let photo = &photos[index];
            let new_source = photo.source.as_ref().is_none_or(|s| sources.insert(s));
            new_source && pixels.insert(&photo.image.pixels_u8)
        })
        .collect()
}

fn judge(photo: &Photograph, config: &MiniConfig, seed: &Seed) -> Result<Option<Regions>> {
    let size = (photo.image.height, photo.image.width);
    let Some(regions) = Regions::cut(size, config, &mut seed.stream()) else {
        return Ok(None);
    };
    for (_, region) in regions.named() {
        let fraction = patches::textured_fraction(photo, region, 4, config)?;
        if fraction < config.min_textured_fraction {
            return Ok(None);
        }
    }
    Ok(Some(regions))
}

fn gives_stimuli(photo: &Photograph, config: &MiniConfig) -> Result<bool> {
    let whole = photo.whole();
    if whole.height.min(whole.width) < config.crop_max_px {
        return Ok(false);
    }
    let fraction = patches::textured_fraction(photo, whole, 2, config)?;
    Ok(fraction >= config.min_stimulus_textured_fraction)
}
