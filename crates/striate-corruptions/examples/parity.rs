//! Writes the table of achieved parity with the Python package, between the
//! markers of the crate's README; with `--detail` prints it by set and severity.
//!
//!     cargo run --release -p striate-corruptions --example parity

#[path = "../tests/support/mod.rs"]
mod support;

use std::error::Error;
use std::path::Path;

use support::Parity;

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
    let table = support::table()?;
    print!("{table}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = std::fs::read_to_string(&path)?;
    let [before, _, after] = support::readme(&text).ok_or("README.md: no markers")?;
    std::fs::write(&path, format!("{before}{table}{after}"))?;
    Ok(())
}
