//! Features of one file, a block of columns at a time. Invariant: rows of one
//! image (repeats) are known by their common id, and images stand in the order
//! of their first row.

use std::collections::BTreeMap;
use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use striate_data::array::{Values, read_npz};

use super::netcdf;
use super::npy::NpyFile;
use crate::input::{Error, Result, some_of, split_member};
use crate::table::{self, Column};

/// Bytes of a block of columns.
pub(super) const BLOCK: usize = 64 << 20;

const ID: &[&str] = &["image_id", "id", "image"];

/// Features of one file.
#[derive(Debug)]
pub struct Source {
    /// As given, for messages.
    pub file: String,
    /// Its stem: the name in tables.
    pub name: String,
    /// Features per image.
    pub features: usize,
    /// One per image, if known.
    pub ids: Option<Vec<String>>,
    /// Per image: its rows.
    rows: Vec<Vec<usize>>,
    count: usize,
    storage: Storage,
}

#[derive(Debug)]
pub(super) enum Storage {
    Npy(NpyFile),
    Memory(Vec<f32>),
    /// Rows of a table or a netCDF variable, written one after the other.
    Spilled(std::fs::File),
}

impl Source {
    /// Opens a file; `ids` are those of its rows, unless it has its own.
    ///
    /// # Errors
    ///
    /// A file that does not hold images x features; ids that do not fit.
    pub fn open(path: &Path, ids: Option<&[String]>) -> Result<Self> {
        let text = path.display().to_string();
        let (real, key) = split_member(path);
        let (storage, count, features, own) = match extension(&real).as_str() {
            "npy" => {
                let array = NpyFile::open(&real)?;
                let (rows, columns) = (array.rows, array.columns);
                (Storage::Npy(array), rows, columns, None)
            }
            "npz" => npz(&real, key.as_deref())?,
            "nc" | "nc4" | "cdf" => netcdf::open(&real, key.as_deref())?,
            "parquet" | "pq" | "csv" | "tsv" => spill(&real)?,
            _ => {
                return Err(Error::content(
                    text,
                    "a name that ends in .npy, .npz, .nc, .nc4, .cdf, .parquet, .csv or .tsv",
                    "another one",
                ));
            }
        };
        let ids = match (ids, own) {
            (Some(given), _) => Some(given.to_vec()),
            (None, own) => own,
        };
        if let Some(ids) = &ids
            && ids.len() != count
        {
            return Err(Error::content(
                text,
                format!("{} rows, one for each id", ids.len()),
                count,
            ));
        }
        if features == 0 || count == 0 {
            return Err(Error::content(
                text,
                "images x features",
                format!("{count} x {features}"),
            ));
        }
        let name = real.file_stem().unwrap_or_default().to_string_lossy();
        let mut source = Self {
            name: match &key {
                Some(key) => format!("{name}:{key}"),
                None => name.into_owned(),
            },
            file: text,
            features,
            rows: (0..count).map(|row| vec![row]).collect(),
            count,
            ids: None,
            storage,
        };
        if let Some(ids) = ids {
            source.group(ids);
        }
        Ok(source)
    }

    /// Puts rows of the same id together.
    fn group(&mut self, ids: Vec<String>) {
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let (mut unique, mut rows): (Vec<String>, Vec<Vec<usize>>) = (Vec::new(), Vec::new());
        for (row, id) in ids.into_iter().enumerate() {
            let place = *places.entry(id.clone()).or_insert_with(|| {
                unique.push(id);
                rows.push(Vec::new());
                unique.len() - 1
            });
            rows[place].push(row);
        }
        self.ids = Some(unique);
        self.rows = rows;
    }

    /// Number of images.
    pub fn images(&self) -> usize {
        self.rows.len()
    }

    /// Repeats of each image, if they are as many for all.
    pub fn repeats(&self) -> Option<usize> {
        let count = self.rows.first()?.len();
        self.rows.iter().all(|r| r.len() == count).then_some(count)
    }

    /// An image as the user knows it: its id, or its row.
    pub fn image(&self, image: usize) -> String {
        match &self.ids {
            Some(ids) => format!("`{}` (row {})", ids[image], self.rows[image][0]),
            None => format!("row {image}"),
        }
    }

    /// Columns of a block.
    pub fn width(&self) -> usize {
        (BLOCK / 4 / self.count).clamp(16, self.features.max(16))
    }

