//! `verify`: the laws of SPEC section 4, checked from the outputs alone.
//!
//! Independent of the code that wrote: it knows the tables by their names and columns as the contract gives them, reads
//! them through polars, and shares nothing with the rules or the encoders. A batch is checked against the one
//! before it, so that the cost does not grow with history; checking every batch in order checks all of it.

mod bytes;
mod decisions;
mod frames;
mod laws;
mod offenders;

use crate::store::StoreError;
use crate::units::digest::sha256_hex;
use polars::prelude::PolarsError;

use super::batch::{Ledger, LedgerError};
use super::record::{BatchId, CommitRecord};
use bytes::{Difference, TableBytes};
use frames::{AccountRange, ranges};
use laws::{Finding, Scope};
use offenders::describe;

/// How many offenders of a law are named.
const OFFENDERS_NAMED: usize = 5;

/// Which batches to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The last batch against the one before.
    Last,
    /// Every batch in order.
    All,
}

/// What a law says, found on one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The batch.
    pub batch: BatchId,
    /// The law's number in SPEC section 4.
    pub law: u8,
    /// What it says.
    pub statement: &'static str,
    /// How many of what were checked.
    pub checked: u64,
    /// What was counted: `lines`, `grants`, …
    pub unit: &'static str,
    /// How many break the law.
    pub broken: u64,
    /// The first of them, for people.
    pub offenders: Vec<String>,
}

/// What the checked batches add up to, as the outputs have it: each table's sums over their rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// Rows in `usage_daily`.
    pub rows: i128,
    /// Seconds in `usage_daily`.
    pub seconds: i128,
    /// Minutes in `bill_lines`.
    pub minutes: i128,
    /// Free minutes in `bill_lines`.
    pub free_minutes: i128,
    /// Package minutes in `bill_lines`.
    pub package_minutes: i128,
    /// Priced minutes in `bill_lines`.
    pub payg_minutes: i128,
    /// Unbilled minutes in `bill_lines`.
    pub unbilled_minutes: i128,
    /// `amount` of `bill_lines`, in 10^-9.
    pub line_amounts: i128,
    /// `exact` of `bills`, in 10^-9.
    pub exact: i128,
    /// `amount` of `bills`, in cents.
    pub amount: i128,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The batches that were checked, ascending.
    pub batches: Vec<BatchId>,
    /// One verdict per batch and law: batches ascending, laws in their order.
    pub verdicts: Vec<Verdict>,
    /// What those batches add up to.
    pub sums: Sums,
    /// The last batch, when it is committed and its files are still where they were staged: the next run publishes it.
    pub unpublished: Option<BatchId>,
}

impl Report {
    /// Whether every law holds.
    pub fn holds(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.broken == 0)
    }
}

/// Why the outputs cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is nothing to check (exit 2).
    #[error("the ledger in {0} is empty: nothing is settled yet")]
    Empty(String),
    /// The ledger itself.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The store (exit 5).
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A table file is no readable Parquet, or lacks a column (exit 1: law 7 or the schema is broken).
    #[error("{path}: {message}")]
    Unreadable {
        /// The file, relative to the output.
        path: String,
        /// What the reader said.
        message: String,
    },
    /// A query failed (exit 1).
    #[error("a check could not be computed: {0}")]
    Query(#[from] PolarsError),
}

/// Checks the laws.
///
/// # Errors
/// [`VerifyError`] when outputs cannot be read at all; a broken law is no error but a verdict.
pub fn verify(ledger: &Ledger, extent: Extent) -> Result<Report, VerifyError> {
    let batches = ledger.batches();
    let Some(last) = batches.len().checked_sub(1) else {
        return Err(VerifyError::Empty(ledger.store().location().to_string()));
    };
    let first = match extent {
        Extent::Last => last,
        Extent::All => 0,
    };
    let mut report = Report::default();
    let mut previous = first
        .checked_sub(1)
        .map(|before| readable_record(ledger, before))
        .transpose()?;
    for (position, &batch) in batches.iter().enumerate().skip(first) {
        let record = readable_record(ledger, position)?;
        let table_bytes = TableBytes::new(ledger.store());
        let (mut files, missing) = check_files(&table_bytes, batch, &record)?;
        if let Some(broken) = broken_chain(ledger, position, &record)? {
            files.broken += 1;
            files.offenders.push(broken);
        }
        if !missing {
            let subject = Subject {
                ledger,
                files: &table_bytes,
                position,
                record: &record,
                previous: previous.as_ref(),
            };
            match subject.check_tables(&mut report.sums) {
                Ok(found) => report.verdicts.extend(found),
                // A file that is not as recorded need not be readable either.
                Err(VerifyError::Unreadable { path, message }) if files.broken > 0 => {
                    files.offenders.push(format!("{path} cannot be read: {message}"));
                }
                // This batch's own files are there; what it is held against is not.
                Err(VerifyError::Store(StoreError::NotFound { path })) => {
                    files.broken += 1;
                    files.offenders.push(format!("{path} of the batch before is missing"));
                }
                Err(error) => return Err(error),
            }
        }
        report.verdicts.push(files);
        report.batches.push(batch);
        previous = Some(record);
    }
    let all_there = report
        .verdicts
        .iter()
        .all(|verdict| verdict.law != 7 || verdict.broken == 0);
    if extent == Extent::All && all_there {
        report.verdicts.push(check_history(ledger)?);
    }
    report.unpublished = if ledger.is_published(batches[last])? {
        None
    } else {
        Some(batches[last])
    };
    Ok(report)
}

