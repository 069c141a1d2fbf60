//! Result tables: named, typed columns in long form.
//!
//! Invariant: all columns of a table have the same number of rows and different
//! names. A missing number is NaN in memory, null in parquet and empty in CSV.

mod csv;
mod parquet;
#[cfg(test)]
mod tests;

use crate::{Error, Result};

/// The values of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Text.
    Utf8(Vec<String>),
    /// Whole numbers: counts, seeds, severities.
    I64(Vec<i64>),
    /// Measured numbers; NaN is a missing value.
    F64(Vec<f64>),
}

impl Values {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Utf8(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::F64(v) => v.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `utf8`, `i64` or `f64`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Utf8(_) => "utf8",
            Self::I64(_) => "i64",
            Self::F64(_) => "f64",
        }
    }
}

/// A named column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Name, as in the head of the CSV file.
    pub name: String,
    /// Its values.
    pub values: Values,
}

/// A result table: columns of equal length under one name.
///
/// ```
/// use striate_report::Table;
/// let table = Table::new("robustness")
///     .utf8("model", ["baseline", "mtl_monkey"])?
///     .i64("severity", [1, 1])?
///     .f64("accuracy", [0.41, f64::NAN])?;
/// assert_eq!(table.to_csv(), "model,severity,accuracy\nbaseline,1,0.41\nmtl_monkey,1,\n");
/// # Ok::<(), striate_report::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    name: String,
    columns: Vec<Column>,
}

impl Table {
    /// A table without columns. The name becomes the file name: letters, digits
    /// and `_`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            columns: Vec::new(),
        }
    }

    /// Adds a column of text.
    ///
    /// # Errors
    ///
    /// [`Error::Rows`] or [`Error::DuplicateColumn`].
    pub fn utf8<S: Into<String>>(
        self,
        name: &str,
        values: impl IntoIterator<Item = S>,
    ) -> Result<Self> {
        self.column(
            name,
            Values::Utf8(values.into_iter().map(Into::into).collect()),
        )
    }

    /// Adds a column of whole numbers.
    ///
    /// # Errors
    ///
    /// [`Error::Rows`] or [`Error::DuplicateColumn`].
    pub fn i64(self, name: &str, values: impl IntoIterator<Item = i64>) -> Result<Self> {
        self.column(name, Values::I64(values.into_iter().collect()))
    }

    /// Adds a column of numbers; NaN is a missing value.
    ///
    /// # Errors
    ///
    /// [`Error::Rows`] or [`Error::DuplicateColumn`].
    pub fn f64(self, name: &str, values: impl IntoIterator<Item = f64>) -> Result<Self> {
        self.column(name, Values::F64(values.into_iter().collect()))
    }

    /// Adds a column.
    ///
    /// # Errors
    ///
    /// [`Error::Rows`] if it has another number of rows than the columns before
    /// it, [`Error::DuplicateColumn`] if its name is taken.
    pub fn column(mut self, name: &str, values: Values) -> Result<Self> {
        if self.columns.iter().any(|c| c.name == name) {
            return Err(Error::DuplicateColumn {
                table: self.name,
                column: name.to_owned(),
            });
        }
        if let Some(first) = self.columns.first()
            && first.values.len() != values.len()
        {
            return Err(Error::Rows {
                expected: first.values.len(),
                found: values.len(),
                table: self.name,
                column: name.to_owned(),
            });
        }
        self.columns.push(Column {
            name: name.to_owned(),
            values,
        });
        Ok(self)
    }

    /// Name of the table.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The columns in the order they were added.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |c| c.values.len())
    }

    /// The values of a column.
    ///
    /// # Errors
    ///
    /// [`Error::Column`] if there is no such column.
    pub fn values(&self, column: &str) -> Result<&Values> {
        self.columns
            .iter()
            .find(|c| c.name == column)
            .map(|c| &c.values)
            .ok_or_else(|| self.no_column(column, "a column", "no such column"))
    }

    /// The values of a column of text.
    ///
    /// # Errors
    ///
    /// [`Error::Column`] if there is no such column or it is not text.
    pub fn get_utf8(&self, column: &str) -> Result<&[String]> {
        match self.values(column)? {
            Values::Utf8(v) => Ok(v),
            other => Err(self.no_column(column, "utf8", other.type_name())),
        }
    }

    /// The values of a column of whole numbers.
    ///
    /// # Errors
    ///
    /// [`Error::Column`] if there is no such column or it is not i64.
    pub fn get_i64(&self, column: &str) -> Result<&[i64]> {
        match self.values(column)? {
            Values::I64(v) => Ok(v),
            other => Err(self.no_column(column, "i64", other.type_name())),
        }
    }

    /// The values of a column of numbers; NaN is missing.
    ///
    /// # Errors
    ///
    /// [`Error::Column`] if there is no such column or it is not f64.
    pub fn get_f64(&self, column: &str) -> Result<&[f64]> {
        match self.values(column)? {
            Values::F64(v) => Ok(v),
            other => Err(self.no_column(column, "f64", other.type_name())),
        }
    }

    fn no_column(&self, column: &str, expected: &'static str, found: &str) -> Error {
        Error::Column {
            table: self.name.clone(),
            column: column.to_owned(),
            expected,
            found: found.to_owned(),
        }
    }
}
