//! The constants of each severity, as data.
//!
//! Invariant: nothing else in the crate holds a constant that differs between
//! severities or tables. Sources: the Python package `imagecorruptions` 1.1.2
//! and `make_tinyimagenet_c.py`, `make_cifar_c.py` of `hendrycks/robustness`
//! (all Apache-2.0); reference: analyses 1.3.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Corruption, Error, Result, Severity};

/// Which published set of constants.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Table {
    /// The Python package `imagecorruptions`: ImageNet's scale, at any size.
    #[default]
    #[serde(rename = "imagecorruptions")]
    ImageCorruptions,
    /// The generator of the published Tiny-ImageNet-C (64x64), with its final
    /// JPEG at quality 85.
    #[serde(rename = "tiny-imagenet-c")]
    TinyImageNetC,
    /// The generator of the published CIFAR-10-C (32x32).
    #[serde(rename = "cifar-c")]
    CifarC,
}

impl Table {
    /// The three tables.
    pub const ALL: [Self; 3] = [Self::ImageCorruptions, Self::TinyImageNetC, Self::CifarC];

    /// The name, as on the command line and in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::ImageCorruptions => "imagecorruptions",
            Self::TinyImageNetC => "tiny-imagenet-c",
            Self::CifarC => "cifar-c",
        }
    }

    pub(crate) fn constants(self) -> &'static Constants {
        match self {
            Self::ImageCorruptions => &IMAGE_CORRUPTIONS,
            Self::TinyImageNetC => &TINY_IMAGENET_C,
            Self::CifarC => &CIFAR_C,
        }
    }

    /// The constants of one corruption at one severity, in words: for manifests
    /// and for `explain`.
    pub fn describe(self, corruption: Corruption, severity: Severity) -> String {
        let t = self.constants();
        let i = severity.index();
        match corruption {
            Corruption::GaussianNoise => format!("deviation {}", t.gaussian_noise[i]),
            Corruption::ShotNoise => format!("photons {}", t.shot_noise[i]),
            Corruption::ImpulseNoise => format!("fraction {}", t.impulse_noise[i]),
            Corruption::SpeckleNoise => format!("deviation {} of the value", t.speckle_noise[i]),
            Corruption::DefocusBlur => {
                let (radius, sigma) = t.defocus_blur[i];
                format!("disk radius {radius} px, edge sigma {sigma} px")
            }
            Corruption::GlassBlur => {
                let (sigma, shift, rounds) = t.glass_blur[i];
                format!("sigma {sigma} px, shift {shift} px, rounds {rounds}")
            }
            Corruption::MotionBlur => {
                let (radius, sigma) = t.motion_blur[i];
                format!("radius {radius} px, sigma {sigma} px")
            }
            Corruption::ZoomBlur => {
                let (stop, step) = t.zoom_blur[i];
                format!("factors 1 to below {stop} in steps of {step}")
            }
            Corruption::GaussianBlur => format!("sigma {} px", t.gaussian_blur[i]),
            Corruption::Snow => {
                let s = &t.snow[i];
                format!(
                    "mean {}, deviation {}, zoom {}, threshold {}, radius {} px, sigma {} px, mix {}",
                    s.mean, s.deviation, s.zoom, s.threshold, s.radius, s.sigma, s.mix
                )
            }
            Corruption::Frost => {
                let (image, frost) = t.frost[i];
                format!("image {image}, frost {frost}")
            }
            Corruption::Fog => {
                let (amplitude, decay) = t.fog[i];
                format!("amplitude {amplitude}, decay {decay}")
            }
            Corruption::Brightness => format!("value +{}", t.brightness[i]),
            Corruption::Contrast => format!("scale {}", t.contrast[i]),
            Corruption::Saturate => {
                let (scale, offset) = t.saturate[i];
                format!("saturation x{scale} + {offset}")
            }
            Corruption::Pixelate => format!("scale {}", t.pixelate[i]),
            Corruption::JpegCompression => format!("quality {}", t.jpeg_compression[i]),
            Corruption::ElasticTransform => match t.elastic_transform {
                Elastic::Package(alpha) => format!("alpha {}", alpha[i]),
                Elastic::Affine(rows) => {
                    let (alpha, sigma, affine) = rows[i];
                    format!("alpha {alpha}, sigma {sigma}, affine {affine} (of the side)")
                }
            },
            Corruption::Spatter => {
                let s = &t.spatter[i];
                format!(
                    "mean {}, deviation {}, sigma {} px, threshold {}, strength {}, {}",
                    s.mean,
                    s.deviation,
                    s.sigma,
                    s.threshold,
                    s.strength,
                    if s.mud { "mud" } else { "water" }
                )
            }
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Table {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|t| t.name() == name)
            .ok_or_else(|| Error::TableName { found: name.into() })
    }
}

