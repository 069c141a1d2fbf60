//! The options that give a recipe real data.

use std::path::PathBuf;

use striate_run::{Error, Recipe};

/// Data from disk, in any layout that `striate data inspect` knows.
#[derive(clap::Args)]
pub struct RealData {
    /// Labelled images: those of the recipe's section `images`, or instead of the
    /// photographs that ship with Striate.
    #[arg(long, value_name = "PATH")]
    images: Option<PathBuf>,
    /// Resize the images' shorter side to so many pixels, then cut out the centre in the
    /// network's size.
    #[arg(long, value_name = "PX", requires = "images")]
    image_resize: Option<usize>,
    /// Recordings: those of the recipe's section `recording.source`, or instead of the
    /// simulated V1.
    #[arg(long, value_name = "PATH")]
    recordings: Option<PathBuf>,
    /// Pixels cut off each side of the images that were shown.
    #[arg(long, value_name = "PX", requires = "recordings")]
    stimulus_crop: Option<usize>,
    /// Factor by which they are rescaled, after the cropping.
    #[arg(long, value_name = "FACTOR", requires = "recordings")]
    stimulus_scale: Option<f64>,
}

impl RealData {
    /// Puts the paths in a recipe.
    pub fn apply(&self, recipe: &mut Recipe) -> Result<(), Error> {
        if let Some(path) = &self.images {
            let images = recipe.use_images(path)?;
            images.resize_px = self.image_resize.unwrap_or(images.resize_px);
        }
        if let Some(path) = &self.recordings {
            let stimuli = &mut recipe.use_recordings(path).stimuli;
            stimuli.crop_px = self.stimulus_crop.unwrap_or(stimuli.crop_px);
            stimuli.scale = self.stimulus_scale.unwrap_or(stimuli.scale);
        }
        Ok(())
    }
}
