//! Sources whose data lie in memory, already normalised. Invariant: all lengths agree.

use std::sync::Arc;

use striate_random::Stream;

use super::{ImageSource, ResponseSource};
use crate::error::SourceError;
use crate::{Error, Result};

/// Labelled images in memory, given as they are.
#[derive(Clone, Debug)]
pub struct MemoryImages {
    pixels: Arc<Vec<f32>>,
    shape: [usize; 3],
    labels: Vec<u32>,
    classes: usize,
}

impl MemoryImages {
    /// Images one after the other, each height x width x channels.
    ///
    /// # Errors
    ///
    /// If the lengths do not agree or a label is not below `classes`.
    pub fn new(
        pixels: impl Into<Arc<Vec<f32>>>,
        shape: [usize; 3],
        labels: Vec<u32>,
        classes: usize,
    ) -> Result<Self> {
        let pixels = pixels.into();
        check_pixels(&pixels, shape, labels.len())?;
        if let Some(label) = labels.iter().find(|label| **label as usize >= classes) {
            return Err(Error::shape(
                "labels",
                format!("classes below {classes}"),
                label,
            ));
        }
        Ok(Self {
            pixels,
            shape,
            labels,
            classes,
        })
    }
}

impl ImageSource for MemoryImages {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn classes(&self) -> usize {
        self.classes
    }

    fn label(&self, index: usize) -> u32 {
        self.labels[index]
    }

    fn load(&self, index: usize, _: &mut Stream, out: &mut [f32]) -> Result<(), SourceError> {
        copy(&self.pixels, index, out)
    }
}

/// The trials of a session in memory: stimuli, which several sessions may share, the
/// stimulus of each trial, and the responses.
#[derive(Clone, Debug)]
pub struct MemoryResponses {
    session: String,
    pixels: Arc<Vec<f32>>,
    shape: [usize; 3],
    image_of_trial: Vec<u32>,
    responses: Vec<f32>,
    neurons: usize,
}

impl MemoryResponses {
    /// Stimuli one after the other, each height x width x channels; responses trials x
    /// neurons.
    ///
    /// # Errors
    ///
    /// If the lengths do not agree or a trial names a stimulus that is not there.
    pub fn new(
        session: &str,
        pixels: impl Into<Arc<Vec<f32>>>,
        shape: [usize; 3],
        image_of_trial: Vec<u32>,
        responses: Vec<f32>,
        neurons: usize,
    ) -> Result<Self> {
        let pixels = pixels.into();
        let each: usize = shape.iter().product();
        let images = pixels.len() / each.max(1);
        check_pixels(&pixels, shape, images)?;
        if let Some(image) = image_of_trial.iter().find(|i| **i as usize >= images) {
            return Err(Error::shape(
                format!("stimuli of session {session}"),
                format!("stimulus {image}"),
                format!("{images} stimuli"),
            ));
        }
        if neurons == 0 || responses.len() != image_of_trial.len() * neurons {
            return Err(Error::shape(
                format!("responses of session {session}"),
                format!("{} x {neurons}", image_of_trial.len()),
                responses.len(),
            ));
        }
        Ok(Self {
            session: session.to_owned(),
            pixels,
            shape,
            image_of_trial,
            responses,
            neurons,
        })
    }
}

impl ResponseSource for MemoryResponses {
    fn len(&self) -> usize {
        self.image_of_trial.len()
    }

    fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn neurons(&self) -> usize {
        self.neurons
    }

    fn session(&self) -> &str {
        &self.session
    }

    fn responses(&self, index: usize) -> &[f32] {
        &self.responses[index * self.neurons..(index + 1) * self.neurons]
    }

    fn load(&self, index: usize, out: &mut [f32]) -> Result<(), SourceError> {
        copy(&self.pixels, self.image_of_trial[index] as usize, out)
    }
}

fn check_pixels(pixels: &[f32], shape: [usize; 3], images: usize) -> Result<()> {
    let each: usize = shape.iter().product();
    if each > 0 && pixels.len() == images * each {
        Ok(())
    } else {
        Err(Error::shape(
            "pixels",
            format!("{images} images of {shape:?}"),
            format!("{} values", pixels.len()),
        ))
    }
}

fn copy(pixels: &[f32], image: usize, out: &mut [f32]) -> Result<(), SourceError> {
    let range = image * out.len()..(image + 1) * out.len();
    let values = pixels
        .get(range)
        .ok_or_else(|| format!("image {image} is not there"))?;
    out.copy_from_slice(values);
    Ok(())
}
