//! Reading one input for a batch: which partitions it needs, and what was found in them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use chrono_tz::Tz;

use crate::catalog::book::{Book, Item, ItemKind, TierId};
use crate::inputs::owners::KnownAccounts;
use crate::inputs::parquet::columns::Needed;
use crate::inputs::parquet::footer::ParquetFile;
use crate::inputs::parquet::row_groups::{self};
use crate::inputs::parquet::source::RangeReader;
use crate::inputs::partitions::partitions_of;
use crate::inputs::rejects::{Rejects, kept_rejects};
use crate::inputs::usage::{FileTotals, ScanError};
use crate::job::{Job, PartitionedInput};
use crate::rules::facts::Measured;
use crate::rules::measured::{is_billed_on, period_of};
use crate::store::Object;
use crate::units::calendar::{Calendar, OutsideCalendar, start_of_date};
use crate::units::quantity::{BillingDay, Instant, SdkAppId};

use super::judge::{FileRules, Period, Tally, name_of};
use super::{logins, relay, screenshots};
use crate::inputs::distinct::shards::SHARDS;

/// What the entries of one pass may take.
const BUDGET_BYTES: usize = 448 << 20;

/// An input whose items are no durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    /// Bandwidth samples of relay tasks: items of kind peak.
    Relay,
    /// Images: items of kind count.
    Screenshots,
    /// Logins: items of kind unique.
    Logins,
}

impl Input {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Relay, Self::Screenshots, Self::Logins];

    /// Its key in the job's `[inputs]`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Screenshots => "screenshots",
            Self::Logins => "logins",
        }
    }

    /// Where the job has it; None: it does not.
    pub fn of_job(self, job: &Job) -> Option<&PartitionedInput> {
        match self {
            Self::Relay => job.inputs.relay.as_ref(),
            Self::Screenshots => job.inputs.screenshots.as_ref(),
            Self::Logins => job.inputs.logins.as_ref(),
        }
    }

    /// Whether it feeds items of this kind.
    pub fn feeds(self, kind: &ItemKind) -> bool {
        match self {
            Self::Relay => matches!(kind, ItemKind::Peak { .. }),
            Self::Screenshots => matches!(kind, ItemKind::Count { .. }),
            Self::Logins => matches!(kind, ItemKind::Unique),
        }
    }

    fn columns(self) -> &'static [Needed] {
        match self {
            Self::Relay => &relay::COLUMNS,
            Self::Screenshots => &screenshots::COLUMNS,
            Self::Logins => &logins::COLUMNS,
        }
    }
}

/// What to read, and for which batch.
#[derive(Clone, Copy)]
pub struct MeasuredRequest<'a> {
    /// Which input.
    pub input: Input,
    /// Reads it: a [`Store`](crate::store::Store).
    pub reader: &'a Arc<dyn RangeReader>,
    /// The files of [`partitions_needed`], each with the date of its partition.
    pub files: &'a [(BillingDay, Object)],
    /// The zone of the partitions' dates.
    pub partition_zone: Tz,
    /// The job's calendar.
    pub calendar: &'a Calendar,
    /// The billing day.
    pub day: BillingDay,
    /// Items and tiers.
    pub book: &'a Book,
    /// The accounts known at the day's billing time.
    pub accounts: &'a dyn KnownAccounts,
    /// `max_rejected_rows` of the job: how many rejected rows are kept (at least 10,000).
    pub max_rejected_rows: u64,
    /// Told how many rows have been read since the last call, now and then, from any thread.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// What one account has to pay for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// The account's position in account order.
    pub account: u32,
    /// What was measured.
    pub measured: Measured,
}

/// What a batch's files of an input came to.
#[derive(Debug)]
pub struct Found {
    /// Sorted by account, app and tier, one figure per key.
    pub figures: Vec<Figure>,
    /// Rows that break a rule.
    pub rejects: Rejects,
    /// Control totals, file by file in the order of the request.
    pub files: Vec<FileTotals>,
}

/// First and last day of what the batch of a day needs of an input: the month, where it bills a monthly item that the input
/// feeds; else the day, where it bills a daily one. None where it bills nothing of it.
fn days_needed(book: &Book, input: Input, day: BillingDay) -> Option<(BillingDay, BillingDay)> {
    let fed = book.items.iter().filter(|item| input.feeds(&item.kind));
    fed.filter(|item| is_billed_on(item, day))
        .map(|item| period_of(item, day))
        .min()
}

/// The dates of the partitions that the batch of a day needs of an input, ascending; none where it bills nothing of it.
///
/// # Errors
/// [`OutsideCalendar`] at the ends of the calendar.
pub fn partitions_needed(
    book: &Book,
    input: Input,
    calendar: &Calendar,
    zone: Tz,
    day: BillingDay,
) -> Result<Vec<BillingDay>, OutsideCalendar> {
    let mut dates = Vec::new();
    let mut days = days_needed(book, input, day);
    while let Some((first, last)) = days {
        dates.extend(partitions_of(calendar, zone, first)?);
        let next = first.checked_add_days(1).filter(|next| *next <= last);
        days = next.map(|next| (next, last));
    }
    dates.sort_unstable();
    dates.dedup();
    Ok(dates)
}

/// Reads an input on all threads of rayon's pool. The same result for any number of threads and any order of files and rows.
///
/// # Errors
/// [`ScanError`] when a file is not what it should be (exit 3) or changed under the run (exit 5).
pub fn read(request: &MeasuredRequest<'_>) -> Result<Found, ScanError> {
    read_within(request, BUDGET_BYTES)
}

