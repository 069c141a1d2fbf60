//! A trained network as the analyses use it: evaluation only, in batches.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use striate_models::{Head, LayerName, LayerPlan, MultiTaskNet, VggConfig, statistics};
use striate_nn::Context;
use striate_random::Seed;

use crate::engine::{Finished, write_atomic};
use crate::{Error, Result};

/// The weights and statistics of a trained network.
pub(crate) const WEIGHTS: &str = "network.safetensors";
/// The session of the simulated recordings, and of the targets of co-training.
pub(crate) const SESSION: &str = "v1";
/// Images of one forward pass.
pub(crate) const BATCH: usize = 128;

/// A trained network.
pub(crate) struct Network {
    net: MultiTaskNet,
    device: Device,
    /// Of its inputs: 1, or 3 for a network that sees colour.
    channels: usize,
}

impl Network {
    /// Loads what [`save`] wrote.
    pub(crate) fn open(config: &VggConfig, step: &Finished, device: &Device) -> Result<Self> {
        Self::from_state(config, &state_of(step, device)?, device)
    }

    /// A network with these weights and statistics.
    pub(crate) fn from_state(
        config: &VggConfig,
        state: &BTreeMap<String, Tensor>,
        device: &Device,
    ) -> Result<Self> {
        // Every value is overwritten below, so the seed has no say.
        let seed = Seed::new(0);
        let mut net = MultiTaskNet::new(config, device, &seed)?;
        for (name, bias) in state {
            let session = name
                .strip_prefix("readout.")
                .and_then(|rest| rest.strip_suffix(".bias"));
            if let Some(session) = session {
                let bias = bias.to_vec1::<f32>()?;
                net.add_readout(session, &bias, &seed)?;
            }
        }
        net.params().load_state(state)?;
        // Attacks and reconstructions differentiate with respect to the image alone.
        net.params().set_trainable("", false);
        Ok(Self {
            net,
            device: device.clone(),
            channels: 1,
        })
    }

    /// The same network on inputs of three channels.
    pub(crate) fn in_colour(self) -> Self {
        Self {
            channels: 3,
            ..self
        }
    }

    /// Height and width of its images in pixels.
    pub(crate) fn input_size(&self) -> usize {
        self.net.plan().config().input_size
    }

    /// How many classes it tells apart; 0 for the V1 model.
    pub(crate) fn classes(&self) -> usize {
        match self.net.plan().config().head {
            Head::None => 0,
            _ => self.net.plan().config().classes,
        }
    }

    /// Whether it predicts responses.
    pub(crate) fn has_readout(&self) -> bool {
        self.net.sessions().next().is_some()
    }

    /// The class scores, `[n, classes]`, of `[n, size, size, channels]` inputs.
    pub(crate) fn logits(&self, inputs: &[f32]) -> Result<Vec<f32>> {
        let mut logits = Vec::new();
        self.batches(inputs, |x| {
            let batch = self.net.logits(x, &mut Context::eval())?;
            logits.extend(batch.flatten_all()?.to_vec1::<f32>()?);
            Ok(())
        })?;
        Ok(logits)
    }

    /// How many of the images are classified correctly. `[n, size, size, channels]` inputs.
    pub(crate) fn correct(&self, inputs: &[f32], labels: &[u32]) -> Result<u64> {
        let logits = self.logits(inputs)?;
        let classes = self.net.plan().config().classes.max(1);
        Ok(correct(&logits, classes, labels))
    }

    /// The convolutions that are built, in order.
    pub(crate) fn layers(&self) -> &[LayerPlan] {
        self.net.plan().layers()
    }

    /// The maps of some layers for images that are shown to neurons, `[n, features]` each,
    /// from one pass. A layer with statistics of one kind only uses those.
    pub(crate) fn layer_features(
        &self,
        layers: &[LayerName],
        inputs: &[f32],
    ) -> Result<Vec<Vec<f32>>> {
        let mut features = vec![Vec::new(); layers.len()];
        self.batches(inputs, |x| {
            let mut cx = Context::eval().with_statistics(statistics::STIMULI);
            let maps = self.net.layer_outputs(layers, x, &mut cx)?;
            for (features, map) in features.iter_mut().zip(maps) {
                features.extend(map.flatten_all()?.to_vec1::<f32>()?);
            }
            Ok(())
        })?;
        Ok(features)
    }

