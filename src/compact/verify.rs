//! Holds what was written against what was read, by scanning both.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::catalog::book::Book;
use crate::inputs::owners::KnownAccounts;
use crate::inputs::parquet::source::RangeReader;
use crate::inputs::rejects::Reason;
use crate::inputs::usage::{Group, Scan, ScanError, ScanRequest, Way, scan};
use crate::job::Job;
use crate::store::Object;
use crate::units::calendar::Calendar;
use crate::units::quantity::BillingDay;

use super::error::CompactError;

/// What a day holds, whoever its accounts are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// All rows.
    pub rows: u64,
    /// Seconds of rows that break no rule.
    pub seconds: i64,
    /// Rows that break a rule, by reason in order of precedence; only reasons that occur. Every account counts as known.
    pub rejected: Vec<(Reason, u64)>,
    /// Distinct combinations of account, app, item and tier (and five-minute period, where the job deducts by it).
    pub groups: u64,
}

/// What to scan a day's files as: in the zone of their dates, so that every row is of the day or a reject.
pub(super) struct Verifier<'a> {
    pub job: &'a Job,
    pub book: &'a Book,
    pub day: BillingDay,
    pub progress: &'a (dyn Fn(u64) + Sync),
}

impl Verifier<'_> {
    /// Scans the files as they were and as they are now, and compares all sums.
    pub(super) fn compare(
        &self,
        before: (&Arc<dyn RangeReader>, &[Object]),
        after: (&Arc<dyn RangeReader>, &[Object]),
    ) -> Result<Totals, CompactError> {
        let accounts = EveryAccount::default();
        let before = self.scan(before.0, before.1, &accounts)?;
        let after = self.scan(after.0, after.1, &accounts)?;
        let (rows, rows_after) = (rows_of(&before), rows_of(&after));
        if rows != rows_after {
            return Err(CompactError::Differs("the number of rows"));
        }
        if before.rejects.counts != after.rejects.counts || before.rejects.seconds != after.rejects.seconds {
            return Err(CompactError::Differs("the rows that break a rule"));
        }
        let rejected = Reason::ALL.into_iter().zip(before.rejects.counts);
        let rejected = rejected.filter(|(_, count)| *count > 0).collect();
        let mut totals = Totals {
            rows,
            seconds: before.files.iter().map(|file| file.accepted_seconds).sum(),
            rejected,
            groups: 0,
        };
        // Positions of accounts are those of one index, so groups come in one order.
        let mut others = after.groups;
        for group in before.groups {
            if others.next() != Some(group) {
                return Err(CompactError::Differs("the sums by account, app and tier"));
            }
            totals.groups += 1;
        }
        match others.next() {
            None => Ok(totals),
            Some(Group { .. }) => Err(CompactError::Differs("the sums by account, app and tier")),
        }
    }

    fn scan(
        &self,
        reader: &Arc<dyn RangeReader>,
        files: &[Object],
        accounts: &EveryAccount,
    ) -> Result<Scan, ScanError> {
        let zone = self.job.inputs.usage.partitions.zone;
        let files: Vec<(BillingDay, Object)> = files.iter().map(|file| (self.day, file.clone())).collect();
        scan(&ScanRequest {
            reader,
            files: &files,
            partition_zone: zone,
            calendar: &Calendar::new(zone, self.job.calendar.billing_time()),
            day: self.day,
            book: self.book,
            accounts,
            deduction_period: self.job.deduction_period,
            max_rejected_rows: 0,
            way: Way::default(),
            progress: self.progress,
        })
    }
}

fn rows_of(scan: &Scan) -> u64 {
    scan.files.iter().map(|file| file.rows).sum()
}

/// Knows every account, in the order in which they are first asked for.
#[derive(Default)]
struct EveryAccount(RwLock<HashMap<i64, u32>>);

impl KnownAccounts for EveryAccount {
    fn position(&self, account_id: i64) -> Option<u32> {
        let found = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&account_id)
            .copied();
        found.or_else(|| {
            let mut positions = self.0.write().unwrap_or_else(PoisonError::into_inner);
            let next = u32::try_from(positions.len()).ok()?;
            Some(*positions.entry(account_id).or_insert(next))
        })
    }
}
