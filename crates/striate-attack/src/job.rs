//! What all attacks work on: the task, checked, and the record of each image.
//! Invariant: an image is recorded as broken only by a perturbed image that the network saw.

use candle_core::{DType, Tensor};
use striate_random::Seed;

use crate::config::check_epsilons;
use crate::geometry::distance;
use crate::network::classify;
use crate::{Attack, AttackConfig, Attacked, Error, Network, Result, Task};

/// Called with the part of the work that is done and the images that are complete.
pub(crate) type Monitor<'a> = dyn FnMut(f64, usize) -> Result<()> + 'a;

/// One call of [`crate::attack()`].
pub(crate) struct Job<'a> {
    pub(crate) network: &'a Network<'a>,
    pub(crate) task: &'a Task<'a>,
    pub(crate) attack: Attack,
    pub(crate) epsilons: &'a [f64],
    pub(crate) config: &'a AttackConfig,
    /// Pixels of each image.
    pub(crate) pixels: Vec<Vec<f32>>,
    /// The class that the network sees in each image as it is.
    pub(crate) classes: Vec<u32>,
}

impl<'a> Job<'a> {
    /// Checks the inputs and classifies the images as they are.
    pub(crate) fn new(
        network: &'a Network<'a>,
        task: &'a Task<'a>,
        attack: Attack,
        epsilons: &'a [f64],
        config: &'a AttackConfig,
    ) -> Result<Self> {
        config.check()?;
        check_epsilons(epsilons, attack == Attack::Boundary)?;
        let pixels = check(task)?;
        let mut job = Self {
            network,
            task,
            attack,
            epsilons,
            config,
            pixels,
            classes: Vec::new(),
        };
        let rows: Vec<usize> = (0..job.pixels.len()).collect();
        for batch in rows.chunks(config.batch) {
            let x = job.originals(batch)?;
            let scores = network(&x)?;
            let classes = scores.dims().last().copied().unwrap_or(0);
            let labels = batch.iter().map(|row| task.labels[*row]);
            if let Some(label) = labels.into_iter().find(|l| *l as usize >= classes) {
                return Err(Error::Setting {
                    name: "label",
                    expected: "a class of the network",
                    found: format!("{label} of {classes} classes"),
                });
            }
            let known = move |_: &Tensor| Ok(scores.clone());
            job.classes.extend(classify(&known, &x, &job.ids(batch))?);
        }
        Ok(job)
    }

    /// The record of each image before the attack.
    pub(crate) fn records(&self) -> Vec<Attacked> {
        let rows = self.task.labels.iter().zip(self.task.ids).enumerate();
        rows.map(|(row, (label, id))| {
            let clean = self.classes[row] == *label;
            Attacked {
                id: *id,
                label: *label,
                clean,
                withstands: vec![clean; self.epsilons.len()],
                distance: (!clean).then_some(0.0),
                zero_gradient: false,
                queries: 1,
                perturbed: None,
            }
        })
        .collect()
    }

    /// The images of `rows` as they are.
    pub(crate) fn originals(&self, rows: &[usize]) -> Result<Tensor> {
        self.batch(rows.iter().map(|row| &self.pixels[*row][..]), rows.len())
    }

    /// A batch of `count` images.
    pub(crate) fn batch<'p>(
        &self,
        images: impl Iterator<Item = &'p [f32]>,
        count: usize,
    ) -> Result<Tensor> {
        let (_, height, width, channels) = self.task.images.dims4()?;
        let values: Vec<f32> = images.flatten().copied().collect();
        let shape = (count, height, width, channels);
        Ok(Tensor::from_vec(values, shape, self.task.images.device())?)
    }

    pub(crate) fn labels(&self, rows: &[usize]) -> Vec<u32> {
        rows.iter().map(|row| self.task.labels[*row]).collect()
    }

    pub(crate) fn ids(&self, rows: &[usize]) -> Vec<u64> {
        rows.iter().map(|row| self.task.ids[*row]).collect()
    }

    /// The node of the seed tree for one image.
    pub(crate) fn seed(&self, row: usize) -> Seed {
        let attack = self.task.seed.child("attack").child(self.attack.name());
        attack.index(self.task.ids[row])
    }

    /// Takes note of a perturbed image that the network gets wrong, if it is the
    /// nearest so far.
    pub(crate) fn note(&self, record: &mut Attacked, row: usize, perturbed: &[f32]) {
        let found = distance(self.attack.norm(), perturbed, &self.pixels[row]);
        if record.distance.is_none_or(|known| found < known) {
            record.distance = Some(found);
            record.perturbed = self.config.keep_images.then(|| perturbed.to_vec());
        }
    }
}

/// Checks the task; the pixels of each image.
fn check(task: &Task<'_>) -> Result<Vec<Vec<f32>>> {
    let images = task.images;
    let dims = images.dims();
    if dims.len() != 4 || dims.contains(&0) || images.dtype() != DType::F32 {
        return Err(Error::Images {
            found: format!("{} {dims:?}", images.dtype().as_str()),
        });
    }
    for (what, found) in [
        ("labels of the images", task.labels.len()),
        ("ids of the images", task.ids.len()),
    ] {
        if found != dims[0] {
            return Err(Error::Length {
                what,
                expected: dims[0],
                found,
            });
        }
    }
    let pixels = images.flatten_from(1)?.to_vec2::<f32>()?;
    for (image, id) in pixels.iter().zip(task.ids) {
        if let Some(value) = image.iter().find(|v| !(0.0..=1.0).contains(*v)) {
            return Err(Error::Pixel {
                id: *id,
                value: *value,
            });
        }
    }
    Ok(pixels)
}
