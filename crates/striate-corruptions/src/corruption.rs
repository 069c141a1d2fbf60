//! The names of the corruptions, their groups and severities.
//!
//! Invariant: the order of the variants is the order of the Python package
//! `imagecorruptions`, and a name is its function's name.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One of the 19 corruptions of Hendrycks and Dietterich (ICLR 2019).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Corruption {
    /// Independent Gaussian noise on each value.
    GaussianNoise,
    /// Poisson noise, as of a dim sensor.
    ShotNoise,
    /// Salt and pepper on single values.
    ImpulseNoise,
    /// The disk-shaped blur of a lens out of focus.
    DefocusBlur,
    /// Blur, local shuffling of pixels, blur: as through frosted glass.
    GlassBlur,
    /// A one-sided Gaussian along a random direction.
    MotionBlur,
    /// The mean of the image and enlarged copies.
    ZoomBlur,
    /// Whitened image under streaks of snow.
    Snow,
    /// The image under a photograph of frost.
    Frost,
    /// A diamond-square cloud over the image.
    Fog,
    /// Added HSV value.
    Brightness,
    /// Values drawn towards the mean of their channel.
    Contrast,
    /// Small smooth random displacements.
    ElasticTransform,
    /// Downscaling by areas, upscaling by repetition.
    Pixelate,
    /// A round trip through JPEG.
    JpegCompression,
    /// Gaussian noise proportional to the value.
    SpeckleNoise,
    /// Gaussian blur.
    GaussianBlur,
    /// Drops of water or mud.
    Spatter,
    /// Scaled HSV saturation.
    Saturate,
}

/// The groups in which scores are summarised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Gaussian, shot and impulse noise.
    Noise,
    /// Defocus, glass, motion and zoom blur.
    Blur,
    /// Snow, frost, fog and brightness.
    Weather,
    /// Contrast, elastic transform, pixelate and JPEG.
    Digital,
    /// The four that are held out of the benchmark for validation.
    Extra,
}

impl Group {
    /// The five groups.
    pub const ALL: [Self; 5] = [
        Self::Noise,
        Self::Blur,
        Self::Weather,
        Self::Digital,
        Self::Extra,
    ];

    /// The lower-case name, as in file names and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::Blur => "blur",
            Self::Weather => "weather",
            Self::Digital => "digital",
            Self::Extra => "extra",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

use Corruption as C;

impl Corruption {
    /// All 19, in the package's order.
    pub const ALL: [Self; 19] = [
        C::GaussianNoise,
        C::ShotNoise,
        C::ImpulseNoise,
        C::DefocusBlur,
        C::GlassBlur,
        C::MotionBlur,
        C::ZoomBlur,
        C::Snow,
        C::Frost,
        C::Fog,
        C::Brightness,
        C::Contrast,
        C::ElasticTransform,
        C::Pixelate,
        C::JpegCompression,
        C::SpeckleNoise,
        C::GaussianBlur,
        C::Spatter,
        C::Saturate,
    ];

    /// The 15 of the benchmark.
    pub const COMMON: [Self; 15] = [
        C::GaussianNoise,
        C::ShotNoise,
        C::ImpulseNoise,
        C::DefocusBlur,
        C::GlassBlur,
        C::MotionBlur,
        C::ZoomBlur,
        C::Snow,
        C::Frost,
        C::Fog,
        C::Brightness,
        C::Contrast,
        C::ElasticTransform,
        C::Pixelate,
        C::JpegCompression,
    ];

    /// The 14 of the study: the common ones without glass blur
    /// (reference: analyses 1.2), also the Oracle's training list (training 8.1).
    pub const STUDY: [Self; 14] = [
        C::GaussianNoise,
        C::ShotNoise,
        C::ImpulseNoise,
        C::DefocusBlur,
        C::MotionBlur,
        C::ZoomBlur,
        C::Snow,
        C::Frost,
        C::Fog,
        C::Brightness,
        C::Contrast,
        C::ElasticTransform,
        C::Pixelate,
        C::JpegCompression,
    ];

    /// The four held out for validation.
    pub const EXTRA: [Self; 4] = [C::SpeckleNoise, C::GaussianBlur, C::Spatter, C::Saturate];

