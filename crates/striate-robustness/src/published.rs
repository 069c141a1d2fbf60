//! The study's published robustness numbers, for display beside one's own.
//! Invariant: scores are relative to Baseline = 1, and each number has its source.
//!
//! They are the state of 3-10 March 2021 (outputs of the authors' public notebook
//! `shahd_paper.ipynb` in `sinzlab/orbit_transfer_recipes`; `analyses.md` 1.6 and
//! 1.7), an earlier state than the tables of the NeurIPS 2021 paper, whose final
//! numbers may differ. Five seeds per model, VGG-19-BN on gray TinyImageNet, 14
//! corruptions at severities 1 to 5; which corrupted test set was used, and
//! whether severities were pooled by ratio of sums, could not be verified.

use crate::corruptions::{Group, STUDY};

/// Where the numbers come from, for a caption.
pub const PROVENANCE: &str = "Safarani et al. 2021, scores stored in the authors' public notebook \
of March 2021 (5 seeds, VGG-19 with batch norm, gray TinyImageNet, 14 corruptions without glass \
blur; bootstrap standard errors, of groups the root mean square). The printed tables of the paper \
could not be read and may differ.";

/// A published value with its bootstrap standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// Relative to Baseline = 1.
    pub value: f64,
    /// Bootstrap standard error over 5 seeds; of a group: the root mean square
    /// of its members' errors, as plotted in the study.
    pub error: f64,
}

/// The published scores of one model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublishedModel {
    /// The model's name here: `mtl_monkey`, ...
    pub model: &'static str,
    /// The model's name in the study.
    pub title: &'static str,
    /// The mean over the 14 corruptions.
    pub overall: Published,
    /// Noise, Blur, Weather (with snow) and Digital, recomputed from the scores
    /// per corruption (rounded to 0.001).
    pub groups: [Published; 4],
    /// Weather without snow, as plotted.
    pub weather_as_plotted: Published,
    /// Per corruption, in the order of [`STUDY`].
    pub corruptions: [Published; 14],
}

impl PublishedModel {
    /// The score of a group, with snow in Weather.
    pub fn group(&self, group: Group) -> Published {
        self.groups[group as usize]
    }

    /// The score of a corruption; `None` outside the study's 14.
    pub fn corruption(&self, name: &str) -> Option<Published> {
        let index = STUDY.iter().position(|c| *c == name)?;
        Some(self.corruptions[index])
    }
}

/// The published scores of a model; `None` for others (Baseline is 1 by definition).
pub fn published(model: &str) -> Option<&'static PublishedModel> {
    SCORES.iter().find(|m| m.model == model)
}

/// Shorthand for the tables below.
const fn p(value: f64, error: f64) -> Published {
    Published { value, error }
}

/// The four models that the study compares with its Baseline.
pub const SCORES: [PublishedModel; 4] = [
    PublishedModel {
        model: "mtl_monkey",
        title: "MTL-Monkey",
        overall: p(1.141074, 0.0403),
        groups: [
            p(1.150, 0.030),
            p(1.167, 0.061),
            p(0.955, 0.034),
            p(1.301, 0.066),
        ],
        weather_as_plotted: p(0.926, 0.035),
        corruptions: [
            p(1.167573, 0.034598), // gaussian_noise
            p(1.144594, 0.032335), // shot_noise
            p(1.138250, 0.021733), // impulse_noise
            p(1.279087, 0.064922), // defocus_blur
            p(1.122406, 0.056671), // motion_blur
            p(1.099802, 0.059780), // zoom_blur
            p(1.042782, 0.032240), // snow
            p(0.939350, 0.034341), // frost
            p(0.871417, 0.043149), // fog
            p(0.967092, 0.025714), // brightness
            p(0.866644, 0.034200), // contrast
            p(1.225099, 0.057011), // elastic_transform
            p(1.637580, 0.096053), // pixelate
            p(1.473364, 0.061638), // jpeg_compression
        ],
    },
    PublishedModel {
        model: "mtl_shuffled",
        title: "MTL-Shuffled",
        overall: p(0.963281, 0.0279),
        groups: [
            p(0.890, 0.017),
            p(1.018, 0.045),
            p(0.952, 0.032),
            p(0.989, 0.043),
        ],
        weather_as_plotted: p(0.950, 0.034),
        corruptions: [
            p(0.888747, 0.020166), // gaussian_noise
            p(0.871519, 0.018583), // shot_noise
            p(0.909120, 0.010691), // impulse_noise
            p(1.035809, 0.034238), // defocus_blur
            p(1.056120, 0.052523), // motion_blur
            p(0.962261, 0.047505), // zoom_blur
            p(0.957724, 0.023890), // snow
            p(0.887195, 0.025113), // frost
            p(1.029327, 0.049150), // fog
            p(0.932391, 0.019873), // brightness
            p(0.932980, 0.037786), // contrast
            p(1.171720, 0.041968), // elastic_transform
            p(0.894324, 0.050143), // pixelate
            p(0.956698, 0.039306), // jpeg_compression
        ],
    },
    PublishedModel {
        model: "mtl_oracle",
        title: "MTL-Oracle",
        overall: p(1.217437, 0.0443),
        groups: [
            p(1.228, 0.033),
            p(1.152, 0.070),
            p(1.169, 0.044),
            p(1.307, 0.069),
        ],
        weather_as_plotted: p(1.159, 0.047),
        corruptions: [
            p(1.210221, 0.038744), // gaussian_noise
            p(1.183755, 0.033200), // shot_noise
            p(1.289176, 0.027277), // impulse_noise
            p(1.065835, 0.083245), // defocus_blur
            p(1.211223, 0.061996), // motion_blur
            p(1.179692, 0.063278), // zoom_blur
            p(1.200170, 0.035447), // snow
            p(1.167119, 0.036892), // frost
            p(1.241655, 0.067170), // fog
            p(1.069012, 0.027334), // brightness
            p(1.256430, 0.058040), // contrast
            p(1.267420, 0.062267), // elastic_transform
            p(1.449627, 0.088651), // pixelate
            p(1.252786, 0.062931), // jpeg_compression
        ],
    },
    PublishedModel {
        model: "oracle",
        title: "Oracle",
        overall: p(1.237472, 0.0376),
        groups: [
            p(1.249, 0.031),
            p(1.099, 0.052),
            p(1.202, 0.041),
            p(1.368, 0.067),
        ],
        weather_as_plotted: p(1.183, 0.044),
        corruptions: [
            p(1.196349, 0.029185), // gaussian_noise
            p(1.191854, 0.028887), // shot_noise
            p(1.360187, 0.034364), // impulse_noise
            p(0.996387, 0.039887), // defocus_blur
            p(1.078156, 0.050567), // motion_blur
            p(1.223502, 0.064046), // zoom_blur
            p(1.257592, 0.032321), // snow
            p(1.206457, 0.033766), // frost
            p(1.231170, 0.063489), // fog
            p(1.112679, 0.025330), // brightness
            p(1.381197, 0.065245), // contrast
            p(1.094991, 0.040771), // elastic_transform
            p(1.591931, 0.094850), // pixelate
            p(1.402158, 0.055622), // jpeg_compression
        ],
    },
];