/// A batch's record, its files where they are: at their final names, or still staged when the last batch is not published yet.
fn readable_record(ledger: &Ledger, position: usize) -> Result<CommitRecord, LedgerError> {
    let batches = ledger.batches();
    let mut record = ledger.record(batches[position])?;
    if position + 1 == batches.len() && !ledger.is_published(batches[position])? {
        for file in &mut record.files {
            if ledger.store().head(&file.path)?.is_none() {
                file.path.clone_from(&file.staged);
            }
        }
    }
    Ok(record)
}

/// Each record names the one before it and its digest: one that was edited or lost is seen by the next.
fn broken_chain(ledger: &Ledger, position: usize, record: &CommitRecord) -> Result<Option<String>, VerifyError> {
    let before = position.checked_sub(1).map(|before| ledger.batches()[before]);
    let broken = match (before, &record.previous) {
        (None, None) => None,
        (Some(before), Some(named)) if before.to_string() == named.batch => {
            let bytes = ledger.store().get(&format!("_batches/{before}.json"))?;
            (sha256_hex(&bytes) != named.digest)
                .then(|| format!("_batches/{before}.json is not as {} knew it", record.batch))
        }
        (_, named) => {
            let named = named.as_ref().map_or("no batch", |named| &named.batch);
            let before = before.map_or("none".to_owned(), |before| before.to_string());
            Some(format!(
                "{} follows {named}, but the ledger has {before} before it",
                record.batch
            ))
        }
    };
    Ok(broken)
}

/// Law 3 over all batches.
fn check_history(ledger: &Ledger) -> Result<Verdict, VerifyError> {
    let records: Result<Vec<CommitRecord>, LedgerError> = (0..ledger.batches().len())
        .map(|position| readable_record(ledger, position))
        .collect();
    let records = records?;
    let records: Vec<&CommitRecord> = records.iter().collect();
    let mut verdict = Verdict {
        batch: *ledger.batches().last().expect("an empty ledger is refused before"),
        law: 3,
        statement: "used = opening + the deductions of every batch",
        checked: 0,
        unit: "grants",
        broken: 0,
        offenders: Vec::new(),
    };
    let files = TableBytes::new(ledger.store());
    for range in ranges(&records) {
        verdict.add(laws::used_over_history(&files, &records, range)?)?;
    }
    Ok(verdict)
}

/// Records of earlier batches that settle days which this batch has rows of (a correction): their sums are checked together.
fn earlier_batches_touched(
    ledger: &Ledger,
    earlier: &[BatchId],
    record: &CommitRecord,
) -> Result<Vec<CommitRecord>, LedgerError> {
    let first_day = record
        .files
        .iter()
        .filter_map(|file| file.days.as_ref())
        .map(|(first, _)| first)
        .min();
    let Some(first_day) = first_day.filter(|day| **day < record.day) else {
        return Ok(Vec::new());
    };
    earlier
        .iter()
        .filter(|id| id.day.to_string() >= *first_day)
        .map(|id| ledger.record(*id))
        .collect()
}

type Law = fn(&Scope<'_>, AccountRange) -> Result<Finding, VerifyError>;

/// Laws 1 to 5: number, what is counted, statement, query.
const TABLE_LAWS: [(u8, &str, &str, Law); 9] = [
    (
        1,
        "lines",
        "minutes = free + package + payg + unbilled",
        |scope, range| scope.minutes_add_up(range),
    ),
    (
        2,
        "lines",
        "free and package minutes = the line's deductions",
        |scope, range| scope.minutes_are_deducted(range),
    ),
    (
        3,
        "grants",
        "quota = used + balance >= 0, used = opening + all deductions",
        |scope, range| scope.grants_balance(range),
    ),
    (
        4,
        "bills",
        "bill = sum of its lines, rounded half-up to cents",
        |scope, range| scope.bills_add_up(range),
    ),
    (4, "lines", "amount = quantity x unit_price / per", |scope, range| {
        scope.lines_are_priced(range)
    }),
    (
        5,
        "accounts",
        "closing = opening + paid - charged, opening = the previous closing",
        |scope, range| scope.balances_chain(range),
    ),
    (4, "refunds", "what is refunded is credited", |scope, range| {
        scope.refunds_are_credited(range)
    }),
    (
        5,
        "accounts",
        "state, its dates and the billing time agree",
        |scope, range| scope.states_fit_dates(range),
    ),
    (5, "states", "an account's flags say its state", |scope, range| {
        scope.flags_say_the_state(range)
    }),
];

/// A batch that is being checked.
struct Subject<'a> {
    ledger: &'a Ledger,
    files: &'a TableBytes<'a>,
    position: usize,
    record: &'a CommitRecord,
    previous: Option<&'a CommitRecord>,
}

