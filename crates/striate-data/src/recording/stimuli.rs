//! The images that were shown: `images/NNNNNN.npy` or `.png`, cropped and rescaled as
//! the study does (data-formats.md 2.1, 2.2; training.md 1.2). Invariant: all images of a
//! set have one size and one number of channels, and come in the order asked for.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Images, Result,
    array::{Values, read_npy},
    decode_rgb,
    pickle::Pickle,
    resize::rescale_stimulus,
    tree::FileTree,
};

/// What is done to a stimulus, in this order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StimulusConfig {
    /// Pixels cut off each side.
    pub crop_px: usize,
    /// Every so manieth pixel is kept (1: all).
    pub subsample: usize,
    /// Factor of the bilinear rescaling.
    pub scale: f64,
}

impl Default for StimulusConfig {
    /// Images as they are (the study's multi-task recipe).
    fn default() -> Self {
        Self {
            crop_px: 0,
            subsample: 1,
            scale: 1.0,
        }
    }
}

impl StimulusConfig {
    /// The study's single-task recipe: 233 x 233 pixels become 64 x 64.
    pub fn study_v1() -> Self {
        Self {
            crop_px: 36,
            subsample: 1,
            scale: 0.4,
        }
    }
}

/// The stimulus images of a folder or archive, by their ids.
pub struct Stimuli<'a> {
    files: &'a FileTree,
    /// File of each image.
    file_of: BTreeMap<u32, String>,
}

impl<'a> Stimuli<'a> {
    /// Finds the images: files in a folder `images` whose name is a number, or those
    /// that `images/individual_image_paths.pickle` names.
    ///
    /// # Errors
    ///
    /// If that pickle is damaged or names a file that is not there, or two files have
    /// the same number.
    pub fn find(files: &'a FileTree) -> Result<Self> {
        let mut file_of = BTreeMap::new();
        let listed = files
            .under("")
            .find(|name| name.ends_with("images/individual_image_paths.pickle"));
        if let Some(listed) = listed {
            let place = format!("{}, file {listed}", files.place());
            let folder = listed.rsplit_once('/').map_or("", |(folder, _)| folder);
            let pickle = Pickle::from_bytes(files.read(listed)?, &place)?;
            for (id, node) in pickle.root().numbered()? {
                let path = node.text()?;
                let wrong = |expected: &str, found: &str| {
                    Error::format(node.place(), expected, found.to_string())
                };
                let id = u32::try_from(id).map_err(|_| wrong("an id", &id.to_string()))?;
                // The path may be that of another machine: the file's own name counts.
                let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
                let name = [format!("{folder}/{name}"), path.clone()]
                    .into_iter()
                    .find(|name| files.has(name))
                    .ok_or_else(|| wrong("the path of a file beside the pickle", &path))?;
                file_of.insert(id, name);
            }
            return Ok(Self { files, file_of });
        }
        for name in files.under("") {
            let mut parts = name.rsplit('/');
            let (file, folder) = (parts.next().unwrap_or_default(), parts.next());
            let Some((stem, "npy" | "png" | "jpg" | "jpeg")) = file.rsplit_once('.') else {
                continue;
            };
            if folder != Some("images") {
                continue;
            }
            if let Ok(id) = stem.parse()
                && let Some(first) = file_of.insert(id, name.to_string())
            {
                let place = format!("{}, file {name}", files.place());
                let found = format!("image {id} again, as {first}");
                return Err(Error::format(place, "each image id once", found));
            }
        }
        Ok(Self { files, file_of })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.file_of.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.file_of.is_empty()
    }

    /// The ids, rising.
    pub fn ids(&self) -> Vec<u32> {
        self.file_of.keys().copied().collect()
    }

    /// Those of the ids that have no image.
    pub fn missing(&self, ids: &[u32]) -> Vec<u32> {
        let known = |id: &&u32| !self.file_of.contains_key(id);
        ids.iter().filter(known).copied().collect()
    }

    /// Loads the images of the ids, in that order, in parallel. Images whose channels are
    /// equal become gray.
    ///
    /// # Errors
    ///
    /// If an image is missing or damaged, not of u8, or of another size than the first;
    /// or nothing is left after cropping. The first such image is named.
    pub fn load(&self, ids: &[u32], config: &StimulusConfig) -> Result<Images> {
        let loaded: Vec<Result<Images>> = ids.par_iter().map(|id| self.one(*id, config)).collect();
        join(loaded.into_iter(), |i| {
            format!("{}, image {}", self.files.place(), ids[i])
        })
    }

