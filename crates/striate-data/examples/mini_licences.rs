//! Writes the licence page of the embedded photographs from their own columns:
//!
//! ```sh
//! cargo run --release -p striate-data --example mini_licences > datasets/mini/LICENSES.md
//! ```

use std::{collections::BTreeMap, path::Path};

use striate_data::{Error, parquet::ImageTable};

fn main() -> Result<(), Error> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/mini");
    let table = ImageTable::open(&folder.join("photos.parquet"))?;
    let mut counts = BTreeMap::<&str, usize>::new();
    let column = |row: usize, name: &str| {
        let text = table.records[row].text.get(name);
        // A pipe would end the cell, and a line break the table.
        text.map_or_else(String::new, |text| {
            text.replace('|', "\\|").replace('\n', " ")
        })
    };
    for record in &table.records {
        let licence = record
            .text
            .get("licence")
            .map_or("not stated", String::as_str);
        *counts.entry(licence).or_default() += 1;
    }
    println!("# Licences of the embedded photographs\n");
    println!("Made from the columns of `photos.parquet`; do not edit. To make it again:\n");
    println!(
        "```sh\ncargo run --release -p striate-data --example mini_licences > datasets/mini/LICENSES.md\n```\n"
    );
    for (licence, count) in counts {
        println!("* {licence}: {count}");
    }
    println!("\n| row | file | title | author | licence | source |\n|---|---|---|---|---|---|");
    for (row, record) in table.records.iter().enumerate() {
        println!(
            "| {row} | {} | {} | {} | {} | {} |",
            record.path.as_deref().unwrap_or_default(),
            column(row, "title"),
            column(row, "author"),
            column(row, "licence"),
            column(row, "source"),
        );
    }
    Ok(())
}
