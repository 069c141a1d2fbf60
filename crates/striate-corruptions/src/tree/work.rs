//! One source image: read, corrupt, write. Invariant: an unusable image is an
//! outcome, an unwritable result is an error.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use image::ExtendedColorType;
use image::ImageEncoder;
use striate_random::Seed;

use super::decode::{Decoded, decode};
use super::files::Source;
use super::manifest::{Record, io, sha256, write_atomically};
use super::{BadFile, Format, RandomMode, TreeConfig};
use crate::{Corruptor, Error, ImageRef, Random, Result};

pub(super) enum Outcome {
    Made(Record),
    Resumed,
    Bad(BadFile),
}

pub(super) struct Worker<'a> {
    pub(super) config: &'a TreeConfig,
    pub(super) output: &'a Path,
    pub(super) known: BTreeMap<String, Record>,
}

impl Worker<'_> {
    pub(super) fn image(&self, source: &Source, corruptor: &mut Corruptor) -> Result<Outcome> {
        let bad = |reason: String| {
            Ok(Outcome::Bad(BadFile {
                path: source.path.clone(),
                reason,
            }))
        };
        let bytes = match fs::read(&source.path) {
            Ok(bytes) => bytes,
            Err(e) => return bad(e.to_string()),
        };
        let hash = sha256(&bytes);
        let numpy_seed = match self.config.random {
            RandomMode::Counter => None,
            RandomMode::Numpy => Some((self.config.seed as u32).wrapping_add(source.index as u32)),
        };
        if let Some(record) = self.known.get(&source.name)
            && record.sha256 == hash
            && record.numpy_seed == numpy_seed
            && record.results.keys().all(|r| self.output.join(r).is_file())
        {
            return Ok(Outcome::Resumed);
        }
        let decoded = match decode(&bytes) {
            Ok(decoded) => decoded,
            Err(reason) => return bad(reason),
        };
        let Decoded {
            pixels_u8,
            height,
            width,
            channels,
        } = &decoded;
        let image = match ImageRef::new(pixels_u8, *height, *width, *channels) {
            Ok(image) => image,
            Err(e) => return bad(e.to_string()),
        };
        let results = self.corrupt(source, image, numpy_seed, corruptor)?;
        Ok(Outcome::Made(Record {
            source: source.name.clone(),
            sha256: hash,
            height: *height,
            width: *width,
            channels: *channels,
            numpy_seed,
            results,
        }))
    }

    fn corrupt(
        &self,
        source: &Source,
        image: ImageRef<'_>,
        numpy_seed: Option<u32>,
        corruptor: &mut Corruptor,
    ) -> Result<BTreeMap<String, String>> {
        // The path names the image, so that adding one changes no other.
        let node = Seed::new(self.config.seed)
            .child("corrupt tree")
            .child(&source.name);
        let mut results = BTreeMap::new();
        let mut out = vec![0; image.pixels().len()];
        for corruption in &self.config.corruptions {
            for severity in &self.config.severities {
                let mut random = match numpy_seed {
                    Some(seed) => Random::numpy(seed),
                    None => Random::counter(&node, 0, *corruption, *severity),
                };
                corruptor.corrupt(image, *corruption, *severity, &mut random, &mut out)?;
                let name = format!("{corruption}/{severity}/{}", source.target);
                let path = self.output.join(&name);
                let bytes =
                    encode(&out, &image, self.config.format).map_err(|e| Error::Encode {
                        path: path.clone(),
                        reason: e.to_string(),
                    })?;
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder).map_err(io("create", folder))?;
                }
                write_atomically(&path, &bytes)?;
                results.insert(name, sha256(&bytes));
            }
        }
        Ok(results)
    }
}

fn encode(pixels: &[u8], image: &ImageRef<'_>, format: Format) -> image::ImageResult<Vec<u8>> {
    let colour = if image.channels() == 1 {
        ExtendedColorType::L8
    } else {
        ExtendedColorType::Rgb8
    };
    let (width, height) = (image.width() as u32, image.height() as u32);
    let mut bytes = Vec::new();
    match format {
        Format::Png => image::codecs::png::PngEncoder::new(&mut bytes)
            .write_image(pixels, width, height, colour)?,
        Format::Jpeg(quality) => {
            image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality)
                .write_image(pixels, width, height, colour)?;
        }
    }
    Ok(bytes)
}
