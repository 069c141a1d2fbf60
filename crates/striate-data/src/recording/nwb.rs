//! Spikes in NWB files, counted around the onset of images (data-formats.md 2.6).

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::Recording;
use crate::{Error, Result, hdf5::Hdf5};

/// Columns that say which image was shown, the first that is there.
const IMAGE_COLUMNS: [&str; 6] = [
    "image_id",
    "stimulus_id",
    "image_name",
    "stimulus_name",
    "image",
    "frame",
];

/// How a file is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NwbConfig {
    /// The table of presentations under `/intervals`; without one, `trials`, or the only
    /// table there is.
    pub table: Option<String>,
    /// Its column that says which image was shown; without one, a column of a usual name.
    pub image_column: Option<String>,
    /// Spikes from so many seconds after the start of a trial ...
    pub from_s: f64,
    /// ... until so many are counted (the study: 0.04 to 0.16).
    pub until_s: f64,
}

impl Default for NwbConfig {
    fn default() -> Self {
        Self {
            table: None,
            image_column: None,
            from_s: 0.04,
            until_s: 0.16,
        }
    }
}

/// Spike counts, and what the images are called.
#[derive(Clone, Debug, PartialEq)]
pub struct NwbRecording {
    /// One trial for each presentation; image ids index into `image_names`.
    pub recording: Recording,
    /// The images: names or numbers as the file has them, in their own order.
    pub image_names: Vec<String>,
}

/// Reads the spike counts of all units. The session is called after the file.
///
/// # Errors
///
/// If the file cannot be read, a table or column is missing (the error lists those that
/// are there), lengths do not fit, or a time is not finite.
pub fn read_nwb(path: &Path, config: &NwbConfig) -> Result<NwbRecording> {
    let window = config.from_s..config.until_s;
    if !(config.from_s.is_finite() && config.until_s.is_finite() && !window.is_empty()) {
        let found = format!("{} to {}", config.from_s, config.until_s);
        return Err(Error::argument(
            "window",
            "a time from_s before until_s",
            found,
        ));
    }
    let file = Hdf5::open(path)?;
    let table = format!("intervals/{}", table_name(&file, config)?);
    let starts = file.set(&table, "start_time")?;
    let start_times = starts.f64()?;
    if let Some(place) = start_times.iter().position(|t| !t.is_finite()) {
        let place = format!("{}, row {place}", starts.place);
        return Err(Error::format(place, "a finite time", "another"));
    }
    let (image_of_trial, image_names) = images(&file, &table, config, start_times.len())?;
    let (unit_ids, units) = units(&file)?;
    let neurons = units.len();
    let mut responses = vec![0.0f32; start_times.len() * neurons];
    for (neuron, spikes) in units.iter().enumerate() {
        for (trial, start) in start_times.iter().enumerate() {
            let from = spikes.partition_point(|t| *t < start + config.from_s);
            let until = spikes.partition_point(|t| *t < start + config.until_s);
            responses[trial * neurons + neuron] = (until - from) as f32;
        }
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let recording = Recording::new(stem, neurons, image_of_trial, responses)?;
    Ok(NwbRecording {
        recording: recording.with_neuron_ids(unit_ids)?,
        image_names,
    })
}

fn table_name(file: &Hdf5, config: &NwbConfig) -> Result<String> {
    if let Some(table) = &config.table {
        return Ok(table.clone());
    }
    let tables = file.names("intervals")?;
    match tables.as_slice() {
        tables if tables.iter().any(|t| t == "trials") => Ok("trials".to_string()),
        [only] => Ok(only.clone()),
        several => Err(Error::format(
            format!("{}, group /intervals", file.place()),
            "a table trials, or one table, or the name of one",
            format!("[{}]", several.join(", ")),
        )),
    }
}

/// The image of each trial, and their names. Equal names are one image.
fn images(
    file: &Hdf5,
    table: &str,
    config: &NwbConfig,
    trials: usize,
) -> Result<(Vec<u32>, Vec<String>)> {
    let there = file.names(table)?;
    let usual = || {
        let known = IMAGE_COLUMNS
            .iter()
            .find(|name| there.iter().any(|t| t == *name));
        known.map(|name| (*name).to_string())
    };
    let Some(column) = config.image_column.clone().or_else(usual) else {
        return Err(Error::format(
            format!("{}, group /{table}", file.place()),
            format!(
                "a column that says which image, such as {}",
                IMAGE_COLUMNS.join(", ")
            ),
            format!("[{}]", there.join(", ")),
        ));
    };
    let set = file.set(table, &column)?;
    if set.len() != trials {
        let expected = format!("{trials} rows, as start_time has");
        return Err(Error::format(
            set.place,
            expected,
            set.shape[..].iter().product::<usize>().to_string(),
        ));
    }
    // Numbers are put in the order of numbers, names in that of names.
    let names: Vec<(i64, String)> = match set.text() {
        Ok(names) => names.into_iter().map(|name| (0, name)).collect(),
        Err(_) => set
            .f64()?
            .into_iter()
            .map(|number| (number as i64, number.to_string()))
            .collect(),
    };
    let unique: BTreeSet<&(i64, String)> = names.iter().collect();
    let id_of: BTreeMap<&(i64, String), u32> = unique
        .iter()
        .enumerate()
        .map(|(id, name)| (*name, id as u32))
        .collect();
    let image_of_trial = names.iter().map(|name| id_of[name]).collect();
    Ok((
        image_of_trial,
        unique.into_iter().map(|(_, name)| name.clone()).collect(),
    ))
}

/// The ids and the sorted spike times of all units.
fn units(file: &Hdf5) -> Result<(Vec<String>, Vec<Vec<f64>>)> {
    let index = file.set("units", "spike_times_index")?;
    let times = file.set("units", "spike_times")?;
    let spikes = times.f64()?;
    if let Some(place) = spikes.iter().position(|t| !t.is_finite()) {
        let place = format!("{}, spike {place}", times.place);
        return Err(Error::format(place, "a finite time", spikes[0].to_string()));
    }
    let mut units = Vec::new();
    let mut start = 0;
    for (unit, end) in index.f64()?.into_iter().enumerate() {
        let place = || format!("{}, unit {unit}", index.place);
        let expected = || format!("an end in {start}..={}", spikes.len());
        let end_index = end as usize;
        if end.fract() != 0.0 || end < start as f64 || end_index > spikes.len() {
            return Err(Error::format(place(), expected(), end.to_string()));
        }
        let mut of_unit = spikes[start..end_index].to_vec();
        of_unit.sort_by(f64::total_cmp);
        units.push(of_unit);
        start = end_index;
    }
    if start != spikes.len() {
        let expected = format!("units that end at {}", spikes.len());
        return Err(Error::format(index.place, expected, start.to_string()));
    }
    let ids = if file.has("units", "id") {
        let set = file.set("units", "id")?;
        let ids = set.f64()?;
        if ids.len() != units.len() {
            let expected = format!("{} ids, one for each unit", units.len());
            return Err(Error::format(set.place, expected, ids.len().to_string()));
        }
        ids.iter().map(|id| format!("{}", *id as i64)).collect()
    } else {
        (0..units.len()).map(|unit| unit.to_string()).collect()
    };
    Ok((ids, units))
}
