//! A network from its file, as `striate evaluate` and `striate predict` use it: one that was
//! trained here, or a graph that was exported from PyTorch. Invariant: images come as bytes,
//! and all that a network does to them before its first layer stands in its file.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use striate_attack::{AttackConfig, Observer};
use striate_corruptions::{Corruption, Severity, Table};
use striate_data::{ImageSet, Images, Normalize, Preprocess};
use striate_graph::{Graph, is_graph};
use striate_random::Seed;
use striate_reconstruct::{Mode, ReconstructConfig};
use striate_saliency::{Sensitivity, SensitivityMap};

use crate::network_file::{NetworkHeader, read};
use crate::study::attacks::{AttackGoal, Targets};
use crate::study::benchmark::{corrupt, inputs};
use crate::study::network::{BATCH, Network, correct};
use crate::study::sensitivity::{Subject, map_sensitivity};
use crate::{Error, Result, SaliencyConfig};

/// The output of a graph that holds class scores.
const LOGITS: &str = "logits";
/// Values of a graph's pass without gradients take at most so many bytes.
const PASS_BYTES: usize = 1 << 30;
/// With gradients, which need all values at once.
const GRADIENT_BYTES: usize = 2 << 30;

/// A network from its file.
pub struct TrainedNetwork {
    kind: Kind,
    /// From bytes over 255 to what the network takes.
    normalize: Normalize,
    class_names: Vec<String>,
}

enum Kind {
    /// Trained here, or converted.
    Own(Box<(NetworkHeader, Network)>),
    /// Exported from PyTorch.
    Graph(Box<Graph>),
}

/// What a network makes of some images.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkOutput {
    /// `logits`, `responses`, or what a graph calls it.
    pub name: String,
    /// The shape for one image.
    pub shape: Vec<usize>,
    /// One image after the other.
    pub values: Vec<f32>,
}

/// A kind of sensitivity map, and how to make it.
pub struct SensitivityGoal<'a> {
    /// The kind.
    pub kind: Sensitivity,
    /// Of a graph: the output whose features count. A network that was trained here is
    /// mapped at its shared layers.
    pub output: &'a str,
    /// Vectors, smoothing, budget and restarts.
    pub config: &'a SaliencyConfig,
    /// Steps of a reconstruction at most.
    pub steps: usize,
    /// Of vectors and starts.
    pub seed: u64,
}

impl TrainedNetwork {
    /// Reads what [`crate::train`] or [`crate::convert`] wrote, or a graph of
    /// `striate_export.py`, whose sample is computed and compared.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is no such file, or its weights do not fit the
    /// architecture in its header (the tensors that differ are listed); if a graph cannot
    /// be used, or does not give what PyTorch gave.
    pub fn open(file: &Path, device: &Device) -> Result<Self> {
        if is_graph(file) {
            let graph = Graph::open(file, device)?;
            graph
                .ensure()
                .map_err(|e| Error::network_file(file, e.to_string()))?;
            let input = graph.input();
            let [low, high] = input.range;
            let channels = input.channels;
            return Ok(Self {
                normalize: Normalize {
                    mean: vec![-low / (high - low); channels],
                    std: vec![1.0 / (high - low); channels],
                },
                class_names: graph.class_names().to_vec(),
                kind: Kind::Graph(Box::new(graph)),
            });
        }
        let (header, tensors) = read(file, device)?;
        let mut network = Network::from_state(&header.network, &tensors, device)
            .map_err(|e| Error::network_file(file, e.to_string()))?;
        if header.colour() {
            network = network.in_colour();
        }
        Ok(Self {
            normalize: header.normalize.clone(),
            class_names: header.class_names.clone(),
            kind: Kind::Own(Box::new((header, network))),
        })
    }

    /// What the file says of a network that was trained here or converted; None for a graph.
    pub fn header(&self) -> Option<&NetworkHeader> {
        match &self.kind {
            Kind::Own(own) => Some(&own.0),
            Kind::Graph(_) => None,
        }
    }

