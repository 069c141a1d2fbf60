//! What can go wrong.

/// An error of this crate; the message is a fragment that fits after "failed to ...: ".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The image is smaller than 16 pixels on a side.
    #[error("image of {height}x{width} px: expected at least 16x16")]
    TooSmall {
        /// Rows found.
        height: usize,
        /// Columns found.
        width: usize,
    },
    /// The image has neither 1 nor 3 channels.
    #[error("image with {found} channels: expected 1 (gray) or 3 (RGB)")]
    Channels {
        /// Channels found.
        found: usize,
    },
    /// A buffer does not hold height x width x channels bytes.
    #[error("{what} buffer of {found} bytes: expected {expected}")]
    Length {
        /// Which buffer.
        what: &'static str,
        /// Bytes found.
        found: usize,
        /// Bytes that the shape asks for.
        expected: usize,
    },
    /// A severity outside 1..=5.
    #[error("severity {found}: expected 1 to 5")]
    Severity {
        /// The number found.
        found: String,
    },
    /// A name that is not a corruption.
    #[error("unknown corruption {found:?}: expected one of {expected}")]
    Name {
        /// The name found.
        found: String,
        /// The known names.
        expected: String,
    },
    /// A name that is not a table of constants.
    #[error(
        "unknown corruption table {found:?}: expected imagecorruptions, tiny-imagenet-c or cifar-c"
    )]
    TableName {
        /// The name found.
        found: String,
    },
    /// A name that is not a kind of random numbers.
    #[error("unknown random numbers {found:?}: expected counter or numpy")]
    RandomName {
        /// The name found.
        found: String,
    },
    /// An augmentation without corruptions to choose from.
    #[error("an augmentation needs at least one corruption to choose from")]
    NothingToChoose,
    /// A probability outside [0, 1].
    #[error("probability {found}: expected 0 to 1")]
    Probability {
        /// The number found.
        found: f64,
    },
    /// A file or folder could not be read or written.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A result could not be encoded.
    #[error("encode {}: {reason}", path.display())]
    Encode {
        /// Which result.
        path: std::path::PathBuf,
        /// What the encoder said.
        reason: String,
    },
    /// A manifest is not one.
    #[error("manifest {}: {reason}", path.display())]
    Manifest {
        /// Where it is.
        path: std::path::PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The output folder holds results of another configuration.
    #[error(
        "{}: made with another configuration (by {found}); choose another output folder",
        path.display()
    )]
    OtherConfiguration {
        /// The manifest found.
        path: std::path::PathBuf,
        /// What made it.
        found: String,
    },
    /// The output folder cannot be used.
    #[error("output {}: {problem}", path.display())]
    Output {
        /// The folder.
        path: std::path::PathBuf,
        /// Why not.
        problem: &'static str,
    },
    /// A kind of files that cannot be written.
    #[error("format {found:?}: expected png, or jpeg:Q with Q from 1 to 100")]
    Format {
        /// The text found.
        found: String,
    },
    /// A list of corruptions or severities that is empty or repeats itself.
    #[error("{what}: {problem}")]
    Selection {
        /// What is listed.
        what: &'static str,
        /// What is wrong with the list.
        problem: String,
    },
    /// The output would be taken for input the next time.
    #[error("output {} lies inside the input {}", output.display(), input.display())]
    OutputInsideInput {
        /// The output folder.
        output: std::path::PathBuf,
        /// The input folder.
        input: std::path::PathBuf,
    },
    /// There is nothing to corrupt.
    #[error("{}: no PNG or JPEG image", path.display())]
    NoImages {
        /// Where they were looked for.
        path: std::path::PathBuf,
    },
    /// A seed that NumPy's legacy generator does not take.
    #[error("NumPy seed {found}: expected below 2^32")]
    NumpySeed {
        /// The seed found.
        found: u64,
    },
    /// A frost texture of the crate could not be decoded.
    #[error("frost texture {index} of the crate: {reason}")]
    Texture {
        /// Its number, from 1.
        index: usize,
        /// What the decoder said.
        reason: String,
    },
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
