//! Adversarial attacks on a trained network. Invariant: an image's random draws depend
//! on its place in the whole set, not on how many images are attacked.

use std::ops::ControlFlow;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use striate_attack::{
    Attack, AttackConfig, Norm, Observer, Outcome, Progress, Task as Job, attack,
};
use striate_data::{ImageSet, Normalize};
use striate_models::VggConfig;
use striate_random::Seed;

use super::benchmark::spread_rows;
use super::dataset::Dataset;
use super::network::Network;
use crate::engine::{Estimate, Finished, Status, StepContext, Task};
use crate::recipe::Split;
use crate::{Error, Result};

const FOUND: &str = "attacks.json";
const RESUME: &str = "resume.json";

/// One attack, and how far it may go.
#[derive(Clone, Copy, Debug)]
pub struct AttackGoal<'a> {
    /// The attack.
    pub attack: Attack,
    /// Sizes of perturbations in the attack's norm, in units of the range of pixels.
    pub epsilons: &'a [f64],
    /// Its settings.
    pub config: &'a AttackConfig,
    /// The root of its random streams.
    pub seed: u64,
}

/// Images to attack, as the network sees them before its normalisation.
pub(crate) struct Targets {
    /// `[images, size, size, channels]`: 8-bit gray or colour over 255.
    images: Tensor,
    labels: Vec<u32>,
    ids: Vec<u64>,
    /// `[1, 1, 1, channels]`.
    mean: Tensor,
    std: Tensor,
}

impl Targets {
    /// At most `count` images of a set (0 for all), spread evenly over it: in gray if
    /// the network's statistics are of one channel, else as they are.
    pub(crate) fn new(
        set: &ImageSet,
        count: usize,
        normalize: &Normalize,
        device: &Device,
    ) -> Result<Self> {
        let rows = spread_rows(set.len(), count);
        let set = set.select(&rows)?;
        let channels = normalize.mean.len();
        let images = match channels {
            1 => set.images.to_gray_u8(),
            _ => set.images,
        };
        if images.channels != channels {
            return Err(Error::Tensor {
                name: "images".to_owned(),
                problem: format!(
                    "have {} channels; the network takes {channels}",
                    images.channels
                ),
            });
        }
        let pixels = images.pixels_u8.iter().map(|v| f32::from(*v) / 255.0);
        let shape = (images.count, images.height, images.width, channels);
        let statistic = |values: &[f32]| Tensor::from_slice(values, (1, 1, 1, channels), device);
        Ok(Self {
            images: Tensor::from_iter(pixels, device)?.reshape(shape)?,
            labels: set.labels,
            ids: rows.iter().map(|row| *row as u64).collect(),
            mean: statistic(&normalize.mean)?,
            std: statistic(&normalize.std)?,
        })
    }

    /// Runs one attack on a function from normalised images to class scores.
    pub(crate) fn attack(
        &self,
        logits_of: impl Fn(&Tensor) -> candle_core::Result<Tensor>,
        goal: &AttackGoal<'_>,
        observer: &mut Observer<'_>,
    ) -> Result<Outcome> {
        let function = |x: &Tensor| {
            let centred = x.broadcast_sub(&self.mean)?;
            logits_of(&centred.broadcast_div(&self.std)?)
        };
        let job = Job {
            images: &self.images,
            labels: &self.labels,
            ids: &self.ids,
            seed: Seed::new(goal.seed),
        };
        Ok(attack(
            &function,
            &job,
            goal.attack,
            goal.epsilons,
            goal.config,
            observer,
        )?)
    }
}

/// Attacks of a recipe.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttacksConfig {
    /// Which attacks: `fgsm-linf`, `fgsm-l2`, `pgd-linf`, `pgd-l2`, `boundary`.
    pub attacks: Vec<Attack>,
    /// At most this many images, spread evenly over the classes; 0 for all.
    pub images: usize,
    /// Largest changes of a pixel for the attacks in the maximum norm, in gray levels
    /// of 255.
    #[serde(default)]
    pub linf_levels: Vec<f64>,
    /// L2 norms of the change for the other attacks, in units of the range of gray.
    #[serde(default)]
    pub l2_norms: Vec<f64>,
    /// Steps, restarts and so on.
    #[serde(default)]
    pub settings: AttackConfig,
}

