//! Names of convolution layers, as in the literature: `conv3_1` is the first
//! layer of the third block. Invariant: both numbers are at least 1.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The name of a convolution layer, `conv<block>_<layer>`, both counted from 1.
///
/// ```
/// use striate_models::LayerName;
///
/// let name: LayerName = "conv3_1".parse()?;
/// assert_eq!((name.block(), name.layer()), (3, 1));
/// assert_eq!(name.to_string(), "conv3_1");
/// # Ok::<(), striate_models::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LayerName {
    block: usize,
    layer: usize,
}

impl LayerName {
    /// conv3_1, the last shared layer of the study.
    pub const STUDY: Self = Self { block: 3, layer: 1 };

    /// The layer with these numbers, both counted from 1.
    ///
    /// # Errors
    ///
    /// If a number is 0.
    pub fn new(block: usize, layer: usize) -> Result<Self, Error> {
        if block == 0 || layer == 0 {
            return Err(Error::LayerName(format!("conv{block}_{layer}")));
        }
        Ok(Self { block, layer })
    }

    /// The block, counted from 1.
    pub fn block(&self) -> usize {
        self.block
    }

    /// The layer within its block, counted from 1.
    pub fn layer(&self) -> usize {
        self.layer
    }
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "conv{}_{}", self.block, self.layer)
    }
}

impl FromStr for LayerName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::LayerName(text.to_owned());
        let (block, layer) = text
            .strip_prefix("conv")
            .and_then(|numbers| numbers.split_once('_'))
            .ok_or_else(wrong)?;
        // `parse` alone would take "+1" and "01", which never come out again.
        let number = |digits: &str| -> Result<usize, Error> {
            let value: usize = digits.parse().map_err(|_| wrong())?;
            if value.to_string() == digits {
                Ok(value)
            } else {
                Err(wrong())
            }
        };
        Self::new(number(block)?, number(layer)?).map_err(|_| wrong())
    }
}

impl TryFrom<String> for LayerName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<LayerName> for String {
    fn from(name: LayerName) -> Self {
        name.to_string()
    }
}
