//! The usage scan: per-second rows in, sums by account, app, tier and period out.
//!
//! Everything that reads usage files is behind [`scan`], so that a faster one can take its place.

use chrono_tz::Tz;

use crate::catalog::book::{Book, TierId};
use crate::rules::account_day::DeductionPeriod;
use crate::rules::calendar::Calendar;
use crate::rules::quantity::{BillingDay, SdkAppId, Seconds};
use crate::store::{Object, Store};

use super::dimensions::AccountIndex;
use super::rejects::Rejects;

/// What to scan, and as what.
#[derive(Clone, Copy)]
pub struct ScanRequest<'a> {
    /// The usage input.
    pub store: &'a Store,
    /// The files to read, each with the date of its partition.
    pub files: &'a [(BillingDay, Object)],
    /// The zone of the partitions' dates.
    pub partition_zone: Tz,
    /// The job's calendar.
    pub calendar: &'a Calendar,
    /// The billing day: rows of other days are left out, unless they are misplaced or without time in
    /// this day's own partition.
    pub day: BillingDay,
    /// Meters and tiers.
    pub book: &'a Book,
    /// The accounts; one registered after the day's billing time counts as unknown.
    pub accounts: &'a AccountIndex,
    /// Whether groups are kept apart by five-minute period.
    pub deduction_period: DeductionPeriod,
    /// `max_rejected_rows` of the job: how many rejected rows are kept (at least 10,000).
    pub max_rejected_rows: u64,
    /// Told how many rows have been read, now and then, from any thread.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// What a scan found.
pub struct Scan {
    /// The sums, sorted by (account, app, tier, period), one group per key.
    pub groups: Groups,
    /// Rows that break a rule.
    pub rejects: Rejects,
    /// Control totals, file by file in the order of the request.
    pub files: Vec<FileTotals>,
}

/// Usage of one account, app and tier in one period, summed over all files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// The account's position in the [`AccountIndex`], which is in account order.
    pub account: u32,
    /// The app.
    pub app: SdkAppId,
    /// Item and tier.
    pub tier: TierId,
    /// The five-minute period of the day; 0 by day.
    pub period: u16,
    /// Sum of seconds.
    pub seconds: Seconds,
    /// Number of rows.
    pub rows: i64,
}

/// What a file held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTotals {
    /// All rows of the file, by its footer.
    pub rows: u64,
    /// Rows that belong to the day, accepted or rejected.
    pub day_rows: u64,
    /// Accepted rows of the day.
    pub accepted_rows: u64,
    /// Seconds of accepted rows of the day.
    pub accepted_seconds: i64,
}

/// Groups in order; at most a few times as large as the groups themselves.
pub struct Groups {
    // scan helper: sorted runs, merged on the fly
}

impl Iterator for Groups {
    type Item = Group;

    fn next(&mut self) -> Option<Group> {
        todo!("scan helper")
    }
}

/// Scans a day's usage on all threads of rayon's pool. The same result for any number of threads and any order of
/// files and rows.
///
/// # Errors
/// [`ScanError`] when a file is not what it should be (exit 3) or changed under the run (exit 5).
pub fn scan(request: &ScanRequest<'_>) -> Result<Scan, ScanError> {
    let _ = request;
    todo!("scan helper")
}

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
    #[error("{file}: the sum of seconds is out of range")]
    OutOfRange {
        /// The file at which it did.
        file: String,
    },
    /// The store failed, or a file changed or vanished under the run (exit 5).
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
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
