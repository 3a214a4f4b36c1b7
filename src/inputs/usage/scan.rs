//! The scan: footers first, then row groups shared out over threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chrono_tz::Tz;

use crate::catalog::book::Book;
use crate::inputs::dimensions::AccountIndex;
use crate::inputs::rejects::{RejectKeeper, Rejects};
use crate::rules::account_day::DeductionPeriod;
use crate::store::Object;
use crate::units::calendar::{Calendar, OutsideCalendar, start_of_date};
use crate::units::quantity::{BillingDay, Instant};

use super::ahead::Ahead;
use super::bounds::MAX_ROWS;
use super::columns::Role;
use super::error::ScanError;
use super::footer::{RowGroup, UsageFile, read_footer, room_for_footers};
use super::group_bytes::GroupBytes;
use super::groups::{Groups, Runs, Table};
use super::ids;
use super::judge::Rules;
use super::many::for_each_file;
use super::plan::Plan;
use super::row_group::{Found, LargePages, Sums, read_row_group};
use super::source::{RangeReader, Source};

/// How many rejected rows are kept at least.
const KEPT_REJECTS: u64 = 10_000;

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
    /// The accounts known at the day's billing time: [`RegisteredBy`].
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

/// Which accounts there are, to a scan.
pub trait KnownAccounts: Sync {
    /// The position of an account in account order; None when it is not known at the day's billing time.
    fn position(&self, account_id: i64) -> Option<u32>;
}

/// The accounts of an index that had registered by an instant: SPEC 3, an account registered later is unknown.
#[derive(Clone, Copy)]
pub struct RegisteredBy<'a> {
    index: &'a AccountIndex,
    by: Instant,
}

impl<'a> RegisteredBy<'a> {
    /// Accounts registered at `by` or before.
    pub fn new(index: &'a AccountIndex, by: Instant) -> Self {
        Self { index, by }
    }
}

impl KnownAccounts for RegisteredBy<'_> {
    fn position(&self, account_id: i64) -> Option<u32> {
        let position = self.index.position(account_id)?;
        (self.index.registered_at(position) <= self.by).then_some(position)
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

/// Scans a day's usage on all threads of rayon's pool. The same result for any number of threads and any order of
/// files and rows.
///
/// # Errors
/// [`ScanError`] when a file is not what it should be (exit 3) or changed under the run (exit 5).
pub fn scan(request: &ScanRequest<'_>) -> Result<Scan, ScanError> {
    let room = room_for_footers();
    let files = for_each_file(request.reader.as_ref(), request.files, |(date, object)| {
        let rules = rules(request, *date)?;
        let source = Source::new(Arc::clone(request.reader), object.clone());
        Ok((read_footer(source, &room, &Role::ALL)?, rules))
    });
    // All of them, then the first error: the same one every time.
    let files = files.into_iter().collect::<Result<Vec<_>, ScanError>>()?;
    check_total_rows(&files)?;
    let work = Work::new(request, &files);
    let threads = rayon::current_num_threads().min(work.tasks.len());
    rayon::scope(|scope| (0..threads).for_each(|_| scope.spawn(|_| work.run())));
    work.finish()
}

fn rules<'a>(request: &ScanRequest<'a>, date: BillingDay) -> Result<Rules<'a>, ScanError> {
    let zone = request.partition_zone;
    let next = date.checked_add_days(1).ok_or(OutsideCalendar)?;
    Ok(Rules {
        book: request.book,
        accounts: request.accounts,
        day: (
            request.calendar.start_of(request.day)?,
            request.calendar.end_of(request.day)?,
        ),
        partition: (start_of_date(zone, date)?, start_of_date(zone, next)?),
        is_own_partition: date == request.day,
        by_period: request.deduction_period == DeductionPeriod::FiveMinutes,
    })
}

/// So many rows that no sum of them can leave 64 bits.
fn check_total_rows(files: &[(UsageFile, Rules<'_>)]) -> Result<(), ScanError> {
    let mut total = 0_u64;
    for (file, _) in files {
        total = total
            .checked_add(file.rows)
            .filter(|total| *total <= MAX_ROWS)
            .ok_or_else(|| ScanError::OutOfRange {
                file: file.source.path().to_owned(),
                what: "sum of seconds",
            })?;
    }
    Ok(())
}

/// The row groups of a scan, and what has been found in them.
struct Work<'a> {
    request: &'a ScanRequest<'a>,
    files: &'a [(UsageFile, Rules<'a>)],
    /// Positions of files and their row groups, in order.
    tasks: Vec<(usize, &'a RowGroup)>,
    next: AtomicUsize,
    /// Reads the row groups of the tasks ahead, where the store is worth it.
    ahead: Option<Ahead>,
    large_pages: Arc<LargePages>,
    runs: Runs,
    totals: Mutex<Totals>,
}

