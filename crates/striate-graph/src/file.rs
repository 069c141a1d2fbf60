//! From bytes to the header and the tensors. Invariant: nothing but f32 arrays and JSON is read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use safetensors::{Dtype, SafeTensors};

use crate::format::{Header, KEY, VERSION};
use crate::{Error, Result};

/// Longer headers are not looked into.
const MAX_HEADER: u64 = 100 << 20;

/// Whether a file is a graph, by its metadata; not whether it is a good one.
pub fn is_graph(path: &Path) -> bool {
    let header = || -> Option<String> {
        let mut file = File::open(path).ok()?;
        let mut length = [0; 8];
        file.read_exact(&mut length).ok()?;
        let length = u64::from_le_bytes(length);
        let mut text = Vec::new();
        file.take(length.min(MAX_HEADER))
            .read_to_end(&mut text)
            .ok()?;
        // A file that was cut off is still recognised, and refused with that reason.
        Some(String::from_utf8_lossy(&text).into_owned())
    };
    header().is_some_and(|text| {
        text.get(..).is_some_and(|text| {
            text.trim_start().starts_with('{') && text.contains(&format!("\"{KEY}\""))
        })
    })
}

/// Reads a file's header and its tensors.
pub(crate) fn read(path: &Path, device: &Device) -> Result<(Header, BTreeMap<String, Tensor>)> {
    let bytes = std::fs::read(path).map_err(|e| wrong(path, format!("could not be read: {e}")))?;
    let problem = |e: safetensors::SafeTensorError| {
        wrong(
            path,
            format!("is no whole safetensors file ({} bytes): {e}", bytes.len()),
        )
    };
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(problem)?;
    let text = metadata
        .metadata()
        .as_ref()
        .and_then(|texts| texts.get(KEY))
        .ok_or_else(|| {
            wrong(
                path,
                format!(
                    "is no graph: its metadata have no entry {KEY:?} (striate_export.py writes graphs)"
                ),
            )
        })?;
    let header = header(text).map_err(|problem| wrong(path, problem))?;
    let file = SafeTensors::deserialize(&bytes).map_err(problem)?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            let problem = format!("tensor {name}: expected F32, found {:?}", view.dtype());
            return Err(wrong(path, problem));
        }
        let tensor = Tensor::from_raw_buffer(view.data(), DType::F32, view.shape(), device)?;
        tensors.insert(name.to_owned(), tensor);
    }
    Ok((header, tensors))
}

/// The header, its version first: a later one is not an unknown field.
fn header(text: &str) -> std::result::Result<Header, String> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|e| format!("its header is no JSON: {e}"))?;
    match value.get("version").and_then(serde_json::Value::as_u64) {
        Some(version) if version == u64::from(VERSION) => {}
        Some(version) => {
            return Err(format!(
                "is a graph of format {version}; this program reads format {VERSION}"
            ));
        }
        None => return Err("its header has no version".to_owned()),
    }
    serde_json::from_value(value).map_err(|e| format!("its header is not that of a graph: {e}"))
}

fn wrong(path: &Path, problem: String) -> Error {
    Error::File {
        path: path.to_owned(),
        problem,
    }
}
