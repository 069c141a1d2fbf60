//! The rows of an image table. Invariant: a record holds the image's bytes as
//! they are in the file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use serde_json::Value;

use super::Table;
use crate::{Error, ImageSet, Images, ResizeCrop, Result, RgbImage, decode_rgb, fit::fitted};

/// One row of an image table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRecord {
    /// The encoded image, PNG or JPEG.
    pub bytes: Vec<u8>,
    /// The image's own file name, where the file has one.
    pub path: Option<String>,
    /// The class, where the file has one; -1 (as in ImageNet's test split) is none.
    pub label: Option<u32>,
    /// The text columns of the row, by column; a null is absent.
    pub text: BTreeMap<String, String>,
    /// File and row, for messages.
    pub place: String,
}

impl ImageRecord {
    /// Decodes the image to RGB.
    ///
    /// # Errors
    ///
    /// If the bytes do not decode.
    pub fn decode(&self) -> Result<RgbImage> {
        decode_rgb(&self.bytes, &self.place)
    }
}

/// An image table: one or several shards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageTable {
    /// The rows, in the order of the shards.
    pub records: Vec<ImageRecord>,
    /// The classes, from the file's `huggingface` metadata; empty when it has none.
    pub class_names: Vec<String>,
}

impl ImageTable {
    /// Reads one file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, has no image column, a row has no image, or a
    /// label is not a class.
    pub fn open(path: &Path) -> Result<Self> {
        read(&Table::open(path)?)
    }

    /// Reads a file's bytes; `place` names them in messages.
    ///
    /// # Errors
    ///
    /// As [`ImageTable::open`].
    pub fn from_bytes(bytes: Vec<u8>, place: &str) -> Result<Self> {
        read(&Table::new(bytes::Bytes::from(bytes), place.to_string())?)
    }

    /// Reads several shards as one table.
    ///
    /// # Errors
    ///
    /// As [`ImageTable::open`], and if the shards' classes differ.
    pub fn open_shards(paths: &[PathBuf]) -> Result<Self> {
        let mut all: Option<Self> = None;
        for path in paths {
            let shard = Self::open(path)?;
            match &mut all {
                None => all = Some(shard),
                Some(all) if all.class_names == shard.class_names => {
                    all.records.extend(shard.records);
                }
                Some(all) => {
                    return Err(Error::format(
                        path.display().to_string(),
                        format!("the {} classes of the first shard", all.class_names.len()),
                        format!("{} other classes", shard.class_names.len()),
                    ));
                }
            }
        }
        all.ok_or_else(|| Error::argument("shards", "at least one file", 0))
    }

    /// Decodes all images, in parallel; the order is that of the records.
    ///
    /// # Errors
    ///
    /// If an image does not decode: the first of them is named.
    pub fn decode(&self) -> Result<Vec<RgbImage>> {
        // All results first: which error is returned does not depend on timing.
        let images: Vec<Result<RgbImage>> =
            self.records.par_iter().map(ImageRecord::decode).collect();
        images.into_iter().collect()
    }

    /// Decodes a table of labelled images of one size.
    ///
    /// Class names are the labels' numbers when the file has none. An id is the
    /// record's path where all have a different one, else the number of the row.
    ///
    /// # Errors
    ///
    /// If an image does not decode, sizes differ, or a row has no label.
    pub fn to_image_set(&self) -> Result<ImageSet> {
        self.to_image_set_fitted(None)
    }

    /// As [`ImageTable::to_image_set`], each image brought to one size first.
    ///
    /// # Errors
    ///
    /// As [`ImageTable::to_image_set`], and if the fit is none.
    pub fn to_image_set_fitted(&self, fit: Option<ResizeCrop>) -> Result<ImageSet> {
        let images: Vec<Result<RgbImage>> = self
            .records
            .par_iter()
            .map(|record| fitted(record.decode()?, fit))
            .collect();
        let decoded = images.into_iter().collect::<Result<Vec<_>>>()?;
        let (height, width) = decoded
            .first()
            .map(|image| (image.height, image.width))
            .ok_or_else(|| Error::argument("image table", "at least one row", 0))?;
        let mut pixels = Vec::with_capacity(decoded.len() * height * width * 3);
        let mut labels = Vec::with_capacity(decoded.len());
        for (image, record) in decoded.into_iter().zip(&self.records) {
            if (image.height, image.width) != (height, width) {
                return Err(Error::format(
                    &record.place,
                    format!("{height} x {width} pixels as in the first row"),
                    format!("{} x {}", image.height, image.width),
                ));
            }
            pixels.extend_from_slice(&image.pixels_u8);
            labels.push(
                record
                    .label
                    .ok_or_else(|| Error::format(&record.place, "a label", "a row without one"))?,
            );
        }
        let images = Images::new(labels.len(), height, width, 3, pixels)?;
        ImageSet::new(images, labels, self.classes(), self.ids())
    }