impl AttacksConfig {
    /// The sizes of an attack's perturbations, in units of the range of gray.
    pub fn epsilons(&self, attack: Attack) -> Vec<f64> {
        match attack.norm() {
            Norm::Linf => self.linf_levels.iter().map(|v| v / 255.0).collect(),
            Norm::L2 => self.l2_norms.clone(),
        }
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    ///
    /// The field, what is expected, and what was found.
    pub fn check(&self) -> std::result::Result<(), String> {
        for attack in &self.attacks {
            let field = match attack.norm() {
                Norm::Linf => "linf_levels",
                Norm::L2 => "l2_norms",
            };
            let sizes = self.epsilons(*attack);
            if sizes.is_empty() || sizes.iter().any(|e| !(e.is_finite() && *e > 0.0)) {
                return Err(format!(
                    "{field}: expected positive sizes for {attack}, found {sizes:?}"
                ));
            }
        }
        self.settings.check().map_err(|e| format!("settings.{e}"))
    }

    /// Passes of one image through the network, backward passes included, if half of
    /// the steps of PGD are spared by images that are broken early.
    fn passes(&self) -> f64 {
        let settings = &self.settings;
        let of = |attack: &Attack| {
            let sizes = self.epsilons(*attack).len();
            1 + match attack {
                Attack::FgsmLinf | Attack::FgsmL2 => 2 + sizes,
                Attack::PgdLinf | Attack::PgdL2 => {
                    sizes * settings.restarts * (2 * settings.steps + 1) / 2
                }
                Attack::Boundary => 3 * settings.boundary.steps / 2,
            }
        };
        self.attacks.iter().map(of).sum::<usize>() as f64
    }
}

/// Attacks a network on the images of the benchmark.
#[derive(Serialize)]
pub(crate) struct AttackNetwork {
    pub(crate) network: VggConfig,
    pub(crate) split: Split,
    pub(crate) config: AttacksConfig,
    /// Of the random starts and walks.
    pub(crate) seed: u64,
    /// Images that there are to attack.
    pub(crate) images: usize,
}

/// What one attack found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AttackFound {
    pub(crate) attack: Attack,
    pub(crate) images: u64,
    /// Images that are classified correctly as they are.
    pub(crate) clean: u64,
    /// Sizes, and how many images are classified correctly under each.
    pub(crate) correct: Vec<(f64, u64)>,
    /// Of the smallest perturbation found.
    pub(crate) median_distance: Option<f64>,
    pub(crate) zero_gradients: f64,
}

impl From<Outcome> for AttackFound {
    fn from(found: Outcome) -> Self {
        let sizes = found.epsilons.iter().enumerate();
        Self {
            attack: found.attack,
            images: found.images.len() as u64,
            clean: found.clean() as u64,
            correct: sizes.map(|(i, e)| (*e, found.correct(i) as u64)).collect(),
            median_distance: found.median_distance(),
            zero_gradients: found.zero_gradients(),
        }
    }
}

impl Task for AttackNetwork {
    const KIND: &'static str = "attacks";
    const VERSION: u32 = 1;

    fn estimate(&self) -> Estimate {
        let passes = self.images as f64 * self.config.passes();
        Estimate {
            operations: passes * super::cost::forward(&self.network),
            seconds: passes * 2e-5,
            memory_bytes: 200 << 20,
            disk_bytes: 16 << 10,
        }
    }

    fn run(&self, cx: &mut StepContext<'_>) -> Result<Status> {
        let data = Dataset::open(cx.input("data")?)?;
        let network = Network::open(&self.network, cx.input("model")?, cx.device())?;
        let set = match self.split {
            Split::Validation => &data.validation,
            Split::Test => &data.test,
        };
        let normalize = &data.info.normalize;
        let targets = Targets::new(set, self.config.images, normalize, network.device())?;
        // The attacks that an interrupted try has made.
        let mut found: Vec<AttackFound> = match std::fs::read(cx.file(RESUME)) {
            Ok(text) => serde_json::from_slice(&text).map_err(|e| Error::json(RESUME, e))?,
            Err(_) => Vec::new(),
        };
        let stop = cx.stop_flag();
        let attacks = &self.config.attacks;
        for kind in attacks.iter().skip(found.len()) {
            let done = found.len() as f64;
            let epsilons = self.config.epsilons(*kind);
            let goal = AttackGoal {
                attack: *kind,
                epsilons: &epsilons,
                config: &self.config.settings,
                seed: self.seed,
            };
            let mut observer = |p: &Progress| {
                cx.progress((done + p.share) / attacks.len() as f64, kind.name());
                if stop.is_raised() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            match targets.attack(|x| network.logits_of(x), &goal, &mut observer) {
                Err(Error::Attack(striate_attack::Error::Interrupted { .. })) => {
                    cx.write_json(RESUME, &found)?;
                    return Ok(Status::Interrupted);
                }
                outcome => found.push(outcome?.into()),
            }
        }
        cx.write_json(FOUND, &found)?;
        Ok(Status::Done)
    }
}

impl AttackNetwork {
    /// Reads what the step wrote.
    pub(crate) fn open(step: &Finished) -> Result<Vec<AttackFound>> {
        step.json(FOUND)
    }
}