    fn one(&self, id: u32, config: &StimulusConfig) -> Result<Images> {
        let Some(name) = self.file_of.get(&id) else {
            let found = format!("{} images, not this one", self.file_of.len());
            return Err(Error::format(
                self.files.place(),
                format!("an image {id:06}"),
                found,
            ));
        };
        let place = format!("{}, file {name}", self.files.place());
        let bytes = self.files.read(name)?;
        let (height, width, channels, pixels) = if name.ends_with(".npy") {
            let array = read_npy(&bytes, &place)?;
            match (&array.shape[..], array.values) {
                (&[height, width], Values::U8(pixels)) => (height, width, 1, pixels),
                (&[height, width, 3], Values::U8(pixels)) => (height, width, 3, pixels),
                (shape, values) => {
                    let found = format!("{} {shape:?}", values.kind());
                    let expected = "uint8 [height, width] or [height, width, 3]";
                    return Err(Error::format(place, expected, found));
                }
            }
        } else {
            let image = decode_rgb(&bytes, &place)?;
            (image.height, image.width, 3, image.pixels_u8)
        };
        let image = Images::new(1, height, width, channels, pixels)?;
        prepare(&image, config, &place)
    }
}

/// One stimulus, cropped and rescaled; gray where its channels are equal.
pub(crate) fn prepare(image: &Images, config: &StimulusConfig, place: &str) -> Result<Images> {
    let pixels = &image.pixels_u8;
    let gray = image.channels == 3 && pixels.chunks_exact(3).all(|p| p[0] == p[1] && p[1] == p[2]);
    let plane: Vec<u8>;
    let (channels, pixels) = if gray {
        plane = pixels.iter().copied().step_by(3).collect();
        (1, &plane)
    } else {
        (image.channels, pixels)
    };
    let size = (image.height, image.width, channels);
    let (height, width, cut) = crop(pixels, size, config, place)?;
    let (height, width, pixels) = rescale_stimulus(&cut, (height, width), channels, config.scale)?;
    Images::new(1, height, width, channels, pixels)
}

/// Images of one size as one set; `name` says which one is of another size.
pub(crate) fn join(
    images: impl Iterator<Item = Result<Images>>,
    name: impl Fn(usize) -> String,
) -> Result<Images> {
    let mut size = None;
    let mut pixels = Vec::new();
    let mut count = 0;
    for image in images {
        let image = image?;
        let found = (image.height, image.width, image.channels);
        let first = *size.get_or_insert(found);
        if first != found {
            return Err(Error::format(
                name(count),
                format!("{} x {} x {} as the first image", first.0, first.1, first.2),
                format!("{} x {} x {}", found.0, found.1, found.2),
            ));
        }
        pixels.extend_from_slice(&image.pixels_u8);
        count += 1;
    }
    let (height, width, channels) = size.unwrap_or_default();
    Images::new(count, height, width, channels, pixels)
}

/// Cuts the border off and keeps every `subsample`-th pixel.
fn crop(
    pixels: &[u8],
    (height, width, channels): (usize, usize, usize),
    config: &StimulusConfig,
    place: &str,
) -> Result<(usize, usize, Vec<u8>)> {
    let border = config.crop_px;
    let left = |len: usize| len.checked_sub(border.saturating_mul(2)).filter(|n| *n > 0);
    let (Some(inner_height), Some(inner_width)) = (left(height), left(width)) else {
        let expected = format!("more than 2 x {border} pixels to crop");
        return Err(Error::format(
            place,
            expected,
            format!("{height} x {width}"),
        ));
    };
    if config.subsample == 0 {
        return Err(Error::argument("subsample", "at least 1", 0));
    }
    let step = config.subsample;
    let mut out = Vec::new();
    for y in (border..border + inner_height).step_by(step) {
        for x in (border..border + inner_width).step_by(step) {
            let start = (y * width + x) * channels;
            out.extend_from_slice(&pixels[start..start + channels]);
        }
    }
    Ok((inner_height.div_ceil(step), inner_width.div_ceil(step), out))
}
