//! Downloads of public data sets: resumable, verified, atomic.
//!
//! A [`Manifest`] says where the files of a data set lie, how long they are, what
//! their checksums are, and under which licence they come; those of `datasets/` are
//! in [`Manifest::catalogue`]. [`fetch`] brings the files into a shared folder:
//!
//! ```no_run
//! use striate_fetch::{FetchConfig, Manifest, fetch};
//!
//! let manifest = Manifest::load("tiny-imagenet")?;
//! let config = FetchConfig::from_environment(None)?;
//! let report = fetch(&manifest, &config, &mut |progress| {
//!     eprintln!("{} bytes", progress.bytes);
//! }, &|| false)?;
//! for file in &report.files {
//!     println!("{}", file.path.display());
//! }
//! # Ok::<(), striate_fetch::Error>(())
//! ```
//!
//! # Invariants
//!
//! * A file under its final name is complete and passed every check that was
//!   possible. It is written as `NAME.partial`, synced and renamed; what fails its
//!   checksum is renamed to `NAME.rejected` and never read again.
//! * The first fetch of a file records its SHA-256 in `fetch-lock.json` beside it.
//!   Each later fetch is checked against the record, also where the manifest knows
//!   no checksum.
//! * The token of the Hugging Face Hub is sent to the Hub's own address only, not to
//!   where the Hub redirects, and stands in no message.
//!
//! This crate is the only one that may use the network. Nothing depends on it but
//! the binary.

mod client;
mod config;
mod digest;
mod download;
mod error;
mod figshare;
mod hub;
mod lock;
mod manifest;
mod pattern;
mod plan;
mod retry;
mod session;
mod url;

pub use config::{FetchConfig, Token};
pub use error::{Error, Fault, Mismatch, Result};
pub use lock::{LOCK_NAME, Listing, Lock, LockedFile};
pub use manifest::{Checksums, FigshareSource, HubSource, Manifest, RemoteFile, Source};
pub use retry::RetryConfig;
pub use session::{FetchReport, FetchedFile, Progress, fetch};
