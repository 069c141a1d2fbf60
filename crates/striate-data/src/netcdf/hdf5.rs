//! netCDF-4 on the reader of HDF5. Invariant: only the root group is looked at, and the
//! internal attributes of netCDF-4 say which axis is which, or nothing does.

use super::{Marks, Variable};
use crate::{
    Error, Result,
    hdf5::{Hdf5, Set, Stored},
};

/// The numbers of the dimensions of a variable, in order.
const COORDINATES: &str = "_Netcdf4Coordinates";
/// The number of the first of them; the only one beside a dimension's own variable.
const DIMENSION: &str = "_Netcdf4Dimid";

pub(super) fn variables(file: &Hdf5) -> Result<Vec<Variable>> {
    file.sets()?
        .into_iter()
        .map(|name| {
            let set = file.set("", &name)?;
            Ok(Variable {
                dimensions: dimensions(&set)?,
                numeric: matches!(set.stored()?, Stored::Integers | Stored::Floats),
                shape: set.shape,
                name,
            })
        })
        .collect()
}

fn dimensions(set: &Set) -> Result<Option<Vec<u64>>> {
    let mut found = set.attribute(COORDINATES)?;
    if found.is_none() && set.shape.len() == 1 {
        found = set.attribute(DIMENSION)?;
    }
    let found = found.filter(|numbers| numbers.len() == set.shape.len());
    Ok(found.map(|numbers| numbers.into_iter().map(|v| v as u64).collect()))
}

pub(super) fn rows(
    file: &Hdf5,
    name: &str,
    start: usize,
    count: usize,
) -> Result<(Vec<f32>, Marks)> {
    let set = file.set("", name)?;
    let mut marks = Marks::default();
    for attribute in Marks::MISSING {
        let values = set.attribute(attribute)?.unwrap_or_default();
        marks.missing.extend(values.iter().map(|v| *v as f32));
    }
    for attribute in Marks::PACKED {
        if set.attribute(attribute)?.is_some() {
            marks.packed = Some(attribute);
        }
    }
    Ok((set.f32_rows(start, count)?, marks))
}

pub(super) fn labels(file: &Hdf5, variable: &Variable) -> Result<Vec<String>> {
    let set = file.set("", &variable.name)?;
    match set.stored()? {
        Stored::Integers => Ok(set.i64()?.iter().map(ToString::to_string).collect()),
        Stored::Floats => Ok(set.f64()?.iter().map(ToString::to_string).collect()),
        Stored::Other => {
            let text = set.text()?;
            match set.shape.as_slice() {
                [_, 0] => Err(Error::format(
                    &set.place,
                    "labels of some length",
                    "empty ones",
                )),
                [_, length] => Ok(text.chunks(*length).map(|c| c.concat()).collect()),
                _ => Ok(text),
            }
        }
    }
}