    /// The corruptions that a list names, each once, in the package's order:
    /// names, or `all`, `common`, `study`, `extra`, with commas between them.
    ///
    /// # Errors
    ///
    /// If a name is none of these.
    pub fn select(list: &str) -> Result<Vec<Self>> {
        let mut selected = BTreeSet::new();
        for name in list.split(',').map(str::trim) {
            match name {
                "all" => selected.extend(Self::ALL),
                "common" => selected.extend(Self::COMMON),
                "study" => selected.extend(Self::STUDY),
                "extra" => selected.extend(Self::EXTRA),
                one => _ = selected.insert(one.parse()?),
            }
        }
        Ok(selected.into_iter().collect())
    }

    /// The name, as in folders and in the Python package.
    pub fn name(self) -> &'static str {
        match self {
            C::GaussianNoise => "gaussian_noise",
            C::ShotNoise => "shot_noise",
            C::ImpulseNoise => "impulse_noise",
            C::DefocusBlur => "defocus_blur",
            C::GlassBlur => "glass_blur",
            C::MotionBlur => "motion_blur",
            C::ZoomBlur => "zoom_blur",
            C::Snow => "snow",
            C::Frost => "frost",
            C::Fog => "fog",
            C::Brightness => "brightness",
            C::Contrast => "contrast",
            C::ElasticTransform => "elastic_transform",
            C::Pixelate => "pixelate",
            C::JpegCompression => "jpeg_compression",
            C::SpeckleNoise => "speckle_noise",
            C::GaussianBlur => "gaussian_blur",
            C::Spatter => "spatter",
            C::Saturate => "saturate",
        }
    }

    /// The group of Hendrycks and Dietterich: glass blur is a blur, snow is weather.
    pub fn group(self) -> Group {
        match self {
            C::GaussianNoise | C::ShotNoise | C::ImpulseNoise => Group::Noise,
            C::DefocusBlur | C::GlassBlur | C::MotionBlur | C::ZoomBlur => Group::Blur,
            C::Snow | C::Frost | C::Fog | C::Brightness => Group::Weather,
            C::Contrast | C::ElasticTransform | C::Pixelate | C::JpegCompression => Group::Digital,
            C::SpeckleNoise | C::GaussianBlur | C::Spatter | C::Saturate => Group::Extra,
        }
    }

    /// Whether the result depends on random draws.
    pub fn is_random(self) -> bool {
        !matches!(
            self,
            C::DefocusBlur
                | C::ZoomBlur
                | C::Brightness
                | C::Contrast
                | C::Pixelate
                | C::JpegCompression
                | C::GaussianBlur
                | C::Saturate
        )
    }
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Corruption {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|c| c.name() == name)
            .ok_or_else(|| Error::Name {
                found: name.into(),
                expected: Self::ALL.map(Self::name).join(", "),
            })
    }
}

/// How strong a corruption is: 1 (weak) to 5 (strong).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Severity(u8);

impl Severity {
    /// The five severities.
    pub const ALL: [Self; 5] = [Self(1), Self(2), Self(3), Self(4), Self(5)];

    /// # Errors
    ///
    /// If `level` is not in 1..=5.
    pub fn new(level: u8) -> Result<Self> {
        if (1..=5).contains(&level) {
            Ok(Self(level))
        } else {
            Err(Error::Severity {
                found: level.to_string(),
            })
        }
    }

    /// The severities that a list names, each once, in order: numbers or `all`,
    /// with commas between them.
    ///
    /// # Errors
    ///
    /// If a number is not in 1..=5.
    pub fn select(list: &str) -> Result<Vec<Self>> {
        let mut selected = BTreeSet::new();
        for level in list.split(',').map(str::trim) {
            match level {
                "all" => selected.extend(Self::ALL),
                one => _ = selected.insert(one.parse()?),
            }
        }
        Ok(selected.into_iter().collect())
    }

    /// The number, 1 to 5.
    pub fn get(self) -> u8 {
        self.0
    }

    /// The place in a table of constants, 0 to 4.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0 - 1)
    }
}

impl TryFrom<u8> for Severity {
    type Error = Error;

    fn try_from(level: u8) -> Result<Self> {
        Self::new(level)
    }
}

impl From<Severity> for u8 {
    fn from(severity: Severity) -> Self {
        severity.0
    }
}

impl FromStr for Severity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.parse::<u8>() {
            Ok(level) => Self::new(level),
            Err(_) => Err(Error::Severity { found: text.into() }),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