struct Totals {
    files: Vec<FileTotals>,
    rejects: RejectKeeper,
    row_groups_by_value: u64,
    /// The error of the earliest task that failed.
    error: Option<(usize, ScanError)>,
}

impl<'a> Work<'a> {
    fn new(request: &'a ScanRequest<'a>, files: &'a [(UsageFile, Rules<'a>)]) -> Self {
        let tasks = files.iter().enumerate();
        let tasks = tasks.flat_map(|(at, (file, _))| file.row_groups.iter().map(move |group| (at, group)));
        let tasks: Vec<(usize, &RowGroup)> = tasks.collect();
        let totals = Totals {
            files: files
                .iter()
                .map(|(file, _)| FileTotals {
                    rows: file.rows,
                    ..FileTotals::default()
                })
                .collect(),
            rejects: RejectKeeper::new(kept_rejects(request)),
            row_groups_by_value: 0,
            error: None,
        };
        Self {
            request,
            files,
            ahead: read_ahead(request, files, &tasks),
            tasks,
            next: AtomicUsize::new(0),
            large_pages: Arc::default(),
            runs: Runs::default(),
            totals: Mutex::new(totals),
        }
    }

    /// What each thread does: row groups in order, until there are none or one has failed. All tasks before a failed
    /// one have been begun and are finished, so that the earliest error is the same every time.
    fn run(&self) {
        let mut table = Table::default();
        let mut scratch = match self.request.way {
            Way::OnIds => self.files.first().map(|(_, rules)| ids::Scratch::new(rules)),
            Way::ByValue => None,
        };
        loop {
            let task = self.next.fetch_add(1, Ordering::Relaxed);
            let Some((at, group)) = self.tasks.get(task) else { break };
            let Some((file, rules)) = self.files.get(*at) else {
                break;
            };
            let sums = Sums {
                table: &mut table,
                runs: &self.runs,
                keep_rejects: kept_rejects(self.request),
                large_pages: &self.large_pages,
                progress: self.request.progress,
            };
            let parts = self.ahead.as_ref().map(|ahead| ahead.begin(task));
            let bytes = GroupBytes::new(Arc::clone(&file.source), group, parts);
            let outcome = read_row_group(file, group, bytes, *rules, sums, scratch.as_mut());
            let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
            let outcome = outcome.and_then(|found| {
                totals.add(*at, found).ok_or_else(|| ScanError::OutOfRange {
                    file: file.source.path().to_owned(),
                    what: "sum of seconds",
                })
            });
            if let Err(error) = outcome
                && totals.error.as_ref().is_none_or(|(earliest, _)| task < *earliest)
            {
                totals.error = Some((task, error));
            }
            if totals.error.is_some() {
                return;
            }
        }
        self.runs.push(table.drain());
    }

    fn finish(self) -> Result<Scan, ScanError> {
        let totals = self.totals.into_inner().unwrap_or_else(PoisonError::into_inner);
        match totals.error {
            Some((_, error)) => Err(error),
            None => Ok(Scan {
                groups: self.runs.into_groups(),
                rejects: totals.rejects.finish(),
                files: totals.files,
                row_groups_by_value: totals.row_groups_by_value,
            }),
        }
    }
}

/// Begins to read the row groups ahead, where the store is worth it.
fn read_ahead(
    request: &ScanRequest<'_>,
    files: &[(UsageFile, Rules<'_>)],
    tasks: &[(usize, &RowGroup)],
) -> Option<Ahead> {
    let limits = request.reader.read_ahead()?;
    let parts = tasks.iter().filter_map(|(at, group)| {
        let (file, _) = files.get(*at)?;
        Some((Arc::clone(&file.source), Plan::new(group, Some(limits)).into_reads()))
    });
    Some(Ahead::start(limits, parts.collect()))
}

impl Totals {
    /// Adds what a row group of a file held. None when a sum leaves 64 bits.
    fn add(&mut self, at: usize, found: Found) -> Option<()> {
        self.row_groups_by_value += u64::from(found.way == Way::ByValue);
        let file = self.files.get_mut(at)?;
        file.accepted_rows = file.accepted_rows.checked_add(found.accepted_rows)?;
        file.accepted_seconds = file.accepted_seconds.checked_add(found.accepted_seconds)?;
        file.day_rows = file
            .day_rows
            .checked_add(found.accepted_rows)?
            .checked_add(found.rejected_rows)?;
        self.rejects.absorb(found.rejects)
    }
}

/// How many rejected rows a scan keeps.
pub(super) fn kept_rejects(request: &ScanRequest<'_>) -> usize {
    usize::try_from(request.max_rejected_rows.max(KEPT_REJECTS)).unwrap_or(usize::MAX)
}
