//! The textures of Freeman, Ziemba et al. 2013 as Brain-Score has them (data-formats.md
//! 2.5). Invariant: image `((family * 2) + type) * samples + sample`, from 0.

use std::{ops::Range, path::Path};

use serde::{Deserialize, Serialize};

use super::Recording;
use crate::{
    Error, Result,
    hdf5::{Hdf5, Set},
};

/// Numbers of the texture families, in the order of the file's axis.
pub const TEXTURE_FAMILIES: [u32; 15] = [
    327, 336, 393, 402, 13, 18, 23, 30, 38, 48, 52, 56, 60, 71, 99,
];

const TYPES: usize = 2;
const SAMPLES: usize = 15;
const REPEATS: usize = 20;
const MILLISECONDS: usize = 300;

/// How the file is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextureConfig {
    /// `v1` or `v2`.
    pub area: String,
    /// Spikes in these milliseconds after the image came are counted (as in the study's
    /// own recordings: 40 to 160).
    pub window_ms: Range<usize>,
}

impl Default for TextureConfig {
    fn default() -> Self {
        Self {
            area: "v1".to_string(),
            window_ms: 40..160,
        }
    }
}

/// Reads `FreemanZiemba2013_V1V2data.mat`: spike counts of all cells of an area. The axes
/// may be in the order of MATLAB or reversed, as HDF5 readers see them.
///
/// # Errors
///
/// If the file cannot be read, the area is not in it, or the axes are others.
pub fn read_textures(path: &Path, config: &TextureConfig) -> Result<Recording> {
    let Range { start, end } = config.window_ms;
    if start >= end || end > MILLISECONDS {
        let expected = format!("a range within 0..{MILLISECONDS}");
        return Err(Error::argument(
            "window_ms",
            expected,
            format!("{start}..{end}"),
        ));
    }
    let file = Hdf5::open(path)?;
    let set = file.set("", &config.area)?;
    let (cells, reversed) = axes(&set)?;
    let images = TEXTURE_FAMILIES.len() * TYPES * SAMPLES;
    let mut responses = vec![0.0f32; images * REPEATS * cells];
    let mut add = |image: usize, repeat: usize, cell: usize, spikes: f32| {
        responses[(image * REPEATS + repeat) * cells + cell] += spikes;
    };
    if reversed {
        // [family, type, sample, repeat, time, cell]
        for family in 0..TEXTURE_FAMILIES.len() {
            let values = set.f32_row(family)?;
            for (row, of_cells) in values.chunks_exact(cells).enumerate() {
                let (rest, time) = (row / MILLISECONDS, row % MILLISECONDS);
                if config.window_ms.contains(&time) {
                    let image = family * TYPES * SAMPLES + rest / REPEATS;
                    for (cell, spikes) in of_cells.iter().enumerate() {
                        add(image, rest % REPEATS, cell, *spikes);
                    }
                }
            }
        }
    } else {
        // [cell, time, repeat, sample, type, family]
        let per_time = REPEATS * SAMPLES * TYPES * TEXTURE_FAMILIES.len();
        for cell in 0..cells {
            let values = set.f32_row(cell)?;
            for (i, spikes) in values[start * per_time..end * per_time].iter().enumerate() {
                let i = i % per_time;
                let (family, rest) = (i % TEXTURE_FAMILIES.len(), i / TEXTURE_FAMILIES.len());
                let (kind, rest) = (rest % TYPES, rest / TYPES);
                let (sample, repeat) = (rest % SAMPLES, rest / SAMPLES);
                add(
                    (family * TYPES + kind) * SAMPLES + sample,
                    repeat,
                    cell,
                    *spikes,
                );
            }
        }
    }
    let shown = (0..images as u32)
        .flat_map(|image| [image; REPEATS])
        .collect();
    Recording::new(
        format!("freemanziemba2013-{}", config.area),
        cells,
        shown,
        responses,
    )
}

/// Number of cells, and whether they are the last axis.
fn axes(set: &Set) -> Result<(usize, bool)> {
    let rest = [
        MILLISECONDS,
        REPEATS,
        SAMPLES,
        TYPES,
        TEXTURE_FAMILIES.len(),
    ];
    let mut reversed = rest;
    reversed.reverse();
    match set.shape.as_slice() {
        [cells, others @ ..] if others == rest && *cells > 0 => Ok((*cells, false)),
        [others @ .., cells] if others == reversed && *cells > 0 => Ok((*cells, true)),
        shape => Err(Error::format(
            &set.place,
            format!(
                "[cells, {}] or the reverse",
                rest.map(|n| n.to_string()).join(", ")
            ),
            format!("{shape:?}"),
        )),
    }
}

/// The file of an image; none where there is no such image.
pub fn texture_file(image: u32) -> Option<String> {
    let (rest, sample) = (image as usize / SAMPLES, image as usize % SAMPLES);
    let family = TEXTURE_FAMILIES.get(rest / TYPES)?;
    let kind = ["noise", "tex"][rest % TYPES];
    Some(format!("{kind}-320x320-im{family}-smp{}.png", sample + 1))
}
