//! Image sets that are trees of files, in a folder or inside a tar or zip: TinyImageNet,
//! ImageFolder, Tiny-ImageNet-C and ImageNet-C (data-formats.md 1.1, 1.3, 1.4).
//!
//! Invariants: classes are the class folders in the order of their names, images
//! of a class in the order of theirs, both compared byte by byte (torchvision's
//! `ImageFolder`); an archive gives what its unpacked folder gives.

mod files;
mod layout;
mod tar;

pub use files::FileTree;
pub use layout::{ImageTree, Listing};

#[cfg(test)]
mod tests;
