//! What is wrong with dimensions, and where.

/// How many broken rows are collected before reading stops.
pub(super) const MAX_BAD_ROWS: usize = 20;

/// Why dimensions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DimensionError {
    /// Files are missing, or rows break rules (exit 3): the first of them, at most about twenty.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    BadRows(Vec<BadRow>),
    /// The store failed, or a file changed under the run (exit 5).
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

/// A row that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}{}: {message}", row.map(|row| format!(", row {row}")).unwrap_or_default(),
    column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default())]
pub struct BadRow {
    /// The file.
    pub file: String,
    /// The row. In CSV the header is row 1, and a record with newlines in quotes is one row; in Parquet,
    /// which has no header, the first row is row 1. None when it is about the whole file.
    pub row: Option<u64>,
    /// The column, if it is about one.
    pub column: Option<String>,
    /// What is wrong with which value, and what to do.
    pub message: String,
}

/// What is wrong with a row whose place is known to the caller.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    /// The column, if it is about one.
    pub column: Option<&'static str>,
    /// What is wrong with which value, and what to do.
    pub message: String,
}

impl Complaint {
    /// A complaint about one column.
    pub(super) fn about(column: &'static str, message: impl Into<String>) -> Self {
        Self {
            column: Some(column),
            message: message.into(),
        }
    }

    /// With its place.
    pub(super) fn at(self, file: &str, row: u64) -> BadRow {
        BadRow {
            file: file.to_owned(),
            row: Some(row),
            column: self.column.map(str::to_owned),
            message: self.message,
        }
    }
}

/// Broken rows, collected up to [`MAX_BAD_ROWS`].
#[derive(Debug, Default)]
pub(super) struct Complaints {
    rows: Vec<BadRow>,
}

impl Complaints {
    /// Adds one, unless there are enough.
    pub(super) fn add(&mut self, row: BadRow) {
        if !self.is_full() {
            self.rows.push(row);
        }
    }

    /// Whether there are enough.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= MAX_BAD_ROWS
    }

    /// Nothing wrong, or what is.
    pub(super) fn into_result(self) -> Result<(), DimensionError> {
        if self.rows.is_empty() {
            Ok(())
        } else {
            Err(DimensionError::BadRows(self.rows))
        }
    }
}

/// `; did you mean …?` with the known word nearest to `word`, or nothing when none is near.
pub(super) fn did_you_mean<'w>(word: &str, known: impl Iterator<Item = &'w str>) -> String {
    let lower = word.to_lowercase();
    known
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min()
        .map(|(_, candidate)| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}
