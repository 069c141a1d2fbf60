//! Numbers and labels in netCDF files: the classic formats (CDF-1, CDF-2, CDF-5) and
//! netCDF-4, which is HDF5.
//!
//! Invariants: errors name the file and the variable; rows are read a window at a time;
//! what a file marks as missing comes out as NaN, and packed values are refused.

mod classic;
mod hdf5;

use std::{io::Read as _, path::Path};

use crate::{
    Error, Result,
    hdf5::{Hdf5, is_hdf5},
};

/// Marks a float or double that was never written, where the variable names no other value
/// (netCDF's `NC_FILL_FLOAT`).
const UNWRITTEN: f32 = 9.969_21e36;

/// A variable as its file declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name; in netCDF-4 those of the root group are read.
    pub name: String,
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// The file's number of the dimension along each axis. None in a netCDF-4 file that
    /// leaves out `_Netcdf4Coordinates`: its references to dimensions are not followed.
    pub dimensions: Option<Vec<u64>>,
    /// Whether it holds numbers.
    pub numeric: bool,
}

impl Variable {
    /// Whether the first axis is the axis with this index of another variable of the file:
    /// by the dimension, or where the file does not number those, by the length.
    pub fn runs_along(&self, other: &Self, axis: usize) -> bool {
        match (&self.dimensions, &other.dimensions) {
            (Some(own), Some(others)) => !own.is_empty() && own.first() == others.get(axis),
            _ => !self.shape.is_empty() && self.shape.first() == other.shape.get(axis),
        }
    }
}

/// An open netCDF file.
pub struct NetCdf {
    place: String,
    variables: Vec<Variable>,
    store: Store,
}

enum Store {
    Classic(classic::Classic),
    Hdf5(Hdf5),
}

/// What a variable's attributes say about its values.
#[derive(Clone, Debug, Default)]
struct Marks {
    /// `_FillValue` and `missing_value`.
    missing: Vec<f32>,
    /// The attribute by which values would have to be unpacked.
    packed: Option<&'static str>,
}

impl Marks {
    /// The attributes that are looked at.
    const MISSING: [&'static str; 2] = ["_FillValue", "missing_value"];
    const PACKED: [&'static str; 2] = ["scale_factor", "add_offset"];

    /// Puts NaN where a value is missing.
    fn apply(&self, values: &mut [f32], place: &str) -> Result<()> {
        if let Some(attribute) = self.packed {
            let found = format!("the attribute {attribute}, by which values are unpacked");
            return Err(Error::format(place, "values as they are", found));
        }
        for value in values {
            if *value == UNWRITTEN || self.missing.contains(value) {
                *value = f32::NAN;
            }
        }
        Ok(())
    }
}

impl NetCdf {
    /// Opens a file and reads what it holds.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is of no netCDF format.
    pub fn open(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let mut head = Vec::new();
        let file = std::fs::File::open(path).map_err(|e| Error::io(path, e))?;
        let mut start = file.take(520);
        start
            .read_to_end(&mut head)
            .map_err(|e| Error::io(path, e))?;
        let (store, variables) = if is_hdf5(&head) {
            let file = Hdf5::open(path)?;
            let variables = hdf5::variables(&file)?;
            (Store::Hdf5(file), variables)
        } else if head.starts_with(b"CDF") {
            let file = classic::Classic::open(path)?;
            let variables = file.variables();
            (Store::Classic(file), variables)
        } else {
            let found = format!("bytes {:02x?}", &head[..head.len().min(4)]);
            return Err(Error::format(place, "a netCDF file", found));
        };
        Ok(Self {
            place,
            variables,
            store,
        })
    }

    /// All variables, of netCDF-4 those of the root group.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The variable of this name.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|v| v.name == name)
    }

    /// The entries `start..start + count` of the first axis, `[count, all other axes]`;
    /// NaN where a value is missing. A file of netCDF-4 up to 1 GiB is in memory while it
    /// is open; of all others, only these entries are.
    ///
    /// # Errors
    ///
    /// If the variable is not there, holds no numbers, has no such entries, is packed or
    /// cannot be read.
    pub fn rows(&self, name: &str, start: usize, count: usize) -> Result<Vec<f32>> {
        let (variable, place) = self.find(name)?;
        let entries = variable.shape.first().copied().unwrap_or(1);
        if !variable.numeric {
            return Err(Error::format(place, "numbers", "text or another type"));
        }
        if start.checked_add(count).is_none_or(|end| end > entries) {
            let found = format!("{start} and {count} more");
            return Err(Error::format(place, format!("{entries} entries"), found));
        }
        let (mut values, marks) = match &self.store {
            Store::Classic(file) => file.rows(name, start, count, &place)?,
            Store::Hdf5(file) => hdf5::rows(file, name, start, count)?,
        };
        marks.apply(&mut values, &place)?;
        Ok(values)
    }

    /// One label for each entry of the first axis: a string, the characters along the
    /// second axis, or a number as text.
    ///
    /// # Errors
    ///
    /// If the variable is not there, has more axes or cannot be read.
    pub fn labels(&self, name: &str) -> Result<Vec<String>> {
        let (variable, place) = self.find(name)?;
        let fits = match variable.shape.len() {
            1 => true,
            2 => !variable.numeric,
            _ => false,
        };
        if !fits {
            let found = format!("shape {:?}", variable.shape);
            return Err(Error::format(place, "a label for each entry", found));
        }
        match &self.store {
            Store::Classic(file) => file.labels(name, &place),
            Store::Hdf5(file) => hdf5::labels(file, variable),
        }
    }

    /// A variable, and where it is for messages.
    fn find(&self, name: &str) -> Result<(&Variable, String)> {
        match self.variable(name) {
            Some(variable) => Ok((variable, format!("{}, variable {name}", self.place))),
            None => {
                let names: Vec<&str> = self.variables.iter().map(|v| v.name.as_str()).collect();
                let found = format!("[{}]", names.join(", "));
                Err(Error::format(
                    &self.place,
                    format!("a variable {name}"),
                    found,
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests;
