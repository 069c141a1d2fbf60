//! Image sets and macaque recordings: formats, splits and batches.
//!
//! * [`parquet::ImageTable`] reads Hugging Face image tables; [`decode_rgb`] turns
//!   their bytes into RGB.
//! * [`tree::ImageTree`] reads image sets that are trees of files, also inside a tar.
//! * [`ImageSet`] and [`Images`] hold decoded u8 pixels.
//! * [`mini::MiniTask`] makes the mini task from photographs.
//! * [`Recording`] holds responses; [`recording::SessionRecording`] and
//!   [`recording::Cadena`] read them from pickles, which [`pickle`] takes apart without
//!   executing anything; [`mod@array`] reads and writes `.npy` and `.npz`.
//! * [`netcdf::NetCdf`] reads the variables of netCDF files, old and new.
//! * [`torch::StateDict`] reads the weights in a checkpoint of PyTorch.
//! * [`ResizeCrop`] brings images of any size to one.
//! * [`gray`] and [`augment`] hold the study's transforms, [`split`] its splits.
//!
//! ```
//! use std::path::Path;
//! use striate_data::{Error, Normalize, Preprocess, augment::AugmentConfig};
//! use striate_data::{mini::{MiniConfig, MiniTask}, parquet::ImageTable};
//! use striate_random::Seed;
//!
//! let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/mini");
//! let photos = ImageTable::open(&folder.join("photos.parquet"))?;
//! let config = MiniConfig { classes: 3, train_per_class: 4, stimuli_train: 8, ..MiniConfig::default() };
//! let task = MiniTask::build(&photos, &config, Seed::new(1))?;
//! assert_eq!(task.train.len(), 12);
//!
//! // One augmented, gray, normalised training image.
//! let preprocess = Preprocess { gray: true, normalize: Normalize::of_gray(&task.train.images)? };
//! let mut augmented = vec![0; 32 * 32 * 3];
//! let mut stream = Seed::new(1).child("augment").stream();
//! AugmentConfig::default().augment(&mut stream, task.train.images.get(0), (32, 32), &mut augmented)?;
//! let mut input = vec![0.0; 32 * 32];
//! preprocess.apply(&augmented, 3, &mut input)?;
//! # Ok::<(), Error>(())
//! ```

pub mod array;
pub mod augment;
mod decode;
mod error;
mod files;
mod fit;
pub mod gray;
mod hdf5;
mod images;
pub mod inspect;
pub mod mini;
#[cfg(test)]
mod mutation;
pub mod netcdf;
pub mod parquet;
pub mod pickle;
pub mod recording;
pub mod resize;
pub mod split;
#[cfg(test)]
mod testing;
pub mod torch;
pub mod tree;
mod zipped;

pub use decode::{JPEG_DECODER, MAX_DECODE_BYTES, MAX_SIDE_PX, RgbImage, decode_rgb};
pub use error::{Error, Result};
pub(crate) use files::write_atomically;
pub use fit::ResizeCrop;
pub use gray::{Normalize, Preprocess};
pub use images::{ImageSet, Images};
pub use recording::{MeanResponses, Recording};
