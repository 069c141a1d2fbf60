//! Which images a run works on. Invariant: sorted by path, no two with the
//! same result.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::output::io;
use super::{BadFile, Format};
use crate::{Corruption, Error, Result, Severity};

/// One source image.
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// Its path below the input folder, with `/` between the parts.
    pub(super) name: String,
    /// The path of its results below `<corruption>/<severity>/`.
    target: String,
    /// Its place in the sorted list.
    pub(super) index: u64,
}

impl Source {
    /// The path of a result below the output folder.
    pub(super) fn result(&self, corruption: Corruption, severity: Severity) -> String {
        format!("{corruption}/{severity}/{}", self.target)
    }
}

/// The images at or below `input`, and what is there but cannot be used.
pub(super) fn list(
    input: &Path,
    output: &Path,
    format: Format,
) -> Result<(Vec<Source>, Vec<BadFile>)> {
    let outer = fs::canonicalize(input).map_err(io("read", input))?;
    let mut found = Found::default();
    let root = if outer.is_dir() {
        if resolve(output)?.starts_with(&outer) {
            return Err(Error::OutputInsideInput {
                output: output.to_owned(),
                input: input.to_owned(),
            });
        }
        let entries = fs::read_dir(input).map_err(io("list", input))?;
        found.walk(entries, &mut vec![outer]);
        input
    } else {
        found.paths.push(input.to_owned());
        input.parent().unwrap_or(Path::new(""))
    };
    let Found { mut paths, mut bad } = found;
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
    if sources.is_empty() && bad.is_empty() {
        return Err(Error::NoImages {
            path: input.to_owned(),
        });
    }
    Ok((sources, bad))
}

/// The place of a folder that need not exist yet, links resolved.
fn resolve(folder: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(folder).map_err(io("resolve", folder))?;
    for (depth, ancestor) in absolute.ancestors().enumerate() {
        if let Ok(mut place) = fs::canonicalize(ancestor) {
            let missing = absolute.components().count() - depth;
            place.extend(absolute.components().skip(missing));
            return Ok(place);
        }
    }
    Ok(absolute)
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

#[derive(Default)]
struct Found {
    paths: Vec<PathBuf>,
    bad: Vec<BadFile>,
}

impl Found {
    /// Links are followed, except to a folder that is being walked already:
    /// `above` holds these, resolved.
    fn walk(&mut self, entries: fs::ReadDir, above: &mut Vec<PathBuf>) {
        for entry in entries {
            let path = match entry {
                Ok(entry) => entry.path(),
                Err(e) => {
                    let folder = above.last().cloned().unwrap_or_default();
                    self.refuse(folder, format!("folder: {e}"));
                    continue;
                }
            };
            if !path.is_dir() {
                self.file(path);
                continue;
            }
            match fs::canonicalize(&path).and_then(|place| Ok((place, fs::read_dir(&path)?))) {
                Ok((place, _)) if above.contains(&place) => {
                    self.refuse(path, "link to a folder that it lies in".into());
                }
                Ok((place, entries)) => {
                    above.push(place);
                    self.walk(entries, above);
                    above.pop();
                }
                Err(e) => self.refuse(path, format!("folder: {e}")),
            }
        }
    }

    fn file(&mut self, path: PathBuf) {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("png" | "jpg" | "jpeg") => self.paths.push(path),
            Some("bmp" | "gif" | "tif" | "tiff" | "webp" | "ppm" | "pgm") => self.refuse(
                path,
                "image format not supported: expected PNG or JPEG".into(),
            ),
            // Not an image: class lists, annotations.
            _ => {}
        }
    }

    fn refuse(&mut self, path: PathBuf, reason: String) {
        self.bad.push(BadFile { path, reason });
    }
}
