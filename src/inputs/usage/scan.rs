//! The scan: usage files in, sums by account, app, tier and period out.

use crate::inputs::parquet::error::{Fault, FileError};
use crate::inputs::parquet::footer::ParquetFile;
use crate::inputs::parquet::row_groups::{Batch as Rows, OpenGroup, Sink, open, read};
use crate::inputs::rejects::RejectKeeper;
use crate::rules::account_day::DeductionPeriod;
use crate::units::calendar::{OutsideCalendar, start_of_date};
use crate::units::quantity::BillingDay;

use super::columns::COLUMNS;
use super::error::ScanError;
use super::groups::{Runs, Table};
use super::ids;
use super::judge::{Batch, Judge, Rules, Verdict};
use super::request::{FileTotals, Scan, ScanRequest, Way};
use super::sums::Sums;

/// Scans a day's usage on all threads of rayon's pool. The same result for any number of threads and any order of
/// files and rows.
///
/// # Errors
/// [`ScanError`] when a file is not what it should be (exit 3) or changed under the run (exit 5).
pub fn scan(request: &ScanRequest<'_>) -> Result<Scan, ScanError> {
    let rules = request.files.iter().map(|(date, _)| rules(request, *date));
    let rules = rules.collect::<Result<Vec<_>, ScanError>>()?;
    let objects = request.files.iter().map(|(_, object)| object);
    let files = open(request.reader, objects, &COLUMNS).map_err(|error| match error {
        // So many rows that a sum of their seconds could leave 64 bits.
        FileError::TooManyRows { file } => ScanError::OutOfRange {
            file,
            what: "sum of seconds",
        },
        error => error.into(),
    })?;
    let runs = Runs::default();
    let new_sink = || Scanner::new(request, &rules, &runs);
    let opened: Vec<(usize, &ParquetFile)> = files.iter().enumerate().collect();
    let scanners = read(&opened, new_sink, request.progress)?;
    let mut scan = Scan {
        groups: Runs::default().into_groups(),
        rejects: RejectKeeper::new(0).finish(),
        files: files.iter().map(|file| FileTotals::of_rows(file.rows)).collect(),
        row_groups_by_value: 0,
    };
    let mut rejects = RejectKeeper::new(request.kept_rejects());
    for mut scanner in scanners {
        runs.push(scanner.table.drain());
        // `MAX_ROWS` bounds all sums.
        rejects.absorb(scanner.rejects).expect("MAX_ROWS bounds the sum");
        scan.row_groups_by_value += scanner.row_groups_by_value;
        for (file, more) in scan.files.iter_mut().zip(&scanner.files) {
            file.add(more);
        }
    }
    scan.groups = runs.into_groups();
    scan.rejects = rejects.finish();
    Ok(scan)
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

/// What one thread has found.
struct Scanner<'a> {
    request: &'a ScanRequest<'a>,
    /// By position of the file.
    rules: &'a [Rules<'a>],
    runs: &'a Runs,
    table: Table,
    /// Reads row groups on ids; None: all are read by value.
    scratch: Option<ids::Scratch<'a>>,
    /// Of the row group that is read by value.
    judge: Option<Judge<'a>>,
    files: Vec<FileTotals>,
    rejects: RejectKeeper,
    row_groups_by_value: u64,
}

impl<'a> Scanner<'a> {
    fn new(request: &'a ScanRequest<'a>, rules: &'a [Rules<'a>], runs: &'a Runs) -> Self {
        Self {
            request,
            rules,
            runs,
            table: Table::default(),
            scratch: match request.way {
                Way::OnIds => rules.first().map(ids::Scratch::new),
                Way::ByValue => None,
            },
            judge: None,
            files: vec![FileTotals::default(); rules.len()],
            rejects: RejectKeeper::new(request.kept_rejects()),
            row_groups_by_value: 0,
        }
    }

    /// Whether the row group could be summed on ids.
    fn read_on_ids(&mut self, group: &OpenGroup<'_>) -> Result<bool, Fault> {
        let Some(scratch) = &mut self.scratch else {
            return Ok(false);
        };
        let mut sums = Sums {
            table: &mut self.table,
            runs: self.runs,
            progress: self.request.progress,
        };
        match ids::read(group, &self.rules[group.position], &mut sums, scratch)? {
            ids::Outcome::Done { rows, seconds } => {
                let file = &mut self.files[group.position];
                file.day_rows += rows;
                file.accepted_rows += rows;
                file.accepted_seconds += seconds;
                Ok(true)
            }
            ids::Outcome::GaveUp => Ok(false),
        }
    }
}

impl Sink for Scanner<'_> {
    fn begin(&mut self, group: &OpenGroup<'_>) -> Result<bool, Fault> {
        if self.read_on_ids(group)? {
            return Ok(true);
        }
        self.row_groups_by_value += 1;
        self.judge = Some(Judge::new(self.rules[group.position]));
        Ok(false)
    }

    fn take(&mut self, mut rows: Rows) -> Result<(), Fault> {
        let batch = Batch::of(&mut rows)?;
        let path = &self.request.files[rows.file].1.path;
        let file = &mut self.files[rows.file];
        let judge = self.judge.as_mut().expect("the row group has begun");
        judge.begin(&batch);
        let too_large = || Fault::bad("the sum of seconds is out of range");
        for (row, number) in (0..rows.rows).zip(rows.first_row..) {
            match judge.judge(&batch, row) {
                Verdict::OtherDay => continue,
                Verdict::Accepted { key, seconds } => {
                    file.accepted_rows += 1;
                    file.accepted_seconds = file.accepted_seconds.checked_add(seconds).ok_or_else(too_large)?;
                    self.table.add(key, (seconds, 1));
                }
                Verdict::Rejected(reason) => {
                    self.rejects.count(reason, batch.seconds(row)).ok_or_else(too_large)?;
                    if self.rejects.wants(path, number) {
                        self.rejects.keep(batch.reject(row, path, number, reason));
                    }
                }
            }
            file.day_rows += 1;
        }
        if self.table.is_full() {
            self.runs.push(self.table.drain());
        }
        Ok(())
    }
}