/// One row of snow.
pub(crate) struct Snow {
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
    pub(crate) zoom: f64,
    pub(crate) threshold: f64,
    pub(crate) radius: usize,
    pub(crate) sigma: f64,
    pub(crate) mix: f64,
}

/// One row of spatter.
pub(crate) struct Spatter {
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
    pub(crate) sigma: f64,
    pub(crate) threshold: f64,
    /// Opacity of water, or the blur in px of the mud's edge.
    pub(crate) strength: f64,
    pub(crate) mud: bool,
}

/// The two elastic transforms.
pub(crate) enum Elastic {
    /// Displacements of 0.005 of the height, times alpha.
    Package([f64; 5]),
    /// (alpha, sigma, affine jitter), each as a fraction of the side.
    Affine([(f64, f64, f64); 5]),
}

/// Whose code a table belongs to, where the two differ in more than constants.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Generator {
    /// `imagecorruptions`.
    Package,
    /// The small-image generators of `hendrycks/robustness`.
    Small {
        /// How much the frost textures are scaled.
        frost_scale: f64,
        /// Where the textures of that scale are kept (0 is the package's).
        kept: usize,
    },
}

/// All constants of one table, by severity.
pub(crate) struct Constants {
    pub(crate) generator: Generator,
    /// JPEG quality of the published files, applied after every corruption.
    pub(crate) final_jpeg: Option<u8>,
    pub(crate) gaussian_noise: [f64; 5],
    pub(crate) shot_noise: [f64; 5],
    pub(crate) impulse_noise: [f64; 5],
    pub(crate) speckle_noise: [f64; 5],
    /// Radius of the disk and sigma of its edge, px.
    pub(crate) defocus_blur: [(f64, f64); 5],
    /// Sigma px, largest shift px, rounds.
    pub(crate) glass_blur: [(f64, usize, usize); 5],
    /// Radius px, sigma px.
    pub(crate) motion_blur: [(usize, f64); 5],
    /// End (exclusive) and step of the factors, which start at 1.
    pub(crate) zoom_blur: [(f64, f64); 5],
    pub(crate) gaussian_blur: [f64; 5],
    pub(crate) snow: [Snow; 5],
    /// Weights of the image and of the texture.
    pub(crate) frost: [(f64, f64); 5],
    /// Amplitude and decay per octave.
    pub(crate) fog: [(f64, f64); 5],
    pub(crate) brightness: [f64; 5],
    pub(crate) contrast: [f64; 5],
    pub(crate) elastic_transform: Elastic,
    pub(crate) pixelate: [f64; 5],
    pub(crate) jpeg_compression: [u8; 5],
    pub(crate) spatter: [Spatter; 5],
    /// Factor and offset of the saturation.
    pub(crate) saturate: [(f64, f64); 5],
}

const fn snow(row: (f64, f64, f64, f64, usize, f64, f64)) -> Snow {
    Snow {
        mean: row.0,
        deviation: row.1,
        zoom: row.2,
        threshold: row.3,
        radius: row.4,
        sigma: row.5,
        mix: row.6,
    }
}

const fn spatter(row: (f64, f64, f64, f64, f64, bool)) -> Spatter {
    Spatter {
        mean: row.0,
        deviation: row.1,
        sigma: row.2,
        threshold: row.3,
        strength: row.4,
        mud: row.5,
    }
}

