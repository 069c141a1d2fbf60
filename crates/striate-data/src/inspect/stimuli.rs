//! The images that were shown, by the ids of the recordings beside which they lie.

use rayon::prelude::*;

use super::{Format, InspectConfig, Source, images::to_images, source::Holds};
use crate::{
    Error, Images, Result,
    recording::{Cadena, CadenaConfig, Stimuli, StimulusConfig, join_stimuli, prepare_stimulus},
};

impl Source {
    /// Loads the images of the ids, in that order, cropped and rescaled: files in a
    /// folder `images` whose names are the ids, the array `images` of an npz file (the
    /// row is the id), or the images of Cadena et al. (rounded to whole gray values).
    /// Images whose channels are equal become gray.
    ///
    /// # Shapes
    ///
    /// The result: `[ids.len(), height, width, 1 or 3]`, all of one size.
    ///
    /// # Errors
    ///
    /// If this source has no such images, one of them is missing or damaged, they differ
    /// in size, or nothing is left after cropping.
    pub fn stimuli(
        &self,
        ids: &[u32],
        config: &StimulusConfig,
        reading: &InspectConfig,
    ) -> Result<Images> {
        let place = self.path().display().to_string();
        let images = match &self.holds {
            Holds::Files(files) => return Stimuli::find(files)?.load(ids, config),
            Holds::Images(tree) => return Stimuli::find(tree.files())?.load(ids, config),
            Holds::Arrays(arrays) if arrays.contains_key("images") => {
                to_images(&arrays["images"], &format!("{place}, array images"))?
            }
            Holds::Pickle(pickle) if self.format() == Format::Cadena => {
                let uncropped = CadenaConfig {
                    crop_px: 0,
                    ..reading.cadena.clone()
                };
                let cadena = Cadena::from_pickle(pickle, &uncropped)?;
                let pixels: Vec<u8> = cadena.images.iter().map(|v| v.round() as u8).collect();
                let count = cadena.image_types.len();
                Images::new(count, cadena.height, cadena.width, 1, pixels)?
            }
            _ => {
                let expected =
                    "images that were shown, or their folder given beside the recordings";
                return Err(Error::format(place, expected, self.format().to_string()));
            }
        };
        let name = |id: u32| format!("{place}, image {id}");
        let prepared: Vec<Result<Images>> = ids
            .par_iter()
            .map(|id| {
                if *id as usize >= images.count {
                    let found = format!("{} images, numbered from 0", images.count);
                    return Err(Error::format(&place, format!("an image {id}"), found));
                }
                let image = images.select(&[*id as usize])?;
                prepare_stimulus(&image, config, &name(*id))
            })
            .collect();
        join_stimuli(prepared.into_iter(), |i| name(ids[i]))
    }
}
