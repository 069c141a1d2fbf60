//! The study as a plan: which step needs which.

use std::collections::BTreeMap;

use striate_corruptions::Corruption;

use super::attacks::AttackNetwork;
use super::benchmark::Benchmark;
use super::blur::MatchBlur;
use super::controls::MakeControl;
use super::cross::{CrossClassify, model_input, pictures_input};
use super::dataset::{Inputs, PrepareData, Sizes};
use super::fit::{FitReadouts, Trunk};
use super::neural::NeuralPrediction;
use super::reconstruction::Reconstruct;
use super::record::{Import, Record};
use super::saliency::MapSensitivity;
use super::similarity::CompareRepresentations;
use super::targets::Predict;
use super::train::TrainNetwork;
use crate::engine::{Plan, StepId};
use crate::recipe::Split;
use crate::{Error, ModelName, Recipe, Result, Trainable};

/// The steps of one trained network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NetworkSteps {
    /// The training, the last stage of it.
    pub(crate) train: StepId,
    /// The first stage, on corrupted images, of the Oracle.
    pub(crate) first_stage: Option<StepId>,
    pub(crate) benchmark: StepId,
    pub(crate) neural: StepId,
    pub(crate) similarity: StepId,
    pub(crate) reconstruction: StepId,
    pub(crate) saliency: StepId,
    /// If the recipe has attacks.
    pub(crate) attacks: Option<StepId>,
}

/// The plan of a recipe, and where its parts are in it.
pub(crate) struct Study {
    pub(crate) plan: Plan,
    sizes: Sizes,
    pub(crate) data: StepId,
    pub(crate) recording: StepId,
    pub(crate) v1: StepId,
    /// How well the V1 model predicts the test responses.
    pub(crate) v1_scores: StepId,
    pub(crate) networks: BTreeMap<(ModelName, u64), NetworkSteps>,
    /// Baseline behind a blur, by seed, where MTL-Monkey is there to match.
    pub(crate) blurred: BTreeMap<u64, StepId>,
    /// Which network recognises what was reconstructed from which, by seed.
    pub(crate) cross: BTreeMap<u64, StepId>,
    /// The targets that stand in for responses.
    pub(crate) controls: BTreeMap<ModelName, StepId>,
}

impl Study {
    /// Lays out the steps of a recipe.
    pub(crate) fn new(recipe: &Recipe) -> Result<Self> {
        let mut study = Self::shared(recipe)?;
        for seed in &recipe.seeds {
            for model in ModelName::ALL {
                if recipe.models.contains(&model) {
                    let steps = study.network(recipe, model, *seed)?;
                    study.networks.insert((model, *seed), steps);
                }
            }
            study.blur(recipe, *seed)?;
            study.cross(recipe, *seed)?;
        }
        Ok(study)
    }

    /// The steps that the training of one network needs, and where in the plan its
    /// images and the training are.
    pub(crate) fn training(
        recipe: &Recipe,
        model: Trainable,
        seed: u64,
    ) -> Result<(Plan, StepId, StepId)> {
        let mut study = Self::shared(recipe)?;
        let train = match model {
            Trainable::Model(model) => study.train(recipe, model, seed)?.0,
            Trainable::V1 => study.plan.add(
                format!("fit the V1 model, seed {seed}"),
                fit_v1(recipe, seed, study.sizes),
                &[("data", study.data), ("recording", study.recording)],
            )?,
        };
        let (plan, places) = study.plan.towards(train);
        Ok((plan, places[&study.data], places[&train]))
    }

