//! The network of both tasks (training.md 4.1). Invariant: every forward pass is of
//! one task's batch alone, so the shared batch norms see each task's statistics in
//! turn, and update the set of that task if they keep one for each; an evaluation pass
//! changes nothing but the clamps of the readouts.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use striate_nn::{Context, Params, Readout};
use striate_random::Seed;

use crate::head::ClassifierHead;
use crate::lowpass::lowpass;
use crate::se_core::SeCore;
use crate::trunk::Trunk;
use crate::{Error, LayerName, Plan, VggConfig};

pub mod statistics;

/// Names of the parts, the first component of every variable's name.
pub mod part {
    /// The shared layers.
    pub const SHARED: &str = "shared";
    /// The layers of the classifier alone.
    pub const UNSHARED: &str = "unshared";
    /// The classification head.
    pub const HEAD: &str = "head";
    /// The readouts; the session follows.
    pub const READOUT: &str = "readout";
}

/// What comes before the split.
#[derive(Debug)]
enum Shared {
    Vgg(Trunk),
    Se(Box<SeCore>),
}

impl Shared {
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor, Error> {
        match self {
            Self::Vgg(trunk) => trunk.forward(x, cx),
            Self::Se(core) => core.forward(x, cx),
        }
    }

    fn set_frozen(&self, frozen: bool) {
        match self {
            Self::Vgg(trunk) => trunk.set_frozen(frozen),
            Self::Se(core) => core.set_frozen(frozen),
        }
    }

    fn first_kernels(&self) -> Option<Tensor> {
        match self {
            Self::Vgg(trunk) => trunk.first_kernels(),
            Self::Se(core) => Some(core.first_kernels()),
        }
    }
}

/// A VGG with a trunk shared by image classification and neural prediction.
///
/// Without a head ([`Head::None`](crate::Head::None)) it is the single-task V1 model.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use striate_models::{Head, MultiTaskNet, VggConfig};
/// use striate_nn::Context;
/// use striate_random::Seed;
///
/// let config = VggConfig {
///     in_channels: 1,
///     blocks: vec![vec![4, 4], vec![8]],
///     split: "conv1_2".parse()?,
///     head: Head::Conv { hidden: vec![16], dropout: 0.5 },
///     classes: 5,
///     input_size: 16,
///     ..VggConfig::default()
/// };
/// let mut net = MultiTaskNet::new(&config, &Device::Cpu, &Seed::new(1))?;
/// net.add_readout("simulated", &[2.0, 3.0], &Seed::new(2))?;
/// let images = Tensor::zeros((3, 16, 16, 1), candle_core::DType::F32, &Device::Cpu)?;
/// assert_eq!(net.logits(&images, &mut Context::eval())?.dims(), [3, 5]);
/// assert_eq!(net.responses("simulated", &images, &mut Context::eval())?.dims(), [3, 2]);
/// # Ok::<(), striate_models::Error>(())
/// ```
#[derive(Debug)]
pub struct MultiTaskNet {
    plan: Plan,
    params: Params,
    shared: Shared,
    classifier: Option<(Trunk, ClassifierHead)>,
    readouts: BTreeMap<String, Readout>,
}

impl MultiTaskNet {
    /// A network with fresh weights (training.md 3.3). Each layer draws from its own
    /// stream, so the weights of one do not depend on the widths of another.
    ///
    /// # Errors
    ///
    /// If the configuration does not fit.
    pub fn new(config: &VggConfig, device: &Device, seed: &Seed) -> Result<Self, Error> {
        let plan = config.check()?;
        let params = Params::new(device);
        let root = params.root();
        let seed = seed.child("initialise");
        let batch_norm = config.batch_norm;
        let sets = 1 + usize::from(config.statistics_per_task);
        // Beyond the split, stimuli are seen only by the readouts that lie there.
        let unshared_sets = if config.deepest() == config.split {
            1
        } else {
            sets
        };
        let scope = root.sub(part::SHARED);
        let shared = match &config.core {
            Some(core) => {
                let core = SeCore::new(core, config.in_channels, &scope, &seed)?;
                Shared::Se(Box::new(core))
            }
            None => Shared::Vgg(Trunk::new(
                plan.shared(),
                false,
                batch_norm,
                sets,
                &scope,
                &seed,
            )?),
        };
        let head = ClassifierHead::new(&plan, &root.sub(part::HEAD), &seed)?;
        let classifier = match head {
            Some(head) => {
                let unshared = Trunk::new(
                    plan.unshared(),
                    plan.pool_at_split(),
                    batch_norm,
                    unshared_sets,
                    &root.sub(part::UNSHARED),
                    &seed,
                )?;
                Some((unshared, head))
            }
            None => None,
        };
        Ok(Self {
            plan,
            params,
            shared,
            classifier,
            readouts: BTreeMap::new(),
        })
    }

