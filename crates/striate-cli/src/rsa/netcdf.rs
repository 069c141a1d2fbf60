//! Features in a variable of a netCDF file. Invariant: a variable is used only if its rows
//! are images, as far as the file's ids of images tell.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use striate_data::netcdf::{NetCdf, Variable};

use super::features::{BLOCK, Opened, Storage};
use crate::input::{Error, Result, some_of};

/// Variables with the ids of images, the first that is there; BrainScore has both of the
/// first two.
const IDS: [&str; 4] = ["image_id", "stimulus_id", "image_ids", "ids"];

/// Reads a variable window by window into an unnamed file, from which columns can be read.
///
/// # Errors
///
/// If there is no such variable, more than one to choose from, or its rows are no images.
pub(super) fn open(path: &Path, key: Option<&str>) -> Result<Opened> {
    let place = path.display().to_string();
    let file = NetCdf::open(path)?;
    let variable = choose(&file, key, &place)?;
    let place = format!("{place}, variable {}", variable.name);
    let shape = &variable.shape;
    let (count, features) = match shape.as_slice() {
        [rows, rest @ ..] if !rest.is_empty() => (*rows, rest.iter().product::<usize>()),
        _ => {
            let found = format!("shape {shape:?}");
            return Err(Error::content(place, "images x features", found));
        }
    };
    if count == 0 || features == 0 {
        let found = format!("shape {shape:?}");
        return Err(Error::content(place, "images x features", found));
    }
    let ids = ids(&file, variable, &place)?;
    let io = |e| Error::io("write a temporary copy of", path, e);
    let mut out = BufWriter::new(tempfile::tempfile().map_err(io)?);
    let window = (BLOCK / 4 / features).max(1);
    for start in (0..count).step_by(window) {
        let rows = file.rows(&variable.name, start, window.min(count - start))?;
        for value in &rows {
            out.write_all(&value.to_le_bytes()).map_err(io)?;
        }
    }
    let out = out.into_inner().map_err(|e| io(e.into_error()))?;
    Ok((Storage::Spilled(out), count, features, ids))
}

/// The variable of a name, or the only one of numbers with two axes or more.
fn choose<'a>(file: &'a NetCdf, key: Option<&str>, place: &str) -> Result<&'a Variable> {
    let all = file.variables();
    let names = |of: &[&Variable]| {
        let names: Vec<String> = of.iter().map(|v| v.name.clone()).collect();
        some_of(&names, 10)
    };
    if let Some(key) = key {
        return file.variable(key).ok_or_else(|| {
            let all: Vec<&Variable> = all.iter().collect();
            Error::content(place, format!("a variable {key}"), names(&all))
        });
    }
    let tables = all.iter().filter(|v| v.numeric && v.shape.len() > 1);
    match tables.collect::<Vec<_>>().as_slice() {
        [only] => Ok(*only),
        many => Err(Error::content(
            place,
            format!("one variable of images x features, or {place}:NAME"),
            format!("{} of them ({})", many.len(), names(many)),
        )),
    }
}

/// The ids of the rows, if the file has them.
fn ids(file: &NetCdf, variable: &Variable, place: &str) -> Result<Option<Vec<String>>> {
    for name in IDS {
        let Some(found) = file.variable(name).filter(|v| v.name != variable.name) else {
            continue;
        };
        if found.runs_along(variable, 0) {
            return Ok(Some(file.labels(name)?));
        }
        if found.runs_along(variable, 1) {
            return Err(Error::content(
                place,
                "images x features",
                format!("images along the second axis, where {name} runs (transpose it)"),
            ));
        }
    }
    Ok(None)
}
