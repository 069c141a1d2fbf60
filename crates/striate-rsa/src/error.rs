//! The one error type of the crate. Invariant: a message names the image, the
//! feature or the matrix it is about.

/// What can be wrong with the input of an analysis.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An array of the wrong length.
    #[error("{what}: expected {expected} values, found {found}")]
    Length {
        /// Which array.
        what: String,
        /// The expected length.
        expected: usize,
        /// The length found.
        found: usize,
    },
    /// Too few images, repeats or subjects.
    #[error("{analysis} needs at least {needed} {unit}, found {found}")]
    TooFew {
        /// Which analysis.
        analysis: &'static str,
        /// "images", "repeats", ...
        unit: &'static str,
        /// The least number.
        needed: usize,
        /// The number found.
        found: usize,
    },
    /// A feature that is not a finite number.
    #[error("feature {feature} of image {image} is {value}, expected a finite number")]
    NotFinite {
        /// Row.
        image: usize,
        /// Column.
        feature: usize,
        /// The value.
        value: f64,
    },
    /// An image whose features leave its dissimilarities undefined.
    #[error("{what} of image {image}: its {dissimilarity} dissimilarity to any other is undefined")]
    Undefined {
        /// What is wrong with its features, e.g. "constant features".
        what: &'static str,
        /// Row.
        image: usize,
        /// The dissimilarity asked for.
        dissimilarity: &'static str,
    },
    /// A negative rate.
    #[error("feature {feature} of image {image} is {value}, expected a rate of at least 0")]
    NegativeRate {
        /// Row.
        image: usize,
        /// Column.
        feature: usize,
        /// The value.
        value: f64,
    },
    /// A dissimilarity that is not a finite number, or a matrix not symmetric.
    #[error("dissimilarity of images {i} and {j}: {problem}")]
    BadEntry {
        /// First image.
        i: usize,
        /// Second image.
        j: usize,
        /// What is wrong.
        problem: String,
    },
    /// Two matrices over different images.
    #[error(
        "the matrices are over different images: {only_first} only in the first, {only_second} only in the second"
    )]
    DifferentImages {
        /// Ids (or a count) of the first alone.
        only_first: String,
        /// Ids (or a count) of the second alone.
        only_second: String,
    },
    /// The same images in another order.
    #[error(
        "the matrices are over the same images in different orders; they first differ at {position}: `{first}` and `{second}`"
    )]
    DifferentOrder {
        /// Position.
        position: usize,
        /// Id there in the first.
        first: String,
        /// Id there in the second.
        second: String,
    },
    /// A matrix without variation cannot be correlated.
    #[error(
        "all dissimilarities of the {which} matrix are equal, so its {comparator} similarity is undefined"
    )]
    ConstantMatrix {
        /// "first" or "second".
        which: &'static str,
        /// The comparator asked for.
        comparator: &'static str,
    },
    /// A comparator that does not fit the dissimilarity.
    #[error(
        "{comparator} needs correlation or cosine dissimilarities in [0, 2], found {value} between images {i} and {j}"
    )]
    NotACorrelation {
        /// The comparator.
        comparator: &'static str,
        /// The value.
        value: f64,
        /// First image.
        i: usize,
        /// Second image.
        j: usize,
    },
    /// A covariance that cannot be inverted.
    #[error(
        "the noise covariance is singular at feature {feature}: use shrinkage or more residuals"
    )]
    Singular {
        /// The first feature that depends on those before it.
        feature: usize,
    },
    /// A neuron whose noise cannot be estimated.
    #[error(
        "neuron {neuron} answers the same in every repeat: its signal-to-noise ratio is undefined"
    )]
    NoNoise {
        /// Column.
        neuron: usize,
    },
    /// A name that means nothing here.
    #[error("unknown {kind} `{name}`, expected one of {known}")]
    Unknown {
        /// "comparator" or "dissimilarity".
        kind: &'static str,
        /// The name.
        name: String,
        /// The known names.
        known: String,
    },
    /// A setting out of its range.
    #[error("{name} is {value}, expected {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: f64,
        /// Its range.
        expected: &'static str,
    },
}

/// The result of an analysis.
pub type Result<T> = std::result::Result<T, Error>;
