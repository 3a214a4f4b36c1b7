//! Why usage cannot be read.

use crate::inputs::parquet::error::FileError;
use crate::store::StoreError;
use crate::units::calendar::OutsideCalendar;

/// Why usage cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A file is truncated, corrupt, of a wrong type or beyond the documented bounds (exit 3).
    #[error("{file}{}: {message}", place(*.row_group, .column))]
    BadFile {
        /// The file, relative to the usage URL.
        file: String,
        /// The row group, from 0, if it is about one.
        row_group: Option<usize>,
        /// The column, if it is about one.
        column: Option<String>,
        /// What is wrong and what to do.
        message: String,
    },
    /// Two files hold the same bytes (exit 3).
    #[error(
        "{first} and {second} have the same content: a repeated upload would be billed twice; \
         remove one, or set allow_duplicate_files = true"
    )]
    Duplicate {
        /// One file.
        first: String,
        /// The other.
        second: String,
    },
    /// A sum left 64 bits (exit 3).
    #[error("{file}: the {what} is out of range")]
    OutOfRange {
        /// The file at which it did.
        file: String,
        /// Which.
        what: &'static str,
    },
    /// The day, or the date of a partition, is beyond the calendar (exit 3).
    #[error("the day or a partition of it is {0}")]
    OutsideCalendar(#[from] OutsideCalendar),
    /// The store failed, or a file changed or vanished under the run (exit 5).
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn place(row_group: Option<usize>, column: &Option<String>) -> String {
    let group = row_group
        .map(|group| format!(", row group {group}"))
        .unwrap_or_default();
    let column = column
        .as_ref()
        .map(|column| format!(", column {column}"))
        .unwrap_or_default();
    format!("{group}{column}")
}

impl From<FileError> for ScanError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Bad {
                file,
                row_group,
                column,
                message,
            } => Self::BadFile {
                file,
                row_group,
                column,
                message,
            },
            FileError::TooManyRows { file } => Self::OutOfRange {
                file,
                what: "number of rows",
            },
            FileError::Store(error) => Self::Store(error),
        }
    }
}
