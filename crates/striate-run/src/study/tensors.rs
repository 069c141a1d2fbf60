//! Tensors on disk, as safetensors. Invariant: what is read has the shape that
//! was asked for, or the error names file, tensor and both shapes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView, serialize};

use crate::engine::write_atomic;
use crate::{Error, Result};

/// Tensors to be written to one file.
#[derive(Default)]
pub(crate) struct Tensors<'a>(BTreeMap<String, Entry<'a>>);

/// Type, shape and values of a tensor.
type Entry<'a> = (Dtype, Vec<usize>, Cow<'a, [u8]>);

impl<'a> Tensors<'a> {
    /// Adds bytes.
    pub(crate) fn u8(&mut self, name: &str, shape: &[usize], values: &'a [u8]) {
        let entry = (Dtype::U8, shape.to_vec(), Cow::Borrowed(values));
        self.0.insert(name.to_owned(), entry);
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
}

/// The tensors of a file, in memory as they lie in it.
pub(crate) struct TensorFile {
    bytes: Vec<u8>,
    /// Where the values begin.
    start: usize,
    metadata: Metadata,
}

impl TensorFile {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        let (header, metadata) =
            SafeTensors::read_metadata(&bytes).map_err(|e| Error::Damaged {
                path: path.to_owned(),
                problem: e.to_string(),
            })?;
        Ok(Self {
            bytes,
            // The length of the header comes before it.
            start: size_of::<u64>() + header,
            metadata,
        })
    }

    fn get(&self, name: &str, dtype: Dtype) -> Result<(&[usize], &[u8])> {
        let wrong = |problem| Error::Tensor {
            name: name.to_owned(),
            problem,
        };
        let info = self
            .metadata
            .info(name)
            .ok_or_else(|| wrong("is not there".to_owned()))?;
        if info.dtype != dtype {
            return Err(wrong(format!("is {:?}, not {dtype:?}", info.dtype)));
        }
        let (from, to) = info.data_offsets;
        // The offsets were checked against the file's length when it was read.
        Ok((&info.shape, &self.bytes[self.start + from..self.start + to]))
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