impl Subject<'_> {
    fn check_tables(&self, sums: &mut Sums) -> Result<Vec<Verdict>, VerifyError> {
        let (batch, earlier) = (
            self.ledger.batches()[self.position],
            &self.ledger.batches()[..self.position],
        );
        let touched = earlier_batches_touched(self.ledger, earlier, self.record)?;
        let records: Vec<&CommitRecord> = touched.iter().chain([self.record]).collect();
        let scope = Scope {
            files: self.files,
            records: &records,
            batch: self.record,
            previous: self.previous,
            earlier: &|| earlier.iter().map(|id| self.ledger.record(*id)).collect(),
        };
        let snapshots: Vec<&CommitRecord> = records.iter().copied().chain(self.previous).collect();
        let mut verdicts: Vec<Verdict> = TABLE_LAWS
            .iter()
            .map(|(law, unit, statement, _)| Verdict {
                batch,
                law: *law,
                statement,
                checked: 0,
                unit,
                broken: 0,
                offenders: Vec::new(),
            })
            .collect();
        let before = *sums;
        for range in ranges(&snapshots) {
            for (verdict, (_, _, _, check)) in verdicts.iter_mut().zip(TABLE_LAWS) {
                verdict.add(check(&scope, range)?)?;
            }
            scope.add_sums(range, sums)?;
        }
        let usage = [sums.rows - before.rows, sums.seconds - before.seconds];
        verdicts.push(check_control_totals(&scope, batch, usage)?);
        Ok(verdicts)
    }
}

impl Verdict {
    /// Adds what was found in a range of accounts.
    fn add(&mut self, found: Finding) -> Result<(), PolarsError> {
        self.checked += found.checked;
        self.broken += found.offenders.height() as u64;
        let room = OFFENDERS_NAMED - self.offenders.len();
        self.offenders.extend(describe(&found.offenders, room)?);
        Ok(())
    }
}

/// Law 6: rows and seconds of the day are those in `usage_daily` and `rejects`.
fn check_control_totals(scope: &Scope<'_>, batch: BatchId, usage: [i128; 2]) -> Result<Verdict, VerifyError> {
    let [rejected_rows, rejected_seconds] = scope.reject_totals()?;
    let totals = &scope.batch.totals;
    // Rejects of inputs that are no usage stand in the same table.
    let rejected_rows_of_others = totals.all_rejected_rows() - totals.rejected_rows;
    let rejected_rows = rejected_rows - i128::from(rejected_rows_of_others);
    let figures = [
        ("rows", i128::from(totals.rows), usage[0], rejected_rows),
        ("seconds", i128::from(totals.seconds), usage[1], rejected_seconds),
    ];
    let offenders: Vec<String> = figures
        .iter()
        .filter(|(_, recorded, used, rejected)| *recorded != used + rejected)
        .map(|(what, recorded, used, rejected)| {
            format!("{what}: the commit record says {recorded}, usage_daily has {used} and rejects {rejected}")
        })
        .collect();
    Ok(Verdict {
        batch,
        law: 6,
        statement: "rows and seconds of the day = usage_daily + rejects",
        checked: totals.rows,
        unit: "rows",
        broken: offenders.len() as u64,
        offenders,
    })
}

/// Law 7: every file that the commit record names exists with its recorded size and hash. Also says whether any is missing:
/// then the tables cannot be summed.
fn check_files(files: &TableBytes<'_>, batch: BatchId, record: &CommitRecord) -> Result<(Verdict, bool), VerifyError> {
    let wrong = files.differences(record)?;
    let missing = wrong.values().any(|difference| *difference == Difference::Missing);
    let verdict = Verdict {
        batch,
        law: 7,
        statement: "every file of the commit record is there, with its size and hash",
        checked: record.files.len() as u64,
        unit: "files",
        broken: wrong.len() as u64,
        offenders: wrong
            .iter()
            .take(OFFENDERS_NAMED)
            .map(|(path, difference)| format!("{path} {difference}"))
            .collect(),
    };
    Ok((verdict, missing))
}
