//! Hugging Face image tables in parquet: `image: struct<bytes, path>`, `label`,
//! and any text columns (data-formats.md 1.2).
//!
//! Invariant: rows keep the order of the files, a record's place (file and row)
//! can always be named, and nothing is decoded before it is asked for.

mod columns;
mod shards;
mod table;

pub(crate) use columns::Table;
pub use shards::{SplitName, find_shards};
pub use table::{ImageRecord, ImageTable};

#[cfg(test)]
mod tests;