    /// The predicted rates, `[n, neurons]`, session after session.
    pub(crate) fn responses(&self, inputs: &[f32]) -> Result<Vec<f32>> {
        rates(&self.net, inputs, self.channels, &self.device)
    }

    /// The output of the shared layers as a function of a batch, for what
    /// differentiates through it, any number of times.
    pub(crate) fn features_of(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.net
            .features(x, &mut Context::eval())
            .map_err(candle_core::Error::wrap)
    }

    /// As [`Self::features_of`], for what differentiates through it once.
    pub(crate) fn features_once(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.net
            .features(x, &mut Context::eval().single_backward())
            .map_err(candle_core::Error::wrap)
    }

    /// The class scores as a function of a batch of inputs, for what differentiates
    /// through it, once.
    pub(crate) fn logits_of(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.net
            .logits(x, &mut Context::eval().single_backward())
            .map_err(candle_core::Error::wrap)
    }

    /// Where it computes.
    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    fn batches(&self, inputs: &[f32], work: impl FnMut(&Tensor) -> Result<()>) -> Result<()> {
        batches(&self.net, inputs, self.channels, &self.device, work)
    }
}

/// How many rows of class scores are largest at their label, the first of equals.
pub(crate) fn correct(logits: &[f32], classes: usize, labels: &[u32]) -> u64 {
    let best = logits.chunks_exact(classes).map(|row| {
        let start = (0, f32::NEG_INFINITY);
        row.iter()
            .enumerate()
            .fold(
                start,
                |best, (i, v)| if *v > best.1 { (i, *v) } else { best },
            )
            .0
    });
    best.zip(labels).filter(|(b, l)| *b == **l as usize).count() as u64
}

fn batches(
    net: &MultiTaskNet,
    inputs: &[f32],
    channels: usize,
    device: &Device,
    mut work: impl FnMut(&Tensor) -> Result<()>,
) -> Result<()> {
    let size = net.plan().config().input_size;
    let image = size * size * channels;
    if inputs.is_empty() || !inputs.len().is_multiple_of(image) {
        return Err(Error::Tensor {
            name: "inputs".to_owned(),
            problem: format!("hold {} values, not whole images of {image}", inputs.len()),
        });
    }
    for batch in inputs.chunks(BATCH * image) {
        let shape = (batch.len() / image, size, size, channels);
        work(&Tensor::from_slice(batch, shape, device)?)?;
    }
    Ok(())
}

/// The predicted rates of a network's sessions on gray inputs, one after the other in
/// the order of their names, `[n, neurons]`.
pub(crate) fn responses(net: &MultiTaskNet, inputs: &[f32], device: &Device) -> Result<Vec<f32>> {
    rates(net, inputs, 1, device)
}

fn rates(net: &MultiTaskNet, inputs: &[f32], channels: usize, device: &Device) -> Result<Vec<f32>> {
    let mut rates = Vec::new();
    batches(net, inputs, channels, device, |x| {
        let batch = net.all_responses(x, &mut Context::eval())?;
        rates.extend(batch.flatten_all()?.to_vec1::<f32>()?);
        Ok(())
    })?;
    Ok(rates)
}

/// The weights and statistics that a training step wrote.
pub(crate) fn state_of(step: &Finished, device: &Device) -> Result<BTreeMap<String, Tensor>> {
    Ok(candle_core::safetensors::load(step.file(WEIGHTS), device)?
        .into_iter()
        .collect())
}

/// Writes a network's weights and statistics, atomically.
pub(crate) fn save(net: &MultiTaskNet, path: &std::path::Path) -> Result<()> {
    let state = net.params().state()?;
    let bytes = safetensors::serialize(state.iter(), None).map_err(|e| Error::Tensors {
        path: path.to_owned(),
        problem: e.to_string(),
    })?;
    write_atomic(path, &bytes)
}