/// One setting of the study's batch ratio: mean over 5 seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublishedRatio {
    /// `k >= 1`: k neural batches per classification batch; `-k`: one neural
    /// batch every k classification batches.
    pub key: i32,
    /// Robustness score and its standard deviation over seeds, Baseline = 1.
    pub robustness: Published,
    /// Mean correlation between predicted responses and their (noise-free) targets.
    pub neural_correlation: f64,
    /// Clean accuracy in `[0, 1]`.
    pub clean: f64,
}

const fn ratio(key: i32, score: f64, sd: f64, neural: f64, clean: f64) -> PublishedRatio {
    PublishedRatio {
        key,
        robustness: p(score, sd),
        neural_correlation: neural,
        clean,
    }
}

/// MTL-Monkey over batch ratios (`analyses.md` 1.7).
pub const RATIOS: [PublishedRatio; 12] = [
    ratio(-15, 1.016, 0.071, 0.7439, 0.4675),
    ratio(-10, 1.112, 0.062, 0.8075, 0.4840),
    ratio(-7, 1.123, 0.081, 0.8478, 0.4747),
    ratio(-5, 1.116, 0.094, 0.8726, 0.4746),
    ratio(-4, 1.113, 0.073, 0.8857, 0.4696),
    ratio(-3, 1.143, 0.086, 0.8967, 0.4735),
    ratio(-2, 1.104, 0.070, 0.9139, 0.4681),
    ratio(1, 1.148, 0.060, 0.9302, 0.4629),
    ratio(2, 1.162, 0.103, 0.9366, 0.4552),
    ratio(3, 1.129, 0.101, 0.9379, 0.4437),
    ratio(4, 1.122, 0.075, 0.9378, 0.4431),
    ratio(5, 1.159, 0.111, 0.9349, 0.4522),
];

/// A coefficient of the study's printed regression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublishedCoefficient {
    /// The column, named as in [`crate::regression::study`].
    pub name: &'static str,
    /// The estimate.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Its two-sided p-value.
    pub p: f64,
}

const fn b(name: &'static str, value: f64, standard_error: f64, p: f64) -> PublishedCoefficient {
    PublishedCoefficient {
        name,
        value,
        standard_error,
        p,
    }
}

/// `robustness ~ clean + neural` over 60 runs: robustness and clean accuracy in
/// percent, neural prediction as a correlation (`analyses.md` 1.7; R2 0.338).
pub const REGRESSION: [PublishedCoefficient; 3] = [
    b("intercept", -77.68, 36.60, 0.038),
    b("clean", 2.470, 0.580, 7.8e-5),
    b("neural", 84.68, 17.25, 8.1e-6),
];

/// Clean accuracy of one stored Baseline (gray TinyImageNet, seed 1000).
pub const BASELINE_CLEAN: f64 = 0.4951;

#[cfg(test)]
mod tests;
