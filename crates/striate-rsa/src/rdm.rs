//! The representational dissimilarity matrix. Invariant: symmetric with a zero
//! diagonal by construction, since only the strict upper triangle is stored, and
//! every entry is finite.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Dissimilarities between all pairs of images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Rdm {
    images: usize,
    values: Vec<f64>,
    ids: Option<Vec<String>>,
}

impl Rdm {
    /// From the condensed strict upper triangle, row by row: (0,1), (0,2), ...,
    /// (1,2), ... as SciPy's `squareform` and rsatoolbox order it.
    ///
    /// # Errors
    ///
    /// Fewer than two images, a length other than `n (n - 1) / 2`, a value that
    /// is not finite.
    pub fn from_condensed(values: Vec<f64>, images: usize) -> Result<Self> {
        if images < 2 {
            return Err(Error::TooFew {
                analysis: "a dissimilarity matrix",
                unit: "images",
                needed: 2,
                found: images,
            });
        }
        let expected = images * (images - 1) / 2;
        if values.len() != expected {
            return Err(Error::Length {
                what: format!("condensed matrix of {images} images"),
                expected,
                found: values.len(),
            });
        }
        let rdm = Self {
            images,
            values,
            ids: None,
        };
        if let Some(index) = rdm.values.iter().position(|v| !v.is_finite()) {
            let (i, j) = rdm.pair(index);
            let problem = format!("{} is not finite", rdm.values[index]);
            return Err(Error::BadEntry { i, j, problem });
        }
        Ok(rdm)
    }

    /// From a square row-major matrix, whose diagonal is not read.
    ///
    /// # Errors
    ///
    /// As [`Rdm::from_condensed`]; a matrix that is not symmetric to 1e-9
    /// relative to its largest entry.
    pub fn from_square(matrix: &[f64], images: usize) -> Result<Self> {
        if matrix.len() != images * images {
            return Err(Error::Length {
                what: format!("square matrix of {images} images"),
                expected: images * images,
                found: matrix.len(),
            });
        }
        let scale = matrix.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let mut values = Vec::with_capacity(images * images.saturating_sub(1) / 2);
        for i in 0..images {
            for j in i + 1..images {
                let (upper, lower) = (matrix[i * images + j], matrix[j * images + i]);
                if (upper - lower).abs() > 1e-9 * scale {
                    let problem = format!("{upper} above and {lower} below the diagonal");
                    return Err(Error::BadEntry { i, j, problem });
                }
                values.push(upper);
            }
        }
        Self::from_condensed(values, images)
    }

    /// Gives the images names, so that matrices over different images are not
    /// compared by mistake.
    ///
    /// # Errors
    ///
    /// If there are not as many ids as images.
    pub fn with_ids(mut self, ids: Vec<String>) -> Result<Self> {
        if ids.len() != self.images {
            return Err(Error::Length {
                what: "image ids".to_owned(),
                expected: self.images,
                found: ids.len(),
            });
        }
        self.ids = Some(ids);
        Ok(self)
    }

    /// Number of images.
    pub fn images(&self) -> usize {
        self.images
    }

    /// The names of the images, if given.
    pub fn ids(&self) -> Option<&[String]> {
        self.ids.as_deref()
    }

    /// The condensed strict upper triangle.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The dissimilarity of two images; zero for an image and itself.
    ///
    /// # Panics
    ///
    /// Like indexing, if an image does not exist.
    pub fn get(&self, i: usize, j: usize) -> f64 {
        let (i, j) = (i.min(j), i.max(j));
        if i == j {
            assert!(j < self.images, "image {j} of {}", self.images);
            return 0.0;
        }
        self.values[self.row(i) + j - i - 1]
    }

    /// The square matrix, row-major, with zeros on the diagonal.
    pub fn square(&self) -> Vec<f64> {
        let n = self.images;
        let mut matrix = vec![0.0; n * n];
        for i in 0..n {
            for (offset, value) in self.upper(i).iter().enumerate() {
                let j = i + 1 + offset;
                matrix[i * n + j] = *value;
                matrix[j * n + i] = *value;
            }
        }
        matrix
    }

