//! Reading the image parts of a source whole, and writing an image set as `.npz`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::{Source, images::to_images, source::Holds};
use crate::{
    Error, ImageSet, Images, ResizeCrop, Result, RgbImage,
    array::{Array, Values, write_npz},
    parquet::{ImageTable, SplitName, Table},
    tree::{ImageTree, Listing},
};

impl Source {
    /// The names of the image parts, as [`super::ImageSummary::part`] has them.
    pub fn image_parts(&self) -> Vec<String> {
        match &self.holds {
            Holds::Images(tree) => {
                let corruptions = tree.corruptions();
                let severities =
                    |c: &String| (1..=5).map(|s| format!("{c} {s}")).collect::<Vec<_>>();
                if !corruptions.is_empty() {
                    return corruptions.iter().flat_map(severities).collect();
                }
                let parts = tree.parts();
                if parts.is_empty() {
                    return vec!["all".to_string()];
                }
                parts.iter().map(|p| p.aliases()[0].to_string()).collect()
            }
            Holds::Shards(parts) => parts.iter().map(|(name, _)| name.clone()).collect(),
            Holds::Arrays(arrays) if arrays.contains_key("images") => vec!["all".to_string()],
            _ => Vec::new(),
        }
    }

    /// Reads and decodes a part.
    ///
    /// # Errors
    ///
    /// If there is no such part, an image cannot be decoded or has another size than the
    /// first, or a row has no label.
    pub fn image_set(&self, part: &str) -> Result<ImageSet> {
        self.check_part(part)?;
        match &self.holds {
            Holds::Images(tree) => listing(tree, part)?.load_fitted(self.fit),
            Holds::Shards(parts) => {
                ImageTable::open_shards(shards_of(parts, part))?.to_image_set_fitted(self.fit)
            }
            Holds::Arrays(arrays) => self.image_set_of(arrays),
            _ => Err(Error::argument("part", "a source of images", part)),
        }
    }

    /// Number of images of a part, without decoding any.
    ///
    /// # Errors
    ///
    /// If there is no such part, or its list of images is damaged.
    pub fn image_count(&self, part: &str) -> Result<usize> {
        self.check_part(part)?;
        match &self.holds {
            Holds::Images(tree) => Ok(listing(tree, part)?.samples.len()),
            Holds::Shards(parts) => shards_of(parts, part)
                .iter()
                .map(|shard| Ok(Table::open(shard)?.rows()))
                .sum(),
            Holds::Arrays(arrays) => Ok(arrays["images"].shape.first().copied().unwrap_or(0)),
            _ => Err(Error::argument("part", "a source of images", part)),
        }
    }

    /// The names of the classes of a part, without decoding an image.
    ///
    /// # Errors
    ///
    /// If there is no such part, or its labels are damaged.
    pub fn image_classes(&self, part: &str) -> Result<Vec<String>> {
        self.check_part(part)?;
        match &self.holds {
            Holds::Images(tree) => Ok(listing(tree, part)?.class_names),
            Holds::Shards(parts) => Ok(ImageTable::open_shards(shards_of(parts, part))?.classes()),
            _ => Ok(self.image_set(part)?.class_names),
        }
    }

    fn check_part(&self, part: &str) -> Result<()> {
        let known = self.image_parts();
        if known.iter().any(|name| name == part) {
            return Ok(());
        }
        let expected = format!("an image part among [{}]", known.join(", "));
        Err(Error::argument("part", expected, part))
    }

    fn image_set_of(&self, arrays: &BTreeMap<String, Array>) -> Result<ImageSet> {
        let place = self.path().display().to_string();
        let get = |name: &str| {
            let found = "an archive without it";
            arrays
                .get(name)
                .ok_or_else(|| Error::format(&place, format!("an array {name}"), found))
        };
        let images = to_images(get("images")?, &format!("{place}, array images"))?;
        let labels = get("labels")?.to_ids(&format!("{place}, array labels"))?;
        let text = |name: &str| match arrays.get(name).map(|a| &a.values) {
            Some(Values::Text(names)) => Some(names.clone()),
            _ => None,
        };
        let classes = labels.iter().max().map_or(0, |max| *max as usize + 1);
        let numbers = |count: usize| (0..count).map(|n| n.to_string()).collect();
        let class_names = text("class_names").unwrap_or_else(|| numbers(classes));
        let ids = text("ids").unwrap_or_else(|| numbers(images.count));
        let images = match self.fit {
            Some(fit) => fit_all(&images, fit)?,
            None => images,
        };
        ImageSet::new(images, labels, class_names, ids)
    }
}

/// Images of an array, fitted; gray ones get three equal channels.
fn fit_all(images: &Images, fit: ResizeCrop) -> Result<Images> {
    let channels = images.channels;
    let fitted: Vec<Result<RgbImage>> = (0..images.count)
        .into_par_iter()
        .map(|i| {
            let pixels = images.get(i);
            fit.apply(&RgbImage {
                height: images.height,
                width: images.width,
                pixels_u8: match channels {
                    3 => pixels.to_vec(),
                    _ => pixels.iter().flat_map(|v| [*v; 3]).collect(),
                },
            })
        })
        .collect();
    let mut pixels = Vec::with_capacity(images.count * fit.crop_px * fit.crop_px * 3);
    for image in fitted {
        pixels.extend(image?.pixels_u8);
    }
    Images::new(images.count, fit.crop_px, fit.crop_px, 3, pixels)
}

fn listing<'a>(tree: &'a ImageTree, part: &str) -> Result<Listing<'a>> {
    match part.rsplit_once(' ') {
        Some((corruption, severity)) => tree.corrupted(corruption, severity.parse().unwrap_or(0)),
        None if part == "all" => tree.whole(),
        None => {
            let all = [SplitName::Train, SplitName::Validation, SplitName::Test];
            let split = all.into_iter().find(|s| s.aliases()[0] == part);
            tree.split(split.unwrap_or(SplitName::Train))
        }
    }
}

fn shards_of<'a>(parts: &'a [(String, Vec<PathBuf>)], part: &str) -> &'a [PathBuf] {
    let shards = parts.iter().find(|(name, _)| name == part);
    shards.map_or(&[], |(_, shards)| shards)
}

impl ImageSet {
    /// Writes `images [n, height, width, channels]` (uint8; without the last axis where
    /// there is one channel), `labels`, `class_names` and `ids`, whole or not at all.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_npz(&self, path: &Path) -> Result<()> {
        let images = &self.images;
        let mut shape = vec![images.count, images.height, images.width];
        if images.channels != 1 {
            shape.push(images.channels);
        }
        let labels = self.labels.iter().map(|l| i64::from(*l)).collect();
        let arrays = [
            ("images", shape, Values::U8(images.pixels_u8.clone())),
            ("labels", vec![self.len()], Values::I64(labels)),
            (
                "class_names",
                vec![self.classes()],
                Values::Text(self.class_names.clone()),
            ),
            ("ids", vec![self.len()], Values::Text(self.ids.clone())),
        ];
        let arrays = arrays
            .into_iter()
            .map(|(name, shape, values)| Ok((name.to_string(), Array::new(shape, values)?)))
            .collect::<Result<BTreeMap<_, _>>>()?;
        write_npz(path, &arrays)
    }
}
