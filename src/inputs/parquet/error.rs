//! What is wrong with a file, and where.

use crate::store::StoreError;

/// Why a file cannot be read.
#[derive(Debug)]
pub enum FileError {
    /// It is truncated, corrupt, of a wrong type or beyond the documented bounds.
    Bad {
        /// The file, relative to its input's URL.
        file: String,
        /// The row group, from 0, if it is about one.
        row_group: Option<usize>,
        /// The column, if it is about one.
        column: Option<String>,
        /// What is wrong and what to do.
        message: String,
    },
    /// With this file, there are more rows than can be counted.
    TooManyRows {
        /// The file.
        file: String,
    },
    /// The store failed, or a file changed or vanished under the run.
    Store(StoreError),
}

/// What is wrong, without the place: that is added where it is known.
#[derive(Debug, thiserror::Error)]
pub(in crate::inputs) enum Fault {
    /// The file's fault: what is wrong and what to do.
    #[error("{0}")]
    Bad(String),
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault {
    pub(in crate::inputs) fn bad(message: impl Into<String>) -> Self {
        Self::Bad(message.into())
    }

    /// Says where it is.
    pub(in crate::inputs) fn at(self, file: &str, row_group: Option<usize>, column: Option<&str>) -> FileError {
        match self {
            Self::Bad(message) => FileError::Bad {
                file: file.to_owned(),
                row_group,
                column: column.map(str::to_owned),
                message,
            },
            Self::Store(error) => FileError::Store(error),
        }
    }
}