    /// Height and width of its images in pixels.
    pub fn input_size(&self) -> (usize, usize) {
        match &self.kind {
            Kind::Own(own) => (own.1.input_size(), own.1.input_size()),
            Kind::Graph(graph) => (graph.input().height, graph.input().width),
        }
    }

    /// All that the network makes of images: class scores and predicted rates in spikes
    /// per stimulus, as far as it has them, or each named output of a graph.
    ///
    /// # Errors
    ///
    /// If the images have another size or other channels.
    pub fn outputs(&self, images: &Images) -> Result<Vec<NetworkOutput>> {
        match &self.kind {
            Kind::Own(_) => {
                let found = [
                    ("logits", self.logits(images)?),
                    ("responses", self.responses(images)?),
                ];
                let found = found.into_iter().filter_map(|(name, values)| {
                    let values = values?;
                    Some(NetworkOutput {
                        name: name.to_owned(),
                        shape: vec![values.len() / images.count.max(1)],
                        values,
                    })
                });
                Ok(found.collect())
            }
            Kind::Graph(graph) => {
                let names: Vec<&str> = graph.outputs().collect();
                self.graph_outputs(graph, &names, images)
            }
        }
    }

    /// The class scores; none of a network without classes.
    ///
    /// # Shapes
    ///
    /// Images of the network's input size; the result: images x classes.
    ///
    /// # Errors
    ///
    /// If the images have another size.
    pub fn logits(&self, images: &Images) -> Result<Option<Vec<f32>>> {
        match &self.kind {
            _ if self.classes() == 0 => self.check_size(images).map(|()| None),
            Kind::Own(own) => self
                .in_batches(images, BATCH, |x| own.1.logits(x))
                .map(Some),
            Kind::Graph(graph) => {
                let mut found = self.graph_outputs(graph, &[LOGITS], images)?;
                Ok(found.pop().map(|output| output.values))
            }
        }
    }

    /// The predicted rates in spikes per stimulus, if it was co-trained.
    ///
    /// # Shapes
    ///
    /// The result: images x neurons.
    ///
    /// # Errors
    ///
    /// If the images have another size than the network's.
    pub fn responses(&self, images: &Images) -> Result<Option<Vec<f32>>> {
        match &self.kind {
            Kind::Own(own) if own.1.has_readout() => {
                let found = self.in_batches(images, BATCH, |x| own.1.responses(x));
                found.map(Some)
            }
            _ => self.check_size(images).map(|()| None),
        }
    }

    /// The images with labels in the order of this network's classes; as they are for a
    /// network that names none.
    ///
    /// # Errors
    ///
    /// If the two do not have the same classes: those that one lacks are named.
    pub fn fit_labels(&self, mut set: ImageSet) -> Result<ImageSet> {
        let known = &self.class_names;
        if known.is_empty() {
            return Ok(set);
        }
        let missing = |a: &[String], b: &[String]| -> Vec<String> {
            a.iter().filter(|name| !b.contains(name)).cloned().collect()
        };
        let (strange, lacking) = (
            missing(&set.class_names, known),
            missing(known, &set.class_names),
        );
        if !strange.is_empty() || !lacking.is_empty() {
            return Err(Error::Classes { strange, lacking });
        }
        let places: BTreeMap<&String, u32> = known.iter().zip(0..).collect();
        for label in &mut set.labels {
            let name = &set.class_names[*label as usize];
            *label = places.get(name).copied().unwrap_or(0);
        }
        set.class_names.clone_from(known);
        Ok(set)
    }

    /// The number of images that are classified correctly; with a corruption, of their
    /// corrupted copies, each with a random stream of its own.
    ///
    /// # Errors
    ///
    /// If the images have another size, or are too small for the corruption, or the network
    /// has no classes.
    pub fn correct(
        &self,
        set: &ImageSet,
        corrupted: Option<(Corruption, Severity, Table)>,
        seed: u64,
    ) -> Result<u64> {
        self.check_classes(set)?;
        let found = match corrupted {
            None => self.logits(&set.images)?,
            Some((corruption, severity, table)) => {
                let seed = Seed::new(seed).child("benchmark");
                let images = corrupt(&set.images, table, corruption, severity, &seed)?;
                self.logits(&images)?
            }
        };
        let logits = found.unwrap_or_default();
        Ok(correct(&logits, self.classes().max(1), &set.labels))
    }

