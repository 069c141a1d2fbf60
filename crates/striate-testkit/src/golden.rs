//! Golden files: safetensors made by a Python peer, kept in `tests/golden/`.

use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};

/// The tensors of one golden file.
pub struct Golden {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Golden {
    /// Reads `tests/golden/<name>.safetensors` of the workspace.
    ///
    /// # Panics
    ///
    /// If the file cannot be read: a golden test without its golden is a failure.
    #[track_caller]
    pub fn open(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/golden")
            .join(format!("{name}.safetensors"));
        match std::fs::read(&path) {
            Ok(bytes) => Self { path, bytes },
            Err(error) => panic!("cannot read golden file {}: {error}", path.display()),
        }
    }

    /// The shape and the values of an f32, f64, i64, i32 or u8 tensor, as f64.
    ///
    /// # Panics
    ///
    /// If there is no such tensor.
    #[track_caller]
    pub fn f64(&self, name: &str) -> (Vec<usize>, Vec<f64>) {
        let file = SafeTensors::deserialize(&self.bytes)
            .unwrap_or_else(|e| panic!("{}: {e}", self.path.display()));
        let view = file
            .tensor(name)
            .unwrap_or_else(|e| panic!("{}: tensor {name}: {e}", self.path.display()));
        let data = view.data();
        let values = match view.dtype() {
            Dtype::F32 => chunks(data, |b| f64::from(f32::from_le_bytes(b))),
            Dtype::F64 => chunks(data, f64::from_le_bytes),
            Dtype::I64 => chunks(data, |b| i64::from_le_bytes(b) as f64),
            Dtype::I32 => chunks(data, |b| f64::from(i32::from_le_bytes(b))),
            Dtype::U8 => data.iter().map(|b| f64::from(*b)).collect(),
            other => panic!("{}: tensor {name}: dtype {other:?}", self.path.display()),
        };
        (view.shape().to_vec(), values)
    }

    /// As [`Golden::f64`], rounded to f32.
    ///
    /// # Panics
    ///
    /// If there is no such tensor.
    #[track_caller]
    pub fn f32(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let (shape, values) = self.f64(name);
        (shape, values.into_iter().map(|v| v as f32).collect())
    }

    /// The values of an integer tensor.
    ///
    /// # Panics
    ///
    /// If there is no such tensor.
    #[track_caller]
    pub fn u32(&self, name: &str) -> Vec<u32> {
        self.f64(name).1.into_iter().map(|v| v as u32).collect()
    }

    /// The names of the tensors, sorted.
    ///
    /// # Panics
    ///
    /// If the file is not safetensors.
    #[track_caller]
    pub fn names(&self) -> Vec<String> {
        let file = SafeTensors::deserialize(&self.bytes)
            .unwrap_or_else(|e| panic!("{}: {e}", self.path.display()));
        let mut names: Vec<String> = file.names().into_iter().map(String::from).collect();
        names.sort();
        names
    }
}

fn chunks<const K: usize>(data: &[u8], parse: impl Fn([u8; K]) -> f64) -> Vec<f64> {
    data.chunks_exact(K)
        .map(|c| {
            let mut b = [0; K];
            b.copy_from_slice(c);
            parse(b)
        })
        .collect()
}