/// As [`read`], with entries of at most so many bytes in memory.
pub(super) fn read_within(request: &MeasuredRequest<'_>, budget: usize) -> Result<Found, ScanError> {
    let Some(reading) = Reading::open(request, budget)? else {
        return Ok(Found {
            figures: Vec::new(),
            rejects: Rejects::default(),
            files: vec![FileTotals::default(); request.files.len()],
        });
    };
    let (mut figures, tally) = match request.input {
        Input::Relay => relay::read(&reading)?,
        Input::Screenshots => screenshots::read(&reading)?,
        Input::Logins => logins::read(&reading)?,
    };
    figures.sort_unstable_by_key(|figure| (figure.account, figure.measured.app, figure.measured.tier));
    let totals = reading.files.iter().zip(&tally.rows);
    Ok(Found {
        figures,
        rejects: tally.rejects.finish(),
        files: totals
            .map(|(file, (accepted, rejected))| FileTotals {
                rows: file.rows,
                day_rows: accepted + rejected,
                accepted_rows: *accepted,
                accepted_seconds: 0,
            })
            .collect(),
    })
}

/// An input whose files are open.
pub(super) struct Reading<'a> {
    pub book: &'a Book,
    pub accounts: &'a dyn KnownAccounts,
    pub period: Period,
    pub files: Vec<ParquetFile>,
    /// By position of the file.
    pub rules: Vec<FileRules>,
    /// Items that the input feeds and the batch bills.
    pub billed: Vec<&'a Item>,
    pub budget: usize,
    keep_rejects: usize,
    progress: &'a (dyn Fn(u64) + Sync),
}

/// A partition: its files by position, and the instant at which its date ends.
pub(super) struct Partition<'r> {
    pub files: Vec<(usize, &'r ParquetFile)>,
    pub end: Instant,
}

impl<'a> Reading<'a> {
    /// None when the batch needs nothing of the input.
    fn open(request: &MeasuredRequest<'a>, budget: usize) -> Result<Option<Self>, ScanError> {
        let (book, calendar, day) = (request.book, request.calendar, request.day);
        let Some((first, last)) = days_needed(book, request.input, day) else {
            return Ok(None);
        };
        let whole = (calendar.start_of(first)?, calendar.end_of(last)?);
        let mut rules = Vec::with_capacity(request.files.len());
        for (date, object) in request.files {
            let next = date.checked_add_days(1).ok_or(OutsideCalendar)?;
            let zone = request.partition_zone;
            rules.push(FileRules {
                name: name_of(request.input, &object.path),
                partition: (start_of_date(zone, *date)?, start_of_date(zone, next)?),
                is_of_period: first <= *date && *date <= last,
            });
        }
        let objects = request.files.iter().map(|(_, object)| object);
        let items = book.items.iter().filter(|item| request.input.feeds(&item.kind));
        Ok(Some(Self {
            book,
            accounts: request.accounts,
            period: Period {
                whole,
                day: (calendar.start_of(day)?, calendar.end_of(day)?),
            },
            files: row_groups::open(request.reader, objects, request.input.columns())?,
            rules,
            billed: items.filter(|item| is_billed_on(item, day)).collect(),
            budget,
            keep_rejects: kept_rejects(request.max_rejected_rows),
            progress: request.progress,
        }))
    }

    /// All files.
    pub(super) fn all(&self) -> Vec<(usize, &ParquetFile)> {
        self.files.iter().enumerate().collect()
    }

    /// The partitions in the order of time.
    pub(super) fn partitions(&self) -> Vec<Partition<'_>> {
        let mut by_end: BTreeMap<_, Vec<(usize, &ParquetFile)>> = BTreeMap::new();
        for ((at, file), rules) in self.files.iter().enumerate().zip(&self.rules) {
            by_end.entry(rules.partition.1).or_default().push((at, file));
        }
        by_end
            .into_iter()
            .map(|(end, files)| Partition { files, end })
            .collect()
    }

    /// An empty tally, for a thread of the first pass or of a later one.
    pub(super) fn tally(&self, pass: &Pass) -> Tally {
        Tally::new(self.files.len(), self.keep_rejects, pass.is_first())
    }

    /// Who is told of rows: only the first pass tells, the others read the same.
    pub(super) fn progress(&self, pass: &Pass) -> &(dyn Fn(u64) + Sync) {
        if pass.is_first() { self.progress } else { &|_| {} }
    }
}

/// Which shards a pass over the files is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pass(pub Range<usize>);

impl Pass {
    /// All that there is.
    pub(super) fn first() -> Self {
        Self(0..SHARDS)
    }

    fn is_first(&self) -> bool {
        self.0.start == 0
    }

    /// The pass that follows one in which the shards `done` fitted into memory: it takes on as many of the shards after them. None
    /// when all shards are done.
    pub(super) fn after(&self, done: &Range<usize>) -> Option<Self> {
        (done.end < SHARDS).then(|| Self(done.end..(done.end + done.len()).min(SHARDS)))
    }
}

/// The figure of an account as a whole, or of an app.
pub(super) fn figure(account: u32, app: SdkAppId, tier: TierId, figure: i64) -> Figure {
    Figure {
        account,
        measured: Measured {
            app,
            tier,
            figure,
            charged: None,
        },
    }
}