    /// Attacks at most `limit` of the images (0 for all, spread evenly over the set),
    /// in gray, or in colour if the network sees it, before normalisation; `epsilons` are
    /// in units of the range of pixels.
    ///
    /// # Errors
    ///
    /// If the images have another size, the network has no classes, a setting is out of its
    /// range, or the observer stops the work.
    pub fn attack(
        &self,
        set: &ImageSet,
        limit: usize,
        goal: &AttackGoal<'_>,
        observer: &mut Observer<'_>,
    ) -> Result<striate_attack::Outcome> {
        self.check_classes(set)?;
        self.check_size(&set.images)?;
        match &self.kind {
            Kind::Own(own) => {
                let network = &own.1;
                let targets = Targets::new(set, limit, &self.normalize, network.device())?;
                targets.attack(|x| network.logits_of(x), goal, observer)
            }
            Kind::Graph(graph) => {
                let targets = Targets::new(set, limit, &self.normalize, graph.device())?;
                let logits_of = |x: &Tensor| {
                    graph
                        .run_one(LOGITS, &x.permute((0, 3, 1, 2))?)
                        .map_err(candle_core::Error::wrap)
                };
                // An image's draws do not depend on its batch.
                let most = graph.gradient_batch_within(LOGITS, GRADIENT_BYTES);
                let config = AttackConfig {
                    batch: goal.config.batch.min(most),
                    ..goal.config.clone()
                };
                let goal = AttackGoal {
                    config: &config,
                    ..*goal
                };
                targets.attack(logits_of, &goal, observer)
            }
        }
    }

    /// Where the network is sensitive in each image; `None` if the observer, which hears of
    /// the share that is done, breaks.
    ///
    /// # Errors
    ///
    /// If the images have another size, the output is none of the graph's, a class gradient
    /// is asked for and the network has no classes, or a setting is out of its range.
    pub fn sensitivity(
        &self,
        set: &ImageSet,
        goal: &SensitivityGoal<'_>,
        observer: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<Option<Vec<SensitivityMap>>> {
        if goal.kind == Sensitivity::ClassGradient {
            self.check_classes(set)?;
        }
        self.check_size(&set.images)?;
        let images = &set.images;
        let pixels = self.inputs(images)?;
        let channels = self.normalize.mean.len();
        let shape = (images.count, images.height, images.width, channels);
        let optimiser = ReconstructConfig {
            mode: Mode::Fast {
                max_steps: goal.steps,
                window: 30,
                tolerance: 1e-3,
            },
            ..ReconstructConfig::default()
        };
        let (config, seed) = (goal.config, Seed::new(goal.seed));
        let mut map = |subject: &Subject<'_>| {
            map_sensitivity(goal.kind, subject, config, &optimiser, &seed, observer)
        };
        match &self.kind {
            Kind::Own(own) => {
                let network = &own.1;
                map(&Subject {
                    features: &|x| network.features_of(x),
                    logits: &|x| network.logits_of(x),
                    images: &Tensor::from_vec(pixels, shape, network.device())?,
                    labels: &set.labels,
                    batch: BATCH,
                })
            }
            Kind::Graph(graph) => {
                if !graph.outputs().any(|name| name == goal.output) {
                    return Err(Error::NoOutput {
                        name: goal.output.to_owned(),
                        outputs: graph.outputs().map(str::to_owned).collect(),
                    });
                }
                let run = |output: &str, x: &Tensor| {
                    let found = graph.run_one(output, &x.permute((0, 3, 1, 2))?);
                    found.map_err(candle_core::Error::wrap)
                };
                let output = match goal.kind {
                    Sensitivity::ClassGradient => LOGITS,
                    _ => goal.output,
                };
                map(&Subject {
                    features: &|x| run(goal.output, x),
                    logits: &|x| run(LOGITS, x),
                    images: &Tensor::from_vec(pixels, shape, graph.device())?,
                    labels: &set.labels,
                    batch: graph.gradient_batch_within(output, GRADIENT_BYTES),
                })
            }
        }
    }

