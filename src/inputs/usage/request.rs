//! What to scan, and what comes of it.

use std::sync::Arc;

use chrono_tz::Tz;

use crate::catalog::book::Book;
use crate::inputs::owners::KnownAccounts;
use crate::inputs::parquet::source::RangeReader;
use crate::inputs::rejects::{Rejects, kept_rejects};
use crate::rules::account_day::DeductionPeriod;
use crate::store::Object;
use crate::units::calendar::Calendar;
use crate::units::quantity::BillingDay;

use super::groups::Groups;

/// What to scan, and as what.
#[derive(Clone, Copy)]
pub struct ScanRequest<'a> {
    /// Reads the usage input: a [`Store`](crate::store::Store).
    pub reader: &'a Arc<dyn RangeReader>,
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
    /// The accounts known at the day's billing time: [`RegisteredBy`](crate::inputs::dimensions::RegisteredBy).
    pub accounts: &'a dyn KnownAccounts,
    /// Whether groups are kept apart by five-minute period.
    pub deduction_period: DeductionPeriod,
    /// `max_rejected_rows` of the job: how many rejected rows are kept (at least 10,000).
    pub max_rejected_rows: u64,
    /// How row groups are read; the result is the same.
    pub way: Way,
    /// Told how many rows have been read since the last call, now and then, from any thread.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// How row groups are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// On dictionary ids, where a row group allows it and breaks no rule; else by value.
    #[default]
    OnIds,
    /// Every row by its values, through Arrow arrays: what the other way is compared with.
    ByValue,
}

impl ScanRequest<'_> {
    /// How many rejected rows are kept.
    pub(super) fn kept_rejects(&self) -> usize {
        kept_rejects(self.max_rejected_rows)
    }
}

/// What a scan found.
pub struct Scan {
    /// The sums, sorted by (account, app, tier, period), one group per key.
    pub groups: Groups,
    /// Rows that break a rule.
    pub rejects: Rejects,
    /// Control totals, file by file in the order of the request.
    pub files: Vec<FileTotals>,
    /// How many row groups were read by value, which is slow: for a row that breaks a rule, or an encoding that ids do
    /// not know.
    pub row_groups_by_value: u64,
}

/// What a file held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

impl FileTotals {
    /// A file of so many rows, of which none has been looked at.
    pub(super) fn of_rows(rows: u64) -> Self {
        Self {
            rows,
            ..Self::default()
        }
    }

    /// Adds what a thread has found in the file. The sums fit: `MAX_ROWS` rows of at most 86,400 s do.
    pub(super) fn add(&mut self, more: &Self) {
        self.day_rows += more.day_rows;
        self.accepted_rows += more.accepted_rows;
        self.accepted_seconds += more.accepted_seconds;
    }
}
