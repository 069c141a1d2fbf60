//! Predictions of a network for whole sets, in batches and in evaluation mode.
//! Invariant: nothing here changes a running statistic.

use candle_core::Tensor;
use striate_models::{LayerName, MultiTaskNet};
use striate_nn::Context;
use striate_random::Seed;

use crate::loader::{evaluation_stream, load_all};
use crate::source::{ImageSource, ResponseSource};
use crate::{Error, Result};

/// What to predict for.
#[derive(Clone, Copy)]
pub enum Inputs<'a> {
    /// The images of a source; whatever it draws, it draws from `seed / index`.
    Images(&'a dyn ImageSource, Seed),
    /// The stimuli of the trials of a session.
    Stimuli(&'a dyn ResponseSource),
    /// Normalised pixels, image by image, of this height, width and channels.
    Pixels(&'a [f32], [usize; 3]),
}

impl Inputs<'_> {
    /// Number of images.
    pub fn count(&self) -> usize {
        match self {
            Self::Images(source, _) => source.len(),
            Self::Stimuli(source) => source.len(),
            Self::Pixels(values, shape) => values.len() / shape.iter().product::<usize>().max(1),
        }
    }

    /// Height, width and channels.
    pub fn shape(&self) -> [usize; 3] {
        match self {
            Self::Images(source, _) => source.shape(),
            Self::Stimuli(source) => source.shape(),
            Self::Pixels(_, shape) => *shape,
        }
    }

    fn load(&self, indices: &[usize]) -> Result<Vec<f32>> {
        let shape = self.shape();
        match self {
            Self::Images(source, seed) => {
                load_all("the images", shape, indices, |_, index, out| {
                    source.load(index, &mut evaluation_stream(seed, index), out)
                })
            }
            Self::Stimuli(source) => {
                let name = format!("session {}", source.session());
                load_all(&name, shape, indices, |_, index, out| {
                    source.load(index, out)
                })
            }
            Self::Pixels(values, _) => {
                let each = shape.iter().product::<usize>();
                load_all("the pixels", shape, indices, |_, index, out| {
                    out.copy_from_slice(&values[index * each..(index + 1) * each]);
                    Ok(())
                })
            }
        }
    }
}

/// The class scores of every image.
///
/// # Shapes
///
/// The result: images x classes.
///
/// # Errors
///
/// If the network has no head, an image does not load or does not fit.
pub fn predict_logits(net: &MultiTaskNet, inputs: Inputs<'_>, batch: usize) -> Result<Vec<f32>> {
    in_batches(net, inputs, batch, |x| {
        Ok(net.logits(x, &mut Context::eval())?)
    })
}

/// The rates of a session's neurons for every image.
///
/// # Shapes
///
/// The result: images x neurons.
///
/// # Errors
///
/// If the session has no readout, an image does not load or does not fit.
pub fn predict_responses(
    net: &MultiTaskNet,
    session: &str,
    inputs: Inputs<'_>,
    batch: usize,
) -> Result<Vec<f32>> {
    in_batches(net, inputs, batch, |x| {
        Ok(net.responses(session, x, &mut Context::eval())?)
    })
}

/// The map of a layer, after its ReLU, for every image.
///
/// # Shapes
///
/// The result: images x height x width x channels of the layer.
///
/// # Errors
///
/// If there is no such layer, an image does not load or does not fit.
pub fn features(
    net: &MultiTaskNet,
    layer: LayerName,
    inputs: Inputs<'_>,
    batch: usize,
) -> Result<Vec<f32>> {
    in_batches(net, inputs, batch, |x| {
        Ok(net.layer_output(layer, x, &mut Context::eval())?)
    })
}

fn in_batches(
    net: &MultiTaskNet,
    inputs: Inputs<'_>,
    batch: usize,
    forward: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Vec<f32>> {
    let [h, w, c] = inputs.shape();
    let count = inputs.count();
    if let Inputs::Pixels(values, shape) = inputs
        && values.len() != count * h * w * c
    {
        return Err(Error::shape(
            "pixels",
            format!("whole images of {shape:?}"),
            format!("{} values", values.len()),
        ));
    }
    let all: Vec<usize> = (0..count).collect();
    let mut outputs = Vec::new();
    for indices in all.chunks(batch.max(1)) {
        let pixels = inputs.load(indices)?;
        let x = Tensor::from_vec(pixels, (indices.len(), h, w, c), net.params().device())?;
        let y = forward(&x)?;
        outputs.extend(y.flatten_all()?.to_vec1::<f32>()?);
    }
    Ok(outputs)
}
