//! Checkpoints of PyTorch (`.pth`, `.pt`): the weights in them, as arrays.
//!
//! Both layouts are read: the zip archive of PyTorch 1.6 and later, and the older row of
//! pickles with raw storages behind it. The pickles are read as [`crate::pickle`] does,
//! so a file never makes anything run; a global that is no part of plain data, NumPy
//! arrays or tensors is an error that names it (a whole pickled module, for one). What
//! else a checkpoint holds, such as epochs, histories and optimisers, is left alone.
//!
//! Which dict is meant: the one that directly holds a tensor of two or more axes, among
//! the root and the dicts at most three text keys below it. Where there are several
//! (`model` and `ema`, for instance), the error lists them, and [`StateDict::open`]
//! takes the name of one. States of optimisers are counted by integers, which are not
//! followed.
//!
//! Strides and storage offsets are honoured: a transposed tensor is written out in its
//! own order, and tensors that share a storage are each written out.
//!
//! Memory: the file (old layout) or its largest storage (zip), and the tensors, which
//! may take at most eight times the size of the file.
//!
//! Invariant: a tensor has all its elements from the file, or there is an error.

mod element;
mod legacy;
mod state_dict;
#[cfg(test)]
mod tests;
mod zip;

pub(crate) use element::Element;
pub use state_dict::StateDict;
