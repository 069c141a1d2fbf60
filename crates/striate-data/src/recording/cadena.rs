//! The recordings of Cadena et al. 2019 (data-formats.md 2.3).

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Recording;
use crate::{
    Error, Result,
    array::{Array, Values},
    pickle::{Node, Pickle},
};

/// How the file is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CadenaConfig {
    /// Pixels cut off each side of the images (reference: 30, which leaves 80 x 80).
    pub crop_px: usize,
    /// The last images of the file, this share of them, are for testing.
    pub test_fraction: f64,
}

impl Default for CadenaConfig {
    fn default() -> Self {
        Self {
            crop_px: 30,
            test_fraction: 0.2,
        }
    }
}

/// Images and responses. An image's id is its place in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Cadena {
    /// Height of the images after cropping, in pixels.
    pub height: usize,
    /// Width of the images after cropping, in pixels.
    pub width: usize,
    /// `[images, height, width]`, gray, 0..=255 and not always whole.
    pub images: Vec<f32>,
    /// `original`, `conv1`, ..., `conv4`: what the image was made to match.
    pub image_types: Vec<String>,
    /// Trials of the training images.
    pub train: Recording,
    /// Trials of the test images.
    pub test: Recording,
}

impl Cadena {
    /// Reads `cadena_ploscb_data.pkl`.
    ///
    /// A trial in which no neuron has a response is left out; a neuron without
    /// response in a trial has NaN there.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or its arrays do not fit together.
    pub fn open(path: &Path, config: &CadenaConfig) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
        Self::from_pickle(
            &Pickle::from_bytes(bytes, &path.display().to_string())?,
            config,
        )
    }

    /// Reads the recordings from a pickle.
    ///
    /// # Errors
    ///
    /// As [`Cadena::open`].
    pub fn from_pickle(pickle: &Pickle, config: &CadenaConfig) -> Result<Self> {
        if !(0.0..=1.0).contains(&config.test_fraction) {
            let found = config.test_fraction;
            return Err(Error::argument("test_fraction", "a share in [0, 1]", found));
        }
        let root = pickle.root();
        let node = root.get("images")?;
        let (count, [height, width], images) = crop(&node, config.crop_px)?;
        let types = root.get("image_types")?;
        let image_types = match types.array()?.values {
            Values::Text(names) if names.len() == count => names,
            other => {
                let found = format!("{} values of {}", other.len(), other.kind());
                return Err(Error::format(
                    types.place(),
                    format!("{count} names"),
                    found,
                ));
            }
        };
        let node = root.get("responses")?;
        let array = node.array()?;
        let [repeats, _, neurons] = three_axes(&node, &array, Some(count))?;
        let values = array.to_f32(node.place())?;
        let (mut image_of_trial, mut responses) = (Vec::new(), Vec::new());
        // Image by image, its repeats together.
        for image in 0..count {
            for repeat in 0..repeats {
                let start = (repeat * count + image) * neurons;
                let trial = &values[start..start + neurons];
                if trial.iter().any(|r| !r.is_nan()) {
                    image_of_trial.push(image as u32);
                    responses.extend_from_slice(trial);
                }
            }
        }
        let all = Recording::new("cadena2019", neurons, image_of_trial, responses)?;
        let all = match root.find("unit_id")? {
            Some(node) => {
                let ids = node.array()?.to_ids(node.place())?;
                // Units are numbered within their session.
                let sessions = root.get("session_id")?;
                let sessions = sessions.array()?.to_ids(sessions.place())?;
                let names = sessions.iter().zip(&ids).map(|(s, u)| format!("{s}-{u}"));
                all.with_neuron_ids(names.collect())?
            }
            None => all,
        };
        let first_test = count - (config.test_fraction * count as f64).round() as usize;
        Ok(Self {
            height,
            width,
            images,
            image_types,
            train: all.select_images(|image| (image as usize) < first_test),
            test: all.select_images(|image| image as usize >= first_test),
        })
    }
}

fn three_axes(node: &Node<'_>, array: &Array, images: Option<usize>) -> Result<[usize; 3]> {
    match array.shape[..] {
        [a, b, c] if images.is_none_or(|n| n == b) => Ok([a, b, c]),
        _ => Err(Error::format(
            node.place(),
            match images {
                Some(n) => format!("[repeats, {n} images, neurons]"),
                None => "[images, height, width]".to_string(),
            },
            format!("{:?}", array.shape),
        )),
    }
}

fn crop(node: &Node<'_>, crop_px: usize) -> Result<(usize, [usize; 2], Vec<f32>)> {
    let array = node.array()?;
    let [count, height, width] = three_axes(node, &array, None)?;
    let left = |len: usize| {
        len.checked_sub(crop_px.saturating_mul(2))
            .filter(|len| *len > 0)
    };
    let (Some(to_height), Some(to_width)) = (left(height), left(width)) else {
        return Err(Error::argument(
            "crop_px",
            format!("one that leaves something of {height} x {width} pixels"),
            crop_px,
        ));
    };
    let values = array.to_f32(node.place())?;
    let mut out = Vec::with_capacity(count * to_height * to_width);
    for image in values.chunks_exact(height * width) {
        for row in image.chunks_exact(width).skip(crop_px).take(to_height) {
            out.extend_from_slice(&row[crop_px..crop_px + to_width]);
        }
    }
    if let Some(place) = out.iter().position(|v| !v.is_finite()) {
        return Err(Error::format(
            format!("{}, image {}", node.place(), place / (to_height * to_width)),
            "finite pixels",
            out[place].to_string(),
        ));
    }
    Ok((count, [to_height, to_width], out))
}
