//! What must hold before a day is posted (SPEC 5): every partition is there, no file twice, not too few rows,
//! not too many rejects.

use std::path::{Path, PathBuf};

use crate::inputs::partitions::{self, IncompletePartition, Listing};
use crate::inputs::rejects::{Reason, Reject, Rejects};
use crate::job::Job;
use crate::ledger::batch::Ledger;
use crate::ledger::parts;
use crate::ledger::tables::{RowContext, RowsBuilder, Table};
use crate::store::Object;
use crate::units::quantity::BillingDay;

use super::error::SettleError;
use super::night::Stopped;

/// How many settled days the thin-day gate looks back on.
const THIN_DAY_WINDOW: usize = 7;

/// How many rejected rows are written for people to look at.
const REJECTS_SHOWN: usize = 10_000;

/// The usage files of a day.
#[derive(Debug, Default)]
pub(super) struct DayFiles {
    /// Each with its partition's date, sorted by path.
    pub files: Vec<(BillingDay, Object)>,
    /// Partitions that the day needs and that hold no file.
    pub missing: Vec<BillingDay>,
    /// Partitions that the day needs and that are not written to the end.
    pub incomplete: Vec<BillingDay>,
}

/// The files of the partitions that a day's hours touch.
pub(super) fn files_of_day(job: &Job, listing: &Listing, day: BillingDay) -> Result<DayFiles, SettleError> {
    let usage = &job.inputs.usage.partitions;
    let mut found = DayFiles::default();
    for partition in partitions::partitions_of(&job.calendar, usage.zone, day)? {
        match listing.partitions.get(&partition).filter(|files| !files.is_empty()) {
            Some(files) => found
                .files
                .extend(files.iter().map(|object| (partition, object.clone()))),
            None => found.missing.push(partition),
        }
        found.incomplete.extend(listing.incomplete.get(&partition));
    }
    found.files.sort_by(|a, b| a.1.path.cmp(&b.1.path));
    Ok(found)
}

/// Refuses a day without a partition that it needs.
pub(super) fn missing_partition(job: &Job, day: BillingDay, found: &DayFiles) -> Result<(), SettleError> {
    match found.missing.first() {
        None => Ok(()),
        Some(partition) => Err(SettleError::MissingPartition {
            day,
            partition: *partition,
            url: job.inputs.usage.partitions.location.to_string(),
        }),
    }
}

/// Refuses a day with a partition that is not written to the end.
pub(super) fn incomplete_partition(job: &Job, day: BillingDay, found: &DayFiles) -> Result<(), SettleError> {
    match found.incomplete.first() {
        None => Ok(()),
        Some(partition) => Err(SettleError::IncompletePartition {
            day,
            source: IncompletePartition {
                partition: *partition,
                url: job.inputs.usage.partitions.location.to_string(),
            },
        }),
    }
}

/// Refuses a day with fewer accepted rows than `min_day_ratio` of the mean of the settled days before.
pub(super) fn thin_day(job: &Job, ledger: &Ledger, day: BillingDay, accepted: u64) -> Result<(), SettleError> {
    let before = ledger.recent_accepted_rows(day, THIN_DAY_WINDOW)?;
    if before.is_empty() {
        return Ok(());
    }
    let days = before.len() as u128;
    let sum: u128 = before.iter().map(|rows| u128::from(*rows)).sum();
    let scale = 1_000_000 * days;
    let least = (u128::from(job.min_day_ratio_millionths) * sum).div_ceil(scale);
    if u128::from(accepted) >= least {
        return Ok(());
    }
    Err(SettleError::ThinDay {
        day,
        rows: accepted,
        days: before.len(),
        mean: u64::try_from(sum / days).expect("a mean of u64 fits u64"),
        least: u64::try_from(least).expect("a part of a mean of u64 fits u64"),
    })
}

/// Refuses a day that would newly suspend or remove more accounts than the job allows.
pub(super) fn too_many_suspensions(job: &Job, day: BillingDay, stopped: Stopped) -> Result<(), SettleError> {
    if stopped.count <= job.max_new_suspensions {
        return Ok(());
    }
    Err(SettleError::TooManySuspensions {
        day,
        count: stopped.count,
        limit: job.max_new_suspensions,
        accounts: stopped.named,
    })
}

/// Refuses a day with more rejects, of all inputs together, than the job tolerates, after writing some of them down.
pub(super) fn too_many_rejects(
    job: &Job,
    rejects: &[&Rejects],
    context: RowContext<'_>,
    out: Option<&Path>,
) -> Result<(), SettleError> {
    let total = rejects.iter().map(|rejects| rejects.total()).sum();
    if total <= job.max_rejected_rows {
        return Ok(());
    }
    let day = context.day;
    let out = out.map_or_else(|| PathBuf::from(format!("rejects-{day}.parquet")), Path::to_path_buf);
    let all = rejects.iter().flat_map(|rejects| &rejects.rows);
    let shown: Vec<Reject> = all.take(REJECTS_SHOWN).cloned().collect();
    let mut rows = RowsBuilder::new(context);
    rows.push_rejects(&shown);
    let bytes = parts::encode_file(Table::Rejects, &rows.finish().batches[Table::Rejects.position()]);
    let written = match std::fs::write(&out, bytes) {
        Ok(()) => format!("{} of them are in {}", shown.len(), out.display()),
        Err(error) => format!("they could not be written to {}: {error}", out.display()),
    };
    Err(SettleError::TooManyRejects {
        day,
        total,
        counts: Reason::ALL
            .into_iter()
            .enumerate()
            .map(|(at, reason)| (reason, rejects.iter().map(|rejects| rejects.counts[at]).sum()))
            .filter(|(_, count)| *count > 0)
            .collect(),
        limit: job.max_rejected_rows,
        written,
    })
}
