//! The network of both tasks (training.md 4.1). Invariant: every forward pass is of
//! one task's batch alone, so the shared batch norms see each task's statistics in
//! turn, and update the set of that task if they keep one for each; an evaluation pass
//! changes nothing but the clamps of the readouts.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use striate_nn::{Context, Params, Readout};
use striate_random::Seed;

use crate::head::ClassifierHead;
use crate::trunk::Trunk;
use crate::{Error, LayerName, Plan, VggConfig};

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

/// The sets of running statistics of a network whose shared layers keep one for each
/// task ([`VggConfig::statistics_per_task`]).
pub mod statistics {
    use std::collections::BTreeMap;

    use candle_core::Tensor;

    /// Of the classified images.
    pub const IMAGES: usize = 0;
    /// Of the images shown to the neurons.
    pub const STIMULI: usize = 1;

    /// The variables of a network as one of the neural task alone has them: those of the
    /// stimuli take the place of the images' statistics. A network with one set for both
    /// tasks stays as it is.
    pub fn of_stimuli(mut state: BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
        let suffix = format!("_{STIMULI}");
        let names: Vec<String> = state
            .keys()
            .filter(|name| name.contains(".bn.running_") && name.ends_with(&suffix))
            .cloned()
            .collect();
        for name in names {
            if let Some(value) = state.remove(&name) {
                state.insert(name.trim_end_matches(&suffix).to_owned(), value);
            }
        }
        state
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
    shared: Trunk,
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
        let shared = Trunk::new(
            plan.shared(),
            false,
            batch_norm,
            sets,
            &root.sub(part::SHARED),
            &seed,
        )?;
        let head = ClassifierHead::new(&plan, &root.sub(part::HEAD), &seed)?;
        let classifier = match head {
            Some(head) => {
                let unshared = Trunk::new(
                    plan.unshared(),
                    plan.pool_at_split(),
                    batch_norm,
                    1,
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

    /// Adds a readout of the configured kind on the shared map for the neurons of a
    /// session.
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
        let size = self.plan.shared_size();
        let map = [size, size, self.plan.shared_channels()];
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
        let map = self.features_of(statistics::IMAGES, x, cx)?;
        self.logits_from_features(&map, cx)
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
        let map = self.features_of(statistics::STIMULI, x, cx)?;
        self.responses_from_features(session, &map, cx)
    }

    /// The rates of a session's neurons from the shared map.
    ///
    /// # Errors
    ///
    /// If the shape does not fit or the session has no readout.
    pub fn responses_from_features(
        &self,
        session: &str,
        map: &Tensor,
        cx: &mut Context,
    ) -> Result<Tensor, Error> {
        Ok(self.readout(session)?.forward(map, cx)?)
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
            self.shared.output_of(index, &x, cx)
        } else {
            let map = self.shared.forward(&x, cx)?;
            self.classifier()?.0.output_of(index - shared, &map, cx)
        }
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

    /// The shared map with these running statistics.
    fn features_of(&self, set: usize, x: &Tensor, cx: &mut Context) -> Result<Tensor, Error> {
        let before = cx.set_statistics(set);
        let map = self.features(x, cx);
        cx.set_statistics(before);
        map
    }

    fn classifier(&self) -> Result<&(Trunk, ClassifierHead), Error> {
        self.classifier.as_ref().ok_or(Error::NoHead {
            split: self.plan.config().split,
        })
    }

    /// Checks the images, and replicates gray ones for a network of three channels.
    fn expand(&self, x: &Tensor) -> Result<Tensor, Error> {
        let wanted = self.plan.config().in_channels;
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

#[cfg(test)]
mod tests;
