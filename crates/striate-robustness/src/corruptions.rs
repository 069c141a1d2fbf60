//! Names and groups of the common corruptions. Invariant: plain strings, so that
//! accuracies of any framework can be scored; a name outside the known list is
//! allowed everywhere but in a group.

use serde::{Deserialize, Serialize};

/// The name of the pseudo-corruption at severity 0: the clean test set.
pub const CLEAN: &str = "clean";

/// The 15 common corruptions of ImageNet-C, in Hendrycks' order.
pub const COMMON: [&str; 15] = [
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
];

/// The 14 corruptions of the study: without glass blur (`analyses.md` 1.2).
pub const STUDY: [&str; 14] = [
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
];

/// The four extra corruptions of ImageNet-C, meant for validation.
pub const EXTRA: [&str; 4] = ["speckle_noise", "gaussian_blur", "spatter", "saturate"];

/// Position of a corruption in the usual order; unknown names come last.
pub(crate) fn order(name: &str) -> usize {
    COMMON
        .iter()
        .chain(&EXTRA)
        .position(|c| *c == name)
        .unwrap_or(usize::MAX)
}

/// A group of corruptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Gaussian, shot and impulse noise.
    Noise,
    /// Defocus, (glass,) motion and zoom blur.
    Blur,
    /// (Snow,) frost, fog and brightness.
    Weather,
    /// Contrast, elastic transform, pixelate and JPEG.
    Digital,
}

impl Group {
    /// All groups, in the usual order.
    pub const ALL: [Self; 4] = [Self::Noise, Self::Blur, Self::Weather, Self::Digital];

    /// The English name, capitalised.
    pub fn name(self) -> &'static str {
        match self {
            Self::Noise => "Noise",
            Self::Blur => "Blur",
            Self::Weather => "Weather",
            Self::Digital => "Digital",
        }
    }
}

/// How corruptions are put into groups (`analyses.md` 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// The study's groups (no glass blur), with snow in Weather, where it belongs.
    #[default]
    Study,
    /// The groups as plotted in the study: snow is in no group, though it is in
    /// the overall mean. For comparison with the published figures only.
    StudyAsPlotted,
    /// ImageNet-C: snow in Weather and glass blur in Blur.
    ImageNetC,
}

impl Grouping {
    /// The group of a corruption; `None` if it belongs to none.
    pub fn group(self, corruption: &str) -> Option<Group> {
        Group::ALL
            .into_iter()
            .find(|g| self.members(*g).contains(&corruption))
    }

    /// The members of a group, in the usual order.
    pub fn members(self, group: Group) -> &'static [&'static str] {
        match (group, self) {
            (Group::Noise, _) => &["gaussian_noise", "shot_noise", "impulse_noise"],
            (Group::Blur, Self::ImageNetC) => {
                &["defocus_blur", "glass_blur", "motion_blur", "zoom_blur"]
            }
            (Group::Blur, _) => &["defocus_blur", "motion_blur", "zoom_blur"],
            (Group::Weather, Self::StudyAsPlotted) => &["frost", "fog", "brightness"],
            (Group::Weather, _) => &["snow", "frost", "fog", "brightness"],
            (Group::Digital, _) => &[
                "contrast",
                "elastic_transform",
                "pixelate",
                "jpeg_compression",
            ],
        }
    }
}

/// Which corruptions enter an overall mean.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// The 14 of the study.
    #[default]
    Study,
    /// The 15 of ImageNet-C.
    Common,
    /// Every corruption of the grid.
    All,
    /// These.
    Only(Vec<String>),
}

impl Selection {
    /// The names, given those that the grid holds.
    pub fn names(&self, grid: &[String]) -> Vec<String> {
        match self {
            Self::Study => STUDY.iter().map(|s| (*s).to_owned()).collect(),
            Self::Common => COMMON.iter().map(|s| (*s).to_owned()).collect(),
            Self::All => grid.to_vec(),
            Self::Only(names) => names.clone(),
        }
    }
}
