//! One source image: read, corrupt, write. Invariant: an unusable image is an
//! outcome, an unwritable result is an error.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use image::ExtendedColorType;
use image::ImageEncoder;
use striate_random::Seed;

use super::decode::{Decoded, decode};
use super::files::Source;
use super::manifest::{Record, sha256};
use super::output::Output;
use super::{BadFile, Format, RandomMode, TreeConfig};
use crate::{Corruptor, Error, ImageRef, Random, Result};

pub(super) enum Outcome {
    Made(Record),
    Resumed,
    Bad(BadFile),
    Stopped,
}

pub(super) struct Worker<'a> {
    pub(super) config: &'a TreeConfig,
    pub(super) output: &'a Output,
    pub(super) known: BTreeMap<String, Record>,
    /// Asked before each result.
    pub(super) stop: &'a (dyn Fn() -> bool + Sync),
    /// Told after each result.
    pub(super) made: &'a (dyn Fn() + Sync),
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
            && self.holds(source, record)
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
        let Some(results) = self.corrupt(source, image, numpy_seed, corruptor)? else {
            return Ok(Outcome::Stopped);
        };
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

    /// Whether the results of a record are there, and as it says.
    fn holds(&self, source: &Source, record: &Record) -> bool {
        let expected: BTreeSet<String> = self
            .config
            .cells()
            .map(|(corruption, severity)| source.result(corruption, severity))
            .collect();
        expected.iter().eq(record.results.keys())
            && record.results.iter().all(|(name, hash)| {
                fs::read(self.output.path(name)).is_ok_and(|bytes| sha256(&bytes) == *hash)
            })
    }

    /// One result after the other; `None` if the run was stopped.
    fn corrupt(
        &self,
        source: &Source,
        image: ImageRef<'_>,
        numpy_seed: Option<u32>,
        corruptor: &mut Corruptor,
    ) -> Result<Option<BTreeMap<String, String>>> {
        // The path names the image, so that adding one changes no other.
        let node = Seed::new(self.config.seed)
            .child("corrupt tree")
            .child(&source.name);
        let mut results = BTreeMap::new();
        let mut out = vec![0; image.pixels().len()];
        for (corruption, severity) in self.config.cells() {
            if (self.stop)() {
                return Ok(None);
            }
            let mut random = match numpy_seed {
                Some(seed) => Random::numpy(seed),
                None => Random::counter(&node, 0, corruption, severity),
            };
            corruptor.corrupt(image, corruption, severity, &mut random, &mut out)?;
            let name = source.result(corruption, severity);
            let bytes = encode(&out, &image, self.config.format).map_err(|e| Error::Encode {
                path: self.output.path(&name),
                reason: e.to_string(),
            })?;
            self.output.write(&name, &bytes)?;
            results.insert(name, sha256(&bytes));
            (self.made)();
        }
        Ok(Some(results))
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