    /// What all networks share: images, recordings, the V1 model.
    fn shared(recipe: &Recipe) -> Result<Self> {
        let mut plan = Plan::new();
        let seed = recipe.shared_seed;
        let inputs = Inputs::find(recipe)?;
        let sizes = inputs.sizes;
        let data = plan.add("prepare images", PrepareData::new(&inputs, recipe), &[])?;
        let recording = match (inputs.recordings, &recipe.population) {
            (Some(recordings), _) => plan.add("read recordings", Import { recordings }, &[])?,
            (None, population) => plan.add(
                "record from the simulated V1",
                Record {
                    population: population.clone().unwrap_or_default(),
                    test_repeats: recipe.recording.test_repeats,
                    seed,
                },
                &[("data", data)],
            )?,
        };
        let fit = fit_v1(recipe, seed, sizes);
        let inputs = [("data", data), ("recording", recording)];
        let v1 = plan.add("fit the V1 model", fit, &inputs)?;
        let v1_scores = plan.add(
            "predict responses with the V1 model",
            NeuralPrediction {
                network: recipe.network_of_v1(),
            },
            &[("data", data), ("recording", recording), ("readouts", v1)],
        )?;
        Ok(Self {
            plan,
            sizes,
            data,
            recording,
            v1,
            v1_scores,
            networks: BTreeMap::new(),
            blurred: BTreeMap::new(),
            cross: BTreeMap::new(),
            controls: BTreeMap::new(),
        })
    }

    /// The training of one network and everything that is measured on it.
    fn network(&mut self, recipe: &Recipe, model: ModelName, seed: u64) -> Result<NetworkSteps> {
        let (train, first_stage) = self.train(recipe, model, seed)?;
        let (data, recording) = (self.data, self.recording);
        let network = recipe.network_of(model);
        let on_images = [("data", data), ("model", train)];
        let on_stimuli = [("data", data), ("recording", recording), ("model", train)];
        let evaluated = self.evaluated(recipe);
        let benchmark = self.plan.add(
            format!("score {model}, seed {seed}"),
            self.benchmark(recipe, model),
            &on_images,
        )?;
        let readouts = self.plan.add(
            format!("fit readouts on {model}, seed {seed}"),
            self.readouts(recipe, model),
            &on_stimuli,
        )?;
        let neural = self.plan.add(
            format!("predict responses from {model}, seed {seed}"),
            NeuralPrediction {
                network: network.clone(),
            },
            &[
                ("data", data),
                ("recording", recording),
                ("readouts", readouts),
            ],
        )?;
        let similarity = self.plan.add(
            format!("compare {model}, seed {seed}, with V1"),
            CompareRepresentations {
                network: network.clone(),
                v1_network: recipe.network_of_v1(),
                config: recipe.rsa.clone(),
                table: recipe.robustness.table,
                seed: recipe.shared_seed,
            },
            &[
                ("data", data),
                ("recording", recording),
                ("model", train),
                ("v1", self.v1),
            ],
        )?;
        let reconstruction = self.plan.add(
            format!("reconstruct from {model}, seed {seed}"),
            Reconstruct {
                network: network.clone(),
                config: recipe.reconstruction.clone(),
                table: recipe.robustness.table,
                seed: recipe.shared_seed,
            },
            &on_images,
        )?;
        let saliency = self.plan.add(
            format!("map the sensitivity of {model}, seed {seed}"),
            MapSensitivity {
                network: network.clone(),
                config: recipe.saliency.clone(),
                optimiser: recipe.reconstruction.optimiser.clone(),
                seed: recipe.shared_seed,
            },
            &on_images,
        )?;
        let attacks = self.attacks(recipe, model, seed, train, evaluated)?;
        Ok(NetworkSteps {
            train,
            first_stage,
            benchmark,
            neural,
            similarity,
            reconstruction,
            saliency,
            attacks,
        })
    }

    /// Images of the split that the benchmark uses.
    fn evaluated(&self, recipe: &Recipe) -> usize {
        match recipe.robustness.split {
            Split::Validation => self.sizes.images[1],
            Split::Test => self.sizes.images[2],
        }
    }

    /// The benchmark of a model.
    fn benchmark(&self, recipe: &Recipe, model: ModelName) -> Benchmark {
        let robustness = &recipe.robustness;
        let evaluated = self.evaluated(recipe);
        Benchmark {
            network: recipe.network_of(model),
            split: robustness.split,
            corruptions: robustness.corruptions.clone(),
            table: robustness.table,
            seed: recipe.shared_seed,
            seen: seen(recipe, model),
            images: match robustness.images {
                0 => evaluated,
                limit => limit.min(evaluated),
            },
        }
    }