    /// The number of class scores; 0 if there are none.
    fn classes(&self) -> usize {
        match &self.kind {
            Kind::Own(own) => own.1.classes(),
            Kind::Graph(graph) => graph.classes().unwrap_or(0),
        }
    }

    fn check_classes(&self, set: &ImageSet) -> Result<()> {
        match &self.kind {
            Kind::Own(_) if self.classes() == 0 => Err(Error::NoClasses),
            Kind::Graph(graph) if self.classes() == 0 => Err(Error::NoLogits {
                outputs: graph.outputs().map(str::to_owned).collect(),
            }),
            Kind::Graph(_) if self.classes() != set.classes() => Err(Error::ClassCount {
                images: set.classes(),
                network: self.classes(),
            }),
            _ => Ok(()),
        }
    }

    fn graph_outputs(
        &self,
        graph: &Graph,
        names: &[&str],
        images: &Images,
    ) -> Result<Vec<NetworkOutput>> {
        let mut outputs: Vec<NetworkOutput> = names
            .iter()
            .map(|name| NetworkOutput {
                name: (*name).to_owned(),
                shape: Vec::new(),
                values: Vec::new(),
            })
            .collect();
        let input = graph.input();
        let (channels, height, width) = input.dims();
        let batch = graph.batch_within(names, PASS_BYTES)?;
        self.in_batches(images, batch, |values| {
            let count = values.len() / (channels * height * width);
            let x = Tensor::from_slice(values, (count, height, width, channels), graph.device())?;
            let found = graph.run(names, &x.permute((0, 3, 1, 2))?)?;
            for (output, found) in outputs.iter_mut().zip(found) {
                output.shape = found.dims()[1..].to_vec();
                let values = found.flatten_all()?.to_vec1::<f32>()?;
                output.values.extend(values);
            }
            Ok(Vec::new())
        })?;
        Ok(outputs)
    }

    /// Calls `work` with the network's inputs, batch after batch, and joins what it gives.
    fn in_batches(
        &self,
        images: &Images,
        batch: usize,
        mut work: impl FnMut(&[f32]) -> Result<Vec<f32>>,
    ) -> Result<Vec<f32>> {
        self.check_size(images)?;
        let rows: Vec<usize> = (0..images.count).collect();
        let mut joined = Vec::new();
        for rows in rows.chunks(batch.max(1)) {
            let inputs = self.inputs(&images.select(rows)?)?;
            joined.extend(work(&inputs)?);
        }
        Ok(joined)
    }

    fn inputs(&self, images: &Images) -> Result<Vec<f32>> {
        let colour = self.normalize.mean.len() == 3;
        let preprocess = Preprocess {
            gray: !colour,
            normalize: self.normalize.clone(),
        };
        if !colour {
            return inputs(images, &preprocess);
        }
        let length = images.image_len();
        let mut out = vec![0.0; images.pixels_u8.len()];
        out.par_chunks_exact_mut(length)
            .zip(images.pixels_u8.par_chunks_exact(length))
            .try_for_each(|(out, image)| preprocess.apply(image, images.channels, out))?;
        Ok(out)
    }

    fn check_size(&self, images: &Images) -> Result<()> {
        let (height, width) = self.input_size();
        if (images.height, images.width) != (height, width) {
            return Err(Error::Tensor {
                name: "images".to_owned(),
                problem: format!(
                    "are {} x {} px; the network takes {height} x {width} (images of any size: --resize PX)",
                    images.height, images.width
                ),
            });
        }
        Ok(())
    }
}
