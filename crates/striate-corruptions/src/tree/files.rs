//! Which images a run works on. Invariant: sorted by path, no two with the
//! same result.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{BadFile, Format};
use crate::{Error, Result};

/// One source image.
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// Its path below the input folder, with `/` between the parts.
    pub(super) name: String,
    /// The path of its results below `<corruption>/<severity>/`.
    pub(super) target: String,
    /// Its place in the sorted list.
    pub(super) index: u64,
}

pub(super) fn list(
    input: &Path,
    output: &Path,
    format: Format,
) -> Result<(Vec<Source>, Vec<BadFile>)> {
    let io = |action: &'static str, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    };
    let (mut paths, mut bad) = (Vec::new(), Vec::new());
    let metadata = fs::metadata(input).map_err(io("read", input))?;
    let root = if metadata.is_dir() {
        fs::create_dir_all(output).map_err(io("create", output))?;
        let inner = fs::canonicalize(output).map_err(io("resolve", output))?;
        let outer = fs::canonicalize(input).map_err(io("resolve", input))?;
        if inner.starts_with(&outer) {
            return Err(Error::OutputInsideInput {
                output: output.to_owned(),
                input: input.to_owned(),
            });
        }
        walk(input, &mut paths, &mut bad)?;
        input
    } else {
        paths.push(input.to_owned());
        input.parent().unwrap_or(Path::new(""))
    };
    paths.sort();
    let mut targets = BTreeSet::new();
    let mut sources = Vec::new();
    for path in paths {
        let Some(name) = name_below(&path, root) else {
            bad.push(BadFile {
                path,
                reason: "file name is not UTF-8".into(),
            });
            continue;
        };
        let stem = name
            .rsplit_once('.')
            .map_or(name.as_str(), |(stem, _)| stem);
        let mut target = format!("{stem}.{}", format.extension());
        if !targets.insert(target.clone()) {
            // A neighbour differs in its extension only.
            target = format!("{name}.{}", format.extension());
            targets.insert(target.clone());
        }
        sources.push(Source {
            path,
            name,
            target,
            index: sources.len() as u64,
        });
    }
    if sources.is_empty() {
        return Err(Error::NoImages {
            path: input.to_owned(),
        });
    }
    Ok((sources, bad))
}

fn name_below(path: &Path, root: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path
        .strip_prefix(root)
        .ok()?
        .components()
        .map(|part| part.as_os_str().to_str())
        .collect();
    Some(parts?.join("/"))
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>, bad: &mut Vec<BadFile>) -> Result<()> {
    let io = |source| Error::Io {
        action: "list",
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let path = entry.path();
        let kind = entry.file_type().map_err(io)?;
        if kind.is_dir() {
            walk(&path, paths, bad)?;
            continue;
        }
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("png" | "jpg" | "jpeg") => paths.push(path),
            Some("bmp" | "gif" | "tif" | "tiff" | "webp" | "ppm" | "pgm") => bad.push(BadFile {
                path,
                reason: "image format not supported: expected PNG or JPEG".into(),
            }),
            // Not an image: class lists, annotations.
            _ => {}
        }
    }
    Ok(())
}
