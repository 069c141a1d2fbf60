//! What an attack found. Invariant: images stand in the order of the task.

use serde::{Deserialize, Serialize};

use crate::Attack;

/// What an attack found for one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attacked {
    /// The image's number.
    pub id: u64,
    /// Its true class.
    pub label: u32,
    /// Whether it is classified correctly as it is; if not, it is not attacked.
    pub clean: bool,
    /// For each epsilon, whether it is still classified correctly.
    pub withstands: Vec<bool>,
    /// The size of the smallest perturbation found that makes the network err, in the
    /// attack's norm: 0 if none is needed, `None` if none was found.
    pub distance: Option<f64>,
    /// Whether the gradient was 0 at a point where the attack needed it.
    pub zero_gradient: bool,
    /// How many times the network saw this image or a perturbed one.
    pub queries: u64,
    /// The perturbed image of `distance`, `height x width x channels`, if asked for.
    pub perturbed: Option<Vec<f32>>,
}

/// What an attack found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The attack.
    pub attack: Attack,
    /// The sizes of perturbations, as they were given.
    pub epsilons: Vec<f64>,
    /// One for each image of the task.
    pub images: Vec<Attacked>,
}

impl Outcome {
    /// How many images are classified correctly without an attack.
    pub fn clean(&self) -> usize {
        self.images.iter().filter(|i| i.clean).count()
    }

    /// How many images are classified correctly under perturbations up to
    /// `epsilons[which]`; 0 if there is no such epsilon.
    pub fn correct(&self, which: usize) -> usize {
        let withstands = |i: &&Attacked| i.withstands.get(which) == Some(&true);
        self.images.iter().filter(withstands).count()
    }

    /// [`Outcome::correct`] as a share of all images.
    pub fn accuracy(&self, which: usize) -> f64 {
        share(self.correct(which), self.images.len())
    }

    /// The median size of the smallest perturbation found, over the images that are
    /// classified correctly without one. An image for which none was found counts as
    /// infinitely far; `None` if the median is such an image, or there is none.
    pub fn median_distance(&self) -> Option<f64> {
        let attacked = self.images.iter().filter(|i| i.clean);
        let mut sizes: Vec<f64> = attacked
            .map(|i| i.distance.unwrap_or(f64::INFINITY))
            .collect();
        sizes.sort_by(f64::total_cmp);
        let upper = *sizes.get(sizes.len() / 2)?;
        let lower = *sizes.get((sizes.len() - 1) / 2)?;
        let median = 0.5 * (lower + upper);
        median.is_finite().then_some(median)
    }

    /// The share of the attacked images whose gradient was 0 somewhere. Where it is
    /// not small, an attack by gradients overrates the network (Athalye et al. 2018):
    /// compare with the boundary attack.
    pub fn zero_gradients(&self) -> f64 {
        let masked = self.images.iter().filter(|i| i.zero_gradient).count();
        share(masked, self.clean())
    }
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}
