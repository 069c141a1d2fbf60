//! Networks in the names and the layout of torchvision.
//!
//! | PyTorch | here |
//! |---|---|
//! | `features.N.weight` `[out, in, 3, 3]` | `shared.` or `unshared.conv3_1.conv.weight` `[out, 3, 3, in]` |
//! | `features.N+1.running_mean` and so on | `….bn.running_mean` and so on |
//! | `classifier.0`, `3`, `6` `.weight` `[out, in]`, or `[out, in, 1, 1]` | `head.0`, `1`, `2` `.weight` `[out, in]`, or `[out, 1, 1, in]` |
//! | columns of the first dense layer: channel, row, column | row, column, channel |
//!
//! What reading allows besides:
//! * one prefix before all names, and `module.` or `_orig_mod.` anywhere in them;
//! * `classifier` layers under other numbers, or one without a number;
//! * timm's names of the head (`pre_logits.fc1`, `pre_logits.fc2`, `head.fc`), whose
//!   first kernel covers the last map;
//! * the names of the study's code: `mtl_vgg_core.v1_block` and `.unshared_block`
//!   (features; the shared block ends with a ReLU), `classification_readout`, and
//!   `v1_readout.SESSION` with `mu`, `sigma`, `features` and `bias`;
//! * convolutions without bias, which get one of 0. `num_batches_tracked` is left out.
//!
//! The architecture is read off the tensors: widths and channels from their shapes, batch
//! norms and pools from the gaps between the numbers, the head from its first weight. Of
//! a dense head the input size follows, too. torchvision averages the last map to 7x7
//! before its classifier: at 224 px this is the identity. For another input size the
//! average is folded into the first dense layer, which is exact.
//!
//! Invariant: a tensor of the file that has no place here, or a place without tensor, is
//! an error that lists all of them; nothing is left at its initial value.

mod export;
mod import;
mod infer;
mod layout;
mod names;
#[cfg(test)]
mod tests;

pub use export::export;
pub use import::{ImportConfig, Imported, import};