    /// The names of the classes; the labels' numbers when the file has none.
    pub fn classes(&self) -> Vec<String> {
        if !self.class_names.is_empty() {
            return self.class_names.clone();
        }
        let labels = self.records.iter().filter_map(|record| record.label);
        let classes = labels.max().map_or(0, |max| max + 1);
        (0..classes).map(|label| label.to_string()).collect()
    }

    fn ids(&self) -> Vec<String> {
        let paths: Vec<String> = self.records.iter().filter_map(|r| r.path.clone()).collect();
        let mut unique = paths.clone();
        unique.sort();
        unique.dedup();
        if unique.len() == self.records.len() {
            paths
        } else {
            (0..self.records.len()).map(|row| row.to_string()).collect()
        }
    }
}

fn read(table: &Table) -> Result<ImageTable> {
    let column = ["image", "img"]
        .into_iter()
        .find(|name| table.has(&format!("{name}.bytes")))
        .ok_or_else(|| {
            let names: Vec<&str> = table.names().collect();
            Error::format(
                table.place(),
                "a column image: struct<bytes, path>",
                format!("columns [{}]", names.join(", ")),
            )
        })?;
    let bytes = table.bytes(&format!("{column}.bytes"))?;
    let path_column = format!("{column}.path");
    let paths = if table.has(&path_column) {
        table.text(&path_column)?
    } else {
        vec![None; bytes.len()]
    };
    let labels = if table.has("label") {
        table.integers("label")?
    } else {
        vec![None; bytes.len()]
    };
    let class_names = class_names(table)?;
    let text_names: Vec<&str> = table
        .names()
        .filter(|name| !name.contains('.') && table.is_text(name))
        .collect();
    let texts = text_names
        .iter()
        .map(|name| table.text(name))
        .collect::<Result<Vec<_>>>()?;
    let mut records = Vec::with_capacity(bytes.len());
    for (row, ((bytes, path), label)) in bytes.into_iter().zip(paths).zip(labels).enumerate() {
        let place = format!("{}, row {row}", table.place());
        let bytes = bytes.ok_or_else(|| {
            Error::format(&place, "image bytes", "null (only a path, or nothing)")
        })?;
        let text = text_names
            .iter()
            .zip(&texts)
            .filter_map(|(name, column)| Some(((*name).to_string(), column[row].clone()?)))
            .collect();
        records.push(ImageRecord {
            bytes,
            path,
            label: check_label(label, class_names.len(), &place)?,
            text,
            place,
        });
    }
    Ok(ImageTable {
        records,
        class_names,
    })
}

fn check_label(label: Option<i64>, classes: usize, place: &str) -> Result<Option<u32>> {
    let bound = if classes == 0 { 1 << 31 } else { classes };
    match label {
        None | Some(-1) => Ok(None),
        Some(label) => match u32::try_from(label) {
            Ok(value) if (value as usize) < bound => Ok(Some(value)),
            _ => Err(Error::format(
                place,
                format!("a label in 0..{bound}, or -1 for none"),
                label.to_string(),
            )),
        },
    }
}

/// `info.features.label.names` of the `huggingface` metadata, if it is there.
fn class_names(table: &Table) -> Result<Vec<String>> {
    let Some(text) = table.metadata("huggingface") else {
        return Ok(Vec::new());
    };
    let json: Value = serde_json::from_str(text).map_err(|e| {
        Error::format(
            format!("{}, metadata huggingface", table.place()),
            "JSON",
            e.to_string(),
        )
    })?;
    let names = &json["info"]["features"]["label"]["names"];
    match names {
        Value::Null => Ok(Vec::new()),
        Value::Array(names) if names.iter().all(Value::is_string) => Ok(names
            .iter()
            .filter_map(Value::as_str)
            .map(String::from)
            .collect()),
        other => Err(Error::format(
            format!("{}, metadata huggingface, label names", table.place()),
            "a list of texts",
            other.to_string(),
        )),
    }
}
