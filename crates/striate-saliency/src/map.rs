//! Maps over the pixels of one image. Invariant: a [`Map`] is finite and has its
//! size; a [`Density`] is also nowhere negative and sums to one.

use serde::{Deserialize, Serialize};

use crate::blur::Kernel;
use crate::{Error, Result};

/// Any real-valued map over an image, row by row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Plain", into = "Plain")]
pub struct Map {
    height: usize,
    width: usize,
    values: Vec<f64>,
}

/// A map of probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map", into = "Map")]
pub struct Density(Map);

/// How far the sum of given probabilities may be from one: f32 files round by about 1e-7 a pixel.
const SUM_TOLERANCE: f64 = 1e-3;

impl Map {
    /// A map of `height` rows and `width` columns.
    ///
    /// # Errors
    ///
    /// If a side is 0, the number of values is another, or one is not finite.
    pub fn new(height: usize, width: usize, values: Vec<f64>) -> Result<Self> {
        if height == 0 || width == 0 || values.len() != height * width {
            return Err(Error::Size {
                what: "map".into(),
                expected: format!("{height} x {width} values, at least one"),
                found: values.len().to_string(),
            });
        }
        let map = Self {
            height,
            width,
            values,
        };
        map.check("map", "finite values", |value| value.is_finite())?;
        Ok(map)
    }

    /// The same from f32 values.
    ///
    /// # Errors
    ///
    /// As [`Map::new`].
    pub fn from_f32(height: usize, width: usize, values: &[f32]) -> Result<Self> {
        Self::new(
            height,
            width,
            values.iter().map(|v| f64::from(*v)).collect(),
        )
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The values, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The map smoothed by a Gaussian (reflect padding, cut at 4 sigma).
    ///
    /// # Errors
    ///
    /// If `sigma_px` is not finite and positive.
    pub fn smoothed(&self, sigma_px: f64) -> Result<Self> {
        let kernel = Kernel::new(sigma_px)?;
        Ok(self.with_values(kernel.apply(&self.values, self.height, self.width)))
    }

    /// The map at another size: each new pixel is the average of the old ones
    /// under it, weighted by the area they share, so the mean is kept.
    ///
    /// # Errors
    ///
    /// If a side is 0.
    pub fn resized(&self, height: usize, width: usize) -> Result<Self> {
        if height == 0 || width == 0 {
            return Err(Error::Setting {
                name: "size of the map",
                expected: "sides of at least 1",
                found: format!("{height} x {width}"),
            });
        }
        let rows = overlaps(self.height, height);
        let columns = overlaps(self.width, width);
        let mut values = Vec::with_capacity(height * width);
        for row in &rows {
            for column in &columns {
                let mut sum = 0.0;
                for (y, wy) in row {
                    for (x, wx) in column {
                        sum += wy * wx * self.values[y * self.width + x];
                    }
                }
                values.push(sum);
            }
        }
        Ok(Self {
            height,
            width,
            values,
        })
    }

    /// The map divided by its sum.
    ///
    /// # Errors
    ///
    /// If a value is negative, or all are 0.
    pub fn to_density(&self) -> Result<Density> {
        self.check("density", "values of at least 0", |value| value >= 0.0)?;
        // Dividing by the largest value first keeps the sum in range.
        let largest = self.values.iter().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            return Err(Error::Undefined {
                metric: "density",
                reason: "all values of the map are 0".into(),
            });
        }
        let sum: f64 = self.values.iter().map(|v| v / largest).sum();
        let values = self.values.iter().map(|v| v / largest / sum).collect();
        Ok(Density(self.with_values(values)))
    }

    /// Whether all values are the same.
    pub fn is_constant(&self) -> bool {
        self.values.iter().all(|v| *v == self.values[0])
    }

    /// Checks that another map has the same size.
    pub(crate) fn same_size(&self, other: &Self, what: &str) -> Result<()> {
        if (self.height, self.width) == (other.height, other.width) {
            return Ok(());
        }
        Err(Error::Size {
            what: what.into(),
            expected: format!("{} x {}", self.height, self.width),
            found: format!("{} x {}", other.height, other.width),
        })
    }

    pub(crate) fn with_values(&self, values: Vec<f64>) -> Self {
        Self {
            height: self.height,
            width: self.width,
            values,
        }
    }

    fn check(&self, what: &str, expected: &'static str, holds: impl Fn(f64) -> bool) -> Result<()> {
        match self.values.iter().position(|value| !holds(*value)) {
            None => Ok(()),
            Some(index) => Err(Error::Value {
                what: what.into(),
                expected,
                value: self.values[index],
                row: index / self.width,
                column: index % self.width,
            }),
        }
    }
}

impl Density {
    /// Takes probabilities as they are, for instance `exp` of a log density.
    ///
    /// # Errors
    ///
    /// If one is negative, or their sum is further than 0.001 from 1.
    pub fn from_probabilities(map: Map) -> Result<Self> {
        map.check("probabilities", "values of at least 0", |value| {
            value >= 0.0
        })?;
        let sum: f64 = map.values.iter().sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(Error::Sum {
                what: "probabilities".into(),
                sum,
            });
        }
        map.to_density()
    }

    /// Takes a log density, as DeepGaze gives it.
    ///
    /// # Errors
    ///
    /// As [`Density::from_probabilities`].
    pub fn from_log_probabilities(map: &Map) -> Result<Self> {
        Self::from_probabilities(map.with_values(map.values.iter().map(|v| v.exp()).collect()))
    }

    /// The same probability everywhere.
    ///
    /// # Errors
    ///
    /// If a side is 0.
    pub fn uniform(height: usize, width: usize) -> Result<Self> {
        Map::new(height, width, vec![1.0; height * width])?.to_density()
    }

    /// The density at another size, by area average.
    ///
    /// # Errors
    ///
    /// If a side is 0.
    pub fn resized(&self, height: usize, width: usize) -> Result<Self> {
        self.0.resized(height, width)?.to_density()
    }

    /// The probabilities as a map.
    pub fn map(&self) -> &Map {
        &self.0
    }

    /// The probabilities, row by row.
    pub fn values(&self) -> &[f64] {
        &self.0.values
    }
}

/// For each of `new` cells along an axis, the old cells under it and their shares, which sum to 1.
fn overlaps(old: usize, new: usize) -> Vec<Vec<(usize, f64)>> {
    let scale = old as f64 / new as f64;
    (0..new)
        .map(|i| {
            // The ends are exact where they can be, so that equal sizes change nothing.
            let (low, high) = (
                (i * old) as f64 / new as f64,
                ((i + 1) * old) as f64 / new as f64,
            );
            (low.floor() as usize..(high.ceil() as usize).min(old))
                .map(|j| {
                    let shared = high.min((j + 1) as f64) - low.max(j as f64);
                    (j, shared / scale)
                })
                .filter(|(_, share)| *share > 0.0)
                .collect()
        })
        .collect()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    height: usize,
    width: usize,
    values: Vec<f64>,
}

impl TryFrom<Plain> for Map {
    type Error = Error;

    fn try_from(plain: Plain) -> Result<Self> {
        Self::new(plain.height, plain.width, plain.values)
    }
}

impl From<Map> for Plain {
    fn from(map: Map) -> Self {
        Self {
            height: map.height,
            width: map.width,
            values: map.values,
        }
    }
}

impl TryFrom<Map> for Density {
    type Error = Error;

    fn try_from(map: Map) -> Result<Self> {
        Self::from_probabilities(map)
    }
}

impl From<Density> for Map {
    fn from(density: Density) -> Self {
        density.0
    }
}
