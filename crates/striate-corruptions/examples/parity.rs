//! Writes the table of achieved parity with the Python package, between the
//! markers of the crate's README; with `--detail` prints it by set and severity.
//!
//!     cargo run --release -p striate-corruptions --example parity

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use support::Parity;

const BEGIN: &str = "<!-- parity: made by `cargo xtask golden corruptions` -->";
const END: &str = "<!-- /parity -->";

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().any(|a| a == "--detail") {
        support::compare(|set, corruption, severity, actual, expected| {
            let mut parity = Parity::default();
            parity.add(actual, expected);
            if parity.different > 0 {
                println!(
                    "{set:9} {corruption:18} {severity}: {:7} differ of {:7}, {:6} by more than 2, largest {:3}",
                    parity.different, parity.values, parity.beyond_two, parity.largest
                );
            }
        })?;
        return Ok(());
    }
    let mut rows = BTreeMap::new();
    support::compare(|_, corruption, _, actual, expected| {
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
    print!("{table}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path)?;
    let (before, rest) = readme.split_once(BEGIN).ok_or("README.md: no marker")?;
    let (_, after) = rest.split_once(END).ok_or("README.md: no end marker")?;
    std::fs::write(&path, format!("{before}{BEGIN}\n{table}{END}{after}"))?;
    Ok(())
}
