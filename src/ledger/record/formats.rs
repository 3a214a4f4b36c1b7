//! Stored commit records of every format, read into the one type that the program works with.
//!
//! A record is never changed once it is committed, so a ledger may hold records of all formats that its versions of
//! nightbill wrote. Each format has a struct of its own here, with exactly the keys that it was written with, and a
//! conversion that says what the keys of later formats mean for it. `tests/ledger/records/` has a stored record of each.

use serde::Deserialize;

use super::{CommitRecord, ControlTotals, DimensionEntry, InputEntry, JobDigest, Previous, TableFile};

/// Reads a stored record.
pub(super) fn read(json: &[u8]) -> Result<CommitRecord, String> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let unreadable = |error: serde_json::Error| format!("not a commit record: {error}");
    let Format { format } = serde_json::from_slice(json).map_err(unreadable)?;
    match format {
        1 => serde_json::from_slice::<Format1>(json)
            .map(CommitRecord::from)
            .map_err(unreadable),
        _ => Err(format!(
            "commit record of format {format}, this nightbill reads format {}; use the version that wrote it",
            CommitRecord::FORMAT
        )),
    }
}

/// The keys of format 1.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Format1 {
    format: u32,
    batch: String,
    day: String,
    tool: String,
    tzdata: String,
    job: JobDigest,
    inputs: Vec<InputEntry>,
    dimensions: Vec<DimensionEntry>,
    totals: ControlTotals,
    previous: Option<Previous>,
    files: Vec<TableFile>,
}

impl From<Format1> for CommitRecord {
    fn from(stored: Format1) -> Self {
        Self {
            format: stored.format,
            batch: stored.batch,
            day: stored.day,
            tool: stored.tool,
            tzdata: stored.tzdata,
            job: stored.job,
            inputs: stored.inputs,
            dimensions: stored.dimensions,
            totals: stored.totals,
            previous: stored.previous,
            files: stored.files,
        }
    }
}