static IMAGE_CORRUPTIONS: Constants = Constants {
    generator: Generator::Package,
    final_jpeg: None,
    gaussian_noise: [0.08, 0.12, 0.18, 0.26, 0.38],
    shot_noise: [60.0, 25.0, 12.0, 5.0, 3.0],
    impulse_noise: [0.03, 0.06, 0.09, 0.17, 0.27],
    speckle_noise: [0.15, 0.2, 0.35, 0.45, 0.6],
    defocus_blur: [(3.0, 0.1), (4.0, 0.5), (6.0, 0.5), (8.0, 0.5), (10.0, 0.5)],
    glass_blur: [
        (0.7, 1, 2),
        (0.9, 2, 1),
        (1.0, 2, 3),
        (1.1, 3, 2),
        (1.5, 4, 2),
    ],
    motion_blur: [(10, 3.0), (15, 5.0), (15, 8.0), (15, 12.0), (20, 15.0)],
    zoom_blur: [
        (1.11, 0.01),
        (1.16, 0.01),
        (1.21, 0.02),
        (1.26, 0.02),
        (1.31, 0.03),
    ],
    gaussian_blur: [1.0, 2.0, 3.0, 4.0, 6.0],
    snow: [
        snow((0.1, 0.3, 3.0, 0.5, 10, 4.0, 0.8)),
        snow((0.2, 0.3, 2.0, 0.5, 12, 4.0, 0.7)),
        snow((0.55, 0.3, 4.0, 0.9, 12, 8.0, 0.7)),
        snow((0.55, 0.3, 4.5, 0.85, 12, 8.0, 0.65)),
        snow((0.55, 0.3, 2.5, 0.85, 12, 12.0, 0.55)),
    ],
    frost: [(1.0, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)],
    fog: [(1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4)],
    brightness: [0.1, 0.2, 0.3, 0.4, 0.5],
    contrast: [0.4, 0.3, 0.2, 0.1, 0.05],
    elastic_transform: Elastic::Package([
        250.0 * 0.05,
        250.0 * 0.065,
        250.0 * 0.085,
        250.0 * 0.1,
        250.0 * 0.12,
    ]),
    pixelate: [0.6, 0.5, 0.4, 0.3, 0.25],
    jpeg_compression: [25, 18, 15, 10, 7],
    spatter: [
        spatter((0.65, 0.3, 4.0, 0.69, 0.6, false)),
        spatter((0.65, 0.3, 3.0, 0.68, 0.6, false)),
        spatter((0.65, 0.3, 2.0, 0.68, 0.5, false)),
        spatter((0.65, 0.3, 1.0, 0.65, 1.5, true)),
        spatter((0.67, 0.4, 1.0, 0.65, 1.5, true)),
    ],
    saturate: [(0.3, 0.0), (0.1, 0.0), (2.0, 0.0), (5.0, 0.1), (20.0, 0.2)],
};

static TINY_IMAGENET_C: Constants = Constants {
    generator: Generator::Small {
        frost_scale: 0.3,
        kept: 1,
    },
    final_jpeg: Some(85),
    gaussian_noise: [0.04, 0.08, 0.12, 0.15, 0.18],
    shot_noise: [250.0, 100.0, 50.0, 30.0, 15.0],
    impulse_noise: [0.01, 0.02, 0.05, 0.08, 0.14],
    speckle_noise: [0.15, 0.2, 0.25, 0.3, 0.35],
    defocus_blur: [(0.5, 0.6), (1.0, 0.1), (1.5, 0.1), (2.5, 0.01), (3.0, 0.1)],
    glass_blur: [
        (0.1, 1, 1),
        (0.5, 1, 1),
        (0.6, 1, 2),
        (0.7, 2, 1),
        (0.9, 2, 2),
    ],
    motion_blur: [(10, 1.0), (10, 1.5), (10, 2.0), (10, 2.5), (12, 3.0)],
    zoom_blur: [
        (1.06, 0.01),
        (1.11, 0.01),
        (1.16, 0.01),
        (1.21, 0.01),
        (1.26, 0.01),
    ],
    gaussian_blur: [0.5, 0.75, 1.0, 1.25, 1.5],
    snow: [
        snow((0.1, 0.2, 1.0, 0.6, 8, 3.0, 0.8)),
        snow((0.1, 0.2, 1.0, 0.5, 10, 4.0, 0.8)),
        snow((0.15, 0.3, 1.75, 0.55, 10, 4.0, 0.7)),
        snow((0.25, 0.3, 2.25, 0.6, 12, 6.0, 0.65)),
        snow((0.3, 0.3, 1.25, 0.65, 14, 12.0, 0.6)),
    ],
    frost: [
        (1.0, 0.3),
        (0.9, 0.4),
        (0.8, 0.45),
        (0.75, 0.5),
        (0.7, 0.55),
    ],
    fog: [(0.4, 3.0), (0.7, 3.0), (1.0, 2.5), (1.5, 2.0), (2.0, 1.75)],
    brightness: [0.1, 0.2, 0.3, 0.4, 0.5],
    contrast: [0.4, 0.3, 0.2, 0.1, 0.05],
    elastic_transform: Elastic::Affine([
        (0.0, 0.0, 0.08),
        (0.05, 0.3, 0.06),
        (0.1, 0.08, 0.06),
        (0.1, 0.03, 0.03),
        (0.16, 0.03, 0.02),
    ]),
    pixelate: [0.9, 0.8, 0.7, 0.6, 0.5],
    jpeg_compression: [65, 58, 50, 40, 25],
    spatter: [
        spatter((0.62, 0.1, 0.7, 0.7, 0.6, false)),
        spatter((0.65, 0.1, 0.8, 0.7, 0.6, false)),
        spatter((0.65, 0.3, 1.0, 0.69, 0.6, false)),
        spatter((0.65, 0.1, 0.7, 0.68, 0.6, true)),
        spatter((0.65, 0.1, 0.5, 0.67, 0.6, true)),
    ],
    saturate: [(0.3, 0.0), (0.1, 0.0), (2.0, 0.0), (5.0, 0.1), (30.0, 0.2)],
};