    /// Baseline behind the blur that makes it as robust against noise as MTL-Monkey.
    fn blur(&mut self, recipe: &Recipe, seed: u64) -> Result<()> {
        let of = |model| self.networks.get(&(model, seed));
        let (Some(baseline), Some(monkey)) = (of(ModelName::Baseline), of(ModelName::MtlMonkey))
        else {
            return Ok(());
        };
        if !MatchBlur::applies(&recipe.robustness.corruptions) {
            return Ok(());
        }
        let task = MatchBlur {
            benchmark: self.benchmark(recipe, ModelName::Baseline),
        };
        let inputs = [
            ("data", self.data),
            ("model", baseline.train),
            ("plain", baseline.benchmark),
            ("target", monkey.benchmark),
        ];
        let name = format!("score baseline behind a blur, seed {seed}");
        let step = self.plan.add(name, task, &inputs)?;
        self.blurred.insert(seed, step);
        Ok(())
    }

    /// The reconstructions of all models of a seed, classified by all of them.
    fn cross(&mut self, recipe: &Recipe, seed: u64) -> Result<()> {
        let of_seed = self.networks.iter().filter(|((_, s), _)| *s == seed);
        let models: Vec<(ModelName, NetworkSteps)> = of_seed
            .map(|((model, _), steps)| (*model, *steps))
            .collect();
        let names: Vec<(String, StepId)> = models
            .iter()
            .flat_map(|(model, steps)| {
                [
                    (model_input(*model), steps.train),
                    (pictures_input(*model), steps.reconstruction),
                ]
            })
            .collect();
        let named = names.iter().map(|(name, id)| (name.as_str(), *id));
        let inputs: Vec<(&str, StepId)> = [("data", self.data)].into_iter().chain(named).collect();
        let task = CrossClassify {
            models: models
                .iter()
                .map(|(model, _)| (*model, recipe.network_of(*model)))
                .collect(),
            budgets: recipe.reconstruction.budgets.clone(),
            images: recipe.reconstruction.images,
        };
        let name = format!("classify reconstructions, seed {seed}");
        let step = self.plan.add(name, task, &inputs)?;
        self.cross.insert(seed, step);
        Ok(())
    }

    /// The attacks on one network, on the images of the benchmark.
    fn attacks(
        &mut self,
        recipe: &Recipe,
        model: ModelName,
        seed: u64,
        train: StepId,
        images: usize,
    ) -> Result<Option<StepId>> {
        let Some(config) = &recipe.attacks else {
            return Ok(None);
        };
        let task = AttackNetwork {
            network: recipe.network_of(model),
            split: recipe.robustness.split,
            config: config.clone(),
            seed: recipe.shared_seed,
            images: match config.images {
                0 => images,
                limit => limit.min(images),
            },
        };
        let name = format!("attack {model}, seed {seed}");
        let inputs = [("data", self.data), ("model", train)];
        Ok(Some(self.plan.add(name, task, &inputs)?))
    }

