//! What a network looks like, as a recipe states it. Invariant: nothing here is
//! trusted; [`VggConfig::check`] turns it into a [`Plan`] or says what is wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use striate_nn::ReadoutConfig;

use super::{LayerName, Plan};
use crate::{Error, SeCoreConfig};

/// A VGG network with its shared part and its classification head.
///
/// Each block is a row of 3x3 convolutions (stride 1, padding 1, with bias), each
/// followed by batch norm (optional) and ReLU, and ends with a 2x2 max pool
/// (training.md 3.1). The default is the study's network: VGG-19 with batch norm,
/// shared up to and including conv3_1, on gray 64x64 images with 200 classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VggConfig {
    /// Channels of the first convolution: 1 or 3. With 3, gray images are
    /// replicated to three equal channels, as the study does.
    pub in_channels: usize,
    /// The width of every convolution, block by block.
    pub blocks: Vec<Vec<usize>>,
    /// Whether a batch norm follows each convolution.
    pub batch_norm: bool,
    /// Whether the shared layers keep running statistics for each task. The study's are
    /// one for both (training.md 9), which is right as long as both tasks see images of
    /// one kind: otherwise evaluation normalises by a mixture that neither task was
    /// trained with.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub statistics_per_task: bool,
    /// Deviation, in pixels, of a Gaussian blur that every image passes before the first
    /// convolution, in training and afterwards; 0 for none. The control that a mere
    /// preference for low frequencies is (analyses.md 6, its last sentence).
    #[serde(skip_serializing_if = "is_zero")]
    pub lowpass_sigma_px: f64,
    /// The last shared layer: the trunk ends after its batch norm and ReLU. A pool
    /// that follows it belongs to the unshared part.
    pub split: LayerName,
    /// Without a head only: a squeeze-excitation core instead of the convolutions up to
    /// the split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core: Option<SeCoreConfig>,
    /// What stands on the features.
    pub head: Head,
    /// The kind of the readouts on the shared map. The study's by default.
    #[serde(skip_serializing_if = "is_study")]
    pub readout: ReadoutConfig,
    /// Sessions whose readout looks at another layer than the split, as those of a second
    /// area do. A layer beyond the split is trained by both tasks, too.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub readout_layers: BTreeMap<String, LayerName>,
    /// Number of classes.
    pub classes: usize,
    /// Height and width of the images, in pixels.
    pub input_size: usize,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

fn is_study(readout: &ReadoutConfig) -> bool {
    *readout == ReadoutConfig::study()
}

/// The classification head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Head {
    /// 1x1 convolutions with ReLU and dropout between them, then the global
    /// maximum of each class map (training.md 3.2). The study's.
    Conv {
        /// Widths of the hidden 1x1 convolutions.
        hidden: Vec<usize>,
        /// Probability of dropping an element after each hidden ReLU.
        dropout: f32,
    },
    /// Linear layers on the flattened map, ReLU and dropout between them.
    Dense {
        /// Widths of the hidden linear layers.
        hidden: Vec<usize>,
        /// Probability of dropping an element after each hidden ReLU.
        dropout: f32,
    },
    /// No head and no unshared layers: the network of the single-task V1 model,
    /// which ends at the split.
    None,
}

impl Head {
    /// The study's head: two hidden 1x1 convolutions of 4096, dropout 0.5.
    pub fn study() -> Self {
        Self::Conv {
            hidden: vec![4096, 4096],
            dropout: 0.5,
        }
    }
}

/// A published member of the VGG family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// 8 convolutions.
    Vgg11,
    /// 10 convolutions.
    Vgg13,
    /// 13 convolutions.
    Vgg16,
    /// 16 convolutions; the study's.
    Vgg19,
}

impl Preset {
    /// Convolutions per block (Simonyan and Zisserman 2015, table 1, columns A, B, D, E).
    pub fn depths(self) -> [usize; 5] {
        match self {
            Self::Vgg11 => [1, 1, 2, 2, 2],
            Self::Vgg13 => [2, 2, 2, 2, 2],
            Self::Vgg16 => [2, 2, 3, 3, 3],
            Self::Vgg19 => [2, 2, 4, 4, 4],
        }
    }

    /// The widths of every layer, block by block; `width` is that of the first
    /// block (64 in the papers), and each block doubles it up to eight times.
    pub fn blocks(self, width: usize) -> Vec<Vec<usize>> {
        self.depths()
            .iter()
            .zip([1, 2, 4, 8, 8])
            .map(|(depth, factor)| vec![width * factor; *depth])
            .collect()
    }
}

impl VggConfig {
    /// A network of the family with its published widths, otherwise the default.
    pub fn preset(preset: Preset, batch_norm: bool) -> Self {
        Self {
            blocks: preset.blocks(64),
            batch_norm,
            ..Self::default()
        }
    }

    /// The same network without head, and without the layers that no readout needs: the
    /// single-task V1 model. It ends at the split, or at the deepest readout beyond it.
    #[must_use]
    pub fn headless(&self) -> Self {
        Self {
            head: Head::None,
            split: self.deepest(),
            ..self.single_task()
        }
    }

    /// The network as readouts on its frozen layers need it: without head, unless a
    /// readout lies beyond the split, among the classifier's layers.
    #[must_use]
    pub fn for_readouts(&self) -> Self {
        if self.deepest() == self.split {
            self.headless()
        } else {
            self.single_task()
        }
    }

    /// The last layer that a readout looks at; the split, if none lies beyond it.
    pub(crate) fn deepest(&self) -> LayerName {
        let layers = self.readout_layers.values().copied();
        layers.fold(self.split, LayerName::max)
    }

    /// The same network for one task alone, which has one set of running statistics.
    #[must_use]
    pub fn single_task(&self) -> Self {
        Self {
            statistics_per_task: false,
            ..self.clone()
        }
    }

    /// The checked form.
    ///
    /// # Errors
    ///
    /// If a width, the split, the head, the number of classes or the input size
    /// does not fit; the message names the field.
    pub fn check(&self) -> Result<Plan, Error> {
        Plan::new(self)
    }
}

impl Default for VggConfig {
    fn default() -> Self {
        Self {
            in_channels: 3,
            blocks: Preset::Vgg19.blocks(64),
            batch_norm: true,
            statistics_per_task: false,
            lowpass_sigma_px: 0.0,
            split: LayerName::STUDY,
            core: None,
            head: Head::study(),
            readout: ReadoutConfig::study(),
            readout_layers: BTreeMap::new(),
            classes: 200,
            input_size: 64,
        }
    }
}