    /// The features `start..end`, images by features; repeats are averaged, or
    /// the one of a number is taken.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn block(&mut self, start: usize, end: usize, repeat: Option<usize>) -> Result<Vec<f32>> {
        let width = end - start;
        let raw = self.raw(start, end)?;
        if self.rows.len() == self.count {
            return Ok(raw);
        }
        let mut out = Vec::with_capacity(self.rows.len() * width);
        for rows in &self.rows {
            match repeat {
                Some(repeat) => {
                    let row = rows[repeat];
                    out.extend_from_slice(&raw[row * width..(row + 1) * width]);
                }
                None => out.extend((0..width).map(|column| {
                    let values = rows.iter().map(|row| f64::from(raw[row * width + column]));
                    (values.sum::<f64>() / rows.len() as f64) as f32
                })),
            }
        }
        Ok(out)
    }

    fn raw(&mut self, start: usize, end: usize) -> Result<Vec<f32>> {
        let path = Path::new(&self.file);
        let io = |e| Error::io("read", path, e);
        let (width, columns) = (end - start, self.features);
        match &mut self.storage {
            Storage::Npy(array) => array.block(start, end).map_err(io),
            Storage::Memory(values) => Ok(values
                .chunks_exact(columns)
                .flat_map(|row| row[start..end].iter().copied())
                .collect()),
            Storage::Spilled(file) => {
                use std::io::Read as _;
                let mut out = Vec::with_capacity(self.count * width);
                let mut bytes = vec![0; 4 * width];
                for row in 0..self.count {
                    let at = 4 * (row * columns + start) as u64;
                    file.seek(SeekFrom::Start(at)).map_err(io)?;
                    file.read_exact(&mut bytes).map_err(io)?;
                    let values = bytes.chunks_exact(4);
                    out.extend(values.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
                }
                Ok(out)
            }
        }
    }
}

/// Ids, one a line.
///
/// # Errors
///
/// If the file cannot be read.
pub fn read_ids(path: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
    Ok(text.lines().map(|l| l.trim().to_owned()).collect())
}

fn extension(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default();
    extension.to_string_lossy().to_ascii_lowercase()
}

/// Where the features are, images, features of each, and ids, if the file has them.
pub(super) type Opened = (Storage, usize, usize, Option<Vec<String>>);

fn npz(path: &Path, key: Option<&str>) -> Result<Opened> {
    let place = path.display().to_string();
    let arrays = read_npz(path)?;
    let tables: Vec<&String> = arrays
        .iter()
        .filter(|(_, a)| a.shape.len() > 1 && !matches!(a.values, Values::Text(_)))
        .map(|(name, _)| name)
        .collect();
    let name = match (key, tables.as_slice()) {
        (Some(key), _) => key,
        (None, [only]) => only.as_str(),
        (None, many) => {
            let names: Vec<String> = many.iter().map(|n| (*n).clone()).collect();
            return Err(Error::content(
                &place,
                format!("one array of images x features, or {place}:NAME"),
                format!("{} of them ({})", names.len(), some_of(&names, 10)),
            ));
        }
    };
    let Some(array) = arrays.get(name) else {
        let names: Vec<String> = arrays.keys().cloned().collect();
        return Err(Error::content(
            &place,
            format!("an array {name}"),
            some_of(&names, 10),
        ));
    };
    let [rows, rest @ ..] = array.shape.as_slice() else {
        return Err(Error::content(
            place,
            "images x features",
            "a single number",
        ));
    };
    let values = array.to_f32(&format!("{place}, array {name}"))?;
    let ids = ["ids", "image_ids", "image_id"]
        .iter()
        .find_map(|n| arrays.get(*n))
        .map(|ids| ids.to_labels());
    Ok((Storage::Memory(values), *rows, rest.iter().product(), ids))
}

/// Writes the features of a table row by row into an unnamed file, from which
/// columns can be read.
fn spill(path: &Path) -> Result<Opened> {
    let io = |e| Error::io("write a temporary copy of", path, e);
    let mut out = BufWriter::new(tempfile::tempfile().map_err(io)?);
    let place = path.display().to_string();
    let (mut width, mut rows) = (None, 0);
    let mut ids: Vec<String> = Vec::new();
    table::read(path, &|_| true, &mut |batch| {
        let id = ID.iter().find(|n| batch.columns.contains_key(**n));
        let lists: Vec<&String> = batch
            .columns
            .iter()
            .filter(|(_, c)| matches!(c, Column::List { .. }))
            .map(|(name, _)| name)
            .collect();
        let numbers: Vec<&String> = batch
            .columns
            .keys()
            .filter(|n| Some(&n.as_str()) != id)
            .collect();
        let list = ["features", "feature"]
            .into_iter()
            .find(|n| batch.columns.contains_key(*n))
            .or(lists.first().map(|n| n.as_str()));
        for row in 0..batch.rows {
            let values = match list {
                Some(name) => batch.list(name, row)?,
                None => numbers
                    .iter()
                    .map(|name| {
                        let value = batch.float(name, row)?;
                        Ok(value.ok_or_else(|| batch.missing(name, row, "a number"))? as f32)
                    })
                    .collect::<Result<Vec<f32>>>()?
                    .into(),
            };
            let expected = *width.get_or_insert(values.len());
            if values.len() != expected {
                return Err(Error::content(
                    batch.place(row),
                    format!("{expected} features as in the rows before"),
                    values.len(),
                ));
            }
            for value in values.iter() {
                out.write_all(&value.to_le_bytes()).map_err(io)?;
            }
            if let Some(id) = id {
                let text = batch.text(id, row)?;
                let text = text.ok_or_else(|| batch.missing(id, row, "an image id"))?;
                ids.push(text.into_owned());
            }
        }
        rows += batch.rows;
        Ok(())
    })?;
    let Some(width) = width.filter(|_| rows > 0) else {
        return Err(Error::content(place, "at least one row", "none"));
    };
    let file = out.into_inner().map_err(|e| io(e.into_error()))?;
    let ids = (!ids.is_empty()).then_some(ids);
    Ok((Storage::Spilled(file), rows, width, ids))
}
