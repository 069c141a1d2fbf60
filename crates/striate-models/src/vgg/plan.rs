//! The checked form of a network. Invariant: every width is positive, every pool
//! finds an even map, and the split names an existing layer.

use super::{Head, LayerName, VggConfig};
use crate::Error;

/// Widths beyond this are a mistake of the recipe, not a network.
const WIDEST: usize = 1 << 20;

/// One convolution with what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerPlan {
    /// Its name.
    pub name: LayerName,
    /// Channels in.
    pub inputs: usize,
    /// Channels out.
    pub outputs: usize,
    /// Height and width of its map, before the pool.
    pub map_size: usize,
    /// Whether a 2x2 max pool follows.
    pub pool: bool,
}

/// A network whose parts fit together: what [`VggConfig::check`] gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    config: VggConfig,
    layers: Vec<LayerPlan>,
    shared: usize,
}

impl Plan {
    pub(super) fn new(config: &VggConfig) -> Result<Self, Error> {
        if !matches!(config.in_channels, 1 | 3) {
            return Err(field("in_channels", "1 or 3", config.in_channels));
        }
        if config.blocks.is_empty() {
            return Err(field("blocks", "at least one block", "none"));
        }
        let pools = config.blocks.len();
        let unit = 1usize.checked_shl(pools as u32).unwrap_or(0);
        if unit == 0 || config.input_size == 0 || !config.input_size.is_multiple_of(unit) {
            return Err(field(
                "input_size",
                format!("a multiple of {unit}, because {pools} pools halve it"),
                config.input_size,
            ));
        }
        let sigma = config.lowpass_sigma_px;
        if !(sigma >= 0.0 && sigma.is_finite()) {
            return Err(field("lowpass_sigma_px", "0 or more pixels", sigma));
        }
        let mut layers = Vec::new();
        let (mut inputs, mut map_size) = (config.in_channels, config.input_size);
        for (block, widths) in config.blocks.iter().enumerate() {
            if widths.is_empty() {
                return Err(field(
                    format!("blocks[{block}]"),
                    "at least one convolution",
                    "none",
                ));
            }
            for (layer, &outputs) in widths.iter().enumerate() {
                width(&format!("blocks[{block}][{layer}]"), outputs)?;
                layers.push(LayerPlan {
                    name: LayerName::new(block + 1, layer + 1)?,
                    inputs,
                    outputs,
                    map_size,
                    pool: layer + 1 == widths.len(),
                });
                inputs = outputs;
            }
            map_size /= 2;
        }
        let shared = layers
            .iter()
            .position(|layer| layer.name == config.split)
            .map(|last| last + 1)
            .ok_or_else(|| {
                let names: Vec<String> = layers.iter().map(|l| l.name.to_string()).collect();
                field(
                    "split",
                    format!("one of {}", names.join(", ")),
                    config.split,
                )
            })?;
        check_head(config)?;
        let built = match config.head {
            Head::None => &layers[..shared],
            _ => &layers[..],
        };
        for (session, layer) in &config.readout_layers {
            if config.core.is_some() || !built.iter().any(|l| l.name == *layer) {
                let names: Vec<String> = built.iter().map(|l| l.name.to_string()).collect();
                let expected = match config.core {
                    Some(_) => "none beside a squeeze-excitation core".to_owned(),
                    None => format!("one of {}", names.join(", ")),
                };
                return Err(field(format!("readout_layers.{session}"), expected, layer));
            }
        }
        if let Some(core) = &config.core {
            if config.head != Head::None {
                let expected = "none with a classification head";
                return Err(field("core", expected, "a squeeze-excitation core"));
            }
            core.check(config.input_size)?;
        }
        Ok(Self {
            config: config.clone(),
            layers,
            shared,
        })
    }

    /// What was checked.
    pub fn config(&self) -> &VggConfig {
        &self.config
    }

    /// Every convolution that is built: without a head, only the shared ones.
    pub fn layers(&self) -> &[LayerPlan] {
        match self.config.head {
            Head::None => self.shared(),
            _ => &self.layers,
        }
    }

    /// The shared convolutions; none beside a squeeze-excitation core. The pool after the
    /// last one is not shared.
    pub fn shared(&self) -> &[LayerPlan] {
        match self.config.core {
            Some(_) => &[],
            None => &self.layers[..self.shared],
        }
    }

    /// The convolutions of the classifier alone; empty without a head.
    pub fn unshared(&self) -> &[LayerPlan] {
        &self.layers()[self.shared..]
    }

    /// Whether the unshared part begins with the pool of the last shared layer.
    pub fn pool_at_split(&self) -> bool {
        self.shared().last().is_some_and(|layer| layer.pool)
    }

    /// Channels of the shared map.
    pub fn shared_channels(&self) -> usize {
        match &self.config.core {
            Some(core) => core.channels,
            None => self.shared().last().map_or(0, |layer| layer.outputs),
        }
    }

    /// Height and width of the shared map.
    pub fn shared_size(&self) -> usize {
        match &self.config.core {
            Some(core) => core.map_size(self.config.input_size),
            None => self.shared().last().map_or(0, |layer| layer.map_size),
        }
    }

    /// Channels of the map that the head reads.
    pub fn head_channels(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    /// Height and width of the map that the head reads.
    pub fn head_size(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.map_size / 2)
    }

    /// The layer with this name among those built.
    ///
    /// # Errors
    ///
    /// If there is none; the message lists those there are.
    pub fn find(&self, name: LayerName) -> Result<usize, Error> {
        self.layers()
            .iter()
            .position(|layer| layer.name == name)
            .ok_or_else(|| Error::NoLayer {
                name,
                known: self.layers().iter().map(|l| l.name.to_string()).collect(),
            })
    }
}

fn check_head(config: &VggConfig) -> Result<(), Error> {
    let (hidden, dropout) = match &config.head {
        Head::None => return Ok(()),
        Head::Conv { hidden, dropout } | Head::Dense { hidden, dropout } => (hidden, dropout),
    };
    for (i, &outputs) in hidden.iter().enumerate() {
        width(&format!("head.hidden[{i}]"), outputs)?;
    }
    if !(0.0..1.0).contains(dropout) {
        return Err(field("head.dropout", "a probability in [0, 1)", dropout));
    }
    width("classes", config.classes)
}

fn width(name: &str, value: usize) -> Result<(), Error> {
    if (1..=WIDEST).contains(&value) {
        Ok(())
    } else {
        Err(field(name, format!("a width in 1..={WIDEST}"), value))
    }
}

fn field(
    name: impl Into<String>,
    expected: impl Into<String>,
    found: impl std::fmt::Display,
) -> Error {
    Error::Field {
        field: name.into(),
        expected: expected.into(),
        found: found.to_string(),
    }
}
