//! Tensors on disk, as safetensors. Invariant: what is read has the shape that
//! was asked for, or the error names file, tensor and both shapes.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use crate::engine::write_atomic;
use crate::{Error, Result};

/// The tensors of one file.
#[derive(Default)]
pub(crate) struct Tensors(BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>);

impl Tensors {
    /// Adds bytes.
    pub(crate) fn u8(&mut self, name: &str, shape: &[usize], values: &[u8]) {
        self.0.insert(
            name.to_owned(),
            (Dtype::U8, shape.to_vec(), values.to_vec()),
        );
    }

    /// Adds floats.
    pub(crate) fn f32(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.0
            .insert(name.to_owned(), (Dtype::F32, shape.to_vec(), bytes));
    }

    /// Adds integers.
    pub(crate) fn u32(&mut self, name: &str, values: &[u32]) {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.0
            .insert(name.to_owned(), (Dtype::U32, vec![values.len()], bytes));
    }

    /// Writes all of them, atomically.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let wrong = |e: safetensors::SafeTensorError| Error::Tensors {
            path: path.to_owned(),
            problem: e.to_string(),
        };
        let views: BTreeMap<&str, TensorView<'_>> = self
            .0
            .iter()
            .map(|(name, (dtype, shape, bytes))| {
                Ok((
                    name.as_str(),
                    TensorView::new(*dtype, shape.clone(), bytes).map_err(wrong)?,
                ))
            })
            .collect::<Result<_>>()?;
        let bytes = serialize(views, None).map_err(wrong)?;
        write_atomic(path, &bytes)
    }

    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| Error::Damaged {
            path: path.to_owned(),
            problem: e.to_string(),
        })?;
        Ok(Self(
            file.tensors()
                .into_iter()
                .map(|(name, view)| {
                    (
                        name,
                        (view.dtype(), view.shape().to_vec(), view.data().to_vec()),
                    )
                })
                .collect(),
        ))
    }

    fn get(&self, name: &str, dtype: Dtype) -> Result<(&[usize], &[u8])> {
        match self.0.get(name) {
            Some((found, shape, bytes)) if *found == dtype => Ok((shape, bytes)),
            Some((found, ..)) => Err(Error::Tensor {
                name: name.to_owned(),
                problem: format!("is {found:?}, not {dtype:?}"),
            }),
            None => Err(Error::Tensor {
                name: name.to_owned(),
                problem: "is not there".to_owned(),
            }),
        }
    }

    /// Shape and values of a tensor of bytes.
    pub(crate) fn get_u8(&self, name: &str) -> Result<(&[usize], &[u8])> {
        self.get(name, Dtype::U8)
    }

    /// Shape and values of a tensor of floats.
    pub(crate) fn get_f32(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>)> {
        let (shape, bytes) = self.get(name, Dtype::F32)?;
        let (words, _) = bytes.as_chunks::<4>();
        Ok((
            shape.to_vec(),
            words.iter().map(|w| f32::from_le_bytes(*w)).collect(),
        ))
    }

    /// Values of a tensor of integers.
    pub(crate) fn get_u32(&self, name: &str) -> Result<Vec<u32>> {
        let (_, bytes) = self.get(name, Dtype::U32)?;
        let (words, _) = bytes.as_chunks::<4>();
        Ok(words.iter().map(|w| u32::from_le_bytes(*w)).collect())
    }
}
