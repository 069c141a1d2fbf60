//! NumPy arrays as they lie in `.npy`, `.npz` and pickles.
//!
//! Invariant: an [`Array`] is in C order, has as many values as its shape says,
//! and took no more memory to read than a small multiple of the file's size.

mod dtype;
mod npy;
mod npz;

pub(crate) use dtype::Dtype;
pub use npy::{read_npy, write_npy};
#[cfg(test)]
pub(crate) use npz::{bytes_of as npz_bytes, read as read_npz_from};
pub use npz::{read_npz, write_npz};

use crate::{Error, Result};

/// The values of an array. Integers other than u8 are widened to i64.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// `float32`.
    F32(Vec<f32>),
    /// `float64`.
    F64(Vec<f64>),
    /// All integers but `uint8`, and `bool` as 0 and 1.
    I64(Vec<i64>),
    /// `uint8`.
    U8(Vec<u8>),
    /// `str_` and `bytes_`.
    Text(Vec<String>),
}

impl Values {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::U8(v) => v.len(),
            Self::Text(v) => v.len(),
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the values are, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::F32(_) => "float32",
            Self::F64(_) => "float64",
            Self::I64(_) => "integers",
            Self::U8(_) => "uint8",
            Self::Text(_) => "text",
        }
    }

    /// The values at the given places, in that order.
    fn gather(&self, order: &[usize]) -> Self {
        fn pick<T: Clone>(values: &[T], order: &[usize]) -> Vec<T> {
            order.iter().map(|i| values[*i].clone()).collect()
        }
        match self {
            Self::F32(v) => Self::F32(pick(v, order)),
            Self::F64(v) => Self::F64(pick(v, order)),
            Self::I64(v) => Self::I64(pick(v, order)),
            Self::U8(v) => Self::U8(pick(v, order)),
            Self::Text(v) => Self::Text(pick(v, order)),
        }
    }
}

/// An array in C order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// The values, the last axis fastest.
    pub values: Values,
}

impl Array {
    /// An array from its parts.
    ///
    /// # Errors
    ///
    /// If the number of values is not the product of the shape.
    pub fn new(shape: Vec<usize>, values: Values) -> Result<Self> {
        let count = element_count(&shape);
        if count != Some(values.len()) {
            return Err(Error::argument(
                "array",
                format!("as many values as the shape {shape:?} holds"),
                values.len(),
            ));
        }
        Ok(Self { shape, values })
    }

    /// From values in Fortran order (the first axis fastest).
    pub(crate) fn from_fortran(shape: Vec<usize>, values: &Values) -> Result<Self> {
        let mut order = Vec::with_capacity(values.len());
        let mut index = vec![0usize; shape.len()];
        for _ in 0..values.len() {
            let (mut place, mut stride) = (0, 1);
            for (i, len) in index.iter().zip(&shape) {
                place += i * stride;
                stride *= len;
            }
            order.push(place);
            for (i, len) in index.iter_mut().zip(&shape).rev() {
                *i += 1;
                if *i < *len {
                    break;
                }
                *i = 0;
            }
        }
        Self::new(shape, values.gather(&order))
    }

    /// The values as f32; `place` names the array in messages.
    ///
    /// # Errors
    ///
    /// If the values are text.
    pub fn to_f32(&self, place: &str) -> Result<Vec<f32>> {
        Ok(match &self.values {
            Values::F32(v) => v.clone(),
            Values::F64(v) => v.iter().map(|v| *v as f32).collect(),
            Values::I64(v) => v.iter().map(|v| *v as f32).collect(),
            Values::U8(v) => v.iter().map(|v| f32::from(*v)).collect(),
            Values::Text(_) => return Err(Error::format(place, "numbers", "text")),
        })
    }

    /// The values as labels: text as it is, numbers as they are written.
    pub fn to_labels(&self) -> Vec<String> {
        match &self.values {
            Values::F32(v) => v.iter().map(ToString::to_string).collect(),
            Values::F64(v) => v.iter().map(ToString::to_string).collect(),
            Values::I64(v) => v.iter().map(ToString::to_string).collect(),
            Values::U8(v) => v.iter().map(ToString::to_string).collect(),
            Values::Text(v) => v.clone(),
        }
    }

    /// The values as image ids: integers in `0..2^32`, floats only where they are whole.
    ///
    /// # Errors
    ///
    /// If a value is none.
    pub fn to_ids(&self, place: &str) -> Result<Vec<u32>> {
        let refuse = |index: usize, found: String| {
            Error::format(
                format!("{place}, element {index}"),
                "an id in 0..2^32",
                found,
            )
        };
        let whole = |(index, v): (usize, f64)| {
            if v.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&v) {
                Ok(v as u32)
            } else {
                Err(refuse(index, v.to_string()))
            }
        };
        match &self.values {
            Values::I64(v) => v
                .iter()
                .enumerate()
                .map(|(i, v)| u32::try_from(*v).map_err(|_| refuse(i, v.to_string())))
                .collect(),
            Values::U8(v) => Ok(v.iter().map(|v| u32::from(*v)).collect()),
            Values::F64(v) => v.iter().copied().enumerate().map(whole).collect(),
            Values::F32(v) => v
                .iter()
                .map(|v| f64::from(*v))
                .enumerate()
                .map(whole)
                .collect(),
            Values::Text(_) => Err(Error::format(place, "integers", "text")),
        }
    }
}

/// The product of a shape, if it does not overflow.
pub(crate) fn element_count(shape: &[usize]) -> Option<usize> {
    // An overflow hidden behind a zero is one all the same.
    let product = shape
        .iter()
        .filter(|n| **n != 0)
        .try_fold(1usize, |product, n| product.checked_mul(*n))?;
    Some(if shape.contains(&0) { 0 } else { product })
}

#[cfg(test)]
mod tests;
