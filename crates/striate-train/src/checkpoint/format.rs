//! One checkpoint: named tensors and a JSON text. Invariant: writing and reading gives
//! the same bits.

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, Tensor};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};

/// The key of the JSON text in the safetensors metadata.
const KEY: &str = "striate";

/// Named tensors with a JSON text that says what they are.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The JSON text.
    pub header: String,
    /// The tensors, f32, f64, u32, u8 or i64.
    pub tensors: BTreeMap<String, Tensor>,
}

impl Checkpoint {
    /// The bytes of a safetensors file.
    ///
    /// # Errors
    ///
    /// If a tensor has another type, or cannot be read from its device; the text says
    /// which.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let mut raw = Vec::with_capacity(self.tensors.len());
        for (name, tensor) in &self.tensors {
            let (dtype, bytes) = bytes_of(tensor).map_err(|e| format!("tensor {name}: {e}"))?;
            raw.push((name, dtype, tensor.dims().to_vec(), bytes));
        }
        let mut views = Vec::with_capacity(raw.len());
        for (name, dtype, shape, bytes) in &raw {
            let view = TensorView::new(*dtype, shape.clone(), bytes)
                .map_err(|e| format!("tensor {name}: {e}"))?;
            views.push((name.as_str(), view));
        }
        let metadata = HashMap::from([(KEY.to_owned(), self.header.clone())]);
        serialize(views, Some(metadata)).map_err(|e| e.to_string())
    }

    /// Reads the bytes of a safetensors file onto a device.
    ///
    /// # Errors
    ///
    /// If they are no safetensors, lack the header, or hold a tensor of another type.
    pub fn from_bytes(bytes: &[u8], device: &Device) -> Result<Self, String> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
        let header = metadata
            .metadata()
            .as_ref()
            .and_then(|texts| texts.get(KEY))
            .ok_or_else(|| format!("the metadata have no {KEY:?} entry"))?
            .clone();
        let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.iter() {
            let tensor = tensor_of(&view, device).map_err(|e| format!("tensor {name}: {e}"))?;
            tensors.insert(name.to_owned(), tensor);
        }
        Ok(Self { header, tensors })
    }

    /// The tensors whose names begin with `prefix` and a slash, without these.
    pub fn part(&self, prefix: &str) -> BTreeMap<String, Tensor> {
        self.tensors
            .iter()
            .filter_map(|(name, tensor)| {
                let rest = name.strip_prefix(prefix)?.strip_prefix('/')?;
                Some((rest.to_owned(), tensor.clone()))
            })
            .collect()
    }

    /// Adds tensors under `prefix` and a slash.
    pub fn insert_part(&mut self, prefix: &str, tensors: &BTreeMap<String, Tensor>) {
        for (name, tensor) in tensors {
            self.tensors
                .insert(format!("{prefix}/{name}"), tensor.clone());
        }
    }
}

fn bytes_of(tensor: &Tensor) -> Result<(Dtype, Vec<u8>), String> {
    fn raw<T: candle_core::WithDType, const K: usize>(
        tensor: &Tensor,
        bytes: impl Fn(T) -> [u8; K],
    ) -> Result<Vec<u8>, String> {
        let values = tensor
            .flatten_all()
            .and_then(|flat| flat.to_vec1::<T>())
            .map_err(|e| e.to_string())?;
        Ok(values.into_iter().flat_map(bytes).collect())
    }
    Ok(match tensor.dtype() {
        DType::F32 => (Dtype::F32, raw(tensor, f32::to_le_bytes)?),
        DType::F64 => (Dtype::F64, raw(tensor, f64::to_le_bytes)?),
        DType::U32 => (Dtype::U32, raw(tensor, u32::to_le_bytes)?),
        DType::I64 => (Dtype::I64, raw(tensor, i64::to_le_bytes)?),
        DType::U8 => (Dtype::U8, raw(tensor, |v: u8| [v])?),
        other => return Err(format!("the type {other:?} is not kept")),
    })
}

fn tensor_of(view: &TensorView<'_>, device: &Device) -> Result<Tensor, String> {
    fn values<T, const K: usize>(data: &[u8], parse: impl Fn([u8; K]) -> T) -> Vec<T> {
        let (chunks, _) = data.as_chunks::<K>();
        chunks.iter().map(|c| parse(*c)).collect()
    }
    let (data, shape) = (view.data(), view.shape());
    match view.dtype() {
        Dtype::F32 => Tensor::from_vec(values(data, f32::from_le_bytes), shape, device),
        Dtype::F64 => Tensor::from_vec(values(data, f64::from_le_bytes), shape, device),
        Dtype::U32 => Tensor::from_vec(values(data, u32::from_le_bytes), shape, device),
        Dtype::I64 => Tensor::from_vec(values(data, i64::from_le_bytes), shape, device),
        Dtype::U8 => Tensor::from_vec(data.to_vec(), shape, device),
        other => return Err(format!("the type {other:?} is not known")),
    }
    .map_err(|e| e.to_string())
}