    /// Adds a readout of the configured kind for the neurons of a session, on the shared
    /// map or on the layer that the configuration names for this session.
    ///
    /// `bias` holds one initial value per neuron; the study takes the mean responses
    /// of the first training batch (training.md 4.2).
    ///
    /// # Errors
    ///
    /// If the session has a readout already, there are no neurons, or the kind does not
    /// fit the map.
    pub fn add_readout(&mut self, session: &str, bias: &[f32], seed: &Seed) -> Result<(), Error> {
        if self.readouts.contains_key(session) {
            return Err(Error::SessionTwice(session.to_owned()));
        }
        let scope = self.params.root().sub(part::READOUT).sub(session);
        let mut stream = seed.child("initialise readout").child(session).stream();
        let map = match self.layer_of(session) {
            Some(layer) => {
                let layer = &self.plan.layers()[self.plan.find(layer)?];
                [layer.map_size, layer.map_size, layer.outputs]
            }
            None => {
                let size = self.plan.shared_size();
                [size, size, self.plan.shared_channels()]
            }
        };
        let kind = &self.plan.config().readout;
        let readout = Readout::new(kind, map, bias, &scope, &mut stream)?;
        self.readouts.insert(session.to_owned(), readout);
        Ok(())
    }

    /// The shared map, with the running statistics that the context names
    /// ([`statistics`]).
    ///
    /// # Shapes
    ///
    /// `x`: `[batch, size, size, 1 or 3]`; the result: `[batch, h, w, channels]`.
    ///
    /// # Errors
    ///
    /// If the shape does not fit.
    pub fn features(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor, Error> {
        let x = self.expand(x)?;
        self.shared.forward(&x, cx)
    }

    /// The shared map of images that are shown to neurons.
    ///
    /// # Shapes
    ///
    /// As [`MultiTaskNet::features`].
    ///
    /// # Errors
    ///
    /// If the shape does not fit.
    pub fn stimulus_features(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor, Error> {
        with_statistics(statistics::STIMULI, cx, |cx| self.features(x, cx))
    }

    /// The class scores.
    ///
    /// # Shapes
    ///
    /// `x`: `[batch, size, size, 1 or 3]`; the result: `[batch, classes]`.
    ///
    /// # Errors
    ///
    /// If the shape does not fit or the network has no head.
    pub fn logits(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor, Error> {
        with_statistics(statistics::IMAGES, cx, |cx| {
            let map = self.features(x, cx)?;
            self.logits_from_features(&map, cx)
        })
    }

    /// The class scores from the shared map.
    ///
    /// # Errors
    ///
    /// If the shape does not fit or the network has no head.
    pub fn logits_from_features(&self, map: &Tensor, cx: &mut Context) -> Result<Tensor, Error> {
        let (unshared, head) = self.classifier()?;
        let map = unshared.forward(map, cx)?;
        head.forward(&map, cx)
    }

    /// The rates of a session's neurons, all positive.
    ///
    /// # Shapes
    ///
    /// `x`: `[batch, size, size, 1 or 3]`; the result: `[batch, neurons]`.
    ///
    /// # Errors
    ///
    /// If the shape does not fit or the session has no readout.
    pub fn responses(&self, session: &str, x: &Tensor, cx: &mut Context) -> Result<Tensor, Error> {
        with_statistics(statistics::STIMULI, cx, |cx| {
            let map = match self.layer_of(session) {
                Some(layer) => self.layer_output(layer, x, cx)?,
                None => self.features(x, cx)?,
            };
            Ok(self.readout(session)?.forward(&map, cx)?)
        })
    }

    /// The rates of all neurons, session after session in the order of their names.
    ///
    /// # Shapes
    ///
    /// `x`: `[batch, size, size, 1 or 3]`; the result: `[batch, neurons of all sessions]`.
    ///
    /// # Errors
    ///
    /// If the shape does not fit or there is no session.
    pub fn all_responses(&self, x: &Tensor, cx: &mut Context) -> Result<Tensor, Error> {
        with_statistics(statistics::STIMULI, cx, |cx| {
            let mut shared: Option<Tensor> = None;
            let mut rates = Vec::new();
            for (session, readout) in &self.readouts {
                let map = match (self.layer_of(session), &shared) {
                    (Some(layer), _) => self.layer_output(layer, x, cx)?,
                    (None, Some(map)) => map.clone(),
                    (None, None) => shared.insert(self.features(x, cx)?).clone(),
                };
                rates.push(readout.forward(&map, cx)?);
            }
            Ok(Tensor::cat(&rates, 1)?)
        })
    }

    /// The map after the ReLU of the named layer, before any pool that follows it, with
    /// the running statistics that the context names ([`statistics`]).
    ///
    /// # Errors
    ///
    /// If the network has no such layer or the shape does not fit.
    pub fn layer_output(
        &self,
        name: LayerName,
        x: &Tensor,
        cx: &mut Context,
    ) -> Result<Tensor, Error> {
        let index = self.plan.find(name)?;
        let shared = self.plan.shared().len();
        let x = self.expand(x)?;
        if index < shared {
            match &self.shared {
                Shared::Vgg(trunk) => trunk.output_of(index, &x, cx),
                // It has no layers with names of a VGG, so none was found above.
                Shared::Se(core) => core.forward(&x, cx),
            }
        } else {
            let map = self.shared.forward(&x, cx)?;
            self.classifier()?.0.output_of(index - shared, &map, cx)
        }
    }

    /// The maps of several layers from one pass, in the order of their names; each is that of
    /// [`MultiTaskNet::layer_output`] up to rounding.
    ///
    /// # Shapes
    ///
    /// `x`: `[batch, size, size, 1 or 3]`; the results: `[batch, h, w, channels]`.
    ///
    /// # Errors
    ///
    /// If the network has no such layer or the shape does not fit.
    pub fn layer_outputs(
        &self,
        names: &[LayerName],
        x: &Tensor,
        cx: &mut Context,
    ) -> Result<Vec<Tensor>, Error> {
        let wanted = names.iter().map(|name| self.plan.find(*name));
        let wanted = wanted.collect::<Result<Vec<usize>, Error>>()?;
        let count = wanted.iter().max().map_or(0, |last| last + 1);
        let shared = self.plan.shared().len();
        let mut maps = BTreeMap::new();
        let mut keep = |index: usize, map: &Tensor| {
            if wanted.contains(&index) {
                maps.insert(index, map.clone());
            }
        };
        // A squeeze-excitation core has no layers with names of a VGG, so none was found.
        if let Shared::Vgg(trunk) = &self.shared {
            let map = trunk.outputs(count.min(shared), &self.expand(x)?, cx, &mut keep)?;
            if count > shared {
                let (unshared, _) = self.classifier()?;
                unshared.outputs(count - shared, &map, cx, |i, map| keep(shared + i, map))?;
            }
        }
        Ok(wanted.iter().filter_map(|i| maps.get(i).cloned()).collect())
    }

    /// The kernels that see the image, `[out, kernel, kernel, in]`, as part of the gradient
    /// graph: for regularisers of their shape.
    ///
    /// # Errors
    ///
    /// If no layer is shared, which a checked plan excludes.
    pub fn first_kernels(&self) -> Result<Tensor, Error> {
        self.shared.first_kernels().ok_or_else(|| Error::Field {
            field: "split".to_owned(),
            expected: "at least one shared layer".to_owned(),
            found: "none".to_owned(),
        })
    }

    /// The readout of a session.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn readout(&self, session: &str) -> Result<&Readout, Error> {
        self.readouts.get(session).ok_or_else(|| Error::NoSession {
            session: session.to_owned(),
            known: self.sessions().map(str::to_owned).collect(),
        })
    }

    /// The sessions that have readouts, sorted.
    pub fn sessions(&self) -> impl Iterator<Item = &str> {
        self.readouts.keys().map(String::as_str)
    }

    /// Every variable, under `shared.`, `unshared.`, `head.` or `readout.<session>.`.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The checked configuration.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether there is a classification head.
    pub fn has_head(&self) -> bool {
        self.classifier.is_some()
    }

    /// Freezes the shared layers or lets them go: their weights are not trained and
    /// their batch norms use and keep the running statistics (training.md 4.5).
    pub fn freeze_shared(&self, frozen: bool) {
        self.params.set_trainable(part::SHARED, !frozen);
        self.shared.set_frozen(frozen);
    }

    /// Freezes all layers but the readouts, as [`MultiTaskNet::freeze_shared`] does.
    pub fn freeze_layers(&self, frozen: bool) {
        self.freeze_shared(frozen);
        for part in [part::UNSHARED, part::HEAD] {
            self.params.set_trainable(part, !frozen);
        }
        if let Some((unshared, _)) = &self.classifier {
            unshared.set_frozen(frozen);
        }
    }

    /// Gives fresh weights and statistics to the unshared layers and the head.
    ///
    /// # Errors
    ///
    /// If a tensor operation fails.
    pub fn reset_unshared(&self, seed: &Seed) -> Result<(), Error> {
        let fresh = Self::new(self.plan.config(), self.params.device(), seed)?;
        let state = fresh.params.state()?;
        for part in [part::UNSHARED, part::HEAD] {
            self.params.load_state_of(part, &state)?;
        }
        Ok(())
    }

    /// Takes the shared layers' weights and statistics from another network.
    ///
    /// # Errors
    ///
    /// If its shared layers have other shapes; then nothing is changed.
    pub fn copy_shared_from(&self, other: &Self) -> Result<(), Error> {
        let state = other.params.state()?;
        Ok(self.params.load_state_of(part::SHARED, &state)?)
    }

    /// The layer that a session's readout looks at, if it is not the shared map.
    fn layer_of(&self, session: &str) -> Option<LayerName> {
        let config = self.plan.config();
        let layer = config.readout_layers.get(session).copied();
        layer.filter(|layer| *layer != config.split)
    }

    fn classifier(&self) -> Result<&(Trunk, ClassifierHead), Error> {
        self.classifier.as_ref().ok_or(Error::NoHead {
            split: self.plan.config().split,
        })
    }

    /// Checks the images, blurs them if the configuration says so, and replicates gray
    /// ones for a network of three channels.
    fn expand(&self, x: &Tensor) -> Result<Tensor, Error> {
        let wanted = self.plan.config().in_channels;
        let blurred;
        let x = match self.plan.config().lowpass_sigma_px {
            sigma_px if sigma_px > 0.0 && x.rank() == 4 => {
                blurred = lowpass(x, sigma_px)?;
                &blurred
            }
            _ => x,
        };
        match *x.dims() {
            [batch, height, width, 1] if wanted == 3 => {
                Ok(x.broadcast_as((batch, height, width, 3))?.contiguous()?)
            }
            [_, _, _, channels] if channels == wanted => Ok(x.clone()),
            _ => Err(Error::Shape {
                what: "images",
                expected: format!("[batch, height, width, {wanted}]"),
                found: format!("{:?}", x.dims()),
            }),
        }
    }
}

/// Runs a pass with this set of running statistics.
fn with_statistics<T>(
    set: usize,
    cx: &mut Context,
    pass: impl FnOnce(&mut Context) -> Result<T, Error>,
) -> Result<T, Error> {
    let before = cx.set_statistics(set);
    let result = pass(cx);
    cx.set_statistics(before);
    result
}

#[cfg(test)]
mod tests;