    /// The matrix over some of the images, in the given order.
    ///
    /// # Errors
    ///
    /// Fewer than two images, one given twice (its dissimilarity to itself would
    /// enter as data), or none such.
    pub fn select(&self, images: &[usize]) -> Result<Self> {
        let mut values = Vec::with_capacity(images.len() * images.len().saturating_sub(1) / 2);
        for (k, i) in images.iter().enumerate() {
            for j in &images[k + 1..] {
                if i == j || *i.max(j) >= self.images {
                    return Err(Error::BadEntry {
                        i: *i,
                        j: *j,
                        problem: format!("expected different images below {}", self.images),
                    });
                }
                values.push(self.get(*i, *j));
            }
        }
        let ids = self.ids.as_ref();
        Ok(Self {
            ids: ids.map(|ids| images.iter().map(|i| ids[*i].clone()).collect()),
            ..Self::from_condensed(values, images.len())?
        })
    }

    /// The entries `(i, i + 1), ..., (i, n - 1)`.
    pub(crate) fn upper(&self, i: usize) -> &[f64] {
        let start = self.row(i);
        &self.values[start..start + self.images - 1 - i]
    }

    /// Index of entry `(i, i + 1)`.
    fn row(&self, i: usize) -> usize {
        i * (2 * self.images - i - 1) / 2
    }

    /// The pair of images of an entry.
    pub(crate) fn pair(&self, index: usize) -> (usize, usize) {
        let mut i = 0;
        while i + 1 < self.images && self.row(i + 1) <= index {
            i += 1;
        }
        (i, i + 1 + index - self.row(i))
    }

    /// Checks that two matrices are over the same images.
    pub(crate) fn check_same_images(&self, other: &Self) -> Result<()> {
        if let (Some(first), Some(second)) = (&self.ids, &other.ids) {
            return same_ids(first, second);
        }
        if self.images != other.images {
            return Err(Error::DifferentImages {
                only_first: format!("{} images", self.images),
                only_second: format!("{} images", other.images),
            });
        }
        Ok(())
    }
}

fn same_ids(first: &[String], second: &[String]) -> Result<()> {
    if first == second {
        return Ok(());
    }
    let only = |a: &[String], b: &[String]| {
        let b: std::collections::BTreeSet<&String> = b.iter().collect();
        let missing: Vec<&str> = a
            .iter()
            .filter(|id| !b.contains(id))
            .map(String::as_str)
            .collect();
        match missing.len() {
            0 => "none".to_owned(),
            1..=10 => missing.join(", "),
            n => format!("{} and {} more", missing[..10].join(", "), n - 10),
        }
    };
    let (only_first, only_second) = (only(first, second), only(second, first));
    if only_first == "none" && only_second == "none" && first.len() == second.len() {
        let differs = first
            .iter()
            .zip(second)
            .position(|(a, b)| a != b)
            .unwrap_or(0);
        return Err(Error::DifferentOrder {
            position: differs,
            first: first[differs].clone(),
            second: second[differs].clone(),
        });
    }
    Err(Error::DifferentImages {
        only_first,
        only_second,
    })
}

/// The serialised form, checked on the way in.
#[derive(Serialize, Deserialize)]
struct Parts {
    images: usize,
    values: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ids: Option<Vec<String>>,
}

impl TryFrom<Parts> for Rdm {
    type Error = Error;

    fn try_from(parts: Parts) -> Result<Self> {
        let rdm = Self::from_condensed(parts.values, parts.images)?;
        match parts.ids {
            Some(ids) => rdm.with_ids(ids),
            None => Ok(rdm),
        }
    }
}

impl From<Rdm> for Parts {
    fn from(rdm: Rdm) -> Self {
        Self {
            images: rdm.images,
            values: rdm.values,
            ids: rdm.ids,
        }
    }
}

#[cfg(test)]
mod tests;
