//! A spec -> a directory.

use super::spec::{SampleError, SampleReport, SampleSpec};

/// Fills the spec's directory: `usage/date=YYYY-MM-DD/part-<n>.parquet`, and `accounts`, `packages`, `payments`,
/// `opening` and `opening_grants` as CSV (as Parquet from 100,000 accounts on).
///
/// # Errors
/// [`SampleError`] when the spec is out of range, the directory is not empty, or it cannot be written.
pub fn generate(spec: &SampleSpec) -> Result<SampleReport, SampleError> {
    let _ = spec;
    todo!("sample helper")
}
