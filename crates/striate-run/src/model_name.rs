//! The five models of the study, and their controls.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::study::controls::Control;

/// A model of the study, or one of the controls that it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelName {
    /// Classification only.
    Baseline,
    /// Co-trained on the responses that the V1 model predicts.
    MtlMonkey,
    /// Co-trained on the same responses, permuted over images.
    MtlShuffled,
    /// Shared layers trained on corrupted images, then frozen.
    Oracle,
    /// Co-trained on responses predicted from the Oracle's shared layers.
    MtlOracle,
    /// Co-trained on the recorded responses themselves, trial by trial.
    MtlRecorded,
    /// Co-trained on the responses, permuted among stimuli of one photograph or class.
    MtlShuffledWithin,
    /// Co-trained on normal values with the responses' mean and covariance.
    MtlGaussian,
    /// Co-trained on random projections of the pixels.
    MtlPixels,
    /// Co-trained on an untrained network of the same layers.
    MtlRandom,
    /// Co-trained on a bank of Gabor cells.
    MtlGabor,
    /// Co-trained on predicted responses to phase-scrambled stimuli.
    MtlScrambled,
    /// Classification only, of images behind a blur, in training and afterwards.
    BaselineLowpass,
}

impl ModelName {
    /// All models: the study's, in the order of its figures, then recorded instead of
    /// predicted responses, then the other controls, from what has the least of the
    /// responses to what has the most.
    pub const ALL: [Self; 13] = [
        Self::Baseline,
        Self::MtlMonkey,
        Self::MtlShuffled,
        Self::MtlOracle,
        Self::Oracle,
        Self::MtlRecorded,
        Self::BaselineLowpass,
        Self::MtlGaussian,
        Self::MtlShuffledWithin,
        Self::MtlPixels,
        Self::MtlRandom,
        Self::MtlGabor,
        Self::MtlScrambled,
    ];

    /// Whether it is trained on neural targets, too.
    pub fn co_trained(self) -> bool {
        !matches!(self, Self::Baseline | Self::BaselineLowpass | Self::Oracle)
    }

    /// Whether the gain of co-training on responses must be larger than what it gains.
    pub(crate) fn is_control(self) -> bool {
        self == Self::BaselineLowpass || self.control().is_some()
    }

    /// What stands in for the responses in its co-training.
    pub(crate) fn control(self) -> Option<Control> {
        match self {
            Self::Baseline
            | Self::BaselineLowpass
            | Self::MtlMonkey
            | Self::MtlOracle
            | Self::MtlRecorded
            | Self::Oracle => None,
            Self::MtlShuffled => Some(Control::Shuffled),
            Self::MtlShuffledWithin => Some(Control::ShuffledWithin),
            Self::MtlGaussian => Some(Control::Gaussian),
            Self::MtlPixels => Some(Control::Pixels),
            Self::MtlRandom => Some(Control::RandomNetwork),
            Self::MtlGabor => Some(Control::Gabor),
            Self::MtlScrambled => Some(Control::Scrambled),
        }
    }

    /// The name in recipes, tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::MtlMonkey => "mtl_monkey",
            Self::MtlShuffled => "mtl_shuffled",
            Self::Oracle => "oracle",
            Self::MtlOracle => "mtl_oracle",
            Self::MtlRecorded => "mtl_recorded",
            Self::MtlShuffledWithin => "mtl_shuffled_within",
            Self::MtlGaussian => "mtl_gaussian",
            Self::MtlPixels => "mtl_pixels",
            Self::MtlRandom => "mtl_random",
            Self::MtlGabor => "mtl_gabor",
            Self::MtlScrambled => "mtl_scrambled",
            Self::BaselineLowpass => "baseline_lowpass",
        }
    }
}

/// What can be trained alone: a model, or the model of the recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trainable {
    /// A model of the study.
    Model(ModelName),
    /// The single-task V1 model: the shared layers and a readout for each session.
    V1,
}

impl fmt::Display for Trainable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(model) => model.fmt(f),
            Self::V1 => f.write_str("v1"),
        }
    }
}

impl FromStr for Trainable {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "v1" => Ok(Self::V1),
            _ => text.parse().map(Self::Model).map_err(|e| match e {
                Error::UnknownModel { name, known } => Error::UnknownModel {
                    name,
                    known: format!("{known}, v1"),
                },
                e => e,
            }),
        }
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ModelName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|m| m.name() == text)
            .ok_or_else(|| Error::UnknownModel {
                name: text.to_owned(),
                known: Self::ALL.map(Self::name).join(", "),
            })
    }
}
