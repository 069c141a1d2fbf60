//! The one error type of the crate. Invariant: a message names the cell, row or
//! column it is about, and is a fragment that fits after "failed to ...: ".

/// What can be wrong with the input of an analysis.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Cells of the grid are absent.
    #[error("{count} missing cells in the accuracy grid, the first: {first}")]
    MissingCells {
        /// How many are missing.
        count: usize,
        /// The first few, as "model/seed/corruption/severity".
        first: String,
    },
    /// One cell was given twice.
    #[error("duplicate cell {cell} in the accuracy grid")]
    DuplicateCell {
        /// "model/seed/corruption/severity".
        cell: String,
    },
    /// A cell has impossible counts, or an impossible severity.
    #[error("cell {cell}: {problem}")]
    BadCell {
        /// "model/seed/corruption/severity".
        cell: String,
        /// What is wrong with it.
        problem: String,
    },
    /// There is nothing to analyse.
    #[error("no {what} given")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
    /// A model, corruption or group that the grid does not hold.
    #[error("{kind} `{name}` is not in the grid; it holds {known}")]
    Unknown {
        /// "model", "corruption", ...
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// A relative score divides by an accuracy of zero.
    #[error("`{model}` has accuracy 0 on {place}, so a score relative to it is undefined")]
    ZeroReference {
        /// The reference model.
        model: String,
        /// Corruption, or corruption and severity.
        place: String,
    },
    /// A corruption error divides by an error (or a rise of the error) of zero.
    #[error("`{model}` has no error to compare with on {corruption}")]
    ZeroError {
        /// The reference model.
        model: String,
        /// The corruption.
        corruption: String,
    },
    /// Two inputs that belong together differ in length.
    #[error("{what}: expected {expected} values, found {found}")]
    Length {
        /// Which input.
        what: String,
        /// The expected count.
        expected: usize,
        /// The count found.
        found: usize,
    },
    /// Seeds cannot be paired.
    #[error(
        "model `{model}` has {found} seeds, but `{reference}` has {expected}: they cannot be paired"
    )]
    Unpaired {
        /// The model.
        model: String,
        /// The reference model.
        reference: String,
        /// Seeds of the reference.
        expected: usize,
        /// Seeds of the model.
        found: usize,
    },
    /// Too few observations for the analysis.
    #[error("{analysis} needs at least {needed} {unit}, found {found}")]
    TooFew {
        /// Which analysis.
        analysis: &'static str,
        /// "seeds", "rows", ...
        unit: &'static str,
        /// The least number.
        needed: usize,
        /// The number found.
        found: usize,
    },
    /// A value that is not a finite number.
    #[error("{what}, row {row}: value {value} is not finite")]
    NotFinite {
        /// Which column or input.
        what: String,
        /// Zero-based row.
        row: usize,
        /// The value.
        value: f64,
    },
    /// The columns of a regression are linearly dependent.
    #[error(
        "column `{column}` of the regression is constant or a combination of the columns before it"
    )]
    Collinear {
        /// The first dependent column.
        column: String,
    },
    /// A constant variable has no correlation.
    #[error("variable {name} is constant, so its correlation is undefined")]
    Constant {
        /// "x" or "y".
        name: &'static str,
    },
    /// A field that is not a number.
    #[error("row {row}: `{text}` is not a number")]
    NotANumber {
        /// Row, the header being 0.
        row: usize,
        /// The field.
        text: String,
    },
    /// Probabilities that are not probabilities.
    #[error("row {row}: probabilities sum to {sum}, expected 1")]
    NotADistribution {
        /// Zero-based row.
        row: usize,
        /// Their sum.
        sum: f64,
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