    /// The training of one network; for the Oracle also its first stage.
    fn train(
        &mut self,
        recipe: &Recipe,
        model: ModelName,
        seed: u64,
    ) -> Result<(StepId, Option<StepId>)> {
        recipe.check_model(model).map_err(|problem| Error::Recipe {
            name: recipe.name.clone(),
            problem,
        })?;
        let base = TrainNetwork {
            network: recipe.network_of(model),
            train: recipe.classification.clone(),
            augment: recipe.augment.clone(),
            corrupted: None,
            train_fraction: recipe.recording.train_fraction,
            seed,
            multi_task: false,
            sizes: self.sizes,
        };
        let data = ("data", self.data);
        match model {
            ModelName::Baseline | ModelName::BaselineLowpass => {
                let id = self
                    .plan
                    .add(format!("train {model}, seed {seed}"), base, &[data])?;
                Ok((id, None))
            }
            ModelName::Oracle => {
                let noisy = TrainNetwork {
                    corrupted: Some(recipe.oracle.clone()),
                    ..base.clone()
                };
                let name = format!("train {model} on corrupted images, seed {seed}");
                let first = self.plan.add(name, noisy, &[data])?;
                let name =
                    format!("train {model} on clean images, shared layers frozen, seed {seed}");
                let id = self.plan.add(name, base, &[data, ("frozen", first)])?;
                Ok((id, Some(first)))
            }
            _ => {
                let mut inputs = vec![data];
                if model != ModelName::MtlRecorded {
                    inputs.push(("targets", self.targets(recipe, model)?));
                }
                // Which target is of which session must be known where sessions differ.
                if model == ModelName::MtlRecorded || !recipe.network.readout_layers.is_empty() {
                    inputs.push(("recording", self.recording));
                }
                let task = TrainNetwork {
                    train: recipe.multi_task.clone(),
                    multi_task: true,
                    ..base
                };
                let name = format!("train {model}, seed {seed}");
                let id = self.plan.add(name, task, &inputs)?;
                Ok((id, None))
            }
        }
    }

    /// The neural targets of a co-trained model, the same for all seeds.
    fn targets(&mut self, recipe: &Recipe, model: ModelName) -> Result<StepId> {
        let (source, name, network) = if model == ModelName::MtlOracle {
            let (oracle, _) = self.train(recipe, ModelName::Oracle, recipe.teacher_seed)?;
            let readouts = self.plan.add(
                format!("fit readouts on oracle, seed {}", recipe.teacher_seed),
                self.readouts(recipe, ModelName::Oracle),
                &[
                    ("data", self.data),
                    ("recording", self.recording),
                    ("model", oracle),
                ],
            )?;
            let name = "predict targets from the Oracle's shared layers";
            (readouts, name, recipe.network.for_readouts())
        } else {
            let name = "predict targets with the V1 model";
            (self.v1, name, recipe.network_of_v1())
        };
        let predict = Predict { network };
        let inputs = [("data", self.data), ("readouts", source)];
        let predicted = self.plan.add(name, predict, &inputs)?;
        let Some(control) = model.control() else {
            return Ok(predicted);
        };
        let make = MakeControl {
            control,
            network: recipe.network_of_v1(),
            population: recipe.population.clone().unwrap_or_default(),
            seed: recipe.shared_seed,
            stimuli: self.sizes.stimuli.iter().sum(),
        };
        let inputs = [
            ("data", self.data),
            ("targets", predicted),
            ("readouts", source),
        ];
        let name = format!("make the targets of {model}");
        let made = self.plan.add(name, make, &inputs)?;
        self.controls.insert(model, made);
        Ok(made)
    }

    /// Readouts on the frozen shared layers of a trained network.
    fn readouts(&self, recipe: &Recipe, model: ModelName) -> FitReadouts {
        FitReadouts {
            network: recipe.network_of(model).for_readouts(),
            trunk: Trunk::Frozen,
            train: recipe.readouts.clone(),
            train_fraction: recipe.recording.train_fraction,
            seed: recipe.shared_seed,
            sizes: self.sizes,
        }
    }
}

/// The single-task V1 model.
fn fit_v1(recipe: &Recipe, seed: u64, sizes: Sizes) -> FitReadouts {
    FitReadouts {
        network: recipe.network_of_v1(),
        trunk: Trunk::Trained,
        train: recipe.v1.clone(),
        train_fraction: recipe.recording.train_fraction,
        seed,
        sizes,
    }
}

/// The corruptions that a model saw in training, itself or through its teacher.
pub(crate) fn seen(recipe: &Recipe, model: ModelName) -> Vec<Corruption> {
    match model {
        ModelName::Oracle | ModelName::MtlOracle => recipe.oracle.corruptions().to_vec(),
        _ => Vec::new(),
    }
}
