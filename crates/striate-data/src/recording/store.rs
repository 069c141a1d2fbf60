//! A recording as `.npz` and as parquet. Invariant: what is written is read back
//! equal, missing responses included.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use ::parquet::{
    basic::{Compression, Repetition, Type as Physical},
    data_type::{FloatType, Int64Type},
    errors::ParquetError,
    file::{metadata::KeyValue, properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::Type,
};
use serde::{Deserialize, Serialize};

use super::Recording;
use crate::{
    Error, Result,
    array::{Array, Values, read_npz, write_npz},
    parquet::Table,
    write_atomically,
};

/// Key of the file's metadata that holds [`Head`] as JSON.
const METADATA_KEY: &str = "striate.recording";

#[derive(Serialize, Deserialize)]
struct Head {
    session: String,
    neuron_ids: Vec<String>,
}

impl Recording {
    /// Writes `responses [trials, neurons]`, `image_ids`, `repeats`, `neuron_ids`,
    /// `session`, whole or not at all.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_npz(&self, path: &Path) -> Result<()> {
        let integers = |v: &[u32]| Values::I64(v.iter().map(|v| i64::from(*v)).collect());
        let trials = vec![self.trials()];
        let arrays = [
            (
                "responses",
                vec![self.trials(), self.neurons],
                Values::F32(self.responses.clone()),
            ),
            ("image_ids", trials.clone(), integers(&self.image_of_trial)),
            ("repeats", trials, integers(&self.repeat_of_trial)),
            (
                "neuron_ids",
                vec![self.neurons],
                Values::Text(self.neuron_ids.clone()),
            ),
            ("session", vec![1], Values::Text(vec![self.session.clone()])),
        ];
        let arrays = arrays
            .into_iter()
            .map(|(name, shape, values)| Ok((name.to_string(), Array::new(shape, values)?)))
            .collect::<Result<BTreeMap<_, _>>>()?;
        write_npz(path, &arrays)
    }

    /// Reads a `.npz` file: `responses [trials, neurons]` or `[repeats, images,
    /// neurons]` (NaN = no trial), optionally `image_ids`, `repeats`, `neuron_ids`
    /// and `session` (data-formats.md 2.7). Without ids, images are numbered from 0;
    /// without a session, it is called after the file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or its arrays do not fit together.
    pub fn read_npz(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        Self::from_arrays(&read_npz(path)?, &place, &stem)
    }

    pub(crate) fn from_arrays(
        arrays: &BTreeMap<String, Array>,
        place: &str,
        session: &str,
    ) -> Result<Self> {
        let Some(array) = arrays.get("responses") else {
            let names: Vec<&str> = arrays.keys().map(String::as_str).collect();
            let found = format!("[{}]", names.join(", "));
            return Err(Error::format(place, "an array responses", found));
        };
        let in_array = |name: &str| format!("{place}, array {name}");
        let values = array.to_f32(&in_array("responses"))?;
        let (repeats, images, neurons) = match array.shape[..] {
            [images, neurons] => (1, images, neurons),
            [repeats, images, neurons] => (repeats, images, neurons),
            _ => {
                return Err(Error::format(
                    in_array("responses"),
                    "[trials, neurons] or [repeats, images, neurons]",
                    format!("{:?}", array.shape),
                ));
            }
        };
        let ids = match arrays.get("image_ids") {
            Some(ids) => ids.to_ids(&in_array("image_ids"))?,
            None => (0..images as u32).collect(),
        };
        if ids.len() != images {
            return Err(Error::format(
                in_array("image_ids"),
                format!("{images} ids, as responses is {:?}", array.shape),
                ids.len().to_string(),
            ));
        }
        let (mut image_of_trial, mut responses) = (Vec::new(), Vec::new());
        for repeat in 0..repeats {
            for (image, id) in ids.iter().enumerate() {
                let start = (repeat * images + image) * neurons;
                let trial = &values[start..start + neurons];
                if repeats == 1 || trial.iter().any(|r| !r.is_nan()) {
                    image_of_trial.push(*id);
                    responses.extend_from_slice(trial);
                }
            }
        }
        let session = match arrays.get("session").map(|array| &array.values) {
            Some(Values::Text(names)) if names.len() == 1 => names[0].clone(),
            _ => session.to_string(),
        };
        let mut recording = Self::new(session, neurons, image_of_trial, responses)?;
        if let Some(array) = arrays.get("repeats").filter(|_| repeats == 1) {
            let numbers = array.to_ids(&in_array("repeats"))?;
            recording.set_repeats(numbers, &in_array("repeats"))?;
        }
        match arrays.get("neuron_ids").map(|array| &array.values) {
            Some(Values::Text(names)) => recording.with_neuron_ids(names.clone()),
            Some(Values::I64(ids)) => {
                recording.with_neuron_ids(ids.iter().map(ToString::to_string).collect())
            }
            _ => Ok(recording),
        }
    }

    fn set_repeats(&mut self, repeats: Vec<u32>, place: &str) -> Result<()> {
        if repeats.len() != self.trials() {
            let expected = format!("{} trials", self.trials());
            return Err(Error::format(place, expected, repeats.len().to_string()));
        }
        self.repeat_of_trial = repeats;
        Ok(())
    }

    /// Writes a parquet file, whole or not at all: a row for each trial, with
    /// columns `image_id`, `repeat` and one for each neuron (`neuron_0`, ...; null
    /// where there is no response); session and neuron ids in the metadata.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_parquet(&self, path: &Path) -> Result<()> {
        let bytes = self.parquet_bytes();
        let bytes = bytes.map_err(|e| Error::parquet(&path.display().to_string(), e))?;
        write_atomically(path, &bytes)
    }

    pub(crate) fn parquet_bytes(&self) -> Result<Vec<u8>, ParquetError> {
        let column = |name: &str, physical, repetition| {
            let builder = Type::primitive_type_builder(name, physical);
            Ok::<_, ParquetError>(Arc::new(builder.with_repetition(repetition).build()?))
        };
        let mut fields = vec![
            column("image_id", Physical::INT64, Repetition::REQUIRED)?,
            column("repeat", Physical::INT64, Repetition::REQUIRED)?,
        ];
        for neuron in 0..self.neurons {
            let name = format!("neuron_{neuron}");
            fields.push(column(&name, Physical::FLOAT, Repetition::OPTIONAL)?);
        }
        let schema = Type::group_type_builder("recording").with_fields(fields);
        let head = Head {
            session: self.session.clone(),
            neuron_ids: self.neuron_ids.clone(),
        };
        let head =
            serde_json::to_string(&head).map_err(|e| ParquetError::General(e.to_string()))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(vec![KeyValue::new(METADATA_KEY.into(), head)]))
            .build();
        let mut out = Vec::new();
        let mut writer =
            SerializedFileWriter::new(&mut out, Arc::new(schema.build()?), Arc::new(properties))?;
        let mut group = writer.next_row_group()?;
        let mut index = 0;
        while let Some(mut column) = group.next_column()? {
            if index < 2 {
                let ids = [&self.image_of_trial, &self.repeat_of_trial][index];
                let ids: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
                column.typed::<Int64Type>().write_batch(&ids, None, None)?;
            } else {
                let of_neuron = self.responses.iter().skip(index - 2).step_by(self.neurons);
                let (mut present, mut levels) = (Vec::new(), Vec::new());
                for response in of_neuron {
                    levels.push(i16::from(!response.is_nan()));
                    if !response.is_nan() {
                        present.push(*response);
                    }
                }
                column
                    .typed::<FloatType>()
                    .write_batch(&present, Some(&levels), None)?;
            }
            column.close()?;
            index += 1;
        }
        group.close()?;
        writer.close()?;
        Ok(out)
    }

    /// Reads what [`Recording::write_parquet`] wrote; any float column named
    /// `neuron_*` counts as a neuron, and the metadata may be absent.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or has no `image_id` or no neuron.
    pub fn read_parquet(path: &Path) -> Result<Self> {
        let table = Table::open(path)?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        Self::from_table(&table, &stem)
    }

    pub(crate) fn from_table(table: &Table, session: &str) -> Result<Self> {
        let ids = |name: &str| {
            let numbers = table.integers(name)?.into_iter().enumerate();
            numbers
                .map(|(row, v)| {
                    v.and_then(|v| u32::try_from(v).ok()).ok_or_else(|| {
                        Error::format(
                            format!("{}, row {row}, column {name}", table.place()),
                            "a number in 0..2^32",
                            v.map_or("null".into(), |v| v.to_string()),
                        )
                    })
                })
                .collect::<Result<Vec<u32>>>()
        };
        let image_of_trial = ids("image_id")?;
        let mut names: Vec<&str> = table
            .names()
            .filter(|name| name.starts_with("neuron_"))
            .collect();
        // By number where there is one: neuron_10 comes after neuron_9.
        names.sort_by_key(|name| (name.len(), *name));
        if names.is_empty() {
            let all: Vec<&str> = table.names().collect();
            let found = format!("columns [{}]", all.join(", "));
            return Err(Error::format(table.place(), "columns neuron_0, ...", found));
        }
        let neurons = names.len();
        let mut responses = vec![f32::NAN; image_of_trial.len() * neurons];
        for (neuron, name) in names.iter().enumerate() {
            for (trial, value) in table.floats(name)?.into_iter().enumerate() {
                responses[trial * neurons + neuron] = value.unwrap_or(f32::NAN);
            }
        }
        let head: Option<Head> = table
            .metadata(METADATA_KEY)
            .map(serde_json::from_str)
            .transpose()
            .map_err(|e| {
                let place = format!("{}, metadata {METADATA_KEY}", table.place());
                Error::format(place, "session and neuron ids", e.to_string())
            })?;
        let (session, ids_of_neurons) = head.map_or_else(
            || {
                let names = names.iter().map(|name| (*name).to_string()).collect();
                (session.to_string(), names)
            },
            |head| (head.session, head.neuron_ids),
        );
        let mut recording = Self::new(session, neurons, image_of_trial, responses)?;
        if table.has("repeat") {
            recording.set_repeats(ids("repeat")?, table.place())?;
        }
        recording.with_neuron_ids(ids_of_neurons)
    }
}