static CIFAR_C: Constants = Constants {
    generator: Generator::Small {
        frost_scale: 0.2,
        kept: 2,
    },
    final_jpeg: None,
    gaussian_noise: [0.04, 0.06, 0.08, 0.09, 0.10],
    shot_noise: [500.0, 250.0, 100.0, 75.0, 50.0],
    impulse_noise: [0.01, 0.02, 0.03, 0.05, 0.07],
    speckle_noise: [0.06, 0.1, 0.12, 0.16, 0.2],
    defocus_blur: [(0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1)],
    glass_blur: [
        (0.05, 1, 1),
        (0.25, 1, 1),
        (0.4, 1, 1),
        (0.25, 1, 2),
        (0.4, 1, 2),
    ],
    motion_blur: [(6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5)],
    zoom_blur: [
        (1.06, 0.01),
        (1.11, 0.01),
        (1.16, 0.01),
        (1.21, 0.01),
        (1.26, 0.01),
    ],
    gaussian_blur: [0.4, 0.6, 0.7, 0.8, 1.0],
    snow: [
        snow((0.1, 0.2, 1.0, 0.6, 8, 3.0, 0.95)),
        snow((0.1, 0.2, 1.0, 0.5, 10, 4.0, 0.9)),
        snow((0.15, 0.3, 1.75, 0.55, 10, 4.0, 0.9)),
        snow((0.25, 0.3, 2.25, 0.6, 12, 6.0, 0.85)),
        snow((0.3, 0.3, 1.25, 0.65, 14, 12.0, 0.8)),
    ],
    frost: [
        (1.0, 0.2),
        (1.0, 0.3),
        (0.9, 0.4),
        (0.85, 0.4),
        (0.75, 0.45),
    ],
    fog: [(0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75)],
    brightness: [0.05, 0.1, 0.15, 0.2, 0.3],
    contrast: [0.75, 0.5, 0.4, 0.3, 0.15],
    elastic_transform: Elastic::Affine([
        (0.0, 0.0, 0.08),
        (0.05, 0.2, 0.07),
        (0.08, 0.06, 0.06),
        (0.1, 0.04, 0.05),
        (0.1, 0.03, 0.03),
    ]),
    pixelate: [0.95, 0.9, 0.85, 0.75, 0.65],
    jpeg_compression: [80, 65, 58, 50, 40],
    spatter: [
        spatter((0.62, 0.1, 0.7, 0.7, 0.5, false)),
        spatter((0.65, 0.1, 0.8, 0.7, 0.5, false)),
        spatter((0.65, 0.3, 1.0, 0.69, 0.5, false)),
        spatter((0.65, 0.1, 0.7, 0.69, 0.6, true)),
        spatter((0.65, 0.1, 0.5, 0.68, 0.6, true)),
    ],
    saturate: [(0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2)],
};
