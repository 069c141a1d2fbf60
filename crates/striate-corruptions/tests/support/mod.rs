//! The comparison with the Python package's pixels, for the golden test and
//! for the table in the README.

use std::collections::BTreeMap;

use striate_corruptions::{Corruption, Corruptor, ImageRef, Random, Result, Severity, Table};
use striate_testkit::Golden;

/// The files of `tests/golden/corruptions/`, made by `corruptions.py`.
pub const SETS: [&str; 6] = ["rgb32", "rgb64", "rgb96x64", "rgb224", "gray32", "gray64"];

/// How far one corruption is from the package, over everything compared.
#[derive(Clone, Copy, Default)]
pub struct Parity {
    /// Values (bytes) compared.
    pub values: usize,
    /// Values that differ at all.
    pub different: usize,
    /// Values that differ by more than two levels.
    pub beyond_two: usize,
    /// The largest difference, levels.
    pub largest: u8,
    /// The sum of the differences, levels.
    pub total: u64,
}

impl Parity {
    /// Adds the differences of one result.
    pub fn add(&mut self, actual: &[u8], expected: &[u8]) {
        assert_eq!(actual.len(), expected.len());
        for (a, e) in actual.iter().zip(expected) {
            let difference = a.abs_diff(*e);
            self.values += 1;
            self.different += usize::from(difference > 0);
            self.beyond_two += usize::from(difference > 2);
            self.largest = self.largest.max(difference);
            self.total += u64::from(difference);
        }
    }
}

/// Calls `visit` with (set, corruption, severity, actual, expected).
pub fn compare(mut visit: impl FnMut(&str, Corruption, Severity, &[u8], &[u8])) -> Result<()> {
    let mut corruptor = Corruptor::new(Table::ImageCorruptions);
    for set in SETS {
        let golden = Golden::open(&format!("corruptions/{set}"));
        let rows = golden
            .names()
            .contains(&"rows".to_owned())
            .then(|| golden.u32("rows"));
        for (i, seed) in golden.u32("seeds").into_iter().enumerate() {
            let (shape, pixels) = bytes(&golden, &format!("{i}/input"));
            let channels = shape.get(2).copied().unwrap_or(1);
            let image = ImageRef::new(&pixels, shape[0], shape[1], channels)?;
            let stride = shape[1] * channels;
            for corruption in Corruption::ALL {
                for severity in Severity::ALL {
                    let (_, expected) = bytes(&golden, &format!("{i}/{corruption}/{severity}"));
                    let mut out = vec![0; pixels.len()];
                    let mut random = Random::numpy(seed);
                    corruptor.corrupt(image, corruption, severity, &mut random, &mut out)?;
                    if let Some(rows) = &rows {
                        out = rows
                            .iter()
                            .flat_map(|y| &out[*y as usize * stride..][..stride])
                            .copied()
                            .collect();
                    }
                    visit(set, corruption, severity, &out, &expected);
                }
            }
        }
    }
    Ok(())
}

/// The table of the crate's README: one row per corruption.
pub fn table() -> Result<String> {
    let mut rows = BTreeMap::new();
    compare(|_, corruption, _, actual, expected| {
        rows.entry(corruption)
            .or_insert_with(Parity::default)
            .add(actual, expected);
    })?;
    let mut table = String::from(
        "| corruption | values compared | identical | largest difference | mean difference |\n|---|---:|---:|---:|---:|\n",
    );
    for (corruption, p) in &rows {
        let identical = match p.different {
            0 => "all".to_owned(),
            n => format!("all but {n} ({:.4} %)", 100.0 * n as f64 / p.values as f64),
        };
        table += &format!(
            "| {corruption} | {} | {identical} | {} | {:.6} |\n",
            p.values,
            p.largest,
            p.total as f64 / p.values as f64
        );
    }
    Ok(table)
}

/// The README's text before, in and after the place of the table.
pub fn readme(text: &str) -> Option<[&str; 3]> {
    let start = text.find(BEGIN)? + BEGIN.len() + 1;
    let end = start + text[start..].find(END)?;
    Some([&text[..start], &text[start..end], &text[end..]])
}

const BEGIN: &str = "<!-- parity: made by `cargo xtask golden corruptions` -->";
const END: &str = "<!-- /parity -->";

fn bytes(golden: &Golden, name: &str) -> (Vec<usize>, Vec<u8>) {
    let (shape, values) = golden.f64(name);
    (shape, values.into_iter().map(|v| v as u8).collect())
}
